"""A stored run → the table that `route` or `orchestrate` follows, learned on some of its problems, tried on the rest.

No call is made: what a table would have done with a problem that it was not learned on is what its pick did there.
Called by the command line and by notebooks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fourdials import plan, plugins, query, spec
from fourdials.errors import InputError
from fourdials.estimate.intervals import Estimate, difference
from fourdials.plugins import Question
from fourdials.records import Arm, Experiment
from fourdials.routing import Rule, calibrates, choose, learn, tried, tried_parts
from fourdials.store import Store

PARTS = "orchestrate"


@dataclass(frozen=True, slots=True)
class Learned:
    """A table, and what it is worth.

    Attributes:
        strategy: The strategy that follows it, `route` or `orchestrate`.
        rules: Its rows, for the knob `rules`.
        problems: Problems that it was learned on.
        single: What it was held against: the best single choice of the same half; empty for parts.
        gain: Score of the table less that of `single` on the other problems, paired; None for parts, since who does
            another part cannot be read from trials in which nobody did.
    """

    strategy: str
    rules: tuple[Rule, ...]
    problems: int
    single: str
    gain: Estimate | None


def learned(
    store: Store,
    experiment_id: str,
    arms: Sequence[str] | None = None,
    *,
    price: float = 0.0,
    seed: int = 0,
    share: float = 0.5,
) -> Learned:
    """The table with the best mean score, less `price` × total tokens, on a calibration split of a run.

    Args:
        store: The database.
        experiment_id: A run whose arms tried the same problems, each with a strategy of its own; or whose arms are all
            `orchestrate`, each giving all parts to the same worker.
        arms: Only these; all that can be routed to by default.
        price: Score that a token is worth.
        seed: Of the split, which goes by cluster.
        share: Of clusters in the calibration split, in (0, 1).

    Raises InputError for an unknown run or arm, for two arms of one strategy, and where no problem of the split was
    tried with all of them.
    """
    found = query.run(store, "spec", experiment_id=experiment_id)
    if found.is_empty():
        raise InputError(f"got the run {experiment_id!r}; the home holds no such run")
    if not 0 < share < 1:
        raise InputError(
            f"got a share of {share:g}; it must lie between 0 and 1, so that some problems are left to judge on"
        )
    experiment = spec.parse(json.loads(found["spec"][0]))
    chosen = _arms(experiment, arms)
    names = [arm.name for arm in chosen]
    rows = query.run(store, "trial_spends", experiment_ids=[experiment_id], arms=names)
    split = {
        (row["task"], row["problem_id"])
        for row in rows.select("task", "problem_id", "cluster_id").unique().iter_rows(named=True)
        if calibrates(row["cluster_id"], seed, share)
    }
    if all(arm.strategy == PARTS for arm in chosen):
        steps = query.run(store, "assigned", experiment_ids=[experiment_id], arms=names)
        plans = [row | {"payload": json.loads(row["payload"])} for row in steps.iter_rows(named=True)]
        rules = learn(tried_parts(rows.iter_rows(named=True), plans, split), price)
        return Learned(PARTS, rules, len(split), "", None)
    questions = _questions(experiment, chosen[0])
    calibration = {place: question for place, question in questions.items() if place in split}
    rules = learn(tried(rows.iter_rows(named=True), calibration), price)
    single = learn(tried(rows.iter_rows(named=True), calibration), price, least=len(questions) + 1)[-1].strategy
    return Learned("route", rules, len(calibration), single, _gain(rows, rules, single, questions, split))


def _arms(experiment: Experiment, names: Sequence[str] | None) -> list[Arm]:
    known = {arm.name: arm for arm in experiment.arms}
    if unknown := [name for name in names or () if name not in known]:
        raise InputError(f"got the arm {unknown[0]!r}; the run has {', '.join(known)}")
    chosen = [known[name] for name in names] if names else list(known.values())
    if chosen and all(arm.strategy == PARTS for arm in chosen):
        return chosen
    routed = [arm for arm in chosen if _routable(arm)]
    if names and len(routed) < len(chosen):
        refused = next(arm.name for arm in chosen if not _routable(arm))
        raise InputError(f"{refused!r} cannot be routed to: `route` takes nested strategies that are given the problem")
    if len(routed) < 2 or len({arm.strategy for arm in routed}) < len(routed):
        raise InputError(
            f"got the arms {', '.join(arm.name for arm in routed) or 'none'} that can be routed to; wanted are two or "
            "more, each of another strategy; name them with --arm"
        )
    return routed


def _routable(arm: Arm) -> bool:
    return arm.nested and arm.access == "given" and arm.strategy != "route"


def _questions(experiment: Experiment, arm: Arm) -> dict[tuple[str, str], Question]:
    """Each problem as the arm's solver sees it, by task and problem id."""
    format = experiment.models[arm.lineup["solver"]].format
    return {
        (name, problem.problem_id): plugins.tasks()[name].question(problem, "given", format)
        for name, problems in plan.problems(experiment).items()
        for problem in problems
    }


def _gain(
    rows: pl.DataFrame,
    rules: Sequence[Rule],
    single: str,
    questions: dict[tuple[str, str], Question],
    split: set[tuple[str, str]],
) -> Estimate:
    """The table's score less the single choice's, on problems that it was not learned on."""
    scores = rows.group_by("task", "cluster_id", "problem_id", "strategy").agg(pl.col("score").mean())
    by_problem: dict[tuple[str, str], dict[str, float]] = {}
    clusters: dict[tuple[str, str], tuple[str, str]] = {}
    for row in scores.iter_rows(named=True):
        place = row["task"], row["problem_id"]
        if place not in split:
            by_problem.setdefault(place, {})[row["strategy"]] = row["score"]
            clusters[place] = row["task"], row["cluster_id"]
    needed = {rule.strategy for rule in rules} | {single}
    kept = sorted(place for place, tried_with in by_problem.items() if needed <= tried_with.keys())
    picks = [choose(rules, questions[place].task, questions[place].text) for place in kept]
    numbers = {cluster: at for at, cluster in enumerate(dict.fromkeys(clusters[place] for place in kept))}
    return difference(
        [by_problem[place][pick] for place, pick in zip(kept, picks, strict=True)],
        [by_problem[place][single] for place in kept],
        np.array([numbers[clusters[place]] for place in kept], dtype=np.int64),
    )


def toml(found: Learned) -> str:
    """The table as lines of an experiment file, for the knobs of an arm."""
    rows = [
        ", ".join(
            f"{name} = {json.dumps(value)}"
            for name, value in rule.model_dump(exclude_defaults=True).items()
            if value is not None
        )
        for rule in found.rules
    ]
    lines = ["[[arms]]", f'strategy = "{found.strategy}"', "[arms.knobs]"]
    if found.strategy == PARTS:
        lines.append('assign = "rule"')
    return "\n".join([*lines, "rules = [", *(f"    {{ {row} }}," for row in rows), "]"])
