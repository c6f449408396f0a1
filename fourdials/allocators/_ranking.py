"""Trials as columns → the places that rank first, however many trials there are.

Used by the allocators that look at every open trial each round and let those they choose go on by one level: what they
share is here, live and over recorded trials. Both come to the same grants: they choose by the same columns, which are
filled by what was observed, or for many trials at once by what is known of recorded ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fourdials.allocators._evidence import Evidence, evidence
from fourdials.allocators._rounds import Purse, Rounds, Wish
from fourdials.plugins import Grant, TrialView, Update

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
Stage = tuple[str, int, tuple[int, ...]]  # an arm, the level come to, the levels ahead


class Courses(Protocol):
    """What recorded trials show and cost as they go up level by level; trials × how many of their levels they came to.

    Attributes:
        spent: In all so far.
        at_once: In all, had this level been granted at once; in the last column, level 0.
        ended: True where nothing more could be granted.
    """

    spent: Array
    at_once: Array
    ended: Mask

    def evidence(self, trial: int, reached: int) -> Evidence:
        """What it has shown by then."""
        ...

    def column(self, trial: int, level: int) -> int:
        """Where a trial stands that was granted one of its levels."""
        ...


@dataclass(frozen=True, slots=True)
class Played:
    """Where recorded trials came to stand: the column of each in `Courses`, and what it spent in all."""

    reached: Places
    spent: Array


@dataclass(frozen=True, slots=True)
class _Round:
    """Trials that went on by a level together, and what of it each paid.

    Attributes:
        places, reached, came_to, ended: Of each trial, to what it came and what it has spent in all since.
        steps: Of each its arm, the level before and after, and what was paid.
        spent: By all, before this round.
        least: With more than this left, the round would have been the same under any budget.
    """

    places: Places
    reached: Places
    came_to: Array
    ended: Mask
    steps: list[tuple[str, int, int, float]]
    spent: float
    least: float


def _shared(rounds: Sequence[_Round], budget: float) -> list[_Round]:
    """Those before the first that might be decided otherwise under a smaller budget."""
    return list(takewhile(lambda each: each.least < budget - each.spent, rounds))


class Columns:
    """Trials in the plan's order, one place each, and how far they have come.

    Attributes:
        stages: Every arm, level and levels ahead at which a trial can stand.
        width: The largest number of levels of a trial.
        spent: In the unit of the budget.
        reached: How many of its levels each trial has come to.
        open: True where something may still be granted.
    """

    def __init__(self, trials: Sequence[TrialView], purse: Purse) -> None:
        known: dict[tuple[str, tuple[int, ...]], int] = {}
        kinds = np.array([known.setdefault((trial.arm, trial.levels), len(known)) for trial in trials], dtype=np.int64)
        ladders = [(arm, tuple(level for level in levels if level > 0)) for arm, levels in known]
        sizes = np.array([len(notches) for _, notches in ladders], dtype=np.int64)
        self.stages: list[Stage] = [
            (arm, (0, *notches)[count], notches[count:])
            for arm, notches in ladders
            for count in range(len(notches) + 1)
        ]
        self.width = int(sizes.max(initial=0))
        self._first = (np.cumsum(sizes + 1) - sizes - 1)[kinds]
        self._last = sizes[kinds]
        self.begin(purse)

    def begin(self, purse: Purse) -> None:
        """Puts every trial before its first level."""
        count = len(self._first)
        self._purse = purse
        self._costs = np.full((len(self.stages), self.width), np.nan)
        self.spent: Array = np.zeros(count)
        self.reached: Places = np.zeros(count, dtype=np.int64)
        self.open: Mask = self._last > 0

    def put(self, places: Places, reached: Places, spent: Array, ended: Mask) -> None:
        """Says how far some trials have come."""
        self.reached[places], self.spent[places] = reached, spent
        self.open[places] = ~ended & (reached < self._last[places])

    @property
    def stage(self) -> Places:
        """For each trial the index in `stages` of where it stands."""
        found: Places = self._first + self.reached
        return found

    def costs(self) -> Array:
        """What going to each of the levels ahead is foreseen to cost: stages × levels ahead; NaN where there is no such
        level, or nothing of the arm was seen."""
        if news := self._purse.news:
            for row, (arm, low, ahead) in enumerate(self.stages):
                if arm in news:
                    for column, high in enumerate(ahead):
                        cost = self._purse.foreseen(arm, low, high)
                        self._costs[row, column] = np.nan if cost is None else cost
            news.clear()
        return self._costs

    def next_costs(self) -> Array:
        """What the next level of each stage is foreseen to cost; NaN where unknown or where there is none."""
        return self.costs()[:, 0] if self.width else np.full(len(self.stages), np.nan)

    def fitting(self, wanted: Mask) -> Mask:
        """Those of the wanted whose next level what is left could pay for alone; an unknown cost fits while any is."""
        left = self._purse.left
        if left is None:
            return wanted
        costs = self.next_costs()
        return wanted & ((left > 0) & (np.isnan(costs) | (costs <= left)))[self.stage]

    def pilot(self, levels: int) -> Places:
        """Trials at the lowest of the first `levels` levels that some trial has not come to, as far as they fit."""
        waiting = self.open & (self.reached < levels)
        if not waiting.any():
            return np.flatnonzero(waiting)
        return np.flatnonzero(self.fitting(waiting & (self.reached == self.reached[waiting].min())))


def first(places: Places, keys: Array, count: int) -> Places:
    """The `count` places with the smallest keys, those first; equal ones in the plan's order."""
    if len(places) > count:
        bound = np.partition(keys, count - 1)[count - 1]
        small = keys <= bound
        places, keys = places[small], keys[small]
    return places[np.argsort(keys, kind="stable")][:count]


