"""Numbers, states and outcomes → what people read. Called by pages and the other parts of this package."""

from __future__ import annotations

import datetime
import math
from typing import Literal

Colour = Literal["red", "orange", "blue", "green", "violet", "gray"]

UNKNOWN = "unknown"
UNITS = {
    "total_tokens": "Total tokens",
    "usd": "USD",
    "completion_tokens": "Completion tokens",
    "calls": "Calls",
    "modelled_s": "Modelled seconds",
    "level": "Level",
}
DIAL_TITLES = {
    "parallel": "Sample more",
    "sequential": "Think longer",
    "search": "Search more",
    "interaction": "Act more",
    "hybrid": "Several dials",
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
    """A number of tokens, calls or trials: `950`, `12,300`, `1.23 M`; `unknown` for None."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f} M"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.1f}"


def usd(value: float | None) -> str:
    """US dollars with the digits that matter: `$0`, `$0.0004`, `$1.20`; `unknown` for None, which is not $0."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if value == 0:
        return "$0"
    return f"${value:,.2f}" if value >= 0.1 else f"${value:.2g}" if value >= 1e-4 else f"${value:.0e}"


def seconds(value: float | None) -> str:
    """A duration: `0.4 s`, `52 s`, `3 min 20 s`, `2 h 5 min`; `unknown` for None."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share(value: float | None) -> str:
    """A part of a whole in percent: `0 %`, `0.4 %`, `37 %`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{100 * value:.1f} %" if 0 < value < 0.01 else f"{100 * value:.0f} %"


def amount(unit: str, value: float | None) -> str:
    """A value in one of the spend units, with its unit."""
    if unit in ("usd", "usd_paid"):
        return usd(value)
    return seconds(value) if unit.endswith("_s") or unit == "seconds" else count(value)


def band(unit: str, low: float | None, high: float | None) -> str:
    """A range in one of the units: `1,200 – 3,400`, one number if both ends read the same."""
    ends = [amount(unit, low), amount(unit, high)]
    return ends[0] if ends[0] == ends[1] else " – ".join(ends)


def moment(at: float | None) -> str:
    """A point in time in the reader's zone: `14 Nov 2026, 09:05`."""
    if at is None:
        return UNKNOWN
    return datetime.datetime.fromtimestamp(at).strftime("%d %b %Y, %H:%M") if at else UNKNOWN


def plural(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def point(unit: str, spend: float) -> str:
    """A budget as one says it: `level 4`, `1,200 total tokens`, `$0.10`."""
    if unit == "level":
        return f"level {spend:g}"
    return (
        amount(unit, spend)
        if unit in ("usd", "usd_paid") or unit.endswith("_s")
        else f"{count(spend)} {UNITS[unit].lower()}"
    )
