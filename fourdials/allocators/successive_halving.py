"""Successive halving over arms: grades on a calibration split choose the arm that serves the rest."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from fourdials.allocators._rounds import Rounds, Standing, Wish
from fourdials.plugins import Grant, TrialView, Update, allocator

Entrant = tuple[str, int]  # an arm; where each level is a trial of its own, an arm at that level


@dataclass(slots=True)
class _Contest:
    """The arms of one task: the calibration blocks of each round, who is left, and the blocks that are judged."""

    rounds: list[list[int]]
    rest: list[int]
    left: list[Entrant]
    trials: dict[tuple[int, Entrant], Standing]
    used: list[int] = field(default_factory=list)


@allocator(
    source="Karnin et al. 2013; Jamieson & Talwalkar 2016, arXiv 1502.07943, over arms at test time",
    grades="calibration",
)
class SuccessiveHalving:
    """Let all arms run on a few problems, keep the better half, repeat, and serve the rest with the last one.

    The first blocks of the plan's random order are the calibration split. Its grades are shown to this allocator, its
    cost is charged, and its answers do not count: it is judged on the other blocks. Each round has twice the blocks of
    the one before. An arm is worth its mean grade times the share of the rest that what is left could pay for. Each
    task has a contest of its own.
    """

    divides = True

    def __init__(
        self,
        trials: Sequence[TrialView],
        budget: float | None,
        *,
        calibration: Annotated[
            float, Field(gt=0, lt=1, description="Part of the blocks whose grades choose the arm; they are not judged")
        ] = 0.25,
    ) -> None:
        self._rounds = Rounds(trials, budget, self._choose)
        by_task: dict[str, list[Standing]] = defaultdict(list)
        for trial in self._rounds.standings.values():
            by_task[trial.view.task].append(trial)
        self._contests = [_contest(standings, calibration) for standings in by_task.values()]
        self.calibration = frozenset(
            trial.view.trial_id
            for contest in self._contests
            for (block, _), trial in contest.trials.items()
            if block not in contest.rest
        )
        self.aside = self.calibration

    def grants(self, free: int) -> list[Grant]:
        """The next grants of this round."""
        return self._rounds.grants(free)

    def observe(self, update: Update) -> None:
        """Notes what a trial showed, and its grade if it is one of the calibration split."""
        self._rounds.observe(update)

    def _choose(self) -> list[Wish]:
        wishes = []
        for contest in self._contests:
            wishes += self._next(contest)
        return wishes

    def _next(self, contest: _Contest) -> list[Wish]:
        """The rest of the current round; once nothing of it is left or fits, the next begins with half of the arms."""
        while True:
            current = contest.rounds[0] if contest.rounds else contest.rest
            asked = [contest.trials[block, entrant] for block in current for entrant in contest.left]
            wishes = [Wish(trial, len(trial.notches) - trial.reached) for trial in asked if not trial.ended]
            if (fits := self._rounds.fitting(wishes)) or not contest.rounds:
                return fits
            contest.used += contest.rounds.pop(0)
            ranked = sorted(contest.left, key=lambda entrant: self._rank(contest, entrant))
            contest.left = ranked[: math.ceil(len(ranked) / 2)]
            self.aside |= {
                trial.view.trial_id for (_, entrant), trial in contest.trials.items() if entrant not in contest.left
            }

    def _rank(self, contest: _Contest, entrant: Entrant) -> tuple[float, float, Entrant]:
        """Worst last: worth, then cost, then name. An arm nothing is known of is worth nothing."""
        seen = [contest.trials[block, entrant] for block in contest.used]
        ended = [trial for trial in seen if trial.ended and trial.score is not None]
        if not ended:
            return (0.0, math.inf, entrant)
        scores = [trial.score for trial in ended if trial.score is not None]
        mean = sum(trial.spent for trial in ended) / len(ended)
        needed, left = mean * len(contest.rest), self._rounds.purse.left
        served = 1.0 if left is None or needed <= left else max(0.0, left) / needed
        return (-served * sum(scores) / len(scores), mean, entrant)


def _contest(standings: Sequence[Standing], share: float) -> _Contest:
    trials = {(t.view.block, (t.view.arm, t.notches[-1])): t for t in standings}
    entrants = sorted({entrant for _, entrant in trials})
    blocks = sorted({block for block, _ in trials})
    count = min(len(blocks), max(1, math.ceil(share * len(blocks)))) if len(entrants) > 1 else 0
    rounds = max(1, math.ceil(math.log2(len(entrants)))) if count else 0
    ends = [round(count * (2 ** (i + 1) - 1) / (2**rounds - 1)) for i in range(rounds)]
    cut = [blocks[low:high] for low, high in zip([0, *ends], ends, strict=False)]
    return _Contest([part for part in cut if part], blocks[count:], entrants, trials)
