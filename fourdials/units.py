"""Units of spend → rows of `curve_points` and `operating_points` in them, whether the database holds the unit or not.

The database knows tokens, calls, seconds and the dollars of the day of each call; FLOPs and dollars by other prices are
worked out of what each model took. Called by `api` and the pages that draw curves.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fourdials import prices, query
from fourdials.errors import InputError
from fourdials.estimate import respending
from fourdials.models import catalogue
from fourdials.store import Store

FLOPS = "flops"


@dataclass(frozen=True, slots=True)
class PriceList:
    """By which prices dollars are counted, where not by the list prices of the day of each call.

    Attributes:
        day: The day whose list prices hold, such as 2026-11-22; None for what was paid then.
        instead: A model whose prices are taken for every model; None for each one's own.
    """

    day: str | None = None
    instead: str | None = None

    @property
    def told(self) -> str:
        """What a figure says of it: `as paid`, `list prices of 2026-11-22`, `list prices of a/b on 2026-11-22`."""
        if self.day is None:
            return "as paid"
        return f"list prices of {f'{self.instead} on ' if self.instead else ''}{self.day}"


def points(
    store: Store,
    experiment_ids: Sequence[str],
    unit: str,
    tasks: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
    price_list: PriceList | None = None,
) -> pl.DataFrame:
    """Rows of the query `curve_points` in a unit that it knows, in `flops`, or in `usd` by a price list.

    Empty where the spend of no arm is known in that unit. Raises InputError for an unknown unit.
    """
    chosen = {"experiment_ids": list(experiment_ids), "tasks": _listed(tasks), "arms": _listed(arms)}
    if unit != FLOPS and (unit != "usd" or price_list is None):
        return query.run(store, "curve_points", unit=unit, **chosen)
    by_level = query.run(store, "curve_points", unit="level", **chosen)
    return respending.respent(by_level, _stops(query.run(store, "stop_uses", **chosen), unit, price_list))


def operating_points(
    store: Store,
    experiment_ids: Sequence[str],
    tasks: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
    price_list: PriceList | None = None,
    flops: bool = False,
) -> pl.DataFrame:
    """Rows of the query `operating_points`, their `usd` by a price list if one is given; with a column `flops` if asked
    for, NULL where a model's size or a token count is unknown."""
    chosen = {"experiment_ids": list(experiment_ids), "tasks": _listed(tasks), "arms": _listed(arms)}
    rows = query.run(store, "operating_points", **chosen)
    wanted = {"usd": price_list is not None, FLOPS: flops}
    if not any(wanted.values()):
        return rows
    uses = query.run(store, "stop_uses", **chosen)
    for unit in (unit for unit, asked in wanted.items() if asked):
        costs = _stops(uses, unit, price_list).select("trial_id", paid_to="level", new="spend")
        paid_to = pl.when("cut").then(-1).otherwise("stop_level").cast(costs["paid_to"].dtype)
        keyed = rows.with_columns(paid_to=paid_to)
        joined = keyed.join(costs, on=["trial_id", "paid_to"], how="left", maintain_order="left")
        spent = pl.when(pl.col("paid_to").is_null()).then(0.0).otherwise("new")
        rows = joined.with_columns(spent.alias(unit)).drop("new", "paid_to")
    return rows


def unsized(arms: pl.DataFrame) -> list[str]:
    """Models in the line-ups of these arms (rows of the query `arms`) whose FLOPs per token are unknown."""
    used = {model for lineup in arms["lineup"] for model in json.loads(lineup).values()}
    known = sizes(sorted(used))
    return [model for model in sorted(used) if known.get(model) is None]


def _stops(uses: pl.DataFrame, unit: str, price_list: PriceList | None) -> pl.DataFrame:
    if unit == FLOPS or price_list is None:
        return respending.flops(uses, sizes(uses["model"].drop_nulls().unique().to_list()))
    if price_list.day is None:
        return respending.paid(uses)
    try:
        day = datetime.date.fromisoformat(price_list.day)
    except ValueError:
        raise InputError(f"got the day {price_list.day!r}; write it as 2026-11-22") from None
    at = datetime.datetime.combine(day, datetime.time(23, 59), datetime.UTC).timestamp()
    return respending.dollars(uses, prices.load_prices(), at, price_list.instead)


def sizes(models: Sequence[str]) -> dict[str, int | None]:
    """Parameters of each model, for FLOPs; None where the catalogue does not say or has no such model any more, and
    where a model does not read and write token by token, so that 2 · parameters · tokens says nothing of it."""
    return {model: _size(model) for model in models}


def _size(model: str) -> int | None:
    try:
        found = catalogue.resolve(model)
    except InputError:
        return None
    return None if found.litellm_id.startswith("recursive/") else found.parameters  # a token is a pass over all cells


def _listed(chosen: Sequence[str] | None) -> list[str] | None:
    return None if chosen is None else list(chosen)
