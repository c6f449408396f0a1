"""Trains the scale models of the task `rivers`, measures them, and writes their GGUF files and cards to data/models.

Needs requirements.txt and requirements-train.txt. Reproducible from the seed on one version of torch:

    python scripts/train_scale_models.py                  all of them, each in less than ten minutes on two cores
    python scripts/train_scale_models.py reasoner         one, with its early stops
    python scripts/train_scale_models.py --smoke          a few steps each into a scratch folder, to see that it runs
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import torch  # noqa: E402 - the folders above come first
from scale_models import card, export  # noqa: E402
from scale_models.evaluation import recorded  # noqa: E402
from scale_models.network import Network, Shape  # noqa: E402
from scale_models.training import COURSES, Course, teach  # noqa: E402

RECORDED = ROOT / "tests" / "models" / "scale_models.json"
PROMPTS = 120


def main() -> int:
    """Trains the models named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *COURSES], help="which; all if none is named")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="these networks are too small to gain from more")
    parser.add_argument("--smoke", action="store_true", help="20 steps each, nothing is kept")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    names = asked.names or list(COURSES)
    if not asked.smoke:
        Trainer(ROOT / "data" / "models", ROOT / "build", asked.seed, RECORDED).train(names)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        Trainer(folder, folder, asked.seed, folder / "recorded.json", steps=20).train(names)
    return 0


class Trainer:
    """Trains courses in order and keeps what they give.

    Args:
        folder: Where GGUF files and cards go.
        scratch: Where the networks go, so that a course can go on from another one trained before.
        recorded: The file of recorded replies, which is added to.
        steps: Steps of each course; None for its own.
    """

    def __init__(self, folder: Path, scratch: Path, seed: int, recorded: Path, steps: int | None = None) -> None:
        self._folder, self._scratch, self._seed = folder, scratch, seed
        self._recorded, self._steps = recorded, steps
        for each in (folder, scratch):
            each.mkdir(parents=True, exist_ok=True)

    def train(self, names: list[str]) -> None:
        """Trains the courses of these names."""
        for name in names:
            course = COURSES[name]
            begin = self._load(course.begins_with) if course.begins_with else None
            teach(course, self._seed, begin, self._keeper(course), lambda line: print(line, flush=True), self._steps)

    def _load(self, name: str) -> Network:
        network = Network(Shape())
        network.load_state_dict(torch.load(self._network(name), weights_only=True))
        return network

    def _network(self, name: str) -> Path:
        return self._scratch / f"rivers-{name}-{self._seed}.pt"

    def _keeper(self, course: Course):  # noqa: ANN202 - a callback of `teach`
        def keep(name: str, network: Network, steps: int, seconds: float) -> None:
            torch.save(network.state_dict(), self._network(name))
            export.write(network, f"rivers-{name}", self._folder / f"rivers-{name}.gguf")
            made = card.write(network, course, name, self._seed, steps, seconds, quick=self._steps is not None)
            (self._folder / f"rivers-{name}.toml").write_text(made, encoding="utf-8")
            held = json.loads(self._recorded.read_text(encoding="utf-8")) if self._recorded.exists() else {}
            held[f"rivers-{name}"] = recorded(network, PROMPTS)
            self._recorded.write_text(json.dumps(held, indent=0) + "\n", encoding="utf-8")
            print(f"kept rivers-{name} after {steps} steps and {seconds:.0f} s", flush=True)

        return keep


if __name__ == "__main__":
    raise SystemExit(main())
