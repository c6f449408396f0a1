"""Measures the rates behind modelled seconds of a model on this computer, for data/models.toml.

    scripts/bench rates --models local/rivers-reasoner local/letters-narrow local/sudoku4-noise

Greedy thoughts of different lengths about problems of the model's own task, one call at a time through the gateway; the
processor's time of each call (this process's, its server included) is explained by a constant, its prompt tokens and
its completion tokens (least squares on the median call of each size). Other programs do not change it much.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fourdials import plugins
from fourdials.gateway import Gateway
from fourdials.models import catalogue
from fourdials.records import ModelRequest

PARAMS: dict[str, dict[str, Any]] = {
    "rivers": {"hops": (1, 2, 3, 4, 5, 6, 7, 8)},
    "letter_shift": {"notation": "taught", "splits": ("in", "length"), "longer": 6},
    "sudoku4": {"notation": "taught"},
}
LENGTHS = {"rivers": (1, 2, 4, 8, 16), "letter_shift": (1, 4, 8, 16, 32), "sudoku4": (1, 4, 16, 64, 256)}
FIRST, CALLS = 10, 400  # the first calls also load what is loaded once
Sizes = dict[tuple[int, int], list[float]]


def rates(names: Sequence[str]) -> list[str]:
    """A line for each model: its rates, and how far calls are from them."""
    return [_told(name, asyncio.run(_measured(name))) for name in names]


async def _measured(name: str) -> Sizes:
    """Processor seconds of calls by their prompt and completion tokens."""
    model = catalogue.resolve(name)
    [task] = model.tasks
    module = plugins.tasks()[task]
    gateway = Gateway([])
    await gateway.open([model])
    found: Sizes = defaultdict(list)
    try:
        problems = module.problems(module.Params(**PARAMS[task]), FIRST + CALLS, 1)
        for number, problem in enumerate(problems):  # each once: a server keeps the last prompts it has read
            think = module.question(problem, "given", model.format).think
            longest = LENGTHS[task][number % len(LENGTHS[task])]
            request = ModelRequest(model, replace(think, max_tokens=longest), "solve")
            began = time.process_time()
            attempt = await gateway.send(request, lambda attempt: None)
            usage = attempt.samples[0].usage
            if number >= FIRST:
                taken = time.process_time() - began
                found[usage.prompt_tokens or 0, usage.completion_tokens or 0].append(taken)
    finally:
        await gateway.close()
    return found


def _told(name: str, found: Sizes) -> str:
    sizes = np.array(list(found), float)
    seconds = np.array([statistics.median(taken) for taken in found.values()])
    weight = np.sqrt([len(taken) for taken in found.values()])
    prompts_differ = len(set(sizes[:, 0])) > 1
    parts = np.column_stack([np.ones(len(sizes)), *((sizes[:, 0],) if prompts_differ else ()), sizes[:, 1]])
    answer = np.linalg.lstsq(parts * weight[:, None], seconds * weight, rcond=None)[0]
    off = statistics.median(np.abs(parts @ answer - seconds) / seconds)
    prefill = f"prefill_tokens_per_s {1 / answer[1]:.0f}, " if prompts_differ else "prompts all of one length, "
    return (
        f"{name}: {prefill}decode_tokens_per_s {1 / answer[-1]:.0f}, overhead_s {answer[0]:.4f} "
        f"({sum(map(len, found.values()))} calls of {len(found)} sizes, half of them within {off:.0%})"
    )
