"""Allocation with hindsight: the best division of a budget there could have been."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise

import numpy as np

from fourdials.allocators._ranking import Courses, Played
from fourdials.plugins import Grant, TrialView, Update, allocator
from fourdials.records import Stop


@allocator(source="the oracle of Snell et al. 2024, arXiv 2408.03314", grades="hindsight")
class Oracle:
    """Stop each trial where, knowing every grade, it is best to: a bound, and for recorded trials only.

    The stops of a trial on the upper concave hull of score over spend are bought in order of score gained per spend, as
    long as they fit. That is the optimum of the fractional knapsack, so no division beats it by more than one trial.
    What never becomes right is never started.
    """

    divides = True
    calibration: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()

    def __init__(self, trials: Sequence[TrialView], budget: float | None, truth: Mapping[str, Sequence[Stop]]) -> None:
        steps = [
            (gain / max(cost, 1e-12), order, place, cost, view.trial_id, level)
            for order, view in enumerate(sorted(trials, key=lambda view: (view.block, view.arm, view.levels)))
            for place, (level, gain, cost) in enumerate(_hull(truth[view.trial_id]))
        ]
        self._trials = trials
        self._steps = sorted(steps, key=lambda step: (-step[0], step[1], step[2]))
        chosen = self.chosen(budget)
        self._waiting = iter(
            [Grant(view.trial_id, chosen[view.trial_id]) for view in trials if view.trial_id in chosen]
        )

    def chosen(self, budget: float | None) -> dict[str, int]:
        """To which level each trial that is started goes under a budget."""
        left = math.inf if budget is None else budget
        found: dict[str, int] = {}
        full: set[str] = set()  # a step that did not fit ends its trial: later ones stand on it
        for _, _, _, cost, trial_id, level in self._steps:
            if trial_id not in full and cost <= left:
                left -= cost
                found[trial_id] = level
            else:
                full.add(trial_id)
        return found

    def grants(self, free: int) -> list[Grant]:
        """The next `free` trials that are worth something."""
        return list(islice(self._waiting, free))

    def play(self, courses: Courses, budgets: Sequence[float | None]) -> list[Played]:
        """Where the trials of `courses` come to stand under each of some budgets."""
        found = []
        for budget in budgets:
            chosen = self.chosen(budget) if budget is None or budget > 0 else {}
            columns = [
                courses.column(place, chosen[view.trial_id]) if view.trial_id in chosen else 0
                for place, view in enumerate(self._trials)
            ]
            reached = np.array(columns, dtype=np.int64)
            found.append(Played(reached, courses.at_once[np.arange(len(reached)), reached]))
        return found

    def observe(self, update: Update) -> None:
        """All is known beforehand."""


def _hull(stops: Sequence[Stop]) -> list[tuple[int, float, float]]:
    """Steps (level, score gained, cost) along the upper concave hull from nothing at no cost; their ratios fall."""
    corners: list[tuple[float, float, int]] = [(0.0, 0.0, 0)]
    for stop in sorted(stops, key=lambda stop: (stop.spent, -stop.score)):
        if stop.score <= corners[-1][1]:
            continue
        while len(corners) > 1 and _slope(corners[-2], corners[-1]) <= _slope(corners[-1], (stop.spent, stop.score, 0)):
            corners.pop()
        corners.append((stop.spent, stop.score, stop.level))
    return [(after[2], after[1] - before[1], after[0] - before[0]) for before, after in pairwise(corners)]


def _slope(before: tuple[float, float, int], after: tuple[float, float, int]) -> float:
    return (after[1] - before[1]) / max(after[0] - before[0], 1e-12)
