"""A small directed graph in which every node points to one other; the question is where some steps lead from a node.

The edges can be given as a shuffled list, looked up node by node, or walked, seeing only those at the current node
(both the one that leaves it and those that arrive), so all four dials run on it. Each problem has a graph of its own.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fourdials.errors import InputError
from fourdials.grading import normal
from fourdials.plugins import Evidence, Question, TaskInfo
from fourdials.records import Access, Format, Grade, Problem
from fourdials.tasks._seeking import lookup
from fourdials.tasks._seeking import truths as seeking
from fourdials.tasks._vocabulary import OBJECTS
from fourdials.tasks._walking import WalkEnvironment, Wording, truths
from fourdials.tasks._walking import evidence as walk_evidence
from fourdials.tasks._walking import question as walk_question

_WORD = re.compile(r"\w+")
_STATED = re.compile(r"(\w+)(?: leads to:?|:) (\w+)")  # also as a transcript has it, `mug: ink`
_EDGE = re.compile(r"^(\w+) leads to (\w+)\.$")
_STEP = "next"


class Params(BaseModel):
    """Parameters of `graph_path`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lengths: tuple[Annotated[int, Field(ge=1, le=40)], ...] = Field(
        (1, 2, 3), min_length=1, max_length=40, description="Steps to follow; the problems take these in turn."
    )
    nodes: int = Field(6, ge=4, le=len(OBJECTS), description="Nodes of each graph, and as many edges.")

    @model_validator(mode="after")
    def _fits(self) -> Params:
        if self.nodes < max(self.lengths) + 2:
            raise ValueError(f"nodes must be at least {max(self.lengths) + 2}: the longest of lengths and two more")
        return self


