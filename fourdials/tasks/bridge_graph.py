"""Which of two vertices is connected to a third, in a graph of two identical components built to mislead short walks.

Each component is a chain of cycles; a cycle has a short arm, a long arm and a dead end at its first vertex. Nothing
near the start tells the components apart, so only a chain that walks all the way knows more than a coin. Source:
Mirtaheri et al. 2025, arXiv 2505.21825.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fourdials.grading import normal
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Problem, Prompt
from fourdials.tasks._asking import MARK, THINK, chat, line, most_frequent, refusal, require

_NUMBER = re.compile(r"\d+")
Trail = tuple[str, ...]
Edge = tuple[int, int]


class Params(BaseModel):
    """Parameters of `bridge_graph`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depths: tuple[Annotated[int, Field(ge=1, le=24)], ...] = Field(
        (1, 2, 3), min_length=1, max_length=24, description="Cycles of a component; the problems take these in turn."
    )
    short: int = Field(1, ge=1, le=8, description="Edges of the short arm of a cycle.")
    long: int = Field(3, ge=2, le=12, description="Edges of the long arm of a cycle.")
    dead_end: int = Field(2, ge=0, le=8, description="Edges of the dead end at each cycle's first vertex.")

    @model_validator(mode="after")
    def _differ(self) -> Params:
        if self.long <= self.short:
            raise ValueError(f"long must be more than short, {self.short}")
        return self


INFO = TaskInfo(
    title="Bridge graph",
    summary="Two identical components of cycles and dead ends; which of two vertices is connected to the start? "
    "Guessing is right half of the time, and only a walk to the end does better.",
    offers={
        "chat": frozenset({"given", "steps", "think"}),
        "completion": frozenset({"given", "steps", "think"}),
    },
    difficulty="cycles of a component",
    context_tokens=1500,
)


