"""The Run page's choices ↔ an experiment's plain data. Pure: no widgets, no session. Called by `setup`.

A draft is looser than an experiment: the number of problems may be left to the budget, and the split over the arms is
given in parts of any size, which become shares that sum to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from fourdials.errors import InputError
from fourdials.plugins import Strategy, misfit, unreadable
from fourdials.records import DIALS, Model

GOOD_DEFAULTS = ("majority_vote", "stepwise", "retrieve", "act", "chain_of_thought", "self_refine", "best_of_n")
BASELINE = "single"
LEAST_PROBLEMS, MOST_PROBLEMS = 4, 200
BASELINE_SHARE = 0.05
HEADROOM = 1.8
SMALLEST_SHARE = 1e-4
EQUAL_PARTS = 25


@dataclass(frozen=True, slots=True)
class ArmDraft:
    """One arm as the form holds it. `parts` is its part of the budget relative to the others; 0 leaves it out."""

    strategy: str
    name: str = ""
    levels: tuple[int, ...] = ()
    knobs: Mapping[str, Any] = field(default_factory=dict)
    lineup: Mapping[str, str] = field(default_factory=dict)
    parts: int = EQUAL_PARTS


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything the form holds.

    Attributes:
        model: Solver of every arm whose line-up names none.
        params: Parameters of each task by its name.
        problems: Problems of each task; None for as many as the budget pays for.
        counts: Problems by task where a duplicated experiment has different numbers; they hold as long as `problems`
            is still the largest of them.
        unit: What `amount` counts: a key of the experiment's budget.
        amount: How much may be spent in all; None for no limit.
        split: `equal`, `custom`, or the name of the one dial that gets everything.
        baseline: True if every problem is also asked once, greedily.
        allocator, allocation: Who may go on to which level, and its knobs.
        trial_budget: Caps of a single trial by unit; that of tokens may be the two ends it is drawn between.
        models: Changes to catalogue entries, carried over unseen from a duplicated experiment.
        more_budget: Other units of the experiment's budget.
        grader_model: The model that judges answers where a task is graded by one; empty for the solver.
    """

    name: str
    tasks: tuple[str, ...]
    model: str
    arms: tuple[ArmDraft, ...]
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    unit: str = "total_tokens"
    amount: float | None = 100_000
    split: str = "equal"
    baseline: bool = True
    repeats: int = 1
    seed: int = 1
    concurrency: int = 8
    allocator: str = "uniform"
    allocation: Mapping[str, Any] = field(default_factory=dict)
    trial_budget: Mapping[str, Any] = field(default_factory=dict)
    more_budget: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, Any] = field(default_factory=dict)
    grader_model: str = ""


def reason_against(plan: Strategy, task: Any, model: Model, given: Mapping[str, Any] | None = None) -> str | None:
    """Why a strategy, with these knobs or its default ones, cannot run on a task with a model, or None if it can."""
    if model.format not in task.INFO.offers:
        return f"this task has no {model.format} form"
    try:
        knobs = plan.Knobs.model_validate(dict(given or {})).model_dump(mode="json")
    except ValidationError:
        return "its knobs no longer fit"
    return misfit(plan, task, model.format, None, knobs) or unreadable(plan, task, model, knobs)


def default_arms(plans: Mapping[str, Strategy], task: Any, model: Model) -> tuple[ArmDraft, ...]:
    """One good strategy for each dial the task offers, in the order of the dials."""
    ranked = [*(name for name in GOOD_DEFAULTS if name in plans), *plans]
    arms = []
    for dial in DIALS[:4]:
        fitting = (
            name
            for name in ranked
            if name != BASELINE and plans[name].dial == dial and reason_against(plans[name], task, model) is None
        )
        if name := next(fitting, None):
            arms.append(ArmDraft(name, levels=plans[name].levels))
    return tuple(arms)


def refit(arms: Sequence[ArmDraft], plans: Mapping[str, Strategy], task: Any, model: Model) -> tuple[ArmDraft, ...]:
    """The arms that fit a newly chosen task and model as they are, and a default one for each dial left without."""
    known = [arm for arm in arms if arm.strategy in plans]
    kept = [arm for arm in known if not reason_against(plans[arm.strategy], task, model, arm.knobs)]
    dials = {plans[arm.strategy].dial for arm in kept}
    added = [arm for arm in default_arms(plans, task, model) if plans[arm.strategy].dial not in dials]
    return tuple(sorted([*kept, *added], key=lambda arm: DIALS.index(plans[arm.strategy].dial)))


