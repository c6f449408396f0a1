"""What an imported file holds, whatever wrote it: samples, each an answer of a model to a problem and its grade.

The readers of this package make these, `tables` makes trials of them. Values come from elsewhere and are believed only
once they fit: the functions here say what was found, what is allowed, and where.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fourdials.errors import InputError
from fourdials.records import NOTHING

MOST_BYTES = 512 << 20  # of a file
MOST_UNPACKED = 2 << 30  # of all parts of a zip together
MOST_SAMPLES = 1_000_000
LONGEST_LINE = 32 << 20  # bytes of one line or one part
LONGEST_NAME = 200  # characters of a task, problem, model or arm
MOST_TOKENS = 10**12
NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True)
class Options:
    """What a person says about a file.

    Attributes:
        name: Name of the run; empty for the file's.
        task, model, arm: Used where the file names none.
        columns: Field → column, for JSONL with column names of its own.
        score: Name of the metric or scorer to take; empty for the first.
        filter: Name of the lm-eval filter to take; empty for the first.
    """

    name: str = ""
    task: str = ""
    model: str = ""
    arm: str = ""
    columns: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    score: str = ""
    filter: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled answer. What the file does not say is None or empty, never 0.

    Attributes:
        problem, task, model, arm: What was asked, and of whom.
        score: The grade in [0, 1]; None only together with `error`.
        answer, reply: The answer as it was graded, and the whole text it was read off.
        question, prompt, reference: The question as a person reads it, the turns (role, text) shown, the right answer.
        usd, usd_paid: Dollars at list price, and as charged.
        error: What kept it from being answered or graded: then it counts nowhere.
        choices: Number of answers to choose from, where that is known.
    """

    problem: str
    task: str
    model: str
    arm: str
    score: float | None
    answer: str | None = None
    reply: str | None = None
    question: str = ""
    prompt: Sequence[tuple[str, str]] = ()
    reference: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    usd: float | None = None
    usd_paid: float | None = None
    latency_s: float | None = None
    started_at: float | None = None
    finish_reason: str | None = None
    cluster: str = ""
    difficulty: float = 0.0
    choices: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """All samples of a file, when they were made (seconds since the epoch; None if it does not say), and what a reader
    should know of how they were read."""

    samples: Sequence[Sample]
    created_at: float | None = None
    notes: Sequence[str] = ()


def lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSONL file with their place (`line 7`); empty lines are skipped."""
    count = 0
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(raw) > LONGEST_LINE:
                raise InputError(f"line {number} has more than {LONGEST_LINE:,} bytes")
            if not raw.strip():
                continue
            count += 1
            if count > MOST_SAMPLES:
                raise InputError(f"it has more than {MOST_SAMPLES:,} lines")
            yield f"line {number}", parsed(raw, f"line {number}")


def parsed(raw: bytes, place: str) -> dict[str, Any]:
    """The JSON object in some bytes; numbers that are none (NaN) are unknown."""
    try:
        found = json.loads(raw, parse_constant=lambda _: None)
    except RecursionError:
        raise InputError(f"{place} is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{place} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{place} holds {kind(found)}; wanted is a JSON object with named fields")
    return found


def kind(value: Any) -> str:
    """What a value is, for messages."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a truth value",
        int: "a number",
        float: "a number",
    }
    return "nothing" if value is None else names.get(type(value), "something else")


def text(value: Any) -> str | None:
    """A value as text: numbers and truth values as written in JSON, lists and objects as JSON, None as None."""
    if value is None or isinstance(value, str):
        return None if value is None else _clean(value)
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, float) else f"{value:.15g}"


def _clean(value: str) -> str:
    """Text that can be stored: half of a surrogate pair, which JSON can hold and UTF-8 cannot, is replaced."""
    return value.encode("utf-8", "replace").decode("utf-8")


def name(value: Any, what: str, place: str, default: str = "") -> str:
    """A name of a task, problem, model or arm, on one line."""
    found = " ".join((text(value) or default).split())
    if not found:
        raise InputError(f"{place} does not say which {what} it is about")
    if len(found) > LONGEST_NAME:
        raise InputError(f"{place} has a {what} of {len(found)} characters; allowed are {LONGEST_NAME}")
    return found


def score(value: Any, place: str) -> float:
    """A grade in [0, 1]: truth values, numbers, and the words graders use for them."""
    words = {"true": 1.0, "correct": 1.0, "yes": 1.0, "c": 1.0, "false": 0.0, "incorrect": 0.0, "wrong": 0.0, "no": 0.0}
    words |= {"i": 0.0, "p": 0.5, "partial": 0.5, "n": 0.0}
    found = value
    if isinstance(value, str):
        found = words.get(value.strip().lower(), value)
        try:
            found = float(found)
        except ValueError:
            known = ", ".join(sorted(words))
            raise InputError(f"{place} has the score {value[:60]!r}; allowed are 0 to 1 and {known}") from None
    if not isinstance(found, bool | int | float):
        raise InputError(f"{place} has {kind(value)} for a score; wanted is a number from 0 to 1")
    if not 0 <= found <= 1:  # also refuses NaN
        raise InputError(f"{place} has the score {found}; it must lie from 0 to 1")
    return float(found)


def whole(value: Any, what: str, place: str) -> int | None:
    """A count such as tokens; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        raise InputError(f"{place} has {str(value)[:40]} for {what}; wanted is a whole number from 0")
    return int(value)


def amount(value: Any, what: str, place: str) -> float | None:
    """Seconds or dollars, not negative; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise InputError(f"{place} has {str(value)[:40]} for {what}; wanted is a number from 0")
    return float(value)


def moment(value: Any) -> float | None:
    """A time as seconds since the epoch, from such a number or an ISO text; None if it is neither."""
    try:
        at = datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value
    except (ValueError, OverflowError, OSError):
        return None
    return float(at) if isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at < 1e11 else None
