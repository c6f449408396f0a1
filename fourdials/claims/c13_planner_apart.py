"""C13: questions of many hops are answered better where planning, searching and concluding are kept apart."""

from __future__ import annotations

from fourdials.claims._judging import ahead, arms_of, cluster_of, slope_of, values_at, with_difficulty
from fourdials.errors import InputError
from fourdials.verdict import Check, Claim, Evidence, above


def judge(evidence: Evidence) -> list[Check]:
    """At equal searches the planner's lead over one growing context grows with the hops."""
    apart, flat = (arms_of(evidence, name)[0]["arm"] for name in ("plan_and_retrieve", "retrieve"))
    roles = evidence.read("role_tokens", experiment_ids=[evidence.experiment_id]).filter(arm=flat)["role"].to_list()
    if roles and "synthesise" not in roles:
        raise InputError(
            f"{flat} was led along the task's own chain, as completion models are, and {apart} was not; run it on a "
            "chat model"
        )
    points = evidence.points("level")
    both = with_difficulty(values_at(points, [apart, flat]), evidence)
    rise = slope_of((both["v0"] - both["v1"]).to_numpy(), both["difficulty"].to_numpy(), cluster_of(both))
    return [
        above(f"The lead of {apart} over {flat} grows with each hop", rise),
        above(f"{apart} leads {flat} at equal searches", ahead(points, apart, flat)),
    ]


CLAIM = Claim(
    id="C13",
    title="A planner of its own",
    headline=(
        "Keeping planning, searching and concluding apart helps questions that take several hops: F1 62.8 on MuSiQue."
    ),
    source="HierSearch 2025, arXiv 2508.08088",
    scaling="both",
    counts="At equal searches the planner leads one agent with one growing context, and by more with each hop.",
    established="One growing context pays for everything it has read with every further search.",
    contested=(
        "Whether the gain comes from the division of work or from spending more: at equal searches tokens differ."
    ),
    untestable="The training of the parts, which the source's figure includes.",
    judge=judge,
)
