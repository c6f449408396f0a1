"""Frames of `worth` → figures: what a budget is worth under each way of dividing it, and where it went.

Called by the Allocate tab of Compare and by notebooks.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import baselines as base
from fourdials.figures import numbers, style
from fourdials.figures.status import Status, status_line

BOUND = "bound, uses the truth"
_GROUPS = {
    "difficulty": "difficulty",
    "dial": "dial",
    "arm": "arm",
    "task": "task",
    "fate": "what became of trials",
}


def worth_curves(
    worth: pl.DataFrame,
    status: Status,
    unit: str,
    warnings: Sequence[str] = (),
    baselines: pl.DataFrame | None = None,
    dark: bool = False,
    height: int = 440,
) -> go.Figure:
    """Accuracy against total realised spend, a line with its 95 % interval per policy; a bound is dotted.

    Args:
        worth: Columns of `worth.WORTH_SCHEMA`; each line's x, low, value and high are its rows.
        status: Printed under the title.
        unit: Unit of spend.
        warnings: Printed under the status.
        baselines: Rows of the query `baselines`; guessing and the best constant answer are drawn as labelled lines.
        dark: Colours for a dark page.
        height: Pixels.
    """
    figure = go.Figure()
    looks = _looks(worth, dark)
    for policy, found in _policies(worth):
        rows = found.sort("spent")
        colour, symbol, dash = looks[policy]
        name = style.safe(policy) + (f" ({BOUND})" if rows["uses_truth"][0] else "")
        edge: dict[str, Any] = {"mode": "lines", "showlegend": False, "hoverinfo": "skip", "legendgroup": policy}
        edge |= {"line": {"width": 0, "color": colour}, "name": f"{name}, interval"}
        fill = {"fill": "tonexty", "fillcolor": style.faint(colour, 0.09)}
        spent = rows["spent"].to_numpy()
        figure.add_trace(go.Scatter(x=spent, y=rows["low"].to_numpy(), **edge))
        figure.add_trace(go.Scatter(x=spent, y=rows["high"].to_numpy(), **edge, **fill))
        figure.add_trace(
            go.Scatter(
                x=spent,
                y=rows["value"].to_numpy(),
                mode="lines+markers",
                name=name,
                legendgroup=policy,
                line={"color": colour, "width": 2, "dash": dash},
                marker={"symbol": symbol, "size": 7, "color": colour},
                text=[_told(row, unit) for row in rows.iter_rows(named=True)],
                hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
            )
        )
    figure.update_xaxes(
        title={"text": f"Total {_named(unit)} really spent", "standoff": 8}, rangemode="tozero", nticks=6
    )
    figure.update_xaxes(automargin=True, **({"tickprefix": "$"} if unit == "usd" else {"tickformat": "~s"}))
    blind = None if baselines is None else base.blind(baselines)
    figure.update_yaxes(**base.score_axis(worth["high"].drop_nulls(), blind))
    base.draw(figure, blind, "", dark)
    lines = [status_line(status), "Replayed over recorded answers, no new calls.", *(f"⚠ {each}" for each in warnings)]
    return style.dress(figure, "What dividing the budget is worth", lines, dark, height)


def where(
    frame: pl.DataFrame,
    status: Status,
    unit: str,
    note: str = "Replayed over recorded answers, no new calls.",
    dark: bool = False,
) -> go.Figure:
    """Where the spend of each policy went: the share of each group with its 95 % interval.

    Args:
        frame: Rows of `worth.where_spent` at one budget of each policy; bars, their ends and their intervals are its
            `share`, `low` and `high`.
        status: Printed under the title.
        unit: Unit of spend.
        note: Printed under the status.
        dark: Colours for a dark page.
    """
    figure, looks = go.Figure(), _looks(frame, dark)
    groups = list(dict.fromkeys(frame["group"].to_list()))
    for policy, rows in _policies(frame):
        colour = looks[policy][0]
        figure.add_trace(
            go.Bar(
                y=[_group(each) for each in rows["group"]],
                x=rows["share"].to_numpy(),
                orientation="h",
                name=style.safe(policy) + (f" ({BOUND})" if rows["uses_truth"][0] else ""),
                marker={"color": style.faint(colour, 0.75)},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (rows["high"] - rows["share"]).to_numpy(),
                    "arrayminus": (rows["share"] - rows["low"]).to_numpy(),
                    "color": style.INKS[dark].muted,
                    "thickness": 1,
                    "width": 2,
                },
                text=[_went(row, unit) for row in rows.iter_rows(named=True)],
                textposition="none",
                hovertemplate="<b>%{fullData.name}</b>, %{y}<br>%{text}<extra></extra>",
            )
        )
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(
        automargin=True, title={"text": "Share of the spend", "standoff": 8}, tickformat=".0%", rangemode="tozero"
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    by = _GROUPS.get(frame["by"][0] if frame.height else "", "group")
    height = 190 + len(groups) * (16 + 13 * frame["policy"].n_unique())
    return style.dress(figure, f"Where the spend went, by {by}", [status_line(status), note], dark, height)


def worth_alt(worth: pl.DataFrame, unit: str) -> str:
    """What `worth_curves` shows, in words, for people who do not see it."""
    told = []
    for policy, rows in _policies(worth):
        row = rows.sort("spent").row(-1, named=True)
        told.append(
            f"{policy} reaches {numbers.percent(row['value'])} ({numbers.percent(row['low'])} to "
            f"{numbers.percent(row['high'])}) for {numbers.budget(unit, row['spent'])}"
        )
    return "Accuracy against total spend, with 95 % intervals. " + "; ".join(told) + "."


def where_alt(frame: pl.DataFrame) -> str:
    """What `where` shows, in words."""
    told = []
    for policy, rows in _policies(frame):
        shares = ", ".join(f"{_group(row['group'])} {numbers.percent(row['share'])}" for row in rows.to_dicts())
        told.append(f"{policy}: {shares}")
    return "Shares of the spend, with 95 % intervals. " + "; ".join(told) + "."


def _policies(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Each policy's rows, in the order of the frame."""
    return [(part["policy"][0], part) for part in frame.partition_by("policy", maintain_order=True)]


