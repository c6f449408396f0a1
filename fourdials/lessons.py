"""Lessons: TOML files in `data/lessons` → validated records. Called by Learn and by exported lessons.

A lesson asks a question, has the reader commit to a prediction, shows a run, lets knobs be turned, and ends with what
is established, contested and untestable (those stand with its claim). A file's stem is its claim's number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fourdials.bench import BENCHES, Bench
from fourdials.errors import InputError
from fourdials.verdict import claims

LESSONS = Path(__file__).resolve().parent.parent / "data" / "lessons"
Text = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Prediction(_Section):
    """What the reader commits to before anything is shown.

    Either a `point`: the height of `line` of the lesson's bench at `x`, between 0 and 1; or a `choice` of `options`, of
    which the one at place `right` (from 0) is true. `why` is said after it.
    """

    ask: Text
    kind: Literal["point", "choice"]
    line: str = ""
    x: float = 0.0
    options: tuple[str, ...] = ()
    right: int = 0
    why: Text

    @model_validator(mode="after")
    def _whole(self) -> Prediction:
        if self.kind == "choice" and not (len(self.options) >= 2 and 0 <= self.right < len(self.options)):
            raise ValueError("a choice needs two options or more, and `right` is the place of one of them, from 0")
        if self.kind == "point" and not self.line:
            raise ValueError("a point needs the `line` of the bench it lies on")
        return self


class Shown(_Section):
    """Which recorded run is shown where none in the database names the claim, and what to see in it.

    `pool` names an arm that is laid over the bench, `task` one of the run's tasks. Without `recorded` the
    lesson says that there is no run yet and offers the experiment. `scale` is what to see where the recorded run of a
    scale model is shown in its place or beside it. `laid` names the bench that the run is laid over in a figure of its
    own, where it is not the lesson's; `over` a recording to lay over it where the run shown does not fit; `fit` is what
    to see there. `none` says why no run comes along where none can.
    """

    recorded: str = ""
    pool: str = ""
    task: str = ""
    see: str = ""
    scale: str = ""
    laid: str = ""
    over: str = ""
    fit: str = ""
    none: str = ""

    @property
    def told_beside_theory(self) -> bool:
        """True if what is to be seen is seen in the pool that is laid over the lesson's bench."""
        return bool(self.pool) and not self.over


@dataclass(frozen=True, slots=True)
class Laid:
    """What a run says in the axes of a bench: columns of `bench.LINE_SCHEMA`, the run's name, and if it is recorded."""

    points: pl.DataFrame
    name: str
    recorded: bool


class Asked(_Section):
    """A question to think about, with its answer."""

    ask: Text
    answer: Text


class Lesson(_Section):
    """A lesson: `claim` is its claim's id, `deep` marks those that go further, `bench` is its theory, and `sketch` the
    picture under its story, one of `figures.sketches`."""

    claim: Text
    deep: bool = False
    minutes: Annotated[int, Field(gt=0, le=60)] = 8
    question: Text
    sketch: str = ""
    story: Text
    predict: Prediction
    bench: str = ""
    knobs: dict[str, float] = {}
    run: Shown = Shown()
    without_key: bool
    experiment: str = ""
    questions: Annotated[tuple[Asked, ...], Field(min_length=3, max_length=3)]
    sources: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def of_bench(self) -> Bench | None:
        """The bench with its theory, if it has one."""
        return BENCHES[self.bench] if self.bench else None

    @property
    def laid_bench(self) -> Bench | None:
        """The bench whose axes a run is laid over."""
        return BENCHES[self.run.laid] if self.run.laid else self.of_bench

    def seen(self, run: Mapping[str, Any]) -> str:
        """What to see in a run (a row of the query `experiments`); empty for runs that the lesson does not know."""
        if not run["recorded"]:
            return ""
        if run["name"].lower() == self.run.recorded:
            return self.run.see
        return self.run.scale if run["origin"] == "scale model" else ""

    def truth(self) -> float | None:
        """The predicted point by theory: its line's height at x; None for a choice."""
        bench = self.of_bench
        if self.predict.kind != "point" or bench is None:
            return None
        frame = bench.play(**bench.settings(self.knobs)).frame.filter(line=self.predict.line)
        nearest = (frame["x"] - self.predict.x).abs().arg_min()
        return None if nearest is None else float(frame["y"][nearest])


def read(path: Path) -> Lesson:
    """One lesson's file. Raises InputError that names the file and every mistake."""
    try:
        lesson = Lesson.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the lesson {path}: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise InputError(f"the lesson {path.name} has mistakes: {told}") from None
    if lesson.claim not in claims():
        raise InputError(f"{path.name} names the claim {lesson.claim!r}; there are {', '.join(claims())}")
    for bench in filter(None, (lesson.bench, lesson.run.laid)):
        if bench not in BENCHES:
            raise InputError(f"{path.name} names the bench {bench!r}; there are {', '.join(BENCHES)}")
    return lesson


@cache
def lessons() -> dict[str, Lesson]:
    """Every lesson by its claim's id; the deep ones first, then in the order of the claims."""
    found = {lesson.claim: lesson for lesson in map(read, sorted(LESSONS.glob("*.toml")))}
    order = list(claims())
    return dict(sorted(found.items(), key=lambda item: (not item[1].deep, order.index(item[0]))))
