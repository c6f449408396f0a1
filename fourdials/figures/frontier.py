"""Rows of `frontier.pareto` → a figure: accuracy against cost or latency, and the points that no other one beats.

Called by the tab of Compare that looks for what to deploy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style
from fourdials.figures.curves import x_axis
from fourdials.figures.status import Status, left_out, status_line
from fourdials.records import DIALS

COSTS = {
    "usd": "US dollars a request",
    "total_tokens": "Total tokens a request",
    "flops": "FLOPs a request",
    "modelled_s_p50": "Modelled seconds, half of requests (p50)",
    "modelled_s_p95": "Modelled seconds, 95 % of requests (p95)",
    "critical_path_s_p50": "Realised seconds, half of requests (p50)",
    "critical_path_s_p95": "Realised seconds, 95 % of requests (p95)",
}


def unit_of(cost: str) -> str:
    """The unit a cost is written in."""
    return cost.removesuffix("_p50").removesuffix("_p95")


def frontier(
    front: pl.DataFrame,
    cost: str,
    status: Status,
    warnings: Sequence[str] = (),
    dark: bool = False,
    height: int = 480,
) -> go.Figure:
    """Every arm at every level as a point with its simultaneous band; the Pareto set filled and joined by steps.

    Args:
        front: Rows of `frontier.pareto` with the columns dial and label; each point's x, low, value, high is a row.
        cost: One of `COSTS`.
        status: Printed under the title.
        warnings: Printed under the status.
        dark: Colours for a dark page.
        height: Pixels.
    """
    figure, ink = go.Figure(), style.INKS[dark]
    best = front.filter("on_front").sort("cost")
    figure.add_trace(
        go.Scatter(
            x=best["cost"].to_numpy(),
            y=best["value"].to_numpy(),
            mode="lines",
            name="Pareto set",
            line={"shape": "hv", "color": ink.muted, "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
        )
    )
    drawn = dict.fromkeys(DIALS, 0)
    arms = sorted(front.select("dial", "arm").unique().rows(), key=lambda row: (DIALS.index(row[0]), row[1]))
    for dial, arm in arms:
        symbol = style.SYMBOLS[drawn[dial] % len(style.SYMBOLS)]
        drawn[dial] += 1
        rows = front.filter(pl.col("arm") == arm).sort("level")
        figure.add_trace(_points(rows, cost, arm, ink.dials[dial], symbol, ink.paper))
    title = COSTS[cost] + (" (log scale)" if (axis := _axis(front, cost))["type"] == "log" else "")
    figure.layout.xaxis.update(**axis | {"title": {"text": title, "standoff": 8}})
    top = min(1.0, (int(max([0.1, *front["high"].to_list()]) * 10) + 1) / 10)
    figure.layout.yaxis.update(
        title={"text": "Mean score", "standoff": 4}, range=[0, top * 1.03], tickformat=".0%", nticks=6
    )
    lines = [status_line(status), *left_out(status)]
    lines.append("Filled: no other point is as good for as little. Bars hold for all points at once.")
    lines += [f"⚠ {warning}" for warning in warnings]
    return style.dress(figure, "What a score costs", lines, dark, height)


def alt_text(front: pl.DataFrame, cost: str) -> str:
    """One or two sentences that say what `frontier` shows, for people who do not see it."""
    if front.is_empty():
        return "An empty chart: this cost is known for no arm."
    best = front.filter("on_front").sort("cost")
    told = [
        f"{row['label']}: {numbers.percent(row['value'])} at {numbers.amount(unit_of(cost), row['cost'])}"
        for row in best.iter_rows(named=True)
    ]
    return (
        f"Score against {COSTS[cost].lower()} for {front.height} points over {front['n'][0]} problems. "
        f"The Pareto set is {'; '.join(told)}."
    )


def _points(rows: pl.DataFrame, cost: str, arm: str, colour: str, symbol: str, paper: str) -> go.Scatter:
    value = rows["value"].to_numpy()
    bars = {"array": rows["high"].to_numpy() - value, "arrayminus": value - rows["low"].to_numpy()}
    filled = [colour if row else paper for row in rows["on_front"]]
    return go.Scatter(
        x=rows["cost"].to_numpy(),
        y=value,
        mode="lines+markers",
        name=style.safe(arm),
        line={"color": style.faint(colour, 0.35), "width": 1},
        marker={"symbol": symbol, "size": 9, "color": filled, "line": {"width": 1.8, "color": colour}},
        error_y={
            "type": "data",
            "symmetric": False,
            "thickness": 1,
            "width": 0,
            "color": style.faint(colour, 0.5),
            **bars,
        },
        text=[_hover(row, cost) for row in rows.iter_rows(named=True)],
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(row: dict[str, Any], cost: str) -> str:
    lines = [
        f"<b>{style.safe(row['label'])}</b>",
        f"{numbers.percent(row['value'])} ({numbers.percent(row['low'])} to {numbers.percent(row['high'])}, at once)",
        f"{numbers.amount(unit_of(cost), row['cost'])}, {row['n']} problems",
        f"in the Pareto set in {numbers.percent(row['probability'])} of resamples",
    ]
    return "<br>".join([*lines, "surely beaten by a cheaper one"] if row["beaten"] else lines)


def _axis(front: pl.DataFrame, cost: str) -> dict[str, Any]:
    return x_axis(front.select(pl.col("cost").alias("spend")), unit_of(cost))
