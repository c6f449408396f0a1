"""Trains variants of the scale models of `rivers` that are not shipped, and prints how often each is right by hops.

Needs requirements.txt and requirements-train.txt, as scripts/train_scale_models.py does:

    python scripts/establish_scale_models.py reasoner --seed 1       the shipped course from another seed
    python scripts/establish_scale_models.py direct --steps 3000     answers at once, never taught to think
    python scripts/establish_scale_models.py unseeded                the reasoner without its seeded beginning
    python scripts/establish_scale_models.py verifier --stops        checks thoughts, never taught to think, for longer
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import torch  # noqa: E402 - the folders above come first
from scale_models.evaluation import ANSWERS, accuracy, roles  # noqa: E402
from scale_models.network import Network  # noqa: E402
from scale_models.training import COURSES, Course, teach  # noqa: E402

PROBLEMS = 500
HOPS = {"thinks": (2, 4, 6, 8), "answers at once": (1, 2, 3, 4, 6, 8)}
VARIANTS = {
    "reasoner": COURSES["reasoner"],
    "direct": replace(COURSES["direct"], begins_with=None, lead="direct", steps=1000),
    "unseeded": replace(COURSES["reasoner"], seeded=False),
    "verifier": replace(COURSES["verifier"], modes={"check": 1.0}, begins_with=None, steps=2500),
}


def main() -> int:
    """Trains one variant and measures it at its stops and at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=list(VARIANTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="instead of the course's own; the rates fall over so many")
    parser.add_argument("--stops", action="store_true", help="measure after each quarter too")
    parser.add_argument("--problems", type=int, default=PROBLEMS, help="for each number of hops")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    course = VARIANTS[asked.variant]
    steps = asked.steps or course.steps
    stops = {share * steps // 4: f"{asked.variant} at {share}/4" for share in (1, 2, 3) if asked.stops}
    course = replace(course, steps=steps, stops=stops)
    teach(course, asked.seed, None, _measure(course, asked.problems), lambda line: print(line, flush=True))
    return 0


def _measure(course: Course, count: int):  # noqa: ANN202 - a callback of `teach`
    ways = ["answers at once"] if "think" not in course.modes else ["thinks"]

    def measure(name: str, network: Network, steps: int, seconds: float) -> None:
        if "check" in course.modes:
            told = "  ".join(f"{role} {share:.3f}" for role, share in roles(network, count).items() if "verif" in role)
            print(f"MEASURED {name}, step {steps}, {seconds:.0f} s, {count} each: {told}", flush=True)
            return
        for way in ways:
            shares = accuracy(network, ANSWERS[way], count, 0.0, hops=HOPS[way])
            told = "  ".join(f"{hops}: {share:.3f}" for hops, share in shares.items())
            print(f"MEASURED {name}, step {steps}, {seconds:.0f} s, {way}, greedy, {count} each: {told}", flush=True)

    return measure


if __name__ == "__main__":
    raise SystemExit(main())
