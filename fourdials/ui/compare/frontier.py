"""What to deploy: score against cost and latency, which arm keeps stated limits, and what a month of it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.home import home
from fourdials.ui import chart, controls, curves, data, deploy, pricing, tables, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.estimate.frontier import Points
    from fourdials.store import Store


FLOPS = "flops"


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The Pareto set, the inverse question, the monthly bill, and the numbers behind them."""
    opened, folder = data.store(), str(home())
    try:
        table = _table(opened, folder, opened.version(), view)
    except InputError as error:
        st.info(f"There is nothing to place yet: {words.plain(str(error))}.")
        return
    cost = _choose_cost(view, table)
    if cost == FLOPS:
        table = _table(opened, folder, opened.version(), view, flops=True)
    _draw(view, cost)
    st.subheader("Which arm keeps my limits?", anchor=False)
    deploy.warn_unlike(_arms(view, table))
    _inverse(view, table)
    st.subheader("What would a month cost?", anchor=False)
    _month(view, experiment, table)
    with st.expander("Numbers behind the figure", icon=":material/table:"):
        from fourdials.figures import status

        alike = status.unlike(_arms(view, table)) is None
        same = "all on the same problems" if alike else "on the same questions, of which not all arms see the same"
        told = f"Each row is an arm at a level of its dial, {same}: score with a band that holds for all rows at once, "
        told += "mean spends a request with 95 % bootstrap intervals over problems, and seconds that 50 % and 95 % of "
        told += "requests stay within."
        counted = view.price_list is None and cost != FLOPS  # by the database itself
        queries = ("operating_points", "baselines") if counted else ("operating_points", "baselines", "stop_uses")
        unasked = [] if cost == FLOPS else [name for name in table.columns if name.startswith(FLOPS)]
        tables.sources(table.drop("experiment_id", *unasked), queries, told, "frontier")


@st.cache_data(max_entries=8, show_spinner=False)
def _rows(_store: Store, folder: str, version: int, view: curves.View, flops: bool = False) -> pl.DataFrame:
    from fourdials import units

    return units.operating_points(_store, [view.experiment_id], view.tasks, view.arms, view.price_list, flops)


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(_store: Store, folder: str, version: int, view: curves.View, flops: bool = False) -> Points:
    from fourdials.estimate import frontier

    return frontier.read(_rows(_store, folder, version, view, flops))


@st.cache_data(max_entries=16, show_spinner=False)
def _table(_store: Store, folder: str, version: int, view: curves.View, flops: bool = False) -> pl.DataFrame:
    from fourdials.estimate import frontier

    return frontier.operating_points(_points(_store, folder, version, view, flops))


@st.cache_data(max_entries=64, show_spinner=False)
def _front(_store: Store, folder: str, version: int, view: curves.View, cost: str) -> pl.DataFrame:
    from fourdials.estimate import frontier

    sees = dict(data.frame("arms", experiment_ids=[view.experiment_id]).select("arm", "access").rows())
    return _named(frontier.pareto(_points(_store, folder, version, view, cost == FLOPS), cost, sees), view)


@st.cache_data(max_entries=64, show_spinner=False)
def _which(_store: Store, folder: str, version: int, view: curves.View, asked: deploy.Limits) -> pl.DataFrame:
    from fourdials.estimate import frontier

    points = _points(_store, folder, version, view)
    return _named(frontier.which_arm(points, asked.score, asked.usd, asked.p95_s, asked.latency), view)


@st.cache_data(max_entries=64, show_spinner=False)
def _bill(
    _store: Store, folder: str, version: int, view: curves.View, requests: float, mix: tuple[tuple[str, float], ...]
) -> pl.DataFrame:
    from fourdials.estimate import frontier

    return _named(frontier.monthly_bill(_rows(_store, folder, version, view), requests, dict(mix) or None), view)


def _named(frame: pl.DataFrame, view: curves.View) -> pl.DataFrame:
    """The rows with their dial and a label such as `majority_vote, samples: 8`."""
    import polars as pl

    arms = data.frame("arms", experiment_ids=[view.experiment_id]).select("arm", "dial", "unit", "access")
    label = pl.format("{}, {}: {}", "arm", "unit", "level").alias("label")
    return frame.join(arms, on="arm", how="left", maintain_order="left").with_columns(label)


def _choose_cost(view: curves.View, table: pl.DataFrame) -> str:
    """One of the costs the figure knows; FLOPs only where every model has a known size."""
    from fourdials.figures import frontier

    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    units, why_not = pricing.offered(arms.filter(arms["arm"].is_in(table["arm"].implode())))
    priced = table["usd"].null_count() < table.height
    return controls.linked_choice(
        st.selectbox,
        "Cost",
        [cost for cost in frontier.COSTS if cost != FLOPS or cost in units],
        param="cost",
        default="usd" if priced else "total_tokens",
        format_func=frontier.COSTS.get,
        help=why_not,
    )


def _draw(view: curves.View, cost: str) -> None:
    from fourdials.figures import frontier, status

    opened = data.store()
    front = _front(opened, str(home()), opened.version(), view, cost)
    if front.is_empty():
        st.info(f"{frontier.COSTS[cost]}: unknown for the models of this run. Choose another cost.")
        return
    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    said, warned = status.status_of(runs, front, None), status.warnings_of(runs, front, arms)
    said = curves.priced(view, said) if cost == "usd" else said
    baselines = data.frame("baselines", experiment_ids=[view.experiment_id], **view.chosen)
    dark = st.context.theme.type == "dark"
    wide, narrow = (
        frontier.frontier(front, cost, said, warned, baselines, dark, columns=columns) for columns in (4, 1)
    )
    for figure in (wide, narrow):
        figure.update_xaxes(automargin=True)  # the legend wraps on narrow pages and needs room below the title
    alt = frontier.alt_text(front, cost)
    chart.live_chart(wide.to_json(), key="compare.frontier", alt=alt, narrow=chart.layout_of(narrow))
    st.text(frontier.reading(front))


def _arms(view: curves.View, table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the query `arms` that the table holds points of."""
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    return arms.filter(arms["arm"].is_in(table["arm"].unique().implode()))


def _inverse(view: curves.View, table: pl.DataFrame) -> None:
    opened = data.store()
    asked = deploy.ask_limits(table)
    found = _which(opened, str(home()), opened.version(), view, asked)
    bands = table.select("arm", "level", "low", "high")
    deploy.answer(found.join(bands, on=["arm", "level"], how="left", maintain_order="left"), asked)


def _month(view: curves.View, experiment: Mapping[str, Any], table: pl.DataFrame) -> None:
    opened = data.store()
    if table["usd"].null_count() == table.height:
        st.caption("Unknown: no price is known for the models of this run. Local and simulated models have none.")
        return
    requests, mix = deploy.ask_traffic(view.tasks or tuple(experiment["tasks"]))
    try:
        found = _bill(opened, str(home()), opened.version(), view, requests, mix)
    except InputError as error:
        st.info(f"{words.plain(str(error))}.")
        return
    scores = table.select("arm", "level", score="value")
    joined = found.join(scores, on=["arm", "level"], how="left", maintain_order="left")
    told = "at list price, without caching" if view.price_list is None else f"in dollars {view.price_list.told}"
    deploy.bill(joined.sort("value", nulls_last=True, maintain_order=True), requests, told)
