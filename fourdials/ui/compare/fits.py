"""Which family of curves describes an arm: how often each wins, what it tends to, and where more spend stops paying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import chart, controls, curves, data, glossary, tables, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.estimate.fits import Fits
    from fourdials.store import Store

FEWEST_LEVELS = 3


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The arm and the price, the best family's figure and reading, the table of families."""
    import json

    from fourdials.figures import fits as figures

    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    rows = [row for row in arms.iter_rows(named=True) if not view.arms or row["arm"] in view.arms]
    fitting = [row["arm"] for row in rows if len(json.loads(row["levels"])) >= FEWEST_LEVELS]
    if not fitting:
        st.info(
            f"A curve can be fitted to an arm with at least {FEWEST_LEVELS} levels. "
            "Give an arm of the next run more levels, or show more arms."
        )
        return
    one, two = st.columns(2, vertical_alignment="bottom")
    with one:
        arm = controls.linked_choice(st.selectbox, "Curve of", fitting, param="curve", default=fitting[0])
    step, amount = figures.STEPS[view.unit], figures.step(view.unit)
    label = f"Worth it while {amount} at least (points)"
    points = two.number_input(label, 0.01, 100.0, 1.0, 0.5, key="worth", bind="query-params")
    opened, folder = data.store(), str(home())
    try:
        with st.spinner("Fitting …"):
            found, fitted, over = _fitted(opened, folder, opened.version(), view, arm, points / 100 / step)
    except InputError as error:
        st.info(f"No curve can be fitted to {words.plain(arm)}: {words.plain(str(error))}.")
        if view.unit != "level":
            st.caption(
                "Where problems differ more in what a level costs than levels do, few budgets are reached by all of "
                "them. By level they all get as far: choose that unit above."
            )
        return
    _draw(view, arms.filter(arm=arm), found, fitted, over)
    st.text(figures.reading(found, view.unit, points, over))
    if over:
        last = fitted.row(-1, named=True)
        ends = f"{numbers.percent(last['low'])} to {numbers.percent(last['high'])}, {last['method']}, n = {last['n']}"
        st.text(
            "The trials of this arm ended by themselves, so its end need not be foretold: however much more "
            f"it is granted, it stays at {numbers.percent(last['value'])} ({ends})."
        )
    _table(found, foretold=not over and found.best != "constant")
    with st.expander("Numbers behind the figure", icon=":material/table:"):
        told = "Each row is a budget: the mean score over n problems, its 95 % interval, and the fitted curve there."
        tables.sources(fitted, (*view.queries, "baselines"), told, "fit")


def _table(found: Fits, foretold: bool) -> None:
    st.dataframe(_families(found.table, foretold), hide_index=True, column_config=glossary.columns("AICc"))
    st.caption(
        "A family wins a resample where it has the lowest AICc. The last error is what the fit to all budgets but the "
        f"last foretells there, less what was found. {found.table['method'][0].capitalize()}."
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _fitted(
    _store: Store, folder: str, version: int, view: curves.View, arm: str, price: float
) -> tuple[Fits, pl.DataFrame, bool]:
    """The fits of an arm, its curve at the budgets fitted (spend, value, low, high, n, method, fitted), and whether its
    trials had finished."""
    import polars as pl

    from fourdials import estimate
    from fourdials.estimate import fits, panel

    mine = curves.points(view).filter(arm=arm)
    found = fits.fit(mine, price=price)
    values = estimate.curves(mine, grid=list(found.budgets)).select("spend", "value", "low", "high", "n", "method")
    return found, values.with_columns(fitted=pl.Series(found.fitted[: values.height])), panel.ran_out(mine)


def _draw(view: curves.View, arm: pl.DataFrame, found: Fits, fitted: pl.DataFrame, over: bool) -> None:
    from fourdials.figures import fits, status

    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    shown = arm.select("arm", "access").with_columns(n=fitted["n"][:1])
    stop = (found.stop_at, found.stop_low, found.stop_high)
    figure = fits.fit(
        fitted,
        found.best,
        arm["dial"][0],
        curves.status_of(view, runs, fitted),
        view.unit,
        None if over else found.level,
        None if None in stop or found.best == "constant" else stop,  # type: ignore[arg-type]
        status.warnings_of(runs, shown, arm),
        data.frame("baselines", experiment_ids=[view.experiment_id], **view.chosen),
        dark=st.context.theme.type == "dark",
    )
    figure.update_xaxes(automargin=True)  # the legend wraps on narrow pages and needs room below the title
    chart.live_chart(figure.to_json(), key="compare.fit", alt=fits.alt_text(fitted, found.best, view.unit))


def _families(table: pl.DataFrame, foretold: bool) -> list[dict[str, Any]]:
    """The families, best first; what each tends to only where there is an end to foretell."""
    from fourdials.figures import fits as figures

    return [
        {
            "family": row["family"],
            "form": figures.TERMS[row["family"]],
            "AICc": round(row["aicc"], 1),
            "wins": numbers.percent(row["wins"]),
            **({"tends to": _span(numbers.percent, row, "asymptote")} if foretold else {}),
            "last error": _span(numbers.difference, row, "last_error"),
            "n": row["n"],
        }
        for row in table.iter_rows(named=True)
    ]


def _span(written: Any, row: Mapping[str, Any], name: str) -> str:
    if row[name] is None:
        return "no limit"
    return f"{written(row[name])} ({written(row[f'{name}_low'])} to {written(row[f'{name}_high'])})"
