"""A curve's values and the family that fits them best → a figure and what it says. Called by Compare and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import baselines as base
from fourdials.figures import numbers, style
from fourdials.figures.curves import x_axis
from fourdials.figures.status import Status, left_out, status_line

if TYPE_CHECKING:
    from fourdials.estimate.fits import Fits

Interval = tuple[float, float, float]
# Of each unit, the round amount a price is stated for, and the gain in points that it must bring at first.
STEPS = {
    "total_tokens": 1000,
    "completion_tokens": 1000,
    "usd": 0.01,
    "calls": 1,
    "modelled_s": 1,
    "level": 1,
    "flops": 1e10,
}
NEXT = {
    "total_tokens": "1,000 more total tokens gain",
    "completion_tokens": "1,000 more completion tokens gain",
    "usd": "one more cent gains",
    "calls": "one more call gains",
    "modelled_s": "one more second gains",
    "level": "one more level gains",
    "flops": "10 billion more FLOPs gain",
}
TERMS = {
    "constant": "no change with spend",
    "logarithm": "a + b ln T",
    "power": "A − B T^−γ",
    "exponential": "A (1 − e^(−T/τ))",
    "logistic": "A / (1 + e^(−(ln T − m)/s))",
    "quadratic": "a + b ln T + c (ln T)²",
}


def fit(
    fitted: pl.DataFrame,
    family: str,
    dial: str,
    status: Status,
    unit: str,
    asymptote: Interval | None = None,
    stop: Interval | None = None,
    warnings: Sequence[str] = (),
    baselines: pl.DataFrame | None = None,
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
        baselines: Rows of the query `baselines`; guessing and the best constant answer are drawn as labelled lines.
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
    tops = [*fitted["high"].to_list(), *(asymptote[2:] if asymptote else ())]
    blind = None if baselines is None else base.blind(baselines)
    figure.layout.yaxis.update(**base.score_axis(tops, blind))
    base.draw(figure, blind, "", dark)
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


def step(unit: str) -> str:
    """The amount a price is stated for, as the beginning of a sentence about what it gains."""
    return NEXT[unit]


def worth(points: float) -> str:
    """A gain in percentage points as people read it."""
    return f"{points:g} {'point' if points == 1 else 'points'}"


def reading(found: Fits, unit: str, points: float, over: bool) -> str:
    """Which family, with what evidence; what it tends to; where more stops paying.

    Args:
        found: The fits, made with a price of `points` per `STEPS[unit]`.
        unit: Unit of spend.
        points: Percentage points that one more step must gain to be worth it.
        over: True if the trials ended by themselves, so that there is no end to foretell.
    """
    price = f"{step(unit)} less than {worth(points)}"
    best = found.table.filter(family=found.best).row(0, named=True)
    n = f"{best['n']} problems"
    if found.best == "constant":
        told = f"No family beats a constant here ({n}, {len(found.budgets)} budgets): more spend is not seen to change "
        return told + f"the score, {numbers.percent(best['asymptote'])}."
    told = f"{found.best.capitalize()}: {TERMS[found.best]}. It fits better than a constant by "
    told += f"{numbers.evidence(found.evidence)} AICc "
    told += f"and wins {numbers.percent(best['wins'])} of resamples ({n}). "
    told += "" if over else _limit(found)
    if found.stop_at is None:
        return told + f"Nowhere up to 100 times the last budget is it so flat that {price}."
    told += f"From {numbers.budget(unit, found.stop_at)} on, {price}"
    if found.stop_low is None or found.stop_high is None:
        return told + "; more than half of the resamples have no such point."
    beyond = ", which lies beyond what was tried" if found.stop_at > found.budgets[-1] else ""
    return told + f" ({numbers.amount(unit, found.stop_low)} to {numbers.amount(unit, found.stop_high)}){beyond}."


def _limit(found: Fits) -> str:
    """Where the curve levels off, whichever family is the true one."""
    ends = f"{numbers.percent(found.asymptote_low)} to {numbers.percent(found.asymptote_high)}"
    each = "when each resample takes the family that fits it best"
    start = "It tends to no limit" if found.asymptote is None else f"It tends to {numbers.percent(found.asymptote)}"
    if found.undetermined:
        return f"{start}, but where it levels off is not determined by these budgets: {ends} {each}. "
    return f"{start}; it levels off at {ends} {each}. " if found.asymptote is None else f"{start} ({ends} {each}). "
