"""The views of Learn, one module each with `show()`; a module is loaded when its view is opened."""

from __future__ import annotations

import importlib

from fourdials.ui import access

# Module → title, in the order shown; the first is there only where a class uses this server.
VIEWS: dict[str, str] = {
    "in_class": "Class",
    "lessons": "Lessons",
    "theory": "Theory",
    "verdicts": "Verdicts",
}


def titles() -> list[str]:
    """The views this server has, in order."""
    return [title for name, title in VIEWS.items() if name != "in_class" or access.teaching()]


def show(title: str) -> None:
    """Draws the view with this title."""
    name = next(name for name, each in VIEWS.items() if each == title)
    importlib.import_module(f"fourdials.ui.learn.{name}").show()
