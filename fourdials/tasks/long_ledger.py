"""A ledger of accounts that is updated again and again, each update reading the account the one before wrote, or any.

One slip on the way to the account asked about spoils the end, so the horizon is the difficulty. Step by step a player
is shown the balances its own replies led to, or a transcript of them; where updates read any account, one set long ago
has to be remembered.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fourdials.grading import tidy_number
from fourdials.plugins import Environment, Evidence, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Problem, Prompt
from fourdials.tasks._asking import MARK, THINK, chat, line, most_frequent, numeral, refusal, require
from fourdials.tasks._vocabulary import PEOPLE

_LOWEST, _HIGHEST = 1, 99  # balances stay within two digits, so that no update is harder than another
_NUMBER = re.compile(r"-?\d+")
Update = tuple[str, str, int]  # who is set, from whom, and by how much more (or less)
Balances = tuple[tuple[str, str], ...]


class Params(BaseModel):
    """Parameters of `long_ledger`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    updates: tuple[Annotated[int, Field(ge=1, le=200)], ...] = Field(
        (5, 10, 20),
        min_length=1,
        max_length=64,
        description="Updates, one after the other; problems take these in turn.",
    )
    accounts: int = Field(4, ge=2, le=40, description="Accounts of the ledger.")
    largest: int = Field(9, ge=1, le=40, description="Largest change of an update.")
    reads: Literal["last", "any"] = Field(
        "last", description="The account an update reads: the one that was set last, or any of them."
    )


INFO = TaskInfo(
    title="Long ledger",
    summary="Balances updated many times over, each set from one that was set before. Every update is a small sum; "
    "hard because a single slip on the way to the balance asked for makes it wrong.",
    offers={
        "chat": frozenset({"given", "steps", "many", "think"}),
        "completion": frozenset({"given", "steps", "many"}),
    },
    difficulty="updates",
    context_tokens=1100,
)


