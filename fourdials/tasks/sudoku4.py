"""4×4 Sudoku: fill the grid so that every row, column and 2×2 block holds each of the digits 1 to 4 once.

Any model can play: chat models are told the rules, completion models see solved puzzles. The recursive nets are asked
in the notation they were taught (`_sudoku4`), in which a thought is one grid for each of their passes. All puzzles come
from solved grids that none of their lessons showed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fourdials.grading import normal
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Problem, Prompt
from fourdials.tasks import _sudoku4 as sudoku
from fourdials.tasks._asking import MARK, THINK, chat, distinct, line, most_frequent, refusal, require

RULES = (
    "A 4×4 Sudoku: every row, every column and each of the four 2×2 blocks must hold each of the digits 1 to 4 once. "
    "Rows are written from top to bottom with a space between them; 0 is a cell to fill."
)
FORM = "the four rows, as `1234 3412 2143 4321`."
EXAMPLES = 3


class Params(BaseModel):
    """Parameters of `sudoku4`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    empty: tuple[Annotated[int, Field(ge=1, le=sudoku.MOST_EMPTY)], ...] = Field(
        (6, 8, 10, 12), min_length=1, max_length=12, description="Empty cells; the problems take these in turn."
    )
    notation: Literal["plain", "taught"] = Field(
        "plain",
        description="How completion models are asked: in `plain` rows after solved examples, or as the recursive nets "
        "were `taught`, which read nothing else.",
    )
    passes: int = Field(
        8,
        ge=1,
        le=256,
        description="In the taught notation: passes for an answer at once; a strategy sets those of a thought.",
    )


INFO = TaskInfo(
    title="4×4 Sudoku",
    summary="Fill a small Sudoku. Every clue bears on many cells, so a guess at one is felt in others; easy to check "
    "and slow to do in words. The recursive scale models were trained on exactly this.",
    offers={"chat": frozenset({"given", "think"}), "completion": frozenset({"given"})},
    difficulty="empty cells",
    context_tokens=400,
)


def offers(params: Params, format: Format) -> frozenset[str]:
    """What it can be used with; in the taught notation completion models think as well."""
    return INFO.offers["chat" if params.notation == "taught" else format]


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` puzzles with one solution each; the same whatever the notation."""
    return distinct(count, lambda *place: _problem(params, seed, *place), "more empty cells allow more puzzles")


def _problem(params: Params, seed: int, number: int, attempt: int) -> Problem:
    empty = params.empty[number % len(params.empty)]
    rng = random.Random(f"sudoku4:{seed}:{number}:{empty}:{attempt}")
    kept, others = sudoku.grids()[: sudoku.KEPT], sudoku.grids()[sudoku.KEPT :]
    grid, clues = _dug(kept, empty, rng)
    of_its_own = random.Random(f"sudoku4:{clues}")  # the same puzzle comes with the same examples
    shown = tuple(_dug(others, empty, of_its_own) for _ in range(EXAMPLES))
    return Problem(
        task="sudoku4",
        problem_id=f"{seed}-{number}",
        cluster_id=f"{seed}-{number}",
        difficulty=empty,
        text=f"Fill this grid: {_rows(clues)}",
        reference=_rows(grid),
        data=MappingProxyType(
            {"clues": clues, "examples": shown, "notation": params.notation, "passes": params.passes}
        ),
        truths=MappingProxyType({"answer": _rows(grid)}),
    )


def _dug(among: Sequence[str], empty: int, rng: random.Random) -> tuple[str, str]:
    """A solved grid and clues that lead to it; not every grid can be dug as deep at the first attempt."""
    while True:
        grid = rng.choice(among)
        if (clues := sudoku.dig(grid, empty, rng)) is not None:
            return grid, clues


def _rows(grid: str) -> str:
    return " ".join(grid[start : start + sudoku.SIDE] for start in range(0, sudoku.CELLS, sudoku.SIDE))


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    require("sudoku4", access)
    data, text = problem.data, f"{RULES}\n\n{problem.text}"
    name = problem.problem_id
    if format == "chat":
        answer = chat(f"{text}\nReply with nothing but {FORM}", "text", 64)
        think = chat(f"{text}\n{THINK} {FORM}", "text", 1024)
        return Question(name, "sudoku4", access, format, text, answer, think, MARK)
    if data["notation"] == "taught":
        now, aloud = (data["clues"] + sign for sign in (sudoku.NOW, sudoku.THINK))
        answer = Prompt(text=now, max_tokens=data["passes"], reads="text")
        think = Prompt(text=aloud, max_tokens=16, reads="text", mark=sudoku.ANSWER)
        return Question(name, "sudoku4", access, format, now, answer, think, sudoku.ANSWER, tight=True)
    solved = [f"Grid: {_rows(clues)}\nFilled: {_rows(grid)}" for grid, clues in data["examples"]]
    text = "\n\n".join((RULES, *solved, f"Grid: {_rows(data['clues'])}\nFilled:"))
    return Question(name, "sudoku4", access, format, text, line(text, "text", 32))


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the digits are those of the only solution; whatever stands between them does not count. The evidence
    gives the share of empty cells filled rightly and whether the grid breaks a rule."""
    given = _digits(answer)
    wanted, clues = str(problem.reference).replace(" ", ""), problem.data["clues"]
    whole = len(given) == sudoku.CELLS
    open_cells = [cell for cell, clue in enumerate(clues) if clue == sudoku.EMPTY]
    agree = sum(given[cell] == wanted[cell] for cell in open_cells) / len(open_cells) if whole else 0.0
    right = given == wanted
    evidence = {"cells_right": agree, "breaks_a_rule": not sudoku.valid(given)}
    return Grade(float(right), "correct" if right else "wrong", evidence)


def ballot(problem: Problem, answer: str) -> str:
    """The digits, whatever stands between them."""
    return _digits(answer) or normal(answer)


def _digits(answer: str) -> str:
    return "".join(sign for sign in answer if sign in sudoku.DIGITS)


def chance(problem: Problem) -> float:
    """A guess among all solved grids."""
    return 1 / len(sudoku.grids())


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent solution."""
    return most_frequent(problems)


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise refusal("sudoku4", "search")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise refusal("sudoku4", "environment")
