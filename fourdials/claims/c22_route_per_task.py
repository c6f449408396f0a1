"""C22: parallel wins where attempts are independent, sequential where results build up; so route per task."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import ahead, arms_of, of_arm
from fourdials.errors import InputError
from fourdials.verdict import Check, Claim, Evidence, above, below, not_worse

MARGIN = 0.02


def judge(evidence: Evidence) -> list[Check]:
    """At equal tokens the parallel arm leads on one task and the sequential one on another; a routed arm is within 2
    points of the better of the two."""
    arms, points = arms_of(evidence), evidence.points("total_tokens")
    longest = sorted(arms, key=lambda arm: -len(arm["levels"]))
    dials = {dial: [arm["arm"] for arm in longest if arm["dial"] == dial] for dial in ("parallel", "sequential")}
    tasks = sorted(points["task"].unique())
    if not all(dials.values()) or len(tasks) < 2:
        raise InputError("it needs a parallel and a sequential arm on two tasks")
    wide, deep = (names[0] for names in dials.values())
    leads = {task: ahead(points.filter(task=task), wide, deep) for task in tasks}
    ranked = sorted(tasks, key=lambda task: leads[task].value)
    checks = [
        above(f"On {ranked[-1]}, {wide} leads {deep} at equal tokens", leads[ranked[-1]]),
        below(f"On {ranked[0]}, {deep} leads {wide} at equal tokens", leads[ranked[0]], 0.0),
    ]
    routed = [arm["arm"] for arm in arms if arm["strategy"] == "route"]
    return checks + [check for arm in routed for check in _against(points, arm, (wide, deep))]


def _against(points: pl.DataFrame, routed: str, fixed: tuple[str, str]) -> list[Check]:
    end = float(of_arm(points, routed)["max_spend"].max())  # type: ignore[arg-type]
    return [
        not_worse(f"{routed} is at most 2 points behind {arm} at equal tokens", ahead(points, routed, arm, end), MARGIN)
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
        "Opposite winners on an independent task and on a compositional one, at equal tokens; a router that was "
        "chosen on other problems is within 2 points of the best fixed choice."
    ),
    established="Independent attempts can run at once; steps that need one another cannot.",
    contested="Whether a router can tell the two apart beforehand, and whether it pays for itself.",
    untestable="All tasks: two of them illustrate the rule, they do not prove it.",
    judge=judge,
)
