"""Rules on rows of letters, applied one after the other, shown by examples and asked in and out of their distribution.

The examples show some compositions of two rules, at one length and in one format. A question keeps to them (`in`), or
leaves them in one respect: another length, another format, or a composition that no example shows. Source:
DataAlchemy, arXiv 2508.01191. A model met through an API has been trained on far more; that makes this a probe. The
scale model was taught the shown compositions and nothing else, so it sees no examples and reads `_letters`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fourdials.grading import normal
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Problem, Prompt
from fourdials.tasks import _letters as tight
from fourdials.tasks._asking import MARK, THINK, chat, line, most_frequent, refusal, require
from fourdials.tasks._letters import LETTERS, apply, rows

Split = Literal["in", "length", "format", "task"]
_FAR: dict[Split, int] = {"in": 0, "length": 1, "format": 2, "task": 3}
RULES = ("shift", "turn")


class Params(BaseModel):
    """Parameters of `letter_shift`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    splits: tuple[Split, ...] = Field(
        ("in", "length", "format", "task"),
        min_length=1,
        max_length=16,
        description="Where questions leave the distribution of the examples: `in` nowhere, or in length, format, or "
        "task (a composition no example shows); the problems take these in turn.",
    )
    rules: int = Field(2, ge=1, le=6, description="Rules applied one after the other.")
    length: int = Field(4, ge=2, le=12, description="Letters in each row of the examples.")
    longer: int = Field(2, ge=1, le=12, description="Letters more than that in questions that leave the length.")
    shift: int = Field(1, ge=1, le=25, description="Places in the alphabet that `shift` moves each letter.")
    turn: int = Field(1, ge=1, le=11, description="Places that `turn` moves the row to the left.")
    examples: int = Field(8, ge=2, le=64, description="Worked examples.")
    explained: bool = Field(False, description="Tell chat models what the rules do, besides the examples.")
    notation: Literal["examples", "taught"] = Field(
        "examples",
        description="How completion models are asked: shown `examples`, or as the scale model was `taught`, which sees "
        "none and reads nothing else.",
    )

    @model_validator(mode="after")
    def _turns(self) -> Params:
        if self.turn >= self.length:
            raise ValueError(f"turn must be less than length, {self.length}, or it turns the row around")
        return self

    @model_validator(mode="after")
    def _as_taught(self) -> Params:
        if self.notation == "taught" and (self.shift, self.turn) != (1, 1):
            raise ValueError(f"shift and turn are {self.shift} and {self.turn}; in the taught notation both must be 1")
        return self


INFO = TaskInfo(
    title="Letter shift",
    summary="Apply two rules to a row of letters, known from examples. Easy where the question looks like the "
    "examples; the point is what happens where it leaves them in length, format or composition.",
    offers={
        "chat": frozenset({"given", "steps", "think"}),
        "completion": frozenset({"given", "steps"}),
    },
    difficulty="how far out: 0 in distribution, 1 length, 2 format, 3 composition",
    context_tokens=800,
)


def offers(params: Params, format: Format) -> frozenset[str]:
    """What it can be used with; in the taught notation completion models think as well."""
    return INFO.offers["chat" if params.notation == "taught" else format]


@dataclass(frozen=True, slots=True)
class _Truths(Mapping[str, str]):
    """Right replies by key: the answer, and a rule applied to whatever row a player has got to."""

    answer: str
    shift: int
    turn: int

    def __getitem__(self, key: str) -> str:
        if key == "answer":
            return self.answer
        kind, _, row = key.partition(":")
        if kind not in RULES:
            raise KeyError(key)
        return " ".join(apply(kind, row, self.shift, self.turn))

    def __iter__(self) -> Iterator[str]:
        return iter(("answer",))

    def __len__(self) -> int:
        return 1


def _compositions(count: int) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Those the examples show, and those they do not: of two rules, both repeated ones against both mixed ones.

    In general the second half of all in the order of how often the rule changes; with one rule `turn` is held back.
    """
    ordered = sorted(product(RULES, repeat=count), key=lambda rules: sum(a != b for a, b in pairwise(rules)))
    half = len(ordered) // 2
    return ordered[:half], ordered[half:]


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` questions, each with examples of its own that never show its row."""
    return [_problem(params, number, seed) for number in range(count)]


def _problem(params: Params, number: int, seed: int) -> Problem:
    split = params.splits[number % len(params.splits)]
    rng = random.Random(f"letter_shift:{seed}:{number}:{params!r}")
    shown, held_back = _compositions(params.rules)
    rules = rng.choice(held_back if split == "task" else shown)
    length = params.length + (params.longer if split == "length" else 0)
    row = "".join(rng.choices(LETTERS, k=length))
    examples: list[tuple[str, tuple[str, ...], str]] = []
    while len(examples) < params.examples:
        letters = "".join(rng.choices(LETTERS, k=params.length))
        if letters != row:
            used = shown[len(examples) % len(shown)]
            examples.append((letters, used, rows(used, letters, params.shift, params.turn)[-1]))
    rng.shuffle(examples)
    reference = " ".join(rows(rules, row, params.shift, params.turn)[-1])
    name = f"{seed}-{number}-{split}"
    data = {"row": row, "rules": rules, "split": split, "examples": tuple(examples), "explained": params.explained}
    data["notation"] = params.notation
    return Problem(
        task="letter_shift",
        problem_id=name,
        cluster_id=name,
        difficulty=_FAR[split],
        text=_cue(row, rules, split == "format"),
        reference=reference,
        data=MappingProxyType({**data, "shift": params.shift, "turn": params.turn}),
        truths=_Truths(reference, params.shift, params.turn),
        oracle_steps=len(rules),
    )


