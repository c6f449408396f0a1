"""C21: accuracy saturates in the logarithm of tokens."""

from __future__ import annotations

from fourdials.claims._judging import arms_of, flattening, rising
from fourdials.verdict import Check, Claim, Evidence


def judge(evidence: Evidence) -> list[Check]:
    """The arm with the most levels of thought (of samples, if none thinks) rises and levels off."""
    arms = arms_of(evidence)
    thinking = [arm for arm in arms if arm["dial"] == "sequential"] or arms
    arm = max(thinking, key=lambda each: len(each["levels"]))["arm"]
    points = evidence.points("total_tokens")
    return [rising(points, arm), flattening(points, arm)]


CLAIM = Claim(
    id="C21",
    title="Saturation in log tokens",
    headline=(
        "Accuracy grows with the logarithm of the tokens and then flattens: AIME24 went from 50 to 57 % by "
        "telling a model to wait instead of ending its thought."
    ),
    source="s1: Muennighoff et al. 2025, arXiv 2501.19393, and many others",
    scaling="both",
    counts="Score rises, and a family of curves that levels off is the best by AICc and in 95 % of refits.",
    established="Score cannot exceed 1, so every rising curve flattens in the end.",
    contested="Which family it is: over the one or two decades that most papers show, several fit equally well.",
    untestable="The asymptote of budgets that were never run.",
    judge=judge,
)
