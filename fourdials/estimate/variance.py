"""What each trial scored, used and was → how much of the variance of scores each of those explains.

Rows come from the query `trial_spends`. Factors: tokens (their logarithm), tool calls (logarithm of one more), the
model, and the architecture (the strategy). Explained is the R² of ordinary least squares, shared out by Shapley values.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from fourdials.errors import InputError
from fourdials.estimate.intervals import TAILS, Array, Ints, resamples
from fourdials.estimate.panel import PROBLEM

FACTORS = ("tokens", "tool calls", "model", "architecture")
Level = Literal["problem", "configuration"]
CONFIGURATION = ["experiment_id", "arm", "model", "strategy", "max_level"]
CAP_BANDS = 4  # caps that were drawn make configurations of their own
METHOD = "percentile bootstrap over clusters"
REFITS = 500
FEWEST_LEFT = 3  # configurations more than coefficients

SHARE_SCHEMA: dict[str, type[pl.DataType]] = {
    "factor": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
}


@dataclass(frozen=True, slots=True)
class Explained:
    """What explains scores.

    Attributes:
        table: Columns of `SHARE_SCHEMA`: for each factor its `alone` (R² of it by itself), its `shapley` share of the
            full R², and `partial` for architecture given tokens, then a row `all`, measure `full`. `n` counts problems
            at problem level, configurations at configuration level.
        warnings: Why not to read it as cause and effect, each a sentence; empty if nothing speaks against it.
    """

    table: pl.DataFrame
    warnings: tuple[str, ...]


def explain(trials: pl.DataFrame, level: Level = "problem", seed: int = 0, refits: int = REFITS) -> Explained:
    """Shares the variance of scores out among the factors.

    Args:
        trials: Rows of the query `trial_spends`. Trials of unknown tokens are left out. A column `cap` that holds the
            tokens each trial was randomly allowed shows that the budget was randomised.
        level: `problem` (a row per trial) or `configuration` (a row per arm, model, highest level and, where caps were
            drawn, quarter of their range on a log scale: means of trials).
        seed: Of the bootstrap.
        refits: Replicates, over clusters of problems at both levels.

    R² of a set of factors is 1 − residual / total sum of squares. A factor's Shapley share (LMG: Lindeman, Merenda and
    Gold 1980) is its mean increase of R² over all orders in which factors may enter; the shares add up to the full R².
    The partial R² of architecture given tokens is (R²(tokens, architecture) − R²(tokens)) / (1 − R²(tokens)). R² is
    never negative and grows with the number of coefficients, so with few configurations it flatters. Factors that do
    not vary explain 0.
    Raises InputError where scores do not vary or there are too few rows.
    """
    known = _banded(trials.drop_nulls(["total_tokens", "score"]).filter(pl.col("total_tokens") > 0))
    if known.is_empty():
        raise InputError("no trial has known tokens; variance cannot be shared out")
    cluster = known.select(pl.struct("task", "cluster_id").rank("dense") - 1).to_series().to_numpy().astype(np.int64)
    clusters = int(cluster.max()) + 1
    weights = np.vstack([np.ones(clusters), resamples(clusters, seed, refits)]).astype(np.float64)
    columns = _columns(known)
    rows = _rows(known, level)
    if rows.height <= 1 + sum(design.shape[1] for design in columns.values()) + FEWEST_LEFT - 1:
        raise InputError(f"got {rows.height} {level} rows; too few for the models and architectures among them")
    grams = _grams(known, columns, level, cluster, weights)
    found = _r_squared(grams, columns)
    if not np.isfinite(found[FACTORS][0]):
        raise InputError("all scores are the same; there is no variance to share out")
    measures = [(name, "alone", found[(name,)]) for name in FACTORS]
    measures += [(name, "shapley", _shapley(found, name)) for name in FACTORS]
    tokens, both = found[("tokens",)], found[("tokens", "architecture")]
    measures += [
        ("architecture", "partial", (both - tokens) / np.maximum(1 - tokens, 1e-12)),
        ("all", "full", found[FACTORS]),
    ]
    n = rows.height if level == "configuration" else known.select(PROBLEM).n_unique()
    entries = [
        {"factor": f, "measure": m, "value": x[0], **_ends(x), "n": n, "clusters": clusters, "method": METHOD}
        for f, m, x in measures
    ]
    return Explained(pl.DataFrame(entries, schema=SHARE_SCHEMA), _warnings(known, rows, columns, level))


def by_range(trials: pl.DataFrame, level: Level = "problem", steps: int = 6, seed: int = 0) -> pl.DataFrame:
    """R² of tokens alone against the range of budgets: a wide range of spend makes spend look important.

    Columns: `ratio` (largest over smallest tokens kept, around their median on a log scale), `trials`, and `value`,
    `low`, `high`, `n`, `clusters`, `method` of R². Ranges with too few trials, or scores all the same, are left out.
    """
    known = trials.drop_nulls(["total_tokens", "score"]).filter(pl.col("total_tokens") > 0)
    if known.is_empty():
        return pl.DataFrame(schema={"ratio": pl.Float64, "trials": pl.Int64, **_ends_schema()})
    logs = known["total_tokens"].log()
    middle, width = float(logs.median()), float((logs - logs.median()).abs().max())  # type: ignore[arg-type]
    rows = []
    for part in np.linspace(1, steps, steps) / steps:
        kept = known.filter((logs - middle).abs() <= part * width + 1e-9)
        tokens = kept["total_tokens"]
        try:
            table = explain(kept, level, seed).table
        except InputError:
            continue
        row = table.filter((pl.col("factor") == "tokens") & (pl.col("measure") == "alone")).row(0, named=True)
        ratio = float(tokens.max()) / float(tokens.min())  # type: ignore[arg-type]
        rows.append({"ratio": ratio, "trials": kept.height, **{name: row[name] for name in _ends_schema()}})
    return pl.DataFrame(rows, schema={"ratio": pl.Float64, "trials": pl.Int64, **_ends_schema()})


def _ends_schema() -> dict[str, type[pl.DataType]]:
    return {name: SHARE_SCHEMA[name] for name in ("value", "low", "high", "n", "clusters", "method")}


def _columns(trials: pl.DataFrame) -> dict[str, Array]:
    """The columns of each factor, one row per trial; kinds as zeros and ones without the first."""

    def kinds(name: str) -> Array:
        known = trials[name].unique().sort().to_list()[1:]
        return np.stack([(trials[name] == kind).to_numpy() for kind in known], axis=1).astype(float) if known else empty

    def number(values: pl.Series) -> Array:
        column = values.to_numpy().astype(np.float64)[:, None]
        return column if np.ptp(column) > 0 else empty

    empty = np.empty((trials.height, 0))
    return {
        "tokens": number(trials["total_tokens"].log()),
        "tool calls": number((trials["tool_calls"].fill_null(0) + 1).log()),
        "model": kinds("model"),
        "architecture": kinds("strategy"),
    }


def _banded(trials: pl.DataFrame) -> pl.DataFrame:
    """With the quarter of the range of caps that each trial's cap lies in; 0 where none was drawn."""
    caps = trials["cap"].cast(pl.Float64).log() if "cap" in trials.columns else pl.Series([], dtype=pl.Float64)
    low, high = caps.min(), caps.max()
    if low is None or low == high:
        return trials.with_columns(cap_band=pl.lit(0, pl.Int64))
    part = (caps - low) / (high - low)  # type: ignore[operator]
    return trials.with_columns(cap_band=(part * CAP_BANDS).floor().clip(0, CAP_BANDS - 1).fill_null(0).cast(pl.Int64))


