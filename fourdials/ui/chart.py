"""Plotly figure → a chart that is redrawn in place. Called by pages, often inside a fragment that ticks.

`st.plotly_chart` mounts a new chart whenever its data changes, and the reader's zoom is lost; this component keeps the
DOM node and calls `Plotly.react`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import streamlit as st

from fourdials.ui import bundle

HTML = (
    '<div class="fourdials-chart" role="figure" style="width:100%"></div>'
    '<div class="fourdials-fault" role="alert"></div>'
)

EARLY = """<script>
{
  const link = document.createElement("link");
  Object.assign(link, {rel: "preload", as: "script", href: new URL("app/static/plotly.min.js", document.baseURI).href});
  document.head.append(link);
}
</script>"""


@cache
def _script() -> str:
    bundle.ready()
    return (bundle.STATIC / "live_chart.js").read_text(encoding="utf-8")


def fetch_early() -> None:
    """Lets the browser fetch the drawing script while the first figure is still being made."""
    bundle.ready()
    st.html(EARLY, unsafe_allow_javascript=True)


def layout_of(figure: Any) -> str:
    """A figure's layout as JSON text, for `narrow` of `live_chart`."""
    return json.dumps(json.loads(figure.to_json())["layout"])


def live_chart(figure: str, *, key: str, alt: str, narrow: str | None = None) -> list[str] | None:
    """Draws a figure, in place if a chart with this key is already on the page.

    Args:
        figure: A Plotly figure as JSON text.
        key: Names the chart on the page.
        alt: What the figure shows, in a sentence, for people who do not see it.
        narrow: The layout, as JSON text, that replaces the figure's own where there is little room.

    Returns the `customdata` of a point that was just clicked, once; otherwise None.
    """
    mount = st.components.v2.component("fourdials_live_chart", html=HTML, js=_script(), isolate_styles=False)
    data = {"figure": figure, "narrow": narrow, "alt": alt}
    clicked = mount(key=key, data=data, height="content", on_point_change=lambda: None)
    return [str(part) for part in clicked.point] if clicked.point else None
