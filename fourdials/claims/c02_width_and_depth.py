"""C2: at a fixed number of passes, several shallow attempts beat one deeply refined attempt, and sooner."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import ahead, arms_of, cluster_of, knob, mean_of, of_arm
from fourdials.errors import InputError
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import Check, Claim, Evidence, below, not_worse

MARGIN = 0.03


def judge(evidence: Evidence) -> list[Check]:
    """The widest arm is within 3 points of the deepest at the same number of answers, on a shorter critical path; or,
    where the shapes are thoughts of some passes, at the same number of passes."""
    wide, deep, unit = _shapes(evidence)
    close = ahead(evidence.points(unit), wide, deep)
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
        not_worse(said, close, MARGIN),
        below("Its critical path is shorter (seconds, width minus depth)", seconds, 0.0, "number"),
    ]


def _shapes(evidence: Evidence) -> tuple[str, str, str]:
    """The widest arm, the deepest, and the unit in which they are equal: chains of revisions by their answers, or votes
    over thoughts of a recursive net by their passes, of which each is a token."""
    if not (evidence.arms["strategy"] == "thought_vote").any():
        shapes = sorted(arms_of(evidence, "width_depth"), key=lambda arm: int(knob(arm, "depth")))
        unit = "level"
    else:
        shapes = sorted(arms_of(evidence, "thought_vote"), key=lambda arm: int(knob(arm, "tokens")))
        single = evidence.arms.filter(strategy="chain_of_thought")
        shapes += arms_of(evidence, "chain_of_thought") if single.height else []
        unit = "completion_tokens"
    if len(shapes) < 2:
        raise InputError("it has only one shape of width and depth")
    return str(shapes[0]["arm"]), str(shapes[-1]["arm"]), unit


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
