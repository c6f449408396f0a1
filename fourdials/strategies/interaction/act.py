"""Acting in an environment, one more step per level."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint


@strategy(
    dial="interaction",
    unit="environment steps",
    levels=(1, 2, 3, 4, 5, 6),
    source="ReAct: Yao et al. 2022, arXiv 2210.03629; steps as an axis: Shen et al. 2025, arXiv 2506.07976",
    access="environment",
)
async def act(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of each action")] = 0.0,
) -> Turns:
    """Choose an action, see what happens, choose again; the history stays in view.

    Spends one call and one environment step per level. Stopped early it answers with what the environment holds as the
    answer of someone standing there. An action that is not open costs its step and changes nothing. Wins where most of
    the information is hidden until one goes and looks; loses to a single call where everything is in the prompt.
    """
    yield Checkpoint(0)
    seen, level = await ask.look(), 0
    while not seen.done and seen.prompt is not None:
        level += 1
        reply = await ask(seen.prompt, role="act", level=level, temperature=temperature)
        seen = await ask.step(reply.answer if reply.answer is not None else reply.text.strip(), level=level)
        yield Checkpoint(level, seen.answer, final=seen.done)
