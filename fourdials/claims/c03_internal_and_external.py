"""C3: compute a model was trained to use and compute that is bolted on add up."""

from __future__ import annotations

from fourdials.claims._judging import arms_of, of_arm
from fourdials.errors import InputError
from fourdials.estimate import Estimate
from fourdials.estimate.intervals import difference
from fourdials.estimate.panel import panel
from fourdials.verdict import Check, Claim, Evidence, above


def gain(evidence: Evidence, arm: str) -> Estimate:
    """What the largest vote of an arm gains over its first sample."""
    points = of_arm(evidence.points("level"), arm)
    top = float(points["max_spend"].max())  # type: ignore[arg-type]
    if top < 2:
        raise InputError(f"{arm} takes one sample only")
    found = panel([points], [1.0, top])
    return difference(found.values[0, :, 1], found.values[0, :, 0], found.cluster)


def judge(evidence: Evidence) -> list[Check]:
    """A vote gains something for each of two models, one of which was trained to think."""
    voted = arms_of(evidence, "majority_vote", "thought_vote")
    # Like with like: votes over thoughts where a model has both, as only those leave a reasoning model its room.
    voted.sort(key=lambda arm: str(arm["strategy"]))
    models = {arm["lineup"]["solver"]: arm["arm"] for arm in voted}
    if len(models) < 2:
        raise InputError("it has votes of one model only; the claim is about two, one of which was trained to think")
    return [above(f"Votes gain something for {model}", gain(evidence, arm)) for model, arm in models.items()]


CLAIM = Claim(
    id="C3",
    title="Trained and bolted-on compute",
    headline="Thinking that a model was trained for and compute that is added around it complement each other.",
    source="Survey of test-time scaling 2025, arXiv 2503.24235 (a taxonomy without a figure of its own)",
    scaling="both",
    counts="With and without trained thinking, votes over more samples gain something.",
    established="Votes raise many instruct models; reasoning models also gain from votes in their makers' reports.",
    contested="Whether the gains add up or replace one another at equal tokens.",
    untestable="How the thinking was trained, and what it costs to train it.",
    judge=judge,
)
