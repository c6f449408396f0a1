"""C5: a budget of searches follows the same curve of diminishing returns as a budget of thought."""

from __future__ import annotations

from fourdials.claims._judging import arms_of, flattening, rising
from fourdials.verdict import Check, Claim, Evidence


def judge(evidence: Evidence) -> list[Check]:
    """Score rises with searches and with thought, and flattens in both."""
    searches = arms_of(evidence, "retrieve")[0]["arm"]
    thought = arms_of(evidence, "chain_of_thought")[0]["arm"]
    points = evidence.points("total_tokens")
    return [check(points, arm) for arm in (searches, thought) for check in (rising, flattening)]


CLAIM = Claim(
    id="C5",
    title="Searches and thought",
    headline="Searching more pays like thinking more: each further search gains less than the one before.",
    source="Position papers: arXiv 2506.18959; BrowseComp, arXiv 2504.12516. Against it: arXiv 2604.22750",
    scaling="external",
    counts=(
        "Score rises and flattens with searches and with thought: a family of curves that levels off beats a "
        "straight line in log tokens for both."
    ),
    established=(
        "Some curve of diminishing returns fits most published results; no equation was fitted in the source."
    ),
    contested=(
        "Whether accuracy only flattens: later work finds that it often peaks at a middling cost and then declines."
    ),
    untestable="One law for all: two curves of the same family on one task are no law.",
    judge=judge,
)
