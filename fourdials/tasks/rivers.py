"""Rivers: places that flow one into the next until a flag; which flag does a start flow into?

One map serves all four dials: given in the prompt (answer at once, or think place by place), held in a store and looked
up one place at a time, or seen from the inside, where one moves on or goes back. The completion form is the notation
the scale models were taught (`_rivers`); the chat form is plain English, so that any model can play.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fourdials.plugins import Question, TaskInfo
from fourdials.records import Access, Format, Grade, Problem, Prompt
from fourdials.tasks import _rivers as notation
from fourdials.tasks._asking import MARK, THINK, chat, distinct, most_frequent
from fourdials.tasks._rivers import Rivers
from fourdials.tasks._rivers_inside import RULES, RiverSteps, RiverWalk, heard, told

MOST_EDGES = 32
OFFERED: tuple[Access, ...] = ("given", "search", "environment")
_LETTER = re.compile(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])")


class Params(BaseModel):
    """Parameters of `rivers`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hops: tuple[Annotated[int, Field(ge=1, le=16)], ...] = Field(
        (2, 4, 6, 8), min_length=1, max_length=16, description="Steps to the flag; the problems take these in turn."
    )
    rivers: int = Field(4, ge=2, le=4, description="Rivers of a map, each with a flag: a guess is right once in these.")
    forks: int = Field(0, ge=0, le=3, description="Branches of each river that end nowhere.")
    reach: int = Field(1, ge=1, le=2, description="Steps to the end of such a branch.")
    inside: Literal["hidden", "shown", "veiled"] = Field(
        "hidden",
        description="What someone inside sees: the place, or the whole map (the fully observed twin). Veiled: hidden, "
        "and a prompt that gives the map holds only what is seen from the start.",
    )
    memory: bool = Field(True, description="Inside: ways found to end nowhere are no longer shown.")

    @model_validator(mode="after")
    def _fits(self) -> Params:
        edges = self.rivers * (max(self.hops) + self.forks * self.reach)
        if edges > MOST_EDGES:
            raise ValueError(
                f"rivers × (hops + forks × reach) is {edges}, at most {MOST_EDGES} is possible: lower one of them"
            )
        if self.forks > min(self.hops):
            raise ValueError(f"forks must be at most {min(self.hops)}, the smallest of hops: one for each place")
        return self


