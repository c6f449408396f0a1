"""Rows of `estimate.pool` and `estimate.extrapolation` → a figure: what k samples of one prompt give.

Coverage (at least one is right) beside what ways of choosing among them score, and below it the gap between the two.
Called by the tab of Compare that resamples a stored pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from fourdials.figures import numbers, style
from fourdials.figures.status import Status, status_line

# Coverage is a solid line, ways of choosing are broken ones; the colour is that of the dial.
LOOKS = {
    "coverage": ("pass@k: at least one is right", "solid", "circle"),
    "majority": ("majority vote", "dash", "square"),
    "weighted": ("weighted vote", "dashdot", "diamond"),
    "best": ("best of k", "longdash", "triangle-up"),
}


def samples(
    selected: pl.DataFrame,
    beyond: pl.DataFrame,
    gaps: pl.DataFrame,
    status: Status,
    warnings: Sequence[str] = (),
    guessed: pl.DataFrame | None = None,
    dark: bool = False,
    height: int = 680,
) -> go.Figure:
    """Two panels over k on a log scale: scores above, the verifier gap below.

    Args:
        selected: Columns of `SELECTED_SCHEMA`, the kinds of `LOOKS`; marks, lines and error bars are its rows.
        beyond: Columns of `EXTRAPOLATED_SCHEMA`, drawn dotted with a band; may be empty.
        gaps: Columns of `SELECTED_SCHEMA`, kinds `gap: <way of choosing>`; may be empty.
        status: Printed under the title.
        warnings: Printed under the status.
        guessed: Rows of `pool.guessed`: the coverage of blind guesses, 1 − (1 − c)^k, drawn in the look of guessing;
            may be empty.
        dark: Colours for a dark page.
        height: Pixels.
    """
    titles = ["Score of k samples", "Verifier gap"]
    figure = make_subplots(rows=2, cols=1, row_heights=[0.66, 0.34], vertical_spacing=0.18, subplot_titles=titles)
    ink = style.INKS[dark]
    colour = ink.dials["parallel"]
    for trace in _beyond(beyond, colour):
        figure.add_trace(trace, row=1, col=1)
    if guessed is not None and not guessed.is_empty():
        figure.add_trace(_guesses(guessed, ink), row=1, col=1)
    for kind in LOOKS:
        rows = selected.filter(pl.col("kind") == kind)
        if not rows.is_empty():
            figure.add_trace(_line(rows, kind, colour, True), row=1, col=1)
        rows = gaps.filter(pl.col("kind") == f"gap: {kind}")
        if not rows.is_empty():
            figure.add_trace(_line(rows, kind, colour, False), row=2, col=1)
    ks = sorted({*selected["k"].to_list(), *beyond["k"].to_list()})
    axis: dict[str, Any] = {"type": "log", "tickvals": ks, "ticktext": [str(k) for k in ks]}
    figure.layout.xaxis.update(**axis)
    figure.layout.xaxis2.update(**axis, matches="x", title={"text": "Samples k (log scale)", "standoff": 8})
    figure.layout.yaxis.update(range=[0, 1.04], tickformat=".0%", title={"text": "Mean score", "standoff": 4})
    figure.layout.yaxis2.update(
        rangemode="tozero", tickformat="+.0%", title={"text": "Gap", "standoff": 4}, automargin=True
    )
    lines = [status_line(status), *told(selected, beyond), *(f"⚠ {warning}" for warning in warnings)]
    return style.dress(figure, "Sample once, choose later", lines, dark, height, panel_titles=1)


def told(selected: pl.DataFrame, beyond: pl.DataFrame) -> list[str]:
    """What the figure says of how its lines were made."""
    lines = []
    if selected["resampled"].any():
        held = selected["samples"][0]
        lines.append(f"Resampled: broken lines are subsamples of one stored pool of {held} samples a problem.")
    if not beyond.is_empty():
        lines.append("Dotted: extrapolated by a beta-binomial fit.")
    return lines


def alt_text(selected: pl.DataFrame, guessed: pl.DataFrame | None = None) -> str:
    """One or two sentences that say what `samples` shows, for people who do not see it. Arguments as there."""
    if selected.is_empty():
        return "An empty chart: no pool of samples can be used."
    parts = []
    for kind, (name, _, _) in LOOKS.items():
        rows = selected.filter(pl.col("kind") == kind).sort("k")
        if not rows.is_empty():
            last = rows.row(-1, named=True)
            ends = f"{numbers.percent(last['low'])} to {numbers.percent(last['high'])}"
            parts.append(f"{name} reaches {numbers.percent(last['value'])} ({ends}) at {last['k']} samples")
    if guessed is not None and (rows := guessed.filter(pl.col("k") == selected["k"].max())).height:
        parts.append(f"as many blind guesses hold a right one in {numbers.percent(rows['value'][0])}")
    return f"What k samples of one prompt give, over {selected['n'][0]} problems. {'; '.join(parts)}."


def _guesses(guessed: pl.DataFrame, ink: style.Ink) -> go.Scatter:
    """In the look of guessing elsewhere; a curve, since more guesses cover more."""
    return go.Scatter(
        x=guessed["k"].to_numpy(),
        y=guessed["value"].to_numpy(),
        mode="lines",
        name="guesses: 1 − (1 − chance)ᵏ",
        line={"color": ink.muted, "width": 1, "dash": "longdashdot"},
        text=[
            f"{numbers.percent(row['value'])}<br>at least one of {row['k']} guesses is right, {row['n']} problems"
            for row in guessed.iter_rows(named=True)
        ],
        hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
    )


def _line(rows: pl.DataFrame, kind: str, colour: str, legend: bool) -> go.Scatter:
    name, dash, symbol = LOOKS[kind]
    value = rows["value"].to_numpy()
    bars = {"array": rows["high"].to_numpy() - value, "arrayminus": value - rows["low"].to_numpy()}
    return go.Scatter(
        x=rows["k"].to_numpy(),
        y=value,
        mode="lines+markers",
        name=name,
        legendgroup=kind,
        showlegend=legend,
        line={"color": colour, "width": 2, "dash": dash},
        marker={"symbol": symbol, "size": 8, "color": colour},
        error_y={"type": "data", "symmetric": False, "thickness": 1, "width": 3, "color": colour, **bars},
        text=[
            f"{numbers.percent(row['value'])} ({numbers.percent(row['low'])} to {numbers.percent(row['high'])}, "
            f"{row['method']})<br>{row['k']} of {row['samples']} samples, {row['n']} problems"
            + ("" if row["ties"] is None else f"<br>decided by who came first: {numbers.percent(row['ties'])}")
            for row in rows.iter_rows(named=True)
        ],
        hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
    )


def _beyond(beyond: pl.DataFrame, colour: str) -> list[go.Scatter]:
    if beyond.is_empty():
        return []
    k, line = beyond["k"].to_numpy(), {"width": 0, "color": colour}
    edge = {"mode": "lines", "showlegend": False, "hoverinfo": "skip", "line": line, "legendgroup": "beyond"}
    fill = {"fill": "tonexty", "fillcolor": style.faint(colour, 0.12)}
    return [
        go.Scatter(x=k, y=beyond["low"].to_numpy(), name="low", **edge),
        go.Scatter(x=k, y=beyond["high"].to_numpy(), name="high", **fill, **edge),
        go.Scatter(
            x=k,
            y=beyond["value"].to_numpy(),
            mode="lines",
            name="pass@k, extrapolated",
            legendgroup="beyond",
            line={"color": colour, "width": 1.8, "dash": "dot"},
            text=[
                f"{numbers.percent(row['value'])} ({numbers.percent(row['low'])} to {numbers.percent(row['high'])})"
                f"<br>{row['k']} samples, {row['method']}"
                for row in beyond.iter_rows(named=True)
            ],
            hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
        ),
    ]
