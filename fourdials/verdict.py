"""What a run says of a claim of the literature: checks held against intervals → a verdict with its reasons.

A claim is a file under `claims/`; `weighing` brings the runs of the database before its judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import polars as pl
from scipy.special import ndtri

from fourdials import plugins, spec
from fourdials.errors import InputError
from fourdials.estimate import Z, pool

Outcome = Literal[
    "reproduced", "not reproduced here", "undecided at this n", "cannot be tested this way", "not run yet", "shown only"
]
Unit = Literal["points", "share", "ratio", "number"]
REPRODUCED: Outcome = "reproduced"
NOT_REPRODUCED: Outcome = "not reproduced here"
UNDECIDED: Outcome = "undecided at this n"
UNTESTABLE: Outcome = "cannot be tested this way"
NOT_RUN: Outcome = "not run yet"
SHOWN: Outcome = "shown only"
ORIGINS = ("real", "scale model")  # what may carry a verdict; simulated models are made to obey the formulas
EXPERIMENTS = Path(__file__).resolve().parent.parent / "data" / "experiments"
_POWER = float(ndtri(0.8))


class Measured(Protocol):
    """A number with its 95 % interval, as estimates give it."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def method(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a claim implies, held against an interval.

    Attributes:
        said: What must hold.
        outcome: `reproduced`, `not reproduced here` or `undecided at this n`; `cannot be tested this way` for a part of
            the claim that this run does not reach, with the reason in `said`; `shown only` for what belongs to the
            picture and decides nothing.
        value, low, high: The estimate and its 95 % interval; None where the check is no number.
        unit: How to read them: `points` and `share` as shares of 1, `ratio`, `number`.
        n: Problems behind it.
        method: How the interval was made.
        needed: Problems that would settle it four times in five if the estimate is right; None where it is settled, or
            the estimate lies on the line.
    """

    said: str
    outcome: Outcome
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: Unit = "points"
    n: int = 0
    method: str = ""
    needed: int | None = None


Grade = Callable[[str, str, str], float | None]


def _nobody() -> Grade | None:
    return None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One run, as a claim's judge sees it.

    Attributes:
        experiment_id, origin: The run, and what kind of models it used.
        read: Query name and parameters → frame, of this run.
        grader: Gives `grade`, for which a run's problems have to be made again.
        others: The other runs of the same kind that count for the claim, for claims whose two sides may be two runs.
    """

    experiment_id: str
    origin: str
    read: Callable[..., pl.DataFrame]
    grader: Callable[[], Grade | None] = _nobody
    others: tuple[Evidence, ...] = ()

    @property
    def grade(self) -> Grade | None:
        """Task, problem, answer → score, for samples at which no checkpoint stood; None where that cannot be told."""
        return self.grader()

    @property
    def arms(self) -> pl.DataFrame:
        """Rows of the query `arms`."""
        return self.read("arms", experiment_ids=[self.experiment_id])

    def points(self, unit: str = "total_tokens") -> pl.DataFrame:
        """Rows of the query `curve_points`."""
        return self.read("curve_points", experiment_ids=[self.experiment_id], unit=unit)

    def trials(self) -> pl.DataFrame:
        """Rows of the query `trial_spends`."""
        return self.read("trial_spends", experiment_ids=[self.experiment_id])

    def steps(self) -> pl.DataFrame:
        """Rows of the query `claim_steps`."""
        return self.read("claim_steps", experiment_ids=[self.experiment_id])

    def samples(self) -> pl.DataFrame:
        """Rows of the query `pool_samples`, graded as far as that takes no call."""
        found = self.read("pool_samples", experiment_ids=[self.experiment_id])
        grade = self.grade
        return found if grade is None else pool.graded(found, grade)


Judge = Callable[[Evidence], Sequence[Check]]


