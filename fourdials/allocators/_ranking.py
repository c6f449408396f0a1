"""A round's trials as columns → the wishes that rank first, however many trials there are.

Used by the allocators that look at every open trial each round. Only trials observed since the last round are read
again; costs are foreseen once for all trials of an arm that stand at the same level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fourdials.allocators._rounds import Rounds, Standing, Wish

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Columns:
    """The standings of `rounds`, one place each in the plan's order.

    Attributes:
        spent: In the unit of the budget.
        reached: How many of its levels each trial has come to.
        open: True where something may still be granted.
        stage: For each trial the index in `stages` of its arm, level and the levels ahead.
    """

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._trials = list(rounds.standings.values())
        self._places = {trial.view.trial_id: place for place, trial in enumerate(self._trials)}
        self._known: dict[tuple[str, int, tuple[int, ...]], int] = {}
        count = len(self._trials)
        self.spent: Array = np.zeros(count)
        self.reached = np.zeros(count, dtype=np.int64)
        self.open: Mask = np.ones(count, dtype=np.bool_)
        self.stage = np.zeros(count, dtype=np.int64)
        self.stages: list[tuple[str, int, tuple[int, ...]]] = []

    def read(self) -> list[tuple[int, Standing]]:
        """Takes in the trials observed since the last time, at first all; returns them with their places."""
        found = [(self._places[trial.view.trial_id], trial) for trial in self._rounds.fresh()]
        for place, trial in found:
            self.spent[place], self.reached[place], self.open[place] = trial.spent, trial.reached, not trial.ended
            stage = (trial.view.arm, trial.level, trial.notches[trial.reached :])
            if stage not in self._known:
                self._known[stage] = len(self.stages)
                self.stages.append(stage)
            self.stage[place] = self._known[stage]
        return found

    def costs(self) -> Array:
        """What going to each of the levels ahead is foreseen to cost: stages × levels ahead; NaN where there is no such
        level, or nothing of the arm was seen."""
        found = np.full((len(self.stages), max((len(ahead) for _, _, ahead in self.stages), default=0)), np.nan)
        for row, (arm, low, ahead) in enumerate(self.stages):
            for column, high in enumerate(ahead):
                cost = self._rounds.foreseen(arm, low, high)
                if cost is not None:
                    found[row, column] = cost
        return found

    def next_costs(self) -> Array:
        """What the next level of each trial is foreseen to cost; NaN where unknown, and for those that have ended."""
        costs = self.costs()
        return costs[self.stage, 0] if costs.shape[1] else np.full(len(self._trials), np.nan)

    def fitting(self, wanted: Mask) -> Mask:
        """Those of the wanted whose next level what is left could pay for alone; an unknown cost fits while any is."""
        left = self._rounds.left
        if left is None:
            return wanted
        costs = self.next_costs()
        return wanted & (left > 0) & (np.isnan(costs) | (costs <= left))

    def wishes(self, chosen: Mask) -> list[Wish]:
        """A wish for the next level of each, in the plan's order."""
        return [Wish(self._trials[place]) for place in np.flatnonzero(chosen)]

    def first(self, chosen: Mask, keys: Array, count: int) -> list[Wish]:
        """Wishes of the `count` chosen trials with the smallest keys; equal ones in the plan's order."""
        places = np.flatnonzero(chosen)
        if len(places) > count:
            bound = np.partition(keys[places], count - 1)[count - 1]
            places = places[keys[places] <= bound]
        ranked = places[np.argsort(keys[places], kind="stable")]
        return [Wish(self._trials[place]) for place in ranked[:count]]

    def pilot(self, levels: int) -> list[Wish]:
        """Wishes for the lowest of the first `levels` levels that some trial has not come to, as far as they fit."""
        waiting = self.open & (self.reached < levels)
        if not waiting.any():
            return []
        return self.wishes(self.fitting(waiting & (self.reached == self.reached[waiting].min())))
