"""Greedy allocation: the next levels go where they are expected to bring most for their cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from fourdials.allocators._evidence import Evidence, gain, rises
from fourdials.allocators._ranking import Array, Places, Ranked, Stage, first
from fourdials.plugins import TrialView, allocator

BEST, CANDIDATES = -2, -1  # the last of the notes: a trial's best score and how many it has; before them its gains


@allocator(source="Snell et al. 2024, arXiv 2408.03314; Damani et al. 2024, arXiv 2410.04707")
class GreedyMarginal(Ranked):
    """Grant the levels with the largest expected gain in right answers for what they cost.

    All trials take the same first levels: the pilot, charged like everything else. Then each round takes the trials
    with the best ratio of gain to cost, looking as far ahead as the levels go, since one more vote alone often cannot
    change a majority. The gain is read off votes and verifier scores. Wins where problems differ and the evidence says
    so; loses its pilot where they do not, and trusts a verifier that is wrong.
    """

    def __init__(
        self,
        trials: Sequence[TrialView],
        budget: float | None,
        *,
        pilot: Annotated[int, Field(ge=1, le=64, description="Levels that every trial takes first")] = 2,
        batch: Annotated[int, Field(ge=1, le=4096, description="Trials that go on together in one round")] = 16,
    ) -> None:
        self._pilot, self._batch = pilot, batch
        super().__init__(trials, budget)

    def begin(self) -> None:
        """Puts every trial before its first level; nobody has scored."""
        super().begin()
        self._drawn: dict[str, Array] = {}  # all scores of each arm, increasing
        self._taken = np.zeros(len(self.notes), dtype=np.int64)  # how many of each trial's scores are among them
        self._news: set[str] = set()  # arms of which there are new ones

    def weigh(self, found: Evidence, stage: Stage) -> Sequence[float]:
        """What each level ahead would gain, unless that depends on others' scores; then its own."""
        _, low, ahead = stage
        row = [0.0] * (self.columns.width + 2)
        if found.scores:
            row[BEST], row[CANDIDATES] = max(found.scores), len(found.scores)
            return row
        row[: len(ahead)] = [gain(found, max(1, level - low), ()) for level in ahead]
        return row

    def took(self, places: Places, shown: Callable[[int], Evidence]) -> None:
        """Adds the scores of these trials to those of their arms."""
        scores: dict[str, list[float]] = {}
        for at in np.flatnonzero(self.notes[places, CANDIDATES]).tolist():
            place, found = places[at], shown(at).scores
            arm = self.columns.stages[self.columns.stage[place]][0]
            scores.setdefault(arm, []).extend(found[self._taken[place] :])
            self._taken[place] = len(found)
        for arm, more in scores.items():
            self._drawn[arm] = np.sort(np.append(self._drawn.get(arm, []), more))
        self._news.update(scores)

    def choose(self) -> Places:
        """The pilot, then those with the best ratio of gain to cost."""
        columns = self.columns
        if len(places := columns.pilot(self._pilot)):
            return places
        self._compare_scores()
        places = np.flatnonzero(columns.fitting(columns.open))
        costs = columns.costs().T[:, columns.stage[places]]
        ratios = np.divide(self.notes[places, : columns.width].T, costs, out=np.zeros_like(costs), where=costs > 0)
        worth = ratios.max(axis=0, initial=0.0)  # the best over all levels ahead
        return first(places[worth > 0], -worth[worth > 0], self._batch)

    def _compare_scores(self) -> None:
        """The gains of trials with verifier scores: each against what all trials of its arm have scored so far."""
        columns, counts = self.columns, self.notes[:, CANDIDATES]
        scored = np.flatnonzero(columns.open & (counts > 0)) if self._news else np.zeros(0, dtype=np.int64)
        for stage in np.unique(columns.stage[scored]):
            arm, low, ahead = columns.stages[stage]
            if arm not in self._news:
                continue
            here = scored[columns.stage[scored] == stage]
            for own in np.unique(counts[here]):
                alike = here[counts[here] == own]
                for column, level in enumerate(ahead):
                    more = max(1, level - low)
                    self.notes[alike, column] = rises(int(own), self.notes[alike, BEST], self._drawn[arm], more)
        self._news.clear()
