"""Compute spent before the question is known: the context is rewritten once, for all questions that come."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import in_context, request, sentences
from fourdials.records import Checkpoint
from fourdials.strategies.sequential._thinking import FORCE, probed

REWRITE = (
    "{context}\n\nQuestions about this will be asked later; they are not known yet. Prepare for them: work out what "
    "follows from it and what is likely to be asked, and write that down as short statements of fact, nothing else."
)
GO_ON = "\n\nWorked out so far:\n{notes}\n\nWrite this out anew: correct what is wrong, and add what is missing."
# The names of the worked examples are in no task's world. Without examples a small model writes nothing at all.
REWRITE_COMPLETION = """\
Guy's boss is Pam. Pam's town is Lyon. Sue's friend is Rob.
From this follows:
Guy's boss's town is Lyon. Rob is a friend of Sue.

A mug costs 3 coins. Pat has 12 coins. Jude has 2 coins.
From this follows:
Pat can buy 4 mugs. Jude can buy no mug.

{context}
From this follows:
"""
GO_ON_COMPLETION = "{notes}\nAnd also:\n"


@strategy(
    dial="hybrid",
    unit="context rewrites",
    levels=(1, 2, 3),
    source="sleep-time compute: Lin et al. 2025, arXiv 2504.13171",
    needs=("context",),
    memory=True,
    parts=("solver", "sleeper"),
    prompts={
        "rewrite (chat)": REWRITE,
        "further rewrite (chat)": REWRITE + GO_ON,
        "rewrite (completion)": REWRITE_COMPLETION,
        "further rewrite (completion)": REWRITE_COMPLETION + GO_ON_COMPLETION,
        "forced answer (chat)": FORCE,
    },
)
async def sleep_time(
    question: Question,
    ask: Ask,
    *,
    questions: Annotated[
        int,
        Field(ge=0, le=10_000, description="Questions a rewrite is shared by; 0: as many as the task has per context"),
    ] = 0,
    keep: Annotated[bool, Field(description="Show the context itself above what was worked out from it")] = True,
    rewrite_tokens: Annotated[int, Field(ge=8, le=32_000, description="Longest rewrite, in tokens")] = 256,
    thought_tokens: Annotated[
        int, Field(ge=0, le=32_000, description="Longest thought once the question is known; 0: none")
    ] = 0,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Rewrite the context before the question is known, and answer the question from what was written.

    Each level spends one more rewrite by the `sleeper`, which reads the context and its last rewrite but never the
    question; `questions` questions share it, so each is charged that part of it, and no answer waits for it. The
    answer at each level is a probe, after a thought if `thought_tokens` allows one. Applies to tasks that offer their
    context apart; only where several questions really share one (`wikiworld` with twins, `long_context`) is a share
    below the whole one that could be deployed. Wins where what will be asked can be foreseen and thinking at the time
    is dear; loses where it cannot, on contexts with a single question, and where a rewrite gets the context wrong.
    """
    yield Checkpoint(0)
    shared = questions or question.sharing
    notes, level = "", 0
    while True:
        level += 1
        chat, completion = (REWRITE + GO_ON, REWRITE_COMPLETION + GO_ON_COMPLETION) if notes else _FIRST
        filled = {"notes": notes, "context": question.context}
        rewrite = request(question.format, chat, completion, max_tokens=rewrite_tokens, **filled)
        reply = await ask(rewrite, role="revise", level=level, part="sleeper", temperature=temperature, shared=shared)
        said = reply.text.strip()
        adds = notes and said and question.format == "completion"  # where a chat model writes all of it anew
        notes = f"{notes} {said}" if adds else said or notes
        ask.note("memory", level=level, texts=sentences(notes))
        prepared = _prepared(question, notes, keep)
        answer = await probed(
            prepared, ask, role="solve", level=level, thought_tokens=thought_tokens, temperature=temperature
        )
        yield Checkpoint(level, answer)


_FIRST = (REWRITE, REWRITE_COMPLETION)


def _prepared(question: Question, notes: str, keep: bool) -> Question:
    """The question asked about what was worked out, below the context itself or, if there is anything, in its place."""
    between = "\n" if question.format == "chat" else " "
    text = between.join(part for part in (question.context if keep or not notes else "", notes) if part)
    think = question.think and in_context(question, question.think, text)
    return replace(question, answer=in_context(question, question.answer, text), think=think, context=text)
