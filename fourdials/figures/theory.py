"""Lines of theory, and a run's points over them → one figure. Called by Learn and by exported lessons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style

# Theory has no dial: its lines have the colours for what is none, and a reader's own prediction one that no line has.
OWN, _LINES = 1, (0, 2)  # of `Ink.others`; the darkest is too near to the colour of a run's points
OWN_PX = 15  # the mark of the reader's own prediction
_DASHES = {"line": ("solid", "longdash"), "dash": ("dot", "dashdot")}  # the second where the colour comes once more


def draw(
    frame: pl.DataFrame,
    title: str,
    status: str,
    *,
    x: str,
    y: str,
    percent: bool = True,
    log_x: bool = False,
    log_y: bool = False,
    over: pl.DataFrame | None = None,
    own: pl.DataFrame | None = None,
    dark: bool = False,
    height: int = 420,
) -> go.Figure:
    """Lines and points of columns line, kind (`line`, `dash`, `points`), x, y, low, high.

    Args:
        frame: The theory.
        title: What is drawn.
        status: Printed under the title: where the numbers come from.
        x: Title of the axis.
        y: Title of the other axis.
        percent: True if y is a share of 1.
        log_x: True for a logarithmic axis.
        log_y: The same for the other one.
        over: Data of a run, of the same columns, drawn on top.
        own: The reader's prediction, of the same columns, drawn last and in a colour of its own.
        dark: Colours for a dark page.
        height: Pixels.
    """
    ink, figure = style.INKS[dark], go.Figure()
    drawn: Counter[tuple[str, str]] = Counter()
    for i, part in enumerate(_parts(frame)):
        look = ink.others[_LINES[i % len(_LINES)]], part["kind"][0]
        figure.add_trace(trace(part, look[0], percent, again=drawn[look]))
        drawn[look] += 1
    for i, part in enumerate(_parts(over) if over is not None else []):
        figure.add_trace(trace(part, ink.text, percent, symbol=style.SYMBOLS[(i + 2) % len(style.SYMBOLS)]))
    for part in _parts(own) if own is not None else []:
        figure.add_trace(trace(part, ink.others[OWN], percent, symbol="diamond").update(marker_size=OWN_PX))
    figure.layout.xaxis.update(title=x, automargin=True, type="log" if log_x else "linear")
    figure.layout.yaxis.update(title=y, automargin=True, type="log" if log_y else "linear")
    if percent:
        figure.layout.yaxis.update(tickformat=".0%", range=[-0.02, 1.04])
    else:
        heights = [y for part in (frame, over) if part is not None for y in part["y"].to_list()]
        tall = max(heights, default=0.0) >= 1000  # of smaller ones ~s would write 0.5 as 500m
        figure.layout.yaxis.update(tickformat="~s" if tall else "~g", rangemode="normal" if log_y else "tozero")
        if log_y:
            figure.layout.yaxis.update(dtick=1)
    if log_x:
        figure.layout.xaxis.update(tickformat="~s", dtick=1)
    return style.dress(figure, style.safe(title), [status], dark, height)


def over_run(
    frame: pl.DataFrame, title: str, status: str, x: str, y: str, percent: bool = True, dark: bool = False
) -> go.Figure:
    """A run's points and the closed forms at what it shows, without any other line.

    Args:
        frame: Both, of the columns `draw` takes; points are the run's.
        title: What is drawn.
        status: Printed under the title.
        x: Title of the axis.
        y: Title of the other axis.
        percent: True if y is a share of 1.
        dark: Colours for a dark page.
    """
    points = pl.col("kind") == "points"
    forms = frame.filter(~points).with_columns(kind=pl.lit("line"))
    return draw(forms, title, status, x=x, y=y, percent=percent, over=frame.filter(points), dark=dark)


def with_slider(figures: Sequence[go.Figure], labels: Sequence[str], start: int, title: str) -> go.Figure:
    """Several figures of the same axes as one, with a slider that shows one at a time. For pages without a server.

    Args:
        figures: One for each stop of the slider.
        labels: What the stops are called.
        start: The stop it begins at.
        title: What the slider changes.
    """
    ink, figure = style.INKS[False], go.Figure(layout=figures[start].layout)
    counts = [len(each.data) for each in figures]
    for place, each in enumerate(figures):
        figure.add_traces([trace.update(visible=place == start) for trace in each.data])
    steps = []
    for place, label in enumerate(labels):
        visible = [stop == place for stop, number in enumerate(counts) for _ in range(number)]
        steps.append({"method": "update", "label": label, "args": [{"visible": visible}]})
    slider = {
        "active": start,
        "steps": steps,
        "currentvalue": {"prefix": f"{title}: ", "font": {"color": ink.text, "size": 13}},
        "font": {"color": "rgba(0,0,0,0)"},  # many labels overlap; the one chosen stands above
        "tickcolor": ink.grid,
        "y": -0.2,
    }
    return figure.update_layout(sliders=[slider], margin={"b": 250}, height=640)


def alt_text(frame: pl.DataFrame, x: str, y: str, percent: bool = True) -> str:
    """A sentence that says what each line does, for people who do not see it."""
    if frame.is_empty():
        return "An empty chart."
    told = []
    for part in _parts(frame):
        first, last = part.row(0, named=True), part.row(-1, named=True)
        ends = [numbers.percent(row["y"]) if percent else numbers.count(row["y"]) for row in (first, last)]
        told.append(
            f"{part['line'][0]}: {ends[0]} at {numbers.count(first['x'])}, {ends[1]} at {numbers.count(last['x'])}"
        )
    return f"{y}, against {x}. {'; '.join(told)}."


def _parts(frame: pl.DataFrame) -> list[pl.DataFrame]:
    return frame.partition_by("line", maintain_order=True)


def trace(part: pl.DataFrame, colour: str, percent: bool, symbol: str = "circle", again: int = 0) -> go.Scatter:
    """One line or its points, with their intervals if they have any.

    Args:
        part: The rows of one line, of the columns `draw` takes.
        colour: As `#rrggbb`.
        percent: True if y is a share of 1.
        symbol: Plotly's name for the marker of points.
        again: How many lines of this kind have the colour already; another one is dashed in another way.
    """
    kind, name = part["kind"][0], style.safe(part["line"][0])
    shown = "%{y:.1%}" if percent else "%{y:,.4~g}"
    ends = None
    if part["low"].null_count() < part.height:
        above = (part["high"] - part["y"]).to_list()
        below = (part["y"] - part["low"]).to_list()
        ends = {"type": "data", "array": above, "arrayminus": below, "color": colour, "thickness": 1.2, "width": 3}
    dashes = _DASHES.get(kind, ("solid",))
    return go.Scatter(
        x=part["x"].to_list(),
        y=part["y"].to_list(),
        error_y=ends,
        name=name,
        mode="markers" if kind == "points" else "lines",
        line={"color": colour, "width": 2.2, "dash": dashes[again % len(dashes)]},
        marker={"color": colour, "size": 9, "symbol": symbol},
        hovertemplate=f"{name}<br>%{{x:,.4~g}}: {shown}<extra></extra>",
    )
