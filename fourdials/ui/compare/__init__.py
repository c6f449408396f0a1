"""The tabs of Compare, one module each with `show(view, experiment)`; a module is loaded when its tab is opened.

`view` is what the controls above the tabs chose, `experiment` the run's row of the query `experiments`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

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


def show(tab: str, view: View, experiment: Mapping[str, Any]) -> None:
    """Draws the tab with this title."""
    name = next(name for name, title in TABS.items() if title == tab)
    importlib.import_module(f"fourdials.ui.compare.{name}").show(view, experiment)
