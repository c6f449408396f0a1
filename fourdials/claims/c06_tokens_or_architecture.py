"""C6: how well agents do is mostly how many tokens they spend."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import cluster_of
from fourdials.estimate import Estimate
from fourdials.estimate.variance import explain
from fourdials.verdict import Check, Claim, Evidence, above, below

TOKENS, ARCHITECTURE = 0.6, 0.1


def judge(evidence: Evidence) -> list[Check]:
    """Over configurations (an arm at a level) tokens alone explain 0.6 of the variance, and the arrangement adds
    less than 0.1."""
    stops = evidence.read("operating_points", experiment_ids=[evidence.experiment_id])
    models = evidence.arms.select("experiment_id", "arm", "model")
    rows = stops.join(models, on=["experiment_id", "arm"]).rename({"level": "max_level"})
    explained = explain(rows.with_columns(tool_calls=pl.lit(0)), "configuration")
    problems = int(cluster_of(rows).max()) + 1

    def part(factor: str, measure: str) -> Estimate:
        row = explained.table.filter((pl.col("factor") == factor) & (pl.col("measure") == measure)).row(0, named=True)
        return Estimate(row["value"], row["low"], row["high"], problems, row["clusters"], row["method"])

    tokens, rest = part("tokens", "alone"), part("architecture", "partial")
    # What the arrangement adds to R² is its share of what tokens leave; the ends of both intervals are combined as
    # unluckily as possible.
    added = Estimate(
        rest.value * (1 - tokens.value),
        rest.low * (1 - tokens.high),
        rest.high * (1 - tokens.low),
        problems,
        rest.clusters,
        rest.method,
    )
    return [
        above(f"Tokens alone explain at least {TOKENS} of the variance", tokens, TOKENS, "number"),
        below(f"The arrangement adds less than {ARCHITECTURE}", added, ARCHITECTURE, "number"),
    ]


CLAIM = Claim(
    id="C6",
    title="Tokens or architecture",
    headline=(
        "In an evaluation of browsing agents, tokens alone explained 80 % of the variance, and tokens, tool calls "
        "and the choice of model 95 %; many agents used about 15 times the tokens of a chat."
    ),
    source="Engineering post of Anthropic, June 2025",
    scaling="external",
    counts=("Over configurations, tokens alone reach an R² of 0.6, and the arrangement adds less than 0.1 to it."),
    established="Arrangements differ widely in what they spend, so comparing them without their spend says little.",
    contested=(
        "What such an R² means: it depends on the range of budgets that was chosen, and harder problems draw more "
        "tokens by themselves, which runs the other way."
    ),
    untestable="Their internal evaluation. Cause and effect needs budgets that were drawn at random.",
    judge=judge,
)
