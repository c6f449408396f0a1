"""C1: on tasks where steps build on one another, one long chain beats a vote over many short ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fourdials.claims._judging import (
    ahead,
    arms_of,
    by_difficulty,
    cluster_of,
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
        above(f"{name} leads {arm['arm']} at equal generated tokens", ahead(points, name, arm["arm"])) for arm in votes
    ]
    both = with_difficulty(values_at(points, [name, shortest]), evidence)
    lead = (both["v0"] - both["v1"]).to_numpy()
    rise = slope_of(lead, both["difficulty"].to_numpy(), cluster_of(both))
    checks.append(above(f"Its lead over {shortest} grows with the problem's difficulty", rise))
    return [*checks, *_growth(evidence, votes)]


def _growth(evidence: Evidence, votes: list[dict[str, Any]]) -> list[Check]:
    """For the votes that reach two thirds on the most difficulties: how fast the logarithm of their number grows."""
    points, found = evidence.points("level"), []
    for arm in votes:
        parts = by_difficulty(of_arm(points, arm["arm"]), evidence)
        needed = {level: _needed(part) for level, part in parts}
        found.append((sum(value is not None for value in needed.values()), arm["arm"], needed))
    _, name, needed = max(found, key=lambda each: each[0])
    reached = {level: value for level, value in needed.items() if value is not None}
    most = max(arm["levels"][-1] for arm in votes if arm["arm"] == name)
    told = ", ".join(
        f"{value:.3g} at {level:g}" if value is not None else f"more than {most} at {level:g}"
        for level, value in needed.items()
    )
    said = f"{name}: votes that reach two thirds, by difficulty: {told}"
    growing = "The logarithm of the votes needed for two thirds grows with difficulty (doublings a step)"
    if len(reached) < FEWEST or len(set(reached.values())) == 1:
        reason = f"that takes {FEWEST} difficulties which votes reach, and not all with as many"
        return [untested(f"{growing}: {reason}"), Check(said, SHOWN)]
    kept = with_difficulty(of_arm(points, name), evidence).filter(pl.col("difficulty").is_in(list(reached)))
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
