"""Trains the recursive net of `recursion.py`, with learned noise or without."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from scale_models.recursion import CELLS, DIGITS, EPSILON, INNER, WIDTH, puzzles
from torch import Tensor, nn
from torch.nn import functional

SAMPLES = 4  # runs of each puzzle while the noise is learned; without noise, so many times more puzzles instead
PUZZLES = 24
PASSES, SEGMENTS = 6, 3  # a state goes on over three segments of six passes; gradients stay within a segment
RATE = 4e-3


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

    def forward(self, z: Tensor, seen: Tensor) -> Tensor:
        z = _normed(self.b(self.a(z, seen), seen))
        if self.noisy:
            z = z + (z @ self.noise.T + self.noise_bias).clamp(-6, 1).exp() * torch.randn_like(z)
        return z


def train(noisy: bool, seed: int, steps: int, say: Callable[[str], None]) -> tuple[dict[str, np.ndarray], float]:
    """The weights after so many optimiser steps, and the seconds it took.

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
            clues, solved = (torch.from_numpy(part) for part in puzzles(rng, count, test=False, spare=4))
            z = torch.zeros(runs, count, CELLS, WIDTH)
        for group in optimiser.param_groups:
            group["lr"] = (
                RATE * min(1.0, (step + 1) / 100) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))
            )
        seen = net.clue[clues] + net.cell
        losses = []
        for _ in range(PASSES):
            z = net(z, seen)
            told = (_normed(z) @ net.read.T).log_softmax(-1)
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
    return {name: weight.detach().numpy() for name, weight in net.named_parameters()}, time.monotonic() - began
