"""A thought that is not allowed to end: each time it does, it is told to wait and look again."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import before_mark, go_on
from fourdials.records import Checkpoint
from fourdials.strategies.sequential._thinking import FORCE, answer_of

WAIT = "Wait,"
WAIT_TURN = "Wait. Check that once more, think on from where you stopped, and end in the same form as before."
GO_ON_TURN = "Think on from where you stopped, and end in the form asked for."


@strategy(
    dial="sequential",
    unit="continuations",
    levels=(1, 2, 3, 4),
    source="s1: Muennighoff et al. 2025, arXiv 2501.19393",
    needs=("think",),
    prompts={
        "go on": WAIT,
        "go on (by a turn)": WAIT_TURN,
        "after a cut (by a turn)": GO_ON_TURN,
        "forced answer (chat)": FORCE,
    },
)
async def budget_forcing(
    question: Question,
    ask: Ask,
    *,
    tokens: Annotated[int, Field(ge=8, le=32_000, description="Longest piece of thought per level, in tokens")] = 512,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of the thought")] = 0.0,
) -> Turns:
    """Think; when the model would stop, take its answer away, write "Wait," and let it think on.

    Level 1 is the thought itself; each further level spends one continuation, which reads all of the thought again, and
    where a piece ends without an answer one forced answer (a probe). Completion models go on in the same text; chat
    models in their own reply where that is known to work, else after a turn, and the trace says which. A piece that was
    cut by its limit did not want to end: it just goes on, after a turn that says no more than that. Wins where a
    second look finds slips; loses where the first answer was right and the model talks itself out of it.
    """
    assert question.think is not None
    yield Checkpoint(0)
    prefill, thought, level = ask.able("prefill"), "", 0
    by_turn = question.format == "chat" and not prefill
    way = "turn" if by_turn else "prefill" if question.format == "chat" else "text"
    prompt = question.think
    while True:
        level += 1
        piece = replace(prompt, max_tokens=tokens)
        reply = await ask(piece, role="revise" if thought else "solve", level=level, temperature=temperature)
        kept = before_mark(reply.text, question.answer_mark)
        thought = f"{thought} {(reply.text if kept is None else kept).strip()}".strip()
        yield Checkpoint(level, await answer_of(question, ask, thought, reply, level))
        cut = reply.finish_reason == "length"
        ask.note("continued", level=level + 1, by=way, after="cut" if cut else "end")
        nudge = (GO_ON_TURN if cut else WAIT_TURN) if by_turn else "" if cut else WAIT
        prompt = go_on(question.think, thought, nudge, prefill=prefill)
        thought = thought if by_turn else f"{thought} {nudge}".strip()
