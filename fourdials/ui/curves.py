"""A view of a run's curves: query → estimate → figures, kept until new rows land. Called by Start, Run and Compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.home import home
from fourdials.ui import chart, data, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.figures.status import Status
    from fourdials.store import Store
    from fourdials.units import PriceList


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: a run, tasks and arms of it (None for all), the unit of spend, and by which prices dollars are
    counted (None: the list prices of the day of each call)."""

    experiment_id: str
    unit: str = "total_tokens"
    tasks: tuple[str, ...] | None = None
    arms: tuple[str, ...] | None = None
    price_list: PriceList | None = None

    @property
    def stored(self) -> bool:
        """True if the database itself holds spends in this unit and at these prices."""
        return self.unit != "flops" and (self.unit != "usd" or self.price_list is None)

    @property
    def queries(self) -> tuple[str, ...]:
        """What its curves are estimated from."""
        return ("curve_points",) if self.stored else ("curve_points", "stop_uses")

    @property
    def chosen(self) -> dict[str, list[str]]:
        """The optional parameters its queries share."""
        given = {"tasks": self.tasks, "arms": self.arms}
        return {name: list(value) for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A view's curves: figures as JSON text, `narrow` their layouts for little room, and what they show. `twice` is
    true where the overlay holds the panels of the dials, since each sees in a way of its own."""

    overlay: str
    overlay_narrow: str
    panels: str
    narrow: str
    twice: bool
    alt: str
    warnings: tuple[str, ...]
    reading: str
    curve: pl.DataFrame


REFRESH_S = 2.5


def drawn(view: View, live: bool = False) -> Drawn:
    """The figures of a view as things stand, in the colours of the reader's theme.

    With `live` they may be a few seconds old: new ones are made in the background meanwhile, so that a page that looks
    again every second never waits (Streamlit fades what it waits for).
    """
    opened = data.store()
    dark = st.context.theme.type == "dark"
    if live:
        return _lately_drawn(opened, str(home()), view, dark)
    return _drawn(opened, str(home()), opened.version(), view, dark)


def draw_early(opened: Store, view: View) -> None:
    """Draws a view for the readers to come, in the colours of a light page."""
    _drawn(opened, str(home()), opened.version(), view, False)


@st.cache_data(max_entries=16, show_spinner=False, ttl=REFRESH_S, refresh_mode="background")
def _lately_drawn(_store: Store, folder: str, view: View, dark: bool) -> Drawn:
    return _drawn(_store, folder, _store.version(), view, dark)


@st.cache_data(max_entries=64, show_spinner=False)
def _drawn(_store: Store, folder: str, version: int, view: View, dark: bool) -> Drawn:
    from fourdials import estimate, query, units
    from fourdials.figures import curves, status

    ids = [view.experiment_id]
    points = units.points(_store, ids, view.unit, view.tasks, view.arms, view.price_list)
    curve = estimate.curves(points)
    baselines = query.run(_store, "baselines", experiment_ids=ids, **view.chosen)
    runs = query.run(_store, "experiments").filter(experiment_id=view.experiment_id)
    arms = query.run(_store, "arms", experiment_ids=ids)
    said, warnings = status_of(view, runs, curve), status.warnings_of(runs, curve, arms)
    drawings = [(draw, columns) for draw in (curves.overlay, curves.panels) for columns in (4, 1)]
    shown = [draw(curve, baselines, said, view.unit, dark=dark, columns=columns) for draw, columns in drawings]
    for figure in shown:
        figure.update_xaxes(automargin=True)  # the legend wraps on narrow pages and needs room below the title
        figure.layout.uirevision = repr(view)
    told = reading(points, curve, view.unit)
    return Drawn(
        overlay=shown[0].to_json(),
        overlay_narrow=chart.layout_of(shown[1]),
        panels=shown[2].to_json(),
        narrow=chart.layout_of(shown[3]),
        twice=curves.split_alike(curve),
        alt=curves.alt_text(curve, view.unit),
        warnings=tuple(warnings),
        reading=("So far, with trials still to come: " if said.interim else "") + told if told else "",
        curve=curve,
    )


def status_of(view: View, runs: pl.DataFrame, curve: pl.DataFrame) -> Status:
    """The status of a figure of this view in its unit; it names the prices where dollars are counted afresh."""
    from fourdials.figures import status

    said = status.status_of(runs, curve, view.unit)
    return priced(view, said) if view.unit == "usd" else said


def priced(view: View, said: Status) -> Status:
    """The status of a figure in dollars: by which prices they are counted, if not by those of their day."""
    return said if view.price_list is None else replace(said, priced=view.price_list.told)


def points(view: View) -> pl.DataFrame:
    """Rows of `curve_points` of the view; kept until new rows land."""
    opened = data.store()
    return _points(opened, str(home()), opened.version(), view)


@st.cache_data(max_entries=64, show_spinner=False)
def _points(_store: Store, folder: str, version: int, view: View) -> pl.DataFrame:
    from fourdials import units

    return units.points(_store, [view.experiment_id], view.unit, view.tasks, view.arms, view.price_list)


def reading(points: pl.DataFrame, curve: pl.DataFrame, unit: str) -> str:
    """The two best arms at the largest budget all of them reach, and whether the data tell them apart; empty if fewer
    than two arms have a point. Where some arms are given other things to see than others, for each of these apart."""
    from fourdials.figures import status

    if curve["access"].n_unique() < 2:
        return _reading(points, curve, unit)
    parts = curve.partition_by("access", as_dict=True)
    told = {access: _reading(points, parts[access,], unit) for access in status.SEES if (access,) in parts}
    return " ".join(f"{status.SEES[access].capitalize()}: {text}" for access, text in told.items() if text)


def _reading(points: pl.DataFrame, curve: pl.DataFrame, unit: str) -> str:
    import polars as pl

    from fourdials import estimate
    from fourdials.figures import numbers

    known = curve.filter(~pl.col("censored"))
    if known["arm"].n_unique() < 2:
        return ""
    reach = known.group_by("arm").agg(pl.col("spend").max())["spend"].min()
    at = known.filter(pl.col("spend") <= reach).sort("spend").group_by("arm").last().sort("value", descending=True)
    if at.height < 2:
        return ""
    best, second = at.row(0, named=True), at.row(1, named=True)
    found = estimate.paired_difference(points, best["arm"], second["arm"], float(reach))  # type: ignore[arg-type]
    if found is None:
        return ""
    where = numbers.budget(unit, reach)  # type: ignore[arg-type]
    told = f"At {where} a problem, {best['arm']} scores {numbers.percent(best['value'])} and {second['arm']} "
    told += f"{numbers.percent(second['value'])}: a difference of {numbers.difference(found.value)} "
    told += f"({numbers.difference(found.low)} to {numbers.difference(found.high)}) on {found.n} problems. "
    if found.low > 0:
        return told + f"{best['arm']} is ahead."
    return told + "That is too close to tell them apart; more problems would."


def first_look(view: View, key: str, live: bool = False) -> None:
    """The arms of a run where nothing else says how they differ: in one panel, or in one for each dial where something
    makes them hard to compare."""
    found = drawn(view, live)
    if found.warnings:
        panels(view, key=f"{key}.panels", live=live)
        st.caption("  \n".join(map(words.plain, found.warnings)))
    else:
        overlay(view, key=f"{key}.overlay", live=live)


def overlay(view: View, key: str, live: bool = False) -> list[str] | None:
    """All arms in one panel, or in one for each kind of things to see where they differ in that, redrawn in place.
    Returns the point just clicked: run, arm, spend."""
    found = drawn(view, live)
    return chart.live_chart(found.overlay, key=key, alt=found.alt, narrow=found.overlay_narrow)


def panels(view: View, key: str, live: bool = False) -> list[str] | None:
    """A panel per dial. Returns the point just clicked: run, arm, spend."""
    found = drawn(view, live)
    return chart.live_chart(found.panels, key=key, alt=found.alt, narrow=found.narrow)


def why_empty(view: View, row: Mapping[str, Any] | None, state: data.RunState) -> str:
    """Why there is no curve to draw, and what to do."""
    if row and row["blocks_complete"] and view.unit not in ("level", "calls"):
        more = " or other prices" if view.unit == "usd" else ""
        return f"{words.UNITS[view.unit]} is unknown for this run; choose another unit{more}."
    if state.active:
        return "The first complete block (one problem with every arm) is still on its way; curves appear by themselves."
    if row and row["trials_done"]:
        return "This run ended before the first block (one problem with every arm) was complete. Resume it under Run."
    return "This run has no results."


def offer_trials(view: View, held: tuple[View, list[str]] | None) -> None:
    """A link from the point last clicked to the trials behind it."""
    if held is None or held[0] != view or len(held[1]) != 3:
        st.caption("Click a point of a curve to read the trials behind it.")
        return
    from fourdials.figures import numbers

    if not view.stored:
        st.caption("Trials behind a point are listed in tokens, calls, seconds, levels and dollars of their own day.")
        return
    _, arm, spend = held[1]
    query = {"experiment": view.experiment_id, "arm": arm, "unit": view.unit, "spend": spend}
    if view.tasks:
        query["task"] = view.tasks[0]
    label = f"Trials of {words.plain(arm)} at {words.plain(numbers.budget(view.unit, float(spend)))}"
    st.page_link("pages/traces.py", label=label, icon=":material/account_tree:", query_params=query)
