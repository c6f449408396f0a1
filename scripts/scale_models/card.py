"""What is known of a model, as the card that lies beside its file."""

from __future__ import annotations

import platform

import tomlkit
import torch
from scale_models.evaluation import ANSWERS, accuracy, roles
from scale_models.network import Network
from scale_models.training import Course

PROBLEMS = 100
DATA = "maps of the task rivers drawn at random, of at most 32 edges; no other text"
SEEDED = (
    "The lookup was not found by training alone within minutes: one head of the first layer was set near a "
    "previous-token head and the second layer near an induction head that copies (scripts/scale_models/network.py). "
    "What these models can do is thus partly given, not learned."
)
COMPARED = (
    " Two heads of its third layer were set near ones that look for an edge between the same two places as a step of "
    "the thought."
)


def write(network: Network, course: Course, name: str, seed: int, steps: int, seconds: float, quick: bool) -> str:
    """The card as TOML; `quick` measures a few problems only."""
    count = 4 if quick else PROBLEMS
    document = tomlkit.document()
    document.add("name", f"rivers-{name}")
    document.add("task", "rivers")
    document.add("parameters", sum(weight.numel() for weight in network.parameters()))
    document.add("architecture", "llama, width 96, 4 layers, 3 heads, feed-forward 192, tied embeddings, F32")
    document.add("data", DATA)
    document.add("lessons", {mode: weight for mode, weight in course.modes.items()})
    document.add("begins_with", f"rivers-{course.begins_with}" if course.begins_with else "a seeded initialisation")
    document.add("seeded_initialisation", SEEDED + (COMPARED if course.compares else ""))
    document.add("seed", seed)
    document.add("steps", steps)
    document.add("of_steps", course.steps)
    document.add("seconds_to_train", round(seconds))
    document.add(
        "trained_with", f"torch {torch.__version__}, 1 thread, {platform.machine()}; seconds of that processor"
    )
    tables = tomlkit.table()
    tables.add(
        tomlkit.comment(f"Share right by hops, 4 rivers, {count} problems each (give or take .10): chance is .25")
    )
    tables.add(
        tomlkit.comment("Verdicts: half of the thoughts are sound, and those that slip are as long: chance is .5")
    )
    for way, ask in ANSWERS.items():
        for temperature in (0.0, 1.0):
            shares = accuracy(network, ask, count, temperature)
            tables.add(
                f"{way}, temperature {temperature:g}", {str(hops): round(share, 3) for hops, share in shares.items()}
            )
    forked = accuracy(network, ANSWERS["thinks"], count, 1.0, forks=2)
    tables.add("thinks, 2 forks, temperature 1", {str(hops): round(share, 3) for hops, share in forked.items()})
    tables.add("roles", {role: round(share, 3) for role, share in roles(network, count).items()})
    document.add("accuracy", tables)
    return tomlkit.dumps(document)
