"""What calls took → what they would cost on another day or at another model's prices, and the arithmetic behind them.

Rows come from the query `priced_tokens`. These are sums of what was used, not estimates: they have no interval. What is
not known is NULL, never 0, and so is every sum it is part of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from fourdials import prices
from fourdials.records import Price, Usage

_NUMBERS = ("usd", "usd_paid", "new_usd", "new_paid_usd", "flops", "total_tokens")
# Work of a forward pass: 2 for each parameter and token. Kaplan et al. 2020, arXiv 2001.08361, section 2.1.
FLOPS_PER_PARAMETER = 2


def repriced(
    rows: pl.DataFrame,
    price_rows: Sequence[Price],
    at: float,
    instead: str | None = None,
    parameters: Mapping[str, int | None] | None = None,
) -> pl.DataFrame:
    """The rows with what they would cost by other prices.

    Args:
        rows: Rows of the query `priced_tokens`.
        price_rows: The price list.
        at: The day to price at, seconds since the epoch (UTC).
        instead: A model whose prices are taken for every model; None for each one's own.
        parameters: Parameters of each model; None or absent where unknown.

    Returns:
        The rows with `new_usd` (list price, all prompt tokens fresh), `new_paid_usd` (with that price's discounts for
        the cached tokens there were), `price_day` (day of the price row; NULL if there is none), `total_tokens` and
        `flops` = 2 · parameters · tokens (Kaplan et al. 2020, without attention over the context).
    """
    added = []
    for row in rows.iter_rows(named=True):
        counts = ("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens")
        usage = Usage(**{name: row[name] for name in counts})
        found = prices.price_of(instead or row["model"], at, price_rows)
        own = [] if found is None else [replace(found, model=row["model"])]
        known = row["prompt_tokens"] is not None and row["completion_tokens"] is not None
        tokens = row["prompt_tokens"] + row["completion_tokens"] if known else None
        size = (parameters or {}).get(row["model"])
        added.append(
            {
                "new_usd": prices.list_price(row["model"], usage, at, own),
                "new_paid_usd": prices.paid_price(row["model"], usage, at, own),
                "price_day": None if found is None else found.valid_from,
                "total_tokens": tokens,
                "flops": None if size is None or tokens is None else float(FLOPS_PER_PARAMETER * size * tokens),
            }
        )
    schema = {"new_usd": pl.Float64, "new_paid_usd": pl.Float64, "price_day": pl.String}
    frame = pl.DataFrame(added, schema=schema | {"total_tokens": pl.Int64, "flops": pl.Float64})
    return pl.concat([rows, frame], how="horizontal")


def per_trial(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `repriced` summed over the models of an arm and divided by its trials: experiment_id, arm, dial, trials,
    calls, total_tokens, usd, usd_paid, new_usd, new_paid_usd and flops, each a trial."""
    summed = [
        pl.when(pl.col(name).null_count() == 0).then(pl.col(name).cast(pl.Float64).sum() / pl.col("trials").first())
        for name in _NUMBERS
    ]
    return rows.group_by("experiment_id", "arm", maintain_order=True).agg(
        pl.col("dial").first(),
        pl.col("trials").first(),
        (pl.col("calls").sum() / pl.col("trials").first()).alias("calls"),
        *[each.alias(name) for each, name in zip(summed, _NUMBERS, strict=True)],
    )
