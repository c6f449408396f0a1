"""C11: cut into single steps with a vote at each, a million steps run without an error."""

from __future__ import annotations

from typing import Any

import polars as pl

from fourdials import theory
from fourdials.claims._judging import arms_of, at_ends, cluster_of, knob, of_arm, solver
from fourdials.errors import InputError
from fourdials.estimate import Estimate, quality
from fourdials.estimate.intervals import share
from fourdials.estimate.panel import PROBLEM, panel
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above, below, shown, untested

TARGET = 0.95
WHOLE = ("single", "chain_of_thought", "budget_forcing")


def judge(evidence: Evidence) -> list[Check]:
    """With the least lead that the formula asks for, from the rate of right votes in the run itself, voted single steps
    are right to the end at least 95 % of the time, and what tries all steps in one call is not.

    Where that lead is unknown, or was not run, a smaller one neither confirms nor refutes the formula: it is shown."""
    arms = arms_of(evidence, "decompose_and_vote")
    flagged = [arm for arm in arms if knob(arm, "red_flags") is not False] or arms
    voted = max(flagged, key=lambda arm: (-int(knob(arm, "steps_per_call") or 1), max(arm["levels"])))
    whole = [a for a in arms_of(evidence) if a["strategy"] in WHOLE and solver(a) == solver(voted)]
    if not whole:
        raise InputError(f"it has no arm that tries all steps in one call of {solver(voted)}")
    points, name = evidence.points("level"), voted["arm"]
    rates, lead, unknown = _rates(evidence, voted)
    level, short = _level(voted, lead)
    right = at(points, name, level)
    if unknown or short:
        said = f"{name} is right to the last step at least 95 % of the time with the least lead by the formula"
        checks = [
            untested(f"{said}: {unknown or short}"),
            shown(f"{name}, {level} ahead, is right to the last step", right, "share"),
        ]
    else:
        said = f"{name}, {level} ahead, is right to the last step at least 95 % of the time"
        checks = [above(said, right, TARGET, "share")]
    for arm in whole:
        own = at(points, arm["arm"], max(arm["levels"]))
        checks.append(
            below(f"{arm['arm']}, all in one call, is right less than 95 % of the time", own, TARGET, "share")
        )
        found = at_ends(_upto(points, name, level), name, arm["arm"])
        checks.append((shown if unknown or short else above)(f"{name} leads {arm['arm']}", found))
    return [*checks, *rates, *_unflagged(points, voted, arms)]


def at(points: pl.DataFrame, arm: str, level: int) -> Estimate:
    """The share of right answers of an arm at a level."""
    found = panel([of_arm(points, arm)], [float(level)])
    return share(found.values[0, :, 0], found.cluster)


def _upto(points: pl.DataFrame, arm: str, level: int) -> pl.DataFrame:
    """The points with one arm's levels above this left out; each level of a vote at every step is a run of its own."""
    return points.filter((pl.col("arm") != arm) | pl.col("level").is_null() | (pl.col("level") <= level))


def _rates(evidence: Evidence, voted: dict[str, Any]) -> tuple[list[Check], int | None, str]:
    """How often a single vote is right, how often the first two err together, and the least lead that follows, or why
    none does."""
    rows = evidence.read("step_truths", experiment_ids=[evidence.experiment_id]).filter(arm=voted["arm"])
    rows = rows.drop_nulls("answer") if knob(voted, "red_flags") is not False else rows  # flagged ones are not counted
    if rows.is_empty():
        return [], None, "how often one vote is right was not recorded, so that lead cannot be worked out"
    step = [*PROBLEM, "cluster_id", "trial_id", "step"]
    votes = quality.judged(rows).with_columns(place=pl.int_range(pl.len()).over(step))
    p = _mean(votes.group_by(*PROBLEM, "cluster_id").agg(pl.col("right").mean()), "right")
    steps = _needed(votes, evidence.read("trial_spends", experiment_ids=[evidence.experiment_id]))
    checks = [shown(f"A single vote is right ({steps} steps to a right end)", p, "share")]
    first = votes.filter(pl.col("place") < 2).group_by(step).agg(pl.len(), pl.col("right").sum().alias("held"))
    both = first.filter(pl.col("len") == 2).with_columns(wrong=(pl.col("held") == 0).cast(pl.Float64))
    if both.height:
        errs = _mean(both.group_by(*PROBLEM, "cluster_id").agg(pl.col("wrong").mean()), "wrong")
        alone = (1 - p.value) ** 2
        checks.append(
            shown(f"Both of the first two votes are wrong ({100 * alone:.2g} % if they erred apart)", errs, "share")
        )
    if p.value <= 0.5:
        return checks, None, "it names none where a single vote is right no more than half of the time"
    lead = theory.least_lead(p.value, steps, TARGET, int(knob(voted, "steps_per_call") or 1))
    foretold = float(theory.all_right(p.value, lead, steps))
    said = f"The formula asks for a lead of {lead}, which would make {100 * foretold:.3g} % right to the end"
    return [*checks, Check(said, SHOWN)], lead, ""


