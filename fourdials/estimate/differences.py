"""Two subjects (arms, models, runs) on shared problems → how they differ, whether it is real, which answers flipped.

Where the winner changes with spend is in `crossings`. Queries: `curve_points` for differences, `answers_at` for flips.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import bdtr, ndtri

from fourdials.errors import InputError
from fourdials.estimate.intervals import REPLICATES, Array, Z, difference_bounds, first_of, resamples
from fourdials.estimate.panel import PROBLEM, Panel, panel

DIFFERENCE_CURVE_SCHEMA: dict[str, type[pl.DataType]] = {
    "spend": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
}
FLIP_SCHEMA: dict[str, type[pl.DataType]] = {
    "task": pl.String,
    "problem_id": pl.String,
    "change": pl.String,
    **{f"{name}_{side}": kind for side in "ab" for name, kind in (("score", pl.Float64), ("outcome", pl.String))},
    **{f"{name}_{side}": pl.String for side in "ab" for name in ("answer", "trial_id")},
}
McNEMAR = "McNemar, exact"
SIGN = "sign test over problems, exact"
PERMUTED = "sign flips of clusters"


@dataclass(frozen=True, slots=True)
class Difference:
    """Subject a minus subject b over the problems both were run on.

    Attributes:
        value: Mean difference of scores, in [-1, 1], with its 95 % interval low to high, made by `method`.
        n, clusters: Problems compared, and clusters they lie in.
        a_better, b_better: Problems on which a scored higher, and on which b did.
        p: p-value of no difference, and the `test` it comes from.
        distinguishable: True if the interval leaves 0 out.
        n_needed: Problems of this kind that would settle a difference as large as this one four times in five; None if
            it is distinguishable or there is nothing to see (no problem differs, or the mean difference is 0).
    """

    value: float
    low: float
    high: float
    method: str
    n: int
    clusters: int
    a_better: int
    b_better: int
    p: float
    test: str
    distinguishable: bool
    n_needed: int | None


def paired_difference(
    points: pl.DataFrame, arm_a: str, arm_b: str, spend: float, seed: int = 0, replicates: int = REPLICATES
) -> Difference | None:
    """Arm a minus arm b at one budget, over the problems both have; None if there is none. See `difference_at`."""
    chosen = [points.filter(pl.col("arm") == arm) for arm in (arm_a, arm_b)]
    return difference_at(chosen[0], chosen[1], spend, seed, replicates)


def difference_at(
    a: pl.DataFrame, b: pl.DataFrame, spend: float, seed: int = 0, replicates: int = REPLICATES
) -> Difference | None:
    """Subject a minus subject b at one budget, over the problems both have; None if there is none.

    Args:
        a: Rows of the query `curve_points` of subject a.
        b: The same of subject b, in the same unit of spend.
        spend: The budget.
        seed: Of the bootstrap.
        replicates: Bootstrap replicates.

    The interval is that of `intervals.difference_bounds`. The test is McNemar's exact one (1947): given the problems on
    which the two differ, each is as likely to favour a as b. With repeats, mean scores are compared by sign, which is
    the same test; where problems share clusters, whole clusters change sign at random instead (10,000 times).
    """
    found = panel([a, b], [spend])
    if not len(found.cluster):
        return None
    weights = resamples(len(found.sizes), seed, replicates)
    estimate = first_of(difference_bounds(found.sums(0), found.sums(1), found.sizes, weights), found.sizes)
    gaps = found.values[0, :, 0] - found.values[1, :, 0]
    better, worse = int((gaps > 1e-9).sum()), int((gaps < -1e-9).sum())
    if estimate.clusters < estimate.n:
        p, test = sign_flips(found.sums(0)[:, 0] - found.sums(1)[:, 0], seed), PERMUTED
    else:
        whole = bool(np.isin(found.values.round(9), (0.0, 1.0)).all())
        p, test = exact_p(better, worse), McNEMAR if whole else SIGN
    real = estimate.low > 0 or estimate.high < 0
    needed = None if real else _needed(found, gaps)
    ends = (estimate.value, estimate.low, estimate.high, estimate.method, estimate.n, estimate.clusters)
    return Difference(*ends, better, worse, p, test, real, needed)


def difference_curve(
    a: pl.DataFrame, b: pl.DataFrame, budgets: Sequence[float] | Array, seed: int = 0, replicates: int = REPLICATES
) -> pl.DataFrame:
    """Subject a minus subject b at every budget up to which both can be read.

    Returns:
        Columns of `DIFFERENCE_CURVE_SCHEMA`, one row per budget; no rows if no problem is shared. Each interval is for
        its own budget, not for all at once.
    """
    found = panel([a, b], budgets)
    if not len(found.cluster):
        return pl.DataFrame(schema=DIFFERENCE_CURVE_SCHEMA)
    sizes = found.sizes
    bounds = difference_bounds(found.sums(0), found.sums(1), sizes, resamples(len(sizes), seed, replicates))
    count = len(found.budgets)
    columns = {"spend": found.budgets, "value": bounds.value, "low": bounds.low, "high": bounds.high}
    counts = {"n": [len(found.cluster)] * count, "clusters": [len(sizes)] * count, "method": bounds.method}
    frame = pl.DataFrame({**columns, **counts}, schema=DIFFERENCE_CURVE_SCHEMA)
    return frame.filter(pl.col("spend") <= found.reach)


def exact_p(a_better: int, b_better: int) -> float:
    """Two-sided p of McNemar's exact test: how surprising such a split is if either side were equally likely.

    1.0 where nothing differs."""
    both = a_better + b_better
    return min(1.0, 2 * float(bdtr(min(a_better, b_better), both, 0.5))) if both else 1.0


def sign_flips(gaps: Array, seed: int = 0, draws: int = 10_000) -> float:
    """Two-sided p of no difference when whole clusters' summed gaps may change sign: (1 + as extreme) / (1 + draws)."""
    moved = gaps[np.abs(gaps) > 1e-9]
    if not len(moved):
        return 1.0
    signs = np.random.default_rng(seed).integers(0, 2, (draws, len(moved)), dtype=np.int8) * 2.0 - 1
    extreme = int((np.abs(signs @ moved) >= abs(moved.sum()) - 1e-9).sum())
    return (1 + extreme) / (1 + draws)


