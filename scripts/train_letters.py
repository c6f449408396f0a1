"""Trains the scale model of the task `letter_shift`, measures it in and out of distribution, and how it recovers.

Needs requirements.txt and requirements-train.txt. Reproducible from the seed on one version of torch:

    python scripts/train_letters.py              writes data/models/letters-narrow.gguf, its card and recorded replies
    python scripts/train_letters.py --seed 1     another seed, measured only, as --recovery measures the recovery too
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import tomlkit  # noqa: E402 - the folders above come first
import torch  # noqa: E402
from scale_models import export, letters  # noqa: E402
from scale_models.evaluation import replies  # noqa: E402
from scale_models.network import Network  # noqa: E402

NAME = "letters-narrow"
SHIPPED_SEED = 0
SPLITS = ("in", "task", "length", "format")
PROBLEMS = 500
RECORDED = ROOT / "tests" / "models" / "scale_models.json"
FINE_TUNING = (5, 10, 20, 40, 80, 160, 320)
NEAR_TIE = 0.01  # logits; two programs round sums differently, and out of distribution some choices hang on that
GAIN = 0.25  # of the rates of the first training


def main() -> int:
    """Trains one model; only that of the shipped seed is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SHIPPED_SEED)
    parser.add_argument("--recovery", action="store_true", help="measure fine-tuning on the held-back compositions too")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(asked.seed)
    network = Network(letters.SHAPE)
    rng = random.Random(f"letters:{asked.seed}")
    seconds = letters.teach(network, letters.TAUGHT, letters.STEPS, rng, say=lambda line: print(line, flush=True))
    shares = {split: letters.accuracy(network, split, PROBLEMS) for split in SPLITS}
    for split, found in shares.items():
        print(f"MEASURED seed {asked.seed}, {seconds:.0f} s, {split}, {PROBLEMS} problems, greedy: {found}", flush=True)
    if asked.seed == SHIPPED_SEED:
        _keep(network, seconds, shares)
    if asked.recovery:
        _recover(network, asked.seed)
    return 0


def _recover(network: Network, seed: int) -> None:
    """Goes on with all four compositions, or with the taught ones as a control, and measures after some steps."""
    for name, lessons in (("all four", letters.TAUGHT + letters.HELD_BACK), ("those taught before", letters.TAUGHT)):
        tuned = copy.deepcopy(network)

        def after(step: int, tuned: Network = tuned, name: str = name) -> None:
            if step in FINE_TUNING:
                found = letters.accuracy(tuned, "task", PROBLEMS)
                print(f"MEASURED seed {seed}, fine-tuned on {name}, step {step}, new compositions: {found}", flush=True)

        letters.teach(tuned, lessons, max(FINE_TUNING), random.Random(f"recovery:{seed}"), GAIN, after)


def _keep(network: Network, seconds: float, shares: dict[str, dict[str, float]]) -> None:
    folder = ROOT / "data" / "models"
    export.write(network, NAME, folder / f"{NAME}.gguf", letters.VOCABULARY)
    (folder / f"{NAME}.toml").write_text(_card(network, seconds, shares), encoding="utf-8")
    asked = [
        (ask + sign, longest)
        for split in SPLITS
        for ask, _, _ in letters.questions(split, 20, 2)
        for sign, longest in ((">", 20), ("=", 10))
    ]
    said = [reply for text, longest in asked for reply in replies(network, [text], longest, 0.0, letters.VOCABULARY)]
    held = json.loads(RECORDED.read_text(encoding="utf-8"))
    held[NAME] = [
        [text, longest, reply]
        for (text, longest), reply in zip(asked, said, strict=True)
        if _margin(network, text, reply, longest) > NEAR_TIE
    ]
    RECORDED.write_text(json.dumps(held, indent=0) + "\n", encoding="utf-8")


@torch.no_grad()
def _margin(network: Network, text: str, reply: str, longest: int) -> float:
    """By how much the least clear token of a greedy reply was preferred, in logits."""
    tokens = torch.tensor([[letters.TOKEN[sign] for sign in ("<s>", *text, *reply)]])
    drawn = min(len(reply) + 1, longest)
    best = network(tokens)[0, len(text) :][:drawn].topk(2, -1).values
    return float((best[:, 0] - best[:, 1]).min())


def _card(network: Network, seconds: float, shares: dict[str, dict[str, float]]) -> str:
    shape = letters.SHAPE
    document = tomlkit.document()
    document.add("name", NAME)
    document.add("task", "letter_shift")
    document.add("parameters", sum(weight.numel() for weight in network.parameters()))
    document.add(
        "architecture",
        f"llama, width {shape.width}, {shape.layers} layers, {shape.heads} heads, feed-forward {shape.inner}, "
        "tied embeddings, F32",
    )
    document.add(
        "data",
        f"rows of {letters.LENGTH} letters with the rule shift twice or turn twice, four in five thought through; one "
        "row in ten was never shown; no other text",
    )
    document.add("begins_with", "a random initialisation; nothing was set by hand")
    document.add("seed", SHIPPED_SEED)
    document.add("steps", letters.STEPS)
    document.add("seconds_to_train", round(seconds))
    document.add("trained_with", f"torch {torch.__version__}, 1 thread, {platform.machine()}; a busy machine")
    table = tomlkit.table()
    table.add(tomlkit.comment(f"Greedy shares of {PROBLEMS} questions each about rows never shown; chance is 0.000002"))
    for split, found in shares.items():
        table.add(split, {way: round(share, 3) for way, share in found.items()})
    document.add("accuracy", table)
    return tomlkit.dumps(document)


if __name__ == "__main__":
    raise SystemExit(main())
