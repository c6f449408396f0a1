"""Independent samples, each judged by a verifier call, and the one it likes best."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import yes_or_no
from fourdials.records import Checkpoint, Reply

CHAT = (
    "Here is a question and a proposed answer.\n\n{question}\n\nProposed answer: {answer}\n\n"
    "Is the proposed answer right? Check it, then reply with one word: yes or no."
)
COMPLETION = "{question}\nProposed answer: {answer}\nIs it right? yes or no:"


@strategy(
    dial="parallel",
    unit="samples",
    levels=(1, 2, 4, 8),
    source="Cobbe et al. 2021, arXiv 2110.14168",
    parts=("solver", "verifier"),
    prompts={"verify (chat)": CHAT, "verify (completion)": COMPLETION},
)
async def best_of_n(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of the candidates")] = 0.8,
    opinions: Annotated[int, Field(ge=1, le=9, description="Verifier calls per candidate, averaged")] = 1,
) -> Turns:
    """Sample candidates, ask a verifier about each, keep the one judged right most often.

    Spends one sample and `opinions` verifier calls per level. Equally scored answers are settled by their votes, then
    by the earlier one. Wins where checking is easier than solving; loses to a plain vote where the verifier is no
    better than chance, and every candidate then costs twice.
    """
    granted = yield Checkpoint(0)
    answers: list[str | None] = []
    scores: list[float] = []
    while True:
        # No further than the next level asked for, so that a budget that ends leaves candidates that were judged.
        end = next((level for level in ask.levels if len(answers) < level <= granted), granted)
        levels = range(len(answers) + 1, end + 1)
        replies = await ask.samples(question.answer, role="solve", levels=levels, temperature=temperature)
        levels = levels[: len(replies)]  # fewer where the budget ended
        branches = [ask.fork(f"verify-{level}") for level in levels]
        judged = await asyncio.gather(
            *(
                _judge(question, branch, reply, level, opinions)
                for branch, reply, level in zip(branches, replies, levels, strict=True)
            ),
            return_exceptions=True,  # candidates that were judged count, even where the budget ended at a later one
        )
        ask.join(*branches)
        for reply, score in zip(replies, judged, strict=True):
            if isinstance(score, BaseException):
                raise score
            answers.append(reply.answer)
            scores.append(score)
            detail = {"answer": reply.answer, "verifier": score}
            granted = yield Checkpoint(len(answers), best(answers, scores), detail=detail)


async def _judge(question: Question, ask: Ask, reply: Reply, level: int, opinions: int) -> float:
    """Share of verifier calls that say yes; 0 for a reply without an answer, which is not worth a call."""
    if reply.answer is None:
        return 0.0
    prompt = yes_or_no(question, reply.answer, CHAT, COMPLETION)
    temperature = 0.0 if opinions == 1 else 1.0
    verdicts = [
        await ask(prompt, role="verify", level=level, part="verifier", temperature=temperature, after=[reply])
        for _ in range(opinions)
    ]
    return sum(verdict.answer == "yes" for verdict in verdicts) / opinions


def best(answers: list[str | None], scores: list[float]) -> str | None:
    """The answer with the highest score; ties go to the more frequent answer, then to the earlier one."""
    ranked = [(score, answers.count(answer), -i) for i, (answer, score) in enumerate(zip(answers, scores, strict=True))]
    candidates = [rank for rank, answer in zip(ranked, answers, strict=True) if answer is not None]
    return answers[-max(candidates)[2]] if candidates else None
