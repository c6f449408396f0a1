"""Curves of `estimate.curves` → figures: score within a budget, all arms in one panel or a panel per dial.

Called by pages, snapshots and notebooks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from fourdials.figures import answered, facets, numbers, style
from fourdials.figures import baselines as base
from fourdials.figures.status import SEES, Status, left_out, status_line
from fourdials.records import DIALS

LOG_FROM = 30.0  # a wider range of spends is drawn on a log scale
LONG_LOG = 300.0  # and beyond this only whole decades are labelled, so that labels fit a narrow panel
_MARKERS = 6  # a curve carries, evenly over its width
_TICKS = {
    "usd": {"tickprefix": "$", "tickformat": "~g"},
    "level": {"tickformat": "~d"},
    "flops": {"tickformat": "~s"},
}


def overlay(
    curve: pl.DataFrame,
    baselines: pl.DataFrame | None,
    status: Status,
    unit: str,
    warnings: Sequence[str] = (),
    dark: bool = False,
    height: int = 460,
    columns: int = 4,
) -> go.Figure:
    """All arms in one panel: steps with their 95 % intervals, dotted where a curve is censored.

    Where some problems are answered later than others, a strip below shows the share answered.
    Where some arms are given other things to see than others there is a panel for each of these on shared axes: curves
    of different problems are never laid over one another.

    Args:
        curve: Rows of `estimate.curves`; each line's x, low, value and high are its rows.
        baselines: Rows of the query `baselines`, drawn as labelled horizontal lines.
        status: Printed under the title.
        unit: Unit of spend.
        warnings: Printed under the status.
        dark: Colours for a dark page.
        height: Pixels.
        columns: Most panels side by side; 1 or 2 puts them below each other, for narrow pages.
    """
    title = "Score within a budget" if unit != "level" else "Score by level of the dial"
    if facets.mixed(curve):
        figure = _side_by_side(facets.parts(curve), curve, baselines, unit, dark, columns)
        title += facets.BY_WHAT_IS_SEEN
    else:
        figure = go.Figure()
        strip = 2 if answered.told(curve) else None
        _draw(figure, curve, dark, {}, strip=strip)
        figure.layout.xaxis.update(**x_axis(curve, unit))
        figure.layout.yaxis.update(**base.score_axis(curve["high"], baselines))
        if strip:
            answered.make_room(figure, "", strip, strip, labelled=True)
            figure.layout.meta = {"strips": 1}
        base.draw(figure, baselines, "", dark)
        if curve.is_empty():
            _say(figure, "No complete block of problems yet", "")
    return _dressed(figure, title, _lines(curve, status, warnings), dark, height)


def panels(
    curve: pl.DataFrame,
    baselines: pl.DataFrame | None,
    status: Status,
    unit: str,
    warnings: Sequence[str] = (),
    dark: bool = False,
    height: int = 460,
    columns: int = 4,
) -> go.Figure:
    """One panel per dial on shared axes; a fifth for several dials at once if an arm turns them.

    A dial whose arms are given different things to see has a panel for each of these; where any are, titles say what is
    seen. Arguments as for `overlay`; `columns` 1 or 2 puts panels below each other, for narrow pages.
    """
    parts, below = [], "<br>" if columns > 3 else ": "  # side by side there is no room for one line
    for dial in DIALS:
        own = curve.filter(pl.col("dial") == dial)
        if dial != "hybrid" or not own.is_empty():
            parts += [
                (f"{style.DIAL_TITLES[dial]}{below}{SEES[access]}", own.filter(pl.col("access") == access))
                for access in (facets.accesses(own) if facets.mixed(curve) else ())
            ] or [(style.DIAL_TITLES[dial], own)]
    figure = _side_by_side(parts, curve, baselines, unit, dark, columns if columns < 4 else len(parts))
    title = "Score within a budget, by dial" if unit != "level" else "Score by level, by dial"
    return _dressed(figure, title, _lines(curve, status, warnings), dark, height)


def split_alike(curve: pl.DataFrame) -> bool:
    """Whether `overlay` and `panels` would hold the same panels: each dial sees in a way of its own."""
    pairs = curve.select("dial", "access").unique()
    return facets.mixed(curve) and pairs.height == pairs["dial"].n_unique() == pairs["access"].n_unique()


def _side_by_side(
    parts: Sequence[tuple[str, pl.DataFrame]],
    curve: pl.DataFrame,
    baselines: pl.DataFrame | None,
    unit: str,
    dark: bool,
    columns: int,
) -> go.Figure:
    """A panel for each title and its rows of the curve, on shared axes."""
    figure, rows, columns = facets.grid([title for title, _ in parts], columns)
    drawn: dict[str, int] = {}
    labelled: set[tuple[str, str | None]] = set()
    strips = rows * columns + 1 if answered.told(curve) else None  # the number of the first one's axis
    for i, (_, own) in enumerate(parts):
        number, strip = str(i + 1) if i else "", strips and strips + i
        _draw(figure, own, dark, drawn, number, strip)
        figure.layout[f"xaxis{number}"].update(**x_axis(curve, unit), matches="x" if i else None)
        figure.layout[f"yaxis{number}"].update(**base.score_axis(curve["high"], baselines), matches="y" if i else None)
        if i % columns:
            figure.layout[f"yaxis{number}"].title.text = None
        if strips and strip:
            answered.make_room(figure, number, strip, strips, labelled=not i % columns)
        base.draw(figure, base.of_what_is_seen(baselines, curve, own), number, dark, labelled)
        if own.is_empty():
            _say(figure, "no arm turns this dial" if not curve.is_empty() else "no complete block yet", number)
    lines = 1 + max(title.count("<br>") for title, _ in parts)
    figure.layout.meta = {"rows": rows, "title_lines": lines, "strips": rows if strips else 0}
    return figure


def _dressed(figure: go.Figure, title: str, lines: list[str], dark: bool, height: int) -> go.Figure:
    meta = figure.layout.meta or {}
    figure.layout.meta = None
    height = facets.height_of(meta.get("rows", 0), height)
    height += answered.HEIGHT_PX * meta.get("strips", 0)
    return style.dress(figure, title, lines, dark, height, panel_titles=meta.get("title_lines", 0))


def alt_text(curve: pl.DataFrame, unit: str) -> str:
    """One or two sentences that say what `overlay` or `panels` shows, for people who do not see it."""
    if curve.is_empty():
        return "An empty chart: no block of problems is complete yet."
    known = curve.filter(~pl.col("censored"))
    rows = [arm.row(-1, named=True) for arm in _arms(curve if known.is_empty() else known)]
    ends = sorted(rows, key=lambda row: -float(row["value"]))
    seen = {access: f" ({told})" if facets.mixed(curve) else "" for access, told in SEES.items()}
    told = [
        f"{row['arm']}{seen[row['access']]} reaches {numbers.percent(row['value'])} ({numbers.percent(row['low'])} to "
        f"{numbers.percent(row['high'])}) at {numbers.budget(unit, row['spend'])}"
        for row in ends[:6]
    ]
    more = f"; {len(ends) - 6} more arms are drawn" if len(ends) > 6 else ""
    problems = max(row["n"] for row in ends)
    strip = answered.alt_text(ends) if answered.told(curve) else ""
    return f"Score within a budget over {problems} problems, with 95 % intervals. {'; '.join(told)}{more}.{strip}"


def _arms(curve: pl.DataFrame) -> list[pl.DataFrame]:
    """Frames of one arm each, in the order of dials and names, ordered by spend."""
    found = curve.sort("arm", "experiment_id", "spend").partition_by("experiment_id", "arm", maintain_order=True)
    return sorted(found, key=lambda arm: DIALS.index(arm["dial"][0]))


def _draw(
    figure: go.Figure,
    curve: pl.DataFrame,
    dark: bool,
    drawn: dict[str, int],
    number: str = "",
    strip: int | None = None,
) -> None:
    """Adds the arms to the panel with axes of this number, their answered share to its strip's axis if there is one;
    `drawn` counts those of each dial in the whole figure, so that no two look alike."""
    ink = style.INKS[dark]
    several, arms = curve["experiment_id"].n_unique() > 1, _arms(curve)
    for arm in arms:
        dial = arm["dial"][0]
        place = drawn[dial] = drawn.get(dial, -1) + 1
        colour, symbol = ink.dials[dial], style.SYMBOLS[place % len(style.SYMBOLS)]
        name = style.safe(arm["arm"][0] + (f" ({arm['experiment_id'][0]})" if several else ""))
        traces, below = _traces(arm, name, colour, symbol, 0.14 if len(arms) < 4 else 0.08)
        for trace in traces:
            figure.add_trace(trace.update(xaxis=f"x{number}", yaxis=f"y{number}"))
        for trace in below if strip else ():
            figure.add_trace(trace.update(xaxis=f"x{number}", yaxis=f"y{strip}"))


def _traces(
    arm: pl.DataFrame, name: str, colour: str, symbol: str, opacity: float
) -> tuple[list[go.Scatter], list[go.Scatter]]:
    """The interval's lower and upper edge, the line, and its censored part if there is one; then those of the strip.

    Where none of the problems is answered yet there is nothing to draw.
    """
    begun = arm.filter(pl.col("unanswered") < 1)
    arm = arm if begun.is_empty() else begun
    group = f"{arm['experiment_id'][0]}/{arm['arm'][0]}"
    edge = {
        "mode": "lines",
        "showlegend": False,
        "hoverinfo": "skip",
        "name": f"{name}, interval",
        "legendgroup": group,
    }
    spend, line = arm["spend"].to_numpy(), {"shape": "hv", "width": 0, "color": colour}
    fill = {"fill": "tonexty", "fillcolor": style.faint(colour, opacity)}
    traces = [
        go.Scatter(x=spend, y=arm["low"].to_numpy(), line=line, **edge),
        go.Scatter(x=spend, y=arm["high"].to_numpy(), line=line, **fill, **edge),
    ]
    known, cut = arm.filter(~pl.col("censored")), arm.filter(pl.col("censored"))
    parts = [(known, "solid", 2.2), (cut if cut.is_empty() else pl.concat([known.tail(1), cut]), "dot", 1.8)]
    for rows, dash, width in parts:
        if not rows.is_empty():
            traces.append(
                go.Scatter(
                    x=rows["spend"].to_numpy(),
                    y=rows["value"].to_numpy(),
                    mode="lines",
                    name=name,
                    legendgroup=group,
                    showlegend=False,
                    line={"shape": "hv", "width": width, "color": colour, "dash": dash},
                    customdata=rows.select("experiment_id", "arm", pl.col("spend").cast(pl.String)).rows(),
                    text=[_hover(row) for row in rows.iter_rows(named=True)],
                    hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
                )
            )
    traces += _markers(known if not known.is_empty() else cut, name, group, colour, symbol)
    return traces, answered.lines(parts, name, group, colour)


def _markers(rows: pl.DataFrame, name: str, group: str, colour: str, symbol: str) -> list[go.Scatter]:
    """A few markers on a line, evenly spread over its width on a log scale, and the entry in the legend."""
    spend = rows["spend"].to_numpy()
    place = np.log(np.maximum(spend, spend[spend > 0].min() / 2 if (spend > 0).any() else 1.0))
    wanted = np.linspace(place[0], place[-1], _MARKERS)
    chosen = np.unique(np.abs(place[:, None] - wanted).argmin(axis=0))
    common = {"name": name, "legendgroup": group, "marker": {"symbol": symbol, "size": 7, "color": colour}}
    on_line = {"x": spend[chosen], "y": rows["value"].to_numpy()[chosen]}
    return [
        go.Scatter(**on_line, mode="markers", showlegend=False, hoverinfo="skip", **common),
        go.Scatter(x=[None], y=[None], mode="lines+markers", line={"width": 2.2, "color": colour}, **common),
    ]


def _hover(row: dict[str, Any]) -> str:
    share = {name: numbers.percent(row[name]) for name in ("value", "low", "high", "unanswered")}
    lines = [
        f"{share['value']} ({share['low']} to {share['high']}, {row['method']})",
        f"{row['n']} problems, {share['unanswered']} unanswered",
    ]
    if row["censored"]:
        lines.append("over 5 % of trials were cut off before here")
    return "<br>".join(lines)


def _say(figure: go.Figure, text: str, number: str) -> None:
    nothing = go.Scatter(x=[None], y=[None], showlegend=False, hoverinfo="skip", xaxis=f"x{number}", yaxis=f"y{number}")
    figure.add_trace(nothing)  # a panel without a trace is left out, axes and all
    where = {"xref": f"x{number} domain", "yref": f"y{number} domain"}
    figure.add_annotation(text=text, x=0.5, y=0.5, showarrow=False, **where)


def _lines(curve: pl.DataFrame, status: Status, warnings: Sequence[str]) -> list[str]:
    lines = [status_line(status), *left_out(status)]
    if not curve.is_empty() and curve["censored"].any():
        lines.append("Dotted: over 5 % of trials were cut off before here.")
    return lines + [f"⚠ {warning}" for warning in warnings]


def x_axis(curve: pl.DataFrame, unit: str) -> dict[str, Any]:
    """The axis of spend for these rows (column `spend`): on a log scale where they lie far apart."""
    spends = curve["spend"].filter(curve["spend"] > 0)
    wide = not spends.is_empty() and float(spends.max()) / float(spends.min()) > LOG_FROM  # type: ignore[arg-type]
    ticks = _TICKS.get(unit, {"ticksuffix": " s"} if unit.endswith("_s") else {"tickformat": "~s"})
    scale: dict[str, Any] = {"type": "linear", "rangemode": "tozero", "nticks": 5}
    if wide:
        places = _log_places(float(spends.min()), float(spends.max()))  # type: ignore[arg-type]
        labels = [numbers.amount(unit, place) for place in places]
        scale, ticks = {"type": "log", "tickvals": places, "ticktext": labels}, {}
    if spends.is_empty():
        scale |= {"range": [0, 1], "showticklabels": False}
    name = numbers.UNITS[unit][0].upper() + numbers.UNITS[unit][1:] + (" (log scale)" if wide else "")
    return {"title": {"text": name, "standoff": 8}, **scale, **ticks}


def _log_places(low: float, high: float) -> list[float]:
    """Round numbers that divide a log scale: 1, 2 and 5 of each decade, of a long scale only 1."""
    steps = (1, 2, 5) if high / low < LONG_LOG else (1,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [place for decade in decades for step in steps if low <= (place := float(f"{step}e{decade}")) <= high]