def parse_levels(text: str) -> tuple[int, ...]:
    """`1, 2 4` as (1, 2, 4). Raises InputError for anything but whole numbers."""
    words = text.replace(",", " ").split()
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        raise InputError(f"levels: got {text!r}; give whole numbers, such as 1, 2, 4, 8") from None


def shares(parts: Sequence[int], whole: float = 1.0) -> list[float]:
    """Shares in proportion to the parts that sum exactly to `whole`; equal ones if all parts are 0."""
    weights = list(parts) if sum(parts) > 0 else [1] * len(parts)
    cut = [round(whole * weight / sum(weights), 6) for weight in weights]
    largest = cut.index(max(cut))
    cut[largest] = round(whole - sum(cut[:largest]) - sum(cut[largest + 1 :]), 6)
    return cut


def chosen(draft: Draft, plans: Mapping[str, Strategy]) -> list[ArmDraft]:
    """The arms that get a part of the budget under the draft's split."""
    if draft.split == "equal":
        return list(draft.arms)
    if draft.split == "custom":
        return [arm for arm in draft.arms if arm.parts > 0]
    return [arm for arm in draft.arms if arm.strategy in plans and plans[arm.strategy].dial == draft.split]


def weights(draft: Draft, arms: Sequence[ArmDraft]) -> list[int]:
    """The part each of these arms gets, relative to each other."""
    return [arm.parts for arm in arms] if draft.split == "custom" else [1] * len(arms)


def to_spec(
    draft: Draft, plans: Mapping[str, Strategy], *, problems: int, baseline_share: float = BASELINE_SHARE
) -> dict[str, Any]:
    """The experiment's plain data, for `spec.parse`. Nothing is validated here.

    Args:
        draft: What the form holds.
        plans: Strategies by name.
        problems: Used where the draft leaves the number to the budget.
        baseline_share: Part of the budget kept for the greedy baseline.
    """
    arms = chosen(draft, plans)
    add_baseline = draft.baseline and not any(arm.strategy == BASELINE for arm in arms)
    cut = shares(weights(draft, arms), 1 - baseline_share if add_baseline else 1.0) if arms else []
    split = draft.amount is not None and not divided(draft.allocator, draft.allocation)
    rows = [_arm_data(arm, share, split) for arm, share in zip(arms, cut, strict=True)]
    if add_baseline:
        rows.insert(0, _arm_data(ArmDraft(BASELINE), round(1 - sum(cut), 6), split))
    tasks = [
        {"name": name, "problems": _problems(draft, name, problems), **_unless_empty("params", draft.params.get(name))}
        for name in draft.tasks
    ]
    amount = {} if draft.amount is None else {draft.unit: _whole(draft.unit, draft.amount)}
    return {
        "name": draft.name,
        "seed": draft.seed,
        "repeats": draft.repeats,
        "concurrency": draft.concurrency,
        **({"allocator": draft.allocator} if draft.allocator != "uniform" else {}),
        **_unless_empty("allocation", dict(draft.allocation)),
        "model": draft.model,
        **({"grader_model": draft.grader_model or draft.model} if judged(draft.params, draft.tasks) else {}),
        **_unless_empty("budget", {**draft.more_budget, **amount}),
        **_unless_empty("trial_budget", {unit: _whole(unit, cap) for unit, cap in draft.trial_budget.items()}),
        **_unless_empty("models", draft.models),
        "tasks": tasks,
        "arms": rows,
    }


def divided(allocator: str, allocation: Mapping[str, Any]) -> bool:
    """True if the allocator divides the budget over the trials itself: a share of each arm would cap every trial."""
    return allocator != "uniform" or allocation.get("order", "blocks") != "blocks"


def judged(params: Mapping[str, Mapping[str, Any]], tasks: Sequence[str]) -> bool:
    """True if a model grades one of these tasks with these parameters."""
    return any(params.get(name, {}).get("grader") == "judge" for name in tasks)


