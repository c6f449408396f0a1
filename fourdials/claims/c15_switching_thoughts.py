"""C15: wrong answers come from giving up thoughts too early, and discouraging that helps."""

from __future__ import annotations

from typing import Any

import polars as pl

from fourdials.claims._judging import (
    arms_of,
    cluster_of,
    compared,
    contrast,
    knob,
    mean_of,
    ratio,
    resampled,
    solver,
)
from fourdials.errors import InputError
from fourdials.estimate import quality
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above, below, not_worse, shown

FEWER, MARGIN = 0.70, 0.02
OWN = ("intervention", "words", "penalty", "penalised")  # knobs that make the intervention, and no other difference


def judge(evidence: Evidence) -> list[Check]:
    """Wrong answers switch more at the same difficulty; each intervention takes away 30 % of the switches and, at equal
    generated tokens, loses less than 2 points against the same thought only watched."""
    arms = arms_of(evidence, "stay_on_thought")
    watched = [arm for arm in arms if knob(arm, "intervention") == "watch"]
    if not watched:
        raise InputError("it has no arm whose switches are only watched")
    twins = [(arm, plain) for arm in arms for plain in watched if _twins(arm, plain)]
    if not twins:
        raise InputError("it has no arm that discourages switching in thoughts like those that are only watched")
    rows = evidence.steps().drop_nulls("switches")
    held = set(rows["arm"])
    if not all(arm["arm"] in held and plain["arm"] in held for arm, plain in twins):
        raise InputError("no switch of thought was noted; thoughts that a provider hides show none")
    checks = [_wrong(rows.filter(arm=twins[0][1]["arm"]))]
    for arm, plain in twins:
        checks += _intervened(evidence, rows, arm["arm"], plain["arm"])
    return [*checks, *_underthinking(evidence, {each["arm"] for pair in twins for each in pair})]


def _twins(arm: dict[str, Any], plain: dict[str, Any]) -> bool:
    """Whether two arms differ in nothing but that the one intervenes."""
    rest = [{name: value for name, value in each["knobs"].items() if name not in OWN} for each in (arm, plain)]
    return knob(arm, "intervention") != "watch" and rest[0] == rest[1] and solver(arm) == solver(plain)


def _wrong(plain: pl.DataFrame) -> Check:
    """Switches in wrong answers minus those in right ones, each against the mean of its difficulty."""
    apart = plain.with_columns(extra=pl.col("switches") - pl.col("switches").mean().over("task", "difficulty"))
    extra, score = (apart[name].to_numpy().astype(float) for name in ("extra", "score"))
    said = "Wrong answers switch more often than right ones of the same difficulty (switches)"
    return above(said, resampled(lambda w: contrast(w, extra, score < 1), cluster_of(apart)), 0.0, "number")


def _intervened(evidence: Evidence, rows: pl.DataFrame, arm: str, plain: str) -> list[Check]:
    means = [
        rows.filter(arm=name).group_by(*PROBLEM, "cluster_id").agg(pl.col("switches").mean()) for name in (arm, plain)
    ]
    both = means[0].join(means[1], on=[*PROBLEM, "cluster_id"], suffix="_plain").sort(*PROBLEM)
    columns = [both[name].to_numpy().astype(float) for name in ("switches", "switches_plain")]
    fewer = resampled(ratio(columns[0], columns[1]), cluster_of(both))
    lost = f"{arm} loses less than 2 points against {plain} at equal generated tokens"
    checks = [
        below(f"{arm} leaves at most 70 % of the switches of {plain}", fewer, FEWER, "ratio"),
        compared(not_worse, lost, evidence.points("completion_tokens"), arm, plain, MARGIN),
    ]
    spent = evidence.trials().filter(pl.col("arm").is_in([arm, plain]))
    sides = [
        spent.filter(arm=name).group_by(*PROBLEM, "cluster_id").agg(pl.col("total_tokens").mean())
        for name in (arm, plain)
    ]
    tokens = sides[0].join(sides[1], on=[*PROBLEM, "cluster_id"], suffix="_plain").drop_nulls().sort(*PROBLEM)
    if tokens.height:
        more = (tokens["total_tokens"] - tokens["total_tokens_plain"]).to_numpy().astype(float)
        checks.append(shown(f"Tokens a problem, {arm} minus {plain}", mean_of(more, cluster_of(tokens)), "number"))
    return checks


def _underthinking(evidence: Evidence, names: set[str]) -> list[Check]:
    """The underthinking score of each arm that shows answers along its thought: how much of a wrong reply came after a
    right answer could have been read off it."""
    thoughts = evidence.read("thoughts", experiment_ids=[evidence.experiment_id])
    scored = quality.underthinking_of(thoughts.filter(pl.col("arm").is_in(list(names))))
    checks = [
        Check(
            f"{row['arm']}: underthinking score ξ of its wrong replies",
            SHOWN,
            **{name: row[name] for name in ("value", "low", "high")},
            unit="share",
            n=row["n"],
            method=row["method"],
        )
        for row in scored.to_dicts()
    ]
    said = "The underthinking score needs answers read off a thought at several places; these arms have one each"
    return checks or [Check(said, SHOWN)]


CLAIM = Claim(
    id="C15",
    title="Switching thoughts",
    headline=(
        "Wrong answers of a reasoning model took 225 % more tokens, with 418 % more switches of approach; a "
        "penalty on words that announce a switch took AIME24 from 38.3 to 44.1 %."
    ),
    source="Wang et al. 2025, arXiv 2501.18585; wandering: arXiv 2505.20296",
    scaling="internal",
    counts=(
        "At the same difficulty wrong answers switch more; discouraging it takes away 30 % of the switches and, at "
        "equal generated tokens, loses less than 2 points against the same thought only watched."
    ),
    established="Long wrong thoughts with many switches are seen in several reasoning models.",
    contested=(
        "Which way it runs: hard problems bring both switches and errors, so the comparison has to match difficulty."
    ),
    untestable="Thoughts that a provider hides, and switches that are announced by none of the words looked for.",
    judge=judge,
)
