"""C18: one score hides how an agent got there."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import polars as pl

from fourdials.claims._judging import arms_of
from fourdials.errors import InputError
from fourdials.estimate import quality
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, SHOWN, UNDECIDED, Check, Claim, Evidence

MARGIN = 0.05
MEASURES = {
    "trajectory_quality": "trajectory quality",
    "loop_rate": "the share of steps that show nothing new",
    "invalid_rate": "the share of steps that were refused",
    "memory_hygiene": "memory hygiene",
    "context_efficiency": "context efficiency",
    "verification_cost": "the share of tokens spent on verifying",
    "planning_cost": "the share of tokens spent on planning",
}


def judge(evidence: Evidence) -> list[Check]:
    """Of all pairs of arms, one is within 5 points in success and differs for sure in another measure.

    Many pairs and measures are looked at, so intervals are widened for all of them at once (Bonferroni).
    """
    names = [arm["arm"] for arm in arms_of(evidence)]
    if len(names) < 2:
        raise InputError("it has one arm only; the claim compares two")
    rows = evidence.read("trajectories", experiment_ids=[evidence.experiment_id])
    measured = quality.measured(rows)
    pairs = list(itertools.combinations(sorted(names), 2))
    success = {pair: _apart(measured, *pair, "success", len(pairs)) for pair in pairs}
    found = {pair: gap for pair, gap in success.items() if gap is not None}
    if not found:
        raise InputError("no two of its arms share a problem")
    closest = min(found, key=lambda pair: max(abs(found[pair]["low"]), abs(found[pair]["high"])))
    tied = [pair for pair, gap in found.items() if gap["low"] > -MARGIN and gap["high"] < MARGIN]
    checks = [_tie(closest, found[closest])]
    among = max(1, len(tied)) * len(MEASURES)
    gaps = [
        (pair, name, gap)
        for pair in tied or [closest]
        for name in MEASURES
        if (gap := _apart(measured, *pair, name, among))
    ]
    if not gaps:
        raise InputError(
            "nothing but success can be measured of its arms: they take no steps, keep no notes and check nothing"
        )
    return [*checks, *_differences(gaps)]


def _apart(measured: pl.DataFrame, a: str, b: str, name: str, among: int) -> dict[str, Any] | None:
    return quality.paired(measured.filter(arm=a), measured.filter(arm=b), name, among)


def _tie(pair: tuple[str, str], gap: dict[str, Any]) -> Check:
    outcome = REPRODUCED if gap["low"] > -MARGIN and gap["high"] < MARGIN else UNDECIDED
    apart = gap["low"] > MARGIN or gap["high"] < -MARGIN
    said = f"{pair[0]} and {pair[1]}, the closest two, are within 5 points in success"
    return _check(said, NOT_REPRODUCED if apart else outcome, gap)


def _differences(gaps: list[tuple[tuple[str, str], str, dict[str, Any]]]) -> list[Check]:
    """The clearest difference as a check, further ones that are sure as shown."""

    def clarity(each: tuple[tuple[str, str], str, dict[str, Any]]) -> float:
        gap = each[2]
        return float(abs(gap["value"]) / max(gap["high"] - gap["low"], 1e-12))

    ordered = sorted(gaps, key=clarity, reverse=True)
    checks = []
    for place, (pair, name, gap) in enumerate(ordered):
        sure = gap["low"] > 0 or gap["high"] < 0
        said = f"{pair[0]} and {pair[1]} differ in {MEASURES[name]} (first minus second)"
        if place == 0:
            same = np.isclose(gap["low"], gap["high"])
            checks.append(_check(said, REPRODUCED if sure else NOT_REPRODUCED if same else UNDECIDED, gap))
        elif sure:
            checks.append(_check(said, SHOWN, gap))
    return checks


def _check(said: str, outcome: Any, gap: dict[str, Any]) -> Check:
    return Check(said, outcome, gap["value"], gap["low"], gap["high"], "points", gap["n"], gap["method"])


CLAIM = Claim(
    id="C18",
    title="Beyond one score",
    headline=(
        "Success alone hides the quality of the way, the hygiene of memory, the use of context and the cost of "
        "checking."
    ),
    source="Gu 2026, arXiv 2605.26112 (an agenda without formulas)",
    scaling="both",
    counts=(
        "Two set-ups within 5 points in success differ for sure in another measure, all pairs and measures taken "
        "together. The formulas are ours, so this is an illustration."
    ),
    established="Set-ups with the same score can cost very different amounts.",
    contested="Which of the many possible measures deserve a name.",
    untestable="The source gives no formulas to test.",
    judge=judge,
)
