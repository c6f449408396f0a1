"""Proportional allocation: spend follows doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from fourdials.allocators._evidence import Evidence, certainty
from fourdials.allocators._ranking import Places, Ranked, Stage, first
from fourdials.plugins import TrialView, allocator


@allocator(source="ours; weighted fair queueing (Demers et al. 1989) with doubt as the weight")
class Proportional(Ranked):
    """Keep what each trial has spent in proportion to how doubtful its answer is.

    All trials take the same first levels, which is charged like everything else. After that each round goes to the
    trials that would have spent least for their doubt (1 − certainty, never below `floor`). Wins where doubt tells hard
    from easy; a trial whose answers never agree keeps its large share whether or not more would help.
    """

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
        super().__init__(trials, budget)

    def weigh(self, found: Evidence, stage: Stage) -> Sequence[float]:
        """How doubtful the answer is."""
        return (max(self._floor, 1 - certainty(found)),)

    def choose(self) -> Places:
        """The pilot, then those that would have spent least for their doubt."""
        columns = self.columns
        if len(places := columns.pilot(self._pilot)):
            return places
        places = np.flatnonzero(columns.fitting(columns.open))
        spent = columns.spent[places] + np.nan_to_num(columns.next_costs()[columns.stage[places]])
        return first(places, spent / self.notes[places, 0], self._batch)
