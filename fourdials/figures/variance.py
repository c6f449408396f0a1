"""Frames of `variance` → figures: how much of the scores' variance each factor explains.

Called by the Variance tab of Compare and by notebooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import facets, numbers, style
from fourdials.figures.status import Status, status_line

MEASURES = {
    "alone": "R² of it alone",
    "shapley": "its share of the whole (Shapley)",
    "partial": "partial R², given tokens",
    "full": "R² of all together",
}


def shares(
    table: pl.DataFrame, status: Status, level: str, warnings: Sequence[str] = (), dark: bool = False
) -> go.Figure:
    """Each factor's R² with its 95 % interval.

    Args:
        table: Columns of `variance.SHARE_SCHEMA`; points and intervals are its rows.
        status: Printed under the title.
        level: `problem` or `configuration`.
        warnings: Printed under the status.
        dark: Colours for a dark page.
    """
    figure, ink = go.Figure(), style.INKS[dark]
    colours = (*ink.others[: len(MEASURES) - 1], ink.text)
    for (measure, label), symbol, colour in zip(MEASURES.items(), style.SYMBOLS, colours, strict=False):
        rows = table.filter(pl.col("measure") == measure)
        figure.add_trace(
            go.Scatter(
                x=rows["value"].to_numpy(),
                y=rows["factor"].to_list(),
                mode="markers",
                name=label,
                marker={"symbol": symbol, "size": 10, "color": colour},
                error_x=_whiskers(rows),
                text=[_told(row) for row in rows.iter_rows(named=True)],
                hovertemplate="<b>%{y}</b>, %{fullData.name}<br>%{text}<extra></extra>",
            )
        )
    figure.update_layout(scattermode="group")
    figure.update_xaxes(
        automargin=True, title={"text": "Share of the variance of scores", "standoff": 8}, tickformat=".0%", nticks=6
    )
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(autorange="reversed", automargin=True)
    what = "trials" if level == "problem" else "configurations' means"
    lines = [status_line(status), f"Least squares over {what}.", *(f"⚠ {each}" for each in warnings)]
    return style.dress(figure, "What explains who is right", lines, dark, facets.height_of(1, 400, lines))


def by_range(frame: pl.DataFrame, status: Status, dark: bool = False) -> go.Figure:
    """R² of tokens alone against how wide a range of budgets is looked at; rows of `variance.by_range`."""
    figure, ink = go.Figure(), style.INKS[dark]
    figure.add_trace(
        go.Scatter(
            x=frame["ratio"].to_numpy(),
            y=frame["value"].to_numpy(),
            mode="lines+markers",
            showlegend=False,
            line={"color": ink.others[0], "width": 2},
            marker={"size": 7},
            error_y=_whiskers(frame),
            text=[f"{_told(row)}, {row['trials']} trials" for row in frame.iter_rows(named=True)],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.update_xaxes(
        automargin=True, title={"text": "Largest over smallest tokens of a trial", "standoff": 8}, rangemode="tozero"
    )
    figure.update_yaxes(title={"text": "R² of tokens alone", "standoff": 4}, tickformat=".0%", rangemode="tozero")
    return style.dress(figure, "The range of budgets decides", [status_line(status)], dark, 320)


def alt_text(table: pl.DataFrame) -> str:
    """What `shares` shows, in words, for people who do not see it."""
    told = [
        f"{row['factor']}: {MEASURES[row['measure']]} {numbers.percent(row['value'])} "
        f"({numbers.percent(row['low'])} to {numbers.percent(row['high'])})"
        for row in table.iter_rows(named=True)
    ]
    return "Explained variance, with 95 % intervals. " + "; ".join(told) + "."


def _whiskers(rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": (rows["high"] - rows["value"]).to_numpy(),
        "arrayminus": (rows["value"] - rows["low"]).to_numpy(),
        "thickness": 1.2,
        "width": 3,
    }


def _told(row: dict[str, Any]) -> str:
    share = {name: numbers.percent(row[name]) for name in ("value", "low", "high")}
    return f"{share['value']} ({share['low']} to {share['high']}, {row['method']})<br>n = {row['n']}"
