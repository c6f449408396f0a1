"""C8: giving each problem the samples it deserves beats giving all the same number."""

from __future__ import annotations

import numpy as np

from fourdials.claims._judging import arms_of, resampled
from fourdials.errors import InputError
from fourdials.estimate.intervals import Array
from fourdials.estimate.pool import pass_at, read
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above

PILOT, PER_PROBLEM = 4, 16
RISEN = 0.95  # of the way from one sample to the whole pool; beyond it a pool cannot tell how many samples it takes
TWICE = 2.0


def judge(evidence: Evidence) -> list[Check]:
    """Uniform shares need at least twice the samples for the coverage that adaptive ones reach, pilot included.

    Selection is by the truth (a sample is right or not), so both are bounds.
    """
    arm = arms_of(evidence, "independent", "majority_vote")[0]["arm"]
    pool = read(evidence.samples(), evidence.experiment_id, arm)
    if pool.samples < 2 * PER_PROBLEM:
        raise InputError(f"its pool has {pool.samples} samples a problem; {2 * PER_PROBLEM} are the fewest")
    right = pool.right.sum(axis=1)
    curves = np.stack([pass_at(right, pool.samples, k) for k in range(1, pool.samples + 1)], axis=1)
    found = resampled(lambda w: saving(w, curves), pool.cluster)
    said = "Told by a checker that knows the truth (a bound), uniform shares need at least twice the adaptive samples"
    alike, spent = needed(np.ones(len(curves)), curves)
    coverage = np.interp(alike, np.arange(1, pool.samples + 1), curves.mean(axis=0))
    told = f"Both reach a coverage of {100 * coverage:.0f} %: with {alike:.3g} samples a problem, or with {spent:.3g}"
    return [above(said, found, TWICE, "ratio"), Check(f"{told} after a pilot of {PILOT}", SHOWN)]


def needed(w: Array, curves: Array) -> tuple[float, float]:
    """Samples a problem that uniform and adaptive shares need for the same coverage.

    Args:
        w: How often each problem counts; not all 0.
        curves: Each problem's chance that k of its samples hold a right one: problems × k.

    Adaptive shares pay for a pilot. Problems that it solved can gain no more, and all others have the same expected
    rate, so these share what is left alike: whoever is open after the pilot goes on to k samples, which covers what k
    samples of each problem would. They are compared where 16 samples a problem take the adaptive ones, but no higher
    than where coverage has come 95 % of the way from one sample to the whole pool: problems that no sample solves take
    whatever they are granted, so at the end of a pool its size would decide. On a plateau the first k counts that
    reaches a coverage. NaN twice where coverage does not rise.
    """
    curve, sizes = (w @ curves) / w.sum(), np.arange(1, curves.shape[1] + 1)
    rise = curve[-1] - curve[0]
    if rise < 1e-12:
        return np.nan, np.nan
    open_after = 1 - curve[PILOT - 1]
    most = PILOT + (PER_PROBLEM - PILOT) / open_after if open_after > 0 else np.inf
    reached = min(float(np.interp(most, sizes, curve)), curve[0] + RISEN * rise)
    place = int(np.argmax(curve >= reached - 1e-9))
    alike = float(np.interp(reached, curve[place - 1 : place + 1], sizes[place - 1 : place + 1])) if place else 1.0
    return alike, PILOT + open_after * max(0.0, alike - PILOT)


def saving(w: Array, curves: Array) -> float:
    """Samples that uniform shares need over those that adaptive ones do; NaN where coverage does not rise."""
    if not w.sum():
        return np.nan
    alike, spent = needed(w, curves)
    return alike / spent


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
        "of adaptive ones whose pilot is paid for: a bound. They are compared no higher than where coverage has come "
        "95 % of the way from one sample to the whole pool. What votes alone save is in the tab Allocate."
    ),
    established=(
        "With known success rates, granting the next sample where λ(1 − λ)^(j−1) is largest is optimal; problems "
        "that are always or never solved deserve nothing more."
    ),
    contested="How much of the gain is left where difficulty has to be found out and paid for.",
    untestable="Their learned predictors and their search strategies. Allocation is replayed over stored samples.",
    judge=judge,
)
