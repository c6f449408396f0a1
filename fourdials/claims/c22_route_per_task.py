"""C22: parallel wins where attempts are independent, sequential where results build up; so route per task."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
from scipy.special import ndtri

from fourdials.claims._judging import arms_of, compared, of_arm
from fourdials.errors import InputError
from fourdials.estimate import Estimate, Z
from fourdials.verdict import Check, Claim, Evidence, Measured, above, not_worse, untested

MARGIN = 0.02
ALONE, TOGETHER = "attempts are independent", "steps build on one another"
# Which task is which is said beforehand: sorted by who led, any two tasks would show opposite winners. A task that is
# not listed, or has both in it, tests nothing here. `warmup` goes by its kind.
KINDS = {
    "warmup capital": ALONE,
    "warmup category": ALONE,
    "warmup increment": ALONE,
    "warmup running_sum": TOGETHER,
    "warmup category_count": TOGETHER,
    "bridge_graph": TOGETHER,
    "graph_path": TOGETHER,
    "hanoi": TOGETHER,
    "letter_shift": TOGETHER,
    "long_ledger": TOGETHER,
    "rivers": TOGETHER,
    "wikiworld": TOGETHER,
}
UNITS = {"total_tokens": "tokens", "critical_path_s": "time on the critical path"}


def judge(evidence: Evidence) -> list[Check]:
    """The parallel arm leads on tasks whose attempts are independent and the sequential one where steps build on one
    another, at equal tokens and at equal time on the critical path; a routed arm is within 2 points of both at equal
    tokens."""
    arms = arms_of(evidence)
    longest = sorted(arms, key=lambda arm: -len(arm["levels"]))
    dials = {dial: [arm["arm"] for arm in longest if arm["dial"] == dial] for dial in ("parallel", "sequential")}
    kinds = kinds_of(evidence)
    known = {task: kind for task, kind in kinds.items() if kind}
    if not all(dials.values()) or set(known.values()) != {ALONE, TOGETHER}:
        held = ", ".join(f"{task} ({kind or 'not known which'})" for task, kind in kinds.items())
        raise InputError(
            "it needs a parallel and a sequential arm on a task whose attempts are independent and on one whose steps "
            f"build on one another; its tasks are {held}"
        )
    wide, deep = (names[0] for names in dials.values())
    checks = []
    for unit, words in UNITS.items():
        points = evidence.points(unit)
        for task, kind in known.items():
            first, second = (wide, deep) if kind == ALONE else (deep, wide)
            said = f"On {task}, where {kind}, {first} leads {second} at equal {words}"
            checks.append(compared(_leads(len(known)), said, points.filter(task=task), first, second))
    for task in (task for task in kinds if task not in known):
        checks.append(untested(f"{task}: nothing says whether its attempts are independent"))
    routed = [arm["arm"] for arm in arms if arm["strategy"] == "route"]
    points = evidence.points("total_tokens")
    return checks + [check for arm in routed for check in _against(points, arm, (wide, deep))]


def kinds_of(evidence: Evidence) -> dict[str, str | None]:
    """For each task of a run, in order, whether attempts at it are independent or its steps build on one another; None
    where nothing says."""
    text = evidence.read("spec", experiment_id=evidence.experiment_id)["spec"][0]
    params = {each["name"]: each.get("params", {}) for each in json.loads(text).get("tasks", [])}
    tasks = sorted(evidence.points("total_tokens")["task"].unique())
    names = {
        task: f"warmup {params.get(task, {}).get('kind', 'capital')}" if task == "warmup" else task for task in tasks
    }
    return {task: KINDS.get(name) for task, name in names.items()}


def _leads(tasks: int) -> Any:
    """`above` 0, with the interval widened where there are more than two tasks, of which any could refute the claim by
    chance (Bonferroni)."""
    wider = float(ndtri(1 - 0.025 / tasks)) / Z if tasks > 2 else 1.0

    def rule(said: str, found: Measured) -> Check:
        ends = (found.value + wider * (end - found.value) for end in (found.low, found.high))
        low, high = (min(1.0, max(-1.0, end)) for end in ends)
        return above(said, Estimate(found.value, low, high, found.n, found.n, found.method))

    return rule


def _against(points: pl.DataFrame, routed: str, fixed: tuple[str, str]) -> list[Check]:
    end = float(of_arm(points, routed)["max_spend"].max())  # type: ignore[arg-type]
    return [
        compared(
            not_worse,
            f"{routed} is at most 2 points behind {arm} at equal tokens",
            points,
            routed,
            arm,
            MARGIN,
            spend=end,
        )
        for arm in fixed
    ]


CLAIM = Claim(
    id="C22",
    title="Route per task",
    headline=(
        "Sample in parallel where attempts are independent and time is short, think in sequence where results "
        "build up, and choose for each task."
    ),
    source="A synthesis of several essays; Snell et al. 2024, arXiv 2408.03314",
    scaling="external",
    counts=(
        "The parallel arm wins where attempts are independent and the sequential one where steps build on one another, "
        "at equal tokens and at equal time on the critical path; a router that was chosen on other problems is within "
        "2 points of the best fixed choice. Which task is which was said before anything was run."
    ),
    established="Independent attempts can run at once; steps that need one another cannot.",
    contested="Whether a router can tell the two apart beforehand, and whether it pays for itself.",
    untestable="All tasks: two of them illustrate the rule, they do not prove it.",
    judge=judge,
)
