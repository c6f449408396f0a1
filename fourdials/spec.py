"""Experiment files: TOML ↔ plain data ↔ a validated `Experiment`. Called by the command line and the Run page.

Every mistake in a file is reported at once, each with its path, the value received and what is allowed.
"""

from __future__ import annotations

import copy
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError

from fourdials import own, plugins, sections
from fourdials.errors import InputError, Mistake, SpecError
from fourdials.models import catalogue
from fourdials.plugins import Strategy
from fourdials.records import Arm, Experiment, Limits, Model, TaskChoice


def load(path: Path) -> dict[str, Any]:
    """The plain data of an experiment file. Raises InputError if it cannot be read as TOML.

    Files that its tasks name are looked for beside it first, and named by their full path from then on.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name an experiment file, such as data/experiments/first_light.toml")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the experiment file {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    for params, name, kind in _files(data):
        file, colon, rest = params[name].rpartition(":") if kind == "code" else (params[name], "", "")
        beside = path.resolve().parent / file
        if file and "://" not in file and beside.is_file():
            params[name] = f"{beside}{colon}{rest}"
    return data


def _files(data: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """The parameters of tasks that name files: the table they stand in, their name, and `table` or `code`."""
    tasks = data.get("tasks")
    for entry in tasks if isinstance(tasks, list) else ():
        params = entry.get("params") if isinstance(entry, dict) else None
        task = plugins.tasks().get(str(entry.get("name"))) if isinstance(params, dict) else None
        for name, field in task.Params.model_fields.items() if task else ():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and "file" in extra and isinstance(params, dict):
                value = params.get(name)
                if isinstance(value, str) and value:
                    yield params, name, str(extra["file"])


def code(data: Mapping[str, Any]) -> list[str]:
    """The code an experiment would load, as `file.py:Name` each; what to show before an imported one is trusted."""
    return [params[name] for params, name, kind in _files(data) if kind == "code"]


def dump(data: Mapping[str, Any]) -> str:
    """The data as TOML text that `load` reads back to the same data; None values are left out."""
    return tomlkit.dumps(_without_none(data))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def adapted(data: Mapping[str, Any], *, model: str | None = None, problems: int | None = None) -> dict[str, Any]:
    """The plain data of a spec with another `model` for all of every line-up (what `[models]` states of
    the old ones is dropped), and at most so many `problems` of each task. What is None stays, wrong shapes do too."""
    made = copy.deepcopy(dict(data))
    if model is not None:
        made["model"] = model
        made.pop("models", None)
        for arm in _tables(made, "arms"):
            arm.pop("lineup", None)
    if problems is not None:
        for task in _tables(made, "tasks"):
            held = task.get("problems", sections.Task.model_fields["problems"].default)
            task["problems"] = min(held, problems) if isinstance(held, int) else held
    return made


def _tables(data: Mapping[str, Any], section: str) -> list[dict[str, Any]]:
    entries = data.get(section)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def digest(data: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that identify the content of a spec, whatever its key order."""
    text = json.dumps(_without_none(data), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def parse(data: Mapping[str, Any], *, trusted: bool = True) -> Experiment:
    """Validates plain data into an Experiment. Runs nothing of the code it names; a run of it does.

    With `trusted=False`, for an experiment that somebody else wrote, naming code is a mistake.

    A top-level `model` is the solver of every arm whose line-up names none; an arm without `levels` uses its
    strategy's; an arm without a name is called after its strategy.

    Raises SpecError holding every mistake found.
    """
    try:
        spec = sections.Spec.model_validate(data)
    except ValidationError as error:
        raise SpecError((*_mistakes(error, ""), *_unknown_names(data))) from None
    mistakes: list[Mistake] = []
    tasks = tuple(_task(entry, f"tasks[{i}]", mistakes) for i, entry in enumerate(spec.tasks))
    if len({task.name for task in tasks}) < len(tasks):
        mistakes.append(Mistake("tasks", [task.name for task in tasks], "each task may appear once"))
    arms = [_arm(entry, f"arms[{i}]", spec.model, mistakes) for i, entry in enumerate(spec.arms)]
    found = _models(spec, [arm for arm in arms if arm], mistakes)
    _check_grader(spec.grader_model, tasks, mistakes)
    named = _named([arm for arm in arms if arm], mistakes)
    _check_shares(spec.arms, mistakes)
    allocation = _allocation(spec, mistakes)
    _check_code(data, trusted, mistakes)
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
        allocation=allocation,
        budget=Limits(**spec.budget.model_dump()),
        trial_budget=Limits(**{**spec.trial_budget.model_dump(), "total_tokens": spec.trial_budget.most_tokens}),
        random_cap=spec.trial_budget.drawn,
        grader_model=spec.grader_model,
        spec=_without_none(data),
    )


