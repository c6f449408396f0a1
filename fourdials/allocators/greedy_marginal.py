"""Greedy allocation: the next levels go where they are expected to bring most for their cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Annotated

import numpy as np
from pydantic import Field

from fourdials.allocators._evidence import evidence, gain, rises
from fourdials.allocators._ranking import Columns
from fourdials.allocators._rounds import Rounds, Standing, Wish
from fourdials.plugins import Grant, TrialView, Update, allocator


@allocator(source="Snell et al. 2024, arXiv 2408.03314; Damani et al. 2024, arXiv 2410.04707")
class GreedyMarginal:
    """Grant the levels with the largest expected gain in right answers for what they cost.

    All trials take the same first levels: the pilot, charged like everything else. Then each round takes the trials
    with the best ratio of gain to cost, looking as far ahead as the levels go, since one more vote alone often cannot
    change a majority. The gain is read off votes and verifier scores. Wins where problems differ and the evidence says
    so; loses its pilot where they do not, and trusts a verifier that is wrong.
    """

    divides = True
    calibration: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()

    def __init__(
        self,
        trials: Sequence[TrialView],
        budget: float | None,
        *,
        pilot: Annotated[int, Field(ge=1, le=64, description="Levels that every trial takes first")] = 2,
        batch: Annotated[int, Field(ge=1, le=4096, description="Trials that go on together in one round")] = 16,
    ) -> None:
        self._pilot, self._batch = pilot, batch
        self._rounds = Rounds(trials, budget, self._choose)
        self._columns = Columns(self._rounds)
        self._gains = np.zeros((len(trials), max((len(trial.levels) for trial in trials), default=0)))
        self._best, self._candidates = np.zeros(len(trials)), np.zeros(len(trials), dtype=np.int64)
        self._scores: dict[str, dict[int, tuple[float, ...]]] = defaultdict(dict)  # by arm and place

    def grants(self, free: int) -> list[Grant]:
        """The next grants of this round."""
        return self._rounds.grants(free)

    def observe(self, update: Update) -> None:
        """Notes what a trial showed."""
        self._rounds.observe(update)

    def _choose(self) -> list[Wish]:
        columns = self._columns
        for place, trial in columns.read():
            self._take(place, trial)
        if wishes := columns.pilot(self._pilot):
            return wishes
        self._compare_scores()
        costs = columns.costs()[columns.stage]
        gains = self._gains[:, : costs.shape[1]]
        ratios = np.divide(gains, costs, out=np.zeros_like(costs), where=costs > 0)
        worth = ratios.max(axis=1, initial=0.0)  # the best over all levels ahead
        return columns.first(columns.fitting(columns.open & (worth > 0)), -worth, self._batch)

    def _take(self, place: int, trial: Standing) -> None:
        """Reads what one trial has shown: what each level ahead would gain, unless that depends on others' scores."""
        found = evidence(trial.seen)
        if found.scores:
            self._scores[trial.view.arm][place] = found.scores
            self._best[place], self._candidates[place] = max(found.scores), len(found.scores)
            return
        for column, level in enumerate(trial.notches[trial.reached :]):
            self._gains[place, column] = gain(found, max(1, level - trial.level), ())

    def _compare_scores(self) -> None:
        """The gains of trials with verifier scores: each against what all trials of its arm have scored so far."""
        columns = self._columns
        scored = columns.open & (self._candidates > 0)
        drawn = {arm: np.sort(np.fromiter(chain(*held.values()), np.float64)) for arm, held in self._scores.items()}
        for stage in np.unique(columns.stage[scored]):
            arm, low, ahead = columns.stages[stage]
            here = scored & (columns.stage == stage)
            for own in np.unique(self._candidates[here]):
                alike = np.flatnonzero(here & (self._candidates == own))
                for column, level in enumerate(ahead):
                    more = max(1, level - low)
                    self._gains[alike, column] = rises(int(own), self._best[alike], drawn[arm], more)
