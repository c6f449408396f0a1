"""C14: subtasks whose details are dropped once they are done make for working memory without an end."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import arms_of, cluster_of, compared, ratio, resampled
from fourdials.errors import InputError
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import Check, Claim, Evidence, above, below, not_worse

MARGIN, HALF = 0.03, 0.5


def judge(evidence: Evidence) -> list[Check]:
    """Pruned transcripts halve the longest prompt, lose under 3 points, and lead a window of the same size."""
    names = {
        memory: arms_of(evidence, "subtask_tree", memory=memory)[0]["arm"] for memory in ("prune", "full", "window")
    }
    points, rows = evidence.points("level"), evidence.steps()
    means = [
        rows.filter(arm=names[memory]).group_by(*PROBLEM, "cluster_id").agg(pl.col("longest_prompt").mean())
        for memory in ("prune", "full")
    ]
    both = means[0].join(means[1], on=[*PROBLEM, "cluster_id"], suffix="_full").drop_nulls().sort(*PROBLEM)
    if both.is_empty():
        raise InputError("the lengths of its prompts are unknown")
    behind = f"{names['prune']} is at most 3 points behind {names['full']}"
    sizes = [both[name].to_numpy().astype(float) for name in ("longest_prompt", "longest_prompt_full")]
    return [
        below("The longest prompt is half as long", resampled(ratio(*sizes), cluster_of(both)), HALF, "ratio"),
        compared(not_worse, behind, points, names["prune"], names["full"], MARGIN),
        compared(above, f"It leads {names['window']}, which is as long", points, names["prune"], names["window"]),
    ]


CLAIM = Claim(
    id="C14",
    title="Working memory without an end",
    headline=(
        "A tree of subtasks that keeps only conclusions needs under half of the cache, with up to 64 % pruned, "
        "and stays accurate with 90 % of it manipulated."
    ),
    source="Thread Inference Model 2025, arXiv 2507.16784",
    scaling="internal",
    counts=(
        "Replacing finished subtasks by their conclusions halves the longest prompt, loses less than 3 points "
        "against the full transcript, and leads a window of the same size."
    ),
    established="A transcript that is never cut grows with the steps; a tree of conclusions with their logarithm.",
    contested="What it saves in money: rewriting the prompt breaks a provider's prefix cache.",
    untestable="Savings in a model's own cache, which calls do not see.",
    judge=judge,
)
