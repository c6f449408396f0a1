"""Tasks small enough for a small model: capitals, adding one, sorting digits, categories, running sums, counting.

Eight short lines of worked examples, continued by the model: a raw completion where it can, chat turns where it must.
The last two kinds have a chain of steps; of the others a chain is the one question itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fourdials.errors import InputError
from fourdials.grading import normal
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Message, Problem, Prompt, Reads
from fourdials.tasks._asking import most_frequent, refusal, require
from fourdials.tasks._familiar import CAPITAL_SHOTS, CAPITALS, CATEGORIES, CATEGORY_SHOTS, MORE_WORDS

Kind = Literal["capital", "increment", "sort", "category", "running_sum", "category_count"]
KINDS = tuple(CATEGORIES)
WORDS = {word: name for listed in (CATEGORIES, MORE_WORDS) for name, words in listed.items() for word in words}


class Params(BaseModel):
    """Parameters of `warmup`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(
        "capital",
        description="`capital` of a country or land, `increment` (one more), `sort` digits, `category` of a word, "
        "`running_sum` of small changes, `category_count`: how many words of a list are of one kind.",
    )
    lengths: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        (1, 2, 4, 8),
        min_length=1,
        max_length=32,
        description="running_sum: changes, category_count: words; the problems take these in turn.",
    )
    digits: int = Field(
        0, ge=0, le=9, description="increment: digits of the number (0: two); sort: digits to sort (0: three)."
    )


INFO = TaskInfo(
    title="Warm-up",
    summary="Capitals, adding one, sorting, categories, running sums and counting: where a model of a hundred million "
    "parameters is neither at its floor nor at its ceiling.",
    offers={"chat": frozenset({"given", "steps"}), "completion": frozenset({"given", "steps"})},
    difficulty="digits, changes or words; 1 for capitals and categories",
    context_tokens=300,
)


@dataclass(frozen=True, slots=True)
class _Wording:
    """How one kind asks: its worked examples, the line to continue, the same in words, and how the reply is read."""

    shots: tuple[str, ...]
    cue: Callable[[str], str]
    ask: Callable[[str], str]
    reads: Reads
    choices: tuple[str, ...] = ()


# The shots are pinned: step arithmetic swung from .03 to .60 over three sets of them.
_STEP_SUMS = ("4 + 2 = 6", "5 + 1 = 6", "9 + 1 = 10", "5 + 2 = 7", "7 + 2 = 9", "4 + 2 = 6")
_INCREMENTS = (63, 17, 48, 29, 80, 35, 91, 54)
_SORTS = ("243", "981", "165", "732", "519", "846", "374", "628")
_LISTS = (
    ("fruit in cow, peach", 1),
    ("tool in screwdriver", 1),
    ("color in nose, bus, sofa", 0),
    ("animal in cow, scarf, purple, cow", 2),
    ("fruit in peach, peach, bus, peach", 3),
    ("body in scarf", 0),
    ("vehicle in bus, bus", 2),
    ("clothes in sofa, scarf, nose, cow", 1),
)


def _sorted(digits: str) -> str:
    return " ".join(sorted(digits.replace(" ", "")))


def _wording(kind: str, digits: int = 2) -> _Wording:
    if kind == "capital":
        shots = tuple(f"{country}: {capital}" for country, capital in CAPITAL_SHOTS.items())
        return _Wording(shots, "{}:".format, "What is the capital of {}?".format, "text")
    if kind == "increment":
        numbers = _increment_shots(digits)
        return _Wording(tuple(f"{n}+1={n + 1}" for n in numbers), "{}+1=".format, "What is {}+1?".format, "number")
    if kind == "sort":
        shots = tuple(f"{' '.join(shot)} -> {_sorted(shot)}" for shot in _sort_shots(digits))
        return _Wording(shots, "{} ->".format, "Sort these digits, smallest first: {}".format, "text")
    if kind == "category":
        shots = tuple(f"{word} -> {name}" for word, name in CATEGORY_SHOTS.items())
        return _Wording(shots, "{} ->".format, "What kind of thing is this: {}?".format, "choice", KINDS)
    if kind == "step":
        return _Wording(_STEP_SUMS, "{} =".format, "What is {}?".format, "number")
    if kind == "running_sum":
        shots = ("4 + 2 = 6", "5 + 1 + 2 = 8", "9 - 1 = 8", "3 + 1 - 1 + 2 = 5", "7 + 2 + 2 = 11", "6 - 1 - 1 = 4")
        return _Wording(shots, "{} =".format, "What is {}?".format, "number")
    shots = tuple(f"{listed}: {number}" for listed, number in _LISTS)
    return _Wording(shots, "{}:".format, "How many of these are of the kind named: {}?".format, "number")


