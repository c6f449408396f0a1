"""What a plug-in is, and how plug-ins are found: one file under `tasks/`, `strategies/<dial>/` or `allocators/`, one
plug-in, named like the file. Nothing else is edited to add one.

A task is a module (protocol `Task`), a strategy an async generator function decorated with `@strategy`, an allocator a
class decorated with `@allocator`. Discovery imports a package's modules on first use and caches the result.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, create_model

from fourdials.errors import InputError
from fourdials.records import Access, Checkpoint, Dial, Format, Model
from fourdials.spending import Ask as Ask
from fourdials.tasking import Environment as Environment
from fourdials.tasking import Evidence as Evidence
from fourdials.tasking import Lookup as Lookup
from fourdials.tasking import ManySteps as ManySteps
from fourdials.tasking import Question as Question
from fourdials.tasking import Recall as Recall
from fourdials.tasking import SearchTool as SearchTool
from fourdials.tasking import Steps as Steps
from fourdials.tasking import Store as Store
from fourdials.tasking import Task as Task
from fourdials.tasking import TaskInfo as TaskInfo
from fourdials.tasking import Told as Told
from fourdials.tasking import ballot_of as ballot_of

# A strategy's generator: it yields checkpoints, `Checkpoint(0)` first, and is sent the level it may go up to, always at
# least one further than it stands. It may batch what it was granted, and may be left standing at any yield.
Turns = AsyncGenerator[Checkpoint, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Strategy:
    """A discovered strategy; `play(question, ask, **knobs)` gives its generator, `Knobs` validates the knobs.

    `abilities` tells from the knobs what the models must be able to do, `uses_truth` whether `ask.check` is used,
    `wants` what the task must offer besides `needs`, and `says` whether any of `prompts` is said at all.
    """

    name: str
    dial: Dial
    unit: str
    nested: bool
    scaling: str
    access: Access
    needs: frozenset[str]
    parts: tuple[str, ...]
    levels: tuple[int, ...]
    source: str
    doc: str
    prompts: Mapping[str, str]
    Knobs: type[BaseModel]
    play: Callable[..., Turns]
    abilities: Callable[[Mapping[str, Any]], tuple[str, ...]]
    uses_truth: Callable[[Mapping[str, Any]], bool]
    wants: Callable[[Mapping[str, Any]], tuple[str, ...]]
    says: Callable[[Mapping[str, Any]], bool]
    memory: bool = False  # it keeps notes of its own, and tells of them by `ask.note("memory", texts=…)`

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.split("\n", 1)[0]


def strategy(
    *,
    dial: Dial,
    unit: str,
    levels: tuple[int, ...],
    source: str,
    nested: bool = True,
    scaling: str = "external",
    access: Access = "given",
    needs: tuple[str, ...] = (),
    parts: tuple[str, ...] = ("solver",),
    prompts: Mapping[str, str] | None = None,
    abilities: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda knobs: (),
    uses_truth: Callable[[Mapping[str, Any]], bool] = lambda knobs: False,
    wants: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda knobs: (),
    says: Callable[[Mapping[str, Any]], bool] = lambda knobs: True,
    memory: bool = False,
) -> Callable[[Callable[..., Turns]], Callable[..., Turns]]:
    """Declares an async generator function `name(question, ask, *, knob=default, …)` a strategy.

    Args:
        dial: The dial it turns.
        unit: What one level is (`samples`, `tokens`, `searches`, …).
        levels: Default levels, increasing.
        source: Where the idea was published.
        nested: True if a run to a large level contains every smaller one.
        scaling: `internal` (the model was trained for it) or `external` (added around the model).
        access: The information it is given.
        needs: What the task must offer besides the access (`steps`, `think`, `context`, `store`).
        parts: Models it uses.
        prompts: Its prompt texts by name, shown to people.
        abilities: Capabilities that every model of the line-up must be known to have, given the knobs.
        uses_truth: True if it asks a checker that knows the truth, given the knobs; such curves are marked.
        wants: What the task must offer besides, given the knobs.
        says: False if no text of `prompts` is used with these knobs.
        memory: True if it keeps notes of its own and tells of them by `ask.note("memory", texts=…)`.

    Knobs are annotated with pydantic fields, so their bounds and help texts come with the signature.
    """

    def declare(play: Callable[..., Turns]) -> Callable[..., Turns]:
        name = play.__module__.rsplit(".", 1)[-1]
        play.strategy = Strategy(  # type: ignore[attr-defined]
            name=name,
            dial=dial,
            unit=unit,
            nested=nested,
            scaling=scaling,
            access=access,
            needs=frozenset(needs),
            parts=parts,
            levels=levels,
            source=source,
            doc=inspect.getdoc(play) or "",
            prompts=prompts or {},
            Knobs=_knobs(name, play),
            play=play,
            abilities=abilities,
            uses_truth=uses_truth,
            wants=wants,
            says=says,
            memory=memory,
        )
        return play

    return declare


def _knobs(name: str, declared: Callable[..., Any]) -> type[BaseModel]:
    """The keyword-only arguments of a plug-in as a model that validates them."""
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(declared, eval_str=True).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            fields[parameter.name] = (parameter.annotation, parameter.default)
    return create_model(f"{name}_knobs", __config__=ConfigDict(extra="forbid", frozen=True), **fields)


@dataclass(frozen=True, slots=True)
class Grant:
    """An allocator's permission: this trial may go on up to this level."""

    trial_id: str
    up_to: int


