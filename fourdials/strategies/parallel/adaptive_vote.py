"""Votes until the leader is ahead with a stated confidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from scipy.special import betainc

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint
from fourdials.strategies.parallel._voting import Votes


@strategy(
    dial="parallel",
    unit="votes",
    levels=(1, 2, 4, 8, 16),
    source="adaptive consistency: Aggarwal et al. 2023, arXiv 2305.11860",
)
async def adaptive_vote(
    question: Question,
    ask: Ask,
    *,
    confidence: Annotated[
        float,
        Field(gt=0.5, lt=1, description="Stop once the leader is the likelier of the top two with this probability"),
    ] = 0.95,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature; more makes votes differ")] = 0.8,
) -> Turns:
    """Sample votes until the leader would very likely stay the leader, then stop.

    Spends one call per level, in batches of the fewest votes that could settle it, so that none is bought in vain.
    After v votes for the leader and w for the runner-up the leader's share of the two is Beta(v + 1, w + 1). Wins over
    a fixed vote where some problems are easy; loses to it where the model errs in the same way each time, since it is
    then sure at once. Replies without a readable answer cast no vote and are paid for.
    """
    granted = yield Checkpoint(0)
    votes, taken = Votes(question.ballot), 0
    while True:
        _, most, next_most = votes.ranked()
        until = taken + 1
        while until < granted and certainty(most + until - taken, next_most) < confidence:
            until += 1
        levels = range(taken + 1, until + 1)
        replies = await ask.samples(question.answer, role="solve", levels=levels, temperature=temperature, after=None)
        for reply in replies:
            taken, votes = taken + 1, votes.plus(reply.answer)
            leader, most, next_most = votes.ranked()
            sure = certainty(most, next_most)
            detail = {"votes": votes.counts, "certainty": sure}
            granted = yield Checkpoint(taken, leader, final=sure >= confidence, detail=detail)


def certainty(most: int, next_most: int) -> float:
    """Probability that the leader's share of the top two is above one half: I_½(next_most + 1, most + 1)."""
    return float(betainc(next_most + 1, most + 1, 0.5))
