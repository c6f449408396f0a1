"""The Tower of Hanoi: all of it in one reply, some moves per call, or the next moves from a random state.

One rule finds the next move on the shortest way from any state, and the prompt can give it away; what is left is to
apply it without a slip, as many times as it takes. Every move of an answer is checked, one after the other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fourdials.errors import InputError
from fourdials.grading import normal
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Problem, Prompt
from fourdials.tasks._asking import MARK, THINK, chat, line, most_frequent, refusal, require

PEGS = "ABC"
LARGEST_WHOLE = 20  # disks: a solution of a million moves is four megabytes of text
MOVES = tuple(f"{here}-{there}" for here in PEGS for there in PEGS if here != there)
_MOVE = re.compile(r"(?<![A-Za-z])([ABC])\s*(?:->|→|[-–—>]|to)\s*([ABC])(?![A-Za-z])")
_RULES = (
    "Tower of Hanoi: three pegs A, B and C, disks numbered from 1, the smallest. A move takes the top disk of a peg to "
    "another peg; a disk never lies on a smaller one."
)
_STRATEGY = (
    "How to find the next move: the wanted peg is {first} at first. Go through the disks from the largest to disk 1. A "
    "disk on the wanted peg changes nothing. A disk that is elsewhere is the new candidate, to be moved to the wanted "
    "peg; then the wanted peg becomes the third one, neither where this disk is nor where it is to go. After disk 1, "
    "move the last candidate."
)


class Params(BaseModel):
    """Parameters of `hanoi`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    disks: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (2, 3, 4),
        min_length=1,
        max_length=32,
        description="Disks of the tower; the problems take these in turn. Beyond 20 only with wanted = next.",
    )
    wanted: Literal["whole", "next"] = Field(
        "whole", description="`whole`: all moves to the end. `next`: only the next moves_per_call moves."
    )
    start: Literal["tower", "random"] = Field(
        "tower", description="Start from a full tower, or from any state that the rules allow."
    )
    moves_per_call: int = Field(1, ge=1, le=64, description="Moves asked for in one step, and with wanted = next.")
    strategy_given: bool = Field(True, description="Tell the rule that finds the next move.")

    @model_validator(mode="after")
    def _writable(self) -> Params:
        if self.wanted == "whole" and max(self.disks) > LARGEST_WHOLE:
            raise ValueError(
                f"{max(self.disks)} disks take 2^{max(self.disks)} - 1 moves, too many to be written down: a whole "
                f"solution goes up to {LARGEST_WHOLE} disks; take wanted = next, which has no such limit"
            )
        return self


INFO = TaskInfo(
    title="Tower of Hanoi",
    summary="Move a tower of disks to another peg, in one reply or some moves per call. Each move is easy and the rule "
    "can be given; hard because thousands of them must all be right.",
    offers={
        "chat": frozenset({"given", "steps", "many", "think"}),
        "completion": frozenset({"given", "steps", "many"}),
    },
    difficulty="moves on the shortest way",
    context_tokens=1200,
)


def next_move(state: str, goal: str) -> str | None:
    """The first move on the only shortest way to the tower on `goal`, such as `A-C`; None if it stands there.

    Args:
        state: The peg of each disk, the smallest first.
        goal: The peg on which all disks are wanted.
    """
    found = None
    for peg in reversed(state):
        if peg != goal:
            found = f"{peg}-{goal}"
            goal = _third(peg, goal)
    return found


def moved(state: str, move: str) -> str | None:
    """The state after a move, or None if the rules forbid it."""
    disk = state.find(move[0])
    if disk < 0 or move[2] in state[:disk]:
        return None
    return f"{state[:disk]}{move[2]}{state[disk + 1 :]}"


def shortest(state: str, goal: str) -> int:
    """Moves on the shortest way: a disk of size d that has to move costs 2^(d−1)."""
    total = 0
    for disk in reversed(range(len(state))):
        if state[disk] != goal:
            total += 2**disk
            goal = _third(state[disk], goal)
    return total