def _looks(frame: pl.DataFrame, dark: bool) -> dict[str, tuple[str, str, str]]:
    """Colour, marker and dash of each policy: what adapts in colours of no dial, what it is held against in greys."""
    ink, looks = style.INKS[dark], {}
    colours = itertools.cycle(ink.others)
    for i, (policy, truth) in enumerate(frame.select("policy", "uses_truth").unique(maintain_order=True).rows()):
        colour = ink.text if truth else ink.muted if i == 0 else next(colours)
        looks[policy] = (
            colour,
            style.SYMBOLS[i % len(style.SYMBOLS)],
            "dot" if truth else "dash" if i == 0 else "solid",
        )
    return looks


def _told(row: dict[str, Any], unit: str) -> str:
    share = {name: numbers.percent(row[name]) for name in ("value", "low", "high", "unanswered")}
    return (
        f"{numbers.budget(unit, row['spent'])} in all<br>{share['value']} ({share['low']} to {share['high']}, "
        f"{row['method']})<br>{row['n']} problems, {share['unanswered']} unanswered"
    )


def _went(row: dict[str, Any], unit: str) -> str:
    share = {name: numbers.percent(row[name]) for name in ("share", "low", "high", "value")}
    ends = f"{share['low']} to {share['high']}, {row['method']}"
    return (
        f"{share['share']} ({ends}), {numbers.budget(unit, row['spent'])}<br>"
        f"{row['n']} problems, mean level {numbers.count(row['level'])}, score {share['value']}"
    )


def _group(name: str) -> str:
    return style.safe(style.DIAL_TITLES.get(name, name))


def _named(unit: str) -> str:
    return numbers.UNITS[unit].removeprefix("total ")
