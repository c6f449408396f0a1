"""C11: cut into single steps with a vote at each, a million steps run without an error."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from fourdials import theory
from fourdials.claims._judging import arms_of, cluster_of, knob, solver
from fourdials.errors import InputError
from fourdials.estimate import Estimate, quality
from fourdials.estimate.intervals import difference, share
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above, below, shown, untested

TARGET = 0.95
WHOLE = ("single", "chain_of_thought", "budget_forcing")
EVERY = "by every step it took"


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
    votes = quality.judged(evidence.read("step_truths", experiment_ids=[evidence.experiment_id]))
    rates, lead, unknown = _rates(votes.filter(arm=voted["arm"]), int(knob(voted, "steps_per_call") or 1))
    level, short = _level(voted, lead)
    right = _sound(evidence, votes, voted, level)
    said = f"{voted['arm']}, {level} ahead, is right to the last step"
    if unknown or short:
        asked = f"{voted['arm']} is right to the last step at least 95 % of the time with the least lead by the formula"
        checks = [untested(f"{asked}: {unknown or short}"), shown(f"{said} ({right.how})", right.share(), "share")]
    else:
        checks = [above(f"{said} at least 95 % of the time ({right.how})", right.share(), TARGET, "share")]
    for arm in whole:
        own = _sound(evidence, votes, arm, max(arm["levels"]))
        less = f"{arm['arm']}, all in one call, is right less than 95 % of the time ({own.how})"
        checks.append(below(less, own.share(), TARGET, "share"))
        rule = shown if unknown or short else above
        checks.append(rule(f"{voted['arm']} leads {arm['arm']}", right.minus(own)))
    if right.how == EVERY:
        ends = f"{voted['arm']}, {level} ahead, ends right, by right steps or wrong ones{_chance(evidence)}"
        checks.append(shown(ends, right.share("end"), "share"))
    return [*checks, *rates, *_unflagged(evidence, votes, voted, arms)]


class Sound(NamedTuple):
    """How often an arm was right on each problem: `score`, by what `how` says, and `end`, by its last answer alone."""

    rows: pl.DataFrame
    how: str

    def share(self, name: str = "score") -> Estimate:
        """The share over problems."""
        return share(self.rows[name].to_numpy(), cluster_of(self.rows))

    def minus(self, other: Sound) -> Estimate:
        """How much more often it was right than another, on the problems of both."""
        both = self.rows.join(other.rows, on=PROBLEM, suffix="_other").sort(*PROBLEM)
        if both.is_empty():
            raise InputError("the arms to be compared share no problem")
        return difference(both["score"].to_numpy(), both["score_other"].to_numpy(), cluster_of(both))


def _sound(evidence: Evidence, votes: pl.DataFrame, arm: dict[str, Any], level: int) -> Sound:
    """The trials of an arm at a level: right if their end is, and every step they took, where the run judges steps."""
    trials = evidence.trials().filter(arm=arm["arm"], max_level=level)
    held = trials.join(quality.flawless(votes.filter(arm=arm["arm"])), on="trial_id", how="left", maintain_order="left")
    if held.is_empty():
        raise InputError(f"{arm['arm']} has no complete block at its level {level}")
    steps = held["right"].null_count() < held.height
    score = pl.col("score") * pl.col("right").fill_null(1.0)
    means = held.group_by(*PROBLEM, "cluster_id").agg(score.mean().alias("score"), pl.col("score").mean().alias("end"))
    return Sound(means.sort(*PROBLEM), EVERY if steps else f"by its end alone{_chance(evidence)}")


def _chance(evidence: Evidence) -> str:
    """What a guess gives of right ends; nothing where answers cannot be listed."""
    rows = evidence.read("baselines", experiment_ids=[evidence.experiment_id]).filter(kind="chance")
    return "" if rows.is_empty() else f"; a guess: {100 * float(rows['value'][0]):.0f} %"


def _rates(rows: pl.DataFrame, per_call: int) -> tuple[list[Check], int | None, str]:
    """How often a single vote is right, how often the first two err together, and the least lead that follows, or why
    none does."""
    rows = rows.drop_nulls("answer")  # what could not be read is no vote
    if rows.is_empty():
        return [], None, "how often one vote is right was not recorded, so that lead cannot be worked out"
    step = [*PROBLEM, "cluster_id", "trial_id", "step"]
    votes = rows.with_columns(place=pl.int_range(pl.len()).over(step))
    p = _mean(votes.group_by(*PROBLEM, "cluster_id").agg(pl.col("right").mean()), "right")
    steps = _needed(votes, per_call)
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
    lead = theory.least_lead(p.value, steps, TARGET, per_call)
    foretold = float(theory.all_right(p.value, lead, steps, per_call))
    said = f"The formula asks for a lead of {lead}, which would make {100 * foretold:.3g} % right to the end"
    return [*checks, Check(said, SHOWN)], lead, ""


def _needed(votes: pl.DataFrame, per_call: int) -> int:
    """The steps that the longest problem takes: as its task says, else by the trials. What loses its way wanders for
    longer, so of a problem's trials without a wrong step the shortest counts; of all trials where none is."""
    if (told := votes["oracle_steps"].drop_nulls()).len():
        return int(told.to_numpy().max())
    right = votes.join(quality.flawless(votes).filter(right=1.0), on="trial_id", how="semi")
    long = (right if right.height else votes).group_by(*PROBLEM, "trial_id").agg(pl.col("step").max())
    return per_call * int(long.group_by(PROBLEM).agg(pl.col("step").min())["step"].to_numpy().max())


def _mean(rows: pl.DataFrame, name: str) -> Estimate:
    ordered = rows.sort(*PROBLEM)
    return share(ordered[name].to_numpy(), cluster_of(ordered))


def _level(voted: dict[str, Any], lead: int | None) -> tuple[int, str]:
    """The smallest level that was run and reaches the least lead; else the largest, and that it falls short."""
    enough = [level for level in voted["levels"] if lead is not None and level >= lead]
    level = int(min(enough, default=max(voted["levels"])))
    short = lead is not None and not enough
    return level, f"it asks for a lead of {lead}, and {voted['arm']} was run up to {level}" if short else ""


def _unflagged(
    evidence: Evidence, votes: pl.DataFrame, voted: dict[str, Any], arms: list[dict[str, Any]]
) -> list[Check]:
    """What discarding ill-formed replies brings, where the same arm was run without it, at the largest common lead."""
    checks = []
    for arm in arms:
        alike = {**voted["knobs"], "red_flags": False} == arm["knobs"] and solver(arm) == solver(voted)
        common = sorted(set(arm["levels"]) & set(voted["levels"]))
        if alike and arm is not voted and common:
            on, off = (_sound(evidence, votes, each, common[-1]) for each in (voted, arm))
            checks.append(shown(f"Red flags on over off ({arm['arm']}), {common[-1]} ahead", on.minus(off)))
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
        "steps are right to the end at least 95 % of the time, and what tries all steps in one call is not. Where the "
        "run tells what each step should have been, right to the end means that every step taken was right; a right "
        "end that was reached by luck is not enough. What answers in one call is judged by its end, which flatters it. "
        "A smaller lead than that, or one in a run that does not tell how often a vote is right, tests nothing."
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
