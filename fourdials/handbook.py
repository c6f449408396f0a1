"""The catalogue pages `docs/strategies.md` and `docs/tasks.md`, written from what plug-ins say of themselves.

`python -m fourdials list strategies --markdown` prints one; a test compares it with the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from fourdials import plugins
from fourdials.plugins import Strategy
from fourdials.records import DIALS, Format

FORMATS: tuple[Format, ...] = ("chat", "completion")
_BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}


def strategies() -> str:
    """One section per strategy, dial by dial."""
    found = sorted(plugins.strategies().values(), key=lambda plan: (DIALS.index(plan.dial), plan.name))
    parts = [
        "# Strategies\n\nWritten by `python -m fourdials list strategies --markdown > docs/strategies.md`; do not edit "
        "it by hand.\n\nA strategy is one way to turn a dial. *Nested*: one run to the largest level holds all smaller "
        "ones. *Internal*: the model was trained for it; *external*: it is added around the model.\n"
    ]
    for dial in DIALS:
        named = ", ".join(f"[{plan.name}](#{plan.name})" for plan in found if plan.dial == dial)
        parts.append(f"- {dial}: {named or 'none'}")
    return "\n".join([*parts, "", *(_strategy(plan) for plan in found)])


def _strategy(plan: Strategy) -> str:
    rest = plan.doc.split("\n", 1)[1].strip() if "\n" in plan.doc else ""
    facts = {
        "dial": plan.dial,
        "one level": f"{plan.unit}; by default {', '.join(map(str, plan.levels))}",
        "nested": "yes" if plan.nested else "no, each level has trials of its own",
        "scaling": plan.scaling,
        "information": plan.access,
        "models": ", ".join(plan.parts),
        "source": plan.source,
        "tasks": _tasks_of(plan),
    }
    lines = [f"## {plan.name}", "", plan.summary, "", *([rest, ""] if rest else [])]
    lines += ["| | |", "|---|---|", *(f"| {key} | {_cell(value)} |" for key, value in facts.items()), ""]
    lines += _settings("knob", plan.Knobs)
    for name, prompt in plan.prompts.items():
        lines += [f"Prompt `{name}`:", "", "```text", prompt.rstrip(), "```", ""]
    return "\n".join(lines)


def _tasks_of(plan: Strategy) -> str:
    """The tasks it applies to; where one prompt format is not served, in which it is."""
    names = []
    for name, task in plugins.tasks().items():
        fitting = [format for format in FORMATS if plugins.misfit(plan, task, format) is None]
        names += [name if len(fitting) == len(FORMATS) else f"{name} ({fitting[0]} models)"] if fitting else []
    return ", ".join(names) or "none"


def tasks() -> str:
    """One section per task."""
    head = (
        "# Tasks\n\nWritten by `python -m fourdials list tasks --markdown > docs/tasks.md`; do not edit it by hand.\n\n"
        "What a task offers: information (*given*, by *search*, in an *environment*) and renderings (*steps*: a chain "
        "of small steps; *think*: a thought before the answer).\n"
    )
    return "\n".join([head, *(_task(name, task) for name, task in plugins.tasks().items())])


def _task(name: str, task: Any) -> str:
    [problem] = task.problems(task.Params(), 1, 1)
    evidence = task.grade(problem, str(problem.reference)).evidence
    facts = {
        "title": task.INFO.title,
        "difficulty": task.INFO.difficulty,
        **{f"offers {format} models": ", ".join(sorted(task.INFO.offers[format])) for format in FORMATS},
        "longest prompt": f"about {task.INFO.context_tokens} tokens at default parameters",
        "graded": " ".join((task.grade.__doc__ or "").split()),
        "beside the score": ", ".join(evidence) or "nothing",
    }
    lines = [f"## {name}", "", task.INFO.summary, ""]
    lines += ["| | |", "|---|---|", *(f"| {key} | {_cell(value)} |" for key, value in facts.items()), ""]
    return "\n".join([*lines, *_settings("parameter", task.Params)])


def _settings(kind: str, model: type[BaseModel]) -> list[str]:
    """A table of knobs or parameters: default, bounds, meaning; nothing for none."""
    schema = model.model_json_schema()
    rows = []
    for name, field in schema.get("properties", {}).items():
        bounds = _bounds(_resolved(field, schema))
        default = f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else "needed"
        rows.append(f"| `{name}` | {_cell(default)} | {_cell(bounds)} | {_cell(field.get('description', ''))} |")
    head = [f"| {kind} | default | allowed | meaning |", "|---|---|---|---|"]
    return [*head, *rows, ""] if rows else []


def _resolved(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = field.get("$ref", "").rsplit("/", 1)[-1]
    found: Mapping[str, Any] = schema["$defs"][reference] if reference else field
    return found


def _bounds(field: Mapping[str, Any]) -> str:
    """What values are allowed, in words: `≥ 1, ≤ 9`, `a | b`."""
    if "anyOf" in field:
        return " or ".join(filter(None, (_bounds(option) for option in field["anyOf"])))
    if "enum" in field or "const" in field:
        return " | ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    said = [text.format(f"{field[key]:g}") for key, text in _BOUNDS.items() if key in field]
    kind = {"array": "a list", "string": "text", "boolean": "true or false", "null": "nothing"}.get(
        str(field.get("type")), ""
    )
    if field.get("type") == "array" and isinstance(field.get("items"), Mapping):
        inner = _bounds(field["items"])
        kind += f" of {inner}" if inner else ""
    return ", ".join(said) or kind or str(field.get("type", ""))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES: Mapping[str, Callable[[], str]] = {"strategies": strategies, "tasks": tasks}
