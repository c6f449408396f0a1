"""Prices: what a run cost at list and as paid, and what it would cost on another day or at another model's prices."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials import prices
from fourdials.figures import numbers
from fourdials.ui import chart, controls, curves, data, pricing, tables, words
from fourdials.ui.pricing import OWN

if TYPE_CHECKING:
    import polars as pl


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The choice of day and prices, the bars, the table of arms, and the price rows behind them."""
    used = data.frame("priced_tokens", experiment_ids=[view.experiment_id], **view.chosen)
    if used.is_empty():
        st.info("No block (one problem with every arm) is complete yet, so there is nothing to price.")
        return
    day, instead = _choose(used)
    at = datetime.datetime.combine(day, datetime.time(23, 59), datetime.UTC).timestamp()
    rows, by_arm = _repriced(used, at, instead)
    chosen = f"{f'list prices of {instead}' if instead else OWN + ' list prices'} on {day.isoformat()}"
    _figure(view, by_arm, chosen)
    _reading(rows, by_arm, chosen)
    st.dataframe(_shown(by_arm), hide_index=True)
    st.caption(
        "A trial each, over the trials of complete blocks. List price takes every prompt token as fresh; paid is what "
        "was charged, cache discounts included. FLOPs are 2 · parameters · tokens, for models of known size; the "
        "attention over long contexts is left out. Unknown is never counted as 0."
    )
    with st.expander("Dated price rows", icon=":material/sell:", key="prices.rows"):
        models = {instead} if instead else set(used["model"])
        listed = [asdict(row) for row in prices.load_prices() if row.model in models]
        st.caption("US dollars per million tokens, from a day on.")
        if listed:
            st.dataframe(listed, hide_index=True)
        else:
            st.text("No price is known for these models.")
    with st.expander("Numbers behind the figure", icon=":material/table:", key="prices.numbers"):
        told = "Each row is a model of an arm: tokens and dollars summed over its trials."
        tables.sources(rows.drop("experiment_id"), ("priced_tokens",), told, f"prices-{view.experiment_id}")


def _choose(used: pl.DataFrame) -> tuple[datetime.date, str | None]:
    left, right = st.columns(2)
    with left:
        day = pricing.choose_day("Prices of the day", param="day")
    priced = sorted({row.model for row in prices.load_prices()})
    with right:
        model = controls.linked_choice(st.selectbox, "Prices of", [OWN, *priced], param="instead", default=OWN)
    return day, (None if model == OWN else model)


def _repriced(used: pl.DataFrame, at: float, instead: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    from fourdials import units
    from fourdials.estimate import repricing

    sizes = units.sizes(used["model"].unique().to_list())
    rows = repricing.repriced(used, prices.load_prices(), at, instead, sizes)
    return rows, repricing.per_trial(rows)


def _figure(view: curves.View, by_arm: pl.DataFrame, chosen: str) -> None:
    from fourdials.figures import prices as figures
    from fourdials.figures import status

    if by_arm.select("usd", "usd_paid", "new_usd").null_count().row(0) == (by_arm.height,) * 3:
        st.info("No price is known for the models of this run. Choose a model whose prices to take instead.")
        return
    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    said = status.status_of(runs, by_arm, None)
    drawn = figures.costs(by_arm, said, chosen, st.context.theme.type == "dark")
    chart.live_chart(drawn.to_json(), key="prices.costs", alt=figures.alt_text(by_arm))


def _reading(rows: pl.DataFrame, by_arm: pl.DataFrame, chosen: str) -> None:
    total = rows["new_usd"]
    whole = None if total.null_count() else float(total.sum())
    paid = None if rows["usd_paid"].null_count() else float(rows["usd_paid"].sum())
    then = None if rows["usd"].null_count() else float(rows["usd"].sum())
    st.text(
        f"All trials shown: {numbers.usd(then)} at the list prices of their day, {numbers.usd(paid)} paid, "
        f"{numbers.usd(whole)} at {chosen}."
    )


def _shown(by_arm: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "arm": row["arm"],
            "trials": row["trials"],
            "calls": words.count(row["calls"]),
            "tokens": numbers.count(row["total_tokens"]),
            "list price then": numbers.usd(row["usd"]),
            "paid": numbers.usd(row["usd_paid"]),
            "list price chosen": numbers.usd(row["new_usd"]),
            "chosen, with its cache discounts": numbers.usd(row["new_paid_usd"]),
            "FLOPs": numbers.UNKNOWN if row["flops"] is None else f"{row['flops']:.2g}",
        }
        for row in by_arm.iter_rows(named=True)
    ]