@dataclass(frozen=True, slots=True)
class TrialView:
    """What an allocator may know of a trial before it runs."""

    trial_id: str
    block: int
    arm: str
    dial: Dial
    levels: tuple[int, ...]
    task: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """What an allocator sees of a trial each time it comes to a stand.

    Attributes:
        checkpoints: Those since its last update, in order, without any grade; none if it ended before one.
        spent: All that the trial has spent so far, in the unit of the budget.
        stopped: True if it has ended.
        score: Its grade, for the trials named in `Allocator.calibration` only; None for all others.
    """

    trial_id: str
    checkpoints: tuple[Checkpoint, ...]
    spent: float
    stopped: bool
    score: float | None = None


class Allocator(Protocol):
    """Decides who may go on. Built from trials and a budget, asked whenever places are free, told of every update.

    What it decides may depend on what it was told, never on the order in which trials that run side by side answered:
    then a run, its resume and its replay decide alike.
    An allocator may have a method `play(courses, budgets)` beside these, for replays of many budgets: where recorded
    trials come to stand, the same as grants would take them to (see `allocators/_ranking.py`).

    Attributes:
        divides: True if it divides the budget: trials it leaves standing end as `stopped`. False if trials it could not
            reach stay open, to be taken up again.
        calibration: Trials whose grades it is shown. Only an allocator declared with `grades="calibration"` has any.
        aside: Trials whose answers do not count for what it is worth: those it was calibrated on, and those of arms it
            dropped. Their spend counts.
    """

    divides: bool
    calibration: frozenset[str]
    aside: frozenset[str]

    def grants(self, free: int) -> list[Grant]:
        """At most `free` grants to trials that are not running; an empty list means wait, or done if none runs."""

    def observe(self, update: Update) -> None:
        """Learns of checkpoints or an end."""


# never: sees no grade. calibration: sees those of the trials it names before. hindsight: is built with the truth, so it
# is a bound and works on recorded trials only.
Grades = Literal["never", "calibration", "hindsight"]


@dataclass(frozen=True, slots=True)
class AllocatorPlan:
    """A discovered allocator; `make(trials, budget, **knobs)` builds one for a budget, None for no limit.

    One that works with hindsight is built with the recorded stops of every trial as a third argument.
    """

    name: str
    source: str
    grades: Grades
    doc: str
    Knobs: type[BaseModel]
    make: Callable[..., Allocator]

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.split("\n", 1)[0]


def allocator(*, source: str, grades: Grades = "never") -> Callable[[type[T]], type[T]]:
    """Declares a class an allocator: `source` says where the idea was published, `grades` what it sees of the truth.

    Its knobs are the keyword-only arguments of its constructor, annotated with pydantic fields.
    """

    def declare(made: type[T]) -> type[T]:
        name = made.__module__.rsplit(".", 1)[-1]
        knobs = _knobs(name, made.__init__)
        made.plan = AllocatorPlan(name, source, grades, inspect.getdoc(made) or "", knobs, made)  # type: ignore[attr-defined, arg-type]
        return made

    return declare


