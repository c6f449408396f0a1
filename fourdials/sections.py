"""The sections of an experiment file, as pydantic checks them: types and bounds, nothing that needs other sections."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fourdials.models.added import Endpoint as Endpoint  # a `[models."id"]` table says what a person's own entry may

Positive = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Budget(Section):
    total_tokens: Positive | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    calls: Positive | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None


class Task(Section):
    name: str
    problems: Annotated[int, Field(gt=0, le=100_000)] = 20
    params: dict[str, Any] = {}


class Arm(Section):
    strategy: str
    name: Annotated[str, Field(max_length=60)] | None = None
    levels: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | None = None
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
    budget: Budget = Budget()
    trial_budget: Budget = Budget()
    models: dict[str, Endpoint] = {}
    tasks: Annotated[list[Task], Field(min_length=1)]
    arms: Annotated[list[Arm], Field(min_length=1)]
