"""What a trial costs at list, as paid and by other prices → a figure. Called by the tab Prices."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style
from fourdials.figures.status import Status, status_line

SERIES = {"usd": ("list price then", 1.0), "usd_paid": ("paid", 0.55), "new_usd": ("list price chosen", 0.28)}


def costs(rows: pl.DataFrame, bounds: pl.DataFrame, status: Status, chosen: str, dark: bool = False) -> go.Figure:
    """Dollars a trial with their intervals, a group of bars per arm; what is unknown has no bar.

    `rows` are rows of `repricing.per_trial`, `bounds` of `repricing.per_trial_bounds`; `chosen` says which prices the
    third bar is by.
    """
    figure = go.Figure()
    ink = style.INKS[dark]
    for name, (title, opacity) in SERIES.items():
        own = rows.drop_nulls(name).join(
            bounds.filter(what=name).select("arm", "low", "high", "n"), on="arm", how="left", maintain_order="left"
        )
        if own.is_empty():
            continue
        told = [
            f"{numbers.with_ends(numbers.usd, row[name], row['low'], row['high'])} a trial, {row['n']} problems"
            for row in own.iter_rows(named=True)
        ]
        figure.add_trace(
            go.Bar(
                x=own[name].to_numpy(),
                y=[style.safe(arm) for arm in own["arm"]],
                orientation="h",
                name=title,
                marker={"color": [style.faint(ink.dials[dial], opacity) for dial in own["dial"]]},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (own["high"] - own[name]).fill_null(0.0).to_numpy(),
                    "arrayminus": (own[name] - own["low"]).fill_null(0.0).to_numpy(),
                    "thickness": 1.2,
                    "width": 3,
                    "color": ink.muted,
                },
                text=told,
                textposition="none",
                hovertemplate="<b>%{y}</b><br>%{fullData.name}: %{text}<extra></extra>",
            )
        )
    figure.update_layout(barmode="group")
    figure.update_xaxes(
        title="US dollars a trial", tickprefix="$", tickformat="~g", rangemode="tozero", automargin=True
    )
    figure.update_yaxes(automargin=True)
    lines = [status_line(status), f"Chosen: {chosen}"]
    return style.dress(figure, "What a trial costs", lines, dark, 220 + 52 * max(rows.height, 1))


def alt_text(rows: pl.DataFrame, bounds: pl.DataFrame) -> str:
    """What `costs` shows, for people who do not see it."""
    ends = {(row["arm"], row["what"]): (row["low"], row["high"]) for row in bounds.iter_rows(named=True)}
    told = []
    for row in rows.iter_rows(named=True):
        said = [
            f"{title} {numbers.with_ends(numbers.usd, row[name], *ends.get((row['arm'], name), (None, None)))}"
            for name, (title, _) in SERIES.items()
        ]
        told.append(f"{row['arm']}: {', '.join(said)}")
    return f"US dollars a trial, with 95 % intervals. {'; '.join(told)}."
