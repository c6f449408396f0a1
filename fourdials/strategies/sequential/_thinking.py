"""Reads the answer off a thought, or forces one out of it, for the strategies of this folder."""

from __future__ import annotations

from dataclasses import replace

from fourdials.plugins import Ask, Question
from fourdials.prompting import before_mark, force
from fourdials.records import Reply, Role

FORCE = "Time is up: stop thinking and give your answer now, in the form asked for and with nothing else."


def concluded(question: Question, reply: Reply) -> bool:
    """True if a thought ended by itself with a marked answer."""
    return reply.finish_reason != "length" and before_mark(reply.text, question.answer_mark) is not None


async def answer_of(
    question: Question, ask: Ask, thought: str, reply: Reply, level: int, role: Role = "solve"
) -> str | None:
    """The answer the last piece of a thought ends with; where it has none, one that is forced out of the whole thought.

    The forced call is a probe of this level."""
    if concluded(question, reply) and reply.answer is not None:
        return reply.answer
    prompt = force(question, thought, FORCE)
    return (await ask(prompt, role=role, level=level, probe=True, after=[reply])).answer


async def probed(
    question: Question, ask: Ask, *, role: Role, level: int, thought_tokens: int, temperature: float
) -> str | None:
    """What is answered at once, or after a thought of at most so many tokens where that is above 0 and the task has a
    form for it. All of it is a probe of this level."""
    if thought_tokens == 0 or question.think is None:
        return (await ask(question.answer, role=role, level=level, probe=True, temperature=temperature)).answer
    think = replace(question.think, max_tokens=thought_tokens)
    reply = await ask(think, role=role, level=level, probe=True, temperature=temperature)
    return await answer_of(question, ask, reply.text, reply, level, role)
