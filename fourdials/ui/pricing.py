"""By which prices dollars are counted on Compare, and which units its curves can be drawn in. Called by that page."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import streamlit as st

from fourdials.ui import controls, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.units import PriceList

KINDS = {
    "then": "List price of the day of each call",
    "paid": "What was paid, cache discounts included",
    "list": "List price of a day, or of another model",
}
OWN = "each model's own"
FIRST_DAY = datetime.date(2020, 1, 1)


def offered(arms: pl.DataFrame) -> tuple[list[str], str | None]:
    """The units these arms (rows of the query `arms`) can be compared in, and why one of them is not offered."""
    from fourdials import units

    missing = units.unsized(arms)
    if not missing:
        return list(words.UNITS), None
    named = ", ".join(map(words.plain, missing[:3])) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    why = "FLOPs are 2 · parameters · tokens. They are not offered: it is not known how many parameters work at each "
    return [unit for unit in words.UNITS if unit != units.FLOPS], f"{why}token of {named}."


def choose() -> PriceList | None:
    """The prices that dollars are counted by, kept in the URL; None for the list prices of the day of each call."""
    from fourdials.prices import load_prices
    from fourdials.units import PriceList

    with st.popover("Prices", icon=":material/sell:", type="tertiary"):
        kind = controls.linked_choice(
            st.radio, "Dollars are", list(KINDS), param="prices", default="then", format_func=KINDS.__getitem__
        )
        if kind == "then":
            return None
        if kind == "paid":
            return PriceList()
        day = choose_day("Of the day", param="priced_on")
        models = [OWN, *sorted({row.model for row in load_prices()})]
        model = controls.linked_choice(st.selectbox, "Of the model", models, param="priced", default=OWN)
    return PriceList(day.isoformat(), None if model == OWN else model)


def choose_day(label: str, param: str) -> datetime.date:
    """A day whose list prices count, kept in the URL; at first today (UTC)."""
    today = datetime.datetime.now(datetime.UTC).date()

    def read(text: str) -> datetime.date | None:
        try:
            day = datetime.date.fromisoformat(text)
        except ValueError:
            return None
        return day if FIRST_DAY <= day <= today else None

    return controls.linked_value(
        st.date_input, label, param=param, default=today, read=read, min_value=FIRST_DAY, max_value=today
    )
