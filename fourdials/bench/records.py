"""What a bench is: its knobs, its formula with its source, and the curves it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from fourdials.figures import numbers

LINE_SCHEMA: dict[str, type[pl.DataType]] = {
    "line": pl.String,
    "kind": pl.String,
    "x": pl.Float64,
    "y": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}
Kind = Literal["line", "dash", "points"]


@dataclass(frozen=True, slots=True)
class Knob:
    """A slider: its name as an argument, what people call it, its range, and where it stands at first.

    `choices` replaces the range by a list of values, `named` says what they are called where they are no amounts;
    `help` says what it means.
    """

    name: str
    label: str
    low: float = 0.0
    high: float = 1.0
    at: float = 0.5
    step: float = 0.01
    choices: tuple[float, ...] = ()
    help: str = ""
    named: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """True if it takes whole numbers only."""
        values = (*self.choices, self.at) if self.choices else (self.low, self.high, self.at, self.step)
        return all(float(value).is_integer() for value in values)

    def told(self, value: float) -> str:
        """Where it stands, as people read it."""
        if self.named:
            return self.named[self.choices.index(value)]
        return numbers.setting(value, 1 if self.whole else self.step)


@dataclass(frozen=True, slots=True)
class Played:
    """The curves of a bench for one setting of its knobs.

    Attributes:
        frame: Columns of `LINE_SCHEMA`. `kind` says how a line is drawn; low and high are the interval of points
            that were drawn at random, else null.
        reading: What the curves say, in a sentence.
        status: What the figure says of its data: a closed form, or a simulation of how much with which seed.
    """

    frame: pl.DataFrame
    reading: str
    status: str = "Closed form: nothing here was measured"


@dataclass(frozen=True, slots=True)
class Bench:
    """A piece of theory with knobs.

    Attributes:
        name, title: What the URL and what people call it.
        question: What it answers.
        formula, source: In LaTeX, and where it comes from.
        assumes: What has to be so for it to hold.
        knobs: Its settings.
        play: The settings by name → its curves.
        x, y: What the axes show; `percent` if y is a share, `log_x` and `log_y` for logarithmic axes.
        overlay: How data of a run are laid over it, one of `OVERLAYS`, or None.
        slow: What pressing a button plays that takes a second or two; None if all of it is quick.
    """

    name: str
    title: str
    question: str
    formula: str
    source: str
    assumes: str
    knobs: tuple[Knob, ...]
    play: Callable[..., Played]
    x: str
    y: str
    percent: bool = True
    log_x: bool = False
    log_y: bool = False
    overlay: str | None = None
    slow: Callable[..., Played] | None = None

    def settings(self, given: Mapping[str, float]) -> dict[str, float]:
        """A value for every knob: the given one, held within its range, or the first setting."""
        found: dict[str, float] = {}
        for knob in self.knobs:
            value = given.get(knob.name, knob.at)
            if knob.choices:
                value = min(knob.choices, key=lambda choice: abs(choice - value))
            value = min(max(value, min(knob.choices, default=knob.low)), max(knob.choices, default=knob.high))
            found[knob.name] = int(value) if knob.whole else float(value)
        return found


def lines(*drawn: tuple[str, Kind, Any, Any]) -> pl.DataFrame:
    """A frame of `LINE_SCHEMA` from (line, kind, xs, ys)."""
    frames = [
        pl.DataFrame({"x": [float(x) for x in xs], "y": [float(y) for y in ys]}).with_columns(
            line=pl.lit(name), kind=pl.lit(kind), low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64)
        )
        for name, kind, xs, ys in drawn
    ]
    return pl.concat(frames).select(pl.col(name).cast(of) for name, of in LINE_SCHEMA.items())
