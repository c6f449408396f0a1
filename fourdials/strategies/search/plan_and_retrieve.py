"""A planner that never sees a passage, searchers that return evidence only, and a synthesiser that concludes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import request, with_notes
from fourdials.records import Checkpoint

PLAN = (
    "{question}\n\nYou plan the search for the answer. Known so far:\n{evidence}\n\n"
    "Write the one thing to look up next, on one line and nothing else. If enough is known, write: done"
)
PLAN_COMPLETION = "{question}\nKnown so far:\n{evidence}\nTo look up next:"
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
        "plan (completion)": PLAN_COMPLETION,
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
    level, finished = 0, False
    while not finished:
        level += 1
        known = "\n".join(f"- {entry}" for entry in evidence) or NONE_YET
        plan = request(
            question.format, PLAN, PLAN_COMPLETION, max_tokens=plan_tokens, question=question.text, evidence=known
        )
        entry = await ask(plan, role="plan", level=level, part="planner", temperature=temperature)
        wanted = next((line.strip() for line in entry.text.splitlines() if line.strip()), "")
        finished = wanted.casefold().strip(".") == "done"
        if wanted and not finished:
            found = await ask.search(wanted, level=level, k=passages)
            read = request(
                question.format,
                READ,
                READ_COMPLETION,
                max_tokens=evidence_tokens,
                passages="\n".join(found),
                wanted=wanted.rstrip("?"),
            )
            reply = await ask(read, role="query", level=level, part="searcher", temperature=temperature)
            said = " ".join(reply.text.split())
            evidence += [said] if said and said.casefold().strip(".") != "nothing" and said not in evidence else []
            ask.note("memory", level=level, texts=evidence)
        prompt = with_notes(
            question.answer, EVIDENCE.replace("{evidence}", "\n".join(f"- {e}" for e in evidence) or NONE_YET)
        )
        answer = await ask(prompt, role="synthesise", level=level, probe=True, temperature=temperature)
        yield Checkpoint(level, answer.answer, final=finished)
