"""The sections of an experiment file, as pydantic checks them: types and bounds, nothing that needs other sections."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from fourdials.models.added import Endpoint as Endpoint  # a `[models."id"]` table says what a person's own entry may

Positive = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Budget(Section):
    total_tokens: Positive | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    calls: Positive | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None


class Range(Section):
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


class TrialBudget(Section):
    """What a single trial may spend; its tokens may be drawn at random."""

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


class Task(Section):
    name: str
    problems: Annotated[int, Field(gt=0, le=100_000)] = 20
    params: dict[str, Any] = {}


class Arm(Section):
    strategy: str
    name: Annotated[str, Field(max_length=60)] | None = None
    levels: Annotated[list[Annotated[int, Field(ge=0, le=200_000)]], Field(min_length=1)] | None = None
    knobs: dict[str, Any] = {}
    lineup: dict[str, str] = {}
    share: Annotated[float, Field(gt=0, le=1)] | None = None


class Spec(Section):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    repeats: Annotated[int, Field(gt=0, le=1000)] = 1
    concurrency: Annotated[int, Field(gt=0, le=1024)] = 8
    allocator: str = "uniform"
    allocation: dict[str, Any] = {}
    model: str | None = None
    grader_model: str | None = None
    claims: list[Annotated[str, Field(pattern=r"^C\d{1,2}b?$")]] = []  # of fourdials/claims, that a run of it tests
    budget: Budget = Budget()
    trial_budget: TrialBudget = TrialBudget()
    models: dict[str, Endpoint] = {}
    tasks: Annotated[list[Task], Field(min_length=1)]
    arms: Annotated[list[Arm], Field(min_length=1)]
