"""What an experiment is made of: tasks, arms, budgets, and the trials they are planned into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fourdials.records.calls import Model
from fourdials.records.dialogue import Problem
from fourdials.records.words import NOTHING, Access, Dial, Provenance


@dataclass(frozen=True, slots=True)
class Limits:
    """A budget: None in a unit means no limit in it. `seconds` is wall-clock time since the start."""

    total_tokens: int | None = None
    usd: float | None = None
    calls: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A task as an experiment uses it: its name, validated parameters and number of problems."""

    name: str
    params: Mapping[str, Any]
    problems: int


@dataclass(frozen=True, slots=True)
class Arm:
    """A strategy with its knobs, levels and line-up.

    Attributes:
        name: Unique within the experiment; what figures call it.
        strategy, dial: Names of the strategy and of the dial it turns.
        nested: True if one trial to the largest level holds all smaller ones.
        levels: The levels wanted, increasing.
        knobs: Validated keyword arguments of the strategy.
        lineup: Model id for each part the strategy uses; `solver` is always one.
        access: What information the strategy is given.
        share: Part of the experiment's budget this arm may use, in (0, 1]; None if the budget is not split.
    """

    name: str
    strategy: str
    dial: Dial
    nested: bool
    levels: tuple[int, ...]
    knobs: Mapping[str, Any]
    lineup: Mapping[str, str]
    access: Access
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """A validated experiment: which tasks, arms and models, how many repeats, and what may be spent.

    `allocation` holds the validated knobs of the allocator. `models` maps every model id of the line-ups, and
    `grader_model`, to its catalogue entry; `grader_model` judges the answers of tasks that a model grades, None if
    there are none; `spec` is the plain data it was read from. `random_cap`, if given, is the range of tokens from which
    each trial's own cap is drawn; `trial_budget` then holds its upper end.
    """

    name: str
    seed: int
    tasks: tuple[TaskChoice, ...]
    arms: tuple[Arm, ...]
    models: Mapping[str, Model]
    repeats: int = 1
    concurrency: int = 8
    allocator: str = "uniform"
    allocation: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    budget: Limits = field(default_factory=Limits)
    trial_budget: Limits = field(default_factory=Limits)
    random_cap: tuple[int, int] | None = None
    grader_model: str | None = None
    spec: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @property
    def simulated(self) -> bool:
        """True if any model of the experiment is simulated."""
        return any(model.provenance == "simulated" for model in self.models.values())

    @property
    def provenance(self) -> Provenance:
        """What its figures must say: simulated beats scale model beats real."""
        kinds = {model.provenance for model in self.models.values()}
        return next((kind for kind in ("simulated", "scale model") if kind in kinds), "real")


@dataclass(frozen=True, slots=True)
class Stop:
    """A level a recorded trial could have stopped at: what it would have spent by then, and its score."""

    level: int
    spent: float
    score: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One problem under one arm, once: what the engine runs.

    Attributes:
        trial_id: Stable: experiment, arm, problem, repeat and, for arms that are not nested, the level.
        block: Number of its block (a problem, all arms, a repeat) in the random order of the run.
        max_level: The level it stops at.
        levels: The levels it is asked for, up to `max_level`.
        limits: The cap of this trial.
        cap_tokens: The tokens in `limits` if they were drawn at random; None if not.
    """

    trial_id: str
    experiment_id: str
    problem: Problem
    arm: Arm
    repeat: int
    block: int
    max_level: int
    levels: tuple[int, ...]
    limits: Limits
    cap_tokens: int | None = None
