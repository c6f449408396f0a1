"""An allocator at work on some trials under a budget: built from its name and knobs, shown what it may see, no more.

Both the engine and the replay drive allocators through here, so both show them the same and stop them alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fourdials import plugins
from fourdials.errors import InputError
from fourdials.plugins import Grant, TrialView, Update
from fourdials.records import Checkpoint, Experiment, Limits, Stop, Trial

UNITS = ("total_tokens", "usd", "calls")  # what a budget can be divided in; seconds depend on the day


def unit_of(limits: Limits) -> str:
    """The unit an allocator counts in: the first that the budget limits, else tokens."""
    return next((unit for unit in UNITS if getattr(limits, unit) is not None), UNITS[0])


class Allotment:
    """One allocator dividing one budget.

    Args:
        name: Of the allocator.
        knobs: Its validated settings.
        trials: What it may grant, in the plan's order.
        budget: What it divides, in the unit of `spent`; None for no limit.
        truth: The recorded stops of every trial, for an allocator that works with hindsight.

    Raises:
        InputError: There is no such allocator, or it needs hindsight and `truth` is None.
    """

    def __init__(
        self,
        name: str,
        knobs: Mapping[str, Any],
        trials: Sequence[TrialView],
        budget: float | None,
        truth: Mapping[str, Sequence[Stop]] | None = None,
    ) -> None:
        self.plan = plugins.find("allocator", name, plugins.allocators())
        if self.plan.grades == "hindsight":
            if truth is None:
                raise InputError(f"the allocator {name!r} knows the truth and works on recorded runs only")
            self._allocator = self.plan.make(trials, budget, truth, **knobs)
        else:
            self._allocator = self.plan.make(trials, budget, **knobs)
        if self._allocator.calibration and self.plan.grades != "calibration":
            raise InputError(f"the allocator {name!r} names calibration trials without declaring grades='calibration'")
        self._budget = budget
        self._by_trial: dict[str, float] = {}
        self.spent = 0.0  # all that was spent, as far as it was observed

    @property
    def divides(self) -> bool:
        """True if trials that are left standing are to be ended as `stopped`."""
        return self._allocator.divides

    @property
    def aside(self) -> frozenset[str]:
        """Trials whose answers do not count."""
        return self._allocator.aside

    def play(self, courses: Any, budgets: Sequence[float | None]) -> list[Any] | None:
        """Where recorded trials come to stand under each of some budgets, this one's apart; None from an allocator that
        has to be asked for each grant.

        Args:
            courses: A `courses.Courses` of the trials this was made with.
            budgets: In the unit of what the courses spend.
        """
        play = getattr(self._allocator, "play", None)
        return None if play is None else list(play(courses, budgets))

    def grants(self, free: int) -> list[Grant]:
        """At most `free` grants; none once a budget that is divided is spent, whatever the allocator says."""
        if self.divides and self._budget is not None and self.spent >= self._budget:
            return []
        return self._allocator.grants(free)

    def observe(
        self, trial_id: str, checkpoints: Sequence[Checkpoint], spent: float, stopped: bool, score: float | None
    ) -> bool:
        """Shows the allocator where a trial stands, its score only if it has ended and is a calibration trial.

        Returns True if a score was shown.
        """
        self.spent += spent - self._by_trial.get(trial_id, 0.0)
        self._by_trial[trial_id] = spent
        shown = score if stopped and trial_id in self._allocator.calibration else None
        self._allocator.observe(Update(trial_id, tuple(checkpoints), spent, stopped, shown))
        return shown is not None


def allot(experiment: Experiment, trials: Sequence[Trial]) -> Allotment:
    """The experiment's allocator over its trials, with the budget in the unit it counts in."""
    views = [TrialView(t.trial_id, t.block, t.arm.name, t.arm.dial, t.levels, t.problem.task) for t in trials]
    budget = getattr(experiment.budget, unit_of(experiment.budget))
    return Allotment(experiment.allocator, experiment.allocation, views, budget)
