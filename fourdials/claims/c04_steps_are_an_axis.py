"""C4: steps in an environment are an axis of their own, and the one that counts where most is hidden."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from fourdials.claims._judging import ahead, arms_of, change, solver, values_at
from fourdials.errors import InputError
from fourdials.verdict import Check, Claim, Evidence, above, below, shown

THOUGHT = ("act_think_longer", "act_best_of_n")  # more at each step
INSTEAD = ("chain_of_thought", "budget_forcing", "thought_vote")  # in place of steps
HIDDEN, IN_VIEW = ("partial", "hidden"), ("full", "shown")  # how the tasks name a problem and its twin
MARGIN = 0.05


class Side(NamedTuple):
    """Points of the problems that are seen in one way, in one run, with that run's arms."""

    points: pl.DataFrame
    arms: list[dict[str, Any]]
    run: str

    def same(self, arm: dict[str, Any]) -> str | None:
        """The name here of an arm with the same strategy, knobs and solver."""
        wanted = arm["strategy"], arm["knobs"], solver(arm)
        return next((a["arm"] for a in self.arms if (a["strategy"], a["knobs"], solver(a)) == wanted), None)

    def lead(self, a: str, b: str) -> pl.DataFrame:
        """Arm a minus arm b on each problem, at the largest number of generated tokens that both reach."""
        return values_at(self.points, [a, b]).with_columns(lead=pl.col("v0") - pl.col("v1"))


def sides(evidence: Evidence, views: tuple[str, ...]) -> list[Side]:
    """The run itself and the other runs that have problems seen in this way and arms that act."""
    found = []
    for each in (evidence, *evidence.others):
        points = each.points("completion_tokens")
        kept = points.filter(pl.col("problem_id").str.split("-").list.last().is_in(views))
        if not kept.is_empty() and "act" in each.arms["strategy"].to_list():
            found.append(Side(kept, arms_of(each), each.experiment_id))
    return found


def judge(evidence: Evidence) -> list[Check]:
    """Where the map is hidden more steps lead more thought per step, and on the twins that lead is gone.

    The two may be one run, or two of the same maps, model and arms.
    """
    hidden, twins = sides(evidence, HIDDEN), sides(evidence, IN_VIEW)
    pairs = [(h, t) for h in hidden for t in twins if evidence.experiment_id in (h.run, t.run)]
    reasons = "problems whose map is hidden and their twins with the map in view, in one run or in two of the same maps"
    if not pairs:
        raise InputError(f"it needs {reasons}; there is no arm that acts on {'hidden' if not hidden else 'shown'} maps")
    # Both sides in one run are best; of two runs, the one that shares most maps.
    here, there = max(pairs, key=lambda pair: (pair[0].run == pair[1].run, _shared(*pair)))
    checks = [
        check
        for steps in (arm for arm in here.arms if arm["strategy"] == "act")
        for other in (arm for arm in here.arms if arm["strategy"] in THOUGHT and solver(arm) == solver(steps))
        for check in _compared(here, there, steps, other)
    ]
    if not checks:
        raise InputError(f"it needs an arm with more thought or more candidates at each step ({' or '.join(THOUGHT)})")
    walk = next(arm["arm"] for arm in there.arms if arm["strategy"] == "act")
    for arm in there.arms:
        if arm["strategy"] in INSTEAD:
            lead = ahead(there.points, walk, arm["arm"])
            checks.append(shown(f"With the map in view, {walk} over {arm['arm']}, which takes no step", lead))
    return checks


def _shared(here: Side, there: Side) -> int:
    keys = ["task", "cluster_id"]
    return here.points.select(keys).unique().join(there.points.select(keys).unique(), on=keys).height


def _compared(here: Side, there: Side, steps: dict[str, Any], other: dict[str, Any]) -> list[Check]:
    walk, name = steps["arm"], other["arm"]
    twins = there.same(steps), there.same(other)
    if twins[0] is None or twins[1] is None:
        raise InputError(f"{walk} and {name} were not both run with the map in view, with the same model and knobs")
    both = here.lead(walk, name).join(there.lead(twins[0], twins[1]), on=["task", "cluster_id"], suffix="_twin")
    if both.is_empty():
        raise InputError("no map was run both hidden and as its twin")
    return [
        above(f"Where the map is hidden, {walk} leads {name}", ahead(here.points, walk, name)),
        below(
            f"With the map in view that lead is at most {100 * MARGIN:.0f} points",
            ahead(there.points, *twins),  # type: ignore[arg-type]
            MARGIN,
        ),
        shown("How much smaller it is with the map in view, on the same maps", change(both, "lead", "lead_twin")),
    ]


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
        "At equal generated tokens more steps lead more thought or more candidates per step where most is hidden, and "
        "that lead is gone (at most 5 points) on the twin problems that show everything. The two may be two runs."
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
