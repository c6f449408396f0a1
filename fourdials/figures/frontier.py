"""Rows of `frontier.pareto` → a figure: accuracy against cost or latency, and the points that no other one beats.

Called by the tab of Compare that looks for what to deploy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import baselines as base
from fourdials.figures import facets, numbers, style
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
SURE = 0.95  # of resamples in which a point is in the set


def unit_of(cost: str) -> str:
    """The unit a cost is written in."""
    return cost.removesuffix("_p50").removesuffix("_p95")


def frontier(
    front: pl.DataFrame,
    cost: str,
    status: Status,
    warnings: Sequence[str] = (),
    baselines: pl.DataFrame | None = None,
    dark: bool = False,
    height: int = 480,
    columns: int = 4,
) -> go.Figure:
    """Every arm at every level as a point with its simultaneous band; the Pareto set filled and joined by steps.

    Where some arms are given other things to see than others there is a panel for each of these, with its own Pareto
    set, on shared axes: points at different problems are no rivals.

    Args:
        front: Rows of `frontier.pareto` with the columns dial, access and label; each point's x, low, value, high is a
            row.
        cost: One of `COSTS`.
        status: Printed under the title.
        warnings: Printed under the status.
        baselines: Rows of the query `baselines`; guessing and the best constant answer are drawn as labelled lines.
        dark: Colours for a dark page.
        height: Pixels.
        columns: Most panels side by side; 1 puts them below each other, for narrow pages.
    """
    parts, ink, axis = facets.parts(front), style.INKS[dark], _axis(front, cost)
    figure, rows, columns = facets.grid([title for title, _ in parts], columns)
    blind = None if baselines is None else base.blind(baselines)
    looks, labelled = _looks(front, ink), set[tuple[str, str | None]]()
    below = COSTS[cost] + (f"{'<br>' if columns > 1 else ' '}(log scale)" if axis["type"] == "log" else "")
    axis |= {"title": {"text": below, "standoff": 8}}
    for i, (_, own) in enumerate(parts):
        number = str(i + 1) if i else ""
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        figure.add_trace(_set_of(own, ink, legend=not i).update(axes))
        for arm, (colour, symbol) in looks.items():
            mine = own.filter(pl.col("arm") == arm).sort("level")
            if not mine.is_empty():
                figure.add_trace(_points(mine, cost, arm, colour, symbol, ink.paper).update(axes))
        figure.layout[f"xaxis{number}"].update(**axis, matches="x" if i else None)
        figure.layout[f"yaxis{number}"].update(**base.score_axis(front["high"], blind), matches="y" if i else None)
        if i % columns:
            figure.layout[f"yaxis{number}"].title.text = None
        base.draw(figure, blind, number, dark, labelled)
    of_panel = " of its panel" if len(parts) > 1 else ""
    lines = [status_line(status), *left_out(status)]
    lines.append(f"Filled: no other point{of_panel} is as good for as little. Bars hold for all points at once.")
    lines += [f"⚠ {warning}" for warning in warnings]
    title = "What a score costs" + (facets.BY_WHAT_IS_SEEN if len(parts) > 1 else "")
    height = facets.height_of(rows, height, lines)
    return style.dress(figure, title, lines, dark, height, panel_titles=int(len(parts) > 1))


def alt_text(front: pl.DataFrame, cost: str) -> str:
    """A few sentences that say what `frontier` shows, for people who do not see it."""
    if front.is_empty():
        return "An empty chart: this cost is known for no arm."
    told = f"Score against {COSTS[cost].lower()} for {front.height} points over {front['n'][0]} problems."
    if not facets.mixed(front):
        return f"{told} The Pareto set is {_listed(front, cost)}."
    sets = [f"{title.capitalize()}: the Pareto set is {_listed(own, cost)}." for title, own in facets.parts(front)]
    return " ".join([told, "There is a panel for each kind of things arms see, with a set of its own.", *sets])


def reading(front: pl.DataFrame) -> str:
    """How many points are in the Pareto set, which are sure to be and how many are surely beaten; for each kind of
    things to see apart where arms differ in that."""
    if not facets.mixed(front):
        return _reading(front)
    return " ".join(f"{title.capitalize()}: {_reading(own)}" for title, own in facets.parts(front))


def _reading(front: pl.DataFrame) -> str:
    best, beaten = front.filter("on_front"), int(front["beaten"].sum())
    sure = ", ".join(best.filter(best["probability"] >= SURE)["label"])
    told = f"{best.height} of {front.height} points are in the Pareto set. "
    told += f"In 95 % of resamples or more these stay in it: {sure}. " if sure else "None of them is sure to be in it. "
    return told + f"{beaten or 'None'} {'are' if beaten > 1 else 'is'} surely beaten by one that costs no more."


def _listed(front: pl.DataFrame, cost: str) -> str:
    best = front.filter("on_front").sort("cost")
    return "; ".join(
        f"{row['label']}: {numbers.percent(row['value'])} at {numbers.amount(unit_of(cost), row['cost'])}"
        for row in best.iter_rows(named=True)
    )


def _looks(front: pl.DataFrame, ink: style.Ink) -> dict[str, tuple[str, str]]:
    """Colour and symbol of each arm, in the order of dials; one legend serves all panels."""
    drawn, looks = dict.fromkeys(DIALS, 0), {}
    for dial, arm in sorted(front.select("dial", "arm").unique().rows(), key=lambda row: (DIALS.index(row[0]), row[1])):
        looks[arm] = (ink.dials[dial], style.SYMBOLS[drawn[dial] % len(style.SYMBOLS)])
        drawn[dial] += 1
    return looks


def _set_of(own: pl.DataFrame, ink: style.Ink, legend: bool) -> go.Scatter:
    best = own.filter("on_front").sort("cost")
    return go.Scatter(
        x=best["cost"].to_numpy(),
        y=best["value"].to_numpy(),
        mode="lines",
        name="Pareto set",
        legendgroup="Pareto set",
        showlegend=legend,
        line={"shape": "hv", "color": ink.muted, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
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
