"""Rivers one place at a time: the chain of steps that looks places up, and the walk from the inside.

Both go back where a way has ended nowhere, and both remember which ways those were.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fourdials.grading import normal
from fourdials.records import Format, Observation, Problem, Prompt
from fourdials.tasks import _rivers as notation
from fourdials.tasks._asking import chat
from fourdials.tasks._rivers import BACK, FLAGS, Edge

RULES = (
    "Places are called by letters, where capital and small ones differ. Each place flows into another, and in the end "
    "into a flag, which has a number. Some places flow into two: one of these branches then ends nowhere."
)
_MARK = "Next:"
_LINE = re.compile(r"^(\w) flows into (\w)\.$", re.MULTILINE)
_LONGEST = 64  # steps after which a chain gives up


def told(edges: Iterable[Edge]) -> str:
    """The edges as sentences, one a line."""
    return "\n".join(f"{here} flows into {there}." for here, there in edges)


def heard(lines: Sequence[str]) -> tuple[Edge, ...]:
    """The edges that sentences tell of."""
    return tuple((here, there) for line in lines for here, there in _LINE.findall(line))


def ask_next(edges: Sequence[Edge], here: str, dead: Sequence[Edge], format: Format) -> Prompt:
    """Asks where to go from a place, with these edges in view but for those found to end nowhere."""
    edges = [edge for edge in edges if edge not in dead]
    names = dict.fromkeys(name for edge in edges for name in edge if name != here)
    choices, key = (*names, BACK), f"at:{here}"
    if format == "completion":
        text = notation.choice(edges, here)
        return Prompt(text=text, choices=choices, max_tokens=1, reads="choice", key=key)
    text = (
        f"{RULES}\n\n{told(edges) or 'Nothing is known yet.'}\n\nYou are at {here} and want to reach the flag."
        f" Where to next? Reply with one letter or number, or with {BACK} to go back because nothing else "
        f"leads on. End with a line `{_MARK}` and that."
    )
    return chat(text, "choice", 200, choices=choices, key=key, mark=_MARK)


@dataclass(frozen=True, slots=True)
class Trail:
    """Places from the start to where one is, the ways found to end nowhere, and how many steps that took."""

    places: str
    dead: tuple[Edge, ...] = ()
    steps: int = 0

    @property
    def here(self) -> str:
        """The place one is at."""
        return self.places[-1]

    def on(self, way: str) -> Trail:
        """One step further, or back."""
        if way != BACK:
            return replace(self, places=self.places + way, steps=self.steps + 1)
        if len(self.places) == 1:
            return replace(self, steps=self.steps + 1)
        back = Trail(self.places[:-1], self.dead, self.steps + 1)
        return replace(back, dead=(*self.dead, (back.here, self.here)))


class RiverSteps:
    """One place a step: what is looked up, or read off the map, is where to go next."""

    def __init__(self, data: Mapping[str, Any], edges: Sequence[Edge], format: Format) -> None:
        self._start: str = data["start"]
        self._edges, self._format = tuple(edges), format

    def first(self) -> Trail:
        """At the start."""
        return Trail(self._start)

    def query(self, state: Trail) -> str:
        """The place one is at."""
        return state.here

    def prompt(self, state: Trail, evidence: Sequence[str] | None = None) -> Prompt:
        """Asks for the next place; with the map in view and nothing tried, by a thought that goes on."""
        edges = self._edges if evidence is None else heard(evidence)
        asked = ask_next(edges, state.here, state.dead, self._format)
        if self._format == "completion" and evidence is None and not state.dead:
            return replace(asked, text=notation.thought(edges, self._start) + state.places[1:])
        return asked

    def advance(self, state: Trail, reply: str) -> Trail:
        """After a step to the place named in the reply, or back."""
        return state.on(reply)

    def answer(self, state: Trail) -> str | None:
        """The flag, once there."""
        return state.here if state.here in FLAGS else None

    def told(self, state: Trail) -> str:
        """The places after the start; at a flag it is named as the answer."""
        return state.places[1:] + (f"={state.here}" if state.here in FLAGS else "")

    def done(self, state: Trail) -> bool:
        """True at a flag, and where going back from the start or very many steps show that none will be found."""
        lost = state.steps >= _LONGEST or (state.steps > 0 and len(state.places) == 1 and not state.dead)
        return state.here in FLAGS or lost


class RiverWalk:
    """A map from the inside: actions are the places this one flows into, and `<` to go back. It ends at a flag.

    Hidden, it shows the edges at the place one is at; shown, the whole map. Whoever stops before a flag has no answer.
    """

    def __init__(self, problem: Problem, format: Format) -> None:
        self._data, self._format = problem.data, format
        self._edges: tuple[Edge, ...] = tuple(problem.world["edges"])
        self.start()

    def start(self) -> Observation:
        """The start."""
        self._trail = Trail(self._data["start"])
        return self._observe(valid=True)

    def step(self, action: str) -> Observation:
        """Goes on or back; `go to b` and `b.` are `b`, and `back` is `<`."""
        way = action.strip().strip(".`").removeprefix("go to ").removeprefix("go ")
        way = BACK if normal(way) == "back" else way
        if way not in self._open():
            return self._observe(valid=False)
        self._trail = self._trail.on(way)
        return self._observe(valid=True)

    def _open(self) -> tuple[str, ...]:
        here = self._trail.here
        back = (BACK,) if len(self._trail.places) > 1 and here not in FLAGS else ()
        return (*(there for place, there in self._edges if place == here), *back)

    def _observe(self, valid: bool) -> Observation:
        here = self._trail.here
        if here in FLAGS:
            return Observation(f"This is flag {here}.", done=True, answer=here, valid=valid)
        near = tuple(edge for edge in self._edges if here in edge)
        view = self._edges if self._data["inside"] == "shown" else near
        dead = self._trail.dead if self._data["memory"] else ()
        prompt = ask_next(view, here, dead, self._format)
        return Observation(f"You are at {here}.\n{told(near)}", self._open(), prompt=prompt, valid=valid)
