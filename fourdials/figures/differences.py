"""Rows of `differences.difference_curve` → a figure: who is ahead at every budget, by how much, and how sure that is.

Called by the tab of Compare that compares two arms, models or runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style
from fourdials.figures.curves import x_axis
from fourdials.figures.status import Status, left_out, status_line


def difference(
    curve: pl.DataFrame,
    names: tuple[str, str],
    status: Status,
    unit: str,
    at: float | None = None,
    crossing: tuple[float, float, float] | None = None,
    warnings: Sequence[str] = (),
    dark: bool = False,
    alike: bool = True,
    height: int = 400,
) -> go.Figure:
    """The first minus the second over spend, with its 95 % interval at each budget.

    Args:
        curve: Columns of `DIFFERENCE_CURVE_SCHEMA`; the line's x, low, value and high are its rows.
        names: What the two are called.
        status: Printed under the title.
        unit: Unit of spend.
        at: A budget to mark; drawn only if it is one of the rows.
        crossing: Where the lead changes hands, and the interval of that: spend, low, high.
        warnings: Printed under the status.
        dark: Colours for a dark page.
        alike: False where the two are given different things to see, which the title then says.
        height: Pixels.
    """
    figure, ink = go.Figure(), style.INKS[dark]
    spend, line = curve["spend"].to_numpy(), {"shape": "hv", "width": 0, "color": ink.muted}
    edge = {"mode": "lines", "showlegend": False, "hoverinfo": "skip", "line": line}
    figure.add_trace(go.Scatter(x=spend, y=curve["low"].to_numpy(), name="low", **edge))
    fill = {"fill": "tonexty", "fillcolor": style.faint(ink.muted, 0.18)}
    figure.add_trace(go.Scatter(x=spend, y=curve["high"].to_numpy(), name="high", **fill, **edge))
    figure.add_trace(
        go.Scatter(
            x=spend,
            y=curve["value"].to_numpy(),
            mode="lines",
            name="difference",
            showlegend=False,
            line={"shape": "hv", "width": 2.2, "color": ink.text},
            text=[
                f"{numbers.budget(unit, row['spend'])}: {numbers.difference(row['value'])}<br>"
                f"{numbers.difference(row['low'])} to {numbers.difference(row['high'])} ({row['method']})<br>"
                f"{row['n']} shared problems"
                for row in curve.iter_rows(named=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    _mark(figure, curve.filter(pl.col("spend") == at) if at is not None else curve.clear(), ink)
    if crossing is not None:
        figure.add_vrect(x0=crossing[1], x1=crossing[2], fillcolor=style.faint(ink.muted, 0.12), line_width=0)
        figure.add_vline(x=crossing[0], line={"color": ink.muted, "width": 1, "dash": "dot"})
    figure.add_hline(y=0, line={"color": ink.muted, "width": 1})
    _sides(figure, names, ink)
    top, bottom = max(0.04, *curve["high"].to_list()), min(-0.04, *curve["low"].to_list())
    figure.layout.xaxis.update(**x_axis(curve, unit))
    figure.layout.yaxis.update(
        automargin=True,  # signs make these labels wider than shares
        title={"text": "Difference in score", "standoff": 8},
        range=[min(1.2 * bottom, -0.2 * top), max(1.2 * top, -0.2 * bottom)],  # room for a word on either side of 0
        tickformat="+.0%",
        nticks=7,
    )
    told = ["Shaded band: where the lead changes hands."] if crossing is not None else []
    lines = [status_line(status), *left_out(status), *told, *(f"⚠ {warning}" for warning in warnings)]
    title = "Who is ahead at equal spend" if alike else "Apart at equal spend, not the same problem"
    return style.dress(figure, title, lines, dark, height)


def alt_text(curve: pl.DataFrame, names: tuple[str, str], unit: str) -> str:
    """One sentence that says what `difference` shows, for people who do not see it."""
    if curve.is_empty():
        return "An empty chart: the two share no problem yet."
    first, last = curve.row(0, named=True), curve.row(-1, named=True)
    ends = [
        f"{numbers.difference(row['value'])} ({numbers.difference(row['low'])} to {numbers.difference(row['high'])}) "
        f"at {numbers.budget(unit, row['spend'])}"
        for row in (first, last)
    ]
    return f"Score of {names[0]} minus {names[1]} over {last['n']} shared problems: {ends[0]}, and {ends[1]}."


def _mark(figure: go.Figure, row: pl.DataFrame, ink: style.Ink) -> None:
    if not row.is_empty():
        marker = {"size": 10, "color": ink.paper, "line": {"width": 2.2, "color": ink.text}}
        figure.add_trace(
            go.Scatter(
                x=row["spend"].to_numpy(),
                y=row["value"].to_numpy(),
                mode="markers",
                name="chosen budget",
                showlegend=False,
                hoverinfo="skip",
                marker=marker,
            )
        )


def _sides(figure: go.Figure, names: tuple[str, str], ink: style.Ink) -> None:
    for name, y, anchor in ((names[0], 1.0, "top"), (names[1], 0.0, "bottom")):
        figure.add_annotation(
            text=style.safe(f"{'above' if anchor == 'top' else 'below'} 0: {name} is ahead"),
            x=0.01,
            y=y,
            xref="x domain",
            yref="y domain",
            xanchor="left",
            yanchor=anchor,
            showarrow=False,
            font={"size": style.SMALL_PX, "color": ink.muted},
            bgcolor=style.faint(ink.paper, 0.75),
        )
