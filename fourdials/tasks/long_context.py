"""A long record of purchases, one a day, and questions about it: one day's price, a count, or the two days that agree.

A needle needs one line, a count all lines, a pair every line against every other. Questions of one record share it,
which is their cluster. The record can be given in the prompt or be searched.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from fourdials.grading import normal
from fourdials.plugins import Environment, Evidence, Question, TaskInfo
from fourdials.records import Access, Format, Grade, Problem, Prompt
from fourdials.tasks._asking import MARK, THINK, OneStep, chat, line, most_frequent, refusal, require
from fourdials.tasks._lookup import SentenceSearch
from fourdials.tasks._vocabulary import OBJECTS, PEOPLE, TOWNS

Kind = Literal["needle", "count", "pair"]
OFFERED: tuple[Access, ...] = ("given", "search")


class Params(BaseModel):
    """Parameters of `long_context`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: tuple[Annotated[int, Field(ge=10, le=18)], ...] = Field(
        (13,),
        min_length=1,
        max_length=16,
        description="Characters of a record as powers of two (13: 8,192; 18: 262,144); the records take these in turn.",
    )
    kinds: tuple[Kind, ...] = Field(
        ("needle", "count", "pair"),
        min_length=1,
        max_length=3,
        description="The questions asked of each record.",
    )


INFO = TaskInfo(
    title="Long context",
    summary="Questions about a record of thousands of purchases: find one line, count some, or find the two that "
    "agree. What they need grows from one line to all pairs of lines.",
    offers={
        "chat": frozenset({"given", "search", "steps", "store", "think", "context", "queries"}),
        "completion": frozenset({"given", "search", "steps", "store", "context", "queries"}),
    },
    difficulty="characters of the record (log2), and 0, 0.25 or 0.5 for needle, count or pair",
    context_tokens=4000,
    searched_tokens=600,
)


_STATED = re.compile(r"(Day \d+): (\w+ bought .*?)\.")


class Entry(NamedTuple):
    """A purchase."""

    person: str
    thing: str
    town: str
    price: int


class Record(NamedTuple):
    """A record: its entries, day by day from 1, and the two days whose entries agree."""

    entries: tuple[Entry, ...]
    twins: tuple[int, int]

    @property
    def lines(self) -> tuple[str, ...]:
        """The record as text, a line a day."""
        return tuple(_line(day, entry) for day, entry in enumerate(self.entries, 1))


def _line(day: int, entry: Entry) -> str:
    return f"Day {day}: {entry.person} bought a {entry.thing} in {entry.town} for {entry.price} coins."


