"""What an experiment will cost, before it runs: a rehearsal of its own strategies with invented replies.

Called by the Run page and the command line. Each arm plays a few problems twice against a stand-in for the models,
once with short replies and once with replies of full length, so the forecast is a band; no strategy describes its
costs a second time. Nothing is sent or stored. Where a level is a call, levels above some hundreds are not played but
worked out from smaller ones, as if each further level cost as much as those do (see `_rehearsed`).
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from fourdials import estimate, plan
from fourdials.charges import Row
from fourdials.endings import Ending
from fourdials.errors import InputError
from fourdials.journal import History
from fourdials.ledger import Purse, modelled_seconds
from fourdials.prices import load_prices
from fourdials.records import Attempt, Experiment, Limits, Model, ModelRequest, Sample, Trial, Usage
from fourdials.run import Job, TrialRun

REHEARSED_PROBLEMS = 3
REHEARSED_LEVELS = 256  # more than twice what requests hold at most, so that this and half of it are whole requests
REHEARSED_CALLS = 512  # a vote of 200,000, played in full, would take minutes and a gigabyte to say the same
SHORT, LONG = 0.15, 1.0  # share of `max_tokens` that a free reply takes in the two passes
LOCAL_SPEED_UP = 2.0  # what batching gains on one computer: between this and nothing
SIMULATED_CALL_S = 0.002
CHARACTERS_PER_TOKEN = 3.5
LEAST_PAST_TRIALS = 3


@dataclass(frozen=True, slots=True)
class Band:
    """A low and a high estimate."""

    low: float
    high: float

    def __add__(self, other: Band) -> Band:
        return Band(self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Band:
        """The band of `factor` times as much."""
        return Band(self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a whole experiment may cost. A band is None where a price or a speed is unknown.

    Attributes:
        per_arm: Total tokens of one trial of each arm, caps applied.
        detectable_difference: Difference in accuracy between two arms that this many problems find in 4 of 5 runs.
        measured: Names of arms whose figure comes from earlier runs rather than from the rehearsal.
    """

    calls: Band
    prompt_tokens: Band
    completion_tokens: Band
    total_tokens: Band
    usd: Band | None
    seconds: Band | None
    per_arm: Mapping[str, Band]
    blocks: int
    trials: int
    detectable_difference: float
    measured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Cost:
    calls: float
    prompt_tokens: float
    completion_tokens: float
    usd: float | None
    seconds: float | None

    def further(self, before: _Cost, times: float) -> _Cost:
        """With so many times what it costs more than `before`; unknown where either is."""
        grown: dict[str, Any] = {}
        for unit, then in asdict(before).items():
            now = getattr(self, unit)
            grown[unit] = None if now is None or then is None else now + times * max(0.0, now - then)
        return _Cost(**grown)


def forecast(experiment: Experiment, history: pl.DataFrame | None = None) -> Forecast:
    """Rehearses an experiment and scales up to all its trials.

    Args:
        experiment: A validated experiment.
        history: Earlier trials with columns task, strategy, model, max_level, calls, prompt_tokens,
            completion_tokens; where
            there are some of the same kind, their mean (± 15 %) replaces the rehearsed tokens.

    Raises InputError with the message a run would end with: if a task cannot make its problems, or an arm fails at its
    first move or by what a person's own code gives it, whatever a model says.
    """
    found = plan.problems(experiment)
    few = replace(
        experiment,
        repeats=1,
        tasks=tuple(replace(task, problems=min(task.problems, REHEARSED_PROBLEMS)) for task in experiment.tasks),
    )
    first = {task.name: found[task.name][: task.problems] for task in few.tasks}
    trials = list(plan.trials(few, "rehearsal", plan.blocks(few, first)))
    passes = [asyncio.run(_rehearse(few, trials, share)) for share in (SHORT, LONG)]
    return _scaled(experiment, trials, passes, history)


async def _rehearse(experiment: Experiment, trials: Sequence[Trial], share: float) -> list[_Cost]:
    """What each trial costs when free replies take this share of their length."""
    job = Job(experiment, "rehearsal", _Stand(share), _Silence(), History(None), load_prices())
    costs = []
    ends: dict[tuple[str, str], list[str | None]] = {}
    for trial in trials:
        free = replace(trial, limits=Limits())  # what caps leave of it is worked out afterwards
        cost, failure = await _rehearsed(job, share, free)
        costs.append(cost)
        ends.setdefault((trial.arm.name, trial.problem.task), []).append(failure)
    for (arm, task), said in ends.items():
        if all(said):
            raise InputError(f"every trial of {arm} on {task} fails: {said[0]}")
    return costs


