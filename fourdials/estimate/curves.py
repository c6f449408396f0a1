"""Frames of `curve_points` → the curve of each arm: its value at every budget, with intervals.

Values are means over problems, repeats averaged within a problem first. Intervals resample clusters of problems (a
problem alone is its own cluster), the same clusters for every arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fourdials.estimate.intervals import REPLICATES, Array, Weights, resamples, share_bounds

GRID_POINTS = 200
CENSORED_SHARE = 0.05  # a curve says nothing beyond where more trials than this were cut off

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
class _Sums:
    """One arm on a grid, summed over the problems of each cluster; rows follow the list of all clusters."""

    value: Array  # clusters × grid
    answered: Array
    problems: Array  # clusters
    censored: NDArray[np.bool_]  # grid
    reach: float  # the largest spend of any unit


def curves(
    points: pl.DataFrame, grid: Sequence[float] | None = None, seed: int = 0, replicates: int = REPLICATES
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
    weights = resamples(clusters.height, seed, replicates)
    frames = [_curve(arm, _sums(arm, clusters, budgets), budgets, weights) for arm in arms]
    return pl.concat(frames).sort("experiment_id", "arm", "spend")


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


def _curve(arm: pl.DataFrame, sums: _Sums, budgets: Array, weights: Weights) -> pl.DataFrame:
    n, held = round(float(sums.problems.sum())), int(np.count_nonzero(sums.problems))
    # Clusters this arm lacks add nothing to either sum, so one draw serves every arm.
    bounds = share_bounds(sums.value, sums.problems, weights)
    first = arm.row(0, named=True)
    frame = pl.DataFrame(
        {
            **{name: [first[name]] * len(budgets) for name in ("experiment_id", "arm", "dial", "strategy", "access")},
            "spend": budgets,
            "value": bounds.value,
            "low": bounds.low,
            "high": bounds.high,
            "n": [n] * len(budgets),
            "clusters": [held] * len(budgets),
            "method": bounds.method,
            "unanswered": (1 - sums.answered.sum(axis=0) / n).clip(0, 1),
            "censored": sums.censored,
        },
        schema=CURVE_SCHEMA,
    )
    return frame.filter(~pl.col("censored") | (pl.col("spend") <= sums.reach))