def _needed(votes: pl.DataFrame, trials: pl.DataFrame) -> int:
    """The steps that the longest problem takes: what loses its way wanders for longer, so of a problem's trials that
    ended right the shortest counts; of all trials where none did."""
    right = votes.filter(pl.col("trial_id").is_in(trials.filter(pl.col("score") == 1)["trial_id"].implode()))
    long = (right if right.height else votes).group_by(*PROBLEM, "trial_id").agg(pl.col("step").max())
    return int(long.group_by(PROBLEM).agg(pl.col("step").min())["step"].to_numpy().max())


def _mean(rows: pl.DataFrame, name: str) -> Estimate:
    ordered = rows.sort(*PROBLEM)
    return share(ordered[name].to_numpy(), cluster_of(ordered))


def _level(voted: dict[str, Any], lead: int | None) -> tuple[int, str]:
    """The smallest level that was run and reaches the least lead; else the largest, and that it falls short."""
    enough = [level for level in voted["levels"] if lead is not None and level >= lead]
    level = int(min(enough, default=max(voted["levels"])))
    short = lead is not None and not enough
    return level, f"it asks for a lead of {lead}, and {voted['arm']} was run up to {level}" if short else ""


def _unflagged(points: pl.DataFrame, voted: dict[str, Any], arms: list[dict[str, Any]]) -> list[Check]:
    """What discarding ill-formed replies brings, where the same arm was run without it, at the largest common lead."""
    checks = []
    for arm in arms:
        alike = {**voted["knobs"], "red_flags": False} == arm["knobs"] and solver(arm) == solver(voted)
        common = sorted(set(arm["levels"]) & set(voted["levels"]))
        if alike and arm is not voted and common:
            parts = _upto(_upto(points, arm["arm"], common[-1]), voted["arm"], common[-1])
            found = at_ends(parts, voted["arm"], arm["arm"])
            checks.append(shown(f"Red flags on over off ({arm['arm']}), {common[-1]} ahead", found))
    return checks


CLAIM = Claim(
    id="C11",
    title="A million steps without an error",
    headline=(
        "A tower of Hanoi with 20 disks, 1,048,575 moves, was solved without an error by asking for one move at a "
        "time and taking the first answer that is k votes ahead."
    ),
    source="Meyerson et al. 2025, arXiv 2511.09030",
    scaling="external",
    counts=(
        "With the least lead that the formula asks for, from how often a vote is right in the run itself, voted single "
        "steps are right to the end at least 95 % of the time, and what tries all steps in one call is not. A smaller "
        "lead than that, or one in a run that does not tell how often a vote is right, tests nothing."
    ),
    established=(
        "If votes are independent and right more often than wrong, errors fall exponentially with the lead, while "
        "its cost grows with the logarithm of the number of steps."
    ),
    contested=(
        "Independence: where a model errs in the same way each time, no lead mends it. How large a lead it takes: the "
        "formula lets wrong votes agree, and where they scatter less is enough. And who cuts the task into steps."
    ),
    untestable=(
        "A million real calls on a small budget. The million steps on the Theory page are simulated, and say so."
    ),
    judge=judge,
)
