"""C1: on tasks where steps build on one another, one long chain beats a vote over many short ones."""

from __future__ import annotations

from fourdials.claims._judging import (
    ahead,
    arms_of,
    cluster_of,
    knob,
    one_arm,
    slope_of,
    values_at,
    with_difficulty,
)
from fourdials.verdict import Check, Claim, Evidence, above


def judge(evidence: Evidence) -> list[Check]:
    """At equal generated tokens the chain leads every vote over shorter thoughts, by more on deeper problems."""
    points, chain = evidence.points("completion_tokens"), one_arm(evidence, "chain_of_thought")
    votes = sorted(arms_of(evidence, "thought_vote"), key=lambda arm: int(knob(arm, "tokens")))
    checks = [
        above(f"The one chain leads {arm['arm']} at equal generated tokens", ahead(points, chain, arm["arm"]))
        for arm in votes
    ]
    both = with_difficulty(values_at(points, [chain, votes[0]["arm"]]), evidence)
    lead = (both["v0"] - both["v1"]).to_numpy()
    rise = slope_of(lead, both["difficulty"].to_numpy(), cluster_of(both))
    return [*checks, above(f"Its lead over {votes[0]['arm']} grows with the problem's difficulty", rise)]


CLAIM = Claim(
    id="C1",
    title="One long chain or many short ones",
    headline=(
        "Where each step needs the one before, a single long chain of thought beats voting over short chains, and "
        "the votes needed to make up for shortness grow exponentially with the depth of the problem."
    ),
    source="Mirtaheri et al. 2025, arXiv 2505.21825",
    scaling="both",
    counts=(
        "At equal generated tokens the long chain leads every vote over shorter ones, and its lead grows with the "
        "depth."
    ),
    established=(
        "For walks that cannot be remembered from one call to the next it is a theorem: too short a walk names "
        "the right side with one half plus a term that falls exponentially with depth, and votes are needed in "
        "proportion to the inverse square of that term."
    ),
    contested=(
        "How far language models behave like such walks. They may guess from the look of a graph, and a long "
        "chain has more room to go wrong."
    ),
    untestable=(
        "The exponential itself: it would take more votes than anybody buys. The vertex-query simulation, which "
        "has no model in it, shows it."
    ),
    judge=judge,
)
