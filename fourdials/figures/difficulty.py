"""Rows of `difficulty.by_bin` for several arms → a figure: how each arm does from the hardest problems to the easiest.

Called by the Difficulty tab of Compare and by notebooks.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import baselines as base
from fourdials.figures import facets, numbers, style
from fourdials.figures.status import Status, status_line


def by_bin(
    frame: pl.DataFrame,
    status: Status,
    binned_by: str,
    warnings: list[str],
    guessed: pl.DataFrame | None = None,
    dark: bool = False,
    height: int = 430,
    columns: int = 4,
) -> go.Figure:
    """A line per arm over the bins, with 95 % intervals.

    Where some arms are given other things to see than others there is a panel for each of these, on shared axes.

    Args:
        frame: Columns `arm`, `dial`, `access` and those of `difficulty.BIN_SCHEMA`; each point and its interval is a
            row.
        status: Printed under the title.
        binned_by: The arm whose samples made the bins.
        warnings: Printed under the status.
        guessed: Rows of `difficulty.guessed`, drawn as labelled lines; None draws none.
        dark: Colours for a dark page.
        height: Pixels.
        columns: Most panels side by side; 1 puts them below each other, for narrow pages.
    """
    parts = facets.parts(frame)
    figure, rows, columns = facets.grid([title for title, _ in parts], columns)
    most = int(frame["bin"].max() or 1)  # type: ignore[arg-type]
    names = [_bin(each, most) for each in range(1, most + 1)]
    short = {"ticktext": [str(each) for each in range(1, most + 1)]} if columns > 1 else {"ticktext": names}
    looks = {
        arm: style.SYMBOLS[i % len(style.SYMBOLS)] for i, arm in enumerate(frame["arm"].unique(maintain_order=True))
    }
    labelled = set[tuple[str, str | None]]()
    for i, (_, own) in enumerate(parts):
        number = str(i + 1) if i else ""
        for arm in own.partition_by("arm", maintain_order=True):
            trace = _line(arm, binned_by, names, looks[arm["arm"][0]], style.INKS[dark])
            figure.add_trace(trace.update(xaxis=f"x{number}", yaxis=f"y{number}"))
        figure.layout[f"xaxis{number}"].update(
            automargin=True,
            title={"text": "Problems, from the hardest to the easiest", "standoff": 8},
            type="category",
            categoryarray=names,
            range=[-0.5, most - 0.5],
            tickvals=names,
            **short,
        )
        named = None if i % columns else {"text": "Mean score", "standoff": 4}
        figure.layout[f"yaxis{number}"].update(title=named, tickformat=".0%", range=[0, 1.03], nticks=6)
        if guessed is not None:
            base.draw_by_bin(figure, guessed, number, dark, labelled)
    told = f"Binned by a random half of the samples of {binned_by}."
    lines = [status_line(status), told, *(f"⚠ {each}" for each in warnings)]
    title = "Score by difficulty" + (facets.BY_WHAT_IS_SEEN if len(parts) > 1 else "")
    height = facets.height_of(rows, height, lines)
    return style.dress(figure, title, lines, dark, height, panel_titles=int(len(parts) > 1))


def alt_text(frame: pl.DataFrame) -> str:
    """What `by_bin` shows, in words, for people who do not see it."""
    told = []
    for title, own in facets.parts(frame):
        for rows in own.partition_by("arm", maintain_order=True):
            ends = [rows.row(place, named=True) for place in (0, -1)]
            said = " to ".join(
                f"{numbers.percent(row['value'])} ({numbers.percent(row['low'])} to {numbers.percent(row['high'])})"
                for row in ends
            )
            told.append(f"{rows['arm'][0]}{title and f' ({title})'} goes from {said}")
    return "Score from the hardest to the easiest problems, with 95 % intervals. " + "; ".join(told) + "."


def _line(rows: pl.DataFrame, binned_by: str, names: list[str], symbol: str, ink: style.Ink) -> go.Scatter:
    arm, colour = rows["arm"][0], ink.dials[rows["dial"][0]]
    return go.Scatter(
        x=[names[each - 1] for each in rows["bin"]],
        y=rows["value"].to_numpy(),
        mode="lines+markers",
        name=style.safe(arm) + (" (other half of its samples)" if arm == binned_by else ""),
        line={"color": colour, "width": 2},
        marker={"symbol": symbol, "size": 8, "color": colour},
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


def _told(row: dict[str, Any]) -> str:
    share = {name: numbers.percent(row[name]) for name in ("value", "low", "high")}
    return f"{share['value']} ({share['low']} to {share['high']}, {row['method']})<br>{row['n']} problems"


def _bin(number: int, most: int) -> str:
    return f"{number} (hardest)" if number == 1 else f"{number} (easiest)" if number == most else str(number)
