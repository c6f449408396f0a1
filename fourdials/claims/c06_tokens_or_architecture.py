"""C6: how well agents do is mostly how many tokens they spend."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import cluster_of
from fourdials.estimate import Estimate
from fourdials.estimate.variance import FACTORS, Explained, explain
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above, below, shown, untested

TOKENS, ARCHITECTURE = 0.6, 0.1


def judge(evidence: Evidence) -> list[Check]:
    """Over configurations tokens alone explain 0.6 of the variance, and the arrangement adds less than 0.1.

    Where each trial's cap was drawn at random a configuration is an arm, its highest level and a quarter of the range
    of caps; else it is an arm at a level, and what tokens explain is no effect of spending them, which is said.
    """
    rows = evidence.trials()
    drawn = "cap" in rows.columns and rows["cap"].drop_nulls().n_unique() > 1
    if not drawn:
        stops = evidence.read("operating_points", experiment_ids=[evidence.experiment_id])
        models = evidence.arms.select("experiment_id", "arm", "model")
        rows = stops.join(models, on=["experiment_id", "arm"]).rename({"level": "max_level"})
        rows = rows.with_columns(tool_calls=pl.lit(0))
    explained, problems = explain(rows, "configuration"), int(cluster_of(rows).max()) + 1
    tokens, rest = (_part(explained, problems, *of) for of in (("tokens", "alone"), ("architecture", "partial")))
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
    configurations = int(explained.table["n"][0])
    checks = [
        above(f"Tokens alone explain at least {TOKENS} of the variance (R²)", tokens, TOKENS, "number"),
        below(f"The arrangement adds less than {ARCHITECTURE}", added, ARCHITECTURE, "number"),
    ]
    if not drawn:
        checks.append(untested("That spending causes it: caps in tokens were not drawn at random for each trial"))
    checks.append(Check(f"Over {configurations} configurations, tokens {_range(rows)}", SHOWN))
    for factor in FACTORS:
        part = _part(explained, problems, factor, "shapley")
        checks.append(shown(f"Share of R² that goes to {factor} (LMG)", part, "number"))
    return [*checks, *(Check(warning.removesuffix("."), SHOWN) for warning in explained.warnings)]


def _part(explained: Explained, problems: int, factor: str, measure: str) -> Estimate:
    row = explained.table.filter((pl.col("factor") == factor) & (pl.col("measure") == measure)).row(0, named=True)
    return Estimate(row["value"], row["low"], row["high"], problems, row["clusters"], row["method"])


def _range(rows: pl.DataFrame) -> str:
    spent = rows["total_tokens"].drop_nulls().to_numpy()
    spent = spent[spent > 0]
    return f"from {spent.min():,.0f} to {spent.max():,.0f} a problem: R² depends on that range"


CLAIM = Claim(
    id="C6",
    title="Tokens or architecture",
    headline=(
        "In an evaluation of browsing agents, tokens alone explained 80 % of the variance, and tokens, tool calls "
        "and the choice of model 95 %; many agents used about 15 times the tokens of a chat."
    ),
    source="Engineering post of Anthropic, June 2025",
    scaling="external",
    counts=(
        "Over configurations, tokens alone reach an R² of 0.6, and the arrangement adds less than 0.1 to it. Unless "
        "each trial's cap was drawn at random this holds in part only."
    ),
    established="Arrangements differ widely in what they spend, so comparing them without their spend says little.",
    contested=(
        "What such an R² means: it depends on the range of budgets that was chosen, and harder problems draw more "
        "tokens by themselves, which runs the other way."
    ),
    untestable="Their internal evaluation. Cause and effect needs budgets that were drawn at random.",
    judge=judge,
)
