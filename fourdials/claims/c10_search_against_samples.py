"""C10: at equal compute best-of-n and tree search end up alike; what counts is how reliable the scorer is."""

from __future__ import annotations

import numpy as np

from fourdials.claims._judging import ahead, arms_of, cluster_of, knob, pairs, resampled, values_at
from fourdials.errors import InputError
from fourdials.verdict import Check, Claim, Evidence, above, within

MARGIN = 0.03
ALGORITHMS = ("best_of_n", "beam", "mcts")


def judge(evidence: Evidence) -> list[Check]:
    """With the same scorer the algorithms are within 3 points of one another, and its reliability moves scores more."""
    points = evidence.points("completion_tokens")
    table = {(knob(arm, "reliability"), arm["strategy"]): arm["arm"] for arm in arms_of(evidence, *ALGORITHMS)}
    grades = sorted({grade for grade, _ in table if grade is not None})
    kinds = [kind for kind in ALGORITHMS if all((grade, kind) in table for grade in grades)]
    if len(grades) < 2 or len(kinds) < 2:
        raise InputError("it needs two algorithms, each with two reliabilities of the same scorer")
    checks = [
        within(
            f"{table[grade, a]} and {table[grade, b]} are within 3 points",
            ahead(points, table[grade, a], table[grade, b]),
            MARGIN,
        )
        for grade in grades
        for a, b in pairs(kinds)
    ]
    ends = values_at(points, [table[grade, kind] for grade in (grades[0], grades[-1]) for kind in kinds])
    values = ends.select(f"v{i}" for i in range(2 * len(kinds))).to_numpy()

    def more(w: np.typing.NDArray[np.float64]) -> float:
        if not w.sum():
            return np.nan
        means = ((w @ values) / w.sum()).reshape(2, len(kinds))
        return float(means[1].mean() - means[0].mean() - np.ptp(means.mean(axis=0)))

    said = f"Reliability from {grades[0]:g} to {grades[-1]:g} moves scores more than the choice of algorithm does"
    return [*checks, above(said, resampled(more, cluster_of(ends)))]


CLAIM = Claim(
    id="C10",
    title="Search against samples",
    headline=(
        "Best-of-n and tree search converge at equal compute. Errors snowball from step to step, and trying k "
        "candidates helps only where the chance of choosing right exceeds 1/k."
    ),
    source="Gan et al. 2025, arXiv 2501.15602",
    scaling="external",
    counts=(
        "With one scorer for all, the algorithms are within 3 points of one another by an equivalence test "
        "(thousands of problems), and the scorer's reliability moves scores more than the algorithm does."
    ),
    established="Nothing that selects can do better than its scorer tells right from wrong.",
    contested="Whether search pays where a scorer can judge unfinished work; it then spends on better beginnings.",
    untestable=(
        "Learned reward models. The scorer here knows the truth and is made unreliable on purpose, so curves are "
        "bounds."
    ),
    judge=judge,
)
