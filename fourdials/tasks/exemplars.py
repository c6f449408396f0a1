"""Word problems behind three worked examples whose reasoning is valid, invalid, shuffled, irrelevant or left out.

The same problem is asked behind each kind of example, which makes the kinds a paired comparison; the final answers of
the examples are right throughout. Source: Schaeffer et al. 2023, arXiv 2307.10573; Wang et al. 2023, arXiv 2212.10001.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fourdials.grading import tidy_number
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Message, Problem, Prompt
from fourdials.tasks._asking import distinct, most_frequent, numeral, refusal, require
from fourdials.tasks._vocabulary import PEOPLE

Kind = Literal["answer_only", "valid", "invalid", "shuffled", "irrelevant", "token_matched"]
KINDS: tuple[Kind, ...] = ("answer_only", "valid", "invalid", "shuffled", "irrelevant", "token_matched")
_MARK = "The answer is"
_TOKEN = re.compile(r" (?=\d)|\d|[^\W\d]+|[^\w\s]")
_OBJECTS = ("pens", "books", "coins", "cards", "shells", "stamps", "apples", "stones", "cups", "rings")
_EXAMPLES = 3
_LARGEST_FACTOR = 3


class Params(BaseModel):
    """Parameters of `exemplars`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[Kind, ...] = Field(
        KINDS, min_length=1, max_length=6, description="Kinds of examples; each problem is asked behind all."
    )
    operations: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        (2, 3, 4), min_length=1, max_length=12, description="Steps of a problem; the problems take these in turn."
    )


INFO = TaskInfo(
    title="Exemplars",
    summary="Word problems behind three worked examples with valid, invalid, shuffled, irrelevant or no reasoning: "
    "does the reasoning shown have to be right to help?",
    offers={"chat": frozenset({"given"}), "completion": frozenset({"given"})},
    difficulty="steps of the word problem",
    context_tokens=700,
)


@dataclass(frozen=True, slots=True)
class Story:
    """A word problem: its sentences, the sums behind them, and its answer. `sums` holds (left, sign, right, result)."""

    name: str
    things: str
    sentences: tuple[str, ...]
    sums: tuple[tuple[int, str, int, int], ...]

    @property
    def text(self) -> str:
        """The problem as it is asked."""
        return f"{' '.join(self.sentences)} How many {self.things} does {self.name} have now?"

    @property
    def answer(self) -> int:
        """The number wanted."""
        return self.sums[-1][3]


def _story(name: str, things: str, operations: int, rng: random.Random) -> Story:
    have = rng.randint(5, 20)
    sentences, sums = [f"{name} has {have} {things}."], []
    for _ in range(operations):
        # Few are never given away, many never multiplied: numbers stay above 0 and within two digits for long.
        sign = rng.choice(("+", "*") if have < 10 else ("+", "-", "*") if have <= 20 else ("+", "-"))
        size = rng.randint(2, _LARGEST_FACTOR if sign == "*" else 9)
        told = {
            "+": f"{name} finds {size} more.",
            "-": f"{name} gives {size} away.",
            "*": f"Then {name} gets so many that there are {size} times as many.",
        }[sign]
        after = have + size if sign == "+" else have - size if sign == "-" else have * size
        sentences.append(told)
        sums.append((have, sign, size, after))
        have = after
    return Story(name, things, tuple(sentences), tuple(sums))


def reasoning(story: Story, kind: Kind, other: Story, rng: random.Random) -> str:
    """The reasoning an example shows, without its final answer; empty for `answer_only`.

    Args:
        story: The example's problem.
        kind: `valid` works it out; `invalid` states sums that are false; `shuffled` has the valid sentences in another
            order; `irrelevant` works out `other`; `token_matched` has dots instead, as many as `valid` has `tokens`.
        other: Another example's problem.
        rng: Draws the false sums and the order.
    """
    if kind == "answer_only":
        return ""
    if kind == "token_matched":
        return " ".join("." * tokens(_worked(story)))
    if kind == "irrelevant":
        return _worked(other)
    if kind == "invalid":
        sums = tuple((a, sign, b, after + rng.choice((-3, 4, 7, 11))) for a, sign, b, after in story.sums)
        return _worked(Story(story.name, story.things, story.sentences, sums))
    lines = [f"{line}." for line in _worked(story).removesuffix(".").split(". ")]
    if kind == "shuffled":
        lines = _deranged(lines, rng)
    return " ".join(lines)


