"""What judges share: picking arms, differences at equal spend, statistics with an interval over clusters."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from fourdials.errors import InputError
from fourdials.estimate import Estimate, fits
from fourdials.estimate.differences import Difference, difference_at
from fourdials.estimate.fits import default_budgets
from fourdials.estimate.intervals import Array, Ints, bca, difference, resamples
from fourdials.estimate.panel import PROBLEM, Panel, panel, reach
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, UNDECIDED, Check, Evidence, above

REPLICATES = 1000
FEWEST = 10  # clusters: a bootstrap of fewer says nothing


def arms_of(evidence: Evidence, *strategies: str, **knobs: Any) -> list[dict[str, Any]]:
    """The arms with one of these strategies (any if none is named) and these knobs, with `knobs`, `levels` and `lineup`
    read. Raises InputError if there is none."""
    found = []
    for row in evidence.arms.iter_rows(named=True):
        if strategies and row["strategy"] not in strategies:
            continue
        read = {name: json.loads(row[name]) for name in ("knobs", "levels", "lineup")}
        if all(read["knobs"].get(name) == value for name, value in knobs.items()):
            found.append(row | read)
    if not found:
        wanted = " or ".join(strategies) + (f" with {knobs}" if knobs else "")
        raise InputError(f"it has no arm that runs {wanted}")
    return found


def one_arm(evidence: Evidence, *strategies: str, **knobs: Any) -> str:
    """The name of the first such arm."""
    return str(arms_of(evidence, *strategies, **knobs)[0]["arm"])


def of_arm(points: pl.DataFrame, arm: str) -> pl.DataFrame:
    """One arm's rows; raises InputError if no block of it is complete."""
    found = points.filter(pl.col("arm") == arm)
    if found.is_empty():
        raise InputError(f"{arm} has no complete block whose spend is known")
    return found


def ahead(points: pl.DataFrame, a: str, b: str, spend: float | None = None) -> Difference:
    """Arm a minus arm b at equal spend: by default the largest that both curves reach. Raises InputError without a
    shared problem."""
    first, second = of_arm(points, a), of_arm(points, b)
    at = min(reach(first), reach(second)) if spend is None else spend
    found = difference_at(first, second, at)
    if found is None:
        raise InputError(f"{a} and {b} share no problem")
    return found


