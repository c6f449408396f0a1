"""Several thoughts of a set length side by side, and the answer most of them come to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import before_mark, force
from fourdials.records import Checkpoint, Reply
from fourdials.strategies.parallel._voting import Votes

FORCE = "Time is up: stop thinking and give your answer now, in the form asked for and with nothing else."


@strategy(
    dial="parallel",
    unit="thoughts",
    levels=(1, 2, 4, 8),
    source="self-consistency: Wang et al. 2022, arXiv 2203.11171; against one long thought: Mirtaheri et al. 2025, "
    "arXiv 2505.21825",
    needs=("think",),
    prompts={"forced answer (chat)": FORCE},
)
async def thought_vote(
    question: Question,
    ask: Ask,
    *,
    tokens: Annotated[int, Field(ge=1, le=32_000, description="Longest thought, in tokens")] = 128,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of the thoughts")] = 0.8,
) -> Turns:
    """Let the model think aloud several times, cut each thought at `tokens`, and take the most frequent answer.

    Spends one thought per level, and a call more where a thought was cut or came to no answer, to force one out of it.
    Thoughts run side by side, twice as many in each round. With levels × tokens held fixed it is the short chains that
    one long chain is compared with. Wins where errors are independent; loses where an answer takes more thought than
    one of them has.
    """
    assert question.think is not None
    think = replace(question.think, max_tokens=tokens)
    granted = yield Checkpoint(0)
    votes, taken = Votes(question.ballot), 0
    while True:
        # At most as many as there are votes: were all thoughts bought first, a cap could leave none to force answers.
        levels = range(taken + 1, min(granted, max(1, 2 * taken)) + 1)
        thoughts = await ask.samples(think, role="solve", levels=levels, temperature=temperature)
        for answer in await _answers(question, ask, levels, thoughts):
            if isinstance(answer, BaseException):
                raise answer
            taken, votes = taken + 1, votes.plus(answer)
            granted = yield Checkpoint(taken, votes.leader, detail={"votes": votes.counts})


async def _answers(
    question: Question, ask: Ask, levels: Sequence[int], thoughts: Sequence[Reply]
) -> list[str | BaseException | None]:
    """What each thought comes to, forced where it does not come to an answer by itself, or what kept it from that."""
    open_ones = {
        level: thought
        for level, thought in zip(levels, thoughts, strict=False)  # fewer thoughts where the budget ends
        if thought.answer is None
        or thought.finish_reason == "length"
        or before_mark(thought.text, question.answer_mark) is None
    }
    forced = await asyncio.gather(
        *(
            ask(force(question, thought.text, FORCE), role="solve", level=level, after=[thought])
            for level, thought in open_ones.items()
        ),
        return_exceptions=True,  # votes before one that failed count, even where the budget ended at it
    )
    read = dict(zip(open_ones, forced, strict=True))
    found = [read.get(level, thought) for level, thought in zip(levels, thoughts, strict=False)]
    return [reply.answer if isinstance(reply, Reply) else reply for reply in found]
