"""What a run is, as the first lines of its journals: the experiment, its arms, its problems and their baselines.

Written by `run` before anything is asked, so that a run that waits for its turn can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fourdials import __version__, plan, plugins
from fourdials.errors import GraderError
from fourdials.journal import Record
from fourdials.records import Experiment, Price, Problem


def write(
    journal: Record,
    experiment: Experiment,
    experiment_id: str,
    created_at: float,
    price_rows: Sequence[Price],
    found: Mapping[str, Sequence[Problem]],
    planned: int,
) -> None:
    """Writes one `experiment` line, an `arm` line for each arm and a `problem` line for each problem.

    `created_at` is when the run was first started (seconds since the epoch), `found` holds the problems of each task,
    `planned` is the number of trials; of `price_rows` the newest day among the run's models is what figures state.
    """
    dates = (row.valid_from for row in price_rows if row.model in experiment.models)
    journal.write(
        "experiment",
        {
            "experiment_id": experiment_id,
            "name": experiment.name,
            "spec": experiment.spec,
            "created_at": created_at,
            "version": __version__,
            "seed": experiment.seed,
            "provenance": experiment.provenance,
            "simulated": experiment.simulated,
            "planned_trials": planned,
            "price_date": max(dates, default=None),
        },
    )
    for arm in experiment.arms:
        fields = {key: value for key, value in asdict(arm).items() if key != "name"}
        strategy = plugins.strategies()[arm.strategy]
        fields |= {"unit": strategy.unit, "uses_truth": strategy.uses_truth(arm.knobs)}
        fields["tasks"] = [task.name for task in experiment.tasks if arm in plan.fitting_arms(experiment, task)]
        journal.write("arm", {"experiment_id": experiment_id, "arm": arm.name, **fields})
    for name, problems in found.items():
        task = plugins.tasks()[name]
        constant = task.constant(problems)
        judged = any(choice.name == name and plugins.judged(task, choice.params) for choice in experiment.tasks)
        for problem in problems:
            score = None if judged else _score(task, problem, constant)
            journal.write("problem", _problem_row(experiment_id, task, problem, score))


def _score(task: Any, problem: Problem, answer: str) -> float | None:
    """The score of the constant answer; None if the grader fails on it, or would have to be paid for it."""
    try:
        score: float = task.grade(problem, answer).score
    except GraderError:
        return None
    return score


def _problem_row(experiment_id: str, task: Any, problem: Problem, constant: float | None) -> dict[str, Any]:
    return {
        "experiment_id": experiment_id,
        "task": problem.task,
        "problem_id": problem.problem_id,
        "cluster_id": problem.cluster_id,
        "difficulty": problem.difficulty,
        "question": problem.text,
        "reference": problem.reference,
        "chance": task.chance(problem),
        "constant_score": constant,
        "oracle_steps": problem.oracle_steps,
    }
