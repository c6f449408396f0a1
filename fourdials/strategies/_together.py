"""Calls that count only as a whole: so many samples of one level, or branches side by side. For every strategy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from fourdials.plugins import Ask
from fourdials.records import Prompt, Reply, Role

T = TypeVar("T")
ANSWER = "answer"  # the key of prompts that ask for the answer itself


async def all_samples(
    ask: Ask,
    prompt: Prompt,
    count: int,
    *,
    role: Role,
    level: int,
    temperature: float,
    part: str = "solver",
    after: Sequence[Reply] | None = (),
) -> list[Reply]:
    """All of `count` samples of one level; raises BudgetExhausted where the budget holds only some of them, which are
    offered for answers if the prompt asks for the answer itself."""
    replies: list[Reply] = []
    while len(replies) < count:
        levels = [level] * (count - len(replies))
        fresh = await ask.samples(prompt, role=role, levels=levels, temperature=temperature, part=part, after=after)
        for reply in fresh if prompt.key == ANSWER else ():
            ask.offer(reply.answer, level=level)
        replies += fresh
    return replies


async def together(calls: Sequence[Awaitable[T]]) -> list[T]:
    """The results of calls that run side by side, in their order; all have ended when one's error is raised."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    found: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found
