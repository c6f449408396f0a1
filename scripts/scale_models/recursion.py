"""A weight-tied recursive net that solves 4×4 Sudokus, in NumPy: its puzzles and its inference.

One block is applied again and again to a state of 16 cells; after each pass the state can be read as a grid. With
learned noise every pass adds a Gaussian whose size the net itself sets for each cell and channel, so that runs differ
(after Baek et al. 2026, arXiv 2605.19376). Depth is the number of passes, width the number of runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

CELLS, DIGITS, WIDTH, INNER = 16, 4, 32, 64
EPSILON = 1e-5
TEST_GRIDS = 48  # of the 288 grids there are; no lesson shows a puzzle of these
Weights = Mapping[str, NDArray[np.float32]]


def grids() -> NDArray[np.int64]:
    """All 288 complete grids, digits 0 to 3, in an order drawn once: (288, 16). The first are kept for tests."""
    rows = list(permutations(range(DIGITS)))
    found = [
        (*a, *b, *c, *d)
        for a in rows
        for b in rows
        if {*a[:2], *b[:2]} == {0, 1, 2, 3}
        for c in rows
        for d in rows
        if {*c[:2], *d[:2]} == {0, 1, 2, 3} and all(len({a[i], b[i], c[i], d[i]}) == DIGITS for i in range(4))
    ]
    return np.random.default_rng(0).permutation(np.array(found))


def puzzles(rng: np.random.Generator, count: int, test: bool, spare: int = 0) -> tuple[NDArray, NDArray]:
    """Puzzles with one solution from which no clue can be taken away, and their solutions: two (count, 16).

    Clues are 1 to 4, empty cells 0. With `spare` up to so many clues more are left at random.
    """
    every = grids()
    solved = every[rng.integers(*((0, TEST_GRIDS) if test else (TEST_GRIDS, len(every))), count)]
    agrees = every[None] == solved[:, None]
    kept = np.ones((count, CELLS), bool)
    order = rng.random((count, CELLS)).argsort(1)
    who = np.arange(count)
    for place in range(CELLS):
        tried = kept.copy()
        tried[who, order[:, place]] = False
        unique = (agrees | ~tried[:, None]).all(-1).sum(-1) == 1
        kept[unique] = tried[unique]
    if spare:
        given = rng.integers(0, spare + 1, count)
        kept |= rng.random((count, CELLS)).argsort(1) < given[:, None]
    return np.where(kept, solved + 1, 0), solved


def valid(filled: NDArray) -> NDArray[np.bool_]:
    """Which grids (…, 16) break no rule."""
    square = filled.reshape(*filled.shape[:-1], 2, 2, 2, 2)  # block row, row, block column, column
    groups = (
        square.reshape(*filled.shape[:-1], 4, 4),
        square.transpose(*range(square.ndim - 4), -2, -1, -4, -3).reshape(*filled.shape[:-1], 4, 4),
        square.transpose(*range(square.ndim - 4), -4, -2, -3, -1).reshape(*filled.shape[:-1], 4, 4),
    )
    return np.all([(np.sort(group, -1) == np.arange(4)).all((-1, -2)) for group in groups], axis=0)


def _norm(x: NDArray) -> NDArray:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)


def _silu(x: NDArray) -> NDArray:
    return x / (1 + np.exp(-np.clip(x, -60, 60)))


class Solver:
    """Runs a trained net on some puzzles (n, 16), pass by pass."""

    def __init__(self, weights: Weights, clues: NDArray, rng: np.random.Generator, noise: float | None = None) -> None:
        """`noise` puts a Gaussian of that size in place of the learned one; 0 is none."""
        self._w, self._rng, self._noise = weights, rng, noise
        self._seen = weights["clue"][clues] + weights["cell"]
        self._z = np.zeros_like(self._seen)

    def step(self) -> None:
        """One pass of the block."""
        w = self._w
        z = self._z
        for block in ("a", "b"):
            mixed = _norm(z + self._seen)
            z = z + np.einsum(
                "oc,ncd->nod",
                w[f"{block}.cells_out"],
                _silu(np.einsum("oc,ncd->nod", w[f"{block}.cells_in"], mixed)),
                optimize=True,
            )
            mixed = _norm(z)
            z = z + (_silu(mixed @ w[f"{block}.gate"].T) * (mixed @ w[f"{block}.up"].T)) @ w[f"{block}.down"].T
        z = _norm(z)
        if self._noise is not None:
            size = np.float32(self._noise)
        elif "noise" in w:
            size = np.exp(np.clip(z @ w["noise"].T + w["noise_bias"], -6, 1))
        else:
            size = np.float32(0)
        if np.any(size):
            z = z + size * self._rng.standard_normal(z.shape, dtype=np.float32)
        self._z = z

    def read(self) -> tuple[NDArray, NDArray]:
        """The grid of each state, and how sure the net is of it (log-probability)."""
        logits = _norm(self._z) @ self._w["read"].T
        logits = logits - logits.max(-1, keepdims=True)
        sure = -np.log(np.exp(logits).sum(-1)).sum(-1)
        return logits.argmax(-1), sure
