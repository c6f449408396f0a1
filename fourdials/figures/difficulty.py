"""Rows of `difficulty.by_bin` for several arms → a figure: how each arm does from the hardest problems to the easiest.

Called by the Difficulty tab of Compare and by notebooks.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style
from fourdials.figures.status import Status, status_line


def by_bin(
    frame: pl.DataFrame, status: Status, binned_by: str, warnings: list[str], dark: bool = False, height: int = 430
) -> go.Figure:
    """A line per arm over the bins, with 95 % intervals.

    Args:
        frame: Columns `arm`, `dial` and those of `difficulty.BIN_SCHEMA`; each point and its interval is a row.
        status: Printed under the title.
        binned_by: The arm whose samples made the bins.
        warnings: Printed under the status.
        dark: Colours for a dark page.
        height: Pixels.
    """
    figure, ink = go.Figure(), style.INKS[dark]
    most = int(frame["bin"].max() or 1)  # type: ignore[arg-type]
    for i, rows in enumerate(frame.partition_by("arm", maintain_order=True)):
        arm, colour = rows["arm"][0], ink.dials[rows["dial"][0]]
        held_out = " (other half of its samples)" if arm == binned_by else ""
        figure.add_trace(
            go.Scatter(
                x=[_bin(each, most) for each in rows["bin"]],
                y=rows["value"].to_numpy(),
                mode="lines+markers",
                name=style.safe(arm) + held_out,
                line={"color": colour, "width": 2},
                marker={"symbol": style.SYMBOLS[i % len(style.SYMBOLS)], "size": 8, "color": colour},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": (rows["high"] - rows["value"]).to_numpy(),
                    "arrayminus": (rows["value"] - rows["low"]).to_numpy(),
                    "thickness": 1,
                    "width": 3,
                },
                text=[_told(row) for row in rows.iter_rows(named=True)],
                hovertemplate="<b>%{fullData.name}</b>, %{x}<br>%{text}<extra></extra>",
            )
        )
    figure.update_xaxes(
        automargin=True, title={"text": "Problems, from the hardest to the easiest", "standoff": 8}, type="category"
    )
    figure.update_yaxes(title={"text": "Mean score", "standoff": 4}, tickformat=".0%", range=[0, 1.03], nticks=6)
    told = f"Binned by a random half of the samples of {binned_by}."
    lines = [status_line(status), told, *(f"⚠ {each}" for each in warnings)]
    return style.dress(figure, "Score by difficulty", lines, dark, height)


def alt_text(frame: pl.DataFrame) -> str:
    """What `by_bin` shows, in words, for people who do not see it."""
    told = []
    for rows in frame.partition_by("arm", maintain_order=True):
        ends = [rows.row(place, named=True) for place in (0, -1)]
        said = " to ".join(
            f"{numbers.percent(row['value'])} ({numbers.percent(row['low'])} to {numbers.percent(row['high'])})"
            for row in ends
        )
        told.append(f"{rows['arm'][0]} goes from {said}")
    return "Score from the hardest to the easiest problems, with 95 % intervals. " + "; ".join(told) + "."


def _told(row: dict[str, Any]) -> str:
    share = {name: numbers.percent(row[name]) for name in ("value", "low", "high")}
    return f"{share['value']} ({share['low']} to {share['high']}, {row['method']})<br>{row['n']} problems"


def _bin(number: int, most: int) -> str:
    return f"{number} (hardest)" if number == 1 else f"{number} (easiest)" if number == most else str(number)
