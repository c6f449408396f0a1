"""One small step of the task per call, the harness carrying the state from one to the next."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint


@strategy(
    dial="sequential",
    unit="steps",
    levels=(1, 2, 3, 4),
    source="least-to-most: Zhou et al. 2022, arXiv 2205.10625",
    needs=("steps",),
)
async def stepwise(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of each step")] = 0.0,
) -> Turns:
    """Take the task's own steps one call at a time, each building on the result of the one before.

    Spends one call per level and finishes with the task's last step; stopped earlier, it answers with the result so
    far. A step without a readable answer ends the chain, since nothing can be built on it. Wins where results
    accumulate; errors compound, so it loses where a single step is often wrong.
    """
    assert question.steps is not None
    steps = question.steps
    yield Checkpoint(0)
    state, level = steps.first(), 0
    while not steps.done(state):
        level += 1
        reply = await ask(steps.prompt(state), role="step", level=level, temperature=temperature)
        if reply.answer is None:
            yield Checkpoint(level, None, final=True)
            return
        state = steps.advance(state, reply.answer)
        yield Checkpoint(level, steps.answer(state), final=steps.done(state))
