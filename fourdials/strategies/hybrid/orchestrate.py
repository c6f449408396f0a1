"""A lead that splits the work, workers that do the parts side by side, and the lead again to put them together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import request, with_notes
from fourdials.records import Checkpoint, Format, Reply
from fourdials.routing import Rule, choose
from fourdials.strategies._together import all_samples, together

PLAN = (
    "{question}\n\nYou lead a team of {workers}. Split the work on this question into at most {workers} parts that can "
    "be done side by side. Write one part per line, as an instruction that stands by itself, and nothing else."
)
PLAN_COMPLETION = "{question}\nParts of this question that can be answered one by one:\n1."
WORK = "{question}\n\nYour part of the work: {part}\nReport what you find in a few sentences."
WORK_COMPLETION = "{question}\nPart: {part}\nFinding:"
ASSIGN = (
    "{question}\n\nYou lead the work on this. One part of it: {part}\nWho should do it? A small worker is cheap, a "
    "large one is better and dear; {samples} independent reports are safer than 1. Reply with one of: {choices}"
)
ASSIGN_COMPLETION = "{question}\nPart: {part}\nWorkers and reports: {choices}\nFor this part:"
FINDINGS = "Findings of those who worked on parts of this:\n{findings}"
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])?\s*")
_LISTED = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+\S")
_WORKER = re.compile(r"(small|large) ([1-9]|1[0-6])")
_LONG_TO_THE_LARGE = (Rule(strategy="small 3", feature="words", at_most=11), Rule(strategy="large 1"))


def _table(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    for rule in rules:
        if not _WORKER.fullmatch(rule.strategy):
            raise ValueError(
                f"{rule.strategy!r} does not say who does a part and how often: it takes `small` or `large`, and 1 to "
                "16 reports, such as `small 3`"
            )
    if rules[-1].task or rules[-1].at_most is not None:
        raise ValueError("the last rule must fit everything: give it neither a task nor at_most")
    return rules


@strategy(
    dial="hybrid",
    unit="workers",
    levels=(1, 2, 4),
    source="Anthropic 2025, https://www.anthropic.com/engineering/multi-agent-research-system",
    nested=False,
    memory=True,
    parts=("solver", "worker", "large"),
    prompts={
        "plan (chat)": PLAN,
        "plan (completion)": PLAN_COMPLETION,
        "work (chat)": WORK,
        "work (completion)": WORK_COMPLETION,
        "assign (chat)": ASSIGN,
        "assign (completion)": ASSIGN_COMPLETION,
        "findings": FINDINGS,
    },
)
async def orchestrate(
    question: Question,
    ask: Ask,
    *,
    plan_tokens: Annotated[int, Field(ge=16, le=4096, description="Longest plan, in tokens")] = 256,
    work_tokens: Annotated[int, Field(ge=16, le=16_000, description="Longest report of a worker, in tokens")] = 256,
    assign: Annotated[
        Literal["small", "large", "lead", "rule"],
        Field(
            description="Who does a part: always the worker, always the large one, as the lead says, or by the rules"
        ),
    ] = "small",
    samples: Annotated[int, Field(ge=1, le=16, description="Reports of one part where it is given more than one")] = 3,
    rules: Annotated[
        tuple[Rule, ...],
        Field(min_length=1, description="With `rule`: who does which part, a table that can be learned"),
        AfterValidator(_table),
    ] = _LONG_TO_THE_LARGE,
    part_tokens: Annotated[
        int,
        Field(ge=0, le=64_000, description="Tokens that all reports on one part may take together; 0: no such limit"),
    ] = 0,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Let a lead split the question, workers with contexts of their own answer the parts, and the lead conclude.

    Spends a plan, a report for each part and one answer; a level is the number of workers, each a run of its own, since
    the plan is made for them. The lead may use fewer. With `lead` one more call per part settles the model's size and
    how many reports it writes (sampled at a temperature of at least 0.7); with `rule` a table says both from a part's
    words: learn it with `fourdials.routing` on a calibration split and judge it on the rest. Until then a part of 12
    words or more goes to the large model once, a shorter one to the small worker three times, and the lead sees whether
    they agree. With `part_tokens` every part has the same budget of reply tokens: one long report, or shorter ones that
    share it evenly.
    Wins where parts are independent and there is too much for one context; loses to one agent of as many tokens where
    each part needs the result of another.
    """
    yield Checkpoint(0)
    level = ask.levels[-1]
    plan = request(
        question.format, PLAN, PLAN_COMPLETION, max_tokens=plan_tokens, question=question.text, workers=str(level)
    )
    if question.format == "completion":
        plan = replace(plan, stop=("\n\n",))  # the parts stand on lines of their own
    written = await ask(plan, role="plan", level=level, temperature=temperature)
    parts = _parts(written.text, question.format)[:level] or ["all of it"]
    branches = [ask.fork(f"worker-{number}") for number in range(len(parts))]
    settle = partial(_settled, question, assign=assign, samples=samples, rules=rules, level=level)
    work = partial(
        _worked, question, level=level, work_tokens=work_tokens, part_tokens=part_tokens, temperature=temperature
    )
    assigned = await together([settle(branch, part) for branch, part in zip(branches, parts, strict=True)])
    reports = await together([work(*each) for each in zip(branches, parts, assigned, strict=True)])
    ask.join(*branches)
    ask.note("assigned", level=level, parts=parts, workers=[f"{who} {count}" for who, count in assigned])
    told = [" / ".join(" ".join(report.text.split()) for report in found) for found in reports]
    ask.note("memory", level=level, texts=told)
    findings = "\n".join(f"- {part}: {found}" for part, found in zip(parts, told, strict=True))
    prompt = with_notes(question.answer, FINDINGS.replace("{findings}", findings))
    reply = await ask(prompt, role="synthesise", level=level, temperature=temperature)
    yield Checkpoint(level, reply.answer, final=True)


