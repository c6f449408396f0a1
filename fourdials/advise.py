"""Recorded trials and a budget per problem → which arm, how far, how sure, and what it would cost to be surer.

Chooses on one half of the problems and reports on the other, since the best of many looks better than it is. Called by
`policy`, the command line and pages.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from fourdials.estimate import CENSORED_SHARE, LEVEL
from fourdials.estimate.intervals import by_cluster, difference, resamples, share
from fourdials.replay import RecordedTrial

Array = NDArray[np.float64]
LEAST_CLUSTERS = 20  # in each half; below this a choice says more about the draw of problems than about the arms
POWER = 0.8

TABLE_SCHEMA: dict[str, type[pl.DataType]] = {
    "task": pl.String,
    "arm": pl.String,
    "level": pl.Int64,
    "spend": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    "value_where_chosen": pl.Float64,
    "selected": pl.Float64,
    "chosen": pl.Boolean,
    "left_out": pl.String,
}


@dataclass(frozen=True, slots=True)
class Surer:
    """What telling the choice from its closest rival would take.

    Attributes:
        rival: Arm and level that were selected next most often.
        difference: Choice minus rival on the reporting half, with its 95 % interval.
        problems: Problems needed in all to find such a difference with 80 % power (paired z test, 5 %, two-sided):
            ((z_.975 + z_.8) s / d)², s² the variance of the paired differences, between clusters and per problem. None
            where d is 0.
        spend: What asking both on the problems still lacking would cost; None where `problems` is.
        distinguishable: True if the interval leaves out 0 already.
    """

    rival: tuple[str, int]
    difference: float
    low: float
    high: float
    n: int
    method: str
    problems: int | None
    spend: float | None
    distinguishable: bool


@dataclass(frozen=True, slots=True)
class Routing:
    """What choosing per task would bring over the best single choice, on the reporting half."""

    gain: float
    low: float
    high: float
    n: int
    method: str
    worth_it: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """The advisor's answer.

    Attributes:
        choice: Arm and level for all tasks alike; None if it refuses.
        sure: Share of bootstrap replicates of the choosing half that choose the same.
        reason: Why it refuses, or a sentence on what was chosen.
        table: Every candidate over all tasks, columns of `TABLE_SCHEMA`, `task` null.
        routes: The choice of each task, same columns; empty where a task's data do not suffice.
        no_routes: Why `routes` is empty; nothing where it is not.
    """

    choice: tuple[str, int] | None
    sure: float | None
    reason: str
    table: pl.DataFrame
    surer: Surer | None = None
    routes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TABLE_SCHEMA))
    routing: Routing | None = None
    no_routes: str = ""


@dataclass(frozen=True, slots=True)
class _Panel:
    """Scores and spends of candidates on problems; NaN where a candidate was not run on a problem."""

    candidates: list[tuple[str, int]]
    tasks: list[str]  # of each problem
    clusters: NDArray[np.int64]  # of each problem
    score: Array  # problems × candidates
    spend: Array
    choosing: NDArray[np.bool_]  # of each problem
    left_out: dict[tuple[str, int], str]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Candidates that were run on every problem and not cut off too often."""
        return np.array(
            [
                bool(np.isfinite(self.score[:, j]).all()) and c not in self.left_out
                for j, c in enumerate(self.candidates)
            ],
            dtype=np.bool_,
        )

    def part(self, rows: NDArray[np.bool_]) -> _Panel:
        keep = np.flatnonzero(rows)
        tasks = [self.tasks[i] for i in keep]
        kept = (self.clusters[keep], self.score[keep], self.spend[keep], self.choosing[keep])
        return _Panel(self.candidates, tasks, *kept, self.left_out)


@dataclass(frozen=True, slots=True)
class _Choice:
    place: int
    sure: float
    selected: Array


def advise(
    trials: Sequence[RecordedTrial], budget: float, *, truth: bool = False, seed: int = 0, replicates: int = 2000
) -> Advice:
    """The arm and level with the highest mean score among those that cost at most `budget` per problem on average.

    Args:
        trials: What `replay.recorded` gives, which also refuses runs whose trials an allocator stopped early.
        budget: Spend per problem, in the unit the trials were recorded in.
        truth: Also consider arms that ask a checker which knows the truth.
        seed: Of the split and the bootstrap.
        replicates: Bootstrap replicates over clusters of problems.

    Returns:
        An `Advice`; one without a choice says why the data do not suffice.
    """
    panel = _panel([trial for trial in trials if truth or not trial.row["uses_truth"]], seed)
    if (refusal := _refusal(panel)) is not None:
        return Advice(None, None, refusal, pl.DataFrame(schema=TABLE_SCHEMA))
    choice = _chosen(panel, budget, seed, replicates)
    if choice is None:
        return Advice(None, None, _too_dear(panel, budget), pl.DataFrame(schema=TABLE_SCHEMA))
    table = _table(panel, choice, None)
    routes, picks, no_routes = _routes(panel, budget, seed, replicates)
    arm, level = panel.candidates[choice.place]
    row = table.filter(pl.col("chosen")).row(0, named=True)
    reason = (
        f"{arm} at level {level}: {row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}] on {row['n']} problems that "
        f"had no part in the choice; {choice.sure:.0%} of resampled halves choose the same"
    )
    routing = _routing(panel, choice, picks)
    return Advice((arm, level), choice.sure, reason, table, _surer(panel, choice), routes, routing, no_routes)