def next_moves(state: str, goal: str, most: int | None = None) -> list[str]:
    """The next moves on the shortest way, at most `most` of them, all for None."""
    if most is None:
        return _all_moves(state, goal)
    found: list[str] = []
    while len(found) < most and (move := next_move(state, goal)) is not None:
        found.append(move)
        state = moved(state, move) or state
    return found


def _all_moves(state: str, goal: str) -> list[str]:
    """Largest disk first: the smaller ones get out of its way, it moves, and they follow as a tower."""
    if not state:
        return []
    here, smaller = state[-1], state[:-1]
    if here == goal:
        return _all_moves(smaller, goal)
    third = _third(here, goal)
    return [*_all_moves(smaller, third), f"{here}-{goal}", *_tower(len(smaller), third, goal)]


def _tower(disks: int, here: str, goal: str) -> list[str]:
    """All moves of a full tower, smaller towers put together: a million moves take no longer than writing them down."""
    towers: dict[tuple[str, str], list[str]] = {(a, b): [] for a in PEGS for b in PEGS if a != b}
    for _ in range(disks):
        towers = {(a, b): [*towers[a, _third(a, b)], f"{a}-{b}", *towers[_third(a, b), b]] for a, b in towers}
    return towers[here, goal]


def _third(one: str, other: str) -> str:
    return next(peg for peg in PEGS if peg not in (one, other))


def read(text: str) -> list[str]:
    """The moves written in a text, in order: `A-C`, `A -> C` and `A to C` are the same."""
    return [f"{here}-{there}" for here, there in _MOVE.findall(text)]


