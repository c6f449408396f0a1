"""What tokens cost in US dollars: dated rows, shipped and the person's own, and the two prices of one usage.

The list price takes every prompt token at the fresh rate, so that it does not depend on a provider's cache or on
neighbours; the paid price takes the cache discounts. What is not known is None, never 0. Called by the engine for each
call, by the gateway and by the forecast.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from fourdials import settings
from fourdials.errors import InputError
from fourdials.records import Price, Usage

OWN = "prices.toml"  # in the home
PRICES = Path(__file__).resolve().parent.parent / "data" / "prices.toml"
MILLION = 1_000_000
Lookup = Callable[[str], Price | None]


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _Row:
    model: Annotated[str, Field(min_length=1)]
    valid_from: date
    input_usd: Annotated[float, Field(ge=0)]
    output_usd: Annotated[float, Field(ge=0)]
    cached_usd: Annotated[float, Field(ge=0)] | None = None
    cache_write_usd: Annotated[float, Field(ge=0)] | None = None
    source: str = ""


_ROWS = TypeAdapter(list[_Row])


def load_prices() -> tuple[Price, ...]:
    """All price rows, oldest first: the person's own before those that come along, so that of a day theirs holds.

    Raises InputError if the person's file cannot be used.
    """
    return tuple(sorted((*own_prices(), *shipped_prices()), key=lambda row: row.valid_from))


@cache
def shipped_prices() -> tuple[Price, ...]:
    """The rows of `data/prices.toml`."""
    return _rows(tomllib.loads(PRICES.read_text(encoding="utf-8")), PRICES)


def own_prices() -> tuple[Price, ...]:
    """The rows of `prices.toml` in the home, in its order; none if there is no such file. Raises InputError."""
    return _rows(settings.read(OWN), settings.path(OWN))


def add_price(price: Price) -> None:
    """Adds a row to the person's own; one of the same model and day is replaced. Raises InputError for a bad row."""
    import tomlkit

    if not price.source.strip():
        raise InputError("a price needs its source: where was it read, and when?")
    with settings.changing(OWN, _check) as document:
        rows = document.setdefault("prices", tomlkit.aot())
        _forget(rows, price.model, price.valid_from)
        rows.append(tomlkit.item({name: value for name, value in asdict(price).items() if value is not None}))


def drop_price(model_id: str, valid_from: str) -> None:
    """Takes one of the person's own rows away; nothing happens if there is none."""
    with settings.changing(OWN, _check) as document:
        _forget(document.get("prices", []), model_id, valid_from)


def _forget(rows: Any, model_id: str, valid_from: str) -> None:
    for place in reversed(range(len(rows))):
        if (rows[place].get("model"), str(rows[place].get("valid_from"))) == (model_id, valid_from):
            del rows[place]


def _check(data: Mapping[str, Any]) -> None:
    _rows(data, settings.path(OWN))


def _rows(data: Mapping[str, Any], file: Path) -> tuple[Price, ...]:
    try:
        rows = _ROWS.validate_python(data.get("prices", []))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, ("prices", *first["loc"])))
        raise InputError(
            f"{file} cannot be read: {place} is {first['input']!r}: {first['msg'].lower()}; each row needs model, "
            "valid_from (a day such as 2026-11-22), input_usd, output_usd and may have cached_usd, cache_write_usd, "
            "source"
        ) from None
    return tuple(Price(**{**asdict(row), "valid_from": row.valid_from.isoformat()}) for row in rows)


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
