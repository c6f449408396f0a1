"""Beta stopping: a trial goes on until its leading answer is sure enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from fourdials.allocators._evidence import certainty, evidence
from fourdials.allocators._ranking import Columns
from fourdials.allocators._rounds import Rounds, Wish
from fourdials.plugins import Grant, TrialView, Update, allocator


@allocator(source="Aggarwal et al. 2023, arXiv 2305.11860")
class BetaStopping:
    """Stop a trial once its leading answer is truly ahead with at least this probability; the rest go up together.

    With verifier scores, stop once a candidate's score is as high. What is saved goes to the trials still in doubt, as
    far as the budget reaches. Wins where many problems are easy; a problem that is never decided is taken to the end.
    """

    divides = True
    calibration: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()

    def __init__(
        self,
        trials: Sequence[TrialView],
        budget: float | None,
        *,
        confidence: Annotated[
            float, Field(gt=0.5, lt=1, description="Probability of being ahead at which a trial stops")
        ] = 0.95,
    ) -> None:
        self._confidence = confidence
        self._rounds = Rounds(trials, budget, self._choose)
        self._columns = Columns(self._rounds)
        self._sure = np.zeros(len(trials))

    def grants(self, free: int) -> list[Grant]:
        """The next grants of this level."""
        return self._rounds.grants(free)

    def observe(self, update: Update) -> None:
        """Notes what a trial showed."""
        self._rounds.observe(update)

    def _choose(self) -> list[Wish]:
        columns = self._columns
        for place, trial in columns.read():
            self._sure[place] = certainty(evidence(trial.seen))
        fits = columns.fitting(columns.open & (self._sure < self._confidence))
        if not fits.any():
            return []
        return columns.wishes(fits & (columns.reached == columns.reached[fits].min()))
