"""Experiment → trials: which problem runs under which arm, in which block, under which cap.

Called by the worker, which runs the trials, and by the forecast, which rehearses a few of them.
"""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from fourdials import plugins
from fourdials.records import Arm, Experiment, Limits, Problem, TaskChoice, Trial
from fourdials.spec import digest, fit

N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class Block:
    """A problem, a repeat, and all arms that can run on it: what estimates count or leave out as one."""

    task: TaskChoice
    problem: Problem
    repeat: int


def new_id(experiment: Experiment) -> str:
    """An id for a new run of this experiment: its name, its content's digest and a nonce."""
    words = "".join(c if c.isalnum() else " " for c in experiment.name.lower()).split()
    return f"{'-'.join(words)[:40] or 'run'}-{digest(experiment.spec)}-{secrets.token_hex(2)}"


def problems(experiment: Experiment) -> dict[str, list[Problem]]:
    """The problems of each task by its name; the same for the same seed and parameters.

    Raises InputError if a task does not have as many distinct problems as asked for.
    """
    found = {}
    for choice in experiment.tasks:
        task = plugins.tasks()[choice.name]
        found[choice.name] = task.problems(task.Params.model_validate(choice.params), choice.problems, experiment.seed)
    return found


def fitting_arms(experiment: Experiment, task: TaskChoice) -> list[Arm]:
    """The arms that can run on a task; the others are left out of its blocks."""
    return [arm for arm in experiment.arms if fit(arm, task, experiment.models) is None]


def blocks(experiment: Experiment, found: Mapping[str, Sequence[Problem]]) -> list[Block]:
    """All blocks in the random order they run in, which depends on the experiment's seed alone."""
    everything = [
        Block(task, problem, repeat)
        for repeat in range(experiment.repeats)
        for task in experiment.tasks
        for problem in found[task.name]
    ]
    random.Random(f"{experiment.seed}:blocks").shuffle(everything)
    return everything


def trials(experiment: Experiment, experiment_id: str, order: Sequence[Block]) -> Iterator[Trial]:
    """The trials block by block. A nested arm has one per block, another arm one per level."""
    arms = {task.name: fitting_arms(experiment, task) for task in experiment.tasks}
    counts = {arm.name: sum(arm in arms[block.task.name] for block in order) for arm in experiment.arms}
    for number, block in enumerate(order):
        for arm in arms[block.task.name]:
            runs = [arm.levels] if arm.nested else [(level,) for level in arm.levels if level > 0]
            for levels in runs:
                allowed = limits(experiment, arm, counts[arm.name], levels[-1])
                cap = _drawn(experiment, arm, block, levels[-1], allowed)
                yield Trial(
                    trial_id=trial_id(experiment_id, arm, block, levels[-1]),
                    experiment_id=experiment_id,
                    problem=block.problem,
                    arm=arm,
                    repeat=block.repeat,
                    block=number,
                    max_level=levels[-1],
                    levels=levels,
                    limits=allowed if cap is None else replace(allowed, total_tokens=cap),
                    cap_tokens=cap,
                )


def trial_id(experiment_id: str, arm: Arm, block: Block, level: int) -> str:
    """Readable and stable: the same trial has the same id on every replay."""
    return f"{experiment_id}/{_place(arm, block, level)}"


def _place(arm: Arm, block: Block, level: int) -> str:
    place = f"{block.task.name}/{block.problem.problem_id}/{_one_part(arm.name)}/{block.repeat}"
    return place if arm.nested else f"{place}/{level}"


def _one_part(name: str) -> str:
    """An arm's name as one part of a path: problem `a/b` under arm `x` and `a` under arm `b/x` are two places."""
    return name.replace("%", "%25").replace("/", "%2F") if "/" in name or "%2" in name else name


def _drawn(experiment: Experiment, arm: Arm, block: Block, level: int, allowed: Limits) -> int | None:
    """The trial's own random cap, no larger than its part of the budget; None if caps are not drawn.

    exp(U(ln low, ln high)), rounded: even on a log scale. It follows from the experiment's seed and the trial's place,
    so that a resumed run, and another run of the same file, draw the same.
    """
    if experiment.random_cap is None:
        return None
    low, high = (math.log(end) for end in experiment.random_cap)
    rng = random.Random(f"{experiment.seed}:cap:{_place(arm, block, level)}")
    return _least(round(math.exp(rng.uniform(low, high))), allowed.total_tokens)


def limits(experiment: Experiment, arm: Arm, trials_of_arm: int, level: int) -> Limits:
    """The tighter of the cap on every trial and this arm's share of the whole budget, spread over its trials.

    An arm that is not nested runs every level apart; its share is spread over them in proportion to the level.
    """
    if arm.share is None or trials_of_arm == 0:
        return experiment.trial_budget
    part = arm.share / trials_of_arm
    if not arm.nested:
        part *= level / sum(arm.levels)
    whole, each = experiment.budget, experiment.trial_budget
    return Limits(
        total_tokens=_least(each.total_tokens, whole.total_tokens and max(1, int(whole.total_tokens * part))),
        usd=_least(each.usd, whole.usd and whole.usd * part),
        calls=_least(each.calls, whole.calls and max(1, int(whole.calls * part))),
        seconds=each.seconds,
    )


def _least(*limits: N | None) -> N | None:
    return min((limit for limit in limits if limit is not None), default=None)