def _allocation(spec: sections.Spec, mistakes: list[Mistake]) -> dict[str, Any]:
    """The validated knobs of the allocator; one that needs hindsight cannot run."""
    known = {name: found for name, found in plugins.allocators().items() if found.grades != "hindsight"}
    if spec.allocator not in known:
        hint = "; it knows the truth and works on recorded runs only" if spec.allocator in plugins.allocators() else ""
        mistakes.append(Mistake("allocator", spec.allocator, f"one of {', '.join(known)}{hint}"))
        return {}
    try:
        return known[spec.allocator].Knobs.model_validate(spec.allocation).model_dump(mode="json")
    except ValidationError as error:
        mistakes.extend(_mistakes(error, "allocation"))
        return {}


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
    tables = {
        "tasks": sections.Task,
        "arms": sections.Arm,
        "budget": sections.Budget,
        "trial_budget": sections.TrialBudget,
        "models": sections.Endpoint,
    }
    section: Any = sections.Spec if len(place) == 1 else tables.get(str(place[0]))
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


def _task(entry: sections.Task, path: str, mistakes: list[Mistake]) -> TaskChoice:
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


def _arm(entry: sections.Arm, path: str, solver: str | None, mistakes: list[Mistake]) -> Arm | None:
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


def _lineup(
    plan: Strategy, entry: sections.Arm, path: str, solver: str | None, mistakes: list[Mistake]
) -> dict[str, str]:
    for part in entry.lineup.keys() - set(plan.parts):
        mistakes.append(Mistake(f"{path}.lineup.{part}", entry.lineup[part], f"parts are {', '.join(plan.parts)}"))
    base = entry.lineup.get("solver") or solver
    if base is None:
        mistakes.append(Mistake(f"{path}.lineup.solver", "nothing", "name a model here or as `model` at the top"))
        return {}
    return {part: entry.lineup.get(part, base) for part in plan.parts}


def _models(spec: sections.Spec, arms: Sequence[Arm], mistakes: list[Mistake]) -> dict[str, Model]:
    found: dict[str, Model] = {}
    wanted = {model for arm in arms for model in arm.lineup.values()} | {spec.grader_model or ""} - {""}
    for model_id in sorted(wanted):
        try:
            changes = spec.models[model_id].model_dump(exclude_defaults=True) if model_id in spec.models else {}
            found[model_id] = catalogue.customise(catalogue.resolve(model_id), **changes)
        except InputError as error:
            mistakes.append(Mistake("models", model_id, str(error)))
    for model_id in spec.models.keys() - found.keys():
        mistakes.append(Mistake(f"models.{model_id}", model_id, "no arm uses this model"))
    return found


def _check_grader(grader: str | None, tasks: Sequence[TaskChoice], mistakes: list[Mistake]) -> None:
    """A task that a model grades needs one, and a grading model a task."""
    if mistakes:
        return
    judged = [i for i, task in enumerate(tasks) if plugins.judged(plugins.tasks()[task.name], task.params)]
    if judged and grader is None:
        path = f"tasks[{judged[0]}].params.grader"
        allowed = "name the model that judges as `grader_model` at the top, or for a regrade by `--model`"
        mistakes.append(Mistake(path, "judge", allowed))
    if grader is not None and not judged:
        mistakes.append(Mistake("grader_model", grader, "no task here is graded by a model; leave it out"))


def _named(arms: Sequence[Arm], mistakes: list[Mistake]) -> tuple[Arm, ...]:
    names = [arm.name for arm in arms]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.append(Mistake("arms", name, "give each arm that uses this strategy a `name` of its own"))
    return tuple(arms)


def _check_code(data: Mapping[str, Any], trusted: bool, mistakes: list[Mistake]) -> None:
    for params, name, kind in _files(data):
        if kind != "code":
            continue
        if not trusted:
            allowed = "this experiment comes from elsewhere and would run this code; read it, then confirm"
            mistakes.append(Mistake(f"tasks.params.{name}", params[name], allowed))
            continue
        try:
            own.check(params[name])
        except InputError as error:
            mistakes.append(Mistake(f"tasks.params.{name}", params[name], str(error)))


def _check_shares(arms: Sequence[sections.Arm], mistakes: list[Mistake]) -> None:
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
    strategy = plugins.strategies()[arm.strategy]
    for model in (models[model_id] for model_id in arm.lineup.values()):
        misplaced = plugins.unsuited(model, task.name, task.params)
        if reason := misplaced or plugins.unreadable(strategy, module, model, arm.knobs):
            return reason
    reason = plugins.misfit(strategy, module, solver.format, task.params, arm.knobs)
    if reason is None and strategy.uses_truth(arm.knobs) and plugins.judged(module, task.params):
        return f"{arm.name} asks a checker that knows the truth, and {task.name} is graded by a model, which is none"
    needed = module.INFO.tokens(arm.access)
    if reason is None and solver.context_tokens and needed > solver.context_tokens:
        there = solver.context_tokens
        return f"{task.name} needs about {needed} tokens of context, {solver.id} has {there}"
    return reason
