"""Curve points of several subjects → one array of their values on the problems they share.

Whatever is compared here (arms, models, runs) is compared on the same problems, so differences, fits and reversals all
start from a panel. Its cluster sums go to `intervals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fourdials.errors import InputError
from fourdials.estimate.curves import CENSORED_SHARE
from fourdials.estimate.intervals import Array, Ints, by_cluster

PROBLEM = ["task", "problem_id"]


@dataclass(frozen=True, slots=True)
class Panel:
    """Values of subjects on shared problems.

    Attributes:
        budgets: The spends looked at, increasing.
        problems: Columns task, problem_id, cluster_id; one row per problem all subjects have.
        cluster: Number of each problem's cluster, from 0.
        values: subjects × problems × budgets; the score of the last answer paid for, repeats averaged.
        reach: Up to which spend all subjects can be read, see `common_reach`.
    """

    budgets: Array
    problems: pl.DataFrame
    cluster: Ints
    values: Array
    reach: float

    @property
    def sizes(self) -> Array:
        """Problems in each cluster."""
        return by_cluster(np.ones(len(self.cluster)), self.cluster)

    def sums(self, subject: int) -> Array:
        """One subject's values summed over the problems of each cluster: clusters × budgets."""
        return by_cluster(self.values[subject], self.cluster)


def panel(subjects: Sequence[pl.DataFrame], budgets: Sequence[float] | Array) -> Panel:
    """Lines subjects up.

    Args:
        subjects: For each, rows of the query `curve_points` in one unit; several of its experiments are repeats.
        budgets: The spends to look at.

    Returns:
        A panel over the problems that every subject has, which may be none.
    """
    if not subjects:
        raise InputError("got nothing to compare; choose at least one arm, model or run")
    grid = np.unique(np.asarray(budgets, dtype=np.float64))
    problems = shared(subjects)
    values = np.zeros((len(subjects), problems.height, len(grid)))
    for i, points in enumerate(subjects):
        values[i] = _values(points, problems, grid)
    return Panel(
        grid,
        problems.select(*PROBLEM, "cluster_id"),
        problems["cluster"].to_numpy().astype(np.int64),
        values,
        common_reach(subjects),
    )


def shared(subjects: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The problems every frame has, in order, with `cluster` and `place` numbered from 0."""
    keys = [
        frame.select(*PROBLEM, "cluster_id").unique(PROBLEM, keep="first", maintain_order=True) for frame in subjects
    ]
    both = keys[0]
    for other in keys[1:]:
        both = both.join(other, on=PROBLEM, how="semi")
    both = both.sort(PROBLEM)
    cluster = (pl.struct("task", "cluster_id").rank("dense") - 1).cast(pl.Int64)
    return both.with_columns(cluster=cluster).with_row_index("place")


def reach(points: pl.DataFrame) -> float:
    """How far a subject's curve has been seen: its largest spend, or the spend up to which at most 5 % were cut off."""
    units = _units(points)
    if units.is_empty():
        return 0.0
    return min(_cut_from(units), float(units["max_spend"].to_numpy().max()))


def ran_out(points: pl.DataFrame) -> bool:
    """True if a subject's trials had finished, all but 5 % at most: granting it more would change nothing."""
    units = _units(points)
    return not units.is_empty() and _cut_from(units) == float("inf")


def common_reach(subjects: Sequence[pl.DataFrame]) -> float:
    """Up to which spend several subjects can be compared.

    A subject whose trials had finished stands at its last answer however much more there is to spend, so only those
    that were cut off end the comparison; where none was, it goes as far as the one that spent most.
    """
    units = [_units(points) for points in subjects]
    ends = [_cut_from(each) for each in units if not each.is_empty()]
    largest = max((reach(points) for points in subjects), default=0.0)
    return min([*ends, largest]) if len(ends) == len(units) else 0.0


def _units(points: pl.DataFrame) -> pl.DataFrame:
    return points.unique("unit_id", keep="first", maintain_order=True)


def _cut_from(units: pl.DataFrame) -> float:
    """The spend beyond which over 5 % of the units had been cut off; infinite if no more than that ever were."""
    cut = np.sort(units.filter(~pl.col("finished"))["max_spend"].to_numpy())
    allowed = int(CENSORED_SHARE * units.height)
    return float(cut[allowed]) if len(cut) > allowed else float("inf")


def _values(points: pl.DataFrame, problems: pl.DataFrame, grid: Array) -> Array:
    places = problems.select(*PROBLEM, "place")
    units = (
        points.unique("unit_id", keep="first", maintain_order=True)
        .select("unit_id", *PROBLEM)
        .join(places, on=PROBLEM, maintain_order="left")
        .with_columns(share=1 / pl.len().over("place"))
    )
    landed = points.filter(pl.col("spend").is_not_null()).join(
        units.select("unit_id", "place", "share"), on="unit_id", maintain_order="left"
    )
    columns = len(grid) + 1  # the last collects what costs more than any budget
    cell = landed["place"].to_numpy().astype(np.int64) * columns
    cell += np.searchsorted(grid, landed["spend"].to_numpy(), side="left")
    gains = landed["gain"].to_numpy() * landed["share"].to_numpy()
    cells = np.bincount(cell, gains, minlength=problems.height * columns).reshape(problems.height, columns)
    return np.asarray(cells[:, :-1].cumsum(axis=1), dtype=np.float64)
