"""Recorded trials as columns, for replaying many budgets over them: the rows are those of `replay`, only sooner.

Going up level by level, a trial always shows and pays the same, whoever grants it. So that is worked out once for each
trial and level, and an allocator that chooses by columns is played over all of them. Others are replayed one by one.
Called by `worth`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fourdials import plugins
from fourdials.allocators._evidence import Evidence, evidence
from fourdials.allotment import Allotment
from fourdials.replay import REPLAY_SCHEMA, SAME, Policy, RecordedTrial, driven

Array = NDArray[np.float64]


class Courses:
    """The courses of recorded trials: columns of trials × levels come to.

    The first column is a trial before its first level, the last one a trial granted level 0, which some have.

    Attributes:
        spent: What it has spent in all, having gone up level by level.
        at_once: What it has spent in all, having been granted this level at once.
        ended: True where nothing more could be granted, having gone up level by level.
    """

    def __init__(self, trials: Sequence[RecordedTrial]) -> None:
        self._trials = list(trials)
        self._notches = [[level for level in trial.levels if level > 0] for trial in trials]
        width = max((len(notches) for notches in self._notches), default=0) + 2
        shape = (len(self._trials), width)
        self._all = np.arange(len(self._trials))
        self._levels = np.full(shape, np.inf)  # the levels of each, one after the other
        self.spent, self.at_once = np.zeros(shape), np.zeros(shape)
        self.ended = np.zeros(shape, dtype=np.bool_)
        self._passed = np.zeros(shape, dtype=np.int64)  # checkpoints
        self._known: dict[tuple[int, int], Evidence] = {}
        for place, (trial, notches) in enumerate(zip(self._trials, self._notches, strict=True)):
            self._climb(place, trial, notches)
        self._same = pl.DataFrame(
            {name: [trial.row[name] for trial in trials] for name in SAME}, schema={n: REPLAY_SCHEMA[n] for n in SAME}
        )
        self._came = self._standings()
        counts = np.array([len(trial.at()) + 1 for trial in trials], dtype=np.int64)
        self._offset = np.cumsum(counts) - counts  # of each trial its first row there

    def _climb(self, place: int, trial: RecordedTrial, notches: Sequence[int]) -> None:
        spent, low = 0.0, 0
        self._levels[place, : len(notches)] = notches
        for column, level in [*enumerate(notches, 1), *([(-1, 0)] if 0 in trial.levels else [])]:
            passed, high, ended = trial.reach(level)
            self._passed[place, column] = passed
            self.at_once[place, column] = trial.cost(0, high)
            if column > 0:
                spent += trial.cost(low, high)
                self.spent[place, column], self.ended[place, column] = spent, ended
                low = trial.at()[passed - 1] if passed else 0

    def _standings(self) -> pl.DataFrame:
        """Level, score and outcome of each trial before its first checkpoint and at each of them."""
        levels: list[int] = []
        scores: list[float] = []
        outcomes: list[str] = []
        for trial in self._trials:
            levels += (0, *trial.at())
            scores += (0.0, *trial.scores)
            outcomes += ("unanswered", *trial.outcomes)
        came = {"level": levels, "score": scores, "outcome": outcomes}
        return pl.DataFrame(came, schema={name: REPLAY_SCHEMA[name] for name in came})

    def evidence(self, trial: int, reached: int) -> Evidence:
        """What a trial has shown by the time it has come to so many of its levels."""
        if (trial, reached) not in self._known:
            seen = self._trials[trial].checkpoints[: self._passed[trial, reached]]
            self._known[trial, reached] = evidence(seen)
        return self._known[trial, reached]

    def column(self, trial: int, level: int) -> int:
        """Where a trial stands that was granted one of its levels."""
        return self._notches[trial].index(level) + 1 if level else -1

    def replays(self, policy: Policy, totals: Sequence[float | None]) -> list[pl.DataFrame]:
        """What `replay` gives for each of some budgets. Raises InputError if there is no such allocator."""
        plan = plugins.find("allocator", policy.allocator, plugins.allocators())
        knobs = plan.Knobs.model_validate(policy.knobs).model_dump()
        truth = {t.row["trial_id"]: t.stops() for t in self._trials} if plan.grades == "hindsight" else None
        allotment = Allotment(policy.allocator, knobs, [trial.view() for trial in self._trials], None, truth)
        played = allotment.play(self, totals)
        if played is not None:
            return [self._stood(self._passed[self._all, each.reached], each.spent) for each in played]
        found = []
        for total in totals:
            places, aside = driven(self._trials, policy, total)
            passed = np.array([place.passed for place in places], dtype=np.int64)
            found.append(self._stood(passed, np.array([place.spent for place in places], dtype=np.float64), aside))
        return found

    def taken(self, level: int) -> pl.DataFrame:
        """Every trial taken at once to its largest level up to `level`, to its first in any case, whatever that costs.

        The rows are those of `replay` with the allocator `uniform` told that level and no budget, without asking it.
        """
        reached = np.maximum((self._levels <= level).sum(axis=1), np.isfinite(self._levels).any(axis=1))
        return self._stood(self._passed[self._all, reached], self.at_once[self._all, reached])

    def _stood(self, passed: NDArray[np.int64], spent: Array, aside: frozenset[str] = frozenset()) -> pl.DataFrame:
        """Where the trials came to stand: columns of `REPLAY_SCHEMA`."""
        counted = self._same["trial_id"].is_in(list(aside)) if aside else pl.lit(False)
        came = self._came[self._offset + passed].with_columns(spent=pl.Series(spent), aside=counted)
        return self._same.hstack(came).select(*REPLAY_SCHEMA)