def _problems(draft: Draft, task: str, affordable: int) -> int:
    if draft.counts and draft.problems == max(draft.counts.values()):
        return draft.counts.get(task, draft.problems)
    return draft.problems or affordable


def _arm_data(arm: ArmDraft, share: float, split: bool) -> dict[str, Any]:
    return {
        "strategy": arm.strategy,
        **_unless_empty("name", arm.name),
        **_unless_empty("levels", list(arm.levels)),
        **_unless_empty("knobs", dict(arm.knobs)),
        **_unless_empty("lineup", dict(arm.lineup)),
        **({"share": max(share, SMALLEST_SHARE)} if split else {}),
    }


def _unless_empty(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}


def _whole(unit: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return int(value) if unit in ("total_tokens", "calls") else float(value)


def from_spec(data: Mapping[str, Any], plans: Mapping[str, Strategy]) -> Draft:
    """A draft that gives this experiment again, to be changed."""
    rows = data["arms"]
    baseline = any(row["strategy"] == BASELINE for row in rows)
    listed = [row for row in rows if row["strategy"] != BASELINE]
    own = [row["share"] for row in listed if row.get("share")]
    equal = len(own) < len(listed) or max(own) - min(own) < 1e-4
    solvers = [model for row in rows if (model := row.get("lineup", {}).get("solver"))]
    model = data.get("model") or (max(solvers, key=solvers.count) if solvers else "")
    budget = dict(data.get("budget", {}))
    unit = next((key for key in ("total_tokens", "usd", "calls", "seconds") if key in budget), "total_tokens")
    amount = budget.pop(unit, None)
    counts = {task["name"]: task.get("problems", 20) for task in data["tasks"]}
    return Draft(
        name=data["name"],
        tasks=tuple(task["name"] for task in data["tasks"]),
        model=model,
        arms=tuple(_arm_draft(row, plans, model, equal) for row in listed),
        params={task["name"]: task["params"] for task in data["tasks"] if task.get("params")},
        problems=max(counts.values()),
        counts=counts if len(set(counts.values())) > 1 else {},
        allocator=data.get("allocator", "uniform"),
        allocation=dict(data.get("allocation", {})),
        unit=unit,
        amount=amount,
        split="equal" if equal else "custom",
        baseline=baseline,
        repeats=data.get("repeats", 1),
        seed=data.get("seed", 0),
        concurrency=data.get("concurrency", 8),
        trial_budget=dict(data.get("trial_budget", {})),
        more_budget=budget,
        models=dict(data.get("models", {})),
        grader_model=data.get("grader_model", ""),
    )


def _arm_draft(row: Mapping[str, Any], plans: Mapping[str, Strategy], model: str, equal: bool) -> ArmDraft:
    levels = row.get("levels") or (plans[row["strategy"]].levels if row["strategy"] in plans else ())
    lineup = {part: name for part, name in row.get("lineup", {}).items() if name != model}
    parts = EQUAL_PARTS if equal else max(1, round(100 * row["share"]))
    return ArmDraft(row["strategy"], row.get("name") or "", tuple(levels), row.get("knobs", {}), lineup, parts)


def affordable(costs: Sequence[float], parts: Sequence[float], baseline: float, amount: float) -> int:
    """How many problems an amount pays for so that every arm can finish within its own share of it.

    An arm that needs c per problem and gets the part w of what the baseline (b per problem) leaves can finish N
    problems if w (amount − h b N) ≥ h c N; h is headroom, since calls are reserved at their longest before they are
    made. The neediest arm decides; the result is kept within sensible bounds.
    """
    needed = [baseline + cost / part for cost, part in zip(costs, parts, strict=True) if part > 0]
    most = amount / (HEADROOM * max(needed)) if needed and max(needed) > 0 else MOST_PROBLEMS
    return max(LEAST_PROBLEMS, min(MOST_PROBLEMS, int(most)))


def baseline_share(baseline: float, problems: int, amount: float) -> float:
    """Part of the budget that lets the greedy baseline finish: its cost with some headroom, at most half."""
    return min(0.5, max(SMALLEST_SHARE, round(HEADROOM * baseline * problems / amount, 6)))


def unlimited(draft: Draft) -> Draft:
    """The same draft without any limit, to see what it would cost."""
    return replace(draft, amount=None, more_budget={}, trial_budget={})
