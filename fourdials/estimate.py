"""Frames of `curve_points` → curves with intervals, paired differences, and what an experiment could tell apart.

Called by pages, the forecast and notebooks. Values are means over problems, repeats averaged within a problem first.
Intervals resample clusters of problems (a problem alone is its own cluster), the same clusters for every arm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL = 0.95
Z = float(norm.ppf(0.5 + LEVEL / 2))
GRID_POINTS = 200
CENSORED_SHARE = 0.05  # a curve says nothing beyond where more trials than this were cut off
# Below about 20 clusters a bootstrap distribution is too coarse and too narrow (it holds few distinct means and misses
# the tails), so Wilson's interval is used; likewise where the share is within 1/n of 0 or 1, where resampling nearly
# constant scores gives an interval of no width. A score in [0, 1] varies at most as much as a right-or-wrong one, so
# Wilson over clusters errs on the wide side.
SMALL = 20
BOOTSTRAP = "bootstrap over clusters"
WILSON = "Wilson"
NEWCOMBE = "Newcombe paired"

CURVE_SCHEMA: dict[str, type[pl.DataType]] = {
    "experiment_id": pl.String,
    "arm": pl.String,
    "dial": pl.String,
    "strategy": pl.String,
    "access": pl.String,
    "spend": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    "unanswered": pl.Float64,
    "censored": pl.Boolean,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate's 95 % interval and how it was made."""

    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Arm a minus arm b over the problems both were run on.

    Attributes:
        value: Mean difference of scores, in [-1, 1].
        n: Problems compared.
        clusters: Clusters they lie in.
        a_better: Problems on which a scored higher.
        b_better: Problems on which b did.
    """

    value: float
    low: float
    high: float
    method: str
    n: int
    clusters: int
    a_better: int
    b_better: int


@dataclass(frozen=True, slots=True)
class _Sums:
    """One arm on a grid, summed over the problems of each cluster; rows follow the list of all clusters."""

    value: Array  # clusters × grid
    answered: Array
    problems: Array  # clusters
    censored: NDArray[np.bool_]  # grid
    reach: float  # the largest spend of any unit


def curves(
    points: pl.DataFrame, grid: Sequence[float] | None = None, seed: int = 0, replicates: int = 2000
) -> pl.DataFrame:
    """The value at every budget of a grid, for each arm.

    The value at budget b is the mean over problems of the score of the last answer that costs at most b, and 0 before
    the first.

    Args:
        points: Rows of the query `curve_points`.
        grid: Budgets; by default the spends at which a score changes, thinned to 200 evenly on a log scale.
        seed: Of the bootstrap; the same seed gives the same intervals.
        replicates: Bootstrap replicates.

    Returns:
        Columns of `CURVE_SCHEMA`, ordered by experiment, arm and spend: the value with its 95 % interval; `n` problems
        in `clusters`; the `method` of the interval; the share of problems `unanswered` by then; and `censored`, true
        where over 5 % of the units had been cut off (ended other than `finished`) at less than this spend, so that a
        flat line there is no finding. Rows stop at the largest spend of an arm once it is censored. Empty input gives
        an empty frame.
    """
    if points.is_empty():
        return pl.DataFrame(schema=CURVE_SCHEMA)
    arms = points.partition_by("experiment_id", "arm", maintain_order=True)
    clusters = points.select("task", "cluster_id").unique().sort("task", "cluster_id").with_row_index("cluster")
    budgets = _grid(points) if grid is None else np.asarray(sorted(grid), dtype=np.float64)
    weights = _weights(clusters.height, seed, replicates)
    frames = [_curve(arm, _sums(arm, clusters, budgets), budgets, weights) for arm in arms]
    return pl.concat(frames).sort("experiment_id", "arm", "spend")


def paired_difference(
    points: pl.DataFrame, arm_a: str, arm_b: str, spend: float, seed: int = 0, replicates: int = 2000
) -> Difference | None:
    """Arm a minus arm b at one budget, over the problems both have; None if there is none.

    Bootstrap over clusters; below 20 clusters, or where nearly all differences are equal, Newcombe's paired interval
    (1998, method 10), which combines the Wilson intervals of both arms and their correlation.
    """
    at = points.group_by("arm", "task", "cluster_id", "problem_id", "unit_id").agg(
        score=pl.col("gain").filter(pl.col("spend") <= spend).sum()
    )
    problems = at.group_by("arm", "task", "cluster_id", "problem_id").agg(pl.col("score").mean())
    a, b = (problems.filter(pl.col("arm") == arm).drop("arm") for arm in (arm_a, arm_b))
    both = a.join(b, on=["task", "cluster_id", "problem_id"], suffix="_b").sort("task", "problem_id")
    if both.is_empty():
        return None
    first, second = both["score"].to_numpy(), both["score_b"].to_numpy()
    gaps = first - second
    clusters = both.select(pl.struct("task", "cluster_id").rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    count = int(clusters.max()) + 1
    sums, sizes = np.bincount(clusters, gaps), np.bincount(clusters).astype(np.float64)
    moved = int((sums != 0).sum())
    if count < SMALL or moved <= 1 or np.ptp(gaps) == 0:
        interval = _newcombe(first, second, count)
    else:
        weights = _weights(count, seed, replicates)
        low, high = np.quantile((weights @ sums) / (weights @ sizes), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        interval = Interval(float(low), float(high), BOOTSTRAP)
    better = (int((gaps > 0).sum()), int((gaps < 0).sum()))
    return Difference(float(gaps.mean()), interval.low, interval.high, interval.method, len(gaps), count, *better)


def detectable_difference(n: int, discordance: float = 0.3, power: float = 0.8) -> float:
    """The smallest difference in accuracy between two arms that `n` problems would find (5 % level, two-sided).

    McNemar's test on pairs of which a share `discordance` is scored differently (Connor 1987):
    n = (z_a √ψ + z_b √(ψ − d²))² / d², solved for d. Returns 1.0 where nothing smaller would be found.
    """
    z_power = float(norm.ppf(power))

    def short(d: float) -> float:
        share = max(discordance, d)
        return (Z * math.sqrt(share) + z_power * math.sqrt(share - d * d)) ** 2 / d**2 - n

    return 1.0 if n <= 0 or short(1.0) > 0 else float(brentq(short, 1e-6, 1.0))


def excluded_bounds(value: float, n: int, excluded: int) -> Interval:
    """What a mean over `n` would have been had the `excluded` ones all scored 0, and all 1. NaN where both are 0."""
    if n + excluded == 0:
        return Interval(math.nan, math.nan, "worst to best")
    held = value * n if n else 0.0
    return Interval(held / (n + excluded), (held + excluded) / (n + excluded), "worst to best")


def wilson(value: float, n: int) -> Interval:
    """Wilson's score interval (1927) of a share among n: (p + z²/2n ± z√(p(1−p)/n + z²/4n²)) / (1 + z²/n)."""
    centre = value + Z**2 / (2 * n)
    half = Z * math.sqrt(max(0.0, value * (1 - value)) / n + Z**2 / (4 * n**2))
    scale = 1 + Z**2 / n
    return Interval(max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale), WILSON)


