"""One model reads and thinks, another one answers, and between them passes a text of limited length."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import follow_up, sentences, with_notes
from fourdials.records import Checkpoint

SHORTEN = "Pass on what matters of this to whoever answers the question, in at most {tokens} tokens."
STRUCTURE = (
    "Pass on what matters of this to whoever answers the question, in at most {tokens} tokens and in this form: "
    "facts: …; steps: …; result: …; doubts: …"
)
SHORTEN_COMPLETION = "In short:"
STRUCTURE_COMPLETION = "Facts:"
RECEIVED = "Note from a colleague who looked at this:\n{note}"


@strategy(
    dial="hybrid",
    unit="tokens handed over",
    levels=(16, 32, 64, 128),
    source="hand-offs in text, against latent ones: LatentMAS 2025, arXiv 2511.20639",
    nested=False,
    memory=True,
    needs=("think",),
    parts=("solver", "reader"),
    prompts={
        "shorten (chat)": SHORTEN,
        "shorten (completion)": SHORTEN_COMPLETION,
        "structure (chat)": STRUCTURE,
        "structure (completion)": STRUCTURE_COMPLETION,
        "received": RECEIVED,
    },
)
async def handoff(
    question: Question,
    ask: Ask,
    *,
    form: Annotated[
        Literal["full", "short", "structured", "none"],
        Field(
            description="The whole thought (cut at the level), a note of at most so many tokens, one in a form, or none"
        ),
    ] = "short",
    thought_tokens: Annotated[int, Field(ge=16, le=32_000, description="Longest thought behind a note")] = 512,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Let the `reader` think, hand over at most `level` tokens of it, and let the `solver` answer.

    Spends a thought, a call that shortens it unless it is handed over in full, and the answer; each level is a run of
    its own. With `none` only the answer is spent, the line the others must beat. Wins where little of a long thought
    matters; loses where the note leaves out what the answer needs, or where one model could have done both.
    """
    assert question.think is not None
    yield Checkpoint(0)
    level, prompt = ask.levels[-1], question.answer
    if form != "none":
        longest = level if form == "full" else thought_tokens
        think = replace(question.think, max_tokens=longest, reads="nothing")
        reply = await ask(think, role="solve", level=level, part="reader", temperature=temperature)
        if form != "full":
            chat = STRUCTURE if form == "structured" else SHORTEN
            completion = STRUCTURE_COMPLETION if form == "structured" else SHORTEN_COMPLETION
            asked = (chat if question.format == "chat" else completion).replace("{tokens}", str(level))
            shorten = follow_up(think, reply.text, asked, max_tokens=level)
            reply = await ask(shorten, role="synthesise", level=level, part="reader", temperature=temperature)
        ask.note("handoff", level=level, tokens=reply.completion_tokens, form=form)
        note = " ".join(reply.text.split())
        ask.note("memory", level=level, texts=sentences(note))
        prompt = with_notes(question.answer, RECEIVED.replace("{note}", note))
    answer = await ask(prompt, role="synthesise", level=level, temperature=temperature)
    yield Checkpoint(level, answer.answer, final=True)
