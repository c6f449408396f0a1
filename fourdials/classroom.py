"""What a class predicts: the lesson its teacher has opened, and everybody's number, kept in the home's `class.jsonl`.

One process holds it for all its readers. Each change is one appended line, so that a restart goes on where it stopped.
A prediction is a whole number under a random name that a browser gave itself: nothing in the file says who it was.
Called by Learn.
"""

from __future__ import annotations

import re
import secrets
import statistics
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from fourdials import journal
from fourdials.errors import InputError
from fourdials.lessons import Lesson, lessons

FILE = "class.jsonl"
MOST_READERS = 400  # predictions of one lesson; a class is smaller, and a flood of them stays small
MOST_BYTES = 2_000_000  # then the file is written anew with what still counts, which is about a third of that at most
_NAME = re.compile(r"[0-9a-f]{32}")
_BROKEN = "{path} holds a line that is none of a class: {line!r}; move the file away to begin with an empty class"


@dataclass(frozen=True, slots=True)
class Question:
    """How a class stands with one lesson.

    Attributes:
        lesson: The claim's id.
        held: True while the teacher has it open and has not revealed the answer: nobody is told it yet.
        revealed: True once the teacher has revealed it.
        predictions: Random name → the number predicted: percent for a point, else the place of an option, from 0.
    """

    lesson: str
    held: bool
    revealed: bool
    predictions: Mapping[str, int]


@dataclass(slots=True)
class _State:
    revealed: bool = False
    predictions: dict[str, int] = field(default_factory=dict)
    firm: set[str] = field(default_factory=set)  # names that may have seen the answer, so cannot change theirs


@dataclass(frozen=True, slots=True)
class Spread:
    """Between `low` and `high` lies the middle half of some numbers, in their unit; `middle` is the median."""

    low: float
    middle: float
    high: float


def spread(values: Sequence[int]) -> Spread | None:
    """The quartiles of numbers, by linear interpolation between neighbours; None for fewer than four."""
    if len(values) < 4:
        return None
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def new_name() -> str:
    """A random name for a reader who has none yet: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def options(lesson: Lesson) -> int:
    """How many values a prediction can have: 0 to 100 percent for a point, else the lesson's options."""
    return 101 if lesson.predict.kind == "point" else len(lesson.predict.options)


class Classroom:
    """A class and its predictions. Any thread may call it."""

    def __init__(self, path: Path) -> None:
        """Reads what is there. Raises InputError if a line of the file is damaged."""
        self._path, self._lock = path, threading.Lock()
        self._states: dict[str, _State] = {}
        self._current: str | None = None
        self._changes = 0
        if path.exists():
            for line in journal.lines(path):
                self._take(line)
            if not path.read_bytes().endswith(b"\n"):
                self._write_anew()

    @property
    def changes(self) -> int:
        """A number that grows with every change."""
        return self._changes

    @property
    def current(self) -> str | None:
        """The id of the lesson that the teacher has open, or None."""
        return self._current

    def question(self, lesson: str) -> Question:
        """How the class stands with a lesson; without predictions if nobody has made one."""
        with self._lock:
            state = self._states.get(lesson, _State())
            return Question(lesson, self._held(lesson), state.revealed, dict(state.predictions))

    def open(self, lesson: str) -> None:
        """Opens a lesson to the class, and closes another that was open. Raises InputError if there is no such one."""
        self._do({"k": "opened", "lesson": _known(lesson)})

    def close(self) -> None:
        """Leaves no lesson open."""
        self._do({"k": "closed"})

    def reveal(self, lesson: str) -> None:
        """Ends the predictions of a lesson: from now on everybody is told the answer."""
        self._do({"k": "revealed", "lesson": _known(lesson)})

    def reset(self, lesson: str) -> None:
        """Forgets the predictions of a lesson, and that it was revealed: for the next class."""
        self._do({"k": "reset", "lesson": _known(lesson)})

    def predict(self, lesson: str, who: str, value: int) -> bool:
        """Counts a reader's prediction, in the place of an earlier one.

        A point is held within 0 to 100 percent. While the lesson is held it may be changed; otherwise the first one
        stands, since its reader is told the answer at once.

        Args:
            lesson: The claim's id.
            who: The random name of the reader's browser.
            value: Percent, or the place of an option.

        Returns False if it does not count: the answer was revealed, or this reader told it, or the class is full.
        Raises InputError for a lesson, name, or value that cannot be.
        """
        count = options(lessons()[_known(lesson)])
        if not _NAME.fullmatch(who):
            raise InputError("a reader's name is 32 hexadecimal digits; reload the page to get one")
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(f"got {value!r} as a prediction; it is a whole number")
        if lessons()[lesson].predict.kind == "point":
            value = min(max(value, 0), 100)
        elif not 0 <= value < count:
            raise InputError(f"got option {value}; there are {count}, counted from 0")
        with self._lock:
            state = self._states.get(lesson, _State())
            if state.revealed or who in state.firm:
                return False
            if who not in state.predictions and len(state.predictions) >= MOST_READERS:
                return False
            line = {"k": "prediction", "lesson": lesson, "who": who, "value": value, "firm": not self._held(lesson)}
            if state.predictions.get(who) != value:
                self._append(line)
        return True

    def _held(self, lesson: str) -> bool:
        return lesson == self._current and not self._states.get(lesson, _State()).revealed

    def _do(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._append(line)

    def _append(self, line: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            size = file.tell()
        self._take(line)
        if size > MOST_BYTES:
            self._write_anew()

    def _take(self, line: Mapping[str, Any]) -> None:
        """Brings the state up to date with a line; a line of a lesson that is gone counts for nothing."""
        kind, lesson = line.get("k"), line.get("lesson")
        if kind not in ("opened", "closed", "revealed", "reset", "prediction"):
            raise InputError(_BROKEN.format(path=self._path, line=dict(line)))
        self._changes += 1
        if kind in ("opened", "closed") and self._current is not None and self._current != lesson:
            left = self._states.setdefault(self._current, _State())
            left.firm.update(left.predictions)
            self._current = None
        if kind == "closed" or not isinstance(lesson, str) or lesson not in lessons():
            return
        state = self._states.setdefault(lesson, _State())
        if kind == "opened":
            self._current = lesson
        elif kind == "revealed":
            state.revealed = True
        elif kind == "reset":
            self._states[lesson] = _State()
        else:
            who, value = line.get("who"), line.get("value")
            fits = isinstance(who, str) and _NAME.fullmatch(who) and isinstance(value, int)
            if not fits or not 0 <= value < options(lessons()[lesson]):  # type: ignore[operator]
                raise InputError(_BROKEN.format(path=self._path, line=dict(line)))
            state.predictions[who] = value  # type: ignore[index, assignment]
            if line.get("firm"):
                state.firm.add(who)  # type: ignore[arg-type]

    def _lines(self) -> Iterator[dict[str, Any]]:
        """The shortest history that leads to where things stand."""
        for lesson, state in self._states.items():
            for who, value in state.predictions.items():
                yield {"k": "prediction", "lesson": lesson, "who": who, "value": value, "firm": who in state.firm}
            if state.revealed:
                yield {"k": "revealed", "lesson": lesson}
        if self._current is not None:
            yield {"k": "opened", "lesson": self._current}

    def _write_anew(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in self._lines()))
        fresh.replace(self._path)


def _known(lesson: str) -> str:
    if lesson not in lessons():
        raise InputError(f"there is no lesson {lesson!r}; there are {', '.join(lessons())}")
    return lesson