def _newcombe(first: Array, second: Array, clusters: int) -> Interval:
    a, b = float(first.mean()), float(second.mean())
    for_a, for_b = wilson(a, clusters), wilson(b, clusters)
    steady = np.ptp(first) == 0 or np.ptp(second) == 0
    r = 0.0 if steady else float(np.corrcoef(first, second)[0, 1])

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x - 2 * r * x * y + y * y))

    low = a - b - reach(a - for_a.low, for_b.high - b)
    return Interval(max(-1.0, low), min(1.0, a - b + reach(for_a.high - a, b - for_b.low)), NEWCOMBE)


def _weights(clusters: int, seed: int, replicates: int) -> NDArray[np.float32]:
    """How often each cluster is drawn in each replicate: replicates × clusters; small whole numbers, exact."""
    drawn = np.random.default_rng(seed).integers(clusters, size=(replicates, clusters))
    drawn += np.arange(replicates)[:, None] * clusters
    counts = np.bincount(drawn.ravel(), minlength=replicates * clusters)
    return counts.reshape(replicates, clusters).astype(np.float32)


def _grid(points: pl.DataFrame) -> Array:
    """All spends at which something changes; if there are many, those nearest below even steps on a log scale."""
    spends = points["spend"].drop_nulls().unique().sort().to_numpy()
    ends = points.group_by("experiment_id", "arm").agg(pl.col("max_spend").max())["max_spend"].to_numpy()
    spends = np.union1d(spends, ends)
    if len(spends) <= GRID_POINTS:
        return spends
    positive = spends[spends > 0]
    room = GRID_POINTS - len(ends) - int(spends[0] == 0)
    steps = np.geomspace(positive[0], positive[-1], max(2, room))
    chosen = positive[np.clip(np.searchsorted(positive, steps, side="right") - 1, 0, None)]
    return np.union1d(np.union1d(chosen, ends), spends[:1])


