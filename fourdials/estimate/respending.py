"""What each model took up to every stop → spends in units the database does not hold: FLOPs, dollars by other prices.

Rows come from the query `stop_uses`. Called by `units`, which gives curves, differences and fits their points in such a
unit, and operating points their dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from fourdials import prices
from fourdials.estimate.repricing import FLOPS_PER_PARAMETER
from fourdials.records import Price

STOP = ["trial_id", "level"]
BLOCK = ["experiment_id", "task", "problem_id", "repeat"]


def flops(uses: pl.DataFrame, parameters: Mapping[str, int | None]) -> pl.DataFrame:
    """FLOPs of every stop: Σ over models of 2 · parameters · (prompt + completion tokens).

    Two for each parameter and token of a forward pass (Kaplan et al. 2020, arXiv 2001.08361, section 2.1, without the
    attention over the context), prompts as much as replies: the proxy by which Snell et al. 2024 (arXiv 2408.03314)
    trade a model's inference against its size. Prompt tokens read from a cache count as if they were worked out anew.

    Args:
        uses: Rows of the query `stop_uses`.
        parameters: Parameters of each model; None or absent where unknown.

    Returns:
        trial_id, level, point and `spend`; NULL where a count or a model's size is unknown.
    """
    sizes = {model: float(FLOPS_PER_PARAMETER * size) for model, size in parameters.items() if size is not None}
    return _summed(uses, {model: (rate, rate) for model, rate in sizes.items()})


def dollars(uses: pl.DataFrame, price_rows: Sequence[Price], at: float, instead: str | None = None) -> pl.DataFrame:
    """List price of every stop by the price rows of a day, all prompt tokens at the fresh rate.

    Args:
        uses: Rows of the query `stop_uses`.
        price_rows: The price list.
        at: The day to price at, seconds since the epoch (UTC).
        instead: A model whose prices are taken for every model; None for each one's own.

    Returns:
        trial_id, level, point and `spend` in US dollars; NULL where a count or a price is unknown.
    """
    rates = {}
    for model in uses["model"].drop_nulls().unique():
        row = prices.price_of(instead or model, at, price_rows)
        if row is not None:
            rates[model] = (row.input_usd / prices.MILLION, row.output_usd / prices.MILLION)
    return _summed(uses, rates)


def paid(uses: pl.DataFrame) -> pl.DataFrame:
    """What every stop was charged, cache discounts included: trial_id, level, point and `spend`; NULL if unknown."""
    return _total(uses.with_columns(spend=pl.col("usd_paid")))


def respent(points: pl.DataFrame, stops: pl.DataFrame) -> pl.DataFrame:
    """Rows of `curve_points` in another unit of spend.

    Args:
        points: Rows of the query `curve_points` in the unit `level`, in which it leaves no stop out.
        stops: What stopping costs in the new unit, of `flops`, `dollars` or `paid`, for the same choice of trials.

    Returns:
        The same columns by the same rules as that query: stops that a later level reaches at equal or lower spend are
        left out, arms whose spend is unknown throughout as well, and blocks where only some of it is.
    """
    costs = stops.drop_nulls("point").select("trial_id", level="point", spend="spend")
    priced = points.drop("spend", "gain", "answered_gain", "max_spend").join(
        costs, on=STOP, how="left", maintain_order="left"
    )
    known = (pl.col("level").is_null() | pl.col("spend").is_not_null()).all()
    cut = stops.filter(pl.col("level") == -1).select("trial_id", cut="spend")  # what never answered had spent
    marked = (
        priced.join(cut, on="trial_id", how="left", maintain_order="left")
        .with_columns(known=known.over("unit_id"), max_spend=pl.col("spend").max().over("unit_id"))
        .with_columns(max_spend=pl.when(pl.col("level").is_null()).then("cut").otherwise("max_spend"))
    )
    counted = marked.filter(pl.col("known").any().over("experiment_id", "arm")).filter(
        pl.col("known").all().over(BLOCK)
    )
    ordered = counted.sort("unit_id", "level", nulls_last=True)
    later = pl.col("spend").shift(-1).cum_min(reverse=True).over("unit_id")
    useful = ordered.filter(pl.col("level").is_null() | later.is_null() | (pl.col("spend") < later))
    answered = (pl.col("outcome") != "unanswered").cast(pl.Int64)
    score = pl.col("score").fill_null(0.0)
    gained = useful.with_columns(
        gain=(score - score.shift(1, fill_value=0.0)).over("unit_id"),
        answered_gain=(answered - answered.shift(1, fill_value=0)).over("unit_id"),
        max_spend=pl.col("max_spend").fill_null(0.0),
    )
    return gained.select(points.columns)


def _summed(uses: pl.DataFrame, rates: Mapping[str, tuple[float, float]]) -> pl.DataFrame:
    """The spend of each stop at so much for a prompt's and a reply's token of each model."""
    schema = {"model": pl.String, "prompt_rate": pl.Float64, "reply_rate": pl.Float64}
    table = pl.DataFrame([(model, *both) for model, both in rates.items()], schema=schema, orient="row")
    joined = uses.join(table, on="model", how="left", maintain_order="left")
    spend = pl.col("prompt_tokens") * pl.col("prompt_rate") + pl.col("completion_tokens") * pl.col("reply_rate")
    return _total(joined.with_columns(spend=pl.when(pl.col("model").is_null()).then(0.0).otherwise(spend)))


def _total(uses: pl.DataFrame) -> pl.DataFrame:
    """Summed over models; unknown where one of them is."""
    whole = pl.when(pl.col("spend").null_count() == 0).then(pl.col("spend").sum()).cast(pl.Float64)
    return uses.group_by(*STOP, "point", maintain_order=True).agg(whole.alias("spend"))
