"""C8: giving each problem the samples it deserves beats giving all the same number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fourdials import theory
from fourdials.claims._judging import arms_of, resampled
from fourdials.errors import InputError
from fourdials.estimate.intervals import Array
from fourdials.estimate.pool import pass_at, read
from fourdials.verdict import Check, Claim, Evidence, above

PILOT, PER_PROBLEM = 4, 16
SPLITS = 8
TWICE = 2.0


def judge(evidence: Evidence) -> list[Check]:
    """Uniform shares need at least twice the samples for the coverage that adaptive ones reach, pilot included.

    Selection is by the truth (a sample is right or not), so both are bounds.
    """
    arm = arms_of(evidence, "independent", "majority_vote")[0]["arm"]
    pool = read(evidence.samples(), evidence.experiment_id, arm)
    if pool.samples < 2 * PER_PROBLEM:
        raise InputError(f"its pool has {pool.samples} samples a problem; {2 * PER_PROBLEM} are the fewest")
    solved, spent = replay(pool.right)
    uniform = np.stack([pass_at(pool.right.sum(axis=1), pool.samples, k) for k in range(1, pool.samples + 1)], axis=1)
    found = resampled(lambda w: saving(w, solved, spent, uniform), pool.cluster)
    said = "Told by a checker that knows the truth (a bound), uniform shares need at least twice the adaptive samples"
    return [above(said, found, TWICE, "ratio")]


def replay(right: NDArray[np.bool_]) -> tuple[Array, Array]:
    """How often each problem is solved, and with how many samples, where 16 a problem are shared out by expected gain.

    A pilot of 4 is paid for and counts. Problems it solved can gain no more, all others have the same expected rate
    (Laplace's, of no success in 4). Means over random orders of the pool.
    """
    problems, most = right.shape
    rng, solved, spent = np.random.default_rng(0), np.zeros(problems), np.zeros(problems)
    for _ in range(SPLITS):
        mixed = np.take_along_axis(right, rng.random(right.shape).argsort(axis=1), axis=1)
        expected = np.where(mixed[:, :PILOT].any(axis=1), 0.0, 1 / (PILOT + 2))
        shares = theory.greedy_shares(expected, PER_PROBLEM * problems, already=PILOT).clip(max=most)
        solved += (mixed & (np.arange(most) < shares[:, None])).any(axis=1)
        spent += shares
    return solved / SPLITS, spent / SPLITS


def saving(w: Array, solved: Array, spent: Array, uniform: Array) -> float:
    """Samples a problem that uniform shares need for the same coverage, over those that adaptive ones spent; too small
    where the whole pool does not reach that coverage."""
    if not w.sum():
        return np.nan
    reached, curve = float(w @ solved / w.sum()), (w @ uniform) / w.sum()
    if np.ptp(curve) < 1e-12:
        return np.nan
    return float(np.interp(reached, curve, np.arange(1, len(curve) + 1))) * float(w.sum() / (w @ spent))


CLAIM = Claim(
    id="C8",
    title="Spending where it counts",
    headline=(
        "Choosing for each prompt how much to spend matched best-of-64 with about a quarter of the samples; a "
        "learned allocation saved up to half at equal quality."
    ),
    source="Snell et al. 2024, arXiv 2408.03314; Damani et al. 2024, arXiv 2410.04707",
    scaling="external",
    counts=(
        "For the same coverage, told by a checker that knows the truth, uniform shares take at least twice the samples "
        "of adaptive ones whose pilot is paid for: a bound. What votes alone save is in the tab Allocate."
    ),
    established=(
        "With known success rates, granting the next sample where λ(1 − λ)^(j−1) is largest is optimal; problems "
        "that are always or never solved deserve nothing more."
    ),
    contested="How much of the gain is left where difficulty has to be found out and paid for.",
    untestable="Their learned predictors and their search strategies. Allocation is replayed over stored samples.",
    judge=judge,
)
