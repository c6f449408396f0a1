"""Independent samples and the answer most of them give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint
from fourdials.strategies.parallel._voting import Votes


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

    Spends one call per level, all of which can run at once. Votes for the same answer in other words count together, as
    far as the task can tell from the text; what is answered is the first of these texts. Replies without a readable
    answer cast no vote; a tie goes to the answer seen first. Wins where errors are independent and the right answer is
    the likeliest one; loses where the model is wrong in the same way each time, since votes heal noise, not ignorance.
    """
    granted = yield Checkpoint(0)
    votes, taken = Votes(question.ballot), 0
    while True:
        levels = range(taken + 1, granted + 1)
        replies = await ask.samples(question.answer, role="solve", levels=levels, temperature=temperature)
        for reply in replies:
            taken, votes = taken + 1, votes.plus(reply.answer)
            granted = yield Checkpoint(taken, votes.leader, detail={"votes": votes.counts})
