"""One look for all figures: a colour per dial (others for what is none), a marker per arm, fonts and margins.

Each palette was chosen by search: against its background every colour has a contrast of at least 3:1, any two differ by
more than 20 (CIE76) to full and to each kind of colour-blind sight, and their lightness differs enough for grey print.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass

import plotly.graph_objects as go

LIGHT = {
    "parallel": "#14308c",
    "sequential": "#8f3404",
    "search": "#0d7a6c",
    "interaction": "#c653ab",
    "hybrid": "#b08e30",
}
DARK = {
    "parallel": "#6f8ff0",
    "sequential": "#e8a27c",
    "search": "#8fe3cf",
    "interaction": "#d058ae",
    "hybrid": "#f7f1a0",
}
# For what is no dial: ways of dividing a budget, measures. Chosen likewise, and more than 14 from any dial.
OTHERS_LIGHT = ("#119ae8", "#692066", "#658e51", "#464138")
OTHERS_DARK = ("#e36d4e", "#61efb2", "#c5a7e1", "#ac7688")
DIAL_TITLES = {
    "parallel": "Sample more",
    "sequential": "Think longer",
    "search": "Search more",
    "interaction": "Act more",
    "hybrid": "Several dials",
}
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "pentagon")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
LINE_CHARACTERS = 56  # a line of 11 px text this long fits into a page of 390 px
SMALL_PX = 11
LINE_PX = 15


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours of a page, light or dark."""

    dials: dict[str, str]
    others: tuple[str, ...]
    text: str
    muted: str
    grid: str
    paper: str


INKS = {
    False: Ink(LIGHT, OTHERS_LIGHT, "#1c2430", "#55606c", "#dde2e7", "#ffffff"),
    True: Ink(DARK, OTHERS_DARK, "#e6eaee", "#a5b0bb", "#333c46", "#14181d"),
}


def faint(colour: str, opacity: float) -> str:
    """A colour as `rgba(…)`."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def safe(text: str) -> str:
    """Text that a figure shows as it is: figures read tags out of texts, and names may come from others' files."""
    return html.escape(text, quote=False)


def wrapped(lines: list[str]) -> list[str]:
    """Lines broken so that they fit a narrow figure: at a plain space, or at any space if that leaves too much."""
    broken = []
    for line in lines:
        held = (words if len(words) <= LINE_CHARACTERS else words.replace("\u00a0", " ") for words in line.split(" "))
        broken += textwrap.wrap(" ".join(held), LINE_CHARACTERS) or [""]
    return broken


def dress(figure: go.Figure, title: str, lines: list[str], dark: bool, height: int, panel_titles: int = 0) -> go.Figure:
    """Gives a figure its title (one short line), the lines under it, a legend below the plot, fonts and margins;
    `panel_titles` are the lines that titles of panels take."""
    ink = INKS[dark]
    under = [safe(line) for line in wrapped(lines)]
    figure.update_layout(
        title={
            "text": title,
            "subtitle": {"text": "<br>".join(under), "font": {"size": SMALL_PX, "color": ink.muted}},
            "font": {"size": 16},
            "x": 0.01,
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 10},
        },
        font={"family": FONT, "size": 12, "color": ink.text},
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
        },
        margin={
            "l": 52,
            "r": 14,
            "t": 40 + LINE_PX * len(under) + (4 + 20 * panel_titles if panel_titles else 0),
            "b": 60,
        },
        paper_bgcolor=ink.paper,
        plot_bgcolor=ink.paper,
        hoverlabel={"font": {"family": FONT}},
        hovermode="closest",
        dragmode="zoom",
        height=height,
        uirevision="kept",
    )
    figure.update_xaxes(gridcolor=ink.grid, linecolor=ink.muted, showline=True, ticks="outside", zeroline=False)
    figure.update_yaxes(gridcolor=ink.grid, zeroline=False, ticks="")
    return figure