@dataclass(frozen=True, slots=True)
class _Truths(Mapping[str, str]):
    """Right replies by key, worked out when asked for: a large tower has more states than fit in memory."""

    answer: str
    goal: str
    moves_per_call: int

    def __getitem__(self, key: str) -> str:
        if key == "answer":
            return self.answer
        kind, _, state = key.partition(":")
        state, _, most = state.partition(":")
        if kind != "state" or not state or set(state) - set(PEGS) or not (most or "1").isdecimal():
            raise KeyError(key)
        return " ".join(next_moves(state, self.goal, int(most or self.moves_per_call)))

    def __iter__(self) -> Iterator[str]:
        return iter(("answer",))

    def __len__(self) -> int:
        return 1


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` distinct towers: state and goal differ. Raises InputError where so many do not exist."""
    found: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    while len(found) < count:
        disks = params.disks[len(found) % len(params.disks)]
        for attempt in range(200):
            rng = random.Random(f"hanoi:{seed}:{params.start}:{len(found)}:{attempt}")
            goal = rng.choice(PEGS)
            pegs = rng.choices([peg for peg in PEGS if peg != goal], k=1) * disks
            state = "".join(pegs if params.start == "tower" else rng.choices(PEGS, k=disks))
            if (state, goal) not in seen and next_move(state, goal) is not None:
                break
        else:
            raise InputError(
                f"only {len(found)} distinct problems were found; with start = tower, {disks} disks allow 6: "
                "ask for fewer, add to disks, or take start = random"
            )
        seen.add((state, goal))
        found.append(_problem(params, state, goal, f"{seed}-{len(found)}"))
    return found


def _problem(params: Params, state: str, goal: str, name: str) -> Problem:
    most = params.moves_per_call if params.wanted == "next" else None
    right = " ".join(next_moves(state, goal, most))
    return Problem(
        task="hanoi",
        problem_id=name,
        cluster_id=name,
        difficulty=float(shortest(state, goal)),
        text=f"Move all disks to peg {goal}. {_shown(state)}",
        reference=right,
        data=MappingProxyType({"state": state, "goal": goal, **params.model_dump(exclude={"disks", "start"})}),
        truths=_Truths(right, goal, params.moves_per_call),
        oracle_steps=1 if most else -(-shortest(state, goal) // params.moves_per_call),
    )


def _shown(state: str) -> str:
    """Where the disks lie, for people and chat models: `A: 3 2 1; B: empty; C: empty`, each from bottom to top."""
    pegs = {peg: [str(disk + 1) for disk in reversed(range(len(state))) if state[disk] == peg] for peg in PEGS}
    return "; ".join(f"{peg}: {' '.join(disks) or 'empty'}" for peg, disks in pegs.items())


class _State(NamedTuple):
    """A chain of steps in progress: where the disks are (None after a forbidden move), and the moves made."""

    disks: str | None
    moves: str
    made: int


class HanoiSteps:
    """Some moves per call, the harness keeping the disks. A forbidden move ends the chain: nothing is repaired."""

    def __init__(self, data: Mapping[str, object], format: Format) -> None:
        self._start, self._goal = str(data["state"]), str(data["goal"])
        self._most = int(str(data["moves_per_call"]))
        self._told, self._format = bool(data["strategy_given"]), format
        self._limit = 2 * shortest(self._start, self._goal) if data["wanted"] == "whole" else self._most

    def first(self) -> _State:
        """The disks at the start."""
        return _State(self._start, "", 0)

    def query(self, state: _State) -> str:
        """The moves wanted; there is nothing to look up."""
        return f"next move from {_shown(state.disks or self._start)}"

    def prompt(self, state: _State, evidence: Sequence[str] | None = None) -> Prompt:
        """Asks for the next moves from where the disks are."""
        disks = state.disks or self._start
        return _ask_next(disks, self._goal, self._most, self._told, self._format, f"state:{disks}")

    def prompt_many(self, state: _State, m: int) -> Prompt:
        """Asks for the moves of `m` steps at once."""
        disks, most = state.disks or self._start, m * self._most
        return _ask_next(disks, self._goal, most, self._told, self._format, f"state:{disks}:{most}")

    def advance(self, state: _State, reply: str) -> _State:
        """The state after the moves of a reply, up to the first one that is forbidden."""
        return self.advance_many(state, reply, 1)

    def advance_many(self, state: _State, reply: str, m: int) -> _State:
        """The state after the moves of a reply of `m` steps, up to the first one that is forbidden."""
        disks, moves, made = state
        wanted = read(reply)[: m * self._most]
        for move in wanted:
            if disks is None or disks == self._goal * len(self._start):
                break
            disks, moves, made = moved(disks, move), f"{moves} {move}".strip(), made + 1
        return _State(disks if wanted else None, moves, made)

    def answer(self, state: _State) -> str | None:
        """The moves made so far; None before the first step."""
        return state.moves or None

    def done(self, state: _State) -> bool:
        """True at the end, after a forbidden move, and after twice the moves needed."""
        return state.disks is None or state.made >= self._limit or state.disks == self._goal * len(self._start)


# Shots from the same rule, of three disks; each is right by `next_moves`, which a test checks.
_SHOTS = (
    ("AAA", "C"),
    ("CAB", "B"),
    ("BBA", "A"),
    ("ACC", "A"),
    ("CBB", "B"),
    ("ABC", "C"),
    ("BAA", "C"),
    ("CCB", "A"),
)


def _compact(state: str, goal: str) -> str:
    """The disks in one short line: `A 3 2 1, B -, C -, all to C:`."""
    pegs = [f"{part.replace(':', '').replace('empty', '-')}" for part in _shown(state).split("; ")]
    return f"{', '.join(pegs)}, all to {goal}:"


def _shots(most: int | None, told: bool) -> str:
    """What stands above the line a completion model continues: the rule, if it is told, and worked examples."""
    rule = f"{_STRATEGY.format(first='the one after `all to`')}\n" if told else ""
    return rule + "".join(f"{_compact(s, goal)} {' '.join(next_moves(s, goal, most))}\n" for s, goal in _SHOTS)


def _ask_next(state: str, goal: str, most: int, told: bool, format: Format, key: str) -> Prompt:
    one = most == 1
    if format == "completion":
        text = _shots(most, told) + _compact(state, goal)
        return line(text, "choice" if one else "text", 4 + 6 * most, choices=MOVES if one else (), key=key)
    rule = f"\n{_STRATEGY.format(first=goal)}" if told else ""
    wanted = (
        f"What is the next move? Reply with one move only, out of: {', '.join(MOVES)}."
        if one
        else f"What are the next {most} moves (fewer if the end comes first)? Reply with them only, on one line, such "
        "as `A-C A-B C-B`."
    )
    text = f"{_RULES}{rule}\n\nDisks from bottom to top: {_shown(state)}. All are to get to peg {goal}.\n{wanted}"
    return chat(text, "choice" if one else "text", 16 + 8 * most, choices=MOVES if one else (), key=key)


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    require("hanoi", access)
    data = problem.data
    state, goal, most, told = data["state"], data["goal"], data["moves_per_call"], data["strategy_given"]
    rule = f"\n{_STRATEGY.format(first=goal)}" if told else ""
    text = f"{_RULES}{rule}\n\nDisks from bottom to top: {_shown(state)}. All are to get to peg {goal}."
    room = 32 + 5 * (shortest(state, goal) if data["wanted"] == "whole" else most)
    if data["wanted"] == "next":
        answer = _ask_next(state, goal, most, told, format, "answer")
        ask = "What is the next move?" if most == 1 else f"What are the next {most} moves?"
    elif format == "completion":
        answer, ask = line(_shots(None, told) + _compact(state, goal), "text", room), "What are the moves?"
    else:
        ask = "What are all the moves, in order?"
        answer = chat(f"{text}\n{ask} Reply with them only, such as `A-C A-B C-B`.", "block", room)
    thought = chat(f"{text}\n{ask}\n{THINK} the moves, such as `A-C A-B C-B`.", "block", 2048 + 4 * room)
    think = thought if format == "chat" else None
    steps = HanoiSteps(data, format)
    return Question(problem.problem_id, "hanoi", access, format, f"{text}\n{ask}", answer, think, MARK, steps)


def grade(problem: Problem, answer: str) -> Grade:
    """Right if every move is allowed and, for the whole solution, they end with all disks on the goal, or, for the next
    moves, they are those of the shortest way.

    The evidence counts the moves written, those before the first forbidden one, those before the first that leaves the
    shortest way, and those of the shortest way; `solved` says whether all disks arrived.
    """
    state, goal = problem.data["state"], problem.data["goal"]
    least, target = shortest(state, goal), goal * len(state)
    moves, allowed = read(answer), 0
    way = next_moves(state, goal, None if problem.data["wanted"] == "whole" else len(moves))
    best = next((nth for nth, pair in enumerate(zip(moves, way, strict=False)) if pair[0] != pair[1]), None)
    best = min(len(moves), least) if best is None else best
    for move in moves:
        following = moved(state, move)
        if following is None:
            break
        allowed, state = allowed + 1, following
    solved = state == target and allowed == len(moves)
    wanted = min(least, problem.data["moves_per_call"])
    right = solved if problem.data["wanted"] == "whole" else best == len(moves) == wanted
    counts = {"moves": len(moves), "allowed": allowed, "on_shortest_way": best, "shortest": least, "solved": solved}
    return Grade(float(right), "correct" if right else "wrong", counts)


def ballot(problem: Problem, answer: str) -> str:
    """The moves, however they are written."""
    return " ".join(read(answer)) or normal(answer)


def chance(problem: Problem) -> float:
    """The next moves guessed out of the six there are; 0.0 for a whole solution, whose answers cannot be listed."""
    if problem.data["wanted"] == "whole":
        return 0.0
    least = shortest(problem.data["state"], problem.data["goal"])
    return float((1 / len(MOVES)) ** min(least, problem.data["moves_per_call"]))


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("hanoi", "search")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise refusal("hanoi", "environment")
