"""Two subjects over a range of spend → where the lead changes hands, and in which units of spend which of them wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fourdials.estimate.differences import difference_curve
from fourdials.estimate.intervals import (
    REPLICATES,
    TAILS,
    Array,
    Ints,
    difference_bounds,
    drawn_means,
    max_t,
    resamples,
)
from fourdials.estimate.panel import Panel, common_reach, panel

BUDGETS = 60
TINY = 1e-9
WINNER_SCHEMA: dict[str, type[pl.DataType]] = {
    "unit": pl.String,
    "share": pl.Float64,
    "spend": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    "winner": pl.String,
    "reversed": pl.Boolean,
}


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where a lead changes hands for good.

    Attributes:
        spend: The smallest budget from which the subject that leads in the end leads throughout; None if it always did
            or nobody leads in the end.
        low, high: 95 % interval of that budget, from replicates in which there is a crossing; None if there is none.
        leader_before, leader_after: `a`, `b`, or `neither`, on all the data.
        probability: Share of replicates in which the lead changes hands in this direction.
        distinguishable: True if that share is at least 95 % and the data show both leads: at some budget before the
            change one subject, and at some budget after it the other, is ahead by a band that holds at all budgets at
            once (max-t) and by the interval of that budget alone.
        n, clusters: Problems shared, and their clusters.
        method: How the interval was made.
    """

    spend: float | None
    low: float | None
    high: float | None
    leader_before: str
    leader_after: str
    probability: float
    distinguishable: bool
    n: int
    clusters: int
    method: str = "bootstrap over clusters"


def crossover(
    a: pl.DataFrame, b: pl.DataFrame, budgets: Array | None = None, seed: int = 0, replicates: int = REPLICATES
) -> Crossover | None:
    """The budget at which the lead changes hands, by refinding it in every bootstrap replicate.

    Args:
        a: Rows of the query `curve_points` of subject a.
        b: The same of subject b, in the same unit of spend.
        budgets: Where to look; by default those of `common_budgets`.
        seed: Of the bootstrap.
        replicates: Bootstrap replicates.

    None if no problem is shared or nobody answered. Budgets at which both have the same value belong to neither.
    """
    grid = common_budgets(a, b) if budgets is None else np.unique(np.asarray(budgets, dtype=np.float64))
    if not len(grid):
        return None
    found = panel([a, b], grid)
    if not len(found.cluster):
        return None
    gaps = found.sums(0) - found.sums(1)
    place, before, after = _change(gaps.sum(axis=0)[None, :])
    draws = drawn_means(gaps, found.sizes, resamples(len(found.sizes), seed, replicates))
    places, befores, afters = _change(draws)
    crossed = (places > 0) & (befores != afters)
    names = {1: "a", -1: "b", 0: "neither"}
    sides = names[int(before[0])], names[int(after[0])]
    same = crossed & (afters == after[0]) if place[0] else crossed
    low = high = None
    if same.any():
        # The lead changes hands somewhere between two budgets of the grid; the interval takes in both.
        low = float(np.quantile(grid[places[same] - 1], TAILS[0], method="nearest"))
        high = float(np.quantile(grid[places[same]], TAILS[1], method="nearest"))
    real = bool(place[0] and same.mean() >= 0.95 and _both_led(found, draws, int(place[0]), int(after[0])))
    spend = float(grid[place[0]]) if place[0] else None
    return Crossover(spend, low, high, *sides, float(same.mean()), real, len(found.cluster), len(found.sizes))


def winners(
    by_unit: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]],
    shares: tuple[float, ...] = (0.25, 0.5, 1.0),
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pl.DataFrame:
    """Who wins at equal spend, unit by unit.

    Args:
        by_unit: For each unit of spend, rows of `curve_points` of subjects a and b in that unit.
        shares: Budgets, as shares of the spend up to which both can be read.
        seed: Of the bootstrap.
        replicates: Bootstrap replicates.

    Returns:
        Columns of `WINNER_SCHEMA`, one row per unit and share: the difference a − b with its interval, the `winner`
        (`a`, `b`, or `undecided` where the interval holds 0), and `reversed`, true where another unit has the other
        winner at the same share. Units without a shared problem have no rows.
    """
    frames = []
    for unit, (a, b) in by_unit.items():
        end = common_reach([a, b])
        budgets = [share * end for share in sorted(set(shares))]
        curve = difference_curve(a, b, budgets, seed, replicates)
        if curve.height == len(budgets):
            frames.append(curve.with_columns(unit=pl.lit(unit), share=pl.Series(sorted(set(shares)))))
    if not frames:
        return pl.DataFrame(schema=WINNER_SCHEMA)
    named = pl.concat(frames).with_columns(
        winner=pl.when(pl.col("low") > 0)
        .then(pl.lit("a"))
        .when(pl.col("high") < 0)
        .then(pl.lit("b"))
        .otherwise(pl.lit("undecided"))
    )
    decided = pl.col("winner").filter(pl.col("winner") != "undecided").n_unique().over("share") > 1
    return named.with_columns(reversed=decided & (pl.col("winner") != "undecided")).select(*WINNER_SCHEMA)


def common_budgets(a: pl.DataFrame, b: pl.DataFrame, steps: int = BUDGETS) -> Array:
    """The spends at which either curve changes, as far as both can be read; where these are more than
    `steps`, even steps on a log scale from the first answer of either."""
    first = pl.concat([a["spend"], b["spend"]]).drop_nulls()
    first = first.filter(first > 0)
    end = common_reach([a, b])
    if first.is_empty() or end <= 0:
        return np.array([])
    changes = first.filter(first <= end).unique().sort()
    if 0 < len(changes) <= steps:
        return np.unique(np.append(changes.to_numpy(), end))
    start = min(float(first.min()), end)  # type: ignore[arg-type]
    return np.unique(np.geomspace(start, end, steps)) if start < end else np.array([end])


def _both_led(found: Panel, draws: Array, place: int, after: int) -> bool:
    """True if the one lead is shown at a budget before `place` and the other at one from it on."""
    bounds = difference_bounds(found.sums(0), found.sums(1), found.sizes)
    band = max_t(draws, bounds.value) * draws.std(axis=0)
    low, high = np.minimum(bounds.low, bounds.value - band), np.maximum(bounds.high, bounds.value + band)
    ahead = low > 0 if after > 0 else high < 0
    behind = high < 0 if after > 0 else low > 0
    return bool(behind[:place].any() and ahead[place:].any())


def _change(gaps: Array) -> tuple[Ints, Ints, Ints]:
    """For each row: where the final leader's unbroken lead begins (0: at once, or nobody leads), and who led before
    and leads after, as signs."""
    signs = np.sign(np.where(np.abs(gaps) < TINY, 0.0, gaps)).astype(np.int64)
    after = signs[:, -1]
    other = signs != after[:, None]
    last = signs.shape[1] - 1 - np.argmax(other[:, ::-1], axis=1)  # the last budget where somebody else led
    place = np.where(other.any(axis=1) & (after != 0), last + 1, 0)
    # A lead that only begins, without the other ever having led, is no crossing.
    led = (signs == -after[:, None]) & (np.arange(signs.shape[1]) < place[:, None])
    place = np.where(led.any(axis=1), place, 0)
    before = np.where(place > 0, -after, after)
    return place, before, after
