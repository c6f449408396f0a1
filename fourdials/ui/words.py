"""Numbers, states and outcomes → what people read. Called by pages and the other parts of this package."""

from __future__ import annotations

import datetime
import math
from typing import Literal

from fourdials.figures import numbers
from fourdials.figures.style import DIAL_TITLES

__all__ = ["DIAL_TITLES", "OUTCOMES", "STATES", "UNITS", "band", "count", "moment", "plain", "plural"]

Colour = Literal["red", "orange", "blue", "green", "violet", "gray"]

UNITS = {
    "total_tokens": "Total tokens",
    "usd": "USD",
    "completion_tokens": "Completion tokens",
    "calls": "Calls",
    "modelled_s": "Modelled seconds",
    "level": "Level",
    "flops": "FLOPs",
}
OUTCOMES: dict[str, tuple[str, Colour]] = {
    "correct": ("correct", "green"),
    "wrong": ("wrong", "red"),
    "unparsed": ("no answer could be read", "orange"),
    "truncated": ("cut off", "orange"),
    "refused": ("refused", "orange"),
    "unanswered": ("unanswered", "orange"),
    "infra_error": ("failed call, not scored", "gray"),
    "grader_error": ("failed grader, not scored", "gray"),
}
STATES: dict[str, tuple[str, Colour, str]] = {
    "starting": ("starting", "blue", ":material/hourglass_top:"),
    "queued": ("in the queue", "blue", ":material/hourglass_top:"),
    "running": ("running", "blue", ":material/play_arrow:"),
    "finished": ("finished", "green", ":material/check:"),
    "stopped": ("stopped", "orange", ":material/stop:"),
    "interrupted": ("interrupted", "orange", ":material/warning:"),
    "failed": ("failed", "red", ":material/error:"),
}


def count(value: float | None) -> str:
    """A number of tokens, calls or trials in full: `950`, `12,300`; from a million on `1.2M`; `unknown` for None.

    A small one that is not whole, such as the share of a call made for several questions, keeps a decimal: `1.2`."""
    if value is None or math.isnan(value) or abs(value) >= 1e6:
        return numbers.count(value)
    return f"{value:,.1f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def band(unit: str, low: float | None, high: float | None) -> str:
    """A range in one of the units: `1.2k – 3.4k`, one number if both ends read the same."""
    ends = [numbers.seconds(end) if unit == "seconds" else numbers.amount(unit, end) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else " – ".join(ends)


def moment(at: float | None) -> str:
    """A point in time in the reader's zone: `14 Nov 2026, 09:05`."""
    return datetime.datetime.fromtimestamp(at).strftime("%d %b %Y, %H:%M") if at else numbers.UNKNOWN


def plural(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return "".join("\\" + sign if sign in r"\`*_{}[]<>#$~|:" else sign for sign in " ".join(text.split()))
