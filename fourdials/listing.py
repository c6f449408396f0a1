"""What `list` lists: strategies, tasks, models, experiments and queries as plain rows. Called by the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fourdials.home import home

Rows = list[dict[str, Any]]


def strategies() -> Rows:
    """Name, dial, unit, nesting, scaling, source and summary of each strategy."""
    from fourdials import plugins

    keys = ("name", "dial", "unit", "nested", "scaling", "source", "summary")
    return [{key: getattr(plan, key) for key in keys} for plan in plugins.strategies().values()]


def tasks() -> Rows:
    """Name, title, what it can be used with, difficulty and summary of each task."""
    from fourdials import plugins

    return [
        {
            "name": name,
            "title": task.INFO.title,
            "offers": ", ".join(sorted(frozenset().union(*task.INFO.offers.values()))),
            "difficulty": task.INFO.difficulty,
            "summary": task.INFO.summary,
        }
        for name, task in plugins.tasks().items()
    ]


def models() -> Rows:
    """Id, prompt format, label of each model, and what is missing before it can be used."""
    from fourdials.models import catalogue

    return [
        {"id": model.id, "format": model.format, "label": model.label, "missing": catalogue.missing(model) or ""}
        for model in catalogue.catalogue().values()
    ]


def experiments() -> Rows:
    """The rows of the query `experiments`."""
    from fourdials import query
    from fourdials.store import opened

    store = opened(home())
    try:
        rows: Rows = query.run(store, "experiments").to_dicts()
        return rows
    finally:
        store.close()


def queries() -> Rows:
    """Name, parameters and title of each query."""
    from fourdials import query

    described = [query.describe(name) for name in query.names()]
    return [
        {"name": d.name, "parameters": ", ".join(p.name for p in d.parameters), "title": d.title} for d in described
    ]


LISTS: dict[str, Callable[[], Rows]] = {
    "strategies": strategies,
    "tasks": tasks,
    "models": models,
    "experiments": experiments,
    "queries": queries,
}