class Ranked(ABC):
    """An allocator that chooses by columns which trials go on by one level.

    Attributes:
        columns: How far the trials have come.
        notes: What is kept of what each has shown: trials × what `weigh` gives.
    """

    divides = True
    calibration: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()

    def __init__(self, trials: Sequence[TrialView], budget: float | None) -> None:
        self._rounds = Rounds(trials, budget, self._wishes)
        self._trials = list(self._rounds.standings.values())
        self._places = {trial.view.trial_id: place for place, trial in enumerate(self._trials)}
        self._given: Places = np.array([self._places[trial.trial_id] for trial in trials], dtype=np.int64)
        self.columns = Columns([trial.view for trial in self._trials], self._rounds.purse)
        self.begin()

    @abstractmethod
    def weigh(self, found: Evidence, stage: Stage) -> Sequence[float]:
        """What to keep of a trial that stands there and has shown this; equally many numbers for all."""

    @abstractmethod
    def choose(self) -> Places:
        """The trials of the next round, most wanted first; none ends the allocation."""

    def took(self, places: Places, shown: Callable[[int], Evidence]) -> None:  # noqa: B027 - most have nothing to add
        """Called after the notes of some trials have changed, with what the i-th of them has shown."""

    def begin(self) -> None:
        """Puts every trial before its first level."""
        blank = np.array([self.weigh(Evidence(), stage) for stage in self.columns.stages], dtype=np.float64)
        self.notes = blank[self.columns.stage] if len(blank) else np.zeros((0, 1))

    def grants(self, free: int) -> list[Grant]:
        """The next grants of this round."""
        return self._rounds.grants(free)

    def observe(self, update: Update) -> None:
        """Notes what a trial showed."""
        self._rounds.observe(update)

    def _wishes(self) -> list[Wish]:
        columns = self.columns
        fresh = {self._places[trial.view.trial_id]: trial for trial in self._rounds.fresh()}
        if fresh:
            places, trials = np.array(list(fresh), dtype=np.int64), list(fresh.values())
            came = [np.array([getattr(t, name) for t in trials]) for name in ("reached", "spent", "ended")]
            columns.put(places, came[0], came[1], came[2])
            found = [evidence(trial.seen) for trial in trials]
            stages = [columns.stages[stage] for stage in columns.stage[places]]
            self.notes[places] = [self.weigh(*each) for each in zip(found, stages, strict=True)]
            self.took(places, found.__getitem__)
        return [Wish(self._trials[place]) for place in self.choose()]

    def play(self, courses: Courses, budgets: Sequence[float | None]) -> list[Played]:
        """Where recorded trials would come to stand under each of some budgets: to where the grants would take them.

        Args:
            courses: Of the trials this was made with, in the same order.
            budgets: Each begins anew; the budget this was made with has no part in it.

        As long as enough is left a round is the same under a smaller budget as under the largest, and is not decided
        again.
        """
        self._courses, self._order = courses, np.argsort(self._given)
        self._known: dict[tuple[int, int], Sequence[float]] = {}
        largest: list[_Round] = []
        found: dict[float | None, Played] = {}
        for budget in sorted(set(budgets), key=lambda each: math.inf if each is None else -each):
            purse = Purse(budget)
            played = [] if budget is None else _shared(largest, budget)
            self._again(played, purse)
            while (budget is None or purse.spent < budget) and (following := self._decided(purse)):
                self._again([following], purse, begin=False)
                played.append(following)
            largest = largest or ([] if budget is None else played)
            found[budget] = Played(self.columns.reached[self._given], self.columns.spent[self._given])
        return [found[budget] for budget in budgets]

    def _decided(self, purse: Purse) -> _Round | None:
        """The next round, none if nobody is granted anything."""
        columns, courses = self.columns, self._courses
        wanted = self.choose()
        all_costs = columns.next_costs()[columns.stage]
        stages = [columns.stages[stage] for stage in columns.stage[wanted]]
        costs = all_costs[wanted].tolist()
        asked = [(stage[0], None if cost != cost else cost) for stage, cost in zip(stages, costs, strict=True)]
        if not (admitted := purse.admitted(asked)):
            return None
        places = wanted[admitted]
        trials, reached = self._order[places], columns.reached[places] + 1
        spent = courses.spent[trials, reached]
        paid = (spent - columns.spent[places]).tolist()
        steps = [
            (stages[at][0], stages[at][1], stages[at][2][0], cost) for at, cost in zip(admitted, paid, strict=True)
        ]
        dearest = np.fmax.reduce(all_costs[columns.open], initial=0.0)
        least = 1.000001 * max(float(dearest), sum(cost for _, cost in asked if cost is not None))
        return _Round(places, reached, spent, courses.ended[trials, reached], steps, purse.spent, least)

    def _again(self, rounds: Sequence[_Round], purse: Purse, begin: bool = True) -> None:
        """Takes the trials of some rounds on, from before their first levels or from where they stand."""
        columns = self.columns
        if begin:
            columns.begin(purse)
            self.begin()
        for each in rounds:
            for step in each.steps:
                purse.note(*step)
            columns.put(each.places, each.reached, each.came_to, each.ended)
        if not rounds:
            return
        places = rounds[0].places if len(rounds) == 1 else np.unique(np.concatenate([each.places for each in rounds]))
        stands = list(zip(self._order[places].tolist(), columns.reached[places].tolist(), strict=True))
        for stand, stage in zip(stands, columns.stage[places].tolist(), strict=True):
            if stand not in self._known:
                self._known[stand] = self.weigh(self._courses.evidence(*stand), columns.stages[stage])
        self.notes[places] = [self._known[stand] for stand in stands]
        self.took(places, lambda at: self._courses.evidence(*stands[at]))
