"""A thought that is kept from jumping between approaches."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import before_mark, go_on
from fourdials.records import Checkpoint, Message, Prompt
from fourdials.strategies.sequential._thinking import FORCE, answer_of, concluded

STAY = "Stay with one approach and carry it through to the end; do not switch to another one half-way."
RESUME = "Staying with this approach,"
RESUME_TURN = "Do not switch: stay with this approach, think on from where you stopped, and end in the form asked for."
# Most providers take four stop strings, and a completion prompt has one of its own.
STOPS = ("Alternatively", "alternatively", "another approach")
SWITCH = re.compile(r"\b(alternatively|another (?:approach|way|method)|on second thou?ght|let me try)\b", re.IGNORECASE)


@strategy(
    dial="sequential",
    unit="continuations",
    levels=(1, 2, 3, 4),
    source="Wang et al. 2025, arXiv 2501.18585",
    needs=("think",),
    prompts={"instruction": STAY, "go on": RESUME, "go on (by a turn)": RESUME_TURN, "forced answer (chat)": FORCE},
    abilities=lambda knobs: ("stop",) if knobs["intervention"] == "stop" else (),
)
async def stay_on_thought(
    question: Question,
    ask: Ask,
    *,
    intervention: Annotated[
        Literal["watch", "instruct", "stop"],
        Field(description="Only mark switches, ask for one approach beforehand, or stop at a switch and go on"),
    ] = "stop",
    tokens: Annotated[int, Field(ge=8, le=32_000, description="Longest thought in all, in tokens")] = 1024,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of the thought")] = 0.0,
) -> Turns:
    """Mark where a thought switches to another approach, and talk it out of switching.

    Level 1 spends one thought; with `stop` it ends at the first words that announce a switch, and each further level
    takes it up again, told to stay. A piece without an answer spends one forced answer (a probe). The trace marks every
    switch, so that arms that watch, instruct and stop can be compared. Wins where a model gives up good ideas too
    early; loses where its first idea is a bad one. It sees only visible thoughts, not those a provider hides.
    """
    assert question.think is not None
    yield Checkpoint(0)
    stopping, prefill = intervention == "stop", ask.able("prefill")
    by_turn = question.format == "chat" and not prefill
    start = _instructed(question.think) if intervention == "instruct" else question.think
    start = replace(start, stop=(*start.stop, *STOPS)) if stopping else start
    prompt, thought, level, left, final = start, "", 0, tokens, False
    while not final:
        level += 1
        reply = await ask(replace(prompt, max_tokens=left), role="solve", level=level, temperature=temperature)
        left -= reply.completion_tokens if reply.completion_tokens is not None else len(reply.text) // 4
        kept = before_mark(reply.text, question.answer_mark)
        thought = f"{thought} {(reply.text if kept is None else kept).strip()}".strip()
        ended = concluded(question, reply) or reply.finish_reason == "length"
        final = ended or not stopping or left <= 0
        ask.note("switches", level=level, said=SWITCH.findall(reply.text), stopped=not final)
        yield Checkpoint(level, await answer_of(question, ask, thought, reply, level), final=final)
        prompt = go_on(start, thought, RESUME_TURN if by_turn else RESUME, prefill=prefill)
        thought = thought if by_turn else f"{thought} {RESUME}"


def _instructed(prompt: Prompt) -> Prompt:
    """The prompt with the instruction to stay; before everything else where there are no turns."""
    if not prompt.messages:
        return replace(prompt, text=f"{STAY}\n\n{prompt.text}")
    *turns, last = prompt.messages
    return replace(prompt, messages=(*turns, Message(last.role, f"{last.content}\n{STAY}")))