def _increment_shots(digits: int) -> tuple[int, ...]:
    if digits <= 1:
        return (3, 8)
    if digits == 2:
        return _INCREMENTS
    return tuple(n * 10 ** (digits - 2) + n * 7_305_617 % 10 ** (digits - 2) for n in _INCREMENTS)


def _sort_shots(digits: int) -> tuple[str, ...]:
    """The pinned shots of three digits, or made from them."""
    return tuple((shot * 3)[:digits] if digits > 3 else shot[:digits] for shot in _SORTS)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` distinct questions of one kind, none of them a worked example. Raises InputError if there are fewer."""
    found: dict[str, Problem] = {}
    for item in _items(params, random.Random(f"warmup:{seed}:{params!r}")):
        if len(found) >= count:
            break
        if item not in found:
            found[item] = _problem(params, item, f"{params.kind}-{seed}-{len(found)}")
    if len(found) < count:
        raise InputError(
            f"warmup has only {len(found)} distinct problems with kind = {params.kind} and these parameters, where "
            f"{count} are wanted; ask for fewer, or raise digits or lengths"
        )
    return list(found.values())


def _items(params: Params, rng: random.Random) -> Iterator[str]:
    """What is asked about, in random order; it ends where no more are to be found."""
    kind = params.kind
    if kind in ("capital", "category"):
        names = sorted(CAPITALS if kind == "capital" else WORDS)
        yield from rng.sample(names, len(names))
        return
    digits = _digits(params)
    for number in range(20_000):
        length = params.lengths[number % len(params.lengths)]
        if kind == "increment":
            item = rng.randrange(10 ** (digits - 1), 10**digits)
            if item not in _increment_shots(digits):
                yield str(item)
        elif kind == "sort":
            item_digits = "".join(rng.sample("123456789", digits))
            if item_digits not in _sort_shots(digits) and item_digits != "".join(sorted(item_digits)):
                yield " ".join(item_digits)
        elif kind == "running_sum":
            changes = " ".join(rng.choice(("+ 1", "+ 2", "- 1")) for _ in range(length))
            yield f"{rng.randint(3, 9)} {changes}"
        else:
            wanted = rng.choice(KINDS)
            words = [rng.choice(CATEGORIES[wanted if rng.random() < 0.4 else rng.choice(KINDS)]) for _ in range(length)]
            yield f"{wanted} in {', '.join(words)}"


def _digits(params: Params) -> int:
    return max(params.digits or (3 if params.kind == "sort" else 2), 2 if params.kind == "sort" else 1)


def _right(kind: str, item: str) -> str:
    if kind == "capital":
        return CAPITALS[item]
    if kind == "increment":
        return str(int(item) + 1)
    if kind == "sort":
        return _sorted(item)
    if kind == "category":
        return WORDS[item]
    if kind == "running_sum":
        start, changes = _split_sum(item)
        return str(start + sum(changes))
    wanted, words = _split_list(item)
    return str(sum(WORDS[word] == wanted for word in words))


def _split_sum(item: str) -> tuple[int, tuple[int, ...]]:
    start, *parts = item.split()
    return int(start), tuple(int(sign + size) for sign, size in zip(parts[::2], parts[1::2], strict=True))


def _split_list(item: str) -> tuple[str, tuple[str, ...]]:
    wanted, _, words = item.partition(" in ")
    return wanted, tuple(words.split(", "))


def _length(kind: str, item: str) -> int:
    if kind in ("capital", "category"):
        return 1
    if kind == "running_sum":
        return len(_split_sum(item)[1])
    return len(_split_list(item)[1]) if kind == "category_count" else len(item.replace(" ", ""))


@dataclass(frozen=True, slots=True)
class _Truths(Mapping[str, str]):
    """Right replies by key; those of a sum's steps are worked out for whatever sum a player has got to."""

    kind: str
    item: str

    def __getitem__(self, key: str) -> str:
        if key == "answer":
            return _right(self.kind, self.item)
        kind, _, asked = key.partition(":")
        if kind == "kind" and asked in WORDS:
            return WORDS[asked]
        if kind == "sum" and asked.split()[0].removeprefix("-").isdecimal():
            start, changes = _split_sum(asked)
            return str(start + sum(changes))
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("answer",))

    def __len__(self) -> int:
        return 1


def _problem(params: Params, item: str, name: str) -> Problem:
    digits = _digits(params)
    return Problem(
        task="warmup",
        problem_id=name,
        cluster_id=name,
        difficulty=_length(params.kind, item),
        text=_wording(params.kind, digits).ask(item),
        reference=_right(params.kind, item),
        data=MappingProxyType({"kind": params.kind, "item": item, "digits": digits}),
        truths=_Truths(params.kind, item),
        oracle_steps=_length(params.kind, item) if params.kind in ("running_sum", "category_count") else 1,
    )


def _prompt(wording: _Wording, item: str, format: Format, key: str) -> Prompt:
    """Worked examples and the next line; chat models get the examples in one turn and say the rest of the last line."""
    lines = "\n".join((*wording.shots, wording.cue(item)))
    if format == "completion":
        return Prompt(text=lines, choices=wording.choices, stop=("\n",), max_tokens=12, reads=wording.reads, key=key)
    listed = f", out of: {', '.join(wording.choices)}" if wording.choices else ""
    text = f"{wording.ask(item)}\nReply with the answer only{listed}. It is what ends the last of these lines:\n{lines}"
    turns = (Message("user", text),)
    return Prompt(messages=turns, choices=wording.choices, max_tokens=24, reads=wording.reads, key=key)


class WarmupSteps:
    """A change or a word per call, the harness adding up; for the other kinds, the one question. A state is the number
    of steps taken and the answer so far."""

    def __init__(self, data: Mapping[str, Any], format: Format) -> None:
        self._kind, self._item, self._format = str(data["kind"]), str(data["item"]), format
        self._digits = int(data["digits"])
        self._parts: tuple[str, ...] = (self._item,)
        if self._kind == "running_sum":
            self._parts = tuple(f"{'-' if change < 0 else '+'} {abs(change)}" for change in _split_sum(self._item)[1])
        elif self._kind == "category_count":
            self._parts = _split_list(self._item)[1]

    def first(self) -> tuple[int, str]:
        """No step taken; a sum stands at its start, a count at 0."""
        start = str(_split_sum(self._item)[0]) if self._kind == "running_sum" else ""
        return 0, "0" if self._kind == "category_count" else start

    def query(self, state: tuple[int, str]) -> str:
        """What the next step asks about."""
        return f"{state[1]} {self._parts[state[0]]}".strip() if self._kind == "running_sum" else self._parts[state[0]]

    def prompt(self, state: tuple[int, str], evidence: Sequence[str] | None = None) -> Prompt:
        """One sum of two numbers, the category of one word, or the whole question."""
        asked = self.query(state)
        if self._kind == "running_sum":
            return _prompt(_wording("step"), asked, self._format, f"sum:{asked}")
        if self._kind == "category_count":
            return _prompt(_wording("category"), asked, self._format, f"kind:{asked}")
        return _prompt(_wording(self._kind, self._digits), asked, self._format, "answer")

    def advance(self, state: tuple[int, str], reply: str) -> tuple[int, str]:
        """Replaces the sum, counts the word if it is of the kind wanted, or takes the answer."""
        taken, value = state
        if self._kind == "category_count":
            reply = str(int(value) + (normal(reply) == _split_list(self._item)[0]))
        return taken + 1, reply

    def answer(self, state: tuple[int, str]) -> str | None:
        """The sum, count or answer so far; None before the first step."""
        return state[1] if state[0] else None

    def done(self, state: tuple[int, str]) -> bool:
        """True once every part was taken."""
        return state[0] >= len(self._parts)


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    require("warmup", access)
    data = problem.data
    answer = _prompt(_wording(data["kind"], data["digits"]), data["item"], format, "answer")
    steps = WarmupSteps(data, format)
    return Question(problem.problem_id, "warmup", access, format, problem.text, answer, steps=steps)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the answer is the reference, whatever its case; digits to sort may be spaced in any way."""
    right = ballot(problem, answer) == ballot(problem, str(problem.reference))
    return Grade(float(right), "correct" if right else "wrong")


def ballot(problem: Problem, answer: str) -> str:
    """The answer whatever its case; digits to sort may be spaced in any way."""
    plain = normal(answer)
    return plain.replace(" ", "").replace(",", "") if problem.data["kind"] == "sort" else plain


def chance(problem: Problem) -> float:
    """A guess among the categories, the orders of the digits or the possible counts; else 0.0."""
    kind, size = problem.data["kind"], int(problem.difficulty)
    if kind == "category":
        return 1 / len(KINDS)
    if kind == "sort":
        orders = 1
        for number in range(2, size + 1):
            orders *= number
        return 1 / orders
    return 1 / (size + 1) if kind == "category_count" else 0.0


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("warmup", "search")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError. The warm-up for acting is the task `note_house`."""
    raise refusal("warmup", "environment")
