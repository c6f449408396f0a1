"""What a plug-in is, and how plug-ins are found: one file under `tasks/`, `strategies/<dial>/` or `allocators/`, one
plug-in, named like the file. Nothing else is edited to add one.

A task is a module (protocol `Task`), a strategy an async generator function decorated with `@strategy`, an allocator a
class decorated with `@allocator`. Discovery imports a package's modules on first use and caches the result.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, create_model

from fourdials.errors import InputError
from fourdials.records import Access, Checkpoint, Dial, Format, Grade, Model, Observation, Problem, Prompt
from fourdials.spending import Ask as Ask

# A strategy's generator: it yields checkpoints, `Checkpoint(0)` first, and is sent the level it may go up to, always at
# least one further than it stands. It may batch what it was granted, and may be left standing at any yield.
Turns = AsyncGenerator[Checkpoint, int]
T = TypeVar("T")


class Steps(Protocol):
    """A task's own chain of small steps, for strategies that take one per call. Pure: a state is an opaque value.

    `evidence` is what a search returned for this step; None means the information is in the question itself.
    """

    def first(self) -> Any:
        """The state before any step."""

    def query(self, state: Any) -> str:
        """What to look up for the next step."""

    def prompt(self, state: Any, evidence: Sequence[str] | None = None) -> Prompt:
        """The prompt that asks for the next step."""

    def advance(self, state: Any, reply: str) -> Any:
        """The state after the step's answer `reply` (already extracted)."""

    def answer(self, state: Any) -> str | None:
        """The answer if the chain stopped here; None before the first step."""

    def done(self, state: Any) -> bool:
        """True if no step is left."""


class SearchTool(Protocol):
    """Finds passages. Deterministic."""

    def search(self, query: str, k: int) -> list[str]:
        """The `k` best passages for the query, best first; fewer if the store holds fewer."""


class Environment(Protocol):
    """A text world with a state of its own. Deterministic, so that a resumed trial can play its actions again."""

    def start(self) -> Observation:
        """What is seen before any action."""

    def step(self, action: str) -> Observation:
        """What is seen after an action; an action that is not open changes nothing and comes back `valid=False`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A problem as a strategy sees it, rendered for one access and one prompt format. It holds no reference.

    Attributes:
        text: The question with all the information this access gives.
        answer: Asks for the answer straight away.
        think: Asks for a thought that ends with `answer_mark` and the answer; None if the task has no such rendering.
        answer_mark: What stands before the answer at the end of a thought.
        steps: The task's chain of steps; None if it has none.
        tight: True if texts are joined to a prompt as they are, for models whose alphabet has no space or line break.
        check: Asks for a verdict on a whole reply in the task's own form, its first choice meaning that it is right;
            None where strategies ask in words of their own.
    """

    problem_id: str
    task: str
    access: Access
    format: Format
    text: str
    answer: Prompt
    think: Prompt | None = None
    answer_mark: str = "Answer:"
    steps: Steps | None = None
    tight: bool = False
    check: Callable[[str], Prompt] | None = None


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What people and the planner need to know of a task.

    Attributes:
        title: A few words.
        summary: One or two sentences: what is asked, what makes it hard.
        offers: For each prompt format, what the task can be used with: accesses (`given`, `search`, `environment`) and
            renderings (`steps`, `think`, `check`).
        difficulty: What `Problem.difficulty` counts.
        context_tokens: An upper estimate of the longest prompt at default parameters.
    """

    title: str
    summary: str
    offers: Mapping[Format, frozenset[str]]
    difficulty: str
    context_tokens: int = 2000


@runtime_checkable
class Task(Protocol):
    """A module under `tasks/`."""

    INFO: TaskInfo
    Params: type[BaseModel]

    def problems(self, params: Any, count: int, seed: int) -> list[Problem]:
        """`count` distinct problems, the same for the same parameters and seed; a longer list begins with a shorter.

        Raises InputError if so many distinct ones do not exist."""

    def question(self, problem: Problem, access: Access, format: Format) -> Question:
        """The problem rendered without its reference."""

    def grade(self, problem: Problem, answer: str) -> Grade:
        """Scores an answer; raises GraderError if it cannot."""

    def chance(self, problem: Problem) -> float:
        """Success rate of a uniform guess among the possible answers; 0.0 where they cannot be listed."""

    def constant(self, problems: Sequence[Problem]) -> str:
        """The single answer that would be right most often on these problems (the constant-answer baseline)."""

    def search_tool(self, problem: Problem) -> SearchTool:
        """The search tool of this problem's world; raises InputError if the task offers none."""

    def environment(self, problem: Problem, format: Format) -> Environment:
        """A fresh environment; raises InputError if the task offers none."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A discovered strategy; `play(question, ask, **knobs)` gives its generator, `Knobs` validates the knobs.

    `abilities` tells from the knobs what the models must be able to do, `uses_truth` whether `ask.check` is used.
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
        needs: Renderings the task must offer (`steps`, `think`).
        parts: Models it uses.
        prompts: Its prompt texts by name, shown to people.
        abilities: Capabilities that every model of the line-up must be known to have, given the knobs.
        uses_truth: True if it asks a checker that knows the truth, given the knobs; such curves are marked.

    Knobs are annotated with pydantic fields, so their bounds and help texts come with the signature.
    """

    def declare(play: Callable[..., Turns]) -> Callable[..., Turns]:
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(play, eval_str=True).parameters.values():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                fields[parameter.name] = (parameter.annotation, parameter.default)
        name = play.__module__.rsplit(".", 1)[-1]
        knobs = create_model(f"{name}_knobs", __config__=ConfigDict(extra="forbid", frozen=True), **fields)
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
            Knobs=knobs,
            play=play,
            abilities=abilities,
            uses_truth=uses_truth,
        )
        return play

    return declare


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


