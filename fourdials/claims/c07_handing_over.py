"""C7: agents can work together with far fewer tokens handed over, and lose nothing."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import arms_of, cluster_of, ratio, resampled, scores
from fourdials.errors import InputError
from fourdials.estimate.intervals import difference
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import Check, Claim, Evidence, below, not_worse

FEWER, LOST = 0.30, 0.01


def judge(evidence: Evidence) -> list[Check]:
    """A short note takes at most 30 % of the tokens of handing everything over, and loses less than a point."""
    full, short = (arms_of(evidence, "handoff", form=form)[0] for form in ("full", "short"))
    rows = evidence.steps()
    tops = [rows.filter(arm=arm["arm"], max_level=max(arm["levels"])) for arm in (full, short)]
    handed = [part.group_by(*PROBLEM, "cluster_id").agg(pl.col("handed_tokens").mean()) for part in tops]
    both = handed[0].join(handed[1], on=[*PROBLEM, "cluster_id"], suffix="_short").drop_nulls().sort(*PROBLEM)
    if both.is_empty():
        raise InputError("it noted no tokens handed over")
    columns = [both[name].to_numpy().astype(float) for name in ("handed_tokens_short", "handed_tokens")]
    share = resampled(ratio(columns[0], columns[1]), cluster_of(both))
    answered = scores(tops[1]).join(scores(tops[0]), on=[*PROBLEM, "cluster_id"], suffix="_full")
    lost = difference(answered["score"].to_numpy(), answered["score_full"].to_numpy(), cluster_of(answered))
    return [
        not_worse(f"{short['arm']} loses less than a point against {full['arm']}", lost, LOST),
        below("It hands over at most 30 % of the tokens", share, FEWER, "ratio"),
    ]


CLAIM = Claim(
    id="C7",
    title="What is handed over",
    headline=(
        "Agents that share hidden states instead of text used 70.8 to 83.7 % fewer output tokens and were up to "
        "14.6 points better."
    ),
    source="LatentMAS 2025, arXiv 2511.20639",
    scaling="internal",
    counts=(
        "A short note takes at least 70 % fewer tokens than handing everything over, and loses less than one "
        "point. That margin takes thousands of problems."
    ),
    established="Long hand-offs are paid for twice: once to write them, again to read them.",
    contested="Whether what a note leaves out matters depends on who decides what to leave out.",
    untestable=(
        "Passing hidden states or a shared cache between models, which is what the source is about. Calls pass text."
    ),
    judge=judge,
)
