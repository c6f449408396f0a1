"""Acting, where a claimed finish is not taken at its word."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import with_notes
from fourdials.records import Checkpoint
from fourdials.strategies.interaction._choosing import action_of

CHECK = (
    "You are about to finish with: {action}. Check again first: is everything it rests on really seen, not assumed? "
    "Name the same action to finish, or another one to go and look."
)


@strategy(
    dial="interaction",
    unit="environment steps",
    levels=(1, 2, 3, 4, 5, 6),
    source="check-again prompts: Shen et al. 2025, arXiv 2506.07976",
    access="environment",
    prompts={"check again": CHECK},
)
async def check_again(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Act, but when the next action would end everything, ask once more before it is carried out.

    Spends one call and one environment step per level, and one call more at each level where a finish is claimed; the
    finish counts once it is claimed again. Wins where the model stops too early; loses where it was right and lets
    itself be led away. Without an environment that says which actions end it, this is `act`.
    """
    yield Checkpoint(0)
    seen, level = await ask.look(), 0
    while not seen.done and seen.prompt is not None:
        level += 1
        reply = await ask(seen.prompt, role="act", level=level, temperature=temperature)
        action = action_of(reply)
        if action in seen.closing:
            prompt = with_notes(seen.prompt, CHECK.replace("{action}", action))
            again = action_of(await ask(prompt, role="act", level=level, temperature=temperature))
            ask.note("challenge", level=level, claimed=action, then=again)
            action = again
        seen = await ask.step(action, level=level)
        yield Checkpoint(level, seen.answer, final=seen.done)
