"""Votes one after the other until one answer is k ahead."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint
from fourdials.strategies.parallel._voting import Votes, red_flag


@strategy(
    dial="parallel",
    unit="votes",
    levels=(1, 2, 4, 8, 16),
    source="first-to-ahead-by-k with red flags: Meyerson et al. 2025, arXiv 2511.09030",
)
async def first_to_ahead(
    question: Question,
    ask: Ask,
    *,
    k: Annotated[int, Field(ge=1, le=50, description="Votes the leader must be ahead of the runner-up")] = 3,
    red_flags: Annotated[bool, Field(description="Discard ill-formed, cut-off and over-long replies")] = True,
    longest: Annotated[int, Field(ge=0, le=100_000, description="Tokens above which a reply is over-long; 0: any")] = 0,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature; more makes votes differ")] = 0.8,
) -> Turns:
    """Sample votes until one answer leads by k, then stop.

    Spends one call per level, and never one more than needed: votes are asked for in batches as large as the lead that
    is still missing. A red-flagged reply is paid for and does not vote. Wins by stopping early where answers agree;
    loses to a fixed vote where errors are shared, because agreement then comes early and is wrong.
    """
    granted = yield Checkpoint(0)
    votes, taken, lead = Votes(question.ballot), 0, 0
    while True:
        levels = range(taken + 1, min(granted, taken + k - lead) + 1)
        replies = await ask.samples(question.answer, role="solve", levels=levels, temperature=temperature, after=None)
        for reply in replies:
            taken += 1
            flag = red_flag(reply, longest) if red_flags else None
            if flag is not None:
                ask.note("discard", level=taken, reason=flag, answer=reply.answer, call_id=reply.call_id)
            else:
                votes = votes.plus(reply.answer)
            leader, most, next_most = votes.ranked()
            lead = most - next_most
            granted = yield Checkpoint(taken, leader, final=lead >= k, detail={"votes": votes.counts, "flag": flag})
