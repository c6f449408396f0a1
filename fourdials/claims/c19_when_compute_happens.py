"""C19: compute can be moved to another time: before the question is known."""

from __future__ import annotations

from fourdials.claims._judging import ahead, arms_of, of_arm
from fourdials.errors import InputError
from fourdials.estimate.differences import difference_at
from fourdials.verdict import Check, Claim, Evidence, above, not_worse

MARGIN = 0.03


def judge(evidence: Evidence) -> list[Check]:
    """With half of the tokens a sleeper's answers are within 3 points of answers without sleep, and ahead at equal
    ones; a rewrite is charged by the share of it that each of its questions bears."""
    points, sleeper = evidence.points("total_tokens"), arms_of(evidence, "sleep_time")[0]["arm"]
    plain = arms_of(evidence, "chain_of_thought", "budget_forcing", "single")[0]["arm"]
    own = of_arm(points, sleeper)
    typical = own["spend"].drop_nulls().median()
    if not isinstance(typical, float):
        raise InputError(f"{sleeper} never answered")
    # The same spend is asked of both frames, so the other side's spends are halved: twice the budget for it.
    other = of_arm(points, plain)
    halved = other.with_columns(other["spend"] / 2, other["max_spend"] / 2)
    found = difference_at(own, halved, typical)
    if found is None:
        raise InputError(f"{sleeper} and {plain} share no problem")
    return [
        not_worse(f"With half of the tokens {sleeper} is at most 3 points behind {plain}", found, MARGIN),
        above(f"{sleeper} leads {plain} at equal tokens", ahead(points, sleeper, plain, typical)),
    ]


CLAIM = Claim(
    id="C19",
    title="When compute happens",
    headline=(
        "Thinking about a context before the question comes takes about 5 times less compute at test time, and is "
        "2.5 times cheaper per question with ten questions on one context."
    ),
    source=(
        "Sleep-time compute: Lin et al. 2025, arXiv 2504.13171; recursive models 2512.24601; consensus "
        "2310.09139; post-completion 2507.20252"
    ),
    scaling="both",
    counts=(
        "With the rewrite charged to the questions that share it, half of the tokens suffice for the same score, "
        "and equal tokens give more."
    ),
    established="The arithmetic: what is worked out once and used Q times costs a Q-th each.",
    contested="How often one can foresee what will be asked; replications of recursive models are mixed.",
    untestable="Learning after completion, which is training.",
    judge=judge,
)