INFO = TaskInfo(
    title="Graph path",
    summary="Where do some steps lead from a node, when every node points to one other? Hard because each step needs "
    "the one before, and the edges that arrive at a node look like the one that leaves it.",
    offers={
        "chat": frozenset({"given", "search", "environment", "steps", "think", "queries"}),
        "completion": frozenset({"given", "search", "environment", "steps", "think", "queries"}),
    },
    difficulty="steps to follow",
    context_tokens=800,
)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` graphs with a start in each."""
    found: list[Problem] = []
    seen: set[tuple[str, ...]] = set()
    while len(found) < count:
        number = len(found)
        for attempt in range(50):
            rng = random.Random(f"graph_path:{seed}:{number}:{attempt}")
            problem = _problem(params, rng, number, seed)
            identity = (problem.data["start"], *sorted(problem.data["facts"]))
            if identity not in seen:
                break
        else:
            raise InputError(f"only {number} distinct graphs of {params.nodes} nodes were found; raise nodes")
        seen.add(identity)
        found.append(problem)
    return found


def _problem(params: Params, rng: random.Random, number: int, seed: int) -> Problem:
    length = params.lengths[number % len(params.lengths)]
    names = rng.sample(OBJECTS, params.nodes)
    path = names[: length + 1]
    follow = dict(pairwise(path))
    # The end leads on, so that it does not stand out, and the start is arrived at, so that its page has a wrong turn.
    follow[names[length]] = rng.choice([name for name in names if name != names[length]])
    follow[names[length + 1]] = names[0]
    for name in names[length + 2 :]:
        follow[name] = rng.choice([other for other in names if other != name])
    edges = list(follow.items())
    rng.shuffle(edges)
    facts = tuple(_line(*edge) for edge in edges)
    turns = (_STEP,) * length
    links = {name: {_STEP: follow[name]} for name in names}
    return Problem(
        task="graph_path",
        problem_id=f"{seed}-{number}",
        cluster_id=f"{seed}-{number}",
        difficulty=length,
        text=_ask(path[0], turns),
        reference=path[-1],
        data=MappingProxyType(
            {"start": path[0], "turns": turns, "facts": facts, "options": tuple(sorted(set(names) - {path[0]}))}
        ),
        world=MappingProxyType({"pages": {name: _at(name, facts) for name in names}}),
        truths=MappingProxyType(truths(turns, links, path[-1], _WORDING) | seeking(turns, links, _WORDING)),
        oracle_steps=length,
    )


def _line(here: str, there: str) -> str:
    return f"{here} leads to {there}."


def _at(node: str, facts: Sequence[str]) -> tuple[str, ...]:
    """The edges that leave or reach a node, in the order of the list."""
    return tuple(fact for fact in facts if node in _entities(fact))


def _entities(line: str) -> tuple[str, ...]:
    found = _EDGE.match(line)
    return found.groups() if found else ()


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _ask(start: str, turns: Sequence[str]) -> str:
    return f"Start at {start} and follow {_steps(len(turns))}. Where do you arrive?"


_DIRECT_SHOTS = """\
mug leads to ink. toe leads to mug. jar leads to toe. ink leads to jar.
After 1 step, mug leads to ink
pan leads to rug. rug leads to jar. jar leads to pan. ink leads to rug.
After 2 steps, rug leads to pan
toe leads to rug. rug leads to ink. pan leads to toe. ink leads to jar.
After 3 steps, pan leads to ink
"""
_THINK_SHOTS = """\
mug leads to ink. toe leads to mug. jar leads to toe. ink leads to jar.
1 step from mug? mug leads to ink. Answer: ink
pan leads to rug. rug leads to jar. jar leads to pan. ink leads to rug.
2 steps from rug? rug leads to jar. jar leads to pan. Answer: pan
toe leads to rug. rug leads to ink. pan leads to toe. ink leads to jar.
3 steps from pan? pan leads to toe. toe leads to rug. rug leads to ink. Answer: ink
"""
_QUERY_SHOTS = """\
2 steps from rug: nothing -> rug
1 step from mug: nothing -> mug
2 steps from rug: rug leads to jar. -> jar
3 steps from pan: pan leads to toe. toe leads to rug. -> rug
1 step from mug: mug leads to ink. -> done
3 steps from pan: nothing -> pan
2 steps from rug: rug leads to jar. jar leads to pan. -> done
3 steps from pan: pan leads to toe. -> toe
"""

_WORDING = Wording(
    entities=_entities,
    ask=_ask,
    cue=lambda here, turn: f"{here} leads to",
    query=lambda here, turn: here,
    asks_next=lambda here, turn: f"Where does {here} lead to?",
    between=" ",
    direct_shots=_DIRECT_SHOTS,
    direct_cue=lambda start, turns: f"After {_steps(len(turns))}, {start} leads to",
    think_shots=_THINK_SHOTS,
    think_cue=lambda start, turns: f"{_steps(len(turns))} from {start}?",
    think_form="the nodes from the start to where you arrive, such as `Answer: pan -> toe -> rug`",
    move="go to",
    recap_last=False,
    # Reading a list of look-alike edges twice takes a small model from .41 to .57 a hop.
    given_twice=True,
    query_shots=_QUERY_SHOTS,
    rules="Every node leads to exactly one other. Follow edges only from left to right.",
)


class EdgeLookup:
    """Finds the edges at the nodes a query names."""

    def __init__(self, facts: Sequence[str]) -> None:
        self._facts = tuple(facts)

    def search(self, query: str, k: int) -> list[str]:
        """Up to `k` edges: those that leave a named node and, as far as there is room, those that reach one.

        They come in the order of the shuffled list, so that their order does not tell which is which."""
        asked = set(_WORD.findall(query.casefold()))
        touching = [fact for fact in self._facts if asked.intersection(_entities(fact))]
        best = sorted(touching, key=lambda fact: _entities(fact)[0] not in asked)[:k]
        return [fact for fact in touching if fact in best]


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    asked = walk_question(_WORDING, problem, access, format)
    searched = (access, format) == ("search", "completion")
    return replace(asked, lookup=lookup(_WORDING, problem)) if searched else asked


def evidence(problem: Problem) -> Evidence:
    """The edges: of a node, where it leads."""
    return walk_evidence(problem, _STATED.findall, lambda here, turn: here)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the answer, or the last node of the path it shows, is the reference.

    The evidence says which path was shown and whether each step of it follows an edge (None if it shows no step).
    """
    path = _path(problem, answer)
    edges = {_entities(fact) for fact in problem.data["facts"]}
    steps = list(pairwise(path))
    follows = all(step in edges for step in steps) if steps else None
    right = bool(path) and path[-1] == problem.reference
    return Grade(float(right), "correct" if right else "wrong", {"path": path, "follows_edges": follows})


def ballot(problem: Problem, answer: str) -> str:
    """The node that an answer or path ends at."""
    path = _path(problem, answer)
    return path[-1] if path else normal(answer)


def _path(problem: Problem, answer: str) -> list[str]:
    nodes = {problem.data["start"], *problem.data["options"]}
    return [word for word in _WORD.findall(answer.casefold()) if word in nodes]


def chance(problem: Problem) -> float:
    """A guess among all nodes but the start."""
    return 1 / len(problem.data["options"])


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference, the first in the alphabet among equals; empty for no problems."""
    counts = Counter(str(problem.reference) for problem in problems)
    return min(counts, key=lambda name: (-counts[name], name), default="")


def search_tool(problem: Problem) -> EdgeLookup:
    """Looks up the edges of a node."""
    facts = dict.fromkeys(fact for lines in problem.world["pages"].values() for fact in lines)
    return EdgeLookup([fact for fact in problem.data["facts"] if fact in facts])


def environment(problem: Problem, format: Format) -> WalkEnvironment:
    """The graph from the inside, from the start on."""
    return WalkEnvironment(_WORDING, problem, format)
