"""Beta stopping: a trial goes on until its leading answer is sure enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from fourdials.allocators._evidence import Evidence, certainty
from fourdials.allocators._ranking import Places, Ranked, Stage
from fourdials.plugins import TrialView, allocator


@allocator(source="Aggarwal et al. 2023, arXiv 2305.11860")
class BetaStopping(Ranked):
    """Stop a trial once its leading answer is truly ahead with at least this probability; the rest go up together.

    With verifier scores, stop once a candidate's score is as high. What is saved goes to the trials still in doubt, as
    far as the budget reaches. Wins where many problems are easy; a problem that is never decided is taken to the end.
    """

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
        super().__init__(trials, budget)

    def weigh(self, found: Evidence, stage: Stage) -> Sequence[float]:
        """How sure the answer is."""
        return (certainty(found),)

    def choose(self) -> Places:
        """Those still in doubt that have come least far."""
        columns = self.columns
        fits = columns.fitting(columns.open & (self.notes[:, 0] < self._confidence))
        lowest = columns.reached[fits].min() if fits.any() else 0
        return np.flatnonzero(fits & (columns.reached == lowest))
