"""C12: small models can do most of the calls of an agent at a fraction of the cost."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import ahead, arms_of, cluster_of, mean_of, of_arm
from fourdials.errors import InputError
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import Check, Claim, Evidence, above, below, not_worse

MARGIN = 0.02


def judge(evidence: Evidence) -> list[Check]:
    """The cascade is within 2 points of the large model for less money, and leads the small one."""
    cascade = arms_of(evidence, "cascade")[0]
    small, large = cascade["lineup"]["solver"], cascade["lineup"]["large"]
    votes = {arm["lineup"]["solver"]: arm["arm"] for arm in arms_of(evidence, "majority_vote", "single")}
    if small == large or not {small, large} <= votes.keys():
        raise InputError("it needs the small and the large model by themselves beside their cascade")
    points, name = evidence.points("usd"), cascade["arm"]
    if points.is_empty():
        raise InputError("the prices of its models are unknown")
    paid = [
        of_arm(points, arm).unique("unit_id").group_by(*PROBLEM, "cluster_id").agg(pl.col("max_spend").mean())
        for arm in (name, votes[large])
    ]
    both = paid[0].join(paid[1], on=[*PROBLEM, "cluster_id"], suffix="_large").sort(*PROBLEM)
    saved = mean_of((both["max_spend"] - both["max_spend_large"]).to_numpy(), cluster_of(both))
    end = float(points["max_spend"].max())  # type: ignore[arg-type]
    return [
        not_worse(f"{name} is at most 2 points behind {votes[large]}", ahead(points, name, votes[large], end), MARGIN),
        below("It costs less a problem (dollars)", saved, 0.0, "number"),
        above(f"It leads {votes[small]}", ahead(points, name, votes[small], end)),
    ]


CLAIM = Claim(
    id="C12",
    title="Small models first",
    headline=(
        "Small models can do most of the calls of an agent 10 to 30 times cheaper; 40 to 70 % of the calls of "
        "three agents are estimated to be replaceable."
    ),
    source="Belcak et al. 2025, arXiv 2506.02153 (a position paper)",
    scaling="external",
    counts=(
        "A cascade that asks the large model only where the small one is unsure is within 2 points of the large "
        "model, costs less, and leads the small one. That margin takes thousands of problems."
    ),
    established="List prices per token differ by such factors between sizes.",
    contested="Which calls are replaceable; the published shares are its authors' estimates.",
    untestable="The agents of the source, and what fine-tuning a small model for one call would add.",
    judge=judge,
)
