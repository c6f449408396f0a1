"""Recorded trials × an allocator → where each would have stopped, what it would have spent, and its score. No calls.

The allocator is the one a live run uses, driven through the same `Allotment`. The run must have taken its trials to
their largest levels (`uniform` by blocks). Called by `worth`, the command line and notebooks.
"""

from __future__ import annotations

import gc
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from fourdials import plugins, query
from fourdials.allotment import Allotment
from fourdials.errors import InputError
from fourdials.plugins import TrialView
from fourdials.records import Checkpoint, Dial, Stop
from fourdials.store import Store

REPLAY_SCHEMA: dict[str, type[pl.DataType]] = {
    "trial_id": pl.String,
    "task": pl.String,
    "problem_id": pl.String,
    "cluster_id": pl.String,
    "difficulty": pl.Float64,
    "arm": pl.String,
    "dial": pl.String,
    "repeat": pl.Int64,
    "level": pl.Int64,
    "spent": pl.Float64,
    "score": pl.Float64,
    "outcome": pl.String,
    "aside": pl.Boolean,
}
SAME = ("trial_id", "task", "problem_id", "cluster_id", "difficulty", "arm", "dial", "repeat")  # of a trial's row
_STANDING = ("level", "answer", "score", "outcome", "detail", "spend")  # of a checkpoint
_Request = tuple[list[int], list[float], list[float]]  # levels increasing, paid at each, paid again if cut above each


@dataclass(frozen=True, slots=True)
class Policy:
    """An allocator with its knobs, as something to compare. `name` is what frames call it."""

    name: str
    allocator: str
    knobs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def uses_truth(self) -> bool:
        """True if it works with hindsight: its curve is a bound."""
        return plugins.allocators()[self.allocator].grades == "hindsight"


UNIFORM = Policy("uniform", "uniform", {"order": "levels"})
POLICIES = (
    UNIFORM,
    Policy("proportional", "proportional"),
    Policy("greedy marginal", "greedy_marginal"),
    Policy("beta stopping", "beta_stopping"),
    Policy("oracle", "oracle"),
)


@dataclass(slots=True)
class RecordedTrial:
    """One trial as it was recorded.

    Attributes:
        row: Its columns of the query `replay_stops`.
        checkpoints, scores, outcomes, spends: What it could have stopped at, and what always stopping there would pay.
        requests: What its requests cost, level by level.
    """

    row: dict[str, Any]
    checkpoints: list[Checkpoint] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    spends: list[float] = field(default_factory=list)
    requests: list[_Request] = field(default_factory=list)
    _costs: dict[tuple[int, int], float] = field(default_factory=dict)
    _stops: list[Stop] | None = field(default=None, init=False)
    _at: list[int] | None = field(default=None, init=False)
    _view: TrialView | None = field(default=None, init=False)

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels it was asked for."""
        row = self.row
        return tuple(row["levels"]) if row["nested"] else (row["max_level"],)

    def view(self) -> TrialView:
        """What an allocator may know of it."""
        if self._view is None:
            row = self.row
            dial: Dial = row["dial"]
            self._view = TrialView(row["trial_id"], row["block"], row["arm"], dial, self.levels, row["task"])
        return self._view

    def cost(self, low: int, high: int) -> float:
        """What going on from one level to another costs, once stopped at the first.

        Everything entering in between, read-offs of answers included; and a request the stop cuts in two is paid as
        two: the prompt of samples once more, a thought from its beginning.
        """
        known = self._costs.get((low, high))
        if known is None:
            known = sum(_between(request, low, high) for request in self.requests)
            self._costs[low, high] = known
        return known

    def at(self) -> list[int]:
        """The levels of its checkpoints."""
        if self._at is None:
            self._at = [checkpoint.level for checkpoint in self.checkpoints]
        return self._at

    def reach(self, up_to: int) -> tuple[int, int, bool]:
        """How many checkpoints lie behind it once it has gone up to a level, to which level it then has paid, and
        whether it has ended."""
        levels, row = self.at(), self.row
        found = bisect_left(levels, min(up_to, row["max_level"]))
        if found == len(levels):  # it ended on the way; all it still spent was spent
            return found, row["max_level"], True
        last = found + 1 == len(levels) and row["stop_reason"] == "finished"
        return found + 1, levels[found], last or levels[found] >= row["max_level"]

    def stops(self) -> list[Stop]:
        """Where it would stand had it been taken to each of its levels at once; none before its first answer."""
        if self._stops is None:
            passed = [(level, bisect_right(self.at(), level)) for level in self.levels]
            self._stops = [Stop(level, self.cost(0, level), self.scores[count - 1]) for level, count in passed if count]
        return self._stops


def _between(request: _Request, low: int, high: int) -> float:
    levels, paid, again = request
    first, last = bisect_right(levels, low), bisect_right(levels, high)
    if first == last:
        return 0.0
    return sum(paid[first:last]) + sum(again[:first])


@contextmanager
def without_collector() -> Iterator[None]:
    """Recorded trials and their replays are many small objects without cycles; looking for cycles among them takes as
    long as all the rest."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def recorded(
    store: Store,
    experiment_ids: Sequence[str],
    unit: str = "total_tokens",
    tasks: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
) -> list[RecordedTrial]:
    """The trials of complete blocks, with what their levels cost in `unit`: total_tokens, usd or calls.

    Raises InputError if a run let an allocator stop trials early, so that what lies beyond is not known, or if the cost
    of a call is unknown in this unit. Empty where nothing is complete.
    """
    for experiment_id in experiment_ids:
        _must_be_whole(store, experiment_id)
    chosen = {"tasks": None if tasks is None else list(tasks), "arms": None if arms is None else list(arms)}
    ids = list(experiment_ids)
    stops = query.run(store, "replay_stops", experiment_ids=ids, unit=unit, **chosen)
    pieces = query.run(store, "replay_pieces", experiment_ids=ids, unit=unit, **chosen)
    with without_collector():
        return _trials(stops, pieces, unit)


