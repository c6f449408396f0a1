"""Keys hidden in rooms of a house, one after the other, each with a note that hints where: the warm-up for acting.

A room is tried per step. With memory the harness takes rooms off the list that were tried for this key; without it a
player may try the same room forever. Asked with everything given, all notes are shown at once.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fourdials.grading import normal
from fourdials.plugins import Evidence, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Observation, Problem, Prompt
from fourdials.tasks._asking import MARK, chat, distinct, line, most_frequent, refusal, require
from fourdials.tasks._familiar import ROOM_SHOTS, ROOMS

OFFERED: tuple[Access, ...] = ("given", "environment")
_ACTION_MARK = "Action:"


class Params(BaseModel):
    """Parameters of `note_house`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        (3,), min_length=1, max_length=12, description="Keys to find; the problems take these in turn."
    )
    rooms: int = Field(8, ge=2, le=len(ROOMS), description="Rooms of the house.")
    memory: bool = Field(True, description="Leave out the rooms that were tried for the present key.")


INFO = TaskInfo(
    title="House of notes",
    summary="Find keys in the rooms of a house; a note hints where each is. A hint understood saves steps, and trying "
    "room after room gets there too.",
    offers={"chat": frozenset({"given", "environment"}), "completion": frozenset({"given", "environment"})},
    difficulty="keys",
    context_tokens=400,
)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` houses."""
    return distinct(count, lambda *place: _problem(params, seed, *place), "raise keys or rooms")


def _problem(params: Params, seed: int, number: int, attempt: int) -> Problem:
    keys = params.keys[number % len(params.keys)]
    rng = random.Random(f"note_house:{seed}:{number}:{keys}:{params.rooms}:{attempt}")
    rooms = tuple(rng.sample(sorted(ROOMS), params.rooms))
    places = tuple(rng.choice(rooms) for _ in range(keys))
    notes = tuple(f"The key is {rng.choice(ROOMS[place])}." for place in places)
    reference = ", ".join(places)
    name = f"{seed}-{number}"
    return Problem(
        task="note_house",
        problem_id=name,
        cluster_id=name,
        difficulty=keys,
        text="Find the keys of the house one after the other: in which rooms are they?",
        reference=reference,
        data=MappingProxyType({"rooms": rooms, "keys": keys, "notes": notes, "memory": params.memory}),
        world=MappingProxyType({"places": places, "notes": notes}),
        truths=MappingProxyType({"answer": reference, **{f"key:{nth}": place for nth, place in enumerate(places)}}),
        oracle_steps=keys,
    )


def _lines(rooms: Sequence[str], note: str) -> str:
    return f"Rooms: {', '.join(rooms)}\nNote: {note}\nGo to:"


_SHOT_ROOMS = tuple(ROOM_SHOTS)
_SHOTS = "".join(f"{_lines(_SHOT_ROOMS, f'The key is {hint}.')} {room}\n\n" for room, hint in ROOM_SHOTS.items())


class HouseEnvironment:
    """A house from the inside: each action is a room. The key that is found brings the next note; the last one ends it.

    Whoever stops earlier answers with the rooms of the keys found so far.
    """

    def __init__(self, problem: Problem, format: Format) -> None:
        self._places: tuple[str, ...] = tuple(problem.world["places"])
        self._notes: tuple[str, ...] = tuple(problem.world["notes"])
        self._rooms: tuple[str, ...] = tuple(problem.data["rooms"])
        self._memory, self._format = bool(problem.data["memory"]), format
        self.start()

    def start(self) -> Observation:
        """The first note."""
        self._found = 0
        self._tried: set[str] = set()
        self._place = "start"
        return self._observe("", valid=True)

    def step(self, action: str) -> Observation:
        """Goes to a room and takes the key if it is there; `go to the pool` and `Pool.` are `pool`."""
        room = normal(action).removeprefix("go to ").removeprefix("the ")
        if room not in self._open():
            return self._observe("", valid=False)
        if room != self._places[self._found]:
            self._tried.add(room)
            self._place = f"no key {self._found + 1} in the {room}"
            return self._observe(f"There is no key in the {room}.\n", valid=True)
        self._found += 1
        self._tried = set()
        self._place = f"key {self._found} found"
        return self._observe(f"Key {self._found} is in the {room}.\n", valid=True)

    def _open(self) -> tuple[str, ...]:
        if self._found == len(self._places):
            return ()
        return tuple(room for room in self._rooms if not (self._memory and room in self._tried))

    def _observe(self, happened: str, valid: bool) -> Observation:
        answer = ", ".join(self._places[: self._found]) or None
        if self._found == len(self._places):
            return Observation(
                f"{happened}All keys are found.", done=True, answer=answer, valid=valid, place=self._place
            )
        note = self._notes[self._found]
        prompt = self._prompt(note, self._open())
        text, rooms = f"{happened}Note: {note}", self._open()
        # Whichever room holds the last key ends it, and a player cannot know which that is.
        closing = rooms if self._found == len(self._places) - 1 else ()
        return Observation(
            text, rooms, answer=answer, prompt=prompt, valid=valid, closing=closing, place=self._place
        )  # fmt: skip

    def _prompt(self, note: str, rooms: tuple[str, ...]) -> Prompt:
        key = f"key:{self._found}"
        if self._format == "completion":
            return line(_SHOTS + _lines(rooms, note), "choice", 6, choices=rooms, key=key)
        text = (
            f"You look for key {self._found + 1} of {len(self._places)} in a house. A note says: {note}\n"
            f"Which room do you try? Rooms open to you: {', '.join(rooms)}. "
            f"End with a line `{_ACTION_MARK}` and one of them."
        )
        return chat(text, "choice", 200, choices=rooms, key=key, mark=_ACTION_MARK)


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference; the notes are shown only where they are given."""
    require("note_house", access, OFFERED)
    data = problem.data
    notes = list(data["notes"]) if access == "given" else []
    listed = "\n".join(f"Note {nth}: {note}" for nth, note in enumerate(notes, 1))
    shown = f"Rooms: {', '.join(data['rooms'])}\n{listed}".rstrip()
    text = f"{shown}\n\n{problem.text} There are {data['keys']}, and two may be in one room."
    if format == "chat":
        answer = chat(f"{text}\nReply with the rooms only, in order, such as `bank, stable, bank`.", "text", 64)
    else:
        hints = "\n".join(f"Note {nth}: The key is {hint}." for nth, hint in enumerate(ROOM_SHOTS.values(), 1))
        worked = f"Rooms: {', '.join(_SHOT_ROOMS)}\n{hints}\nGo to: {', '.join(ROOM_SHOTS)}\n\n"
        answer = line(f"{worked}{shown}\nGo to:", "text", 8 + 4 * data["keys"])
    return Question(problem.problem_id, "note_house", access, format, text, answer, answer_mark=MARK)


_NOTE = re.compile(r"Note(?: \d+)?: ([^\n]+?\.)(?=\s|$)")
_FOUND = re.compile(r"\bKey (\d+) is in the (\w[\w ]*)\.")
_EMPTY = re.compile(r"There is no key in the (\w[\w ]*)\.")


def evidence(problem: Problem) -> Evidence:
    """Where each key is, which note there is now, and by which note a room holds no key; the path are the notes."""
    places, notes = problem.world["places"], problem.world["notes"]
    facts = {f"key {nth}": (place,) for nth, place in enumerate(places, 1)}
    facts["note"] = tuple(notes)
    for place, note in zip(places, notes, strict=True):
        facts |= {f"{room}: {note}": ("a key" if room == place else "no key",) for room in problem.data["rooms"]}
    return Evidence(tuple(notes), MappingProxyType(facts), _stated)


def _stated(text: str) -> list[tuple[str, str]]:
    notes = _NOTE.findall(text)
    found = [(f"key {nth}", room) for nth, room in _FOUND.findall(text)]
    empty = [(f"{room}: {notes[-1]}", "no key") for room in _EMPTY.findall(text) if notes]
    return [*found, *empty, *(("note", note) for note in notes[-1:])]


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the rooms are those of all keys in order. The evidence counts the keys placed right up to the first
    mistake, and gives the fewest steps that find all (`oracle_steps`)."""
    given = _rooms(answer)
    places = list(problem.world["places"])
    found = next((nth for nth, place in enumerate(places) if given[nth : nth + 1] != [place]), len(places))
    right = given == places
    evidence = {"keys_right": found, "keys": len(places), "oracle_steps": len(places)}
    return Grade(float(right), "correct" if right else "wrong", evidence)


def ballot(problem: Problem, answer: str) -> str:
    """The rooms in order."""
    return ", ".join(_rooms(answer))


def _rooms(answer: str) -> list[str]:
    return [normal(room).removeprefix("the ") for room in answer.split(",")]


def chance(problem: Problem) -> float:
    """A room guessed for each key."""
    return float((1 / len(problem.data["rooms"])) ** int(problem.data["keys"]))


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("note_house", "search", OFFERED)


def environment(problem: Problem, format: Format) -> HouseEnvironment:
    """The house from the inside."""
    return HouseEnvironment(problem, format)
