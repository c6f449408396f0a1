"""Prices: what a run cost at list and as paid, and what it would cost on another day or at another model's prices."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
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
    rows, by_arm, bounds = _repriced(view, used, at, instead)
    chosen = f"{f'list prices of {instead}' if instead else OWN + ' list prices'} on {day.isoformat()}"
    _figure(view, by_arm, bounds, chosen)
    _reading(rows, by_arm, chosen)
    st.dataframe(_shown(by_arm, bounds), hide_index=True)
    st.caption(
        "A trial each, over the trials of complete blocks, with 95 % intervals over n problems by the method named; "
        "what all trials came to stands above. List price takes every prompt token as fresh; paid is what "
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
        told = (
            "Each row is an amount of an arm, a trial each: its mean with the 95 % interval over clusters of problems."
        )
        tables.sources(bounds.drop("experiment_id"), ("priced_problems",), told, f"a-trial-{view.experiment_id}")


def _choose(used: pl.DataFrame) -> tuple[datetime.date, str | None]:
    left, right = st.columns(2)
    with left:
        day = pricing.choose_day("Prices of the day", param="day")
    priced = sorted({row.model for row in prices.load_prices()})
    with right:
        model = controls.linked_choice(st.selectbox, "Prices of", [OWN, *priced], param="instead", default=OWN)
    return day, (None if model == OWN else model)


def _repriced(
    view: curves.View, used: pl.DataFrame, at: float, instead: str | None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """By model and arm, a trial of each arm, and its intervals."""
    from fourdials import units
    from fourdials.estimate import repricing

    sizes = units.sizes(used["model"].unique().to_list())
    rows = repricing.repriced(used, prices.load_prices(), at, instead, sizes)
    problems = data.frame("priced_problems", experiment_ids=[view.experiment_id], **view.chosen)
    bounds = repricing.per_trial_bounds(repricing.repriced(problems, prices.load_prices(), at, instead, sizes))
    return rows, repricing.per_trial(rows), bounds


def _figure(view: curves.View, by_arm: pl.DataFrame, bounds: pl.DataFrame, chosen: str) -> None:
    from fourdials.figures import prices as figures
    from fourdials.figures import status

    if by_arm.select("usd", "usd_paid", "new_usd").null_count().row(0) == (by_arm.height,) * 3:
        st.info("No price is known for the models of this run. Choose a model whose prices to take instead.")
        return
    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    said = status.status_of(runs, by_arm, None)
    drawn = figures.costs(by_arm, bounds, said, chosen, st.context.theme.type == "dark")
    chart.live_chart(drawn.to_json(), key="prices.costs", alt=figures.alt_text(by_arm, bounds))


def _reading(rows: pl.DataFrame, by_arm: pl.DataFrame, chosen: str) -> None:
    total = rows["new_usd"]
    whole = None if total.null_count() else float(total.sum())
    paid = None if rows["usd_paid"].null_count() else float(rows["usd_paid"].sum())
    then = None if rows["usd"].null_count() else float(rows["usd"].sum())
    st.text(
        f"All trials shown: {numbers.usd(then)} at the list prices of their day, {numbers.usd(paid)} paid, "
        f"{numbers.usd(whole)} at {chosen}."
    )


COLUMNS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "calls": ("calls", words.count),
    "total_tokens": ("tokens", numbers.count),
    "usd": ("list price then", numbers.usd),
    "usd_paid": ("paid", numbers.usd),
    "new_usd": ("list price chosen", numbers.usd),
    "new_paid_usd": ("chosen, with its cache discounts", numbers.usd),
    "flops": ("FLOPs", numbers.flops),
}


def _shown(by_arm: pl.DataFrame, bounds: pl.DataFrame) -> list[dict[str, Any]]:
    ends = {(row["arm"], row["what"]): row for row in bounds.iter_rows(named=True)}
    shown = []
    for row in by_arm.iter_rows(named=True):
        counted = ends[row["arm"], "calls"]
        cells = {}
        for name, (title, show_one) in COLUMNS.items():
            own = ends.get((row["arm"], name), {})
            cells[title] = numbers.with_ends(show_one, row[name], own.get("low"), own.get("high"))
        shown.append({"arm": row["arm"], "n": counted["n"], "trials": row["trials"], **cells})
        shown[-1]["interval by"] = ", ".join(
            dict.fromkeys(ends[row["arm"], n]["method"] for n in COLUMNS if (row["arm"], n) in ends)
        )
    return shown
