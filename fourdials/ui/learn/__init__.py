"""The views of Learn, one module each with `show()`; a module is loaded when its view is opened."""

from __future__ import annotations

import importlib

# Module → title, in the order shown.
VIEWS: dict[str, str] = {
    "lessons": "Lessons",
    "theory": "Theory",
    "verdicts": "Verdicts",
}


def show(title: str) -> None:
    """Draws the view with this title."""
    name = next(name for name, each in VIEWS.items() if each == title)
    importlib.import_module(f"fourdials.ui.learn.{name}").show()
