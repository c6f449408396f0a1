"""Agents that answer, read each other's answers, and answer again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import ask_again, with_notes
from fourdials.records import Checkpoint, Prompt, Reply
from fourdials.strategies._together import all_samples, together
from fourdials.strategies.parallel._voting import Votes

OTHERS = "Others answered the same question with: {answers}. Take that into account, or do not, and answer it again."
OTHERS_COMPLETION = "Others say: {answers}."
OWN_COMPLETION = "You said: {answer}. "


@strategy(
    dial="hybrid",
    unit="rounds",
    levels=(1, 2, 3),
    source="Du et al. 2023, arXiv 2305.14325",
    prompts={"others' answers (chat)": OTHERS, "others' answers (completion)": OWN_COMPLETION + OTHERS_COMPLETION},
)
async def debate(
    question: Question,
    ask: Ask,
    *,
    agents: Annotated[int, Field(ge=2, le=16, description="Agents that take part")] = 3,
    words: Annotated[
        int, Field(ge=0, le=4000, description="Words of each other reply shown to chat models; 0: answers only")
    ] = 60,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every call")] = 0.8,
) -> Turns:
    """Let some agents answer, show each what the others said, and vote after each round.

    Level 1 spends one sample per agent, each further level one call per agent that reads the replies before. Wins where
    a right argument convinces; loses to a plain vote of as many tokens where agents give in to a wrong majority.
    """
    yield Checkpoint(0)
    replies = await all_samples(ask, question.answer, agents, role="solve", level=1, temperature=temperature)
    answers, level = [reply.answer for reply in replies], 1
    while True:
        votes = Votes(question.ballot).plus(*answers)
        yield Checkpoint(level, votes.leader, detail={"votes": votes.counts})
        level += 1
        replies = await together(
            [
                ask.fork(f"round-{level}-agent-{agent}")(
                    _shown(question, replies, agent, words),
                    role="revise",
                    level=level,
                    temperature=temperature,
                    after=replies,
                )
                for agent in range(agents)
            ]
        )
        answers = [
            reply.answer if reply.answer is not None else old for reply, old in zip(replies, answers, strict=True)
        ]


def _shown(question: Question, replies: list[Reply], agent: int, words: int) -> Prompt:
    """The question, the agent's own reply, and what the others said."""
    others = [reply for number, reply in enumerate(replies) if number != agent]
    said = [" ".join(reply.text.split()[:words]) if words else reply.answer or "(nothing)" for reply in others]
    if question.format == "chat":
        heard = OTHERS.replace("{answers}", "; ".join(f"({n}) {text}" for n, text in enumerate(said, 1)))
        return ask_again(question, question.answer, replies[agent].text, heard)
    own = replies[agent].answer
    notes = "" if own is None else OWN_COMPLETION.replace("{answer}", own)
    heard = ", ".join(reply.answer for reply in others if reply.answer is not None)
    notes += OTHERS_COMPLETION.replace("{answers}", heard) if heard else ""
    return with_notes(question.answer, notes.strip()) if notes else question.answer
