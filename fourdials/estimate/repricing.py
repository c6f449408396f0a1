"""What calls took → what they would cost on another day or at another model's prices, and the arithmetic behind them.

Rows come from the queries `priced_tokens` and `priced_problems`. Sums of what was used are no estimates; what a trial
takes on average is, with an interval over problems. What is not known is NULL, never 0, and so is every sum it is part
of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import polars as pl

from fourdials import prices
from fourdials.estimate.intervals import mean_amount
from fourdials.estimate.panel import PROBLEM
from fourdials.records import Price, Usage

_NUMBERS = ("usd", "usd_paid", "new_usd", "new_paid_usd", "flops", "total_tokens")
PER_TRIAL = ("calls", *_NUMBERS)
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
        rows: Rows of the query `priced_tokens` or `priced_problems`.
        price_rows: The price list.
        at: The day to price at, seconds since the epoch (UTC).
        instead: A model whose prices are taken for every model; None for each one's own.
        parameters: Parameters of each model; None or absent where unknown.

    Returns:
        The rows with `new_usd` (list price, all prompt tokens fresh), `new_paid_usd` (with that price's discounts for
        the cached tokens there were), `price_day` (day of the price row; NULL if there is none), `total_tokens` and
        `flops` = 2 · parameters · tokens (Kaplan et al. 2020, without attention over the context).
    """
    added: list[dict[str, Any]] = []
    for row in rows.iter_rows(named=True):
        if row["model"] is None:  # a problem without any call costs nothing by any prices
            added.append(dict.fromkeys(("new_usd", "new_paid_usd", "total_tokens", "flops"), 0) | {"price_day": None})
            continue
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


def per_trial_bounds(rows: pl.DataFrame) -> pl.DataFrame:
    """What a trial of each arm takes on average, with its interval.

    Args:
        rows: Rows of `repriced` made from the query `priced_problems`.

    Returns:
        experiment_id, arm, `what` (calls, total_tokens, usd, usd_paid, new_usd, new_paid_usd or flops), `value`, `low`
        and `high` (95 %, over clusters of problems), `n` problems, `clusters`, `method`. An amount that is unknown for
        any problem of an arm has no row.
    """
    found = []
    whole = [pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name) for name in PER_TRIAL]
    for arm in rows.partition_by("experiment_id", "arm", maintain_order=True):
        problems = arm.group_by(*PROBLEM, "cluster_id", maintain_order=True).agg(pl.col("trials").first(), *whole)
        cluster = problems.select(pl.struct("task", "cluster_id").rank("dense") - 1).to_series().to_numpy()
        for name in PER_TRIAL:
            if not problems[name].null_count():
                own = mean_amount(problems[name].to_numpy(), problems["trials"].to_numpy(), cluster.astype(np.int64))
                found.append({**arm.select("experiment_id", "arm").row(0, named=True), "what": name, **asdict(own)})
    numbers = dict.fromkeys(("value", "low", "high"), pl.Float64)
    schema = {"experiment_id": pl.String, "arm": pl.String, "what": pl.String, **numbers}
    frame = pl.DataFrame(found, schema=schema | {"n": pl.Int64, "clusters": pl.Int64, "method": pl.String})
    return frame.with_columns(pl.col("low", "high").fill_nan(None))
