"""Uniform allocation: every trial may go to its largest level, or all trials go up side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Literal

from pydantic import Field

from fourdials.allocators._rounds import Rounds, Standing, Wish
from fourdials.plugins import Grant, TrialView, Update, allocator


@allocator(source="the plain way; by level it is the baseline of Snell et al. 2024, arXiv 2408.03314")
class Uniform:
    """Treats all trials alike.

    By block, each trial is granted all of its levels at once in the plan's random order, so blocks complete and batches
    stay whole; what the budget does not reach stays open. By level, all trials go up together, one level at a time,
    until the budget is spent, or to one stated level at once: what adaptive allocators are measured against.
    """

    calibration: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()

    def __init__(
        self,
        trials: Sequence[TrialView],
        budget: float | None,
        *,
        order: Annotated[
            Literal["blocks", "levels"],
            Field(description="Each trial as a whole, block after block, or all trials level after level"),
        ] = "blocks",
        level: Annotated[
            int | None, Field(ge=1, description="In the order of levels, take every trial this far at once, no further")
        ] = None,
    ) -> None:
        self._level = level
        self.divides = order == "levels"
        self._waiting = iter([Grant(trial.trial_id, trial.levels[-1]) for trial in trials])
        self._rounds = Rounds(trials, budget, self._together)

    def grants(self, free: int) -> list[Grant]:
        """The next `free` trials of the plan, or of this level."""
        return self._rounds.grants(free) if self.divides else list(islice(self._waiting, free))

    def observe(self, update: Update) -> None:
        """By level it learns what levels cost; nothing else is learned."""
        if self.divides:
            self._rounds.observe(update)

    def _together(self) -> list[Wish]:
        standing = self._rounds.open
        if self._level is not None:
            return [Wish(trial, self._notches(trial)) for trial in standing if trial.reached == 0]
        lowest = min((trial.reached for trial in standing), default=0)
        return [Wish(trial) for trial in standing if trial.reached == lowest]

    def _notches(self, trial: Standing) -> int:
        """How many of a trial's levels lie up to the stated one; the first in any case."""
        return max(1, sum(level <= (self._level or 0) for level in trial.notches))
