"""A maze of rooms with a treasure to be reached: seen one room at a time, or all of it (the twin of the same seed).

Asked with everything given, it wants the way as a list of directions; from the inside, one direction per step, and a
`stop` to say that this is the place. Rooms seen are remembered in the prompt, unless memory is turned off. The shortest
way is known and stands in the evidence.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fourdials.grading import normal
from fourdials.plugins import Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Observation, Problem, Prompt
from fourdials.tasks._asking import MARK, THINK, chat, line, most_frequent, refusal, require
from fourdials.tasks._vocabulary import OBJECTS

OFFERED: tuple[Access, ...] = ("given", "environment")
STEPS = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}
_DIRECTION = re.compile(r"\b(north|east|south|west)\b", re.IGNORECASE)
_ACTION_MARK = "Action:"
STOP = "stop"
Rooms = Mapping[str, Mapping[str, str]]  # for every room, where its doors lead


class Params(BaseModel):
    """Parameters of `maze`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizes: tuple[Annotated[int, Field(ge=2, le=8)], ...] = Field(
        (2, 3, 4), min_length=1, max_length=16, description="Rooms on a side; the problems take these in turn."
    )
    loops: float = Field(0.15, ge=0, le=1, description="Share of the walls that would close a loop to be opened.")
    observed: Literal["partial", "full"] = Field(
        "partial", description="What the inside shows: the room one is in, or the whole map (the fully observed twin)."
    )
    memory: bool = Field(True, description="Keep the rooms seen so far in the prompt of a partially observed maze.")
    finish: Literal["claim", "arrive"] = Field(
        "claim", description="It ends when the player says `stop`, wherever that is; or with arrival at the treasure."
    )