INFO = TaskInfo(
    title="Rivers",
    summary="Which flag does a place flow into, when each place flows into another? Following the river hop by hop is "
    "easy; to see its end at once is hard. The shipped scale models were trained on exactly this.",
    offers={
        "chat": frozenset({"given", "search", "environment", "steps", "think", "queries"}),
        "completion": frozenset({"given", "search", "environment", "steps", "think", "check", "sound"}),
    },
    difficulty="steps to the flag",
    context_tokens=160,
)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` maps with a start in each. A map is the same however much of it is seen, yet another problem."""
    return distinct(count, lambda *place: _problem(params, seed, *place), "raise hops or rivers")


def _problem(params: Params, seed: int, number: int, attempt: int) -> Problem:
    hops = params.hops[number % len(params.hops)]
    # Neither `inside` nor the memory is in the seed: twins are the same map.
    size = (params.rivers, hops, params.forks, params.reach)
    drawn = notation.draw(random.Random(f"rivers:{seed}:{number}:{size}:{attempt}"), *size)
    start, reference = drawn.courses[0][0], drawn.courses[0][-1]
    return Problem(
        task="rivers",
        problem_id=f"{seed}-{number}-{params.inside}",
        cluster_id=f"{seed}-{number}",
        difficulty=hops,
        text=f"Which flag does {start} flow into?",
        reference=reference,
        oracle_steps=hops,
        data=MappingProxyType(
            {
                "start": start,
                "edges": drawn.edges,
                "flags": tuple(sorted(course[-1] for course in drawn.courses)),
                "inside": params.inside,
                "memory": params.memory,
            }
        ),
        world=MappingProxyType({"edges": drawn.edges, "courses": drawn.courses}),
        truths=MappingProxyType(_truths(drawn, reference)),
    )


def _truths(drawn: Rivers, reference: str) -> dict[str, str]:
    """At each place, the way towards a flag; from a dead branch, back."""
    places = {place for edge in drawn.edges for place in edge} - set(notation.FLAGS)
    towards = {
        f"at:{place}": next((way for way in drawn.onward(place) if drawn.flag(way)), notation.BACK)
        for place in sorted(places)
    }
    return {"answer": reference, **towards}


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference; the map is in the prompt where it is given, and inside the twin; of a
    veiled map, what is seen from the start."""
    data = problem.data
    shown = access == "given" or (access == "environment" and data["inside"] == "shown")
    edges = data["edges"] if shown else ()
    if data["inside"] == "veiled":
        edges = tuple(edge for edge in edges if data["start"] in edge)
    text = f"{told(edges)}\n\n{problem.text}" if shown else problem.text
    answer, think = (_chat if format == "chat" else _completion)(data, edges, text)
    tight = format == "completion"
    return Question(
        problem_id=problem.problem_id,
        task="rivers",
        access=access,
        format=format,
        text=text,
        answer=answer,
        think=think,
        answer_mark="=" if tight else MARK,
        steps=RiverSteps(data, edges, format),
        tight=tight,
        check=Check(edges, data["start"]) if tight else None,
    )


def _completion(data: Any, edges: Any, text: str) -> tuple[Prompt, Prompt]:
    direct, thought = notation.direct(edges, data["start"]), notation.thought(edges, data["start"])
    # Half as long again as the longest way there is, so that few thoughts are cut that would have ended.
    room = 24 if edges else 8
    return (
        Prompt(text=direct, choices=data["flags"], stop=(";",), max_tokens=2, reads="choice"),
        Prompt(text=thought, stop=(";",), max_tokens=room, reads="number", mark="="),
    )


def _chat(data: Any, edges: Any, text: str) -> tuple[Prompt, Prompt]:
    flags = ", ".join(data["flags"])
    return (
        chat(f"{RULES}\n\n{text}\nReply with the flag only, out of: {flags}.", "choice", 32, choices=data["flags"]),
        chat(f"{RULES}\n\n{text}\n{THINK} the flag, out of: {flags}.", "number", 1024),
    )


@dataclass(frozen=True, slots=True)
class Check:
    """Asks whether a thought about the start of this map is sound."""

    edges: tuple[notation.Edge, ...]
    start: str

    def __call__(self, reply: str, found: Sequence[str] = ()) -> Prompt:
        """The prompt for one reply, with the edges of passages that were found in view besides."""
        edges = tuple(dict.fromkeys((*self.edges, *heard(found))))
        text = notation.check(edges, self.start, reply.rstrip(";"))
        named = reply.rstrip(";").rpartition("=")[2]
        return Prompt(
            text=text, choices=(notation.YES, notation.NO), max_tokens=1, reads="choice", key=f"verify:{named}"
        )


class RiverStore:
    """Holds the map; a query names a place by its letter."""

    def __init__(self, edges: Sequence[notation.Edge]) -> None:
        self._edges = tuple(edges)

    def search(self, query: str, k: int) -> list[str]:
        """Up to `k` lines: what leaves the last place the query names and, as far as there is room, what reaches it.

        They come in the order of the map, so that their order does not tell which is which."""
        named = [letter for letter in _LETTER.findall(query) if letter in notation.PLACES]
        touching = [edge for edge in self._edges if named and named[-1] in edge]
        best = sorted(touching, key=lambda edge: edge[0] != named[-1])[:k]
        return [told([edge]) for edge in touching if edge in best]


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the answer is the reference."""
    right = answer.strip() == problem.reference
    return Grade(float(right), "correct" if right else "wrong")


def sound(problem: Problem, thought: str) -> bool:
    """Whether a thought in the scale models' notation follows the map so far and has not entered a dead branch."""
    drawn = Rivers(problem.world["courses"], problem.world["edges"])
    return notation.sound(drawn, problem.data["start"], thought)


def ballot(problem: Problem, answer: str) -> str:
    """The flag, whose case counts."""
    return answer.strip()


def chance(problem: Problem) -> float:
    """A guess among the flags of the map."""
    return 1 / len(problem.data["flags"])


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> RiverStore:
    """The store of this map."""
    return RiverStore(problem.world["edges"])


def environment(problem: Problem, format: Format) -> RiverWalk:
    """The map from the inside, from the start on."""
    return RiverWalk(problem, format)
