"""Replays of many policies under many budgets → accuracy against realised spend, savings, and where the spend went.

Called by pages, the command line and notebooks. Intervals resample clusters of problems, the same clusters for every
policy and budget; what an allocator granted is kept, not decided again in each replicate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fourdials.courses import Courses
from fourdials.estimate import BOOTSTRAP, LEVEL
from fourdials.estimate.intervals import first_of, share_bounds
from fourdials.replay import POLICIES, UNIFORM, Policy, RecordedTrial, without_collector

Array = NDArray[np.float64]
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
DIFFICULTY_BINS = 5
PAIRED = "paired bootstrap over clusters"
FATES = ("used for calibration", "stopped by the allocator", "taken to their end")
NO_GAIN = "not shown to be better than the cheapest level of uniform allocation, so there is nothing to save"
NEVER = "uniform allocation gets as far at no level"

WORTH_SCHEMA: dict[str, type[pl.DataType]] = {
    "policy": pl.String,
    "uses_truth": pl.Boolean,
    "budget": pl.Float64,
    "spent": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    "unanswered": pl.Float64,
}
SAVING_SCHEMA: dict[str, type[pl.DataType]] = {
    "policy": pl.String,
    "uses_truth": pl.Boolean,
    "budget": pl.Float64,
    "spent": pl.Float64,
    "value": pl.Float64,
    "uniform_spent": pl.Float64,
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    "note": pl.String,
}


@dataclass(frozen=True, slots=True)
class Replays:
    """All replays of one comparison.

    Attributes:
        trials: Rows of `replay.REPLAY_SCHEMA` with `policy`, `uses_truth` and `budget`.
        seed, replicates: Of the bootstrap; the same seed gives the same intervals.
    """

    trials: pl.DataFrame
    seed: int = 0
    replicates: int = 2000


def budgets(trials: Sequence[RecordedTrial], count: int = 8) -> list[float]:
    """A grid of total budgets, even on a log scale, from every trial's first level to every trial's last.

    Empty for no trials, or where nothing was spent.
    """
    least = sum(trial.cost(0, trial.levels[0]) for trial in trials)
    most = sum(trial.cost(low, high) for trial in trials for low, high in pairwise((0, *trial.levels)) if high > low)
    return [float(b) for b in np.geomspace(least, most, count)] if least > 0 else []


def replays(
    trials: Sequence[RecordedTrial],
    totals: Sequence[float],
    policies: Sequence[Policy] = POLICIES,
    seed: int = 0,
    replicates: int = 2000,
) -> Replays:
    """Replays every policy under every total budget.

    `UNIFORM` takes every trial to the same level at once, for each level that any arm has, since that is how it would
    be deployed: samples together in one request pay their prompt once. Its budgets are what that spends; of levels that
    spend the same, since nobody goes on any further, the last one stands.
    """
    frames: dict[tuple[str, float], pl.DataFrame] = {}
    with without_collector():
        courses = Courses(trials)
        for policy in policies:
            for frame, label in _played(trials, courses, policy, totals):
                names = {"policy": policy.name, "uses_truth": policy.uses_truth, "budget": label}
                named = frame.select(*(pl.lit(value).alias(name) for name, value in names.items()), pl.all())
                frames[policy.name, label] = named
    return Replays(pl.concat(frames.values()) if frames else pl.DataFrame(), seed, replicates)


def at(held: Replays, total: float) -> Replays:
    """Each policy's replay at one budget: of those it was replayed at, the one nearest to `total`, by ratio."""
    if held.trials.is_empty() or total <= 0:
        return held
    keys = held.trials.select("policy", "budget").unique(maintain_order=True).filter(pl.col("budget") > 0)
    away = (pl.col("budget") / total).log().abs()
    nearest = keys.sort(away).unique("policy", keep="first", maintain_order=True)
    kept = held.trials.join(nearest, on=["policy", "budget"], how="semi", maintain_order="left")
    return Replays(kept, held.seed, held.replicates)


