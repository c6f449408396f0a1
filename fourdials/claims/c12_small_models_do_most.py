"""C12: small models can do most of the calls of an agent at a fraction of the cost."""

from __future__ import annotations

from typing import Any

import polars as pl

from fourdials.claims._judging import arms_of, at_ends, cluster_of, mean_of, of_arm, scores, size_of, solver
from fourdials.errors import InputError
from fourdials.estimate import frontier
from fourdials.estimate.intervals import difference, share
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import (
    NOT_REPRODUCED,
    REPRODUCED,
    SHOWN,
    UNDECIDED,
    Check,
    Claim,
    Evidence,
    above,
    below,
    not_worse,
    shown,
)

MARGIN = 0.02
SURE = 0.95


def judge(evidence: Evidence) -> list[Check]:
    """The cascade is within 2 points of the large model for less money, leads the small one, and lies on the front of
    score against dollars; what share of problems the small model settled, and how well, is shown."""
    cascade = arms_of(evidence, "cascade")[0]
    small, large = solver(cascade), cascade["lineup"]["large"]
    alone = {solver(arm): arm["arm"] for arm in arms_of(evidence, "majority_vote", "single")}
    if small == large or not {small, large} <= alone.keys():
        raise InputError("it needs the small and the large model by themselves beside their cascade")
    points, name = evidence.points("usd"), cascade["arm"]
    if points.is_empty() or points["spend"].is_null().all():
        raise InputError("the prices of its models are unknown")
    paid = [
        of_arm(points, arm).unique("unit_id").group_by(*PROBLEM, "cluster_id").agg(pl.col("max_spend").mean())
        for arm in (name, alone[large])
    ]
    both = paid[0].join(paid[1], on=[*PROBLEM, "cluster_id"], suffix="_large").sort(*PROBLEM)
    saved = mean_of((both["max_spend"] - both["max_spend_large"]).to_numpy(), cluster_of(both))
    return [
        not_worse(f"{name} is at most 2 points behind {alone[large]}", at_ends(points, name, alone[large]), MARGIN),
        below("It costs less a problem (dollars)", saved, 0.0, "number"),
        above(f"It leads {alone[small]}", at_ends(points, name, alone[small])),
        _on_front(evidence, name, "dollars", {}),
        *_in_flops(evidence, cascade),
        *_settled(evidence, cascade, alone[large]),
    ]


def _on_front(evidence: Evidence, name: str, unit: str, flops: dict[str, float]) -> Check:
    """Whether any level of the cascade is beaten by no other arm at any level: as good for as much or less. Where
    models' sizes are given the price is FLOPs, else dollars."""
    rows = evidence.read("operating_points", experiment_ids=[evidence.experiment_id])
    if flops:
        factor = pl.col("arm").replace_strict(flops, default=None, return_dtype=pl.Float64)
        rows = rows.with_columns(total_tokens=pl.col("total_tokens") * factor).drop_nulls("total_tokens")
    front = frontier.pareto(frontier.read(rows), "total_tokens" if flops else "usd")
    own = front.filter(arm=name)
    if own.is_empty():
        raise InputError(f"what {name} costs is unknown")
    row = own.sort("level").row(-1, named=True)
    sure = float(row["probability"])
    outcome = NOT_REPRODUCED if row["beaten"] or sure <= 1 - SURE else REPRODUCED if sure >= SURE else UNDECIDED
    said = f"{name} lies on the front of score against {unit} (share of resamples)"
    return Check(said, SHOWN if flops else outcome, sure, unit="share", n=row["n"], method="bootstrap over clusters")


def _in_flops(evidence: Evidence, cascade: dict[str, Any]) -> list[Check]:
    """The same in FLOPs of use, 2 · parameters · tokens, where the sizes of its models are known."""
    try:
        sizes = {model: size_of(evidence, model) for model in (solver(cascade), cascade["lineup"]["large"])}
    except InputError as error:
        return [Check(f"In FLOPs it cannot be said: {error}", SHOWN)]
    used = evidence.read("priced_tokens", experiment_ids=[evidence.experiment_id])
    used = used.with_columns(tokens=pl.col("prompt_tokens") + pl.col("completion_tokens"))
    used = used.filter(pl.col("model").is_in(list(sizes))).drop_nulls("tokens")
    # A mixed arm is charged what a token of it costs on average.
    mixed = used.group_by("arm").agg(
        (2.0 * pl.col("model").replace_strict(sizes, return_dtype=pl.Float64) * pl.col("tokens")).sum()
        / pl.col("tokens").sum()
    )
    flops = {arm: float(cost) for arm, cost in mixed.rows()}
    return [_on_front(evidence, cascade["arm"], "FLOPs", flops)] if cascade["arm"] in flops else []


def _settled(evidence: Evidence, cascade: dict[str, Any], large: str) -> list[Check]:
    """The share of problems the small model settled without the large one, and how they fared against it there."""
    rows = evidence.trials()
    own = (
        rows.filter(arm=cascade["arm"])
        .group_by(*PROBLEM, "cluster_id")
        .agg((pl.col("level") < 2).cast(pl.Float64).mean().alias("settled"), pl.col("score").mean())
        .sort(*PROBLEM)
    )
    said = "Problems that the small model settled by itself, the share of calls it can replace"
    checks = [shown(said, share(own["settled"].to_numpy(), cluster_of(own)), "share")]
    alone = scores(rows, arm=large).rename({"score": "score_large"})
    both = own.filter(pl.col("settled") == 1).join(alone, on=[*PROBLEM, "cluster_id"]).sort(*PROBLEM)
    if both.height:
        found = difference(both["score"].to_numpy(), both["score_large"].to_numpy(), cluster_of(both))
        checks.append(shown(f"On those, {cascade['arm']} over {large}", found))
    return checks


CLAIM = Claim(
    id="C12",
    title="Small models first",
    headline=(
        "Small models can do most of the calls of an agent 10 to 30 times cheaper; 40 to 70 % of the calls of "
        "three agents are estimated to be replaceable."
    ),
    source="Belcak et al. 2025, arXiv 2506.02153 (a position paper)",
    scaling="external",
    counts=(
        "A cascade that asks the large model only where the small one is unsure is within 2 points of the large "
        "model, costs less, leads the small one, and lies on the front of score against dollars. That margin takes "
        "thousands of problems."
    ),
    established="List prices per token differ by such factors between sizes.",
    contested="Which calls are replaceable; the published shares are its authors' estimates.",
    untestable="The agents of the source, and what fine-tuning a small model for one call would add.",
    judge=judge,
)