def _rows(trials: pl.DataFrame, level: Level) -> pl.DataFrame:
    if level not in ("problem", "configuration"):
        raise InputError(f"got {level!r}; the level is problem or configuration")
    return trials if level == "problem" else trials.select(*CONFIGURATION, "cap_band").unique()


def _grams(trials: pl.DataFrame, columns: Mapping[str, Array], level: Level, cluster: Ints, weights: Array) -> Array:
    """For each replicate the sums of products of [1, factors…, score]: replicates × q × q."""
    score = trials["score"].to_numpy().astype(np.float64)[:, None]
    wide = np.hstack([np.ones_like(score), *columns.values(), score])
    q = wide.shape[1]
    clusters = weights.shape[1]
    if level == "problem":
        products = np.zeros((clusters, q, q))
        np.add.at(products, cluster, wide[:, :, None] * wide[:, None, :])
        return (weights @ products.reshape(clusters, q * q)).reshape(-1, q, q)
    number = trials.select(pl.struct(*CONFIGURATION, "cap_band").rank("dense") - 1).to_series()
    group = number.to_numpy().astype(np.int64)
    sums = np.zeros((int(group.max()) + 1, clusters, q))
    np.add.at(sums, (group, cluster), wide)
    drawn = np.einsum("rc,gcq->rgq", weights, sums, optimize=True)
    held = drawn[:, :, :1]
    means = np.divide(drawn, held, out=np.zeros_like(drawn), where=held > 0)  # a configuration not drawn weighs nothing
    grams: Array = np.einsum("rgq,rgp->rqp", means, means, optimize=True)
    return grams


