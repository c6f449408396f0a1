"""What explains who is right: tokens, tool calls, the model or the architecture, and how far to believe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import chart, controls, curves, data, tables, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.estimate.variance import Explained, Level
    from fourdials.store import Store

LEVELS = {"problem": "Single trials", "configuration": "Means of configurations"}
QUERIES = ("trial_spends",)


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The figure at one level, its warnings, how to read it, and how the range of budgets changes it."""
    if data.frame("trial_spends", experiment_ids=[view.experiment_id], **view.chosen).is_empty():
        st.info("No block (one problem with every arm) is complete yet, so there is no variance to share out.")
        return
    level = controls.linked_choice(
        st.segmented_control,
        "Over",
        list(LEVELS),
        param="over",
        default="problem",
        format_func=LEVELS.get,
        required=True,
    )
    opened, folder = data.store(), str(home())
    try:
        found, ranges = _explained(opened, folder, opened.version(), view, level)  # type: ignore[arg-type]
    except InputError as error:
        st.info(words.plain(f"Not enough to say: {error}."))
        if level == "configuration":
            st.caption(
                "A configuration is an arm with one model; more arms, models, or caps drawn at random make more."
            )
        return
    for warning in found.warnings:
        st.warning(words.plain(warning), icon=":material/casino:")
    _draw(view, found, ranges, level)
    st.text(reading(found.table, ranges))
    _say_what_differs(view)
    with st.expander("Numbers behind the figure", icon=":material/table:", key="variance.numbers"):
        told = (
            "Each row is a factor and a measure: its R² alone, its Shapley share of the whole, architecture's partial "
        )
        told += "R² given tokens, and the R² of all together; 95 % intervals resample problems."
        tables.sources(found.table, QUERIES, told, "variance")
    if ranges.height > 1:
        with st.expander("Numbers behind the ranges", icon=":material/table:", key="variance.ranges"):
            told = (
                "Each row keeps the trials whose tokens lie within a factor of each other (`ratio`): how much tokens "
            )
            told += "alone explain of their scores, with the 95 % interval, over n problems."
            tables.sources(ranges, QUERIES, told, "variance-ranges")


@st.cache_data(max_entries=32, show_spinner="Refitting on resampled problems …")
def _explained(
    _store: Store, folder: str, version: int, view: curves.View, level: Level
) -> tuple[Explained, pl.DataFrame]:
    from fourdials import query
    from fourdials.estimate import variance

    trials = query.run(_store, "trial_spends", experiment_ids=[view.experiment_id], **view.chosen)
    return variance.explain(trials, level), variance.by_range(trials, level)


def _draw(view: curves.View, found: Explained, ranges: pl.DataFrame, level: str) -> None:
    from fourdials.figures import status, variance

    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    said = status.status_of(runs, found.table if level == "problem" else found.table.drop("n"), None)
    dark = st.context.theme.type == "dark"
    figure = variance.shares(found.table, said, level, status.different_information(_arms(view)), dark=dark)
    chart.live_chart(figure.to_json(), key="variance.shares", alt=variance.alt_text(found.table))
    if ranges.height > 1:
        wide = variance.by_range(ranges, said, dark=dark)
        first, last = ranges.row(0, named=True), ranges.row(-1, named=True)
        alt = (
            f"R² of tokens alone is {numbers.percent(first['value'])} where the largest is "
            f"{numbers.times(first['ratio'])} times the smallest, and "
            f"{numbers.percent(last['value'])} where it is {numbers.times(last['ratio'])} times."
        )
        chart.live_chart(wide.to_json(), key="variance.range", alt=alt)


def _say_what_differs(view: curves.View) -> None:
    from fourdials.figures import status

    if status.unlike(_arms(view)):
        st.caption("Architectures differ here in what they are given to see too, so their share holds that as well.")


def _arms(view: curves.View) -> pl.DataFrame:
    """The arms looked at, as rows of the query `arms`."""
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    return arms.filter(arms["arm"].is_in(list(view.arms))) if view.arms else arms


def reading(table: pl.DataFrame, ranges: pl.DataFrame) -> str:
    """What tokens explain, what architecture adds, and over which range of budgets."""
    rows = {(row["factor"], row["measure"]): row for row in table.iter_rows(named=True)}

    def said(factor: str, measure: str) -> str:
        row = rows[factor, measure]
        return f"{numbers.percent(row['value'])} ({numbers.percent(row['low'])} to {numbers.percent(row['high'])})"

    told = f"Tokens alone explain {said('tokens', 'alone')} of the variance of scores; all four factors together "
    told += (
        f"{said('all', 'full')}. Given tokens, the architecture explains {said('architecture', 'partial')} of the rest."
    )
    if ranges.height:
        told += f" Here the dearest trial took {numbers.times(ranges['ratio'][-1])} times the tokens of the cheapest; "
        told += "a wider range makes tokens explain more."
    return told
