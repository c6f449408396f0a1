"""C2: at a fixed number of passes, several shallow attempts beat one deeply refined attempt, and sooner."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import arms_of, cluster_of, compared, knob, mean_of, of_arm
from fourdials.errors import InputError
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import Check, Claim, Evidence, below, not_worse

MARGIN = 0.03


def judge(evidence: Evidence) -> list[Check]:
    """The widest arm is within 3 points of the deepest at the same number of answers, on a shorter critical path; or,
    where the shapes are runs of a recursive net, at the same number of passes. Of equally wide arms each must be."""
    widest, deep, unit = _shapes(evidence)
    return [check for wide in widest for check in _compared(evidence, wide, deep, unit)]


def _compared(evidence: Evidence, wide: str, deep: str, unit: str) -> list[Check]:
    of = "answers" if unit == "level" else "passes"
    said = f"{wide} is at most 3 points behind {deep} at the same number of {of}"
    timed = evidence.points("critical_path_s")
    sides = [
        of_arm(timed, arm).unique("unit_id").group_by(*PROBLEM, "cluster_id").agg(pl.col("max_spend").mean())
        for arm in (wide, deep)
    ]
    both = sides[0].join(sides[1], on=[*PROBLEM, "cluster_id"], suffix="_deep").sort(*PROBLEM)
    seconds = mean_of((both["max_spend"] - both["max_spend_deep"]).to_numpy(), cluster_of(both))
    return [
        compared(not_worse, said, evidence.points(unit), wide, deep, MARGIN),
        below("Its critical path is shorter (seconds, width minus depth)", seconds, 0.0, "number"),
    ]


def _shapes(evidence: Evidence) -> tuple[list[str], str, str]:
    """The widest arms, the deepest one, and the unit in which they are equal: chains of revisions by their answers, or
    votes over thoughts of a recursive net by their passes, of which each is a token.

    A net that was taught with noise comes before the deep one's own with noise added: the claim is about it."""
    runs = bool((evidence.arms["strategy"] == "thought_vote").any())
    name, unit = ("tokens", "completion_tokens") if runs else ("depth", "level")
    shapes = sorted(arms_of(evidence, "thought_vote" if runs else "width_depth"), key=lambda arm: int(knob(arm, name)))
    one_run = evidence.arms.filter(strategy="chain_of_thought").height > 0
    deep = arms_of(evidence, "chain_of_thought")[0] if runs and one_run else shapes.pop()
    if not shapes:
        raise InputError("it has only one shape of width and depth")
    widest = [arm for arm in shapes if knob(arm, name) == knob(shapes[0], name)]
    widest.sort(key=lambda arm: bool(arm["lineup"]["solver"] == deep["lineup"]["solver"]))
    return [str(arm["arm"]) for arm in widest], str(deep["arm"]), unit


CLAIM = Claim(
    id="C2",
    title="Width or depth at a fixed product",
    headline=(
        "A recurrent model that reasons in its hidden state solved 97.0 % of hard sudokus with 16 iterations of "
        "20 samples, and 90.5 % with 320 iterations of one."
    ),
    source="Baek et al. 2026, arXiv 2605.19376",
    scaling="internal",
    counts=(
        "With samples × revisions (or runs × passes of a recursive net) held fixed, wide is within 3 points of deep or "
        "better, and is done sooner."
    ),
    established=(
        "Independent attempts can run side by side, so the wide shape has the shorter critical path by design."
    ),
    contested=(
        "Whether text behaves like hidden states: a revision in text sees the answer before it, and may keep it."
    ),
    untestable=(
        "Iterations of a large net's hidden state on hard sudokus. What is run is the analogue in text, and nets of "
        "0.02 M parameters on 4×4 Sudoku, where one run nearly always comes to the end."
    ),
    judge=judge,
)
