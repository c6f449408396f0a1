"""Grants in rounds: what an adaptive allocator knows of its trials, and what of its wishes the budget admits.

A round is decided as a whole once the one before it has been observed as a whole. So a decision depends on what was
seen, never on who answered first, and a run with many places, a resumed one and a replay come to the same grants. The
price is that places stand empty at the end of a round.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from fourdials.plugins import Grant, TrialView, Update
from fourdials.records import Checkpoint


@dataclass(slots=True)
class Standing:
    """One trial as an allocator has seen it so far.

    Attributes:
        notches: The levels it may be granted, increasing.
        reached: How many of them it has been granted and has come to.
        spent: In the unit of the budget.
        ended: True once nothing more can be granted to it.
        seen: Every checkpoint, in order.
        score: Its grade, if it is a calibration trial that has ended.
    """

    view: TrialView
    notches: tuple[int, ...]
    reached: int = 0
    spent: float = 0.0
    ended: bool = False
    seen: list[Checkpoint] = field(default_factory=list)
    score: float | None = None

    @property
    def level(self) -> int:
        """The level it stands at; 0 before the first."""
        return self.notches[self.reached - 1] if self.reached else 0


@dataclass(frozen=True, slots=True)
class Wish:
    """That a trial may go on by so many notches."""

    trial: Standing
    notches: int = 1


class Purse:
    """A budget, what was spent of it, and what going on is foreseen to cost.

    Costs are foreseen from the dearest step seen so far of the same arm: to the same level where that was seen, else in
    proportion to the levels. While nothing is known of an arm, one of its trials goes ahead alone.

    Attributes:
        spent: In the unit of the budget.
        news: Arms of which something dearer was seen; whoever keeps what is foreseen empties it.
    """

    def __init__(self, budget: float | None) -> None:
        self.spent = 0.0
        self.news: set[str] = set()
        self._budget = budget
        self._dearest: dict[tuple[str, int, int], float] = {}
        self._rate: dict[str, float] = {}

    @property
    def left(self) -> float | None:
        """What is left of the budget; None without one."""
        return None if self._budget is None else self._budget - self.spent

    def note(self, arm: str, low: int, high: int, paid: float) -> None:
        """Takes in what going from one level of an arm to another has cost."""
        self.spent += paid
        step, rate = (arm, low, high), paid / (high - low)
        if paid > self._dearest.get(step, -1.0):
            self._dearest[step] = max(0.0, paid)
            self.news.add(arm)
        if rate > self._rate.get(arm, -1.0):
            self._rate[arm] = max(0.0, rate)
            self.news.add(arm)

    def foreseen(self, arm: str, low: int, high: int) -> float | None:
        """What going from one level of an arm to another is foreseen to cost; None while nothing of it was seen."""
        known = self._dearest.get((arm, low, high))
        if known is not None:
            return known
        return None if arm not in self._rate else self._rate[arm] * (high - low)

    def admitted(self, asked: Iterable[tuple[str, float | None]]) -> list[int]:
        """Which of some requests, each its arm and what it is foreseen to cost, fit what is left in their order.

        Of an arm nothing is known of, one goes ahead.
        """
        left = self.left
        ahead: set[str] = set()
        admitted = []
        for place, (arm, cost) in enumerate(asked):
            if left is not None and cost is None:
                if left <= 0 or arm in ahead:
                    continue
                ahead.add(arm)
            elif left is not None and cost is not None:
                if cost > left:
                    continue
                left -= cost
            admitted.append(place)
        return admitted


class Rounds:
    """Keeps the standings and turns the wishes of a round into grants that fit the budget.

    Args:
        trials: What may be granted; taken in the order of their blocks.
        budget: In whatever unit `Update.spent` is; None for no limit.
        choose: The wishes of the next round, most wanted first; none ends the allocation.
    """

    def __init__(self, trials: Sequence[TrialView], budget: float | None, choose: Callable[[], Sequence[Wish]]) -> None:
        ordered = sorted(trials, key=lambda view: (view.block, view.arm, view.levels))
        self.standings = {
            view.trial_id: Standing(view, tuple(level for level in view.levels if level > 0)) for view in ordered
        }
        self.purse = Purse(budget)
        self._choose = choose
        self._queue: deque[Grant] = deque()
        self._running: dict[str, int] = {}
        self._fresh: list[Standing] = []

    @property
    def open(self) -> list[Standing]:
        """Trials that may still be granted something, in the plan's order."""
        return [trial for trial in self.standings.values() if not trial.ended]

    def grants(self, free: int) -> list[Grant]:
        """At most `free` grants of this round; none while the others of it are still running."""
        if not self._queue and not self._running:
            self._queue.extend(self._admitted(self._choose()))
        given = [self._queue.popleft() for _ in range(min(free, len(self._queue)))]
        for grant in given:
            self._running[grant.trial_id] = self.standings[grant.trial_id].notches.index(grant.up_to) + 1
        return given

    def observe(self, update: Update) -> None:
        """Notes what a trial has shown and cost."""
        trial = self.standings[update.trial_id]
        reached, paid = self._running.pop(update.trial_id), update.spent - trial.spent
        self.purse.note(trial.view.arm, trial.level, trial.notches[reached - 1], paid)
        trial.spent, trial.reached, trial.score = update.spent, reached, update.score
        trial.seen.extend(update.checkpoints)
        trial.ended = update.stopped or reached == len(trial.notches)
        self._fresh.append(trial)

    def fresh(self) -> list[Standing]:
        """Trials observed since this was last asked, some perhaps twice."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def cost(self, wish: Wish) -> float | None:
        """What a wish is foreseen to cost; None while nothing of its arm was seen."""
        trial = wish.trial
        return self.purse.foreseen(trial.view.arm, trial.level, trial.notches[trial.reached + wish.notches - 1])

    def fitting(self, wishes: Iterable[Wish]) -> list[Wish]:
        """Those that what is left could pay for alone."""
        left = self.purse.left
        if left is None:
            return list(wishes)
        return [wish for wish in wishes if left > 0 and ((cost := self.cost(wish)) is None or cost <= left)]

    def _admitted(self, wishes: Sequence[Wish]) -> list[Grant]:
        """The wishes that fit what is left, in their order."""
        found = [wishes[at] for at in self.purse.admitted((wish.trial.view.arm, self.cost(wish)) for wish in wishes)]
        return [
            Grant(each.trial.view.trial_id, each.trial.notches[each.trial.reached + each.notches - 1]) for each in found
        ]
