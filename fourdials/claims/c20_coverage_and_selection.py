"""C20: with more samples a right answer is nearly always there; choosing it lags behind."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import arms_of
from fourdials.errors import InputError
from fourdials.estimate import Estimate
from fourdials.estimate.intervals import Array, by_cluster, difference, difference_bounds, first_of, resamples
from fourdials.estimate.pool import Pool, gap, pass_at, read
from fourdials.verdict import REPRODUCED, Check, Claim, Evidence, above, shown, untested

HALF = 0.5  # guesses that cover more than this leave little room to be better than they


def growth(pool: Pool, k: int) -> Estimate:
    """Coverage by k samples minus that by one."""
    right = pool.right.sum(axis=1)
    many, one = (by_cluster(pass_at(right, pool.samples, size)[:, None], pool.cluster) for size in (k, 1))
    return first_of(difference_bounds(many, one, pool.sizes, resamples(len(pool.sizes))), pool.sizes)


def judge(evidence: Evidence) -> list[Check]:
    """Of each arm that samples: coverage lies above what as many guesses would cover, grows with the samples, and lies
    above what a majority vote of as many gets out of them.

    The last two cannot come out otherwise: coverage never falls, and never lies below a vote. They count only where
    guessing would not do as much, at the most samples of which guesses cover no more than half of the problems. What
    can be tested comes first; of arms of the same models and knobs the one with
    the most samples is judged.
    """
    samples, found, refused = evidence.samples(), [], []
    unlike: dict[str, str] = {}
    for each in sorted(arms_of(evidence, "independent", "majority_vote"), key=lambda arm: -max(arm["levels"])):
        unlike.setdefault(str((each["strategy"], each["lineup"], each["knobs"])), each["arm"])
    for arm in unlike.values():
        try:
            found.append(_judged(evidence, arm, read(samples, evidence.experiment_id, arm)))
        except InputError as error:
            refused.append(untested(f"{arm}: {error}"))
    if not found:
        raise InputError("; ".join(check.said for check in refused))
    found.sort(key=lambda checks: checks[0].outcome != REPRODUCED)
    return [*(check for checks in found for check in checks), *refused]


def _judged(evidence: Evidence, arm: str, pool: Pool) -> list[Check]:
    """The same of one arm."""
    if pool.samples < 4:
        raise InputError(f"its pool has {pool.samples} samples a problem; 4 are the fewest")
    rate = _chance(evidence, pool)
    most = pool.samples // 2
    k = max((k for k in range(2, most + 1) if guessed(rate, k).mean() <= HALF), default=2)
    row = gap(pool, "majority", [k]).filter(pl.col("k") == k).row(0, named=True)
    behind = Estimate(row["value"], row["low"], row["high"], row["n"], row["clusters"], row["method"])
    covered, guesses = pass_at(pool.right.sum(axis=1), pool.samples, k), guessed(rate, k)
    said = f"{k} samples of {arm} cover more problems than {k} guesses would ({100 * guesses.mean():.0f} %)"
    luck = above(said, difference(covered, guesses, pool.cluster))
    lags = f"With {k} samples of {arm} the majority vote lies behind coverage"
    grows = f"Coverage grows from 1 to {k} samples of {arm}"
    if luck.outcome != REPRODUCED:
        reason = "so that growth and the lead over a vote may be luck"
        covers = f"{said}: they cover {100 * covered.mean():.0f} %, {reason}"
        return [untested(covers), shown(lags, behind), shown(grows, growth(pool, k))]
    return [luck, above(lags, behind), above(grows, growth(pool, k))]


def guessed(rate: Array, k: int) -> Array:
    """The chance that one of k independent guesses is right, for each rate of right guesses: 1 − (1 − p)^k."""
    return 1 - (1 - rate) ** k


def _chance(evidence: Evidence, pool: Pool) -> Array:
    """How often a guess is right on each problem: its task's mean, which covers rather more than the rates would one by
    one; 0 where the answers cannot be listed."""
    rates = {}
    for task in pool.problems["task"].unique():
        rows = evidence.read("baselines", experiment_ids=[evidence.experiment_id], tasks=[task]).filter(kind="chance")
        rates[task] = 0.0 if rows.is_empty() else float(rows["value"][0])
    return pool.problems["task"].replace_strict(rates, return_dtype=pl.Float64).to_numpy()


CLAIM = Claim(
    id="C20",
    title="Coverage and selection",
    headline=(
        "The share of problems with a right answer among k samples grows like a power law over orders of "
        "magnitude; on MATH it went from 82.9 to 98.4 % while what selection got out of it went from 40.5 to 41.4 "
        "%."
    ),
    source="Brown et al. 2024, arXiv 2407.21787; Schaeffer et al. 2025, arXiv 2502.17578",
    scaling="external",
    counts=(
        "Coverage grows with the samples and lies above a majority vote of as many, and above what as many guesses "
        "would cover, with intervals that leave out 0, in every arm that can be tested. Without the last "
        "nothing is tested: the first two cannot fail."
    ),
    established=(
        "Coverage can only grow. If problems differ in difficulty as a Beta distribution does, what is missing "
        "falls as a power of k."
    ),
    contested=(
        "Whether a right answer among many is understanding or luck, which is worth little where answers can be "
        "guessed."
    ),
    untestable=(
        "Orders of magnitude that nobody sampled: the curve is extrapolated there. Votes of more than half a pool."
    ),
    judge=judge,
)
