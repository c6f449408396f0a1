"""C17: chains of thought break where a question leaves what was trained on."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import cluster_of, scores
from fourdials.errors import InputError
from fourdials.estimate import Estimate
from fourdials.estimate.intervals import share
from fourdials.verdict import Check, Claim, Evidence, above, below

INSIDE, OUTSIDE = 0.95, 0.05


def accuracy(rows: pl.DataFrame, where: str) -> Estimate:
    """Share of right answers; raises InputError without any."""
    if rows.is_empty():
        raise InputError(f"it has no problem {where} of what was trained on")
    found = scores(rows)
    return share(found["score"].to_numpy(), cluster_of(found))


def judge(evidence: Evidence) -> list[Check]:
    """A model trained from scratch on one side is right at least 95 % of the time there and at most 5 % outside."""
    if evidence.origin != "scale model":
        raise InputError(
            "what an existing model has read is unknown; only one trained from scratch on one side can carry the claim"
        )
    rows = evidence.trials().filter(task="letter_shift")
    inside, outside = rows.filter(pl.col("difficulty") == 0), rows.filter(pl.col("difficulty") > 0)
    return [
        above("In distribution at least 95 % are right", accuracy(inside, "inside"), INSIDE, "share"),
        below("Outside at most 5 % are right", accuracy(outside, "outside"), OUTSIDE, "share"),
    ]


CLAIM = Claim(
    id="C17",
    title="Out of distribution",
    headline=(
        "Small models trained from scratch on rules for letters are right 100 % of the time in distribution, 0.01 "
        "% on new compositions, and never beyond."
    ),
    source="DataAlchemy 2025, arXiv 2508.01191",
    scaling="internal",
    counts=(
        "A model trained from scratch on one side is right at least 95 % of the time there and at most 5 % outside it."
    ),
    established="Small networks trained on a narrow distribution fail outside it.",
    contested=(
        "What that says about large models, whose distribution nobody can describe; and how much of it is about being "
        "asked for everything at once: one rule per call, a small model may answer compositions it was never shown."
    ),
    untestable="The claim about any existing model: what it has read is unknown. Such a run is a probe.",
    judge=judge,
)
