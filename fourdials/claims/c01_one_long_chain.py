"""C1: on tasks where steps build on one another, one long chain beats a vote over many short ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fourdials.claims._judging import (
    arms_of,
    by_difficulty,
    cluster_of,
    compared,
    knob,
    of_arm,
    resampled,
    slope_of,
    solver,
    values_at,
    with_difficulty,
)
from fourdials.errors import InputError
from fourdials.estimate import Estimate
from fourdials.estimate.intervals import Array
from fourdials.estimate.panel import panel
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above, untested

TWO_THIRDS = 2 / 3
FEWEST = 3  # difficulties: two points are always on a line


def judge(evidence: Evidence) -> list[Check]:
    """At equal generated tokens the chain leads every vote of the same model over shorter thoughts, by more on deeper
    problems; and the logarithm of the votes that reach two thirds grows with depth."""
    points = evidence.points("completion_tokens")
    chain = max(arms_of(evidence, "chain_of_thought", "budget_forcing"), key=lambda arm: max(arm["levels"]))
    votes = [arm for arm in arms_of(evidence, "thought_vote") if solver(arm) == solver(chain)]
    if not votes:
        raise InputError(f"it has no vote over thoughts of {solver(chain)}, which has the one chain")
    votes.sort(key=lambda arm: int(knob(arm, "tokens")))
    name, shortest = chain["arm"], votes[0]["arm"]
    checks = [
        compared(above, f"{name} leads {arm['arm']} at equal generated tokens", points, name, arm["arm"])
        for arm in votes
    ]
    return [*checks, _deeper(evidence, points, name, shortest), *_growth(evidence, votes)]


def _deeper(evidence: Evidence, points: pl.DataFrame, chain: str, vote: str) -> Check:
    said = f"Its lead over {vote} grows with the problem's difficulty"
    try:
        both = with_difficulty(values_at(points, [chain, vote]), evidence)
        lead = (both["v0"] - both["v1"]).to_numpy()
        return above(said, slope_of(lead, both["difficulty"].to_numpy(), cluster_of(both)))
    except InputError as error:
        return untested(f"{said}: {error}")


def _growth(evidence: Evidence, votes: list[dict[str, Any]]) -> list[Check]:
    """How fast the logarithm of the votes that reach two thirds grows, for the arm with the most votes (of equals, that
    with the shortest thoughts), which is chosen without a look at outcomes. A difficulty that no number of votes run
    reached is not left out: its place is unknown, and so is the slope."""
    points = evidence.points("level")
    arm = max(votes, key=lambda each: max(each["levels"]))  # they stand in order of their thoughts' length
    name, most = arm["arm"], max(arm["levels"])
    needed = {level: _needed(part) for level, part in by_difficulty(of_arm(points, name), evidence)}
    reached = {level: value for level, value in needed.items() if value is not None}
    told = ", ".join(
        f"{value:.3g} at {level:g}" if value is not None else f"more than {most} at {level:g}"
        for level, value in needed.items()
    )
    said = f"{name}: votes that reach two thirds, by difficulty: {told}"
    growing = "The logarithm of the votes needed for two thirds grows with difficulty (doublings a step)"
    if len(needed) < FEWEST or len(reached) < len(needed) or len(set(reached.values())) == 1:
        reason = f"that takes {FEWEST} difficulties, all of which votes reach, and not all with as many"
        return [untested(f"{growing}: {reason}"), Check(said, SHOWN)]
    kept = with_difficulty(of_arm(points, name), evidence).drop_nulls("difficulty")
    try:
        return [above(growing, _slope(kept), 0.0, "number"), Check(said, SHOWN)]
    except InputError as error:
        return [untested(f"{growing}: {error}"), Check(said, SHOWN)]


def _needed(points: pl.DataFrame) -> float | None:
    """Votes at which an arm's score reaches two thirds, between levels along their logarithm; None if it never does."""
    levels = points["level"].drop_nulls().unique().sort().to_numpy().astype(float)
    found = _reached(panel([points], levels).values[0].mean(axis=0), levels)
    return None if np.isnan(found) else float(2**found)


def _reached(curve: Array, levels: Array) -> float:
    """Where a curve over levels first reaches two thirds, as a logarithm to base 2; NaN if it never does."""
    best = np.maximum.accumulate(curve)
    if best[-1] < TWO_THIRDS:
        return float("nan")
    return float(np.interp(TWO_THIRDS, best, np.log2(levels))) if best[0] < TWO_THIRDS else float(np.log2(levels[0]))


def _slope(points: pl.DataFrame) -> Estimate:
    levels = points["level"].drop_nulls().unique().sort().to_numpy().astype(float)
    found = panel([points], levels)
    known = points.select("task", "problem_id", "difficulty").unique(["task", "problem_id"])
    depth = found.problems.join(known, on=["task", "problem_id"], maintain_order="left")["difficulty"].to_numpy()
    depths = np.unique(depth)

    def slope(w: Array) -> float:
        held = [w * (depth == each) for each in depths]
        if any(part.sum() == 0 for part in held):
            return float("nan")
        logs = np.array([_reached(part @ found.values[0] / part.sum(), levels) for part in held])
        return float(np.polyfit(depths, logs, 1)[0]) if np.isfinite(logs).all() else float("nan")

    return resampled(slope, found.cluster)


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
        "At equal generated tokens the long chain leads every vote over shorter ones, its lead grows with the depth, "
        "and so does the logarithm of the votes that reach two thirds."
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