@dataclass(frozen=True, slots=True)
class _Truths(Mapping[str, str]):
    """Right replies by key: the answer, and the result of an update from whatever balance a player has got to."""

    answer: str
    updates: tuple[Update, ...]

    def __getitem__(self, key: str) -> str:
        if key == "answer":
            return self.answer
        kind, _, rest = key.partition(":")
        if kind == "updates":
            return self._together(rest)
        place, _, balance = rest.partition(":")
        if kind != "update" or not place.isdecimal() or not balance.removeprefix("-").isdecimal():
            raise KeyError(key)
        return str(int(balance) + self.updates[int(place)][2])

    def _together(self, rest: str) -> str:
        """The results of several updates, from `place:how many:name=balance,…`."""
        place, count, listed = rest.split(":")
        balances, found = dict(entry.split("=") for entry in listed.split(",")), []
        for there, here, change in self.updates[int(place) : int(place) + int(count)]:
            balances[there] = str(int(balances[here]) + change)
            found.append(balances[there])
        return " ".join(found)

    def __iter__(self) -> Iterator[str]:
        return iter(("answer",))

    def __len__(self) -> int:
        return 1


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` ledgers."""
    return [_problem(params, number, seed) for number in range(count)]


def _problem(params: Params, number: int, seed: int) -> Problem:
    length = params.updates[number % len(params.updates)]
    rng = random.Random(f"long_ledger:{seed}:{number}:{length}:{params.accounts}:{params.largest}")
    names = rng.sample(PEOPLE, params.accounts)
    opening = {name: rng.randint(10, 90) for name in names}
    balances, here, updates = dict(opening), rng.choice(names), []
    for _ in range(length):
        here = rng.choice(names) if params.reads == "any" else here
        there = rng.choice([name for name in names if name != here])
        size = rng.randint(1, params.largest)
        change = -size if balances[here] + size > _HIGHEST else size
        if change > 0 and balances[here] - size >= _LOWEST and rng.random() < 0.5:
            change = -size
        balances[there] = balances[here] + change
        updates.append((there, here, change))
        here = there
    reference = str(balances[here])
    name = f"{seed}-{number}"
    return Problem(
        task="long_ledger",
        problem_id=name,
        cluster_id=name,
        difficulty=length,
        text=f"How much does {here} have at the end?",
        reference=reference,
        data=MappingProxyType({"opening": tuple(opening.items()), "updates": tuple(updates), "asked": here}),
        truths=_Truths(reference, tuple(updates)),
        oracle_steps=length,
    )


def _sentence(update: Update) -> str:
    there, here, change = update
    return f"{there} now has {abs(change)} {'more' if change > 0 else 'less'} than {here}."


def _formula(update: Update) -> str:
    there, here, change = update
    return f"{there} = {here} {'+' if change > 0 else '-'} {abs(change)}"


def _opening(balances: Sequence[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {balance}" for name, balance in balances)


_STEP_SHOTS = """\
Sue 14, Guy 30. Guy = Sue + 3. Guy: 17
Rob 52, Pat 8. Rob = Pat - 2. Rob: 6
Guy 41, Sue 27. Sue = Guy + 8. Sue: 49
Pat 63, Rob 35. Pat = Rob - 7. Pat: 28
Sue 19, Rob 74. Sue = Rob + 5. Sue: 79
Guy 85, Pat 22. Guy = Pat - 4. Guy: 18
"""
_MANY_SHOTS = """\
Sue 14, Guy 30. Guy = Sue + 3. Sue = Guy - 2. One by one: 17 15
Rob 52, Pat 8. Rob = Pat - 2. Pat = Rob + 9. Rob = Pat - 5. One by one: 6 15 10
Guy 41, Sue 27, Pat 63. Sue = Guy + 8. Pat = Sue - 4. One by one: 49 45
Pat 63, Rob 35, Sue 19. Pat = Rob - 7. Sue = Pat + 6. Rob = Sue - 1. One by one: 28 34 33
"""
_SHOTS = """\
Sue 14, Guy 30. Guy = Sue + 3. At the end Guy: 17
Rob 52, Pat 8. Rob = Pat - 2. Pat = Rob + 9. At the end Pat: 15
Guy 41, Sue 27. Sue = Guy + 8. Guy = Sue - 1. Sue = Guy + 4. At the end Sue: 52
"""


_RECALL_SHOTS = """\
Sue 14, Guy 30. Guy = Sue + 3. Guy: 17
Rob 52, Pat 8. Rob = Pat - 2. Rob: 6. Pat = Rob + 9. Pat: 15
Guy 41, Sue 27. Sue: 49, Guy: 40. Sue = Guy + 8. Sue: 48. Guy = Sue - 7. Guy: 41
"""
_SET = re.compile(r"(\w+): (-?[\d.]*\d)")  # in a line of a transcript: an account and what it was set to


class LedgerSteps:
    """One update per call. A state is the number of updates made and the balances that the replies led to. Also offers
    `plugins.Recall`: then the balances are those that the transcript, or else the opening, tells."""

    def __init__(self, data: Mapping[str, Any], format: Format) -> None:
        self._opening = tuple((str(name), str(balance)) for name, balance in data["opening"])
        self._updates: tuple[Update, ...] = tuple(data["updates"])
        self._format = format

    def first(self) -> tuple[int, Balances]:
        """The opening balances."""
        return 0, self._opening

    def query(self, state: tuple[int, Balances]) -> str:
        """The account that the next update reads."""
        return self._updates[state[0]][1]

    def prompt(self, state: tuple[int, Balances], evidence: Sequence[str] | None = None) -> Prompt:
        """Asks for the balance that the next update sets."""
        place, balances = state
        update = self._updates[place]
        key = f"update:{place}:{dict(balances)[update[1]]}"
        if self._format == "completion":
            # Only the two accounts concerned: a small model reads the wrong one off a longer list.
            shown = _opening([entry for entry in balances if entry[0] in update[:2]])
            return line(f"{_STEP_SHOTS}{shown}. {_formula(update)}. {update[0]}:", "number", 6, key=key)
        text = (
            f"Balances: {_opening(balances)}.\nUpdate: {_sentence(update)}\n"
            f"How much does {update[0]} have now? Reply with the number only."
        )
        return chat(text, "number", 32, key=key)

    def advance(self, state: tuple[int, Balances], reply: str) -> tuple[int, Balances]:
        """The balances with the reply in the account that was set."""
        place, balances = state
        set_now = self._updates[place][0]
        return place + 1, tuple((name, reply if name == set_now else balance) for name, balance in balances)

    def entry(self, state: tuple[int, Balances], reply: str) -> str:
        """The update and what it set: `Guy = Sue + 3. Guy: 17`."""
        update = self._updates[state[0]]
        return f"{_formula(update)}. {update[0]}: {reply}"

    def conclusion(self, before: tuple[int, Balances], after: tuple[int, Balances]) -> str:
        """What each account that was set came to, the last one set last: `Sue: 49, Guy: 40`."""
        names = [update[0] for update in self._updates[before[0] : after[0]]]
        latest = [name for place, name in enumerate(names) if name not in names[place + 1 :]]
        return ", ".join(f"{name}: {dict(after[1])[name]}" for name in latest)

    def recall(self, state: tuple[int, Balances], transcript: Sequence[str]) -> Prompt:
        """Asks for the balance that the next update sets, from the opening balances and the transcript."""
        place, update = state[0], self._updates[state[0]]
        known = dict(self._opening) | dict(pair for entry in transcript for pair in _SET.findall(entry))
        key = f"update:{place}:{known[update[1]]}"
        opening = _opening(self._opening)
        if self._format == "completion":
            shown = "".join(f"{entry}. " for entry in (opening, *transcript, _formula(update)))
            return line(f"{_RECALL_SHOTS}{shown}{update[0]}:", "number", 6, key=key)
        done = "".join(f"{entry}.\n" for entry in transcript)
        since = f"Since then, the latest last:\n{done}" if done else ""
        text = (
            f"Balances at the start: {opening}.\n{since}Update: {_sentence(update)}\n"
            f"How much does {update[0]} have now? Reply with the number only."
        )
        return chat(text, "number", 32, key=key)

    def prompt_many(self, state: tuple[int, Balances], m: int) -> Prompt:
        """Asks for the balances that the next `m` updates set, in order; of fewer where fewer are left."""
        place, balances = state
        updates = self._updates[place : place + m]
        names = {name for update in updates for name in update[:2]}
        listed = ",".join(f"{name}={balance}" for name, balance in balances)
        key, room = f"updates:{place}:{len(updates)}:{listed}", 4 + 4 * len(updates)
        if self._format == "completion":
            shown = _opening([entry for entry in balances if entry[0] in names])
            formulas = " ".join(f"{_formula(update)}." for update in updates)
            return line(f"{_MANY_SHOTS}{shown}. {formulas} One by one:", "text", room, key=key)
        sentences = "\n".join(_sentence(update) for update in updates)
        text = (
            f"Balances: {_opening(balances)}.\nUpdates, one after the other:\n{sentences}\nWhat is the balance that "
            f"each of these {len(updates)} updates sets? Reply with the numbers only, in order, on one line."
        )
        return chat(text, "text", 16 + room, key=key)

    def advance_many(self, state: tuple[int, Balances], reply: str, m: int) -> tuple[int, Balances]:
        """The balances after the numbers of a reply, one for each update; where there is no number left, the account
        keeps what it has."""
        left = min(m, len(self._updates) - state[0])
        numbers = _NUMBER.findall(reply)[:left]
        for nth in range(left):
            held = dict(state[1])[self._updates[state[0]][0]]
            state = self.advance(state, numbers[nth] if nth < len(numbers) else held)
        return state

    def answer(self, state: tuple[int, Balances]) -> str | None:
        """The balance that was set last; None before the first step."""
        place, balances = state
        return dict(balances)[self._updates[place - 1][0]] if place else None

    def done(self, state: tuple[int, Balances]) -> bool:
        """True once every update was made."""
        return state[0] >= len(self._updates)


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    require("long_ledger", access)
    data = problem.data
    updates: tuple[Update, ...] = data["updates"]
    listed = "\n".join(f"{nth}. {_sentence(update)}" for nth, update in enumerate(updates, 1))
    text = (
        f"Balances at the start: {_opening(data['opening'])}.\nThen these updates happen, one after the other, each "
        f"from the balances of that moment:\n{listed}\n\n{problem.text}"
    )
    think = None
    if format == "chat":
        answer = chat(f"{text} Reply with the number only.", "number", 32)
        think = chat(f"{text}\n{THINK} the number.", "number", 256 + 24 * len(updates))
    else:
        formulas = " ".join(f"{_formula(update)}." for update in updates)
        answer = line(f"{_SHOTS}{_opening(data['opening'])}. {formulas} At the end {data['asked']}:", "number", 6)
    steps = LedgerSteps(data, format)
    return Question(problem.problem_id, "long_ledger", access, format, text, answer, think, MARK, steps)


def evidence(problem: Problem) -> Evidence:
    """All balances each account ever holds. What leads to the answer is every update before it, told in many forms."""
    held = {str(name): [str(balance)] for name, balance in problem.data["opening"]}
    for there, here, change in problem.data["updates"]:
        held[there].append(str(int(held[here][-1]) + change))
    return Evidence((), {name: tuple(balances) for name, balances in held.items()}, _SET.findall)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the number is the reference."""
    try:
        right = tidy_number(answer) == problem.reference
    except ValueError:
        right = False
    return Grade(float(right), "correct" if right else "wrong")


def ballot(problem: Problem, answer: str) -> str:
    """The number."""
    return numeral(answer)


def chance(problem: Problem) -> float:
    """A guess among the balances there can be."""
    return 1 / (_HIGHEST - _LOWEST + 1)


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("long_ledger", "search")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise refusal("long_ledger", "environment")
