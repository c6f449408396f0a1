"""A planner that never sees a passage, searchers that return evidence only, and a synthesiser that concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import request, with_notes
from fourdials.records import Checkpoint, Prompt, Reply
from fourdials.strategies.search._seeking import QUERY_COMPLETION, in_reading_order, informed, next_query, wanted

PLAN = (
    "{question}\n\nYou plan the search for the answer. Known so far:\n{evidence}\n\n"
    "Write the one thing to look up next, on one line and nothing else. If enough is known, write: done"
)
READ = (
    "Passages:\n{passages}\n\nWhat do they say about this: {wanted}\n"
    "Reply with one short sentence of evidence taken from them, or with: nothing"
)
READ_COMPLETION = "{passages}\n{wanted}?"
EVIDENCE = "Evidence found:\n{evidence}"
NONE_YET = "(nothing)"


@strategy(
    dial="search",
    unit="searches",
    levels=(1, 2, 3, 4),
    source="planner apart from synthesis: HierSearch 2025, arXiv 2508.08088",
    access="search",
    memory=True,
    parts=("solver", "planner", "searcher"),
    prompts={
        "plan (chat)": PLAN,
        "plan (completion)": QUERY_COMPLETION,
        "read (chat)": READ,
        "read (completion)": READ_COMPLETION,
        "evidence": EVIDENCE,
    },
)
async def plan_and_retrieve(
    question: Question,
    ask: Ask,
    *,
    passages: Annotated[int, Field(ge=1, le=20, description="Passages returned by each search")] = 2,
    plan_tokens: Annotated[int, Field(ge=4, le=512, description="Longest entry of the plan, in tokens")] = 32,
    evidence_tokens: Annotated[int, Field(ge=4, le=1024, description="Longest piece of evidence, in tokens")] = 48,
    answer_tokens: Annotated[
        int,
        Field(ge=0, le=1024, description="Longest answer of the synthesiser, in tokens; 0: as long as the task allows"),
    ] = 0,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Plan one look-up at a time from the evidence so far, let a searcher read, and answer from evidence alone.

    Spends one search and two calls per level (planner and searcher), and one answer at each level as a probe. The
    planner decides when enough is known, and only short evidence, no passage, stays in the contexts. Wins over one
    agent in one context the more hops a question has; loses on short ones, where the extra calls buy nothing, and
    where a searcher drops what would have mattered later.
    """
    yield Checkpoint(0)
    evidence: list[str] = []
    asked: list[str] = []
    level, finished = 0, False
    while not finished:
        level += 1
        plan = _plan(question, evidence, asked, plan_tokens)
        entry = await ask(plan, role="plan", level=level, part="planner", temperature=temperature)
        words = wanted(entry)
        finished = words is None
        if words:
            asked.append(words)
            found = await ask.search(words, level=level, k=passages)
            read = _read(question, found, words, evidence_tokens)
            reply = await ask(read, role="query", level=level, part="searcher", temperature=temperature)
            said = _said(question, words, reply)
            evidence += [said] if said and said.casefold().strip(".") != "nothing" and said not in evidence else []
            ask.note("memory", level=level, texts=evidence)
        written = _from_evidence(question, evidence, answer_tokens)
        answer = await ask(written, role="synthesise", level=level, probe=True, temperature=temperature)
        yield Checkpoint(level, answer.answer, final=finished)


def _plan(question: Question, evidence: Sequence[str], asked: Sequence[str], max_tokens: int) -> Prompt:
    if question.format == "completion":
        return next_query(question, evidence, asked, max_tokens)
    return request("chat", PLAN, "", max_tokens=max_tokens, question=question.text, evidence=_listed(evidence))


def _read(question: Question, passages: Sequence[str], words: str, max_tokens: int) -> Prompt:
    if question.format == "completion" and question.lookup is not None:
        return question.lookup.read(passages, words)
    filled = {"passages": "\n".join(in_reading_order(question, passages)), "wanted": words.rstrip("?")}
    return request(question.format, READ, READ_COMPLETION, max_tokens=max_tokens, **filled)


def _said(question: Question, words: str, reply: Reply) -> str:
    """The evidence a searcher hands back; empty if it could read none."""
    if question.format == "completion" and question.lookup is not None:
        return "" if reply.answer is None else question.lookup.evidence(words, reply.answer)
    return " ".join(reply.text.split())


def _from_evidence(question: Question, evidence: Sequence[str], max_tokens: int) -> Prompt:
    if question.format == "completion":
        prompt = informed(question, evidence).answer
    else:
        prompt = with_notes(question.answer, EVIDENCE.replace("{evidence}", _listed(evidence)))
    return replace(prompt, max_tokens=min(prompt.max_tokens, max_tokens)) if max_tokens else prompt


def _listed(evidence: Sequence[str]) -> str:
    return "\n".join(f"- {entry}" for entry in evidence) or NONE_YET
