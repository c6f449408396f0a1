"""Reads the answer off a thought, or forces one out of it, for the strategies of this folder."""

from __future__ import annotations

from fourdials.plugins import Ask, Question
from fourdials.prompting import before_mark, force
from fourdials.records import Reply

FORCE = "Time is up: stop thinking and give your answer now, in the form asked for and with nothing else."


def concluded(question: Question, reply: Reply) -> bool:
    """True if a thought ended by itself with a marked answer."""
    return reply.finish_reason != "length" and before_mark(reply.text, question.answer_mark) is not None


async def answer_of(question: Question, ask: Ask, thought: str, reply: Reply, level: int) -> str | None:
    """The answer the last piece of a thought ends with; where it has none, one that is forced out of the whole thought.

    The forced call is a probe of this level."""
    if concluded(question, reply) and reply.answer is not None:
        return reply.answer
    prompt = force(question, thought, FORCE)
    return (await ask(prompt, role="solve", level=level, probe=True, after=[reply])).answer
