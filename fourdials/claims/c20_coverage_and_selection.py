"""C20: with more samples a right answer is nearly always there; choosing it lags behind."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import arms_of
from fourdials.errors import InputError
from fourdials.estimate import Estimate
from fourdials.estimate.intervals import by_cluster, difference_bounds, first_of, resamples
from fourdials.estimate.pool import Pool, gap, pass_at, read
from fourdials.verdict import Check, Claim, Evidence, above


def growth(pool: Pool, k: int) -> Estimate:
    """Coverage by k samples minus that by one."""
    right = pool.right.sum(axis=1)
    many, one = (by_cluster(pass_at(right, pool.samples, size)[:, None], pool.cluster) for size in (k, 1))
    return first_of(difference_bounds(many, one, pool.sizes, resamples(len(pool.sizes))), pool.sizes)


def judge(evidence: Evidence) -> list[Check]:
    """Coverage grows with the samples, and lies above what a majority vote of as many gets out of them."""
    arm = arms_of(evidence, "independent", "majority_vote")[0]["arm"]
    pool = read(evidence.samples(), evidence.experiment_id, arm)
    if pool.samples < 4:
        raise InputError(f"its pool has {pool.samples} samples a problem; 4 are the fewest")
    k = pool.samples // 2
    row = gap(pool, "majority", [k]).filter(pl.col("k") == k).row(0, named=True)
    behind = Estimate(row["value"], row["low"], row["high"], row["n"], row["clusters"], row["method"])
    return [
        above(f"With {k} samples the majority vote lies behind coverage", behind),
        above(f"Coverage grows from 1 to {k} samples", growth(pool, k)),
    ]


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
        "Coverage grows with the samples and lies above a majority vote of as many, with an interval that leaves out 0."
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
