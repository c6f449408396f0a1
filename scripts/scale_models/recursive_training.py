"""Trains the recursive nets that `fourdials.models.recursive` runs, with learned noise or without."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fourdials.models.recursive import EPSILON, LEAST, MOST
from fourdials.tasks._sudoku4 import CELLS, KEPT, grids

DIGITS, WIDTH, INNER = 4, 32, 64
SPARE = 4  # most clues more than are needed
SAMPLES = 4  # runs of each puzzle while the noise is learned; without noise, so many times more puzzles instead
PUZZLES = 24
PASSES, SEGMENTS = 6, 3  # a state goes on over three segments of six passes; gradients stay within a segment
RATE = 4e-3


def puzzles(rng: np.random.Generator, count: int) -> tuple[NDArray, NDArray]:
    """Puzzles with one solution, of grids that the task `sudoku4` does not ask about, and their solutions: two
    (count, 16). From some of them no clue can be taken away. Clues are 1 to 4, empty cells 0; solutions 0 to 3."""
    every = np.array([[int(digit) - 1 for digit in grid] for grid in grids()])
    solved = every[rng.integers(KEPT, len(every), count)]
    agrees = every[None] == solved[:, None]
    kept, who = np.ones((count, CELLS), bool), np.arange(count)
    order = rng.random((count, CELLS)).argsort(1)
    for place in range(CELLS):
        tried = kept.copy()
        tried[who, order[:, place]] = False
        unique = (agrees | ~tried[:, None]).all(-1).sum(-1) == 1
        kept[unique] = tried[unique]
    given = rng.integers(0, SPARE + 1, count)
    kept |= rng.random((count, CELLS)).argsort(1) < given[:, None]
    return np.where(kept, solved + 1, 0), solved


def _normed(x: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],), eps=EPSILON)


class Part(nn.Module):
    """Mixes cells, then channels."""

    def __init__(self) -> None:
        super().__init__()
        self.cells_in = nn.Parameter(torch.randn(2 * CELLS, CELLS) * CELLS**-0.5)
        self.cells_out = nn.Parameter(torch.randn(CELLS, 2 * CELLS) * 0.3 * (2 * CELLS) ** -0.5)
        self.gate = nn.Parameter(torch.randn(INNER, WIDTH) * WIDTH**-0.5)
        self.up = nn.Parameter(torch.randn(INNER, WIDTH) * WIDTH**-0.5)
        self.down = nn.Parameter(torch.randn(WIDTH, INNER) * 0.3 * INNER**-0.5)

    def forward(self, z: Tensor, seen: Tensor) -> Tensor:
        mixed = functional.silu(self.cells_in @ _normed(z + seen))
        z = z + self.cells_out @ mixed
        mixed = _normed(z)
        return z + (functional.silu(mixed @ self.gate.T) * (mixed @ self.up.T)) @ self.down.T


class Recursive(nn.Module):
    """The net; one call is one pass."""

    def __init__(self, noisy: bool) -> None:
        super().__init__()
        self.clue = nn.Parameter(torch.randn(DIGITS + 1, WIDTH))
        self.cell = nn.Parameter(torch.randn(CELLS, WIDTH) * 0.5)
        self.a, self.b = Part(), Part()
        self.read = nn.Parameter(torch.randn(DIGITS, WIDTH) * WIDTH**-0.5)
        if noisy:
            self.noise = nn.Parameter(torch.zeros(WIDTH, WIDTH))
            self.noise_bias = nn.Parameter(torch.full((WIDTH,), -1.0))
        self.noisy = noisy

    def forward(self, z: Tensor, seen: Tensor, drawn: Tensor | None = None) -> Tensor:
        """`drawn` is the noise before it is scaled; torch draws it where none is given."""
        z = _normed(self.b(self.a(z, seen), seen))
        if self.noisy:
            size = (z @ self.noise.T + self.noise_bias).clamp(LEAST, MOST).exp()
            z = z + size * (torch.randn_like(z) if drawn is None else drawn)
        return z

    def logits(self, z: Tensor) -> Tensor:
        """Of each cell's digits."""
        return _normed(z) @ self.read.T


def train(noisy: bool, seed: int, steps: int, say: Callable[[str], None]) -> tuple[Recursive, float]:
    """The net after so many optimiser steps, and the seconds it took.

    What is minimised is -log of the mean over runs of the probability of the solution, at each pass: the marginal
    likelihood of the solution under the noise, estimated with `SAMPLES` runs. With one run it is cross-entropy.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng((seed, 1))
    net = Recursive(noisy)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    runs, count = (SAMPLES, PUZZLES) if noisy else (1, SAMPLES * PUZZLES)
    began, recent = time.monotonic(), []
    for step in range(steps):
        if step % SEGMENTS == 0:
            clues, solved = (torch.from_numpy(part) for part in puzzles(rng, count))
            z = torch.zeros(runs, count, CELLS, WIDTH)
        for group in optimiser.param_groups:
            group["lr"] = (
                RATE * min(1.0, (step + 1) / 100) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))
            )
        seen = net.clue[clues] + net.cell
        losses = []
        for _ in range(PASSES):
            z = net(z, seen)
            told = net.logits(z).log_softmax(-1)
            likely = told.gather(-1, solved.expand(runs, -1, -1)[..., None])[..., 0].sum(-1)
            losses.append(-(likely.logsumexp(0) - math.log(runs)).mean())
        loss = torch.stack(losses).mean()
        net.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        z = z.detach()
        recent.append(float((told.argmax(-1) == solved).all(-1).float().mean()))
        if step % 150 == 149:
            say(
                f"noise {noisy} seed {seed} step {step + 1} {time.monotonic() - began:.0f}s loss {loss.item():.3f} "
                f"whole grids right {sum(recent) / len(recent):.3f}"
            )
            recent = []
    return net, time.monotonic() - began


@torch.no_grad()
def read(net: Recursive, clues: str, seed: int | None, passes: int) -> tuple[list[str], float]:
    """The grid after each pass of one run, and by how many logits its least clear digit was preferred.

    The noise is NumPy's for this seed, as in the product; None is none."""
    rng = None if seed is None else np.random.default_rng(seed)
    seen = net.clue[torch.tensor([int(digit) for digit in clues])][None] + net.cell
    z = torch.zeros_like(seen)
    found, clear = [], math.inf
    for _ in range(passes):
        drawn = torch.zeros_like(z)
        if rng is not None:
            drawn = torch.from_numpy(rng.standard_normal((CELLS, WIDTH), dtype=np.float32))[None]
        z = net(z, seen, drawn)
        best = net.logits(z)[0].topk(2, -1)
        clear = min(clear, float((best.values[:, 0] - best.values[:, 1]).min()))
        found.append("".join(str(int(digit) + 1) for digit in best.indices[:, 0]))
    return found, clear
