"""What tokens cost in US dollars: dated rows of `data/prices.toml`, and the two prices of one usage.

The list price takes every prompt token at the fresh rate, so that it does not depend on a provider's cache or on
neighbours; the paid price takes the cache discounts. What is not known is None, never 0. Called by the engine for each
call, by the gateway and by the forecast.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fourdials.errors import InputError
from fourdials.records import Price, Usage

PRICES = Path(__file__).resolve().parent.parent / "data" / "prices.toml"
MILLION = 1_000_000
Lookup = Callable[[str], Price | None]


@cache
def load_prices(path: Path = PRICES) -> tuple[Price, ...]:
    """All price rows of a file, oldest first. Raises InputError if a row lacks a field or has an unknown one."""
    try:
        rows = [Price(**row) for row in tomllib.loads(path.read_text(encoding="utf-8")).get("prices", [])]
    except (TypeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path.name} cannot be read: {error}; each row needs the fields of records.Price") from error
    return tuple(sorted(rows, key=lambda row: row.valid_from))


def price_of(model_id: str, at: float, prices: Sequence[Price], lookup: Lookup | None = None) -> Price | None:
    """The newest row of a model whose day has come at `at` (seconds since the epoch, UTC).

    A model without any row is looked up with `lookup`, if given; None if nothing is known.
    """
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    rows = [row for row in prices if row.model == model_id]
    valid = [row for row in rows if row.valid_from <= day]
    if valid:
        return max(valid, key=lambda row: row.valid_from)
    return lookup(model_id) if lookup and not rows else None


def list_price(
    model_id: str, usage: Usage, at: float, prices: Sequence[Price] | None = None, lookup: Lookup | None = None
) -> float | None:
    """USD of a usage with all prompt tokens at the fresh rate: (prompt × input + completion × output) / 10⁶.

    None if the model has no price on that day or a count is unknown. `prices` defaults to `load_prices()`.
    """
    price = price_of(model_id, at, load_prices() if prices is None else prices, lookup)
    if price is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return (usage.prompt_tokens * price.input_usd + usage.completion_tokens * price.output_usd) / MILLION


def paid_price(
    model_id: str, usage: Usage, at: float, prices: Sequence[Price] | None = None, lookup: Lookup | None = None
) -> float | None:
    """USD of a usage with the provider's cache discounts and its charge for cache writes.

    A rate the row does not give is the fresh one. None if there is no price, or a count that has a rate of its own is
    unknown.
    """
    price = price_of(model_id, at, load_prices() if prices is None else prices, lookup)
    if price is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    usd = usage.prompt_tokens * price.input_usd + usage.completion_tokens * price.output_usd
    if price.cached_usd is not None:
        if usage.cached_tokens is None:
            return None
        usd += usage.cached_tokens * (price.cached_usd - price.input_usd)
    if price.cache_write_usd is not None:
        if usage.cache_write_tokens is None:
            return None
        usd += usage.cache_write_tokens * (price.cache_write_usd - price.input_usd)
    return usd / MILLION
