"""Measures of how trials went, correctness by step, tokens by role → figures. Called by the tab Quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import facets, numbers, style
from fourdials.figures.status import Status, status_line

TITLES = {
    "success": "success",
    "trajectory_quality": "trajectory quality",
    "loop_rate": "loop rate",
    "invalid_rate": "invalid rate",
    "memory_hygiene": "memory hygiene",
    "context_efficiency": "context efficiency",
    "verification_cost": "verification cost",
    "planning_cost": "planning cost",
    "underthinking": "underthinking",
}
# Part of a bar's colour that is left for each role, from the darkest on.
_SHADES = (1.0, 0.72, 0.5, 0.34, 0.22)
ROW_PX = 20
SINGLE_STEPS = 16  # up to this many steps each one is labelled


def measures(
    rows: pl.DataFrame, dials: Mapping[str, str], status: Status, dark: bool = False, warnings: Sequence[str] = ()
) -> go.Figure:
    """A row per measure, a dot with its 95 % interval per arm.

    Args:
        rows: Rows of `estimate.quality`; each dot is one.
        dials: Arm → dial, for its colour.
        status: Printed under the title.
        dark: Colours for a dark page.
        warnings: Printed under the status.
    """
    figure = go.Figure()
    shown = [name for name in TITLES if name in rows["measure"].to_list()]
    arms = rows["arm"].unique(maintain_order=True).to_list()
    for place, arm in enumerate(arms):
        own = rows.filter(arm=arm)
        offset = 0.0 if len(arms) < 2 else 0.7 * (place / (len(arms) - 1) - 0.5)
        told = [f"{TITLES[row['measure']]}: {_said(row)}" for row in own.iter_rows(named=True)]
        figure.add_trace(
            go.Scatter(
                x=own["value"].to_numpy(),
                y=[shown.index(name) + offset for name in own["measure"]],
                error_x=_bars(own),
                mode="markers",
                name=style.safe(arm),
                marker=_marker(dials[arm], place, dark),
                text=told,
                hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
            )
        )
    figure.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=[TITLES[name] for name in shown], range=[len(shown) - 0.5, -0.5]
    )
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", title="share of 1, with 95 % interval", automargin=True)
    lines = [status_line(status), *(f"⚠ {each}" for each in warnings)]
    height = 200 + len(shown) * max(34, ROW_PX * len(arms) // 2) + 22 * len(arms)
    height = facets.height_of(1, height, lines)
    figure = style.dress(figure, "How trials went about it", lines, dark, height)
    return figure.update_layout(margin_l=120)


def steps(
    rows: pl.DataFrame, dials: Mapping[str, str], status: Status, dark: bool = False, warnings: Sequence[str] = ()
) -> go.Figure:
    """How often a step is right, by its place in the chain: a line per arm with 95 % intervals.

    `rows` are rows of `estimate.step_correctness` with a column arm; the other arguments are those of `measures`.
    """
    figure = go.Figure()
    for place, arm in enumerate(rows["arm"].unique(maintain_order=True)):
        own = rows.filter(arm=arm)
        figure.add_trace(
            go.Scatter(
                x=own["step"].to_numpy(),
                y=own["value"].to_numpy(),
                error_y=_bars(own),
                mode="lines+markers",
                name=style.safe(arm),
                line={"color": style.INKS[dark].dials[dials[arm]]},
                marker=_marker(dials[arm], place, dark),
                text=[f"step {row['step']}: {_said(row)}" for row in own.iter_rows(named=True)],
                hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
            )
        )
    few = rows["step"].n_unique() <= SINGLE_STEPS
    figure.update_xaxes(title="step of the chain", tickformat="d", dtick=1 if few else None, automargin=True)
    figure.update_yaxes(title="steps that are right", range=[-0.02, 1.05], tickformat=".0%")
    lines = [status_line(status), *(f"⚠ {each}" for each in warnings)]
    height = facets.height_of(1, 380, lines)
    return style.dress(figure, "Correct steps by place in the chain", lines, dark, height)


def roles(rows: pl.DataFrame, dials: Mapping[str, str], status: Status, dark: bool = False) -> go.Figure:
    """Tokens of each role a trial, a stacked bar per arm.

    `rows` have arm, role and `tokens` (a trial; unknown ones left out); the other arguments are those of `measures`.
    """
    figure = go.Figure()
    named: Sequence[str] = (
        rows.group_by("role")
        .agg(pl.col("tokens").sum())
        .sort("tokens", "role", descending=[True, False])["role"]
        .to_list()
    )
    for place, role in enumerate(named):
        own = rows.filter(role=role)
        shade = _SHADES[min(place, len(_SHADES) - 1)]
        figure.add_trace(
            go.Bar(
                x=own["tokens"].to_numpy(),
                y=[style.safe(arm) for arm in own["arm"]],
                orientation="h",
                name=role,
                marker={"color": style.faint(style.INKS[dark].text, shade)},
                text=[numbers.count(value) for value in own["tokens"]],
                hovertemplate="<b>%{y}</b><br>%{fullData.name}: %{text} tokens a trial<extra></extra>",
                textposition="none",
            )
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title="tokens a trial", automargin=True)
    figure.update_yaxes(automargin=True)
    height = 200 + 30 * len(dials)
    return style.dress(figure, "Tokens by role", [status_line(status)], dark, height)


def alt_text(rows: pl.DataFrame) -> str:
    """What `measures` shows, for people who do not see it."""
    told = [f"{row['arm']}: {TITLES[row['measure']]} {_said(row)}" for row in rows.head(12).iter_rows(named=True)]
    more = f"; {rows.height - 12} more are drawn" if rows.height > 12 else ""
    return f"Measures of trials with 95 % intervals. {'; '.join(told)}{more}." if told else "An empty chart."


def roles_alt_text(rows: pl.DataFrame) -> str:
    """What `roles` shows, for people who do not see it."""
    told = []
    for part in rows.sort("arm", "tokens", "role", descending=[False, True, False]).partition_by("arm"):
        roles = ", ".join(f"{row['role']} {numbers.count(row['tokens'])}" for row in part.iter_rows(named=True))
        told.append(f"{part['arm'][0]}: {roles}")
    return f"Tokens a trial by role. {'; '.join(told)}." if told else "An empty chart."


def steps_alt_text(rows: pl.DataFrame) -> str:
    """What `steps` shows, for people who do not see it."""
    told = []
    for arm in rows.partition_by("arm", maintain_order=True):
        first, last = arm.row(0, named=True), arm.row(-1, named=True)
        told.append(
            f"{first['arm']}: {numbers.percent(first['value'])} at step {first['step']}, "
            f"{numbers.percent(last['value'])} at step {last['step']} (n {last['n']})"
        )
    return f"Share of right steps by place in the chain, with 95 % intervals. {'; '.join(told)}."


def _said(row: Mapping[str, float]) -> str:
    ends = f"{numbers.percent(row['low'])} to {numbers.percent(row['high'])}"
    return f"{numbers.percent(row['value'])} ({ends}), n {row['n']}"


def _bars(rows: pl.DataFrame) -> dict[str, object]:
    above, below = (rows["high"] - rows["value"]).to_numpy(), (rows["value"] - rows["low"]).to_numpy()
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.2, "width": 0}


def _marker(dial: str, place: int, dark: bool) -> dict[str, object]:
    return {"color": style.INKS[dark].dials[dial], "symbol": style.SYMBOLS[place % len(style.SYMBOLS)], "size": 8}