def _parts(plan: str, format: Format) -> list[str]:
    """The parts a lead wrote, one a line; of a chat model's the listed lines alone if there are any, since it may put
    some words before and after them."""
    lines = plan.splitlines()
    listed = [line for line in lines if _LISTED.match(line)] if format == "chat" else []
    return [part for line in listed or lines if (part := _BULLET.sub("", line).strip())]


async def _settled(
    question: Question, ask: Ask, part: str, *, assign: str, samples: int, rules: Sequence[Rule], level: int
) -> tuple[str, int]:
    """Who does a part, `small` or `large`, and how many reports are asked for."""
    if assign == "rule":
        return _worker(choose([Rule.model_validate(rule) for rule in rules], question.task, part))
    if assign != "lead":
        return assign, 1
    counts = (1,) if samples == 1 else (1, samples)
    choices = tuple(f"{who} {count}" for who in ("small", "large") for count in counts)
    filled = {"question": question.text, "part": part, "samples": str(samples), "choices": ", ".join(choices)}
    prompt = request(question.format, ASSIGN, ASSIGN_COMPLETION, max_tokens=8, **filled)
    prompt = replace(prompt, choices=choices, reads="choice", key="assign")
    reply = await ask(prompt, role="route", level=level)
    return _worker(reply.answer or choices[0])


def _worker(named: str) -> tuple[str, int]:
    who, _, count = named.partition(" ")
    return who, int(count)


async def _worked(
    question: Question,
    ask: Ask,
    part: str,
    assigned: tuple[str, int],
    *,
    level: int,
    work_tokens: int,
    part_tokens: int,
    temperature: float,
) -> list[Reply]:
    """The reports on a part by whom it was given to, within the part's budget."""
    who, count = assigned
    longest = min(work_tokens, max(1, part_tokens // count)) if part_tokens else work_tokens
    filled = {"question": question.text, "part": part}
    prompt = request(question.format, WORK, WORK_COMPLETION, max_tokens=longest, **filled)
    model = "worker" if who == "small" else "large"
    if count == 1:
        return [await ask(prompt, role="solve", level=level, part=model, temperature=temperature)]
    heat = max(temperature, 0.7)  # reports at temperature 0 would all be the same
    return await all_samples(ask, prompt, count, role="solve", level=level, temperature=heat, part=model, after=None)
