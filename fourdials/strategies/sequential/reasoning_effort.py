"""A reasoning model's own dial: how long the provider lets it think before it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.errors import InputError
from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint

WORDS = ("low", "medium", "high")


@strategy(
    dial="sequential",
    unit="effort settings",
    levels=(1, 2, 3),
    source="providers' reasoning settings; o1: OpenAI 2024, https://openai.com/index/learning-to-reason-with-llms/",
    nested=False,
    scaling="internal",
    abilities=lambda knobs: ("effort",),
)
async def reasoning_effort(
    question: Question,
    ask: Ask,
    *,
    thinking_tokens: Annotated[
        int, Field(ge=0, le=64_000, description="Thinking tokens per level; 0 sends the words low, medium, high")
    ] = 0,
    room: Annotated[int, Field(ge=256, le=128_000, description="Longest reply, hidden thought included")] = 16_000,
    temperature: Annotated[float, Field(ge=0, le=2, description="Most reasoning models accept only 1")] = 1.0,
) -> Turns:
    """Ask once, with the provider's reasoning set to low, medium or high.

    Spends one call, whose hidden thought is charged as completion tokens; each level is a run of its own. Wins where
    the model was trained to think; loses on what it knows at first sight, where the thought costs and changes nothing.
    Only for models that are known to have such a setting, by words or by a number of thinking tokens.
    """
    yield Checkpoint(0)
    level = ask.levels[-1]
    if not thinking_tokens and level > len(WORDS):
        raise InputError(
            f"level {level} has no word; levels are 1 (low) to {len(WORDS)} (high), or set thinking_tokens"
        )
    effort = str(thinking_tokens * level) if thinking_tokens else WORDS[level - 1]
    longest = room + thinking_tokens * level
    prompt = replace(question.answer, effort=effort, max_tokens=longest)
    reply = await ask(prompt, role="solve", level=level, temperature=temperature)
    yield Checkpoint(level, reply.answer, final=True)