def played(spends: pl.DataFrame, policy: str, unit: str = "total_tokens") -> Replays:
    """A run as its allocator really divided it, for `where_spent`.

    Args:
        spends: Rows of the query `trial_spends`. Trials whose spend is unknown in `unit` are left out.
        policy: What to call it.
        unit: total_tokens, usd or calls; here the bill, probes included.

    The rows also have the column `fate`, one of `FATES`. Answers of trials used for calibration do not count.
    """
    known = spends.drop_nulls(unit)
    names = {"policy": pl.lit(policy), "uses_truth": pl.lit(False), "budget": pl.col(unit).sum().cast(pl.Float64)}
    same = ("task", "problem_id", "cluster_id", "difficulty", "arm", "dial")
    calibrated, stopped = pl.col("calibrated"), pl.col("stop_reason") == "stopped"
    fate = pl.when(calibrated).then(pl.lit(FATES[0])).when(stopped).then(pl.lit(FATES[1])).otherwise(pl.lit(FATES[2]))
    rows = known.select(
        *(value.alias(name) for name, value in names.items()),
        *(pl.col(name) for name in same),
        pl.col("level"),
        pl.col(unit).cast(pl.Float64).alias("spent"),
        pl.col("score"),
        calibrated.alias("aside"),
        fate.alias("fate"),
    )
    return Replays(rows)


def _played(
    trials: Sequence[RecordedTrial], courses: Courses, policy: Policy, totals: Sequence[float]
) -> Iterator[tuple[pl.DataFrame, float]]:
    """A policy's replays, each with its budget."""
    if policy != UNIFORM:
        yield from zip(courses.replays(policy, totals), map(float, totals), strict=True)
        return
    for level in sorted({level for trial in trials for level in trial.levels if level > 0}):
        frame = courses.taken(level)
        yield frame, float(frame["spent"].sum())


@dataclass(frozen=True, slots=True)
class _Table:
    """Sums per cluster of every policy and budget: each replicate's value and spend are ratios of weighted sums."""

    keys: list[tuple[str, bool, float]]
    scores: Array  # keys × clusters
    counted: Array  # problems whose answers count
    answered: Array
    spent: Array
    problems: Array  # clusters
    weights: Array  # replicates × clusters

    def values(self, i: int, weights: Array) -> Array:
        counts = weights @ self.counted[i]
        means: Array = np.divide(weights @ self.scores[i], counts, out=np.full(len(weights), np.nan), where=counts > 0)
        return means

    def spends(self, i: int, weights: Array) -> Array:
        """Total spend; a replicate's is brought to the number of problems there are."""
        totals: Array = (weights @ self.spent[i]) * self.problems.sum() / (weights @ self.problems)
        return totals


def _table(held: Replays) -> _Table:
    trials = held.trials
    clusters = trials.select("task", "cluster_id").unique().sort("task", "cluster_id").with_row_index("cluster")
    count = clusters.height
    placed = trials.join(clusters, on=["task", "cluster_id"], maintain_order="left")
    keys, rows = [], []
    for (policy, truth, budget), part in placed.group_by("policy", "uses_truth", "budget", maintain_order=True):
        spent = np.bincount(part["cluster"].to_numpy(), part["spent"].to_numpy(), minlength=count)
        judged = (
            part.filter(~pl.col("aside"))
            .with_columns(answered=(pl.col("outcome") != "unanswered").cast(pl.Float64))
            .group_by("cluster", "task", "problem_id", maintain_order=True)
            .agg(pl.col("score").mean(), pl.col("answered").mean())
        )
        at = judged["cluster"].to_numpy()
        sums = [np.bincount(at, judged[name].to_numpy(), minlength=count) for name in ("score", "answered")]
        keys.append((str(policy), bool(truth), float(str(budget))))
        rows.append((sums[0], np.bincount(at, minlength=count), sums[1], spent))
    problems = placed.select("cluster", "task", "problem_id").unique()["cluster"].to_numpy()
    scores, counted, answered, totals = (np.array([row[i] for row in rows], dtype=np.float64) for i in range(4))
    sizes = np.asarray(np.bincount(problems, minlength=count), dtype=np.float64)
    return _Table(keys, scores, counted, answered, totals, sizes, _draws(count, held))


def _draws(clusters: int, held: Replays) -> Array:
    """How often each cluster is drawn in each replicate: replicates × clusters."""
    even = np.full(clusters, 1 / clusters)
    return np.random.default_rng(held.seed).multinomial(clusters, even, size=held.replicates).astype(np.float64)