@dataclass(frozen=True, slots=True)
class Claim:
    """Something the literature says, and the test it is put to.

    Attributes:
        id: `C1` … `C23`, `C8b`.
        title: A few words.
        headline: What is claimed, with the source's own figures.
        source: Who said it, where.
        scaling: `internal` (the model is trained for it), `external` (added around the model) or `both`.
        counts: What counts as reproduced.
        established, contested, untestable: What is, what is argued over, and what calls cannot show.
        judge: Turns a run into checks; raises InputError where the run cannot test the claim. None if no run can.
    """

    id: str
    title: str
    headline: str
    source: str
    scaling: Literal["internal", "external", "both"]
    counts: str
    established: str
    contested: str
    untestable: str
    judge: Judge | None


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one claim by one kind of models.

    Attributes:
        claim_id, origin, outcome: On what, by what, and what.
        reasons: Sentences that go with it.
        checks: What was tested, first the one the claim is about.
        n: Problems behind the first check that has any; 0 where nothing was run.
        models: Models that solved.
        experiments: The run that speaks, then others of the same kind, which were judged the same way.
        others: Outcomes of those others, in the same order.
        interim: True if trials of the run are still to come: what it says so far is then in the reasons, and the
            outcome is undecided, since whoever looks often enough at a growing run sees it settled once by chance.
    """

    claim_id: str
    origin: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    n: int = 0
    models: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    others: tuple[Outcome, ...] = ()
    interim: bool = False

    @property
    def needed(self) -> int | None:
        """Problems that would settle every undecided check; None if it is settled or cannot be said."""
        open_ones = [check.needed for check in self.checks if check.outcome == UNDECIDED]
        return None if not open_ones or None in open_ones else max(each for each in open_ones if each is not None)

    @property
    def leading(self) -> Check | None:
        """The first check that came out as the claim did, else the first at all; None without any."""
        return next(iter([*(check for check in self.checks if check.outcome == self.outcome), *self.checks]), None)

    @property
    def told(self) -> str:
        """The outcome, with "in part" where a part of the claim could not be tested and the others hold, and "interim"
        where trials are still to come."""
        part = self.outcome == REPRODUCED and any(check.outcome == UNTESTABLE for check in self.checks)
        return self.outcome + (", in part" if part else "") + (", interim" if self.interim else "")


@cache
def claims() -> dict[str, Claim]:
    """Every claim by id, in the order of their numbers."""
    found = {module.CLAIM.id: module.CLAIM for module in plugins.claims().values()}
    return dict(sorted(found.items(), key=lambda item: (int(item[0].strip("Cb")), item[0])))


@cache
def experiments() -> dict[str, tuple[str, ...]]:
    """For each claim the stems of the files in `data/experiments` that name it in their list `claims`."""
    named = [(path.stem, spec.load(path).get("claims", [])) for path in sorted(EXPERIMENTS.glob("*.toml"))]
    return {claim: tuple(stem for stem, ids in named if claim in ids) for claim in claims()}


def above(said: str, found: Measured, line: float = 0.0, unit: Unit = "points") -> Check:
    """Holds if the whole interval lies above a line, fails if it lies below."""
    outcome = REPRODUCED if found.low > line else NOT_REPRODUCED if found.high < line else UNDECIDED
    needed = _needed(found, line) if outcome == UNDECIDED else None
    return _check(said, outcome, found, unit, needed)


def below(said: str, found: Measured, line: float, unit: Unit = "points") -> Check:
    """Holds if the whole interval lies below a line, fails if it lies above."""
    check = above(said, found, line, unit)
    swapped = {REPRODUCED: NOT_REPRODUCED, NOT_REPRODUCED: REPRODUCED}
    return replace(check, outcome=swapped.get(check.outcome, check.outcome))


def within(said: str, found: Measured, margin: float, unit: Unit = "points") -> Check:
    """An equivalence test: holds if the interval lies within ± a margin, fails if it lies outside.

    The 95 % interval is stricter than the 90 % one of two one-sided tests at 5 %.
    """
    inside = found.low > -margin and found.high < margin
    outside = found.low > margin or found.high < -margin
    outcome = REPRODUCED if inside else NOT_REPRODUCED if outside else UNDECIDED
    edge = math.copysign(margin, found.value)
    needed = _needed(found, edge) if outcome == UNDECIDED else None
    return _check(said, outcome, found, unit, needed)


def not_worse(said: str, found: Measured, margin: float, unit: Unit = "points") -> Check:
    """A test of non-inferiority: holds if the interval lies above −margin, fails if it lies below."""
    return above(said, found, -margin, unit)


def gains(said: str, found: Measured, least: float, unit: Unit = "points") -> Check:
    """Holds if the whole interval lies above 0, fails if it lies below a gain too small to speak of."""
    outcome = REPRODUCED if found.low > 0 else NOT_REPRODUCED if found.high < least else UNDECIDED
    return _check(said, outcome, found, unit, _needed(found, 0.0) if outcome == UNDECIDED else None)


def shown(said: str, found: Measured, unit: Unit = "points") -> Check:
    """A number that belongs to the picture and decides nothing."""
    return _check(said, SHOWN, found, unit, None)


def untested(said: str) -> Check:
    """A part of the claim that this run does not reach, and why."""
    return Check(said, UNTESTABLE)


def conclude(checks: Sequence[Check]) -> Outcome:
    """What all checks together say: not reproduced if one fails; else it cannot be tested where the first, which the
    claim is about, could not be; else, of those that could, reproduced if all are and undecided if not. What is only
    shown does not count."""
    outcomes = [check.outcome for check in checks if check.outcome != SHOWN]
    if NOT_REPRODUCED in outcomes:
        return NOT_REPRODUCED
    if not outcomes or outcomes[0] == UNTESTABLE:
        return UNTESTABLE
    return REPRODUCED if set(outcomes) <= {REPRODUCED, UNTESTABLE} else UNDECIDED


def judge(claim: Claim, evidence: Evidence) -> Finding:
    """What one run says of a claim; `cannot be tested this way` with the reason where it cannot."""
    blank = Finding(claim.id, evidence.origin, UNTESTABLE, experiments=(evidence.experiment_id,))
    if evidence.origin not in ORIGINS:
        raise InputError(f"a run of {evidence.origin} models carries no verdict; only {' and '.join(ORIGINS)} ones do")
    if claim.judge is None:
        return replace(blank, reasons=(claim.untestable,))
    try:
        checks = tuple(claim.judge(evidence))
    except InputError as error:
        return replace(blank, reasons=(f"This run cannot test it: {error}.",))
    n = next((check.n for check in checks if check.n and check.outcome != SHOWN), 0)
    return replace(blank, outcome=conclude(checks), checks=checks, n=n)


def of_runs(claim: Claim, origin: str, runs: Sequence[Mapping[str, Any]], look: Callable[[str], Evidence]) -> Finding:
    """The verdict of one kind of models on one claim.

    Args:
        claim: The claim.
        origin: The kind.
        runs: Rows of the query `claim_runs`, the one that speaks first.
        look: A run's id → what its judge sees.
    """
    if claim.judge is None:
        return Finding(claim.id, origin, UNTESTABLE, (claim.untestable,))
    if not runs:
        return Finding(claim.id, origin, NOT_RUN)
    seen = [look(run["experiment_id"]) for run in runs]
    found = [
        _so_far(judge(claim, replace(own, others=tuple(other for other in seen if other is not own))), run)
        for own, run in zip(seen, runs, strict=True)
    ]
    first, rest = found[0], found[1:]
    return replace(
        first,
        models=tuple(runs[0]["models"]),
        experiments=tuple(run["experiment_id"] for run in runs),
        others=tuple(each.outcome for each in rest),
    )


def _so_far(found: Finding, run: Mapping[str, Any]) -> Finding:
    """A finding of a run with trials still to come, as what it is: interim, and settled in nothing."""
    if not run["interim"]:
        return found
    if found.outcome not in (REPRODUCED, NOT_REPRODUCED):
        return replace(found, interim=True)
    said = f"Trials of this run are still to come; so far: {found.told}."
    return replace(found, outcome=UNDECIDED, reasons=(*found.reasons, said), interim=True)


def _check(said: str, outcome: Outcome, found: Measured, unit: Unit, needed: int | None) -> Check:
    return Check(said, outcome, found.value, found.low, found.high, unit, found.n, found.method, needed)


def _needed(found: Measured, line: float) -> int | None:
    """Problems at which an estimate so far from a line would be told from it with a power of 80 %.

    n · ((z_0.975 + z_0.8) · se / |value − line|)², with the standard error that the interval's width implies: errors
    shrink with the root of n.
    """
    apart = abs(found.value - line)
    if not found.n or apart < 1e-9 or not math.isfinite(found.high - found.low):
        return None
    error = (found.high - found.low) / (2 * Z)
    return max(found.n + 1, math.ceil(found.n * ((Z + _POWER) * error / apart) ** 2))
