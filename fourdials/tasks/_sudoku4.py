"""4×4 Sudokus, and the notation in which a recursive net is asked about them.

A grid is a text of sixteen digits, row by row; `0` is an empty cell. The net is asked with the clues and a sign:

    1004001003004001=                  1234…;     the answer after the passes it is allowed
    1004001003004001>                  3214…,1234…,=1234…     the grid it reads after each pass; the last is the answer
    1004001003004001>3214…,1234…,=     1234…     the last grid of a thought that was cut

The task `sudoku4` asks with these texts; the training script learns from puzzles of the other grids.
"""

from __future__ import annotations

import random
from functools import cache
from itertools import permutations

SIDE, CELLS = 4, 16
DIGITS = "1234"
EMPTY = "0"
NOW, THINK, NEXT, ANSWER = "=", ">", ",", "="
ALPHABET = f"{EMPTY}{DIGITS}{THINK}{NEXT}{ANSWER}"
KEPT = 48  # of the 288 grids there are: puzzles of these are asked, and no lesson shows one
MOST_EMPTY = 12


def _groups() -> tuple[tuple[int, ...], ...]:
    rows = [tuple(range(SIDE * row, SIDE * row + SIDE)) for row in range(SIDE)]
    columns = [tuple(range(column, CELLS, SIDE)) for column in range(SIDE)]
    blocks = [tuple(corner + step for step in (0, 1, 4, 5)) for corner in (0, 2, 8, 10)]
    return (*rows, *columns, *blocks)


GROUPS = _groups()


def valid(grid: str) -> bool:
    """True if every row, column and 2×2 block holds each digit once."""
    return len(grid) == CELLS and all({grid[cell] for cell in group} == set(DIGITS) for group in GROUPS)


@cache
def grids() -> tuple[str, ...]:
    """All 288 solved grids, in an order drawn once: the first `KEPT` are for questions, the others for lessons."""
    rows = ["".join(row) for row in permutations(DIGITS)]
    halves = [a + b for a in rows for b in rows if {*a[:2], *b[:2]} == set(DIGITS)]
    found = [top + bottom for top in halves for bottom in halves if valid(top + bottom)]
    random.Random("4x4 sudokus").shuffle(found)
    return tuple(found)


@cache
def _having() -> dict[tuple[int, str], int]:
    """For each cell and digit the grids that have it there, as the bits of a number."""
    return {
        (cell, digit): sum(1 << place for place, grid in enumerate(grids()) if grid[cell] == digit)
        for cell in range(CELLS)
        for digit in DIGITS
    }


def solutions(clues: str) -> int:
    """How many solved grids agree with some clues."""
    having, agree = _having(), (1 << len(grids())) - 1
    for cell, digit in enumerate(clues):
        if digit != EMPTY:
            agree &= having[cell, digit]
    return agree.bit_count()


def dig(grid: str, empty: int, rng: random.Random) -> str | None:
    """Clues that leave this grid as the only solution, with `empty` cells emptied at random; None if no clue could be
    spared any more before that."""
    clues = grid
    for cell in rng.sample(range(CELLS), CELLS):
        if clues.count(EMPTY) == empty:
            break
        fewer = f"{clues[:cell]}{EMPTY}{clues[cell + 1 :]}"
        if solutions(fewer) == 1:
            clues = fewer
    return clues if clues.count(EMPTY) == empty else None
