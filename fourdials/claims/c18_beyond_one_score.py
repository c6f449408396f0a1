"""C18: one score hides how an agent got there."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import ahead, arms_of, cluster_of, mean_of, pairs
from fourdials.errors import InputError
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, UNDECIDED, Check, Claim, Evidence, within

MARGIN = 0.05
END = 1e12  # a level beyond any: each arm's last answer


def judge(evidence: Evidence) -> list[Check]:
    """The two arms that are closest in success are within 5 points, and differ in the tokens they take to get there."""
    names = [arm["arm"] for arm in arms_of(evidence)]
    if len(names) < 2:
        raise InputError("it has one arm only; the claim compares two")
    points, rows = evidence.points("level"), evidence.trials()
    closest = min(pairs(names), key=lambda pair: abs(ahead(points, pair[0], pair[1], END).value))
    success = within(
        f"{closest[0]} and {closest[1]} are within 5 points", ahead(points, closest[0], closest[1], END), MARGIN
    )
    means = [
        rows.filter(arm=arm).group_by(*PROBLEM, "cluster_id").agg(pl.col("total_tokens").mean()) for arm in closest
    ]
    both = means[0].join(means[1], on=[*PROBLEM, "cluster_id"], suffix="_b").drop_nulls().sort(*PROBLEM)
    if both.is_empty():
        raise InputError("the tokens of its trials are unknown")
    found = mean_of((both["total_tokens"] - both["total_tokens_b"]).to_numpy().astype(float), cluster_of(both))
    apart = found.low > 0 or found.high < 0
    outcome = REPRODUCED if apart else UNDECIDED if found.low < found.high else NOT_REPRODUCED
    said = "They differ in the tokens a problem takes them"
    return [success, Check(said, outcome, found.value, found.low, found.high, "number", found.n, found.method)]


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
        "Two set-ups that are equal in success differ elsewhere. The formulas are ours, so this is an illustration."
    ),
    established="Set-ups with the same score can cost very different amounts.",
    contested="Which of the many possible measures deserve a name.",
    untestable="The source gives no formulas to test.",
    judge=judge,
)
