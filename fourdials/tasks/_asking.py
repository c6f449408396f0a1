"""What tasks without a world of their own share: prompts in both formats, refusals and the constant answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from fourdials.errors import InputError
from fourdials.grading import tidy_number
from fourdials.records import Access, Message, Problem, Prompt, Reads

MARK = "Answer:"
_NUMERAL = re.compile(r"[-+−]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,2})?")  # no exponent that fills memory
THINK = "Think step by step. End with a line that starts with `Answer:`, then"


def chat(
    text: str, reads: Reads, max_tokens: int, *, choices: tuple[str, ...] = (), key: str = "answer", mark: str = MARK
) -> Prompt:
    """A chat prompt of one turn."""
    turns = (Message("user", text),)
    return Prompt(messages=turns, choices=choices, max_tokens=max_tokens, reads=reads, mark=mark, key=key)


def line(text: str, reads: Reads, max_tokens: int, *, choices: tuple[str, ...] = (), key: str = "answer") -> Prompt:
    """A completion prompt whose reply ends with its line."""
    return Prompt(text=text, choices=choices, stop=("\n",), max_tokens=max_tokens, reads=reads, key=key)


def refusal(task: str, access: Access, offered: Sequence[Access] = ("given",)) -> InputError:
    """The error for an access that a task does not offer."""
    return InputError(f"{task} offers no {access}; use a strategy whose access is {' or '.join(offered)}")


def require(task: str, access: Access, offered: Sequence[Access] = ("given",)) -> None:
    """Raises the refusal unless the access is offered."""
    if access not in offered:
        raise refusal(task, access, offered)


def most_frequent(problems: Sequence[Problem]) -> str:
    """The most frequent reference, the first in the alphabet among equals; empty for no problems."""
    counts = Counter(str(problem.reference) for problem in problems)
    return min(counts, key=lambda answer: (-counts[answer], answer), default="")


def numeral(answer: str) -> str:
    """A ballot for answers that are numbers: the number as plainly as it can be written, another text as it stands."""
    plain = answer.strip()
    if _NUMERAL.fullmatch(plain) is None:
        return plain
    try:
        return tidy_number(plain)
    except ValueError:  # `3,14`: it can be read in two ways
        return plain


def distinct(count: int, make: Callable[[int, int], Problem], advice: str) -> list[Problem]:
    """`count` problems that differ in text or data: `make(number, attempt)` is asked again where one was met before.

    Raises InputError, ending with `advice`, if fifty attempts give nothing new.
    """
    found: dict[tuple[str, str], Problem] = {}
    for number in range(count):
        for attempt in range(50):
            problem = make(number, attempt)
            identity = (problem.text, repr(problem.data))
            if identity not in found:
                found[identity] = problem
                break
        else:
            raise InputError(f"only {number} distinct problems were found where {count} are wanted; {advice}")
    return list(found.values())


class OneStep:
    """A chain of one step: look the question up and answer it from what was found, or from what is given.

    A state is the answer, None before the step.
    """

    def __init__(self, query: str, ask: Callable[[Sequence[str] | None], Prompt]) -> None:
        self._query, self._ask = query, ask

    def first(self) -> str | None:
        """No answer yet."""
        return None

    def query(self, state: str | None) -> str:
        """The question itself."""
        return self._query

    def prompt(self, state: str | None, evidence: Sequence[str] | None = None) -> Prompt:
        """The question with what was found; without a search, as it stands."""
        return self._ask(evidence)

    def advance(self, state: str | None, reply: str) -> str:
        """The answer."""
        return reply

    def answer(self, state: str | None) -> str | None:
        """The answer, once given."""
        return state

    def done(self, state: str | None) -> bool:
        """True once there is an answer."""
        return state is not None
