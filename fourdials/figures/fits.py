"""A curve's values and the family that fits them best → a figure. Called by the tab of Compare that fits curves."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style
from fourdials.figures.curves import x_axis
from fourdials.figures.status import Status, left_out, status_line

Interval = tuple[float, float, float]


def fit(
    fitted: pl.DataFrame,
    family: str,
    dial: str,
    status: Status,
    unit: str,
    asymptote: Interval | None = None,
    stop: Interval | None = None,
    warnings: Sequence[str] = (),
    dark: bool = False,
    height: int = 420,
) -> go.Figure:
    """The values fitted, with intervals, and the best family's curve through them.

    Args:
        fitted: Columns spend, value, low, high, n, method and fitted; marks, bars and line are its rows.
        family: What the best family is called.
        dial: Gives the colour.
        status: Printed under the title.
        unit: Unit of spend.
        asymptote: The score the curve tends to, with its interval: value, low, high.
        stop: The spend from which on more is not worth its price, with its interval.
        warnings: Printed under the status.
        dark: Colours for a dark page.
        height: Pixels.
    """
    figure, ink = go.Figure(), style.INKS[dark]
    colour = ink.dials[dial]
    if asymptote is not None:
        figure.add_hrect(y0=asymptote[1], y1=asymptote[2], fillcolor=style.faint(colour, 0.1), line_width=0)
        figure.add_hline(y=asymptote[0], line={"color": colour, "width": 1, "dash": "dash"})
    if stop is not None:
        figure.add_vrect(x0=stop[1], x1=stop[2], fillcolor=style.faint(ink.muted, 0.12), line_width=0)
        figure.add_vline(x=stop[0], line={"color": ink.muted, "width": 1, "dash": "dot"})
    value = fitted["value"].to_numpy()
    bars = {"array": fitted["high"].to_numpy() - value, "arrayminus": value - fitted["low"].to_numpy()}
    figure.add_trace(
        go.Scatter(
            x=fitted["spend"].to_numpy(),
            y=fitted["fitted"].to_numpy(),
            mode="lines",
            name=f"fitted: {family}",
            line={"color": colour, "width": 2.2, "shape": "spline"},
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=fitted["spend"].to_numpy(),
            y=value,
            mode="markers",
            name="found",
            marker={"size": 8, "color": ink.paper, "line": {"width": 2, "color": colour}},
            error_y={"type": "data", "symmetric": False, "thickness": 1, "width": 3, "color": colour, **bars},
            text=[
                f"{numbers.budget(unit, row['spend'])}: {numbers.percent(row['value'])} "
                f"({numbers.percent(row['low'])} to {numbers.percent(row['high'])}, {row['method']})<br>"
                f"fitted {numbers.percent(row['fitted'])}, {row['n']} problems"
                for row in fitted.iter_rows(named=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.layout.xaxis.update(**x_axis(fitted, unit))
    tops = [0.1, *fitted["high"].to_list(), *(asymptote[2:] if asymptote else ())]
    top = min(1.0, (int(max(tops) * 10) + 1) / 10)
    figure.layout.yaxis.update(
        title={"text": "Mean score", "standoff": 4}, range=[0, top * 1.03], tickformat=".0%", nticks=6
    )
    lines = [status_line(status), *left_out(status)]
    lines += ["Dashed: the score the curve tends to, with its interval."] if asymptote else []
    lines += ["Dotted: from here on more is not worth its price, with its interval."] if stop else []
    return style.dress(figure, "The curve that fits best", lines + [f"⚠ {each}" for each in warnings], dark, height)


def alt_text(fitted: pl.DataFrame, family: str, unit: str) -> str:
    """One sentence that says what `fit` shows, for people who do not see it."""
    first, last = fitted.row(0, named=True), fitted.row(-1, named=True)
    return (
        f"Score at {fitted.height} budgets with a fitted curve ({family}), over {last['n']} problems: from "
        f"{numbers.percent(first['value'])} at {numbers.budget(unit, first['spend'])} to "
        f"{numbers.percent(last['value'])} at {numbers.budget(unit, last['spend'])}."
    )
