"""C23: limits on the side of training."""

from __future__ import annotations

from fourdials.verdict import Claim

CLAIM = Claim(
    id="C23",
    title="Limits of training",
    headline=(
        "In reinforcement learning, reward is bought with policy entropy, R = −a·e^H + b, and runs out with it; "
        "and a chain of thought that is optimised for reward stops telling what a model does."
    ),
    source="Surveys of reinforcement learning for reasoning models",
    scaling="internal",
    counts="Nothing that can be run here.",
    established="The fall of entropy in such training is reported by many.",
    contested="Whether it bounds what training can reach, or only one way of training.",
    untestable=(
        "It is about training. A call to a finished model shows neither its entropy during training nor its reward."
    ),
    judge=None,
)
