"""Plotly figure → a chart that is redrawn in place. Called by pages, often inside a fragment that ticks.

`st.plotly_chart` mounts a new chart whenever its data changes, and the reader's zoom is lost; this component keeps the
DOM node and calls `Plotly.react`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

STATIC = Path(__file__).parents[2] / "static"
PANEL_HEIGHT_PX = 300
HTML = (
    '<div class="fourdials-chart" role="figure" style="width:100%"></div>'
    '<div class="fourdials-fault" role="alert"></div>'
)


def ensure_plotly_js(folder: Path = STATIC) -> Path:
    """Copies the plotly package's `plotly.min.js` to where Streamlit serves it from, unless the same file is there.

    Returns its path.
    """
    import plotly

    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    target = folder / source.name
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        shutil.copyfile(source, partial)
        partial.replace(target)
    return target


@cache
def _script() -> str:
    ensure_plotly_js()
    return (STATIC / "live_chart.js").read_text(encoding="utf-8")


def live_chart(figure: Any, *, key: str, alt: str, height: int = 420) -> list[str] | None:
    """Draws a figure, in place if a chart with this key is already on the page.

    Args:
        figure: A Plotly figure, or its JSON text (which saves making it again when nothing changed).
        key: Names the chart on the page.
        alt: What the figure shows, in a sentence, for people who do not see it.
        height: Height in pixels.

    Returns the `customdata` of a point that was just clicked, once; otherwise None.
    """
    text = figure if isinstance(figure, str) else figure.to_json()
    mount = st.components.v2.component("fourdials_live_chart", html=HTML, js=_script(), isolate_styles=False)
    data = {"figure": text, "height": height, "alt": alt, "stacked": stacked(text)}
    clicked = mount(key=key, data=data, height="content", on_point_change=lambda: None)
    return [str(part) for part in clicked.point] if clicked.point else None


@st.cache_data(max_entries=64, show_spinner=False)
def stacked(figure: str) -> dict[str, Any] | None:
    """The layout changes that put a row of panels below each other, for narrow screens; None if there is one panel.

    Panels are the axis pairs x/y, x2/y2, …; an annotation that stands above panel i (paper coordinates, the i-th such
    one, as `make_subplots` titles them) moves with it.
    """
    import json

    layout: Mapping[str, Any] = json.loads(figure)["layout"]
    panels = sorted((name for name in layout if name.startswith("xaxis")), key=lambda name: int(name[5:] or 1))
    if len(panels) < 2:
        return None
    share = 1 / len(panels)
    changes: dict[str, Any] = {"height": PANEL_HEIGHT_PX * len(panels)}
    for i, panel in enumerate(panels):
        top = 1 - i * share
        changes[panel] = {"domain": [0, 1], "showticklabels": True}
        changes[panel.replace("x", "y", 1)] = {
            "domain": [top - share * 0.72, top - share * 0.1],
            "showticklabels": True,
        }
    titles = [dict(note) for note in layout.get("annotations", [])]
    above = [note for note in titles if note.get("xref") == "paper" and note.get("yref") == "paper"]
    for i, note in enumerate(above[: len(panels)]):
        note.update(x=0.5, y=1 - i * share - share * 0.09, xanchor="center", yanchor="bottom")
    changes["annotations"] = titles
    return changes