async def _rehearsed(job: Job, share: float, trial: Trial) -> tuple[_Cost, str | None]:
    """What a trial costs, and what failed in it that no reply could have saved.

    One to a level in the thousands is first played to 128 and 256. Where its calls go on growing so that all of it
    would take more than some hundreds, it is not played on: each further level is taken to cost what those between the
    two did on average. So prompts that grow with every level, as a walk's do, are forecast too low for such levels.
    """
    if trial.max_level > REHEARSED_LEVELS:
        half, _ = await _played(job, share, _shortened(trial, REHEARSED_LEVELS // 2))
        whole, failure = await _played(job, share, _shortened(trial, REHEARSED_LEVELS))
        times = (trial.max_level - REHEARSED_LEVELS) / (REHEARSED_LEVELS - REHEARSED_LEVELS // 2)
        if whole.calls + times * (whole.calls - half.calls) > REHEARSED_CALLS:
            return whole.further(half, times), failure
    return await _played(job, share, trial)


def _shortened(trial: Trial, level: int) -> Trial:
    """The trial as if it were to end at this level."""
    return replace(trial, max_level=level, levels=(*(each for each in trial.levels if each < level), level))


async def _played(job: Job, share: float, trial: Trial) -> tuple[_Cost, str | None]:
    # Each is played to the same replies from the first on, so that a longer trial differs by its further levels alone.
    job = replace(job, sender=_Stand(share), journal=(heard := _Silence()))
    trial_run = TrialRun(job, trial, Purse(Limits()))
    end = await trial_run.advance(trial.max_level)
    await trial_run.close()
    return _cost(heard.rows, job.experiment), _hopeless(end, len(heard.rows))


def _hopeless(end: Ending | None, calls: int) -> str | None:
    """What failed in a trial that no reply of a model could have saved; None if it went on.

    Other faults may be due to the invented replies."""
    error = end.error if end else None
    if error is None or error["boundary"] != "plug-in" or (calls and error["type"] != InputError.__name__):
        return None
    return error["message"]


class _Silence:
    """A record that keeps nothing but the rows of calls."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Keeps rows of calls."""
        if kind == "calls":
            self.rows += fields["rows"]

    def text(self, text: str) -> str:
        """Refers to a text by itself."""
        return text


class _Stand:
    """Stands in for the models: replies that can be read, of a set length, and honest token estimates."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._rng = random.Random(0)

    async def send(self, request: ModelRequest, record: Callable[[Attempt], None]) -> Attempt:
        """Invents the replies of one request."""
        prompt = request.prompt
        prompt_tokens = round(len(prompt.shown) / CHARACTERS_PER_TOKEN) + 4 * len(prompt.messages)
        samples = []
        for _ in range(request.n):
            answer = self._rng.choice(prompt.choices) if prompt.choices else "7"
            brief = bool(prompt.choices) and prompt.format == "completion"
            tokens = 1 + len(answer) // 4 if brief else max(1, round(self._share * prompt.max_tokens))
            text = answer if brief else f"{'so ' * tokens}\n{prompt.mark} {answer}"
            usage = Usage(prompt_tokens, 0, 0, tokens, 0)
            samples.append(Sample(text, "length" if tokens >= prompt.max_tokens else "stop", usage))
        return Attempt(number=1, started_at=time.time(), latency_s=0.0, samples=tuple(samples))


def _cost(rows: Sequence[Row], experiment: Experiment) -> _Cost:
    prices_known = all(row["usd"] is not None for row in rows)
    seconds = [_seconds(row, experiment.models[row["model"]]) for row in rows]
    known = [value for value in seconds if value is not None]
    return _Cost(
        calls=sum(row["segment"] == 0 for row in rows),
        prompt_tokens=sum(row["prompt_tokens"] for row in rows),
        completion_tokens=sum(row["completion_tokens"] for row in rows),
        usd=sum(row["usd"] for row in rows) if prices_known else None,
        seconds=sum(known) if len(known) == len(seconds) else None,
    )


def _seconds(row: Row, model: Model) -> float | None:
    if model.provider == "sim":
        return SIMULATED_CALL_S
    return modelled_seconds(model, Usage(row["prompt_tokens"], completion_tokens=row["completion_tokens"]))


def _scaled(
    experiment: Experiment, trials: Sequence[Trial], passes: Sequence[Sequence[_Cost]], history: pl.DataFrame | None
) -> Forecast:
    """Means per (task, arm, level) of the rehearsed trials, times the number of such trials in the experiment."""
    units = ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds", "total_tokens")
    totals: dict[str, Band | None] = {unit: Band(0.0, 0.0) for unit in units}
    tokens_of_arm: dict[str, list[Band]] = {}
    measured, planned = set(), 0
    counts = {task.name: task.problems * experiment.repeats for task in experiment.tasks}
    groups = sorted({(trial.problem.task, trial.arm.name, trial.max_level) for trial in trials})
    for task, arm, level in groups:
        picks = [i for i, t in enumerate(trials) if (t.problem.task, t.arm.name, t.max_level) == (task, arm, level)]
        planned += counts[task]
        limits = _limits_of(experiment, trials[picks[0]])
        bands = {unit: _band([[getattr(costs[i], unit) for i in picks] for costs in passes]) for unit in units[:-1]}
        if (past := _past(history, trials[picks[0]])) is not None:
            bands |= past
            measured.add(arm)
        bands["total_tokens"] = (bands["prompt_tokens"] or Band(0, 0)) + (bands["completion_tokens"] or Band(0, 0))
        bands = _capped(bands, limits)
        tokens_of_arm.setdefault(arm, []).append(bands["total_tokens"] or Band(0, 0))
        for unit in units:
            band, so_far = bands[unit], totals[unit]
            grown = None if band is None or so_far is None else so_far + band.times(counts[task])
            totals[unit] = grown
    return _forecast(experiment, _capped(totals, experiment.budget), tokens_of_arm, measured, planned)


def _forecast(
    experiment: Experiment,
    totals: Mapping[str, Band | None],
    tokens_of_arm: Mapping[str, Sequence[Band]],
    measured: set[str],
    planned: int,
) -> Forecast:
    calls, prompt, completion = (totals[unit] or Band(0, 0) for unit in ("calls", "prompt_tokens", "completion_tokens"))
    local = any(model.provider == "local" for model in experiment.models.values())
    speed_up = LOCAL_SPEED_UP if local else float(experiment.concurrency)
    seconds = totals["seconds"]
    if seconds is not None:
        seconds = Band(seconds.low / speed_up, seconds.high if local else 2 * seconds.high / speed_up)
    problems = min(task.problems for task in experiment.tasks)
    return Forecast(
        calls=calls,
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=totals["total_tokens"] or Band(0, 0),
        usd=totals["usd"],
        seconds=seconds,
        per_arm={
            arm: Band(statistics.fmean(b.low for b in bands), statistics.fmean(b.high for b in bands))
            for arm, bands in tokens_of_arm.items()
        },
        blocks=sum(task.problems for task in experiment.tasks) * experiment.repeats,
        trials=planned,
        detectable_difference=estimate.detectable_difference(problems),
        measured=tuple(sorted(measured)),
    )


def _band(passes: Sequence[Sequence[float | None]]) -> Band | None:
    if any(value is None for values in passes for value in values):
        return None
    low, high = (statistics.fmean(value for value in values if value is not None) for values in passes)
    return Band(min(low, high), max(low, high))


def _limits_of(experiment: Experiment, rehearsed: Trial) -> Limits:
    """The cap this trial has in the whole experiment; the rehearsal's own share is spread over fewer problems."""
    order = [
        plan.Block(task, rehearsed.problem, 0)
        for task in experiment.tasks
        for _ in range(task.problems * experiment.repeats)
    ]
    fitting = sum(rehearsed.arm in plan.fitting_arms(experiment, block.task) for block in order)
    return plan.limits(experiment, rehearsed.arm, fitting, rehearsed.max_level)


def _capped(bands: Mapping[str, Band | None], limits: Limits) -> dict[str, Band | None]:
    """The bands, each end shrunk in all units alike to what the tightest limit leaves of it."""
    low, high = (_room({u: getattr(band, end) for u, band in bands.items() if band}, limits) for end in ("low", "high"))
    capped = {unit: band and sorted((band.low * low, band.high * high)) for unit, band in bands.items()}
    return {unit: Band(*ends) if ends else None for unit, ends in capped.items()}


def _room(amounts: Mapping[str, float], limits: Limits) -> float:
    """The share of these amounts that fits all limits."""
    held = {unit: getattr(limits, unit) for unit in ("total_tokens", "usd", "calls")}
    shares = [limit / amounts[unit] for unit, limit in held.items() if limit is not None and amounts.get(unit)]
    return min(1.0, *shares) if shares else 1.0


def _past(history: pl.DataFrame | None, trial: Trial) -> dict[str, Band | None] | None:
    """Bands from earlier trials of the same task, strategy, model and level, if there are at least three."""
    if history is None or history.is_empty():
        return None
    alike = history.filter(
        (pl.col("task") == trial.problem.task)
        & (pl.col("strategy") == trial.arm.strategy)
        & (pl.col("model") == trial.arm.lineup["solver"])
        & (pl.col("max_level") == trial.max_level)
    ).drop_nulls(["prompt_tokens", "completion_tokens"])
    if alike.height < LEAST_PAST_TRIALS:
        return None
    bands: dict[str, Band | None] = {}
    for unit in ("calls", "prompt_tokens", "completion_tokens"):
        mean = float(alike.get_column(unit).cast(pl.Float64).to_numpy().mean())
        bands[unit] = Band(0.85 * mean, 1.15 * mean)
    return bands
