"""Experiment files: TOML ↔ plain data ↔ a validated `Experiment`. Called by the command line and the Run page.

Every mistake in a file is reported at once, each with its path, the value received and what is allowed.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fourdials import plugins
from fourdials.errors import InputError, Mistake, SpecError
from fourdials.models import catalogue
from fourdials.models.own import Endpoint
from fourdials.plugins import Strategy
from fourdials.records import Arm, Experiment, Limits, Model, TaskChoice

_Positive = Annotated[int, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Budget(_Section):
    total_tokens: _Positive | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    calls: _Positive | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None


class _Task(_Section):
    name: str
    problems: Annotated[int, Field(gt=0, le=100_000)] = 20
    params: dict[str, Any] = {}


class _Arm(_Section):
    strategy: str
    name: Annotated[str, Field(max_length=60)] | None = None
    levels: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | None = None
    knobs: dict[str, Any] = {}
    lineup: dict[str, str] = {}
    share: Annotated[float, Field(gt=0, le=1)] | None = None


class _Spec(_Section):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    repeats: Annotated[int, Field(gt=0, le=1000)] = 1
    concurrency: Annotated[int, Field(gt=0, le=1024)] = 8
    allocator: str = "uniform"
    model: str | None = None
    budget: _Budget = _Budget()
    trial_budget: _Budget = _Budget()
    models: dict[str, Endpoint] = {}
    tasks: Annotated[list[_Task], Field(min_length=1)]
    arms: Annotated[list[_Arm], Field(min_length=1)]


def load(path: Path) -> dict[str, Any]:
    """The plain data of an experiment file. Raises InputError if it cannot be read as TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the experiment file {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error


def dump(data: Mapping[str, Any]) -> str:
    """The data as TOML text that `load` reads back to the same data; None values are left out."""
    return tomlkit.dumps(_without_none(data))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def digest(data: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that identify the content of a spec, whatever its key order."""
    text = json.dumps(_without_none(data), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def parse(data: Mapping[str, Any]) -> Experiment:
    """Validates plain data into an Experiment.

    A top-level `model` is the solver of every arm whose line-up names none; an arm without `levels` uses its
    strategy's; an arm without a name is called after its strategy.

    Raises SpecError holding every mistake found.
    """
    try:
        spec = _Spec.model_validate(data)
    except ValidationError as error:
        raise SpecError((*_mistakes(error, ""), *_unknown_names(data))) from None
    mistakes: list[Mistake] = []
    tasks = tuple(_task(entry, f"tasks[{i}]", mistakes) for i, entry in enumerate(spec.tasks))
    if len({task.name for task in tasks}) < len(tasks):
        mistakes.append(Mistake("tasks", [task.name for task in tasks], "each task may appear once"))
    arms = [_arm(entry, f"arms[{i}]", spec.model, mistakes) for i, entry in enumerate(spec.arms)]
    found = _models(spec, [arm for arm in arms if arm], mistakes)
    named = _named([arm for arm in arms if arm], mistakes)
    _check_shares(spec.arms, mistakes)
    if spec.allocator not in plugins.allocators():
        mistakes.append(Mistake("allocator", spec.allocator, f"one of {', '.join(plugins.allocators())}"))
    if not mistakes:
        _check_fit(tasks, named, found, mistakes)
    if mistakes:
        raise SpecError(tuple(mistakes))
    return Experiment(
        name=spec.name,
        seed=spec.seed,
        tasks=tasks,
        arms=named,
        models=found,
        repeats=spec.repeats,
        concurrency=spec.concurrency,
        allocator=spec.allocator,
        budget=Limits(**spec.budget.model_dump()),
        trial_budget=Limits(**spec.trial_budget.model_dump()),
        spec=_without_none(data),
    )


def _unknown_names(data: Mapping[str, Any]) -> list[Mistake]:
    """Tasks and strategies that do not exist, looked up even where the file's shape is wrong elsewhere."""
    found = []
    for section, key, known in (("tasks", "name", plugins.tasks()), ("arms", "strategy", plugins.strategies())):
        entries = data.get(section)
        for i, entry in enumerate(entries if isinstance(entries, list) else ()):
            name = entry.get(key) if isinstance(entry, Mapping) else None
            if isinstance(name, str) and name not in known:
                found.append(Mistake(f"{section}[{i}].{key}", name, f"one of {', '.join(known)}"))
    return found


def _settings(place: Sequence[int | str]) -> str:
    """The settings that exist where an unknown one was found, or nothing for a plug-in's own."""
    sections = {"tasks": _Task, "arms": _Arm, "budget": _Budget, "trial_budget": _Budget, "models": Endpoint}
    section: Any = _Spec if len(place) == 1 else sections.get(str(place[0]))
    return f"; there are {', '.join(section.model_fields)}" if section else ""


def _mistakes(error: ValidationError, prefix: str) -> tuple[Mistake, ...]:
    found = []
    for detail in error.errors():
        path = prefix
        for part in detail["loc"]:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        message = detail["msg"][0].lower() + detail["msg"][1:]
        if detail["type"] == "extra_forbidden":
            message = "there is no such setting" + ("" if prefix else _settings(detail["loc"]))
        elif detail["type"] in ("model_type", "model_attributes_type", "dict_type"):
            message = "a table of settings goes here, such as { name = value }"
        value = "nothing" if detail["type"] == "missing" else detail["input"]
        found.append(Mistake(path or "the file", value, message))
    return tuple(found)


def _task(entry: _Task, path: str, mistakes: list[Mistake]) -> TaskChoice:
    task = plugins.tasks().get(entry.name)
    if task is None:
        mistakes.append(Mistake(f"{path}.name", entry.name, f"one of {', '.join(plugins.tasks())}"))
        return TaskChoice(entry.name, entry.params, entry.problems)
    try:
        params = task.Params.model_validate(entry.params).model_dump(mode="json")
    except ValidationError as error:
        mistakes.extend(_mistakes(error, f"{path}.params"))
        params = entry.params
    except InputError as error:
        mistakes.append(Mistake(f"{path}.params", entry.params, str(error)))
        params = entry.params
    return TaskChoice(entry.name, params, entry.problems)


def _arm(entry: _Arm, path: str, solver: str | None, mistakes: list[Mistake]) -> Arm | None:
    plan = plugins.strategies().get(entry.strategy)
    if plan is None:
        mistakes.append(Mistake(f"{path}.strategy", entry.strategy, f"one of {', '.join(plugins.strategies())}"))
        return None
    try:
        knobs = plan.Knobs.model_validate(entry.knobs).model_dump(mode="json")
    except ValidationError as error:
        mistakes.extend(_mistakes(error, f"{path}.knobs"))
        knobs = {}
    levels = tuple(entry.levels or plan.levels)
    if list(levels) != sorted(set(levels)) or levels[-1] == 0:
        mistakes.append(Mistake(f"{path}.levels", list(levels), "levels must increase and end above 0"))
    lineup = _lineup(plan, entry, path, solver, mistakes)
    name = entry.name or entry.strategy
    return Arm(name, plan.name, plan.dial, plan.nested, levels, knobs, lineup, plan.access, entry.share)


def _lineup(plan: Strategy, entry: _Arm, path: str, solver: str | None, mistakes: list[Mistake]) -> dict[str, str]:
    for part in entry.lineup.keys() - set(plan.parts):
        mistakes.append(Mistake(f"{path}.lineup.{part}", entry.lineup[part], f"parts are {', '.join(plan.parts)}"))
    base = entry.lineup.get("solver") or solver
    if base is None:
        mistakes.append(Mistake(f"{path}.lineup.solver", "nothing", "name a model here or as `model` at the top"))
        return {}
    return {part: entry.lineup.get(part, base) for part in plan.parts}


def _models(spec: _Spec, arms: Sequence[Arm], mistakes: list[Mistake]) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for model_id in sorted({model for arm in arms for model in arm.lineup.values()}):
        try:
            changes = spec.models[model_id].model_dump(exclude_defaults=True) if model_id in spec.models else {}
            found[model_id] = catalogue.customise(catalogue.resolve(model_id), **changes)
        except InputError as error:
            mistakes.append(Mistake("models", model_id, str(error)))
    for model_id in spec.models.keys() - found.keys():
        mistakes.append(Mistake(f"models.{model_id}", model_id, "no arm uses this model"))
    return found


def _named(arms: Sequence[Arm], mistakes: list[Mistake]) -> tuple[Arm, ...]:
    names = [arm.name for arm in arms]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.append(Mistake("arms", name, "give each arm that uses this strategy a `name` of its own"))
    return tuple(arms)


def _check_shares(arms: Sequence[_Arm], mistakes: list[Mistake]) -> None:
    shares = [arm.share for arm in arms if arm.share is not None]
    if not shares:
        return
    if len(shares) < len(arms):
        mistakes.append(Mistake("arms", shares, "either every arm has a share or none"))
    elif abs(sum(shares) - 1) > 1e-6:
        mistakes.append(Mistake("arms", shares, f"shares must sum to 1, these sum to {sum(shares):g}"))


def _check_fit(
    tasks: Sequence[TaskChoice], arms: Sequence[Arm], models: Mapping[str, Model], mistakes: list[Mistake]
) -> None:
    """An arm must fit at least one task, a task at least one arm, and no model may be asked for what it cannot do."""
    for i, arm in enumerate(arms):
        reasons = [fit(arm, task, models) for task in tasks]
        if all(reasons):
            mistakes.append(Mistake(f"arms[{i}]", arm.strategy, "; ".join(sorted({r for r in reasons if r}))))
        for model in {models[model_id].id: models[model_id] for model_id in arm.lineup.values()}.values():
            if arm.knobs.get("temperature") and model.capabilities.get("temperature") == "no":
                allowed = f"{model.id} cannot set a temperature; use 0 or another model"
                mistakes.append(Mistake(f"arms[{i}].knobs.temperature", arm.knobs["temperature"], allowed))
            needs = plugins.strategies()[arm.strategy].abilities(arm.knobs)
            if lacking := [need for need in needs if model.capabilities.get(need) != "yes"]:
                unmet = (
                    f"{arm.strategy} with these knobs needs {', '.join(lacking)}, which {model.id} is not known to do"
                )
                mistakes.append(Mistake(f"arms[{i}].lineup", model.id, f"{unmet}; state the capability or use another"))
    for i, task in enumerate(tasks):
        if all(fit(arm, task, models) for arm in arms):
            mistakes.append(Mistake(f"tasks[{i}]", task.name, "no arm of this experiment can run on this task"))


def fit(arm: Arm, task: TaskChoice, models: Mapping[str, Model]) -> str | None:
    """Why an arm cannot run on a task, or None if it can."""
    module = plugins.tasks()[task.name]
    solver = models[arm.lineup["solver"]]
    if others := {models[m].format for m in arm.lineup.values()} - {solver.format}:
        return f"{arm.name} mixes {solver.format} and {others.pop()} models, which one prompt cannot serve"
    reason = plugins.misfit(plugins.strategies()[arm.strategy], module, solver.format, arm.knobs)
    needed = module.INFO.tokens(arm.access)
    if reason is None and solver.context_tokens and needed > solver.context_tokens:
        there = solver.context_tokens
        return f"{task.name} needs about {needed} tokens of context, {solver.id} has {there}"
    return reason
