"""One call at temperature 0: the baseline every dial is measured against."""

from __future__ import annotations

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint


@strategy(dial="parallel", unit="samples", levels=(1,), source="greedy decoding")
async def single(question: Question, ask: Ask) -> Turns:
    """Ask once, greedily, and take the answer.

    Spends one call. The line to beat: a vote over samples of a small model often climbs to it and no further. Loses
    wherever more compute of any kind helps.
    """
    yield Checkpoint(0)
    reply = await ask(question.answer, role="solve", level=1)
    yield Checkpoint(1, reply.answer, final=True)
