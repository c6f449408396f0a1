"""Runs the recursive nets that solve 4×4 Sudokus, in NumPy, for the gateway.

One block is applied again and again to a state of sixteen cells; after each pass the state can be read as a grid. With
learned noise every pass adds a Gaussian whose size the net itself sets for each cell and channel, so that runs differ
(the idea of Baek et al. 2026, arXiv 2605.19376). A sample is one run, and each of its passes counts as one token: the
longest reply allowed is the number of passes. What a reply says is read off the state and never fed back into it.

Temperature scales the noise: 1 is what was learned, 0 none. A net taught without is given a Gaussian of that size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourdials.errors import RequestRejected
from fourdials.records import ModelRequest, Sample, Usage

CELLS, DIGITS = 16, "1234"
EPSILON = 1e-5
LEAST, MOST = -6, 1  # bounds of the logarithm of the learned noise
_ASKED = re.compile(r"([0-4]{16})(?:([=>])|>(?:[1-4]{16},)*([1-4]{16}),=)")
Weights = Mapping[str, Any]


def asked(request: ModelRequest) -> tuple[str, str | None, str | None]:
    """The clues, then the sign (`=` answer at once, `>` think aloud) or else the last grid of a thought that was cut.

    Raises RequestRejected for a prompt that is no puzzle in the notation these nets were taught."""
    found = _ASKED.fullmatch(request.prompt.text)
    if not found:
        raise RequestRejected(
            f"{request.model.id} cannot read {request.prompt.shown[:60]!r}; it takes sixteen digits from 0 to 4 and a "
            "sign, as in 1004001003004001> (see docs/scale_models.md)"
        )
    clues, sign, last = found.groups()
    return clues, sign, last


def samples(request: ModelRequest) -> tuple[Sample, ...]:
    """The replies to a request, one run of the net each; the same request gives the same replies.

    The prompt counts as its sixteen cells, on the first sample, and a reply as its passes; those of an answer at once
    are thought unseen but for the last. Reading the last grid off a thought that was cut takes no pass and counts as
    one token. The log-probability is that of the grid read last. Raises RequestRejected for any other prompt.
    """
    clues, sign, last = asked(request)
    if last is not None:
        return tuple(_sample(place, [last], None) for place in range(request.n))
    seeds = [request.seed + place for place in range(request.n)]
    runs = run(weights(request.model.file or ""), clues, seeds, request.prompt.max_tokens, request.temperature)
    spoken = _aloud if sign == ">" else _unseen
    return tuple(_sample(place, spoken(grids), sure) for place, (grids, sure) in enumerate(runs))


def _aloud(grids: Sequence[str]) -> list[str]:
    return [*(f"{grid}," for grid in grids[:-1]), f"={grids[-1]}"]


def _unseen(grids: Sequence[str]) -> list[str]:
    return [*[""] * (len(grids) - 1), grids[-1]]


def _sample(place: int, tokens: Sequence[str], sure: float | None) -> Sample:
    usage = Usage(0 if place else CELLS, 0, 0, len(tokens), sum(not token for token in tokens))
    return Sample("".join(tokens), "stop", usage, tuple(tokens), sure)


@cache
def weights(file: str) -> Weights:
    """The arrays of an .npz file by name, read once."""
    with np.load(file, allow_pickle=False) as held:
        return {**held}


def run(
    weights: Weights, clues: str, seeds: Sequence[int], passes: int, temperature: float
) -> list[tuple[list[str], float]]:
    """One run for each seed, side by side: the grid read after each pass, and how sure the net is of the last one.

    Args:
        weights: Those of a net.
        clues: Sixteen digits, 0 for an empty cell.
        seeds: Of the noise.
        passes: From 1 on.
        temperature: Scale of the noise, from 0 on.
    """
    solver = Solver(weights, np.tile([int(digit) for digit in clues], (len(seeds), 1)), temperature)
    noise = [np.random.default_rng(seed) for seed in seeds]
    grids: list[list[str]] = [[] for _ in seeds]
    sure = np.zeros(len(seeds))
    for _ in range(passes):
        solver.step(noise)
        digits, sure = solver.read()
        for grid, row in zip(grids, digits.tolist(), strict=True):
            grid.append("".join(DIGITS[digit] for digit in row))
    return list(zip(grids, sure.tolist(), strict=True))


class Solver:
    """A net's states on some puzzles, pass by pass."""

    def __init__(self, weights: Weights, clues: NDArray[Any], temperature: float) -> None:
        """`clues` (n, 16) are 1 to 4, or 0 for an empty cell."""
        self._w, self._temperature = weights, temperature
        self._seen = weights["clue"][clues] + weights["cell"]
        self._z = 0 * self._seen

    def step(self, noise: Sequence[np.random.Generator]) -> None:
        """One pass of the block; each puzzle's noise comes from a generator of its own."""
        w, z = self._w, self._z
        for block in ("a", "b"):
            mixed = _silu(_along_cells(w[f"{block}.cells_in"], _normed(z + self._seen)))
            z = z + _along_cells(w[f"{block}.cells_out"], mixed)
            flat = _normed(z).reshape(-1, z.shape[-1])  # in two dimensions the products are several times faster
            inner = _silu(flat @ w[f"{block}.gate"].T) * (flat @ w[f"{block}.up"].T)
            z = z + (inner @ w[f"{block}.down"].T).reshape(z.shape)
        z = _normed(z)
        if self._temperature:
            size = np.exp(np.clip(z @ w["noise"].T + w["noise_bias"], LEAST, MOST)) if "noise" in w else 1.0
            drawn = np.stack([each.standard_normal(z.shape[1:], dtype=np.float32) for each in noise])
            z = z + np.float32(self._temperature) * size * drawn
        self._z = z

    def read(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The likeliest digits (n, 16), from 0, and the log-probability of all of them together (n,)."""
        logits = _normed(self._z) @ self._w["read"].T
        logits = logits - logits.max(-1, keepdims=True)
        return logits.argmax(-1), -np.log(np.exp(logits).sum(-1)).sum(-1)


def _along_cells(matrix: NDArray[Any], z: NDArray[Any]) -> NDArray[Any]:
    mixed: NDArray[Any] = (z.swapaxes(1, 2).reshape(-1, z.shape[1]) @ matrix.T).reshape(len(z), z.shape[2], -1)
    return mixed.swapaxes(1, 2)


def _normed(x: NDArray[Any]) -> NDArray[Any]:
    normed: NDArray[Any] = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(EPSILON))
    return normed


def _silu(x: NDArray[Any]) -> NDArray[Any]:
    gated: NDArray[Any] = x / (1 + np.exp(np.minimum(-x, 60)))
    return gated
