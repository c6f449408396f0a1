"""The tabs of Compare, one module each with `show(view, experiment)`; a module is loaded when its tab is opened.

`view` is what the controls above the tabs chose, `experiment` the run's row of the query `experiments`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import streamlit as st

from fourdials.ui.curves import View

# Module → title, in the order shown.
TABS: dict[str, str] = {
    "curves": "Curves",
    "samples": "Sample once",
    "fits": "Fits",
    "differences": "Differences",
    "frontier": "Frontier",
    "allocate": "Allocate",
    "difficulty": "Difficulty",
    "variance": "Variance",
    "quality": "Quality",
    "prices": "Prices",
}


REPORTED = ("Curves", "Fits", "Differences", "Frontier", "Allocate", "Quality")  # `viewed.VIEWS`, which is slow to load


def show(tab: str, view: View, experiment: Mapping[str, Any]) -> None:
    """Draws the tab with this title."""
    name = next(name for name, title in TABS.items() if title == tab)
    importlib.import_module(f"fourdials.ui.compare.{name}").show(view, experiment)


def offer_report(tab: str, view: View) -> None:
    """A link to Share with what this tab shows, for the tabs a report can hold."""
    if tab not in REPORTED:
        return
    kept = {name: st.query_params.get_all(name) for name in st.query_params if name not in ("tab", "task")}
    kept |= {"report": [tab]} | ({"tasks": list(view.tasks)} if view.tasks else {})
    st.page_link("pages/share.py", label="Report of this view", icon=":material/share:", query_params=kept)
