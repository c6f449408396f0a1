"""Greedy allocation: the next levels go where they are expected to bring most for their cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from fourdials.allocators._evidence import Evidence, evidence, gain
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
        self._read: dict[str, tuple[int, Evidence]] = {}

    def grants(self, free: int) -> list[Grant]:
        """The next grants of this round."""
        return self._rounds.grants(free)

    def observe(self, update: Update) -> None:
        """Notes what a trial showed."""
        self._rounds.observe(update)

    def _choose(self) -> list[Wish]:
        if wishes := self._rounds.pilot(self._pilot):
            return wishes
        standing = self._rounds.open
        scores: dict[str, list[float]] = defaultdict(list)
        for trial in self._rounds.standings.values():
            scores[trial.view.arm] += self._evidence(trial).scores
        worth = {trial.view.trial_id: self._worth(trial, scores[trial.view.arm]) for trial in standing}
        ranked = sorted(
            (trial for trial in standing if worth[trial.view.trial_id] > 0),
            key=lambda trial: -worth[trial.view.trial_id],
        )
        return self._rounds.fitting(Wish(trial) for trial in ranked)[: self._batch]

    def _evidence(self, trial: Standing) -> Evidence:
        held = self._read.get(trial.view.trial_id)
        if held is None or held[0] != len(trial.seen):
            held = (len(trial.seen), evidence(trial.seen))
            self._read[trial.view.trial_id] = held
        return held[1]

    def _worth(self, trial: Standing, scores: list[float]) -> float:
        """The best ratio of expected gain to foreseen cost over all levels ahead."""
        found, best = self._evidence(trial), 0.0
        for notches in range(1, len(trial.notches) - trial.reached + 1):
            cost = self._rounds.ahead(trial, notches)
            more = max(1, trial.notches[trial.reached + notches - 1] - trial.level)
            if cost:
                best = max(best, gain(found, more, scores) / cost)
        return best
