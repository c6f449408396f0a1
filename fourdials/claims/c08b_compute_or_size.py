"""C8b: compute at test time trades against model size, where the small model gets some problems right at all."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import ahead, arms_of, of_arm, with_difficulty
from fourdials.errors import InputError
from fourdials.models import catalogue
from fourdials.verdict import Check, Claim, Evidence, above


def flops(evidence: Evidence) -> tuple[pl.DataFrame, str, str]:
    """Points whose spend is 2 · parameters · tokens, with the arms of the small and the large model."""
    sized = []
    for arm in arms_of(evidence, "majority_vote"):
        parameters = catalogue.resolve(arm["lineup"]["solver"]).parameters or _stated(evidence, arm["lineup"]["solver"])
        if parameters is None:
            raise InputError(f"the size of {arm['lineup']['solver']} is unknown; state `parameters` in the file")
        sized.append((parameters, arm["arm"]))
    sized.sort()
    if len(sized) < 2 or sized[0][0] == sized[-1][0]:
        raise InputError("it has votes of models of one size only")
    points = evidence.points("total_tokens")
    scaled = [
        of_arm(points, arm).with_columns(*(pl.col(name) * 2.0 * size for name in ("spend", "max_spend")))
        for size, arm in (sized[0], sized[-1])
    ]
    return pl.concat(scaled), sized[0][1], sized[-1][1]


def _stated(evidence: Evidence, model: str) -> int | None:
    import json

    text = evidence.read("spec", experiment_id=evidence.experiment_id)["spec"][0]
    stated = json.loads(text).get("models", {}).get(model, {}).get("parameters")
    return None if stated is None else int(stated)


def judge(evidence: Evidence) -> list[Check]:
    """At equal FLOPs the small model's votes lead the large model on the easier half of the problems."""
    points, small, large = flops(evidence)
    ranked = with_difficulty(points, evidence)
    easier = ranked.filter(pl.col("difficulty") <= pl.col("difficulty").median())
    return [above(f"At equal FLOPs {small} leads {large} on the easier half", ahead(easier, small, large))]


CLAIM = Claim(
    id="C8b",
    title="Compute or size",
    headline=(
        "A small model with more compute at test time can match one M times larger, where it gets some of the "
        "problems right at all: it may spend M + 3(D_pre/D_inf)(M − 1) times the tokens."
    ),
    source="Snell et al. 2024, arXiv 2408.03314",
    scaling="external",
    counts=(
        "At equal FLOPs of use the small model with votes leads the large one on the easier half of the problems; "
        "where they cross is shown for each difficulty."
    ),
    established=(
        "Doubling either size or samples doubles the FLOPs of use; pretraining is paid once and use every time."
    ),
    contested="The hardest problems, where no number of samples of a small model holds a right one.",
    untestable=(
        "The share of a model's tokens that are spent in use: a number one has to choose, not one that a run measures."
    ),
    judge=judge,
)
