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
GO_ON_TURN = "Think on from where you stopped, and end in the form asked for."
WORDS = ("Alternatively", "alternatively")
# Most providers take four stop strings, and a completion prompt has one of its own.
STOPS = ("Alternatively", "alternatively", "another approach")
AT_STOP = "(stopped)"  # the words that end a piece are not part of it, and providers do not tell which they were
SWITCH = re.compile(r"\b(alternatively|another (?:approach|way|method)|on second thou?ght|let me try)\b", re.IGNORECASE)


@strategy(
    dial="sequential",
    unit="continuations",
    levels=(1, 2, 3, 4),
    source="Wang et al. 2025, arXiv 2501.18585",
    needs=("think",),
    prompts={
        "instruction": STAY,
        "go on": RESUME,
        "go on (by a turn)": RESUME_TURN,
        "go on (bias, by a turn)": GO_ON_TURN,
        "forced answer (chat)": FORCE,
    },
    abilities=lambda knobs: {"stop": ("stop",), "bias": ("logit_bias",)}.get(knobs["intervention"], ()),
)
async def stay_on_thought(
    question: Question,
    ask: Ask,
    *,
    intervention: Annotated[
        Literal["watch", "instruct", "stop", "bias"],
        Field(
            description="Only mark switches, ask for one approach beforehand, stop at a switch and go on, or make the "
            "words that announce one less likely"
        ),
    ] = "stop",
    words: Annotated[
        tuple[str, ...], Field(min_length=1, max_length=20, description="Words made less likely, with bias")
    ] = WORDS,
    penalty: Annotated[float, Field(gt=0, le=20, description="α: how far their logits are lowered, with bias")] = 3.0,
    penalised: Annotated[
        int, Field(ge=1, le=32_000, description="β: tokens of the thought this holds for, with bias")
    ] = 600,
    tokens: Annotated[int, Field(ge=8, le=32_000, description="Longest thought in all, in tokens")] = 1024,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of the thought")] = 0.0,
) -> Turns:
    """Mark where a thought switches to another approach, and talk it out of switching.

    Level 1 spends one thought; with `stop` it ends at the first words that announce a switch, and each further level
    takes it up again, told to stay. With `bias` level 1 spends the first β tokens, during which the words that announce
    a switch are less likely by α, and level 2 the rest, without (α = 3 and β = 600 as in the source, where β begins new
    at each switch). A piece without an answer spends one forced answer (a probe). The trace marks every switch, so
    that arms that watch, instruct, stop and bias can be compared; with `stop` a chat model's piece that ends without an
    answer counts as one, while in a completion, where the end of its line may have ended it, only the words seen do.
    Wins where a model gives up good ideas too early; loses where its first idea is a bad one. It sees only visible
    thoughts, not those a provider hides.
    """
    assert question.think is not None
    yield Checkpoint(0)
    stopping, biasing, prefill = intervention == "stop", intervention == "bias", ask.able("prefill")
    by_turn = question.format == "chat" and not prefill
    start = _instructed(question.think) if intervention == "instruct" else question.think
    start = replace(start, stop=(*start.stop, *STOPS)) if stopping else start
    thought, level, left, final = "", 0, tokens, False
    prompt = replace(start, discouraged=tuple(words), bias=penalty) if biasing else start
    while not final:
        level += 1
        room = min(left, penalised) if biasing and level == 1 else left
        reply = await ask(replace(prompt, max_tokens=room), role="solve", level=level, temperature=temperature)
        windowed = reply.finish_reason == "length" and room < left  # the penalty ends here, the thought goes on
        left -= reply.completion_tokens if reply.completion_tokens is not None else len(reply.text) // 4
        kept = before_mark(reply.text, question.answer_mark)
        thought = f"{thought} {(reply.text if kept is None else kept).strip()}".strip()
        ended = concluded(question, reply) or (reply.finish_reason == "length" and not windowed)
        final = ended or left <= 0 or not (stopping or windowed)
        said = SWITCH.findall(reply.text)
        if stopping and not ended and not question.think.stop:  # else its own stop may have ended it
            said.append(AT_STOP)
        ask.note("switches", level=level, said=said, stopped=not final)
        yield Checkpoint(level, await answer_of(question, ask, thought, reply, level), final=final)
        nudge = (RESUME_TURN if by_turn else RESUME) if stopping else (GO_ON_TURN if by_turn else "")
        prompt = go_on(start, thought, nudge, prefill=prefill)
        thought = thought if by_turn else f"{thought} {nudge}".strip()


def _instructed(prompt: Prompt) -> Prompt:
    """The prompt with the instruction to stay; before everything else where there are no turns."""
    if not prompt.messages:
        return replace(prompt, text=f"{STAY}\n\n{prompt.text}")
    *turns, last = prompt.messages
    return replace(prompt, messages=(*turns, Message(last.role, f"{last.content}\n{STAY}")))