def _trials(stops: pl.DataFrame, pieces: pl.DataFrame, unit: str) -> list[RecordedTrial]:
    whole = stops.select(pl.exclude("seq", *_STANDING)).unique("trial_id", keep="first", maintain_order=True)
    trials = {row["trial_id"]: RecordedTrial(row) for row in whole.iter_rows(named=True)}
    standing = stops.drop_nulls("level").select("trial_id", *_STANDING)
    for trial_id, rows in groupby(standing.iter_rows(), itemgetter(0)):
        trial = trials[trial_id]
        for _, level, answer, score, outcome, detail, spend in rows:
            trial.checkpoints.append(Checkpoint(level, answer, False, json.loads(detail) if detail else {}))
            trial.scores.append(score or 0.0)
            trial.outcomes.append(outcome)
            trial.spends.append(spend)
    _add_requests(trials, pieces, unit)
    return list(trials.values())


def _add_requests(trials: Mapping[str, RecordedTrial], pieces: pl.DataFrame, unit: str) -> None:
    for (trial_id, _), rows in groupby(pieces.iter_rows(), itemgetter(0, 1)):
        if trial_id not in trials:
            continue
        _, _, levels, paid, again = map(list, zip(*rows, strict=True))
        if None in paid or None in again:
            raise InputError(f"what a call of {trial_id} cost in {unit} is unknown; replay in another unit")
        trials[trial_id].requests.append((levels, paid, again))


def _must_be_whole(store: Store, experiment_id: str) -> None:
    held = query.run(store, "spec", experiment_id=experiment_id)["spec"]
    spec = json.loads(held[0]) if len(held) else {}
    name, knobs = spec.get("allocator", "uniform"), spec.get("allocation", {})
    if name != "uniform" or knobs.get("order", "blocks") != "blocks":
        raise InputError(
            f"{experiment_id} was run with the allocator {name!r}, which stops trials early: what they would have done "
            "beyond is not known; use a run with the allocator 'uniform' in the order 'blocks'"
        )


def replay(trials: Sequence[RecordedTrial], policy: Policy, budget: float | None) -> pl.DataFrame:
    """Where an allocator would have stopped each recorded trial under a budget.

    A live run of the same seeds agrees exactly where every sample is a request of its own; where samples share
    requests, other pieces draw other samples, and the two agree in their answers only on average.

    Returns:
        Columns of `REPLAY_SCHEMA`, one row per trial in the order given: the `level` reached (0 for never granted),
        what was `spent` on the way, the `score` and `outcome` of the last answer (0 and `unanswered` without one), and
        `aside`: true where the answer does not count (calibration, dropped arms) though its spend does.

    Raises:
        InputError: There is no such allocator.
    """
    places, aside = driven(trials, policy, budget)
    same = {name: [trial.row[name] for trial in trials] for name in SAME}
    came = {
        "level": [place.trial.at()[place.passed - 1] if place.passed else 0 for place in places],
        "spent": [place.spent for place in places],
        "score": [place.score for place in places],
        "outcome": [place.trial.outcomes[place.passed - 1] if place.passed else "unanswered" for place in places],
        "aside": [trial.row["trial_id"] in aside for trial in trials],
    }
    return pl.DataFrame(same | came, schema=REPLAY_SCHEMA)


def driven(trials: Sequence[RecordedTrial], policy: Policy, budget: float | None) -> tuple[list[Place], frozenset[str]]:
    """How far each trial came, and the ids of those whose answers do not count. Raises as `replay` does."""
    plan = plugins.find("allocator", policy.allocator, plugins.allocators())
    knobs = plan.Knobs.model_validate(policy.knobs).model_dump()
    truth = {t.row["trial_id"]: t.stops() for t in trials} if plan.grades == "hindsight" else None
    allotment = Allotment(policy.allocator, knobs, [trial.view() for trial in trials], budget, truth)
    by_id = {trial.row["trial_id"]: Place(trial) for trial in trials}
    while grants := allotment.grants(len(by_id)):
        for grant in grants:
            place = by_id[grant.trial_id]
            seen, stopped = place.advance(grant.up_to)
            allotment.observe(grant.trial_id, seen, place.spent, stopped, place.score)
    return list(by_id.values()), allotment.aside


@dataclass(slots=True)
class Place:
    """How far a replayed trial has come."""

    trial: RecordedTrial
    passed: int = 0  # checkpoints
    spent: float = 0.0

    @property
    def score(self) -> float:
        return self.trial.scores[self.passed - 1] if self.passed else 0.0

    def advance(self, up_to: int) -> tuple[list[Checkpoint], bool]:
        """The checkpoints on the way to a level, as `run.TrialRun` would come by them, and whether the trial ended."""
        trial, before = self.trial, self.passed
        low = trial.at()[before - 1] if before else 0
        self.passed, high, ended = trial.reach(up_to)
        self.spent += trial.cost(low, high)
        return trial.checkpoints[before : self.passed], ended
