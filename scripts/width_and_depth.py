"""Trains weight-tied recursive nets with and without learned noise on 4×4 Sudoku, and prints width × depth (claim C2).

Needs requirements.txt and requirements-train.txt; the weights are kept as .npz files under build; what is printed was
measured in NumPy on puzzles with no clue to spare, whose solved grids no lesson showed:

    python scripts/width_and_depth.py --seed 0 --steps 1200
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import numpy as np  # noqa: E402 - the folders above come first
from scale_models.recursion import Solver, Weights, puzzles, valid  # noqa: E402

PROBLEMS = 500
SHAPES = ((1, 8), (2, 4), (4, 2), (8, 1))  # runs × passes: 8 passes in all
TEST_SEED = 7_000_001
ADDED = 0.5  # size of the noise put into the net that was trained without


def main() -> int:
    """Trains both nets, or reads them if they are there, and measures them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1200)
    asked = parser.parse_args()
    for noisy in (False, True):
        file = ROOT / "build" / f"sudoku-{'noise' if noisy else 'plain'}-{asked.seed}-{asked.steps}.npz"
        if not file.exists():
            _train(noisy, asked.seed, asked.steps, file)
        with np.load(file) as weights:
            table({**weights}, f"seed {asked.seed} {'learned noise' if noisy else 'no noise'}", None)
            if not noisy:
                table({**weights}, f"seed {asked.seed} noise of {ADDED:g} added afterwards", ADDED)
    return 0


def _train(noisy: bool, seed: int, steps: int, file: Path) -> None:
    import torch
    from scale_models.recursive_training import train

    torch.set_num_threads(1)
    weights, _ = train(noisy, seed, steps, lambda line: print(line, flush=True))
    file.parent.mkdir(exist_ok=True)
    np.savez(file, **weights)


def table(weights: Weights, name: str, noise: float | None) -> None:
    """Prints for each shape how often the vote, the run the net is surest of, and any run solve the puzzle."""
    clues, solved = puzzles(np.random.default_rng(TEST_SEED), PROBLEMS, test=True)
    for runs, passes in SHAPES:
        rng = np.random.default_rng((TEST_SEED, runs))
        grids, sure = zip(*(_run(weights, clues, rng, noise, passes) for _ in range(runs)), strict=True)
        found, certain = np.stack(grids), np.stack(sure)
        right = (found == solved).all(-1)
        broken = ~valid(found)
        picked = np.take_along_axis(right, certain.argmax(0)[None], 0)[0]
        print(
            f"{name}: {runs} x {passes}: vote {_share(_vote(found, solved))}, surest {_share(picked)}, "
            f"any {_share(right.any(0))}, one run {_share(right[0])}, grids that break a rule {broken.mean():.3f}",
            flush=True,
        )


def _run(weights: Weights, clues: np.ndarray, rng: np.random.Generator, noise: float | None, passes: int):  # noqa: ANN202
    solver = Solver(weights, clues, rng, noise)
    for _ in range(passes):
        solver.step()
    return solver.read()


def _vote(found: np.ndarray, solved: np.ndarray) -> np.ndarray:
    """Whether the whole grid that most runs agree on is right; among equals the first counts."""
    same = (found[:, None] == found[None]).all(-1).sum(1)
    return (np.take_along_axis(found, same.argmax(0)[None, :, None], 0)[0] == solved).all(-1)


def _share(right: np.ndarray) -> str:
    """The share with its Wilson 95 % interval."""
    n, p, z = len(right), float(right.mean()), 1.959964
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return f"{p:.3f} [{(middle - half) / (1 + z * z / n):.3f}, {(middle + half) / (1 + z * z / n):.3f}]"


if __name__ == "__main__":
    raise SystemExit(main())