def detectable_difference(n: int, discordance: float = 0.3, power: float = 0.8) -> float:
    """The smallest difference in accuracy between two arms that `n` problems would find (5 % level, two-sided).

    McNemar's test on pairs of which a share `discordance` is scored differently, by the formula of `problems_needed`
    solved for d. Returns 1.0 where nothing smaller would be found.
    """
    from scipy.optimize import brentq  # slow to import, and the first page shown does without

    def short(d: float) -> float:
        return _connor(max(discordance, d), d, power) - n

    return 1.0 if n <= 0 or short(1.0) > 0 else float(brentq(short, 1e-6, 1.0))


def problems_needed(difference: float, discordance: float, power: float = 0.8) -> int | None:
    """How many problems find a difference in accuracy with this power (5 % level, two-sided).

    McNemar's test on pairs of which a share `discordance` ψ is scored differently (Connor 1987, Biometrics 43:207):
    n = (z_a √ψ + z_b √(ψ − d²))² / d². None for a difference of 0, which no number of problems finds.
    """
    d = abs(difference)
    if d > 1 or not 0 <= discordance <= 1:
        raise InputError(f"got difference {difference} and discordance {discordance}; both must lie within 1")
    return math.ceil(_connor(max(discordance, d), d, power)) if d > 0 else None


def flips(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """The problems on which two subjects' scores differ, with both answers and both trials.

    Args:
        a: Rows of the query `answers_at` of subject a.
        b: The same of subject b. Repeats are compared in pairs of the same repeat.

    Returns:
        Columns of `FLIP_SCHEMA`: `change` is `gained` where a scored higher than b, else `lost`. Lost ones first, then
        by task and problem. Empty where nothing flipped.
    """
    keys = [*PROBLEM, "repeat"]
    shown = ["score", "outcome", "answer", "trial_id"]
    sides = [
        frame.select(*keys, *(pl.col(name).alias(f"{name}_{s}") for name in shown)) for frame, s in ((a, "a"), (b, "b"))
    ]
    both = sides[0].join(sides[1], on=keys).filter((pl.col("score_a") - pl.col("score_b")).abs() > 1e-9)
    change = pl.when(pl.col("score_a") > pl.col("score_b")).then(pl.lit("gained")).otherwise(pl.lit("lost"))
    ordered = both.with_columns(change=change).sort(pl.col("change") == "gained", *keys)
    return ordered.select(pl.col(name).cast(kind) for name, kind in FLIP_SCHEMA.items())


def _connor(discordance: float, d: float, power: float) -> float:
    z_power = float(ndtri(power))
    return (Z * math.sqrt(discordance) + z_power * math.sqrt(max(0.0, discordance - d * d))) ** 2 / d**2


def _needed(found: Panel, gaps: Array) -> int | None:
    """`problems_needed` for the gaps seen, stretched by how much clusters inflate their variance."""
    d, square = float(gaps.mean()), float((gaps**2).mean())
    if abs(d) < 1e-9:
        return None
    # With scores between 0 and 1 the mean square of the gaps plays the part of the share of discordant pairs.
    needed = problems_needed(d, min(1.0, square)) or 0
    apart = found.sums(0)[:, 0] - found.sums(1)[:, 0] - d * found.sizes
    alone = float(((gaps - d) ** 2).sum())
    return math.ceil(needed * max(1.0, float((apart**2).sum()) / alone)) if alone > 0 else needed
