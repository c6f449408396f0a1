"""One minimal step per call, and a vote at every step: errors are stopped where they arise."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.errors import InputError
from fourdials.plugins import Ask, ManySteps, Question, Turns, strategy
from fourdials.records import Checkpoint, Prompt
from fourdials.strategies.parallel._voting import Votes, red_flag


@strategy(
    dial="hybrid",
    unit="votes ahead per step",
    levels=(1, 2, 3),
    source="MAKER: Meyerson et al. 2025, arXiv 2511.09030",
    nested=False,
    needs=("steps",),
    wants=lambda knobs: ("many",) if knobs["steps_per_call"] > 1 else (),
)
async def decompose_and_vote(
    question: Question,
    ask: Ask,
    *,
    steps_per_call: Annotated[
        int, Field(ge=1, le=64, description="m: steps asked for in one call, decided by one vote")
    ] = 1,
    most: Annotated[int, Field(ge=1, le=500, description="Calls at one step, after which the leader is taken")] = 20,
    red_flags: Annotated[bool, Field(description="Discard ill-formed, cut-off and over-long replies")] = True,
    longest: Annotated[int, Field(ge=0, le=100_000, description="Tokens above which a reply is over-long; 0: any")] = 0,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every vote")] = 0.8,
) -> Turns:
    """Take the task's own steps one by one, each decided by the first answer that is `level` votes ahead.

    Spends at least `level` calls per step, or per m steps where so many go into one call (tasks that offer `many`; such
    a reply is voted on as a whole, by its text but for spaces and a full stop). Each level is a run of its own, since
    another lead may take another step. A step at which nobody leads by so much after `most` calls goes to the leader of
    then, on a tie to the answer seen first: that vote is cut short, and the formula does not hold for it. If a vote is
    right with probability p, all s steps are right with (1 + ((1 − p)/p)^k)^−(s/m); p falls as m grows. Wins on long
    chains whose steps are mostly right; loses where p is below one half, or where errors are shared, which no vote can
    mend.
    """
    assert question.steps is not None
    yield Checkpoint(0)
    steps, level, m = question.steps, ask.levels[-1], steps_per_call
    many = steps if m > 1 and isinstance(steps, ManySteps) else None
    if m > 1 and many is None:
        raise InputError(f"{question.task} takes one step per call; set steps_per_call to 1 instead of {m}")
    state, number = steps.first(), 0
    while not steps.done(state):
        number += 1
        prompt = steps.prompt(state) if many is None else many.prompt_many(state, m)
        votes, taken = Votes(str if prompt.choices else _spaced_alike), 0
        leader, lead = None, 0
        while lead < level and taken < most:
            wanted = min(level - lead, most - taken)
            cast = await _votes(ask, prompt, level, wanted, longest if red_flags else None, temperature)
            votes = votes.plus(*cast)
            taken += len(cast)
            leader, first, second = votes.ranked()
            lead = first - second
        ask.note("vote", level=level, step=number, votes=votes.counts, discarded=taken - sum(votes.counts.values()))
        if leader is None:
            yield Checkpoint(level, None, final=True)
            return
        state = steps.advance(state, leader) if many is None else many.advance_many(state, leader, m)
    yield Checkpoint(level, steps.answer(state), final=True)


async def _votes(
    ask: Ask, prompt: Prompt, level: int, count: int, longest: int | None, temperature: float
) -> list[str | None]:
    """Answers of so many samples; None for one that is discarded. Without a `longest` nothing is red-flagged."""
    replies = await ask.samples(prompt, role="step", levels=[level] * count, temperature=temperature, after=None)
    flags = [None if longest is None else red_flag(reply, longest) for reply in replies]
    return [reply.answer if flag is None else None for reply, flag in zip(replies, flags, strict=True)]


def _spaced_alike(step: str) -> str:
    """A step's text without what cannot matter; its case may, and what a task makes of a step only it knows."""
    return " ".join(step.split()).rstrip(".").rstrip()
