"""C11: cut into single steps with a vote at each, a million steps run without an error."""

from __future__ import annotations

from fourdials.claims._judging import ahead, arms_of, knob, of_arm
from fourdials.errors import InputError
from fourdials.estimate.intervals import share
from fourdials.estimate.panel import panel
from fourdials.verdict import Check, Claim, Evidence, above

TARGET = 0.95


def judge(evidence: Evidence) -> list[Check]:
    """Voted single steps finish at least 95 % of the towers, and lead what tries all steps in one call."""
    arms = arms_of(evidence, "decompose_and_vote")
    voted = max(arms, key=lambda arm: (-int(knob(arm, "steps_per_call") or 1), max(arm["levels"])))["arm"]
    whole = [arm["arm"] for arm in arms_of(evidence) if arm["strategy"] in ("single", "chain_of_thought")]
    if not whole:
        raise InputError("it has no arm that tries all steps in one call")
    points = evidence.points("level")
    own = of_arm(points, voted)
    found = panel([own], [float(own["max_spend"].max())])  # type: ignore[arg-type]
    right = share(found.values[0, :, 0], found.cluster)
    top = max(float(of_arm(points, arm)["max_spend"].max()) for arm in (voted, *whole))  # type: ignore[arg-type]
    checks = [above(f"{voted} is right to the last step at least {TARGET:.0%} of the time", right, TARGET, "share")]
    return checks + [above(f"It leads {arm}", ahead(points, voted, arm, top)) for arm in whole]


CLAIM = Claim(
    id="C11",
    title="A million steps without an error",
    headline=(
        "A tower of Hanoi with 20 disks, 1,048,575 moves, was solved without an error by asking for one move at a "
        "time and taking the first answer that is k votes ahead."
    ),
    source="Meyerson et al. 2025, arXiv 2511.09030",
    scaling="external",
    counts=(
        "With the least lead that the formula asks for, voted single steps finish at least 95 % of the towers, "
        "and what tries all moves in one call does not."
    ),
    established=(
        "If votes are independent and right more often than wrong, errors fall exponentially with the lead, while "
        "its cost grows with the logarithm of the number of steps."
    ),
    contested=(
        "Independence: where a model errs in the same way each time, no lead mends it. And who cuts the task into "
        "steps."
    ),
    untestable=(
        "A million real calls on a small budget. The million steps on the Theory page are simulated, and say so."
    ),
    judge=judge,
)
