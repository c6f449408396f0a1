"""Acting with a thought before every action."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import with_notes
from fourdials.records import Checkpoint, Message, Prompt
from fourdials.strategies.interaction._choosing import action_of

THINK = "First think, without naming an action yet: what is known, what is missing, and where could it be?"
ACT = "Now name one of the actions, in the form asked for and with nothing else."
THOUGHT = "Thought:"


@strategy(
    dial="interaction",
    unit="environment steps",
    levels=(1, 2, 3, 4, 5, 6),
    source="budget forcing per step as a baseline: Shen et al. 2025, arXiv 2506.07976",
    access="environment",
    prompts={"think (chat)": THINK, "act (chat)": ACT, "thought (completion)": THOUGHT},
)
async def act_think_longer(
    question: Question,
    ask: Ask,
    *,
    tokens: Annotated[int, Field(ge=8, le=32_000, description="Longest thought before each action, in tokens")] = 128,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Think for a set number of tokens at every step, then act.

    Spends a thought, one more call that reads it, and one environment step per level. Wins where the next action
    follows from what is already seen; loses to `act`, which takes more steps for the same tokens, where the
    information is not there yet and no thought can find it.
    """
    yield Checkpoint(0)
    seen, level = await ask.look(), 0
    while not seen.done and seen.prompt is not None:
        level += 1
        thought = await ask(_think(seen.prompt, tokens), role="plan", level=level, temperature=temperature)
        prompt = _then_act(seen.prompt, thought.text)
        reply = await ask(prompt, role="act", level=level, temperature=temperature)
        seen = await ask.step(action_of(reply), level=level)
        yield Checkpoint(level, seen.answer, final=seen.done)


def _think(prompt: Prompt, tokens: int) -> Prompt:
    free = replace(prompt, choices=(), reads="nothing", mark="", max_tokens=tokens, key="free")
    if prompt.messages:
        return with_notes(free, THINK)
    above, break_line, _ = prompt.text.rpartition("\n")
    return replace(free, text=f"{above}{break_line}{THOUGHT}")


def _then_act(prompt: Prompt, thought: str) -> Prompt:
    if prompt.messages:
        asked = with_notes(prompt, THINK).messages
        return replace(prompt, messages=(*asked, Message("assistant", thought or "…"), Message("user", ACT)))
    return with_notes(prompt, f"{THOUGHT} {thought.strip()}")
