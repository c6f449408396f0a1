"""The strip below a panel of curves: the share of problems answered within a budget, on the same axis of spend.

A score within a budget is 0 where nothing is answered yet, so a low curve may mean wrong answers or none; the strip
tells them apart. Called by `figures.curves`.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style

HEIGHT_PX = 72  # that a strip adds to its panel
_SHARE, _GAP = 0.19, 0.1  # of a panel's height: the strip's own, and what lies between the two


def told(curve: pl.DataFrame) -> bool:
    """Whether there is something to tell: at some budget some of an arm's problems are answered, and others not."""
    return not curve.filter((pl.col("unanswered") > 0) & (pl.col("unanswered") < 1)).is_empty()


def make_room(figure: go.Figure, number: str, own: int, first: int, labelled: bool) -> None:
    """Gives the panel with axes of this number a strip at its foot, with the y axis `own`.

    Args:
        figure: Its panels and their axes are placed already.
        number: Of the panel's axes, empty for the first.
        own: Number of the strip's y axis.
        first: Number of the first strip's; all of them have the same scale.
        labelled: Whether the axis has its title and labels, as those at the left do.
    """
    panel = figure.layout[f"yaxis{number}"]
    low, high = panel.domain or (0.0, 1.0)
    panel.domain = (low + (_SHARE + _GAP) * (high - low), high)
    axis: dict[str, Any] = {
        "domain": (low, low + _SHARE * (high - low)),
        "anchor": f"x{number}",
        "range": [0, 1.06],
        "tickvals": [0, 1],
        "tickformat": ".0%",
        "tickfont": {"size": style.SMALL_PX - 1},
        "title": {"text": "Answered" if labelled else None, "font": {"size": style.SMALL_PX}, "standoff": 4},
        "showticklabels": labelled,
        "fixedrange": True,
        "matches": None if own == first else f"y{first}",
    }
    figure.layout[f"yaxis{own}"] = axis
    figure.layout[f"xaxis{number}"].anchor = f"y{own}"


def lines(parts: list[tuple[pl.DataFrame, str, float]], name: str, group: str, colour: str) -> list[go.Scatter]:
    """The answered share of one arm: for each part of its rows (with dash and width) a stepped line."""
    return [
        go.Scatter(
            x=rows["spend"].to_numpy(),
            y=(1 - rows["unanswered"]).to_numpy(),
            mode="lines",
            name=f"{name}, answered",
            legendgroup=group,
            showlegend=False,
            line={"shape": "hv", "width": width * 0.7, "color": colour, "dash": dash},
            text=[f"{numbers.percent(1 - row)} of {n} problems" for row, n in rows.select("unanswered", "n").rows()],
            hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
        )
        for rows, dash, width in parts
        if not rows.is_empty()
    ]


def alt_text(ends: list[dict[str, Any]]) -> str:
    """What the strips show, given each arm's last row."""
    missing = [row for row in sorted(ends, key=lambda row: -float(row["unanswered"])) if row["unanswered"] > 0]
    said = [f"{row['arm']} has answered {numbers.percent(1 - row['unanswered'])}" for row in missing[:6]]
    end = f"by then {', '.join(said)}" if said else "by then every arm has answered all"
    more = f", {len(missing) - 6} more not all" if len(missing) > 6 else ""
    return f" A strip below shows the share of problems answered: {end}{more}."