def _modules(package: str) -> dict[str, ModuleType]:
    root = importlib.import_module(package)
    found = {}
    for info in pkgutil.walk_packages(root.__path__, prefix=f"{package}."):
        if not info.ispkg and not info.name.rsplit(".", 1)[-1].startswith("_"):
            found[info.name.rsplit(".", 1)[-1]] = importlib.import_module(info.name)
    return dict(sorted(found.items()))


@cache
def tasks() -> dict[str, Any]:
    """Every task module by name."""
    return _modules("fourdials.tasks")


@cache
def strategies() -> dict[str, Strategy]:
    """Every strategy by name, in the order of the dials."""
    return {name: getattr(module, name).strategy for name, module in _modules("fourdials.strategies").items()}


@cache
def allocators() -> dict[str, AllocatorPlan]:
    """Every allocator by name; the class has the name of its file in capitals (`uniform` → `Uniform`)."""
    return {
        name: getattr(module, "".join(word.capitalize() for word in name.split("_"))).plan
        for name, module in _modules("fourdials.allocators").items()
    }


@cache
def claims() -> dict[str, ModuleType]:
    """Every module under `claims/` by name; its `CLAIM` is a `verdict.Claim`."""
    return _modules("fourdials.claims")


def find(kind: str, name: str, among: Mapping[str, T]) -> T:
    """`among[name]`, or an InputError that lists what exists."""
    if name not in among:
        raise InputError(f"no {kind} is called {name!r}; there are: {', '.join(sorted(among))}")
    return among[name]


def offered(task: Any, format: Format, params: Mapping[str, Any] | None = None) -> frozenset[str]:
    """What a task can be used with: as it states for all, or for these validated parameters."""
    if params is None or not hasattr(task, "offers"):
        stated: frozenset[str] = task.INFO.offers[format]
        return stated
    found: frozenset[str] = task.offers(task.Params.model_validate(params), format)
    return found


def judged(task: Any, params: Mapping[str, Any]) -> bool:
    """True if a model grades the answers of this task with these parameters."""
    return hasattr(task, "judged") and bool(task.judged(task.Params.model_validate(params)))


def misfit(
    plan: Strategy,
    task: Any,
    format: Format,
    params: Mapping[str, Any] | None = None,
    knobs: Mapping[str, Any] | None = None,
) -> str | None:
    """Why a strategy (with these knobs) cannot run on a task (with these parameters) with models of this prompt format,
    or None if it can."""
    wanted = {plan.access, *plan.needs, *(plan.wants(knobs) if knobs else ())}
    missing = wanted - offered(task, format, params)
    if not missing:
        return None
    reason = f"{plan.name} needs {', '.join(sorted(missing))}, which this task does not offer to {format} models"
    if params is None or not hasattr(task, "lacking"):
        return reason
    advice = task.lacking(task.Params.model_validate(params), missing)
    return f"{reason}: {advice}" if advice else reason


def unsuited(model: Model, name: str, params: Mapping[str, Any] | None = None) -> str | None:
    """Why a model cannot take a task's prompts (with these validated parameters), whatever the strategy, or None."""
    if model.tasks and name not in model.tasks:
        return f"{model.id} was trained on {', '.join(model.tasks)} alone"
    if params is None or not model.alphabet:
        return None
    task = tasks()[name]
    for problem in task.problems(task.Params.model_validate(params), 1, 0):
        if strange := set(task.question(problem, "given", model.format).answer.shown) - set(model.alphabet):
            return f"{model.id} cannot read {min(strange)!r} in {name} with these parameters; see its card"
    return None


def unreadable(plan: Strategy, task: Any, model: Model, knobs: Mapping[str, Any] | None = None) -> str | None:
    """Why a model with an alphabet of its own cannot read what a strategy (with these knobs) says in words of its own,
    or None if it can.

    Wordings for chat models do not reach it, and a verdict can be asked for in the task's own form."""
    if not model.alphabet or (knobs and not plan.says(knobs)):
        return None
    own = [name for name in plan.prompts if not name.endswith("(chat)")]
    if "check" in task.INFO.offers[model.format]:
        own = [name for name in own if not name.startswith("verify")]
    return f"{plan.name} asks in words of its own, which {model.id} cannot read" if own else None
