"""What tasks without a world of their own share: prompts in both formats, refusals and the constant answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fourdials.errors import InputError
from fourdials.records import Access, Message, Problem, Prompt, Reads

MARK = "Answer:"
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
