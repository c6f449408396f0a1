"""Proportional allocation: spend follows doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from fourdials.allocators._evidence import certainty, evidence
from fourdials.allocators._ranking import Columns
from fourdials.allocators._rounds import Rounds, Wish
from fourdials.plugins import Grant, TrialView, Update, allocator


@allocator(source="ours; weighted fair queueing (Demers et al. 1989) with doubt as the weight")
class Proportional:
    """Keep what each trial has spent in proportion to how doubtful its answer is.

    All trials take the same first levels, which is charged like everything else. After that each round goes to the
    trials that would have spent least for their doubt (1 − certainty, never below `floor`). Wins where doubt tells hard
    from easy; a trial whose answers never agree keeps its large share whether or not more would help.
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
        floor: Annotated[float, Field(gt=0, le=1, description="Doubt that remains however sure the answer is")] = 0.02,
        batch: Annotated[int, Field(ge=1, le=4096, description="Trials that go on together in one round")] = 16,
    ) -> None:
        self._pilot, self._floor, self._batch = pilot, floor, batch
        self._rounds = Rounds(trials, budget, self._choose)
        self._columns = Columns(self._rounds)
        self._doubt = np.ones(len(trials))

    def grants(self, free: int) -> list[Grant]:
        """The next grants of this round."""
        return self._rounds.grants(free)

    def observe(self, update: Update) -> None:
        """Notes what a trial showed."""
        self._rounds.observe(update)

    def _choose(self) -> list[Wish]:
        columns = self._columns
        for place, trial in columns.read():
            self._doubt[place] = max(self._floor, 1 - certainty(evidence(trial.seen)))
        if wishes := columns.pilot(self._pilot):
            return wishes
        spend_for_doubt = (columns.spent + np.nan_to_num(columns.next_costs())) / self._doubt
        return columns.first(columns.fitting(columns.open), spend_for_doubt, self._batch)