def _panel(trials: Sequence[RecordedTrial], seed: int) -> _Panel:
    cells: dict[tuple[str, str, str], dict[tuple[str, int], list[tuple[float, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    cut: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for trial in trials:
        row = trial.row
        at = [checkpoint.level for checkpoint in trial.checkpoints]
        for level in (level for level in trial.levels if level > 0):
            count = len(at) if not row["nested"] else bisect_right(at, level)
            short = row["stop_reason"] != "finished" and (not at or at[-1] < level)
            spend = trial.spends[count - 1] if count and not short else trial.cost(0, level)
            score = trial.scores[count - 1] if count else 0.0
            candidate = (row["arm"], level)
            cells[row["task"], row["cluster_id"], row["problem_id"]][candidate].append((score, spend))
            cut[candidate].append(short)
    candidates = sorted(cut)
    problems = sorted(cells)
    values = np.full((2, len(problems), len(candidates)), np.nan)
    for i, problem in enumerate(problems):
        for j, candidate in enumerate(candidates):
            if found := cells[problem].get(candidate):
                values[:, i, j] = [sum(each) / len(found) for each in zip(*found, strict=True)]
    names = sorted({problem[:2] for problem in problems})
    numbers = {name: i for i, name in enumerate(names)}
    clusters = np.array([numbers[problem[:2]] for problem in problems], dtype=np.int64)
    left_out = {
        candidate: f"{sum(ends) / len(ends):.0%} of its trials were cut off before this level"
        for candidate, ends in cut.items()
        if sum(ends) > CENSORED_SHARE * len(ends)
    }
    tasks = [problem[0] for problem in problems]
    return _Panel(candidates, tasks, clusters, values[0], values[1], _halves(names, clusters, seed), left_out)


def _halves(names: Sequence[tuple[str, str]], clusters: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
    """For each problem whether it is in the choosing half; half of each task's clusters are."""
    rng = random.Random(f"{seed}:advice")
    by_task: dict[str, list[int]] = defaultdict(list)
    for number, (task, _) in enumerate(names):
        by_task[task].append(number)
    chosen: set[int] = set()
    for numbers in by_task.values():
        chosen.update(rng.sample(numbers, len(numbers) // 2))
    return np.array([number in chosen for number in clusters], dtype=np.bool_)


def _refusal(panel: _Panel) -> str | None:
    """Why no choice can be made, or None."""
    if not panel.tasks:
        return "there are no complete blocks to choose from; let the run go on, or choose another"
    halves = [len(np.unique(panel.clusters[panel.choosing == side])) for side in (True, False)]
    if min(halves) < LEAST_CLUSTERS:
        return (
            f"{sum(halves)} independent problems are too few to choose on one half and report on the other; "
            f"at least {2 * LEAST_CLUSTERS} are needed, so run more problems"
        )
    if not panel.usable.any():
        return "every arm was cut off too often, or not run on every problem; raise the caps, or choose one task"
    return None


def most(trials: Sequence[RecordedTrial]) -> float:
    """A budget a problem that is enough for every arm: what the dearest spends at its largest level, a little more,
    rounded to two digits; 0.0 where nothing was spent."""
    spent: dict[str, list[float]] = {}
    for trial in trials:
        spent.setdefault(trial.row["arm"], []).append(max(trial.spends, default=0.0))
    dearest = max((sum(each) / len(each) for each in spent.values()), default=0.0)
    return float(f"{dearest * 1.05:.2g}")


def _too_dear(panel: _Panel, budget: float) -> str:
    cheapest = float(panel.spend[:, panel.usable].mean(axis=0).min())
    return f"no arm costs at most {budget:g} per problem; the cheapest costs {cheapest:g}"


def _draws(panel: _Panel, rows: NDArray[np.bool_], seed: int, replicates: int) -> Array:
    """How often each of these problems counts in each replicate: replicates × problems; clusters are drawn whole."""
    present, inverse = np.unique(panel.clusters[rows], return_inverse=True)
    size = len(present)
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=replicates)
    return drawn[:, inverse].astype(np.float64)


def _chosen(panel: _Panel, budget: float, seed: int, replicates: int) -> _Choice | None:
    """The choice of the choosing half, and how often its replicates choose each candidate; None if all are too dear."""
    rows = panel.choosing
    weights = np.vstack([np.ones(int(rows.sum())), _draws(panel, rows, seed, replicates)])
    counts = weights.sum(axis=1, keepdims=True)
    scores = weights @ np.nan_to_num(panel.score[rows]) / counts
    spends = weights @ np.nan_to_num(panel.spend[rows]) / counts
    allowed = panel.usable & (spends <= budget)
    # Equal scores go to the cheaper: a billionth of the spend, relative to the dearest, breaks the tie.
    ranked = np.where(allowed, scores - 1e-9 * spends / max(float(spends.max()), 1e-12), -np.inf)
    winners = np.where(allowed.any(axis=1), ranked.argmax(axis=1), -1)
    if winners[0] < 0:
        return None
    selected = np.array([(winners[1:] == j).mean() for j in range(len(panel.candidates))])
    return _Choice(int(winners[0]), float(selected[winners[0]]), selected)


def _numbers(panel: _Panel, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The clusters of these problems, numbered from 0."""
    found: NDArray[np.int64] = np.unique(panel.clusters[rows], return_inverse=True)[1].astype(np.int64)
    return found


def _table(panel: _Panel, choice: _Choice, task: str | None) -> pl.DataFrame:
    """Each candidate on the reporting half."""
    rows = ~panel.choosing
    numbers = _numbers(panel, rows)
    n, clusters = int(rows.sum()), int(numbers.max()) + 1
    weights = resamples(clusters)
    lines = []
    for j, (arm, level) in enumerate(panel.candidates):
        scores = panel.score[rows, j]
        if not np.isfinite(panel.score[:, j]).all():
            continue
        value = float(scores.mean())
        interval = share(scores, numbers, weights)
        lines.append(
            {
                "task": task,
                "arm": arm,
                "level": level,
                "spend": float(panel.spend[rows, j].mean()),
                "value": value,
                "low": interval.low,
                "high": interval.high,
                "n": n,
                "clusters": clusters,
                "method": interval.method,
                "value_where_chosen": float(panel.score[panel.choosing, j].mean()),
                "selected": float(choice.selected[j]),
                "chosen": j == choice.place,
                "left_out": panel.left_out.get((arm, level)),
            }
        )
    return pl.DataFrame(lines, schema=TABLE_SCHEMA)


def _surer(panel: _Panel, choice: _Choice) -> Surer | None:
    """The choice against the candidate selected next most often; None if no other ever was."""
    others = choice.selected.copy()
    others[choice.place] = -1
    rival = int(others.argmax())
    if others[rival] <= 0:
        return None
    rows = ~panel.choosing
    numbers = _numbers(panel, rows)
    found = difference(panel.score[rows, choice.place], panel.score[rows, rival], numbers)
    gaps = panel.score[rows, choice.place] - panel.score[rows, rival]
    needed = spend = None
    if found.value != 0:
        reach = float(ndtri(0.5 + LEVEL / 2) + ndtri(POWER))
        apart = by_cluster(gaps - found.value, numbers)
        spread = (
            len(apart) / (len(apart) - 1) * float((apart**2).sum()) / found.n
        )  # variance of a problem's share in it
        needed = math.ceil(reach**2 * spread / found.value**2)
        each = float(panel.spend[:, choice.place].mean() + panel.spend[:, rival].mean())
        spend = max(0, needed - found.n) * each
    sure = found.low > 0 or found.high < 0
    return Surer(
        panel.candidates[rival], found.value, found.low, found.high, found.n, found.method, needed, spend, sure
    )


def _routes(panel: _Panel, budget: float, seed: int, replicates: int) -> tuple[pl.DataFrame, dict[str, int], str]:
    """Each task's own choice; empty, and why, if any task has too few problems or nothing it can afford."""
    frames, picks = [], {}
    for task in sorted(set(panel.tasks)):
        own = panel.part(np.array([name == task for name in panel.tasks]))
        refusal = _refusal(own)
        choice = None if refusal else _chosen(own, budget, seed, replicates)
        if choice is None:
            return pl.DataFrame(schema=TABLE_SCHEMA), {}, f"{task}: {refusal or _too_dear(own, budget)}"
        frames.append(_table(own, choice, task).filter(pl.col("chosen")))
        picks[task] = choice.place
    return pl.concat(frames), picks, ""


def _routing(panel: _Panel, choice: _Choice, picks: dict[str, int]) -> Routing | None:
    """Routing against the single choice on the reporting half; None for one task, or where a task has no choice."""
    if len(picks) < 2:
        return None
    rows = ~panel.choosing
    places = np.array([picks[task] for task in panel.tasks])
    routed = np.take_along_axis(panel.score, places[:, None], axis=1)[:, 0]
    found = difference(routed[rows], panel.score[rows, choice.place], _numbers(panel, rows))
    return Routing(found.value, found.low, found.high, found.n, found.method, found.low > 0)
