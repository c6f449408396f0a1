"""A lead that splits the work, workers that do the parts side by side, and the lead again to put them together."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import request, with_notes
from fourdials.records import Checkpoint
from fourdials.strategies._together import together

PLAN = (
    "{question}\n\nYou lead a team of {workers}. Split the work on this question into at most {workers} parts that can "
    "be done side by side. Write one part per line, as an instruction that stands by itself, and nothing else."
)
PLAN_COMPLETION = "{question}\nParts of this question that can be answered one by one:\n1."
WORK = "{question}\n\nYour part of the work: {part}\nReport what you find in a few sentences."
WORK_COMPLETION = "{question}\nPart: {part}\nFinding:"
FINDINGS = "Findings of those who worked on parts of this:\n{findings}"
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])?\s*")


@strategy(
    dial="hybrid",
    unit="workers",
    levels=(1, 2, 4),
    source="Anthropic 2025, https://www.anthropic.com/engineering/multi-agent-research-system",
    nested=False,
    parts=("solver", "worker"),
    prompts={
        "plan (chat)": PLAN,
        "plan (completion)": PLAN_COMPLETION,
        "work (chat)": WORK,
        "work (completion)": WORK_COMPLETION,
        "findings": FINDINGS,
    },
)
async def orchestrate(
    question: Question,
    ask: Ask,
    *,
    plan_tokens: Annotated[int, Field(ge=16, le=4096, description="Longest plan, in tokens")] = 256,
    work_tokens: Annotated[int, Field(ge=16, le=16_000, description="Longest report of a worker, in tokens")] = 256,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Let a lead split the question, workers with contexts of their own answer the parts, and the lead conclude.

    Spends a plan, a report for each part and one answer; a level is the number of workers, each a run of its own, since
    the plan is made for them. The lead may use fewer. Wins where parts are independent and there is too much for one
    context; loses to one agent of as many tokens where each part needs the result of another.
    """
    yield Checkpoint(0)
    level = ask.levels[-1]
    plan = request(
        question.format, PLAN, PLAN_COMPLETION, max_tokens=plan_tokens, question=question.text, workers=str(level)
    )
    if question.format == "completion":
        plan = replace(plan, stop=("\n\n",))  # the parts stand on lines of their own
    written = await ask(plan, role="plan", level=level, temperature=temperature)
    parts = [part for line in written.text.splitlines() if (part := _BULLET.sub("", line).strip())][:level]
    parts = parts or ["all of it"]
    branches = [ask.fork(f"worker-{number}") for number in range(len(parts))]
    works = [
        request(question.format, WORK, WORK_COMPLETION, max_tokens=work_tokens, question=question.text, part=part)
        for part in parts
    ]
    reports = await together(
        [
            branch(work, role="solve", level=level, part="worker", temperature=temperature)
            for branch, work in zip(branches, works, strict=True)
        ]
    )
    ask.join(*branches)
    ask.note("assigned", level=level, parts=parts)
    findings = "\n".join(
        f"- {part}: {' '.join(report.text.split())}" for part, report in zip(parts, reports, strict=True)
    )
    prompt = with_notes(question.answer, FINDINGS.replace("{findings}", findings))
    reply = await ask(prompt, role="synthesise", level=level, temperature=temperature)
    yield Checkpoint(level, reply.answer, final=True)
