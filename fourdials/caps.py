"""What an experiment file may say of budgets and caps, and how the cap of a single trial is drawn at random.

Called by `spec`, which reads files, and by `plan`, which gives trials their caps.
"""

from __future__ import annotations

import math
import random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

Positive = Annotated[int, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Section):
    """Tokens between which each trial's own cap is drawn."""

    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _must_rise(self) -> Range:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low} must be less than high = {self.high}")
        return self


def _shape(value: object) -> str:
    return "range" if isinstance(value, dict | Range) else "number"


# The shape is decided first, so that a mistake is told of the one that was meant.
Tokens = Annotated[Annotated[Positive, Tag("number")] | Annotated[Range, Tag("range")], Discriminator(_shape)]


class Budget(_Section):
    """The table `budget`: what an experiment may spend in all."""

    total_tokens: Positive | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    calls: Positive | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None


class TrialBudget(_Section):
    """The table `trial_budget`: what a single trial may spend; its tokens may be drawn at random."""

    total_tokens: Tokens | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    calls: Positive | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None

    @property
    def drawn(self) -> tuple[int, int] | None:
        """The range caps are drawn from; None if they are not drawn."""
        return (self.total_tokens.low, self.total_tokens.high) if isinstance(self.total_tokens, Range) else None

    @property
    def most_tokens(self) -> int | None:
        """The largest cap a trial can have."""
        return self.total_tokens.high if isinstance(self.total_tokens, Range) else self.total_tokens


def draw(seed: int, place: str, between: tuple[int, int]) -> int:
    """A cap in tokens, even on a log scale between two ends (both included): exp(U(ln low, ln high)), rounded.

    `place` names the trial within its experiment. The same seed and place give the same cap, in a resumed run and in
    another run of the same file too.
    """
    low, high = between
    return round(math.exp(random.Random(f"{seed}:cap:{place}").uniform(math.log(low), math.log(high))))