@dataclass(frozen=True, slots=True)
class Update:
    """What an allocator sees of a running trial: its checkpoint without any grade. `stopped` ends it."""

    trial_id: str
    checkpoint: Checkpoint | None
    total_tokens: int
    stopped: bool


class Allocator(Protocol):
    """Decides who may go on. Built from the trials still open; asked whenever places are free; told of every update."""

    def grants(self, free: int) -> list[Grant]:
        """At most `free` grants to trials that are not running; an empty list means wait, or done if none runs."""

    def observe(self, update: Update) -> None:
        """Learns of a checkpoint or an end."""


AllocatorFactory = Callable[[Sequence[TrialView]], Allocator]


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
def allocators() -> dict[str, AllocatorFactory]:
    """Every allocator by name; the class has the name of its file in capitals (`uniform` → `Uniform`)."""
    return {
        name: getattr(module, "".join(word.capitalize() for word in name.split("_")))
        for name, module in _modules("fourdials.allocators").items()
    }


def find(kind: str, name: str, among: Mapping[str, T]) -> T:
    """`among[name]`, or an InputError that lists what exists."""
    if name not in among:
        raise InputError(f"no {kind} is called {name!r}; there are: {', '.join(sorted(among))}")
    return among[name]


def misfit(plan: Strategy, task: Any, format: Format) -> str | None:
    """Why a strategy cannot run on a task with models of this prompt format, or None if it can."""
    missing = ({plan.access} | plan.needs) - task.INFO.offers[format]
    if not missing:
        return None
    return f"{plan.name} needs {', '.join(sorted(missing))}, which this task does not offer to {format} models"


def unsuited(model: Model, name: str) -> str | None:
    """Why a model cannot take a task's prompts, whatever the strategy, or None if it can."""
    if model.tasks and name not in model.tasks:
        return f"{model.id} was trained on {', '.join(model.tasks)} alone"
    needed = tasks()[name].INFO.context_tokens
    if model.context_tokens and needed > model.context_tokens:
        return f"{name} needs about {needed} tokens of context, {model.id} has {model.context_tokens}"
    return None


def unreadable(plan: Strategy, task: Any, model: Model) -> str | None:
    """Why a model with an alphabet of its own cannot read what a strategy says in words of its own, or None if it can.

    Wordings for chat models do not reach it, and a verdict can be asked for in the task's own form."""
    if not model.alphabet:
        return None
    own = [name for name in plan.prompts if not name.endswith("(chat)")]
    if "check" in task.INFO.offers[model.format]:
        own = [name for name in own if name != "verify (completion)"]
    return f"{plan.name} asks in words of its own, which {model.id} cannot read" if own else None
