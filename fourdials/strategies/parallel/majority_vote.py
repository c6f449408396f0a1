"""Independent samples and the answer most of them give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint


@strategy(
    dial="parallel",
    unit="samples",
    levels=(1, 2, 4, 8, 16),
    source="self-consistency: Wang et al. 2022, arXiv 2203.11171",
)
async def majority_vote(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature; more makes votes differ")] = 0.8,
) -> Turns:
    """Sample many answers side by side and take the most frequent one.

    Spends one call per level, all of which can run at once. Replies without a readable answer cast no vote; a tie goes
    to the answer seen first. Wins where errors are independent and the right answer is the likeliest one; loses where
    the model is wrong in the same way each time, since votes heal noise, not ignorance.
    """
    granted = yield Checkpoint(0)
    votes: list[str | None] = []
    while True:
        replies = await ask.samples(
            question.answer, role="solve", levels=range(len(votes) + 1, granted + 1), temperature=temperature
        )
        for reply in replies:
            votes.append(reply.answer)
            winner, counts = leader(votes)
            granted = yield Checkpoint(len(votes), winner, detail={"votes": counts})


def leader(votes: Sequence[str | None]) -> tuple[str | None, dict[str, int]]:
    """The most frequent answer, the earliest one on a tie, and all counts; None if nobody voted."""
    counts = Counter(vote for vote in votes if vote is not None)  # keeps the order of first appearance
    return max(counts, key=lambda answer: counts[answer], default=None), dict(counts)