def worth(held: Replays) -> pl.DataFrame:
    """Accuracy of each policy against what it really spent in all.

    Returns:
        Columns of `WORTH_SCHEMA`, a row per policy and budget: the total realised spend (`spent`), the mean score of
        the answers that count (repeats, and arms that answer the same problem, averaged within it first) with its 95 %
        interval, over `n` problems in `clusters`; the `method` of the interval; the share `unanswered`. Empty for none.
    """
    if held.trials.is_empty():
        return pl.DataFrame(schema=WORTH_SCHEMA)
    table = _table(held)
    weights = table.weights.astype(np.float32)
    rows = []
    for i, (policy, truth, budget) in enumerate(table.keys):
        n, clusters = int(table.counted[i].sum()), int((table.counted[i] > 0).sum())
        row = {"policy": policy, "uses_truth": truth, "budget": budget, "spent": float(table.spent[i].sum())}
        row |= {"n": n, "clusters": clusters}
        if n:
            found = first_of(share_bounds(table.scores[i][:, None], table.counted[i], weights), table.counted[i])
            row |= {"value": found.value, "low": found.low, "high": found.high, "method": found.method}
            row |= {"unanswered": 1 - float(table.answered[i].sum() / n)}
        rows.append(row)
    return pl.DataFrame(rows, schema=WORTH_SCHEMA)


def savings(held: Replays) -> pl.DataFrame:
    """How much more uniform allocation spends for the accuracy that each other policy reaches.

    At each budget of a policy, `ratio` is the spend at which uniform allocation reaches the policy's accuracy, over the
    policy's own spend; above 1 the policy saves. Uniform's accuracy is made monotone and its levels are joined by
    straight lines, as a mix of two levels would.

    Returns:
        Columns of `SAVING_SCHEMA`. `ratio` is null, and `note` says why, where uniform gets as far at no level, and
        where the policy is not shown to be better than uniform's cheapest level (the 95 % interval of the difference
        does not leave out 0): accuracy that does not rise with spend leaves nothing to save. `low` and `high` are the
        95 % interval of a paired bootstrap in which a replicate that never gets there counts as larger than any number,
        so `high` may be infinite. Without uniform among the policies the frame is empty.
    """
    if held.trials.is_empty():
        return pl.DataFrame(schema=SAVING_SCHEMA)
    table = _table(held)
    base = [i for i, (policy, _, _) in enumerate(table.keys) if policy == UNIFORM.name]
    if not base:
        return pl.DataFrame(schema=SAVING_SCHEMA)
    weights = np.vstack([np.ones(len(table.problems)), table.weights])  # the first row is the data themselves
    spends = np.stack([table.spends(i, weights) for i in base], axis=1)
    values = np.maximum.accumulate(np.stack([table.values(i, weights) for i in base], axis=1), axis=1)
    rows = []
    for i, (policy, truth, budget) in enumerate(table.keys):
        if policy == UNIFORM.name or not table.counted[i].sum():
            continue
        own_value, own_spend = table.values(i, weights), table.spends(i, weights)
        reached = np.where(own_spend > 0, _spend_at(spends, values, own_value), np.nan)
        ratios = reached / np.where(own_spend > 0, own_spend, np.nan)
        known = ratios[1:][~np.isnan(ratios[1:])]
        low, high = np.quantile(known, ENDS, method="inverted_cdf") if len(known) else (np.nan, np.nan)
        note = _doubt(reached, own_value - values[:, 0])
        if note == NO_GAIN:
            low = high = np.nan
        rows.append(
            {
                "policy": policy,
                "uses_truth": truth,
                "budget": budget,
                "spent": float(own_spend[0]),
                "value": float(own_value[0]),
                "uniform_spent": None if note else float(reached[0]),
                "ratio": None if note else float(ratios[0]),
                "low": None if np.isnan(low) else float(low),
                "high": None if np.isnan(high) else float(high),
                "n": int(table.counted[i].sum()),
                "clusters": int((table.counted[i] > 0).sum()),
                "method": PAIRED,
                "note": note,
            }
        )
    return pl.DataFrame(rows, schema=SAVING_SCHEMA)


def _doubt(reached: Array, gains: Array) -> str:
    """Why no saving is stated, or nothing. The first of both is of the data, the others of the replicates."""
    if np.isnan(reached[0]) or np.nanquantile(gains[1:], ENDS[0]) <= 0:
        return NO_GAIN
    return NEVER if np.isinf(reached[0]) else ""


