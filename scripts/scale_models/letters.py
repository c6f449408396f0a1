"""The scale model of `letter_shift`: taught two compositions of two rules at one length, then asked outside them."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

import torch
from scale_models.evaluation import replies
from scale_models.network import Network, Shape
from torch import Tensor
from torch.nn import functional

from fourdials.tasks import _letters as notation

SPECIAL = ("<unk>", "<s>", "</s>")
VOCABULARY = (*SPECIAL, *notation.ALPHABET)
TOKEN = {piece: number for number, piece in enumerate(VOCABULARY)}
# Longer than it needs: a task states the longest prompt it has for any model.
SHAPE = Shape(vocabulary=len(VOCABULARY), width=64, layers=4, heads=4, inner=128, context=800)
TAUGHT = (("shift", "shift"), ("turn", "turn"))  # as the examples of the task show them
HELD_BACK = (("shift", "turn"), ("turn", "shift"))
LENGTH, LONGER, SHIFT, TURN = 4, 6, 1, 1
ROWS = 64  # of a batch
THINKS = 0.8  # share of the batches that are thought through; the others are answered at once
UNTAUGHT = -100
STEPS = 450


def kept_for_tests(row: str) -> bool:
    """True for about one row in ten, which no lesson shows."""
    return sum((7, 3, 11, 5, 13, 1)[place] * ord(letter) for place, letter in enumerate(row)) % 10 == 0


def draw(rng: random.Random, length: int, test: bool) -> str:
    """A row at random, out of those kept for tests or out of the others."""
    while True:
        row = "".join(rng.choices(notation.LETTERS, k=length))
        if kept_for_tests(row) == test:
            return row


def _batch(rng: random.Random, compositions: Sequence[tuple[str, ...]]) -> tuple[Tensor, Tensor]:
    """Tokens and targets of questions about one composition."""
    rules, thinks = rng.choice(compositions), rng.random() < THINKS
    tokens, targets = [], []
    for _ in range(ROWS):
        row = draw(rng, LENGTH, test=False)
        found = notation.rows(rules, row, SHIFT, TURN)
        ask = notation.asked(row, rules) + (">" if thinks else "=")
        reply = notation.thought(found) if thinks else found[-1] + notation.END
        ids = [TOKEN["<s>"], *(TOKEN[sign] for sign in ask + reply)]
        tokens.append(ids[:-1])
        targets.append([UNTAUGHT] * len(ask) + ids[1 + len(ask) :])
    return torch.tensor(tokens), torch.tensor(targets)


def teach(
    network: Network,
    compositions: Sequence[tuple[str, ...]],
    steps: int,
    rng: random.Random,
    gain: float = 1.0,
    after: Callable[[int], None] = lambda step: None,
    say: Callable[[str], None] = lambda line: None,
) -> float:
    """Teaches compositions for so many steps, `gain` times the usual rates; the seconds it took, calls included."""
    matrices = [weight for name, weight in network.named_parameters() if weight.dim() == 2 and name.startswith("blk.")]
    rest = [weight for name, weight in network.named_parameters() if weight.dim() != 2 or not name.startswith("blk.")]
    muon, adam = 0.02 * gain, 3e-3 * gain
    optimisers = [
        (torch.optim.Muon(matrices, lr=muon, weight_decay=0.01, momentum=0.95), muon),
        (torch.optim.AdamW(rest, lr=adam, betas=(0.9, 0.98), weight_decay=0.0), adam),
    ]
    began = time.monotonic()
    for step in range(steps):
        scale = min(1.0, (step + 1) / 30) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        tokens, targets = _batch(rng, compositions)
        loss = functional.cross_entropy(network(tokens).flatten(0, 1), targets.flatten(), ignore_index=UNTAUGHT)
        network.zero_grad()
        loss.backward()
        for optimiser, rate in optimisers:
            optimiser.param_groups[0]["lr"] = rate * scale
            optimiser.step()
        after(step + 1)
        if step % 50 == 49:
            say(f"letters {step + 1} {time.monotonic() - began:.0f}s loss {loss.item():.4f}")
    return time.monotonic() - began


def questions(split: str, count: int, seed: int) -> list[tuple[str, str, str]]:
    """Questions of a split (`in`, `length`, `format` or `task`), each with the first row and the answer that are right.

    Every row is one that no lesson shows."""
    rng = random.Random(f"letters:{split}:{seed}")
    found = []
    for _ in range(count):
        rules = rng.choice(HELD_BACK if split == "task" else TAUGHT)
        row = draw(rng, LONGER if split == "length" else LENGTH, test=True)
        first, last = notation.rows(rules, row, SHIFT, TURN)
        found.append((notation.asked(row, rules, split == "format"), first, last))
    return found


def accuracy(network: Network, split: str, count: int, seed: int = 1) -> dict[str, float]:
    """Greedy shares of right answers thought through and at once, and of right first rows of the thought."""
    asked = questions(split, count, seed)
    thoughts = replies(network, [ask + ">" for ask, _, _ in asked], 20, vocabulary=VOCABULARY)
    answers = replies(network, [ask + "=" for ask, _, _ in asked], 10, vocabulary=VOCABULARY)
    told = list(zip(thoughts, answers, asked, strict=True))
    return {
        "thinks": sum(thought.rpartition("=")[2] == last for thought, _, (_, _, last) in told) / count,
        "first row": sum(thought.partition("=")[0] == first for thought, _, (_, first, _) in told) / count,
        "at once": sum(answer == last for _, answer, (_, _, last) in told) / count,
    }
