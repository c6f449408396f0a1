"""Numbers → the text people read, the same in figures, tables and sentences. None and NaN read `unknown`, never 0."""

from __future__ import annotations

import math
from collections.abc import Callable

UNKNOWN = "unknown"
UNITS = {
    "total_tokens": "total tokens",
    "usd": "US dollars",
    "completion_tokens": "generated tokens",
    "calls": "model calls",
    "modelled_s": "modelled seconds",
    "critical_path_s": "seconds, longest path",
    "level": "level",
    "flops": "FLOPs",
}
_STEPS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_FLOPS = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"))


def count(value: float | None) -> str:
    """Tokens, calls, trials: `7`, `2.5`, `950`, `1.2k`, `35k`, `1.2M`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    for size, letter in _STEPS:
        # 999.6 would round to 1000: it is written in the next unit instead.
        if abs(value) >= size * 0.9995:
            return _digits(value / size, 1 if abs(value) < 9.95 * size else 0) + letter
    return _digits(value, 1 if abs(value) < 100 else 0)


def usd(value: float | None) -> str:
    """US dollars with the digits that matter: `$0`, `$0.0004`, `$0.035`, `$1.20`, `$1,200`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= 1000:
        return f"{sign}${size:,.0f}"
    if size >= 0.0995:
        return f"{sign}${size:.2f}"
    if size == 0:
        return "$0"
    return f"{sign}${size:.2g}" if size >= 1e-4 else f"{sign}${size:.0e}"


def seconds(value: float | None) -> str:
    """A duration: `0.04 s`, `5.2 s`, `52 s`, `3 min 20 s`, `2 h 5 min`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if value < 9.95:
        return f"{_digits(value, 2 if value < 0.995 else 1)} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(value: float | None) -> str:
    """A share of 1 in percent: `0 %`, `0.4 %`, `37 %`, `99.6 %`, `100 %`; only none and all read 0 and 100."""
    if value is None or math.isnan(value):
        return UNKNOWN
    near_edge = 0 < value < 0.01 or 0.99 < value < 1
    digits = f"{100 * value:.1f}" if near_edge else f"{100 * value:.0f}"
    if near_edge and digits in ("0.0", "100.0"):
        return "under 0.1 %" if value < 0.5 else "over 99.9 %"
    return f"{digits} %"


def difference(value: float | None) -> str:
    """A difference of shares in percentage points: `+12 points`, `−3 points`, `0 points`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    points = round(100 * value)
    return f"{'+' if points > 0 else '−' if points < 0 else ''}{abs(points)} points"


def interval(unit: str, value: float | None, low: float | None, high: float | None) -> str:
    """An estimate and the ends of its interval: `+12 points (+3 to +20)`, `37 % (30 % to 44 %)`, `2.1 (1.4 to 3)`.

    Args:
        unit: `points` for a difference of shares, `share` for a share, anything else for a plain number, which is
            written to a thousandth.
        value: The estimate; None gives an empty text.
        low: The lower end; without both ends the estimate stands alone.
        high: The upper end.
    """
    if value is None:
        return ""
    show = {"points": difference, "share": percent}.get(unit, lambda number: plain(round(number, 3)))
    if low is None or high is None:
        return show(value)
    return f"{show(value)} ({show(low).removesuffix(' points')} to {show(high).removesuffix(' points')})"


def plain(value: float | None) -> str:
    """A number of no unit, with three digits that matter: `0.0312`, `2.1`, `1.2k`, `no limit` for infinity."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "no limit"
    return count(value) if abs(value) >= 999.5 else f"{value:.3g}"


def setting(value: float, step: float) -> str:
    """Where a knob stands, with the decimals of its step: `20`, `8,000`, `0.96` for steps of 1, 500 and 0.01."""
    if float(step).is_integer() and float(value).is_integer():
        return f"{value:,.0f}"
    places = max(1, math.ceil(-math.log10(step) - 1e-9)) if step < 1 else 1
    return f"{value:.{places}f}"


def flops(value: float | None) -> str:
    """Floating-point operations: `0`, `950 MFLOPs`, `1.2 GFLOPs`, `35 TFLOPs`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    size, letter = next(((s, n) for s, n in _FLOPS if abs(value) >= s * 0.9995), (1.0, ""))
    return f"{_digits(value / size, 1 if abs(value) < 9.95 * size else 0)} {letter}FLOPs".replace("0 FLOPs", "0")


def times(value: float | None) -> str:
    """How many times as much, without a sign: `0.24`, `2.80`, `14.2`, `350`, `no limit` for infinity."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "no limit"
    return f"{value:.2f}" if abs(value) < 9.995 else f"{value:.1f}" if abs(value) < 99.95 else count(value)


def p_value(value: float | None) -> str:
    """A probability under the null hypothesis: `0.5`, `0.031`, `under 0.001`; only a true 1 reads 1."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if value < 0.001:
        return "under 0.001"
    return "over 0.99" if 0.995 <= value < 1 else f"{value:.2g}"


def evidence(value: float | None) -> str:
    """A difference of AICc: `0.4`, `12.7`, `350`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def amount(unit: str, value: float | None) -> str:
    """A spend in one of `UNITS`, without the unit's name where the number shows it: `1.2k`, `$0.10`, `52 s`."""
    if unit.startswith("usd"):
        return usd(value)
    if unit == "flops":
        return flops(value)
    return seconds(value) if unit.endswith("_s") else count(value)


def budget(unit: str, value: float | None) -> str:
    """A spend as one says it: `1.2k total tokens`, `$0.10`, `52 s`, `level 4`."""
    if unit == "level":
        return f"level {count(value)}"
    told = unit.startswith("usd") or unit.endswith("_s") or unit == "flops"
    return amount(unit, value) if told else f"{count(value)} {UNITS[unit]}"


def with_ends(show: Callable[[float | None], str], value: float | None, low: float | None, high: float | None) -> str:
    """A number with its interval, written by `show`: `1.2k (950 to 1.4k)`; without the interval where it has none."""
    if value is None or low is None or high is None or math.isnan(low) or math.isnan(high):
        return show(value)
    return f"{show(value)} ({show(low)} to {show(high)})"


def _digits(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