def _sums(arm: pl.DataFrame, clusters: pl.DataFrame, budgets: Array) -> _Sums:
    units = (
        arm.unique("unit_id", keep="first", maintain_order=True)
        .select("unit_id", "task", "problem_id", "cluster_id", "finished", "max_spend")
        .join(clusters, on=["task", "cluster_id"], maintain_order="left")
        .with_columns(share=1 / pl.len().over("task", "problem_id"))  # of its problem, one of several repeats
    )
    size: Array = np.bincount(units["cluster"].to_numpy(), units["share"].to_numpy(), minlength=clusters.height).astype(
        float
    )
    landed = (
        arm.select("unit_id", "spend", "gain", "answered_gain")
        .filter(pl.col("spend").is_not_null())
        .join(units.select("unit_id", "cluster", "share"), on="unit_id", maintain_order="left")
    )
    columns = len(budgets) + 1  # the last collects what costs more than any budget of the grid
    place = landed["cluster"].to_numpy().astype(np.int64) * columns
    place += np.searchsorted(budgets, landed["spend"].to_numpy(), side="left")
    share = landed["share"].to_numpy()

    def accumulated(gains: str) -> Array:
        cells = np.bincount(place, landed[gains].to_numpy() * share, minlength=clusters.height * columns)
        return cells.reshape(clusters.height, columns)[:, :-1].cumsum(axis=1)

    ends = np.sort(units.filter(~pl.col("finished"))["max_spend"].to_numpy())
    cut = np.searchsorted(ends, budgets, side="left") / units.height
    reach = float(units["max_spend"].to_numpy().max())
    return _Sums(accumulated("gain"), accumulated("answered_gain"), size, cut > CENSORED_SHARE, reach)


def _curve(arm: pl.DataFrame, sums: _Sums, budgets: Array, weights: NDArray[np.float32]) -> pl.DataFrame:
    n, held = round(float(sums.problems.sum())), int(np.count_nonzero(sums.problems))
    value = (sums.value.sum(axis=0) / n).clip(0, 1)
    # Clusters this arm lacks add nothing to either sum, so one draw serves every arm.
    counted = weights @ sums.problems.astype(np.float32)
    drawn = counted > 0
    means = (weights[drawn] if not drawn.all() else weights) @ sums.value.astype(np.float32) / counted[drawn, None]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).astype(np.float64)
    near_edge = (value <= 1 / n) | (value >= 1 - 1 / n)
    by_wilson = near_edge | (held < SMALL)
    for i in np.flatnonzero(by_wilson):
        interval = wilson(float(value[i]), held)
        low[i], high[i] = interval.low, interval.high
    first = arm.row(0, named=True)
    frame = pl.DataFrame(
        {
            **{name: [first[name]] * len(budgets) for name in ("experiment_id", "arm", "dial", "strategy", "access")},
            "spend": budgets,
            "value": value,
            "low": np.minimum(low, value).clip(0, 1),
            "high": np.maximum(high, value).clip(0, 1),
            "n": [n] * len(budgets),
            "clusters": [held] * len(budgets),
            "method": np.where(by_wilson, WILSON, BOOTSTRAP).tolist(),
            "unanswered": (1 - sums.answered.sum(axis=0) / n).clip(0, 1),
            "censored": sums.censored,
        },
        schema=CURVE_SCHEMA,
    )
    return frame.filter(~pl.col("censored") | (pl.col("spend") <= sums.reach))
