"""Scores candidate answers with a verifier, for the strategies of this folder that weigh or pick them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fourdials.plugins import Ask, Question
from fourdials.prompting import BEGUN, yes_or_no
from fourdials.records import Prompt, Reply

CHAT = (
    "Here is a question and a proposed answer.\n\n{question}\n\nProposed answer: {answer}\n\n"
    "Is the proposed answer right? Check it, then reply with one word: yes or no."
)
COMPLETION = "{question}\nProposed answer: {answer}\nIs it right? yes or no:"
PROMPTS = {"verify (chat)": CHAT, "verify (completion)": COMPLETION}
BEGUN_CHAT = (
    "Here is a question and the beginning of an attempt to work it out.\n\n{question}\n\nBeginning: {answer}\n\n"
    "Is all of it right so far, and on the way to the answer? Check it, then reply with one word: yes or no."
)
BEGUN_COMPLETION = "{question}\nBeginning of a solution: {answer}\nIs it right so far? yes or no:"
BEGINNINGS = {"verify a beginning (chat)": BEGUN_CHAT, "verify a beginning (completion)": BEGUN_COMPLETION}


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who judges: a model with so many opinions averaged, or a checker that knows the truth with this reliability."""

    opinions: int = 1
    reliability: float | None = None  # None: the verifier's model is asked

    async def score(self, question: Question, ask: Ask, reply: Reply, level: int) -> float:
        """Share of verdicts that say yes; 0 for a reply without an answer, which is not worth asking about."""
        ask.offer(reply.answer, level=level)
        if reply.answer is None:
            return 0.0
        if self.reliability is not None:
            said = [ask.check(reply.answer, level=level, reliability=self.reliability) for _ in range(self.opinions)]
            return sum(said) / self.opinions
        if question.check is not None:
            prompt = question.check(reply.text)
        else:
            prompt = yes_or_no(question, reply.answer, CHAT, COMPLETION)
        return await self._asked(prompt, ask, reply, level)

    async def promise(self, question: Question, ask: Ask, reply: Reply, level: int) -> float:
        """Share of verdicts that a thought which is still under way is right so far."""
        if self.reliability is not None:
            opinions = range(self.opinions)
            said = [ask.check(reply.text, level=level, reliability=self.reliability, begun=True) for _ in opinions]
            return sum(said) / self.opinions
        if question.check is not None:
            prompt = question.check(reply.text)
        else:
            prompt = yes_or_no(question, reply.text, BEGUN_CHAT, BEGUN_COMPLETION)
        return await self._asked(replace(prompt, key=f"{BEGUN}:{reply.text}"), ask, reply, level)

    async def _asked(self, prompt: Prompt, ask: Ask, reply: Reply, level: int) -> float:
        temperature = 0.0 if self.opinions == 1 else 1.0
        verdicts = [
            await ask(prompt, role="verify", level=level, part="verifier", temperature=temperature, after=[reply])
            for _ in range(self.opinions)
        ]
        return sum(verdict.answer == prompt.choices[0] for verdict in verdicts) / self.opinions


async def scored(
    question: Question, ask: Ask, replies: Sequence[Reply], levels: Sequence[int], verifier: Verifier
) -> list[float | BaseException]:
    """The score of each reply, judged side by side, or what kept it from being judged (the budget ended, say)."""
    branches = [ask.fork(f"verify-{level}") for level in levels]
    judged = await asyncio.gather(
        *(
            verifier.score(question, branch, reply, level)
            for branch, reply, level in zip(branches, replies, levels, strict=True)
        ),
        return_exceptions=True,  # candidates that were judged count, even where the budget ended at a later one
    )
    ask.join(*branches)
    return judged
