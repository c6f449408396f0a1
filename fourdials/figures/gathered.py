"""Predictions → a figure: where a reader places a point, and a class's points or choices, before and after the truth.

Dots of one height stand beside one another; how far they are from the line means nothing. Called by Learn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style, theory

TARGETS = 101  # heights a point can be placed at: whole percents
YOURS = "your prediction"
_CLASS, _RIGHT = 0, 2  # of `Ink.others`: predictions are no dial
_DOT_PX = 10
_APART = 0.026  # dots closer in height than this would overlap
_STEP = 0.021  # of the figure's width, from one dot of the same height to the next


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a point is predicted: at `x` on an axis from `low` to `high`, as a share of 1.

    `title` is what is asked, in a few words; `x_title` and `y_title` name the axes.
    """

    title: str
    x: float
    low: float
    high: float
    x_title: str
    y_title: str
    log_x: bool = False

    @property
    def across(self) -> float:
        """How far along the axis it lies, from 0 to 1."""
        low, high = self.ends
        at = math.log10(self.x) if self.log_x else self.x
        return (at - low) / (high - low)

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends of the axis as Plotly wants them, with a little room beside the outermost values."""
        low, high = (math.log10(end) for end in (self.low, self.high)) if self.log_x else (self.low, self.high)
        room = 0.06 * ((high - low) or 1.0)
        return low - room, high + room


def points(
    spot: Spot,
    predictions: Sequence[int],
    status: str,
    *,
    own: int | None = None,
    truth: pl.DataFrame | None = None,
    clickable: bool = False,
    dark: bool = False,
    height: int = 420,
) -> go.Figure:
    """Predicted points at one place of an axis.

    Args:
        spot: The place.
        predictions: The class's, in percent; empty for none.
        status: Printed under the title.
        own: The reader's, in percent.
        truth: Lines and points of `bench.LINE_SCHEMA`, once it may be seen.
        clickable: Lets a click anywhere name the height it is at: `customdata` is the percent, as text.
        dark: Colours for a dark page.
        height: Pixels.
    """
    ink, figure = style.INKS[dark], go.Figure()
    if truth is not None:
        for part in truth.partition_by("line", maintain_order=True):
            figure.add_trace(theory.trace(part, ink.text, percent=True))
    figure.add_trace(_dots(spot, predictions, ink.others[_CLASS]))
    if own is not None:
        figure.add_trace(_own(spot, own, ink))
    if clickable:
        figure.add_trace(_targets(spot))
    figure.add_vline(x=spot.x, line={"color": ink.muted, "width": 1, "dash": "dot"})
    figure.layout.xaxis.update(
        title=spot.x_title, range=spot.ends, type="log" if spot.log_x else "linear", fixedrange=True, automargin=True
    )
    if spot.log_x:
        figure.layout.xaxis.update(tickformat="~s", dtick=math.log10(2) if spot.high <= 64 else 1)
    figure.layout.yaxis.update(title=spot.y_title, tickformat=".0%", range=[-0.03, 1.04], fixedrange=True)
    style.dress(figure, style.safe(spot.title), [status], dark, height)
    figure.layout.update(
        xaxis2={"overlaying": "x", "range": [0, 1], "visible": False, "fixedrange": True},
        dragmode=False,
        showlegend=bool(predictions) or own is not None or truth is not None,
    )
    if clickable:
        figure.layout.hoverdistance = -1
    return figure


def choices(
    title: str,
    options: Sequence[str],
    counts: Sequence[int],
    status: str,
    *,
    own: int | None = None,
    right: int | None = None,
    dark: bool = False,
) -> go.Figure:
    """How many chose each option, as bars under the options' texts.

    Args:
        title: What is asked, in a few words.
        options: Their texts.
        counts: How many chose each.
        status: Printed under the title.
        own: The place of the reader's choice.
        right: The place of the right one, once it may be seen.
        dark: Colours for a dark page.
    """
    ink = style.INKS[dark]
    plain = ink.others[_CLASS] if right is None else style.faint(ink.others[_CLASS], 0.45)
    colours = [ink.others[_RIGHT] if place == right else plain for place in range(len(options))]
    places = list(range(len(options)))
    figure = go.Figure(
        go.Bar(
            x=list(counts),
            y=places,
            orientation="h",
            width=0.34,
            marker={"color": colours},
            hovertemplate="%{x}<extra></extra>",
            name="predictions",
        )
    )
    for place, option in enumerate(options):
        marks = [("✓ " if place == right else "") + style.safe(option)]
        marks += ["(yours)"] if place == own else []
        wrapped = "<br>".join(style.wrapped([f"{' '.join(marks)}: {counts[place]}"]))
        figure.add_annotation(
            x=0, y=place - 0.24, text=wrapped, showarrow=False, xanchor="left", yanchor="bottom", align="left",
            font={"size": 14, "color": ink.text},
        )  # fmt: skip
    figure.layout.yaxis.update(autorange=False, range=[len(options) - 0.6, -0.8], visible=False, fixedrange=True)
    figure.layout.xaxis.update(range=[0, max([5, *counts]) * 1.05], fixedrange=True, visible=False)
    style.dress(figure, style.safe(title), [status], dark, 110 + 74 * len(options))
    figure.layout.update(dragmode=False, showlegend=False)
    figure.layout.margin.update(l=14, b=14)
    return figure


def alt_text(spot: Spot, predictions: Sequence[int], own: int | None, truth: pl.DataFrame | None) -> str:
    """A sentence that says where the points lie, for people who do not see them."""
    told = f"{spot.y_title}, where {spot.x_title} is {numbers.count(spot.x)}"
    told += f"; your prediction: {own} %" if own is not None else ""
    if predictions:
        told += f"; {len(predictions)} of the class: from {min(predictions)} % to {max(predictions)} %"
    if truth is not None and (at := truth.filter((pl.col("x") - spot.x).abs() < 1e-9)).height:
        told += "; the truth: " + ", ".join(
            f"{row['line']} {numbers.percent(row['y'])}" for row in at.iter_rows(named=True)
        )
    return told + "."


def alt_of_choices(options: Sequence[str], counts: Sequence[int], own: int | None, right: int | None) -> str:
    """A sentence with the number of each option, for people who do not see the bars."""
    told = "; ".join(f"{option}: {count}" for option, count in zip(options, counts, strict=True))
    told += f". Yours: {options[own]}" if own is not None else ""
    return f"{told}. Right: {options[right]}." if right is not None else f"{told}."


def _dots(spot: Spot, predictions: Sequence[int], colour: str) -> go.Scatter:
    heights = sorted(value / 100 for value in predictions)
    slots = _slots(heights)
    leftwards = spot.across > 0.5
    room = (spot.across if leftwards else 1 - spot.across) - 0.06
    step = min(_STEP, room / max([1, *slots]))
    away = [0.03 + slot * step for slot in slots]
    return go.Scatter(
        x=[spot.across - each if leftwards else spot.across + each for each in away],
        y=heights,
        xaxis="x2",
        mode="markers",
        name="the class",
        showlegend=bool(predictions),
        marker={"color": colour, "size": _DOT_PX, "opacity": 0.8},
        hovertemplate="%{y:.0%}<extra></extra>",
    )


def _slots(heights: Sequence[float]) -> list[int]:
    """For each height, in rising order, the first place beside the line that no earlier dot covers."""
    last: list[float] = []  # the highest dot so far in each place
    found = []
    for height in heights:
        place = next((i for i, below in enumerate(last) if height - below >= _APART), len(last))
        last[place : place + 1] = [height]
        found.append(place)
    return found


def _own(spot: Spot, own: int, ink: style.Ink) -> go.Scatter:
    return go.Scatter(
        x=[spot.x],
        y=[own / 100],
        mode="markers",
        name=f"{YOURS}: {own} %",
        marker={
            "color": ink.others[theory.OWN],
            "size": theory.OWN_PX,
            "symbol": "diamond",
            "line": {"color": ink.paper},
        },
        hovertemplate=f"{YOURS}: {own} %<extra></extra>",
    )


def _targets(spot: Spot) -> go.Scatter:
    """Points nobody sees, one at each height: a click anywhere goes to the nearest."""
    percents = range(TARGETS)
    return go.Scatter(
        x=[spot.x] * TARGETS,
        y=[percent / 100 for percent in percents],
        customdata=[[str(percent)] for percent in percents],
        mode="markers",
        marker={"size": 8, "opacity": 0},
        showlegend=False,
        hovertemplate="%{y:.0%}: click to place your point<extra></extra>",
    )