def _cue(row: str, rules: Sequence[str], other_format: bool = False) -> str:
    """`A B C D [shift] [turn] ->`, or in the other format `shift, turn: A/B/C/D =`."""
    if other_format:
        return f"{', '.join(rules)}: {'/'.join(row)} ="
    return f"{' '.join(row)} {' '.join(f'[{rule}]' for rule in rules)} ->"


def _explanation(shift: int, turn: int) -> str:
    return (
        f"[shift] replaces every letter by the one {shift} later in the alphabet (A follows Z); [turn] moves the first "
        f"{turn} of the row to its end.\n"
    )


class ShiftSteps:
    """One rule per call; a state is the number of rules applied and the row so far."""

    def __init__(self, data: Mapping[str, Any], format: Format) -> None:
        self._data, self._format = data, format
        self._rules: tuple[str, ...] = tuple(data["rules"])

    def first(self) -> tuple[int, str]:
        """The row as it was given."""
        return 0, self._data["row"]

    def query(self, state: tuple[int, str]) -> str:
        """The next rule."""
        return self._rules[state[0]]

    def prompt(self, state: tuple[int, str], evidence: Sequence[str] | None = None) -> Prompt:
        """Asks for the row after the next rule, by the examples cut into single rules."""
        rule, row, data = self.query(state), state[1], self._data
        if _taught(data, self._format):
            # The first half of a thought it was taught, about this rule twice.
            return _tight(row, (rule, rule), ">", f"{rule}:{row}", stop="=")
        singles = []
        for letters, rules, _ in data["examples"]:
            after = apply(rules[0], letters, data["shift"], data["turn"])
            singles.append(f"{_cue(letters, rules[:1])} {' '.join(after)}")
        return _prompt(singles, _cue(row, (rule,)), data, self._format, f"{rule}:{row}", 8 + 4 * len(row))

    def advance(self, state: tuple[int, str], reply: str) -> tuple[int, str]:
        """The row of the reply."""
        return state[0] + 1, _letters(reply)

    def answer(self, state: tuple[int, str]) -> str | None:
        """The row so far; None before the first step."""
        return " ".join(state[1]) if state[0] else None

    def done(self, state: tuple[int, str]) -> bool:
        """True once every rule was applied."""
        return state[0] >= len(self._rules)


def _letters(text: str) -> str:
    """The capital letters that stand alone in a text, or those of its last word of capitals."""
    words = [word for word in "".join(c if c.isalpha() else " " for c in text).split() if word.isupper()]
    if all(len(word) == 1 for word in words):
        return "".join(words)
    return words[-1]


def _prompt(
    examples: Sequence[str], cue: str, data: Mapping[str, Any], format: Format, key: str, room: int, ending: str = ""
) -> Prompt:
    lines = "\n".join((*examples, cue))
    if format == "completion":
        return line(lines, "text", room, key=key)
    told = _explanation(data["shift"], data["turn"]) if data["explained"] else ""
    ending = ending or "Reply with its letters only, such as `A B C D`."
    return chat(f"Rules change rows of letters.\n{told}\n{lines}\n\nWhich row is last? {ending}", "text", room, key=key)


def _taught(data: Mapping[str, Any], format: Format) -> bool:
    return format == "completion" and bool(data["notation"] == "taught")


def _tight(row: str, rules: Sequence[str], sign: str, key: str, other: bool = False, stop: str = tight.END) -> Prompt:
    """Asks in the taught notation: `sign` is `=` for the answer at once and `>` for a thought."""
    text = tight.asked(row, rules, other) + sign
    mark = "=" if (sign, stop) == (">", tight.END) else ""
    # Twice as long as a right reply, so that few are cut that would have ended.
    room = 2 * (len(rules) if mark else 1) * (len(row) + 1)
    return Prompt(text=text, stop=(stop,), max_tokens=room, reads="text", mark=mark, key=key)


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    require("letter_shift", access)
    data = problem.data
    if _taught(data, format):
        rules, other = data["rules"], data["split"] == "format"
        at_once, thought = (_tight(data["row"], rules, sign, "answer", other) for sign in "=>")
        steps = ShiftSteps(data, format)
        return Question(
            problem.problem_id, "letter_shift", access, format, at_once.text, at_once, thought, "=", steps, tight=True
        )
    examples = [f"{_cue(letters, rules)} {' '.join(after)}" for letters, rules, after in data["examples"]]
    room = 8 + 4 * len(data["row"])
    answer = _prompt(examples, problem.text, data, format, "answer", room)
    think = None
    if format == "chat":
        think = _prompt(examples, problem.text, data, format, "answer", 1024, f"{THINK} its letters, as `A B C D`.")
    text = "\n".join((*examples, problem.text))
    steps = ShiftSteps(data, format)
    return Question(problem.problem_id, "letter_shift", access, format, text, answer, think, MARK, steps)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the letters are those of the reference in order. The evidence gives the share of places that agree, and
    in which respect the question left the examples."""
    given, wanted = _letters(answer), str(problem.reference).replace(" ", "")
    agree = sum(a == b for a, b in zip(given, wanted, strict=False))
    right = given == wanted
    evidence = {"letters_right": agree / max(len(given), len(wanted)), "split": problem.data["split"]}
    return Grade(float(right), "correct" if right else "wrong", evidence)


def ballot(problem: Problem, answer: str) -> str:
    """The letters, however they are spaced."""
    return _letters(answer) or normal(answer)


def chance(problem: Problem) -> float:
    """A row of as many letters drawn at random."""
    return float((1 / len(LETTERS)) ** len(problem.data["row"]))


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("letter_shift", "search")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise refusal("letter_shift", "environment")
