"""C15: wrong answers come from giving up thoughts too early, and discouraging that helps."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fourdials.claims._judging import arms_of, cluster_of, ratio, resampled, scores
from fourdials.errors import InputError
from fourdials.estimate.intervals import Array, difference
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import Check, Claim, Evidence, above, below, not_worse

FEWER, MARGIN = 0.70, 0.02


def judge(evidence: Evidence) -> list[Check]:
    """Wrong answers switch more at the same difficulty; the intervention takes away 30 % of the switches and loses
    less than 2 points."""
    watched = arms_of(evidence, "stay_on_thought", intervention="watch")[0]["arm"]
    held = [arm for arm in arms_of(evidence, "stay_on_thought") if arm["knobs"]["intervention"] != "watch"]
    if not held:
        raise InputError("it has no arm that discourages switching")
    rows = evidence.steps().drop_nulls("switches")
    plain, kept = rows.filter(arm=watched), rows.filter(arm=held[-1]["arm"])
    if plain.is_empty() or kept.is_empty():
        raise InputError("no switch of thought was noted; thoughts that a provider hides show none")
    apart = plain.with_columns(above_level=pl.col("switches") - pl.col("switches").mean().over("difficulty"))
    extra, wrong = (apart[name].to_numpy().astype(float) for name in ("above_level", "score"))
    more = resampled(lambda w: contrast(w, extra, wrong < 1), cluster_of(apart))
    means = [part.group_by(*PROBLEM, "cluster_id").agg(pl.col("switches").mean()) for part in (kept, plain)]
    both = means[0].join(means[1], on=[*PROBLEM, "cluster_id"], suffix="_plain").sort(*PROBLEM)
    columns = [both[name].to_numpy().astype(float) for name in ("switches", "switches_plain")]
    fewer = resampled(ratio(columns[0], columns[1]), cluster_of(both))
    answered = scores(kept).join(scores(plain), on=[*PROBLEM, "cluster_id"], suffix="_plain")
    lost = difference(answered["score"].to_numpy(), answered["score_plain"].to_numpy(), cluster_of(answered))
    return [
        above("Wrong answers switch more often than right ones of the same difficulty (switches)", more, 0.0, "number"),
        below(f"{held[-1]['arm']} leaves at most 70 % of the switches", fewer, FEWER, "ratio"),
        not_worse("It loses less than 2 points", lost, MARGIN),
    ]


def contrast(w: Array, values: Array, wrong: NDArray[np.bool_]) -> float:
    """Mean over wrong answers minus mean over right ones; NaN without both."""
    sides = [w * wrong, w * ~wrong]
    return (
        float("nan")
        if any(not side.sum() for side in sides)
        else float(sides[0] @ values / sides[0].sum() - sides[1] @ values / sides[1].sum())
    )


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
        "At the same difficulty wrong answers switch more; discouraging it takes away 30 % of the switches and "
        "loses less than 2 points."
    ),
    established="Long wrong thoughts with many switches are seen in several reasoning models.",
    contested=(
        "Which way it runs: hard problems bring both switches and errors, so the comparison has to match difficulty."
    ),
    untestable="Thoughts that a provider hides, and switches that are announced by none of the words looked for.",
    judge=judge,
)
