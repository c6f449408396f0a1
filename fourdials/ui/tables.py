"""What stands behind the figures of Compare: the numbers drawn, the SQL they come from, and how trials ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fourdials.figures import numbers
from fourdials.ui import controls, curves, data, words

if TYPE_CHECKING:
    import polars as pl

DIVIDED = {"stopped": "stopped by the allocator", "calibrated": "used for calibration"}


def choose_arms(arms: pl.DataFrame) -> tuple[str, ...] | None:
    """Which arms are shown, kept in the URL; None for all, which is also what an empty choice means."""
    names = arms["arm"].to_list()
    if len(names) < 2:
        return None
    titles = {row["arm"]: f"{words.DIAL_TITLES[row['dial']]}: {row['arm']}" for row in arms.iter_rows(named=True)}
    with st.popover("Choose arms", icon=":material/filter_list:", type="tertiary"):
        return controls.linked_many(
            st.pills,
            "Arms shown",
            names,
            param="arms",
            scope=arms["experiment_id"][0],
            selection_mode="multi",
            format_func=titles.__getitem__,
        )


def folded(title: str, icon: str, key: str, show: Callable[[], None]) -> None:
    """An expander whose content is made once it is opened: before it draws the first table or code, a browser loads
    scripts of several megabytes, and the chart would wait for them."""
    place = st.expander(title, icon=icon, key=key, on_change="rerun")
    if place.open:
        with place:
            show()


def behind(view: curves.View) -> None:
    """The frame the figures draw, as a table and as CSV, and the SQL of the rows it is estimated from."""
    curve = curves.drawn(view).curve
    told = (
        f"Each row is an arm at a budget in {numbers.UNITS[view.unit]}: the mean score over n problems within it, with "
        "its 95 % interval, and the share of problems not yet answered."
    )
    sources(curve.drop("experiment_id"), (*view.queries, "baselines"), told, view.experiment_id)


def sources(frame: pl.DataFrame, queries: Sequence[str], told: str, name: str) -> None:
    """A frame as a table and as CSV (`name` is its stem), what its rows are, and the SQL it is estimated from."""
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(told)
    right.download_button(
        "CSV",
        frame.write_csv(),
        f"{name}.csv",
        "text/csv",
        icon=":material/download:",
        width="stretch",
        key=f"csv.{name}",
    )
    st.dataframe(frame, hide_index=True, height=260)
    from fourdials import query

    for each in queries:
        found = query.describe(each)
        st.caption(f"queries/{each}.sql — {found.title}")
        st.code(found.sql, language="sql", height=220)


def _bounds(view: curves.View, left_out: pl.DataFrame) -> None:
    """What each arm's score could be at most and at least, had its own failed trials been scored."""
    from fourdials import estimate

    last = {row["arm"]: row["value"] for row in curves.drawn(view).curve.sort("spend").iter_rows(named=True)}
    rows = []
    for row in left_out.iter_rows(named=True):
        bounds = estimate.excluded_bounds(last.get(row["arm"], 0.0), row["kept"], row["excluded_own"])
        lost = row["excluded_own"] / row["complete"] if row["complete"] else None
        rows.append(
            {
                "arm": row["arm"],
                "failed trials": row["excluded_own"],
                "share": numbers.percent(lost),
                "score if all were wrong": numbers.percent(bounds.low),
                "score if all were right": numbers.percent(bounds.high),
            }
        )
    st.dataframe(rows, hide_index=True)


def outcomes(view: curves.View) -> None:
    """Ended trials by arm and outcome, and how many blocks the estimates leave out because of errors."""
    ids = {"experiment_ids": [view.experiment_id]}
    tasks = {"tasks": list(view.tasks)} if view.tasks else {}
    counted = data.frame("outcomes", **ids, **tasks)
    if counted.is_empty():
        st.caption("No trial has ended yet.")
        return
    import polars as pl

    order = [name for name in words.OUTCOMES if name in counted["outcome"].unique()]
    wide = counted.pivot(on="outcome", index="arm", values="trials", aggregate_function="sum").fill_null(0)
    named = wide.select("arm", *order).rename({name: words.OUTCOMES[name][0] for name in order})
    divided = counted.group_by("arm").agg(**{title: pl.col(name).sum() for name, title in DIVIDED.items()})
    kept = ["arm", *(title for title in DIVIDED.values() if divided[title].sum())]
    st.dataframe(named.join(divided.select(kept), on="arm", maintain_order="left"), hide_index=True)
    if len(kept) > 1:
        st.caption(
            "Of these trials, some were stopped by the allocator, which granted them no more (their last answer "
            "stands, and a curve is dotted where over 5 % ended so), or used for calibration: it was shown their "
            "grades."
        )
    left_out = data.frame("exclusions", **ids, **view.chosen)
    complete, excluded = (max(left_out[name].to_list(), default=0) for name in ("complete", "excluded"))
    if excluded:
        _bounds(view, left_out)
    st.caption(
        f"Estimates use {words.plural(complete - excluded, 'complete block')} (a problem with all arms, once); "
        f"{words.plural(excluded, 'block')} with a failed call or grader are left out for every arm."
    )
