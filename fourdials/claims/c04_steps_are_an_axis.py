"""C4: steps in an environment are an axis of their own, and the one that counts where most is hidden."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from fourdials.claims._judging import arms_of, change, compared, solver, values_at
from fourdials.errors import InputError
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above, below, shown

THOUGHT = ("act_think_longer", "act_best_of_n")  # more at each step
INSTEAD = ("chain_of_thought", "budget_forcing", "thought_vote")  # in place of steps
VEILED = ("veiled",)  # hidden from thoughts, too: elsewhere what is given to a thought is the whole map
HIDDEN, IN_VIEW = ("partial", "hidden", *VEILED), ("full", "shown")  # how the tasks name a problem and its twin
MARGIN = 0.05


class Side(NamedTuple):
    """Points of the problems that are seen in one way, in one run, with that run's arms."""

    points: pl.DataFrame
    billed: pl.DataFrame  # the same in total tokens: where a prompt is read again at each step, its price decides
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
            billed = each.points("total_tokens").join(kept.select("unit_id").unique(), on="unit_id", how="semi")
            found.append(Side(kept, billed, arms_of(each), each.experiment_id))
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
    # Both sides in one run are best; of two runs, the one that shares most maps, if possible with blind thoughts.
    here, there = max(pairs, key=lambda pair: (pair[0].run == pair[1].run, _shared(*pair), _blind(pair[0])))
    checks = [
        check
        for steps in (arm for arm in here.arms if arm["strategy"] == "act")
        for other in (arm for arm in here.arms if arm["strategy"] in THOUGHT and solver(arm) == solver(steps))
        for check in _compared(here, there, steps, other)
    ]
    if not checks:
        raise InputError(f"it needs an arm with more thought or more candidates at each step ({' or '.join(THOUGHT)})")
    views = [("With the map in view", there), *([("Where the map is hidden", here)] if _blind(here) else [])]
    for view, side in views:
        walk = next(arm["arm"] for arm in side.arms if arm["strategy"] == "act")
        for arm in side.arms:
            if arm["strategy"] in INSTEAD:
                said = f"{view}, {walk} over {arm['arm']}, which takes no step"
                checks.append(compared(shown, said, side.points, walk, arm["arm"]))
    return checks


def _blind(side: Side) -> bool:
    """Whether thoughts see no more of the map than is seen from the start."""
    return bool(side.points["problem_id"].str.split("-").list.last().is_in(VEILED).all())


def _shared(here: Side, there: Side) -> int:
    keys = ["task", "cluster_id"]
    return here.points.select(keys).unique().join(there.points.select(keys).unique(), on=keys).height


def _compared(here: Side, there: Side, steps: dict[str, Any], other: dict[str, Any]) -> list[Check]:
    walk, name = steps["arm"], other["arm"]
    twins = there.same(steps), there.same(other)
    if twins[0] is None or twins[1] is None:
        raise InputError(f"{walk} and {name} were not both run with the map in view, with the same model and knobs")
    if not _shared(here, there):
        raise InputError("no map was run both hidden and as its twin")
    gone = f"With the map in view that lead is at most {100 * MARGIN:.0f} points"
    billed = f"Where the map is hidden, {walk} over {name} at equal total tokens"
    return [
        compared(above, f"Where the map is hidden, {walk} leads {name}", here.points, walk, name),
        compared(below, gone, there.points, twins[0], twins[1], MARGIN),
        compared(shown, billed, here.billed, walk, name),
        _smaller(here, there, (walk, name), (twins[0], twins[1])),
    ]


def _smaller(here: Side, there: Side, arms: tuple[str, str], twins: tuple[str, str]) -> Check:
    said = "How much smaller it is with the map in view, on the same maps"
    try:
        both = here.lead(*arms).join(there.lead(*twins), on=["task", "cluster_id"], suffix="_twin")
    except InputError as error:
        return Check(f"{said}: {error}", SHOWN)
    return shown(said, change(both, "lead", "lead_twin"))


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
        "that lead is gone (at most 5 points) on the twin problems that show everything. The two may be two runs. What "
        "a thought without steps does is shown beside, where the map is hidden only if the thought does not see it."
    ),
    established=(
        "What is not in the prompt cannot be thought up: where a fact has to be looked at, thinking cannot "
        "replace looking."
    ),
    contested=(
        "Whether steps are an axis of their own, or only the way in which tokens are spent in an environment: a model "
        "may also do better step by step where everything is in view."
    ),
    untestable=(
        "Their training over growing horizons. Only what a model does with more steps at test time can be run."
    ),
    judge=judge,
)