@lru_cache(maxsize=8)
def _record(seed: int, number: int, size: int) -> Record:
    """A record of nearly 2^size characters. No two entries agree but the twins; few people make counts worth making."""
    rng = random.Random(f"long_context:{seed}:{number}:{size}")
    people, towns = rng.sample(PEOPLE, 12), rng.sample(TOWNS, 8)
    entries: dict[Entry, None] = {}
    characters = 0
    while True:
        entry = Entry(rng.choice(people), rng.choice(OBJECTS), rng.choice(towns), rng.randint(1, 999))
        grown = characters + (0 if entry in entries else len(_line(len(entries) + 1, entry)) + 1)
        if grown > 2**size - 60:  # room for the twin
            break
        entries[entry], characters = None, grown
    found = list(entries)
    first, second = sorted(rng.sample(range(len(found) + 1), 2))
    found.insert(second, found[first])
    return Record(tuple(found), (first + 1, second + 1))


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` questions, record after record; the questions of one record share its cluster."""
    found = []
    for place in range(count):
        number, kind = divmod(place, len(params.kinds))
        size = params.sizes[number % len(params.sizes)]
        found.append(_problem(_record(seed, number, size), params.kinds, kind, size, f"{seed}-{number}"))
    return found


def _problem(record: Record, kinds: Sequence[Kind], nth: int, size: int, cluster: str) -> Problem:
    kind = kinds[nth]
    rng = random.Random(f"long_context:{cluster}:{size}:{kind}")
    lines = record.lines
    if kind == "needle":
        day = rng.randint(1, len(record.entries))
        text, reference = f"How many coins were paid on day {day}?", str(record.entries[day - 1].price)
    elif kind == "count":
        person = rng.choice(sorted({entry.person for entry in record.entries}))
        number = sum(entry.person == person for entry in record.entries)
        text, reference = f"On how many days did {person} buy something?", str(number)
    else:
        text = "On which two days did the same person buy the same thing in the same town for the same price?"
        reference = f"{record.twins[0]} and {record.twins[1]}"
    return Problem(
        task="long_context",
        problem_id=f"{cluster}-{kind}",
        cluster_id=cluster,
        difficulty=size + {"needle": 0.0, "count": 0.25, "pair": 0.5}[kind],
        text=text,
        reference=reference,
        data=MappingProxyType({"kind": kind, "record": lines, "days": len(lines), "kinds": len(kinds)}),
        world=MappingProxyType({"record": lines}),
        truths=MappingProxyType({"answer": reference}),
    )


_SHOT_RECORD = """\
Day 1: Sue bought a mug in Lyon for 7 coins.
Day 2: Guy bought a rug in Graz for 31 coins.
Day 3: Sue bought a mug in Lyon for 7 coins.
"""
_SHOTS: dict[str, str] = {
    "needle": "Question: How many coins were paid on day 2?\nAnswer: 31\n\n",
    "count": "Question: On how many days did Sue buy something?\nAnswer: 2\n\n",
    "pair": "Question: On which two days did the same person buy the same thing in the same town for the same price?\n"
    "Answer: 1 and 3\n\n",
}


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference; the record is shown only where it is given.

    Its chain is one step: look the question up, answer from the lines found."""
    require("long_context", access, OFFERED)
    data = problem.data
    lines: tuple[str, ...] = data["record"] if access == "given" else ()
    think: Prompt | None = None
    if format == "chat":
        form = _form(data["kind"])
        above = _above(lines)
        think = chat(f"{above}{problem.text}\n{THINK} {form}.", _reads(data["kind"]), 4096)

    def ask(evidence: Sequence[str] | None) -> Prompt:
        return _answer(problem, lines if evidence is None else tuple(evidence), format)

    text = "\n".join((*lines, "", problem.text)).lstrip()
    steps = OneStep(problem.text, ask)
    asked = Question(problem.problem_id, "long_context", access, format, text, ask(None), think, MARK, steps)
    return replace(asked, context="\n".join(lines), sharing=data["kinds"])


def _form(kind: Kind) -> str:
    return "the two numbers of the days, such as `1 and 3`" if kind == "pair" else "the number"


def _reads(kind: Kind) -> Literal["text", "number"]:
    return "text" if kind == "pair" else "number"


def _above(lines: Sequence[str]) -> str:
    return "From a record of purchases, one a day:\n\n" + "\n".join(lines) + "\n\n" if lines else ""


def _answer(problem: Problem, lines: Sequence[str], format: Format) -> Prompt:
    kind: Kind = problem.data["kind"]
    if format == "chat":
        return chat(f"{_above(lines)}{problem.text}\nReply with {_form(kind)} only.", _reads(kind), 32)
    shown = "".join(f"{entry}\n" for entry in lines)
    worked = f"{_SHOT_RECORD if lines else ''}{_SHOTS[kind]}"
    return line(f"{worked}{shown}Question: {problem.text}\n{MARK}", _reads(kind), 12)


def evidence(problem: Problem) -> Evidence:
    """The lines of the record: of a day, what was bought. The path is the line asked for, or all that are counted."""
    lines: tuple[str, ...] = problem.data["record"]
    kind, reference = problem.data["kind"], str(problem.reference)
    if kind == "count":
        person = problem.text.removeprefix("On how many days did ").removesuffix(" buy something?")
        path = tuple(line for line in lines if f": {person} bought " in line)
    else:
        days = problem.text.removesuffix("?").split()[-1] if kind == "needle" else reference
        path = tuple(lines[int(day) - 1] for day in days.split(" and "))
    facts = {subject: (value,) for line in lines for subject, value in _STATED.findall(line)}
    return Evidence(path, facts, _STATED.findall)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the numbers in the answer are those of the reference, in any order for a pair of days. The evidence says
    how far off a single number is."""
    given = _numbers(answer)
    wanted = [int(word) for word in str(problem.reference).split(" and ")]
    right = sorted(given) == sorted(wanted)
    off = abs(given[0] - wanted[0]) if len(given) == len(wanted) == 1 else None
    return Grade(float(right), "correct" if right else "wrong", {"kind": problem.data["kind"], "off_by": off})


def ballot(problem: Problem, answer: str) -> str:
    """The numbers, a pair of days in either order."""
    return " and ".join(map(str, sorted(_numbers(answer)))) or normal(answer)


def _numbers(answer: str) -> list[int]:
    return [int(word) for word in "".join(c if c.isdecimal() else " " for c in answer).split()]


def chance(problem: Problem) -> float:
    """A price, a count of days, or two of the days guessed."""
    days = int(problem.data["days"])
    return {"needle": 1 / 999, "count": 1 / days, "pair": 2 / (days * (days - 1))}[problem.data["kind"]]


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SentenceSearch:
    """BM25 over the lines of the record."""
    return SentenceSearch(problem.world["record"])


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise refusal("long_context", "environment", OFFERED)