def values_at(points: pl.DataFrame, arms: Sequence[str], spend: float | None = None) -> pl.DataFrame:
    """Each problem's score under each arm at equal spend: task, problem_id, cluster_id, and a column `v0`, `v1`, … per
    arm. By default at the largest spend that all reach."""
    subjects = [of_arm(points, arm) for arm in arms]
    at = min(reach(subject) for subject in subjects) if spend is None else spend
    found = panel(subjects, [at])
    if not found.problems.height:
        raise InputError(f"{', '.join(arms)} share no problem")
    columns = {f"v{i}": found.values[i, :, 0] for i in range(len(arms))}
    return found.problems.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def with_difficulty(frame: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """The frame with each problem's `difficulty`."""
    known = evidence.trials().select(*PROBLEM, "difficulty").unique(PROBLEM)
    return frame.join(known, on=PROBLEM, maintain_order="left")


def cluster_of(frame: pl.DataFrame) -> Ints:
    """Number of each row's cluster, from 0."""
    places = frame.select(pl.struct("task", "cluster_id").rank("dense") - 1).to_series()
    return places.to_numpy().astype(np.int64)


def resampled(statistic: Callable[[Array], float], cluster: Ints, n: int | None = None) -> Estimate:
    """Any statistic of rows with its interval over clusters (BCa).

    Args:
        statistic: How often each row counts → the statistic; NaN where it has none.
        cluster: Number of each row's cluster.
        n: Problems, where rows are not problems.

    Raises InputError for fewer than 10 clusters, or where the statistic does not exist.
    """
    count = int(cluster.max()) + 1 if len(cluster) else 0
    if count < FEWEST:
        raise InputError(f"it has {count} clusters of problems; {FEWEST} are the fewest")
    whole = statistic(np.ones(len(cluster)))
    weights = resamples(count, 0, REPLICATES)[:, cluster].astype(np.float64)
    draws = np.array([statistic(row) for row in weights])
    spared = np.array([statistic((cluster != left).astype(np.float64)) for left in range(count)])
    draws, spared = draws[np.isfinite(draws)], spared[np.isfinite(spared)]
    if not np.isfinite(whole) or len(draws) < 0.9 * REPLICATES or not len(spared):
        raise InputError("too few of its problems differ for an estimate to have an interval")
    ends = bca(whole, draws, spared)
    low, high = min(ends.low, whole), max(ends.high, whole)
    return Estimate(whole, low, high, n or len(cluster), count, ends.method)


def mean_of(values: Array, cluster: Ints) -> Estimate:
    """The mean of any numbers, a row per problem."""
    return resampled(lambda w: float((w * values).sum() / w.sum()) if w.sum() else np.nan, cluster)


def slope_of(values: Array, along: Array, cluster: Ints) -> Estimate:
    """By how much values rise for each unit of `along` (least squares)."""
    if np.ptp(along) == 0:
        raise InputError("all its problems are equally difficult")

    def slope(w: Array) -> float:
        middle = (w * along).sum() / w.sum() if w.sum() else np.nan
        apart = along - middle
        spread = float((w * apart**2).sum())
        return float((w * apart * values).sum()) / spread if spread > 0 else np.nan

    return resampled(slope, cluster)


def scores(frame: pl.DataFrame, **where: Any) -> pl.DataFrame:
    """Mean score per problem of the rows with these values, repeats averaged: task, problem_id, cluster_id, score."""
    kept = frame.filter(**where) if where else frame
    return kept.group_by(*PROBLEM, "cluster_id").agg(pl.col("score").mean()).sort(*PROBLEM)


SATURATING = ("power", "exponential", "logistic")


def rising(points: pl.DataFrame, arm: str) -> Check:
    """The arm's score at its largest spend lies above that of its cheapest answers."""
    own = of_arm(points, arm)
    grid = default_budgets(own)
    if len(grid) < 2:
        raise InputError(f"{arm} has one budget only")
    found = panel([own], [grid[0], grid[-1]])
    return above(f"{arm} gains something from its first budget to its last", gain_of(found))


def gain_of(found: Panel) -> Estimate:
    """What the first subject's score gains from the first budget of a panel to the last."""
    return difference(found.values[0, :, -1], found.values[0, :, 0], found.cluster)


def flattening(points: pl.DataFrame, arm: str) -> Check:
    """A family of curves that levels off describes the arm better than a straight line in the logarithm of spend, a
    parabola or a constant do: the best of all by AICc, and in 95 % of the replicates."""
    found = fits.fit(of_arm(points, arm))
    share = float(found.table.filter(pl.col("family").is_in(SATURATING))["wins"].sum())
    best, row = found.best, found.table.row(0, named=True)
    said = f"{arm} levels off (best family: {best}; share of refits in which one that levels off wins)"
    if best == "constant":
        outcome = UNDECIDED
    else:
        outcome = REPRODUCED if share >= 0.95 else NOT_REPRODUCED if share <= 0.05 else UNDECIDED
    return Check(said, outcome, share, unit="share", n=row["n"], method=row["method"])


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """All pairs, each once."""
    return list(itertools.combinations(names, 2))


def ratio(part: Array, whole: Array) -> Callable[[Array], float]:
    """The statistic Σw·part / Σw·whole; NaN where the whole is not above 0."""

    def statistic(w: Array) -> float:
        below = float((w * whole).sum())
        return float((w * part).sum()) / below if below > 1e-12 else np.nan

    return statistic


def knob(arm: Mapping[str, Any], name: str) -> Any:
    """A knob of an arm; None where it has none of that name."""
    return arm["knobs"].get(name)