INFO = TaskInfo(
    title="Maze",
    summary="Find the treasure in a maze of rooms, seen from the inside one room at a time or as a whole map. With the "
    "map it is a matter of thought, without it only steps find out what lies behind a door.",
    offers={
        "chat": frozenset({"given", "environment", "think"}),
        "completion": frozenset({"given", "environment"}),
    },
    difficulty="steps on the shortest way",
    context_tokens=800,
)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` mazes; one seen in part and its twin are the same maze, share a cluster and are different problems."""
    return [_problem(params, number, seed) for number in range(count)]


def _problem(params: Params, number: int, seed: int) -> Problem:
    view = params.observed
    size = params.sizes[number % len(params.sizes)]
    # Neither the view nor the memory is in the seed: twins are the same maze.
    rng = random.Random(f"maze:{seed}:{number}:{size}:{params.loops}")
    rooms = _build(size, params.loops, rng)
    start, goal = rng.sample(sorted(rooms), 2)
    ways = _ways(rooms, goal)
    path, here = [], start
    while here != goal:
        path.append(ways[here])
        here = rooms[here][ways[here]]
    reference = " ".join(path)
    return Problem(
        task="maze",
        problem_id=f"{seed}-{number}-{view}",
        cluster_id=f"{seed}-{number}",
        difficulty=len(path),
        text=f"Start in the {start} room. Find the way to the treasure.",
        reference=reference,
        data=MappingProxyType(
            {"start": start, "goal": goal, "view": view, "memory": params.memory, "map": _map(rooms)}
            | {"finish": params.finish}
        ),
        world=MappingProxyType({"rooms": rooms, "distance": len(path)}),
        truths=MappingProxyType(
            {"answer": reference, f"in:{goal}": STOP, **{f"in:{room}": way for room, way in ways.items()}}
        ),
        oracle_steps=len(path) + (params.finish == "claim"),
    )


def _build(size: int, loops: float, rng: random.Random) -> dict[str, dict[str, str]]:
    """A maze on a square: a random tree of doors, and some more that close loops."""
    cells = [(row, column) for row in range(size) for column in range(size)]
    names = dict(zip(cells, rng.sample(OBJECTS, len(cells)), strict=True))
    walls = [(cell, way) for cell in cells for way in ("east", "south") if _beside(cell, way) in names]
    rng.shuffle(walls)
    part = {cell: cell for cell in cells}
    rooms: dict[str, dict[str, str]] = {names[cell]: {} for cell in cells}
    back = {"east": "west", "south": "north"}
    for cell, way in walls:
        there = _beside(cell, way)
        if part[cell] == part[there] and rng.random() >= loops:
            continue
        joined, gone = part[cell], part[there]
        part = {one: joined if root == gone else root for one, root in part.items()}
        rooms[names[cell]][way] = names[there]
        rooms[names[there]][back[way]] = names[cell]
    return {room: {way: doors[way] for way in STEPS if way in doors} for room, doors in rooms.items()}


def _beside(cell: tuple[int, int], way: str) -> tuple[int, int]:
    return cell[0] + STEPS[way][0], cell[1] + STEPS[way][1]


def _ways(rooms: Rooms, goal: str) -> dict[str, str]:
    """For every other room, the first direction of a shortest way to the goal."""
    distance, edge = {goal: 0}, [goal]
    while edge:
        here = edge.pop(0)
        for there in rooms[here].values():
            if there not in distance:
                distance[there] = distance[here] + 1
                edge.append(there)
    return {
        room: next(way for way, there in doors.items() if distance[there] < distance[room])
        for room, doors in rooms.items()
        if room != goal
    }


def _doors(room: str, doors: Mapping[str, str | None]) -> str:
    """`owl: north fox, east ?`: a room and where its doors lead, as far as that is known."""
    return f"{room}: " + ", ".join(f"{way} {there or '?'}" for way, there in doors.items())


def _map(rooms: Rooms) -> tuple[str, ...]:
    return tuple(_doors(room, doors) for room, doors in rooms.items())


class MazeEnvironment:
    """The maze from the inside. Actions are the directions of the open doors and, unless arrival at the treasure ends
    it, `stop`, which ends it anywhere.

    The answer is the directions taken so far, however it ends. A partially observed room shows its doors, and where
    they lead once that was seen; the full view shows the map with the treasure.
    """

    def __init__(self, problem: Problem, format: Format) -> None:
        self._data, self._format = problem.data, format
        self._rooms: Rooms = problem.world["rooms"]
        self._claims = problem.data["finish"] == "claim"
        self.start()

    def start(self) -> Observation:
        """The first room."""
        self._here: str = self._data["start"]
        self._taken: list[str] = []
        self._stopped = False
        self._seen: dict[str, dict[str, str | None]] = {}
        self._look()
        return self._observe(valid=True)

    def step(self, action: str) -> Observation:
        """Goes through a door, or stops; `go north` and `North.` are `north`."""
        way = normal(action).removeprefix("go ")
        if way == STOP and self._claims and not self._done:
            self._stopped = True
            return self._observe(valid=True)
        if self._done or way not in self._rooms[self._here]:
            return self._observe(valid=False)
        before, self._here = self._here, self._rooms[self._here][way]
        self._taken.append(way)
        self._look()
        self._seen[before][way] = self._here
        back = next(out for out, there in self._rooms[self._here].items() if there == before)
        self._seen[self._here][back] = before
        return self._observe(valid=True)

    def _look(self) -> None:
        self._seen.setdefault(self._here, dict.fromkeys(self._rooms[self._here]))

    @property
    def _done(self) -> bool:
        return self._stopped or (self._arrived and not self._claims)

    @property
    def _arrived(self) -> bool:
        return bool(self._here == self._data["goal"])

    def _observe(self, valid: bool) -> Observation:
        known = _doors(self._here, self._seen[self._here])
        text = f"{known}\nThe treasure is here." if self._arrived else known
        answer = " ".join(self._taken) or None
        if self._done:
            place = f"{self._here}, stopped" if self._stopped else self._here
            return Observation(text, done=True, answer=answer, valid=valid, place=place)
        closing = (STOP,) if self._claims else ()
        actions = tuple(self._rooms[self._here]) + closing
        prompt = self._prompt(known, actions)
        return Observation(
            text, actions, answer=answer, prompt=prompt, valid=valid, closing=closing, place=self._here
        )  # fmt: skip

    def _prompt(self, known: str, actions: tuple[str, ...]) -> Prompt:
        full, key = self._data["view"] == "full", f"in:{self._here}"
        others = [_doors(room, doors) for room, doors in self._seen.items() if room != self._here]
        above = list(self._data["map"]) if full else others if self._data["memory"] else []
        goal = self._data["goal"] if full else "treasure"
        if self._format == "completion":
            found = [f"treasure in {self._here}"] if self._arrived and not full else []
            text = "\n".join([*above, *found, f"{known}\nfrom {self._here} to {goal} go"])
            return line(text, "choice", 4, choices=actions, key=key)
        hidden = "The treasure is in this room." if self._arrived else "Where the treasure is, nobody knows."
        place = f"The treasure is in the {goal} room." if full else hidden
        end = f" When you are there, the action is `{STOP}`." if self._claims else ""
        title = "The map:" if full else "Rooms seen before:"
        seen = f"{title}\n" + "\n".join(above) + "\n\n" if above else ""
        went = f"Steps so far: {' '.join(self._taken) or 'none'}"
        text = (
            f"You are in a maze and want to reach a treasure. {place}{end}\n\n{seen}{went}\n"
            f"This room, with its doors: {known}\n\nWhich way? Actions open to you: {', '.join(actions)}. "
            f"End with a line `{_ACTION_MARK}` and one of them."
        )
        return chat(text, "choice", 400, choices=actions, key=key, mark=_ACTION_MARK)


# A line of its own maze: what the answer looks like. Its rooms never occur in a problem.
_SHOTS = """\
ink: east mug
mug: south pan, west ink
pan: north mug
from ink to pan go: east south
jar: south rug
rug: north jar, east toe
toe: west rug
from toe to jar go: west north
"""


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference; the map is shown where it is given, and inside the twin."""
    require("maze", access, OFFERED)
    data = problem.data
    shown = access == "given" or data["view"] == "full"
    rooms = "\n".join(data["map"]) if shown else ""
    place = f"The rooms and where their doors lead:\n{rooms}\nThe treasure is in the {data['goal']} room.\n\n"
    text = f"{place if shown else ''}{problem.text}"
    asked = "Which directions lead there, in order?"
    if format == "completion":
        goal = data["goal"] if shown else "treasure"
        above = f"{_SHOTS}{rooms}\n" if shown else _SHOTS
        answer, think = line(f"{above}from {data['start']} to {goal} go:", "text", 96), None
    else:
        answer = chat(f"{text}\n{asked} Reply with them only, such as `east south`.", "text", 256)
        think = chat(f"{text}\n{asked}\n{THINK} the directions, such as `{MARK} east south`.", "text", 2048)
    return Question(problem.problem_id, "maze", access, format, text, answer, think, MARK)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the directions lead through open doors to the treasure, and end there; any way will do.

    The evidence counts the `steps` taken before the first closed door (or to the end), those of the shortest way
    (`oracle_steps`), and `revisits` of rooms; `blocked` says whether a door was closed.
    """
    rooms: Rooms = problem.world["rooms"]
    here = problem.data["start"]
    ways = _directions(answer)
    visited = [here]
    for way in ways:
        if way not in rooms[here]:
            break
        here = rooms[here][way]
        visited.append(here)
    blocked = len(visited) <= len(ways)
    right = here == problem.data["goal"] and not blocked
    evidence = {
        "steps": len(visited) - 1,
        "oracle_steps": problem.world["distance"],
        "revisits": len(visited) - len(set(visited)),
        "blocked": blocked,
    }
    return Grade(float(right), "correct" if right else "wrong", evidence)


def ballot(problem: Problem, answer: str) -> str:
    """The directions; two ways to the treasure are two answers."""
    return " ".join(_directions(answer)) or normal(answer)


def _directions(answer: str) -> list[str]:
    return [way.casefold() for way in _DIRECTION.findall(answer)]


def chance(problem: Problem) -> float:
    """0.0: the possible ways cannot be listed."""
    return 0.0


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("maze", "search", OFFERED)


def environment(problem: Problem, format: Format) -> MazeEnvironment:
    """The maze from the inside, from its start on."""
    return MazeEnvironment(problem, format)