def tokens(text: str) -> int:
    """How many tokens a text of words, numbers and marks is: a word, a mark, a digit, and the space before a number.

    A task knows no model, so this is a rule and no vocabulary. It is exact for the embedded model on the worked
    examples, where a dot after a space is a token too; a vocabulary that joins digits has a tenth fewer."""
    return len(_TOKEN.findall(text))


def _deranged(lines: list[str], rng: random.Random) -> list[str]:
    mixed = list(lines)
    while mixed == lines and len(set(lines)) > 1:
        rng.shuffle(mixed)
    return mixed


def _worked(story: Story) -> str:
    first = f"{story.name} starts with {story.sums[0][0]} {story.things}."
    return " ".join([first, *(f"Then {a} {sign} {b} = {after}." for a, sign, b, after in story.sums)])


# Of the worked examples: nobody of this name is asked about, and they are the same for every seed.
_SHOTS = tuple(
    _story(name, things, operations, random.Random(f"exemplars:{name}"))
    for name, things, operations in (("Sue", "plates", 2), ("Guy", "ropes", 3), ("Rob", "balls", 2))
)


def _replies(kind: Kind) -> list[tuple[str, str]]:
    """Each example's question and reply."""
    found = []
    for place, story in enumerate(_SHOTS):
        other = _SHOTS[(place + 1) % _EXAMPLES]
        thought = reasoning(story, kind, other, random.Random(f"exemplars:{kind}:{place}"))
        found.append((story.text, f"{thought} {_MARK} {story.answer}.".strip()))
    return found


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` problems: each word problem once behind every kind of examples in a row; these share its cluster."""

    def make(place: int, attempt: int) -> Problem:
        number, kind = divmod(place, len(params.kinds))
        return _problem(params, number, seed, params.kinds[kind], attempt)

    return distinct(count, make, "add to operations")


def _problem(params: Params, number: int, seed: int, kind: Kind, attempt: int) -> Problem:
    operations = params.operations[number % len(params.operations)]
    rng = random.Random(f"exemplars:{seed}:{number}:{operations}:{attempt}")
    story = _story(rng.choice(PEOPLE), rng.choice(_OBJECTS), operations, rng)
    return Problem(
        task="exemplars",
        problem_id=f"{seed}-{number}-{kind}",
        cluster_id=f"{seed}-{number}",
        difficulty=operations,
        text=story.text,
        reference=str(story.answer),
        data=MappingProxyType({"kind": kind, "question": story.text}),
        truths=MappingProxyType({"answer": str(story.answer)}),
    )


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference, behind its three worked examples; the model goes on as they do."""
    require("exemplars", access)
    text: str = problem.data["question"]
    shots = _replies(problem.data["kind"])
    room = 16 if problem.data["kind"] == "answer_only" else 256
    if format == "chat":
        turns = [turn for asked, reply in shots for turn in (Message("user", asked), Message("assistant", reply))]
        answer = Prompt(messages=(*turns, Message("user", text)), max_tokens=room, reads="number", mark=_MARK)
    else:
        worked = "".join(f"Q: {asked}\nA: {reply}\n\n" for asked, reply in shots)
        answer = Prompt(text=f"{worked}Q: {text}\nA:", stop=("\n",), max_tokens=room, reads="number", mark=_MARK)
    return Question(problem.problem_id, "exemplars", access, format, text, answer, answer_mark=_MARK)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the number is the reference. The evidence names the kind of examples."""
    try:
        right = tidy_number(answer) == problem.reference
    except ValueError:
        right = False
    return Grade(float(right), "correct" if right else "wrong", {"kind": problem.data["kind"]})


def ballot(problem: Problem, answer: str) -> str:
    """The number."""
    return numeral(answer)


def chance(problem: Problem) -> float:
    """0.0: the possible answers cannot be listed."""
    return 0.0


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("exemplars", "search")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise refusal("exemplars", "environment")