def component(depth: int, short: int, long: int, dead_end: int) -> list[Edge]:
    """The edges of one component: its first vertex is 0, its last one `depth`, the others follow from `depth` + 1."""
    edges: list[Edge] = []
    fresh = depth + 1
    for first in range(depth):
        for length, last in ((short, first + 1), (long, first + 1), (dead_end, None)):
            inner = list(range(fresh, fresh + length - (last is not None)))
            fresh += len(inner)
            edges += pairwise([first, *inner] if last is None else [first, *inner, last])
    return edges


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` graphs, whose labels and order of edges are drawn anew for each."""
    return [_problem(params, number, seed) for number in range(count)]


def _problem(params: Params, number: int, seed: int) -> Problem:
    depth = params.depths[number % len(params.depths)]
    rng = random.Random(f"bridge_graph:{seed}:{number}")
    half = component(depth, params.short, params.long, params.dead_end)
    size = 1 + max(max(edge) for edge in half)
    labels = [str(label) for label in rng.sample(range(1, 2 * size + 1), 2 * size)]
    edges = [(labels[a + shift], labels[b + shift]) for shift in (0, size) for a, b in half]
    edges = [edge if rng.random() < 0.5 else edge[::-1] for edge in edges]
    rng.shuffle(edges)
    start, right, other = labels[0], labels[depth], labels[depth + size]
    targets = tuple(rng.sample((right, other), 2))
    neighbours = _neighbours(edges)
    truths = {"answer": right}
    for goal in (right, other):
        truths |= {f"at:{vertex}": there for vertex, there in _ways(neighbours, goal).items()}
    name = f"{seed}-{number}"
    return Problem(
        task="bridge_graph",
        problem_id=name,
        cluster_id=name,
        difficulty=depth,
        text=f"Which vertex is connected to {start}: {targets[0]} or {targets[1]}?",
        reference=right,
        data=MappingProxyType({"start": start, "targets": targets, "edges": tuple(edges)}),
        world=MappingProxyType({"distance": depth * params.short}),
        truths=MappingProxyType(truths),
        oracle_steps=depth * params.short,
    )


def _neighbours(edges: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for here, there in edges:
        found.setdefault(here, []).append(there)
        found.setdefault(there, []).append(here)
    return found


def _ways(neighbours: Mapping[str, Sequence[str]], goal: str) -> dict[str, str]:
    """For every vertex connected to the goal, its neighbour on a shortest way there."""
    ways: dict[str, str] = {}
    edge = [goal]
    while edge:
        here = edge.pop(0)
        for there in neighbours[here]:
            if there != goal and there not in ways:
                ways[there] = here
                edge.append(there)
    return ways


class BridgeSteps:
    """A walk, one vertex per call; it may turn back, and ends at one of the two vertices asked about.

    Stopped before, it answers with the vertex that was named first, which is right half of the time. It also ends after
    as many moves as the graph has edges.
    """

    def __init__(self, data: Mapping[str, Any], format: Format) -> None:
        self._start: str = data["start"]
        self._targets: tuple[str, str] = data["targets"]
        self._neighbours = _neighbours(data["edges"])
        self._shown = _shown(data["edges"], format)
        self._limit, self._format = len(data["edges"]), format

    def first(self) -> Trail:
        """The walk that stands at the start."""
        return (self._start,)

    def query(self, state: Trail) -> str:
        """The vertex whose neighbours are wanted."""
        return state[-1]

    def prompt(self, state: Trail, evidence: Sequence[str] | None = None) -> Prompt:
        """Asks where to go from the last vertex; its neighbours are the choices."""
        here, one, other = state[-1], *self._targets
        open_here = tuple(self._neighbours.get(here, self._neighbours[self._start]))
        key = f"at:{here}"
        if self._format == "completion":
            text = f"{_STEP_SHOT}{self._shown}\nfrom {self._start} to {one} or {other}: {' - '.join(state)} -"
            return line(text, "choice", 6, choices=open_here, key=key)
        text = (
            f"{_RULES}\n\n{self._shown}\n\nYou walk from {self._start}, looking for {one} or {other}. "
            f"The walk so far: {' - '.join(state)}.\nWhich vertex next? One may turn back from a dead end. "
            f"Reply with one number only, out of: {', '.join(open_here)}."
        )
        return chat(text, "choice", 16, choices=open_here, key=key)

    def advance(self, state: Trail, reply: str) -> Trail:
        """The walk with the reply at its end."""
        return (*state, reply)

    def answer(self, state: Trail) -> str | None:
        """The walk, if it arrived; else the vertex named first; None before the first step."""
        if len(state) == 1:
            return None
        return " - ".join(state) if state[-1] in self._targets else self._targets[0]

    def done(self, state: Trail) -> bool:
        """True at a vertex that was asked about, where the walk left the graph, and after too many moves."""
        here = state[-1]
        return here in self._targets or here not in self._neighbours or len(state) > self._limit


_RULES = "The graph is undirected: an edge can be walked both ways. It has two parts that are not connected."
_SHOT = "7-2 9-4 4-1 2-5"
_DIRECT_SHOTS = f"{_SHOT}\nconnected to 7, 5 or 1: 5\n{_SHOT}\nconnected to 9, 5 or 1: 1\n"
_STEP_SHOT = f"{_SHOT}\nfrom 7 to 5 or 1: 7 - 2 - 5\n"
_THINK_SHOTS = (
    f"{_SHOT}\nfrom 7 to 5 or 1: 7-2 2-5 Answer: 7 - 2 - 5\n{_SHOT}\nfrom 9 to 5 or 1: 9-4 4-1 Answer: 9 - 4 - 1\n"
)


def _shown(edges: Sequence[tuple[str, str]], format: Format) -> str:
    listed = [f"{here}-{there}" for here, there in edges]
    return " ".join(listed) if format == "completion" else f"Edges: {', '.join(listed)}"


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    require("bridge_graph", access)
    start, targets = problem.data["start"], problem.data["targets"]
    shown = _shown(problem.data["edges"], format)
    text = f"{_RULES}\n\n{shown}\n\n{problem.text}"
    if format == "chat":
        answer = chat(f"{text} Reply with its number only.", "choice", 16, choices=targets)
        form = f"a path from {start} to that vertex, such as `{MARK} 7 - 2 - 5`."
        think = chat(f"{text}\n{THINK} {form}", "text", 4096)
    else:
        asked = f"{start}, {targets[0]} or {targets[1]}"
        answer = line(f"{_DIRECT_SHOTS}{shown}\nconnected to {asked}:", "choice", 6, choices=targets)
        thought = f"{_THINK_SHOTS}{shown}\nfrom {start} to {targets[0]} or {targets[1]}:"
        think = Prompt(text=thought, stop=("\n",), max_tokens=1024, reads="text", mark=MARK)
    steps = BridgeSteps(problem.data, format)
    return Question(problem.problem_id, "bridge_graph", access, format, text, answer, think, MARK, steps)


def grade(problem: Problem, answer: str) -> Grade:
    """Scores the decision: the last vertex of the answer, which must be the one of the two that is connected.

    The evidence grades the path that was shown apart from it: `edges` steps shown, `edges_right` of them edges of the
    graph, and `path_right`, whether it leads from the start to the right vertex by edges alone (None if no path was
    shown); `shortest` is the length of the shortest path.
    """
    path = _NUMBER.findall(answer)
    edges = {frozenset(edge) for edge in problem.data["edges"]}
    steps = [frozenset(step) in edges for step in pairwise(path)]
    right = bool(path) and path[-1] == problem.reference
    evidence = {
        "decision": path[-1] if path and path[-1] in problem.data["targets"] else None,
        "edges": len(steps),
        "edges_right": sum(steps),
        "path_right": right and all(steps) and path[0] == problem.data["start"] if steps else None,
        "shortest": problem.world["distance"],
    }
    return Grade(float(right), "correct" if right else "wrong", evidence)


def ballot(problem: Problem, answer: str) -> str:
    """The decision: the last vertex of a path, or of an answer that names no other."""
    path = _NUMBER.findall(answer)
    return path[-1] if path else normal(answer)


def chance(problem: Problem) -> float:
    """One of two."""
    return 0.5


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("bridge_graph", "search")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise refusal("bridge_graph", "environment")
