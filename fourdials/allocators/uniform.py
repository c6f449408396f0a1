"""Uniform allocation: every trial may go to its largest level, block after block in the plan's random order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from fourdials.plugins import Grant, TrialView, Update


class Uniform:
    """Grants each trial all of its levels at once, so blocks complete in order and batches stay whole."""

    def __init__(self, trials: Sequence[TrialView]) -> None:
        self._waiting = iter([Grant(trial.trial_id, trial.levels[-1]) for trial in trials])

    def grants(self, free: int) -> list[Grant]:
        """The next `free` trials of the plan."""
        return list(islice(self._waiting, free))

    def observe(self, update: Update) -> None:
        """Uniform allocation learns nothing from what it sees."""
