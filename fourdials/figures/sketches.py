"""Small pictures that go with the deep lessons' stories, drawn by the same rules as their theory.

Called by Learn and by exported lessons, before the reader predicts: none shows what is asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from fourdials import theory
from fourdials.figures import style
from fourdials.figures.numbers import percent

HEIGHT = 300
_NOTE = "A drawing: nothing here was measured"
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sketch:
    """A picture, and what it shows in words."""

    figure: go.Figure
    alt: str


def _bare(figure: go.Figure, title: str, note: str, dark: bool, height: int = HEIGHT, level: bool = True) -> go.Figure:
    """A picture without axes; `level` keeps the same scale both ways."""
    style.dress(figure, title, [note], dark, height)
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True, scaleanchor="x" if level else None)
    return figure.update_layout(margin={"l": 14, "b": 40})


def _line(
    points: list[tuple[float, float]], colour: str, width: float, name: str = "", dash: str = "solid"
) -> go.Scatter:
    return go.Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines",
        line={"color": colour, "width": width, "dash": dash},
        name=name,
        showlegend=bool(name),
        hoverinfo="skip",
    )


def _dots(
    points: list[tuple[float, float]], colour: str, size: int = 7, name: str = "", symbol: str = "circle"
) -> go.Scatter:
    return go.Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="markers",
        marker={"color": colour, "size": size, "symbol": symbol},
        name=name,
        showlegend=bool(name),
        hoverinfo="skip",
    )


def two_components(dark: bool) -> Sketch:
    """C1: two chains of cycles that look alike, a short walk that ends on the way, and one that arrives."""
    ink, figure, cycles = style.INKS[dark], go.Figure(), 5
    for base in (0.0, -2.6):
        corners = []
        for i in range(cycles):
            x = 2.0 * i
            corners += [(x, base), (x + 0.6, base + 0.8), (x + 1.4, base + 0.8)]
            figure.add_trace(_line([(x, base), (x + 2, base)], ink.muted, 1.2))
            figure.add_trace(_line([(x, base), *corners[-2:], (x + 2, base)], ink.muted, 1.2))
            figure.add_trace(_line([(x, base), (x + 0.4, base - 0.5), (x + 0.8, base - 0.7)], ink.muted, 1.2))
            corners += [(x + 0.4, base - 0.5), (x + 0.8, base - 0.7)]
        figure.add_trace(_dots([*corners, (2.0 * cycles, base)], ink.muted))
        figure.add_annotation(x=2.0 * cycles + 0.55, y=base, text="<b>?</b>", showarrow=False, font={"size": 18})
    short = [(0.0, 0.0), (2.0, 0.0), (2.6, 0.8), (3.4, 0.8), (4.0, 0.0)]
    long = [(0.0, 0.0), (0.6, 0.8), (1.4, 0.8), (2.0, 0.0), (4.0, 0.0), (6.0, 0.0), (6.6, 0.8), (7.4, 0.8), (8.0, 0.0)]
    figure.add_trace(
        _line([(x, y - 0.08) for x, y in [*long, (10.0, 0.0)]], ink.dials["sequential"], 4, "one long walk")
    )
    figure.add_trace(_line([(x, y + 0.08) for x, y in short], ink.dials["parallel"], 4, "a short walk", "dot"))
    figure.add_trace(_dots([(0.0, 0.0)], ink.text, 12, "start", "diamond"))
    _bare(figure, "Which of the two ends is mine?", _NOTE, dark, 330)
    return Sketch(
        figure,
        f"Two chains of {cycles} cycles that look the same, each cycle with a short arm, a long arm and a dead end. A "
        f"short walk from the start ends in the second cycle; a long walk arrives at the far end, where a target hangs "
        f"on one of the two chains.",
    )


def ladder(dark: bool) -> Sketch:
    """C11: leads of votes on a few steps, each taken when it is three ahead."""
    ink, figure, lead, p, steps = style.INKS[dark], go.Figure(), 3, 0.75, 6
    rng, lengths = np.random.default_rng(4), []
    for step in range(steps):
        walk = [0]
        while abs(walk[-1]) < lead:
            walk.append(walk[-1] + (1 if rng.random() < p else -1))
        lengths.append(len(walk) - 1)
        figure.add_trace(
            go.Scatter(
                x=list(range(len(walk))),
                y=walk,
                mode="lines+markers",
                line={"color": ink.dials["parallel"] if walk[-1] > 0 else ink.dials["sequential"], "width": 1.6},
                marker={"size": 6, "symbol": style.SYMBOLS[step]},
                name=f"step {step + 1}",
                opacity=0.85,
            )
        )
    for height, said in ((lead, "taken, and right"), (-lead, "taken, and wrong")):
        figure.add_hline(y=height, line={"color": ink.muted, "dash": "dot"})
        figure.add_annotation(x=max(lengths), y=height, text=said, showarrow=False, yshift=9, xanchor="right")
    style.dress(
        figure, "First to be three votes ahead", [f"Drawn at random, a vote right {percent(p)}: no model"], dark, 340
    )
    figure.update_xaxes(automargin=True, title="votes cast on this step", dtick=2)
    figure.update_yaxes(automargin=True, title="right minus wrong", range=[-lead - 0.6, lead + 0.9], dtick=1)
    return Sketch(
        figure,
        f"{steps} steps, each a path of right minus wrong votes that starts at 0 and is taken at {lead} or −{lead}, "
        f"after {', '.join(map(str, lengths))} votes.",
    )


def samples(dark: bool) -> Sketch:
    """C20: problems by samples, with what is among them and what a vote would hand over."""
    ink, problems, number = style.INKS[dark], 10, 8
    rng = np.random.default_rng(2)
    right = np.asarray(rng.random((problems, number)) < np.linspace(0.02, 0.95, problems)[:, None])
    counted = right.sum(axis=1)
    covered, voted = counted > 0, counted > number / 2
    figure = go.Figure()
    for name, chosen, symbol, colour in (
        ("right", right, "circle", ink.dials["search"]),
        ("wrong", ~right, "circle-open", ink.muted),
    ):
        places = [(float(x), float(y)) for y, x in np.argwhere(chosen)]
        figure.add_trace(_dots(places, colour, 11, f"a sample that is {name}", symbol))
    for x, chosen in ((number + 0.8, covered), (number + 2.8, voted)):
        for symbol, colour, kind in (("star", ink.dials["search"], chosen), ("x-thin-open", ink.muted, ~chosen)):
            figure.add_trace(_dots([(x, float(y)) for y in np.flatnonzero(kind)], colour, 11, "", symbol))
    for x, said in ((3.5, "samples"), (number + 0.8, "among<br>them?"), (number + 2.8, "handed<br>over?")):
        figure.add_annotation(x=x, y=problems + 0.2, text=said, showarrow=False)
    figure.update_yaxes(range=[-0.8, problems + 1])
    _bare(figure, "Among them, or handed over", "Drawn at random, a problem in each row: no model", dark, 380, False)
    return Sketch(
        figure,
        f"{problems} problems with {number} samples each, from the hardest at the bottom to the easiest. A right "
        f"sample is among them for {covered.sum()} problems; the majority is right for {voted.sum()}.",
    )


def maps(dark: bool) -> Sketch:
    """C4: the same rooms once as a walker sees them and once as a map."""
    ink, figure, wide, high = style.INKS[dark], go.Figure(), 5, 4
    doors, way = _maze(wide, high)
    for side, (shift, title) in enumerate(((0.0, "map hidden"), (wide + 1.5, "map shown"))):
        here = way[len(way) // 2]
        seen = {here} if side == 0 else {(x, y) for x in range(wide) for y in range(high)}
        for x in range(wide):
            for y in range(high):
                known = (x, y) in seen
                fill = style.faint(ink.dials["interaction"], 0.22) if known else style.faint(ink.muted, 0.12)
                figure.add_shape(
                    type="rect",
                    x0=shift + x + 0.1,
                    x1=shift + x + 0.9,
                    y0=y + 0.1,
                    y1=y + 0.9,
                    fillcolor=fill,
                    line={"color": ink.muted, "width": 1 if known else 0},
                )
        open_ones = [pair for pair in doors if seen & set(pair)]
        for (ax, ay), (bx, by) in open_ones:
            passage = [(shift + ax + 0.5, ay + 0.5), (shift + bx + 0.5, by + 0.5)]
            figure.add_trace(_line(passage, ink.dials["interaction"], 2.5))
        figure.add_trace(_dots([(shift + here[0] + 0.5, here[1] + 0.5)], ink.text, 13, "you" if side == 0 else ""))
        if side:
            goal = (shift + way[-1][0] + 0.5, way[-1][1] + 0.5)
            figure.add_trace(_dots([goal], ink.dials["sequential"], 13, "exit", "star"))
        figure.add_annotation(x=shift + wide / 2, y=high + 0.35, text=title, showarrow=False)
    _bare(figure, "The same rooms, seen in two ways", _NOTE, dark, 320)
    return Sketch(
        figure,
        f"The same {wide} by {high} rooms twice. With the map hidden only the room you stand in and its doors are to "
        f"be seen; with the map shown all rooms, all {len(doors)} doors and the exit.",
    )


def _maze(wide: int, high: int) -> tuple[list[tuple[Cell, Cell]], list[Cell]]:
    """Doors of rooms that are all connected in one way, and the longest way from the first room."""
    rng, doors = random.Random(6), list[tuple[Cell, Cell]]()
    stack, ways = [(0, 0)], {(0, 0): [(0, 0)]}
    while stack:
        x, y = stack[-1]
        near = [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
        free = [(a, b) for a, b in near if 0 <= a < wide and 0 <= b < high and (a, b) not in ways]
        if not free:
            stack.pop()
            continue
        chosen = rng.choice(free)
        doors.append(((x, y), chosen))
        ways[chosen] = [*ways[x, y], chosen]
        stack.append(chosen)
    return doors, max(ways.values(), key=len)


def crowding(dark: bool) -> Sketch:
    """C5: what stands in the context after each search: what is needed, and what is not."""
    ink, number, hops, each = style.INKS[dark], 8, 2, 2
    found = np.minimum(np.cumsum(np.random.default_rng(3).random(number) < 0.5), hops)
    rest = np.arange(1, number + 1) * each - found
    figure = go.Figure()
    for name, heights, colour in (("needed", found, ink.dials["search"]), ("not needed", rest, ink.grid)):
        figure.add_trace(
            go.Bar(x=np.arange(1, number + 1), y=heights, name=f"passages that are {name}", marker_color=colour)
        )
    note = f"Drawn at random, a question of {hops} hops and {each} passages a search: no model"
    style.dress(figure, "What a context fills up with", [note], dark, 320)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(automargin=True, title="searches", dtick=1)
    figure.update_yaxes(automargin=True, title="passages")
    return Sketch(
        figure,
        f"Stacked bars for 1 to {number} searches of {each} passages each. After the last one {found[-1]} passages are "
        f"needed and {rest[-1]} are not.",
    )


def shares(dark: bool) -> Sketch:
    """C8: problems by difficulty, with even shares and the best ones for known rates."""
    ink, rates = style.INKS[dark], np.array([0.98, 0.9, 0.75, 0.6, 0.45, 0.3, 0.2, 0.12, 0.06, 0.02, 0.005, 0.0])
    even, best = theory.uniform_shares(len(rates), 8 * len(rates)), theory.greedy_shares(rates, 8 * len(rates))
    figure = go.Figure()
    names = [percent(rate) for rate in rates]
    for name, heights, colour in (
        ("even shares", even, ink.grid),
        ("where the next sample gains most", best, ink.dials["parallel"]),
    ):
        figure.add_trace(go.Bar(x=names, y=heights, name=name, marker_color=colour))
    note = f"By the rule for known rates, {8 * len(rates)} samples in all: nothing here was measured"
    style.dress(figure, "Twelve problems, one budget", [note], dark, 340)
    figure.update_xaxes(automargin=True, title="how often one sample solves the problem", type="category")
    figure.update_yaxes(automargin=True, title="samples")
    return Sketch(
        figure,
        f"Bars for {len(rates)} problems from the easiest to the hardest. Even shares give each {even[0]} samples; the "
        f"rule for known rates gives {', '.join(map(str, best))}.",
    )


def window(dark: bool) -> Sketch:
    """C6: configurations over a wide range of budgets, and the narrow range that another study would have tried."""
    ink, many = style.INKS[dark], 40
    rng = np.random.default_rng(5)
    spend = 10 ** rng.uniform(3, 5, many)
    score = 0.3 + 0.05 * np.log2(spend / 1000) + rng.normal(0, 0.09, many)
    inside = (spend > 8000) & (spend < 16000)
    figure = go.Figure()
    for name, chosen, colour in (
        ("tried in the wide study only", ~inside, ink.muted),
        ("tried in the narrow one, too", inside, ink.dials["hybrid"]),
    ):
        figure.add_trace(_dots(list(zip(spend[chosen], score[chosen], strict=True)), colour, 9, name))
    figure.add_vrect(x0=8000, x1=16000, fillcolor=style.faint(ink.dials["hybrid"], 0.15), line_width=0)
    style.dress(figure, "Two studies of the same agents", ["Drawn at random: no model"], dark, 340)
    figure.update_xaxes(automargin=True, title="tokens a question", type="log", tickformat="~s", dtick=1)
    figure.update_yaxes(automargin=True, title="score", tickformat=".0%", range=[0.05, 0.78])
    return Sketch(
        figure,
        f"A cloud of {many} configurations that rises with tokens from 1k to 100k; a band marks the {inside.sum()} "
        f"between 8k and 16k tokens.",
    )


SKETCHES: dict[str, Callable[[bool], Sketch]] = {
    each.__name__: each for each in (two_components, ladder, samples, maps, crowding, shares, window)
}
