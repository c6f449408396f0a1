"""C3: compute a model was trained to use and compute that is bolted on add up."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import arms_of, change, cluster_of, compared, of_arm, solver
from fourdials.errors import InputError
from fourdials.estimate.intervals import difference
from fourdials.estimate.panel import PROBLEM, panel
from fourdials.verdict import Check, Claim, Evidence, gains, shown

LEAST = 0.03  # a gain that cannot be as large is none to speak of


def gain(points: pl.DataFrame, arm: str) -> pl.DataFrame:
    """Each problem's score with one sample (`first`) and with the largest vote (`vote`) of an arm."""
    own = of_arm(points, arm)
    top = float(own["max_spend"].max())  # type: ignore[arg-type]
    if top < 2:
        raise InputError(f"{arm} takes one sample only")
    found = panel([own], [1.0, top])
    return found.problems.with_columns(first=found.values[0, :, 0], vote=found.values[0, :, 1])


def judge(evidence: Evidence) -> list[Check]:
    """A vote gains something for each of two models; shown beside it, how the gains differ and who leads at equal
    generated tokens."""
    voted = arms_of(evidence, "majority_vote", "thought_vote")
    # Like with like: votes over thoughts where a model has both, as only those leave a reasoning model its room.
    voted.sort(key=lambda arm: str(arm["strategy"]))
    models = {solver(arm): arm["arm"] for arm in voted}
    if len(models) < 2:
        raise InputError("it has votes of one model only; the claim is about two, one of which was trained to think")
    levels, tokens = evidence.points("level"), evidence.points("completion_tokens")
    # The one that writes more a sample is the one that thinks.
    rows = {model: gain(levels, arm) for model, arm in models.items()}
    ranked = sorted(models, key=lambda model: float(of_arm(tokens, models[model])["spend"].drop_nulls().min()))  # type: ignore[arg-type]
    checks = [
        gains(
            f"Votes gain something for {model}",
            difference(rows[model]["vote"].to_numpy(), rows[model]["first"].to_numpy(), cluster_of(rows[model])),
            LEAST,
        )
        for model in ranked
    ]
    brief, thinking = ranked[0], ranked[-1]
    both = rows[thinking].join(rows[brief], on=[*PROBLEM, "cluster_id"], suffix="_brief").sort(*PROBLEM)
    both = both.with_columns(more=pl.col("vote") - pl.col("first"), less=pl.col("vote_brief") - pl.col("first_brief"))
    if both.height:
        said = f"Interaction: how much more a vote brings {thinking} than {brief}"
        checks.append(shown(said, change(both, "more", "less")))
        said = f"{thinking} over {brief} at equal generated tokens"
        checks.append(compared(shown, said, tokens, models[thinking], models[brief]))
    return checks


CLAIM = Claim(
    id="C3",
    title="Trained and bolted-on compute",
    headline="Thinking that a model was trained for and compute that is added around it complement each other.",
    source="Survey of test-time scaling 2025, arXiv 2503.24235 (a taxonomy without a figure of its own)",
    scaling="both",
    counts=(
        "With and without trained thinking, votes over more samples gain something; a gain that cannot be as large as "
        "3 points is taken for none. How the two gains differ, and who leads at equal generated tokens, is shown."
    ),
    established="Votes raise many instruct models; reasoning models also gain from votes in their makers' reports.",
    contested="Whether the gains add up or replace one another at equal tokens.",
    untestable="How the thinking was trained, and what it costs to train it.",
    judge=judge,
)