def _r_squared(grams: Array, columns: Mapping[str, Array]) -> dict[tuple[str, ...], Array]:
    """R² of every set of factors in every replicate; NaN where scores do not vary."""
    places, at = {}, 1
    for name, design in columns.items():
        places[name] = list(range(at, at + design.shape[1]))
        at += design.shape[1]
    total = grams[:, at, at] - grams[:, 0, at] ** 2 / grams[:, 0, 0]
    varied = total > 1e-9 * np.maximum(1.0, grams[:, at, at])
    found = {}
    for size in range(len(FACTORS) + 1):
        for chosen in itertools.combinations(FACTORS, size):
            used = [0, *itertools.chain.from_iterable(places[name] for name in chosen)]
            inner, cross = grams[:, used][:, :, used], grams[:, used, at]
            fitted = np.einsum("rp,rpq,rq->r", cross, np.linalg.pinv(inner, hermitian=True), cross)
            left = grams[:, at, at] - fitted
            r2 = 1 - np.divide(left, total, out=np.full_like(total, np.nan), where=varied)
            found[chosen] = np.where(varied, np.where(r2 < 1e-12, 0, r2).clip(0, 1), np.nan)
    return found


def _shapley(found: Mapping[tuple[str, ...], Array], name: str) -> Array:
    others = [factor for factor in FACTORS if factor != name]
    total = np.zeros_like(found[FACTORS])
    for size in range(len(others) + 1):
        weight = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(FACTORS))
        for before in itertools.combinations(others, size):
            after = tuple(factor for factor in FACTORS if factor in (*before, name))
            total += weight * (found[after] - found[before])
    return total


def _ends(values: Array) -> dict[str, float]:
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(drawn, TAILS) if len(drawn) else (math.nan, math.nan)
    return {"low": min(float(low), float(values[0])), "high": max(float(high), float(values[0]))}


def _warnings(trials: pl.DataFrame, rows: pl.DataFrame, columns: Mapping[str, Array], level: Level) -> tuple[str, ...]:
    found: list[str] = []
    caps = trials["cap"].drop_nulls().n_unique() if "cap" in trials.columns else 0
    if caps < 2:
        found.append(
            "Budgets were not randomised: harder problems and weaker models spend more by themselves, so that what "
            "tokens explain is no effect of spending them. Draw each trial's cap at random: trial_budget = "
            "{ total_tokens = { low = 200, high = 2000 } } in the experiment file."
        )
    if fixed := [name for name, design in columns.items() if not design.shape[1]]:
        found.append(f"Nothing can be said of {_listed(fixed)}, which did not vary.")
    count = 1 + sum(design.shape[1] for design in columns.values())
    if level == "configuration" and rows.height < 5 * count:
        found.append(f"{rows.height} configurations for {count} coefficients: R² is flattered; add configurations.")
    return tuple(found)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
