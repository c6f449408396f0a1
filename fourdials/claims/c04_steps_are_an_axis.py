"""C4: steps in an environment are an axis of their own, and the one that counts where most is hidden."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import ahead, arms_of, one_arm, values_at
from fourdials.errors import InputError
from fourdials.estimate import Estimate
from fourdials.estimate.intervals import difference
from fourdials.verdict import Check, Claim, Evidence, above

THOUGHT = ("act_think_longer", "act_best_of_n")


def judge(evidence: Evidence) -> list[Check]:
    """Where rooms are hidden more steps lead more thought per step, and by more than on their twins."""
    points, steps = evidence.points("completion_tokens"), one_arm(evidence, "act")
    views = points.with_columns(view=pl.col("problem_id").str.split("-").list.last())
    hidden, twin = views.filter(pl.col("view") == "partial"), views.filter(pl.col("view") == "full")
    if hidden.is_empty() or twin.is_empty():
        raise InputError("it needs mazes seen room by room and their twins with the map in view")
    checks = []
    for arm in arms_of(evidence, *THOUGHT):
        other = arm["arm"]
        checks.append(above(f"Where rooms are hidden, more steps lead {other}", ahead(hidden, steps, other)))
        sides = [
            values_at(part, [steps, other]).with_columns(lead=pl.col("v0") - pl.col("v1")) for part in (hidden, twin)
        ]
        both = sides[0].join(sides[1], on=["task", "cluster_id"], suffix="_twin")
        if both.is_empty():
            raise InputError("no maze was run both hidden and as its twin")
        checks.append(above(f"That lead over {other} is smaller with the map in view", change(both)))
    return checks


def change(both: pl.DataFrame) -> Estimate:
    """Lead where rooms are hidden minus lead with the map in view. Leads lie in [-1, 1], so they are halved for an
    interval of scores in [0, 1], and the result is doubled."""
    halves = [(1 + both[name].to_numpy()) / 2 for name in ("lead", "lead_twin")]
    found = difference(halves[0], halves[1])
    return Estimate(2 * found.value, 2 * found.low, 2 * found.high, found.n, found.clusters, found.method)


CLAIM = Claim(
    id="C4",
    title="Steps as an axis of their own",
    headline=(
        "Web agents gain more from longer interaction than from more thought per step: 66.5 % on WebVoyager, 7.4 "
        "points above a fixed horizon of 10 and 21.3 above one of 30; more thought or more candidates per step "
        "gained under 3 points."
    ),
    source="Shen et al. 2025, arXiv 2506.07976",
    scaling="both",
    counts=(
        "At equal generated tokens more steps lead more thought per step where most is hidden, and that lead "
        "shrinks on the twin problems that show everything."
    ),
    established=(
        "What is not in the prompt cannot be thought up: where a fact has to be looked at, thinking cannot "
        "replace looking."
    ),
    contested="Whether steps are an axis of their own, or only the way in which tokens are spent in an environment.",
    untestable=(
        "Their training over growing horizons. Only what a model does with more steps at test time can be run."
    ),
    judge=judge,
)