def _spend_at(spends: Array, values: Array, wanted: Array) -> Array:
    """For each row the spend at which a rising curve through its points reaches a value; infinite if it never does."""
    place = (values < wanted[:, None] - 1e-12).sum(axis=1)
    rows, last = np.arange(len(values)), values.shape[1] - 1
    upper, lower = np.minimum(place, last), np.clip(place - 1, 0, last)
    rise = values[rows, upper] - values[rows, lower]
    part = np.divide(wanted - values[rows, lower], rise, out=np.zeros(len(values)), where=rise > 0).clip(0, 1)
    between = spends[rows, lower] + part * (spends[rows, upper] - spends[rows, lower])
    found: Array = np.where(place > last, np.inf, np.where(place == 0, spends[:, 0], between))
    return found


def where_spent(held: Replays, by: str = "difficulty") -> pl.DataFrame:
    """Where each policy's spend went: by `difficulty`, `arm`, `dial` or `task`; of a run as `played` also by `fate`.

    Difficulty is the task's own measure, known before any sample was drawn, in up to five bins of equal numbers of
    problems within each task; so no sample decides both a bin and its score.

    Returns:
        Columns policy, uses_truth, budget, by, group, trials, n (problems), clusters, spent, share (of the policy's
        spend) with low, high and method, mean level, value (mean score of answers that count; null where none does).
        Empty for no trials.
    """
    trials = held.trials
    if trials.is_empty():
        return pl.DataFrame()
    if by == "difficulty":
        trials = trials.join(_bins(trials), on=["task", "problem_id"], maintain_order="left")
    else:
        trials = trials.with_columns(group=pl.col(by))
    clusters = trials.select("task", "cluster_id").unique().sort("task", "cluster_id").with_row_index("cluster")
    trials = trials.join(clusters, on=["task", "cluster_id"], maintain_order="left")
    count = clusters.height
    weights = _draws(count, held)
    rows = []
    for (policy, truth, budget), part in trials.group_by("policy", "uses_truth", "budget", maintain_order=True):
        whole = weights @ np.bincount(part["cluster"].to_numpy(), part["spent"].to_numpy(), minlength=count)
        total = float(part["spent"].sum())
        for (group,), held_in in sorted(part.group_by("group"), key=lambda item: str(item[0][0])):
            own = weights @ np.bincount(held_in["cluster"].to_numpy(), held_in["spent"].to_numpy(), minlength=count)
            shares = own[whole > 0] / whole[whole > 0]
            low, high = np.quantile(shares, ENDS) if len(shares) else (np.nan, np.nan)
            spent = float(held_in["spent"].sum())
            rows.append(
                {
                    "policy": policy,
                    "uses_truth": truth,
                    "budget": budget,
                    "by": by,
                    "group": str(group),
                    "trials": held_in.height,
                    "n": held_in.select("task", "problem_id").n_unique(),
                    "clusters": held_in["cluster"].n_unique(),
                    "spent": spent,
                    "share": spent / total if total else None,
                    "low": float(low),
                    "high": float(high),
                    "method": BOOTSTRAP,
                    "level": held_in["level"].mean(),
                    "value": held_in.filter(~pl.col("aside"))["score"].mean(),
                }
            )
    return pl.DataFrame(rows)


def _bins(trials: pl.DataFrame) -> pl.DataFrame:
    """The difficulty bin of each problem, named by its bounds."""
    problems = trials.select("task", "problem_id", "difficulty").unique(["task", "problem_id"], maintain_order=True)
    rank = (pl.col("difficulty").rank("min").over("task") - 1) / pl.len().over("task")
    numbered = problems.with_columns(bin=(rank * DIFFICULTY_BINS).cast(pl.Int64))
    low, high = (pl.col("difficulty").min().over("task", "bin"), pl.col("difficulty").max().over("task", "bin"))
    bounds = (
        pl.when(low == high)
        .then(pl.format("{} {}", "task", _plain(low)))
        .otherwise(pl.format("{} {} to {}", "task", _plain(low), _plain(high)))
    )
    return numbered.select("task", "problem_id", group=bounds)


def _plain(number: pl.Expr) -> pl.Expr:
    """A number as text, a whole one without its decimals."""
    whole = (number == number.round()).fill_null(False)
    return pl.when(whole).then(number.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(number.cast(pl.String))
