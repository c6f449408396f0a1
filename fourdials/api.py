"""What notebooks use, as `import fourdials as fd`: open results, get frames and figures, run something small.

It is the pages' way from query to estimate to figure, without the pages. docs/api.md shows it in use.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fourdials import estimate, plan, plugins, query, report, snapshot, spec, units, worker
from fourdials import home as homes
from fourdials.errors import InputError, SetupError
from fourdials.estimate import Difference
from fourdials.figures import curves, status
from fourdials.plugins import Turns
from fourdials.store import Store, opened

if TYPE_CHECKING:
    from fourdials.replay import Policy, RecordedTrial
    from fourdials.units import PriceList


def open(where: str | Path | None = None) -> Results:
    """Results to look at: the person's home (None), another home's folder, or a `.fourdials` file.

    A file is checked and opened by itself; nothing is added to the home. While a dashboard holds a home's database, a
    copy in memory is read instead. Raises InputError if there is no such file or folder, or the file is bad.
    """
    path = homes.home() if where is None else Path(where).expanduser()
    if path.is_dir():
        return Results(opened(path))
    if not path.is_file():
        raise InputError(f"there is no {path}; give a home's folder or a {snapshot.SUFFIX} file")
    folder = _passing()
    results = Results(_alone(folder), folder)
    try:
        snapshot.install(path, results.store)
    except InputError:
        results.close()
        raise
    return results


def execute(
    experiment: Mapping[str, Any], folder: str | Path | None = None, strategies: Sequence[Callable[..., Turns]] = ()
) -> Results:
    """Runs a small experiment here and now, and opens what came of it. A long one belongs to the command line.

    Args:
        experiment: What an experiment file holds, as plain data.
        folder: Where its journal goes; by default a folder that goes with the results.
        strategies: Functions decorated with `plugins.strategy`, known by their names while it runs.

    Raises:
        SpecError: All mistakes of the experiment.
        SetupError: A model cannot be used, or the run failed.
    """
    root = _passing() if folder is None else Path(folder).expanduser().resolve()
    with _declared(strategies), ThreadPoolExecutor(max_workers=1) as beside:  # a notebook has an event loop of its own
        experiment_id = worker.create(experiment, root)
        ended = beside.submit(worker.work, experiment_id, lambda kind, fields: None, root).result()
    if ended != "finished":
        raise SetupError(f"the run {experiment_id} ended as {ended}; its journal is in {root}")
    store = _alone(root)
    store.ingest()
    return Results(store, root if folder is None else None)


def _passing() -> Path:
    """A folder for results that nobody asked to keep."""
    return Path(tempfile.mkdtemp(prefix="fourdials-"))


@contextlib.contextmanager
def _declared(plays: Sequence[Callable[..., Turns]]) -> Iterator[None]:
    """Puts strategies that no file holds beside the discovered ones, by their functions' names, while it lasts."""
    known = plugins.strategies()
    added = {play.__name__: replace(play.strategy, name=play.__name__) for play in plays}  # type: ignore[attr-defined]
    if taken := sorted(added.keys() & known.keys()):
        raise InputError(f"there is a strategy called {taken[0]!r} already; give yours another name")
    known.update(added)
    try:
        yield
    finally:
        for name in added:
            del known[name]


def _alone(folder: Path) -> Store:
    """A store of this folder only, without the recorded runs that come along."""
    return Store(folder, recorded=folder / "none")


class Results:
    """Runs to look at. Every method takes a run's id and by default looks at the newest run of one's own that has
    results, else at the recorded one that turns most dials. Usable as a context manager; `close` lets go of the
    database.

    Attributes:
        store: The database, for SQL of one's own: `store.frame("SELECT …")`.
    """

    def __init__(self, store: Store, passing: Path | None = None) -> None:
        """Takes over an open store, and a folder to remove with it."""
        self.store = store
        self._end = weakref.finalize(self, _end, store, passing)  # a notebook that is run again closes nothing itself

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database, and removes the folder if it was made for these results. A second call does nothing."""
        self._end()

    def runs(self) -> pl.DataFrame:
        """All runs, newest first: rows of the query `experiments`."""
        return query.run(self.store, "experiments")

    def newest(self) -> str:
        """The id of the run that methods look at by default. Raises InputError if no run has results."""
        begun = self.runs().filter(pl.col("trials_done") > 0)
        if begun.is_empty():
            raise InputError("there is no run with results here; run an experiment first")
        turned = pl.when("recorded").then(pl.col("dials").list.len()).otherwise(0)
        return str(begun.sort("recorded", turned, "created_at", descending=[False, True, True])["experiment_id"][0])

    def frame(self, name: str, **params: Any) -> pl.DataFrame:
        """The rows of `queries/<name>.sql`. Raises InputError, listing what exists, for a wrong name or parameter."""
        return query.run(self.store, name, **params)

    def points(
        self,
        run: str | None = None,
        unit: str = "total_tokens",
        tasks: Sequence[str] | None = None,
        arms: Sequence[str] | None = None,
        prices: PriceList | None = None,
    ) -> pl.DataFrame:
        """What curves are estimated from, rows of the query `curve_points`; complete blocks only.

        `unit` is one of that query's, or `flops` (2 · parameters · tokens, prompts and replies alike); raises
        InputError naming the models whose size is unknown. `prices` counts `usd` by other prices than those of the day
        of each call: `PriceList("2026-11-22", "openai/gpt-4.1-mini")`, or `PriceList()` for what was paid.
        """
        chosen = self._run(run)
        if unit == units.FLOPS:
            described = query.run(self.store, "arms", experiment_ids=[chosen])
            kept = described if arms is None else described.filter(pl.col("arm").is_in(list(arms)))
            if missing := units.unsized(kept):
                raise InputError(f"how many parameters work at each token of {', '.join(missing)} is not known")
        return units.points(self.store, [chosen], unit, tasks, arms, prices)

    def curve(
        self,
        run: str | None = None,
        unit: str = "total_tokens",
        tasks: Sequence[str] | None = None,
        arms: Sequence[str] | None = None,
        prices: PriceList | None = None,
    ) -> pl.DataFrame:
        """The score of each arm at every budget, with 95 % intervals and n: columns of `estimate.CURVE_SCHEMA`; unit
        and prices as in `points`."""
        return estimate.curves(self.points(run, unit, tasks, arms, prices))

    def figure(
        self,
        run: str | None = None,
        unit: str = "total_tokens",
        tasks: Sequence[str] | None = None,
        arms: Sequence[str] | None = None,
        *,
        by_dial: bool = False,
        prices: PriceList | None = None,
    ) -> Any:
        """The curves as a Plotly figure, all arms in one panel or a panel per dial; where the data comes from, by which
        prices dollars are counted, and what to beware of stand on it. Arms that are given different things to see
        never share a panel. Unit and prices as in `points`."""
        chosen = self._run(run)
        curve = self.curve(chosen, unit, tasks, arms, prices)
        runs = self.runs().filter(experiment_id=chosen)
        baselines = query.run(self.store, "baselines", **_chosen(chosen, tasks, arms))
        described = query.run(self.store, "arms", experiment_ids=[chosen])
        described = described.filter(pl.col("arm").is_in(curve["arm"].unique().to_list()))
        draw = curves.panels if by_dial else curves.overlay
        warnings = status.warnings_of(runs, curve, described)
        said = status.status_of(runs, curve, unit)
        if prices is not None and unit == "usd":
            said = replace(said, priced=prices.told)
        return draw(curve, baselines, said, unit, warnings)

    def difference(
        self,
        arm_a: str,
        arm_b: str,
        spend: float | None = None,
        run: str | None = None,
        unit: str = "total_tokens",
        tasks: Sequence[str] | None = None,
        *,
        unlike: bool = False,
    ) -> Difference | None:
        """Arm a minus arm b on the same problems at one budget, by default the largest both curves reach; None if they
        share no problem.

        Raises InputError where the two are given different things to see, unless `unlike` says that this is meant: they
        are then not at the same problem.
        """
        points = self.points(run, unit, tasks, [arm_a, arm_b])
        if not unlike and (told := status.unlike(points)):
            raise InputError(f"not the same problem: {told}; pass unlike=True to subtract them all the same")
        if spend is None:
            spend = self.common_reach([arm_a, arm_b], run, unit, tasks)
        return estimate.paired_difference(points, arm_a, arm_b, spend)

    def common_reach(
        self,
        arms: Sequence[str],
        run: str | None = None,
        unit: str = "total_tokens",
        tasks: Sequence[str] | None = None,
    ) -> float:
        """The largest budget at which each of these arms has an uncensored value. Raises InputError if one has none."""
        known = self.curve(run, unit, tasks, arms).filter(~pl.col("censored"))
        ends = dict(known.group_by("arm").agg(pl.col("spend").max()).iter_rows())
        if missing := [arm for arm in arms if arm not in ends]:
            raise InputError(
                f"nothing is known of {missing[0]!r} in {unit}; arms are {', '.join(sorted(ends)) or 'none'}"
            )
        return float(min(ends.values()))

    def samples(self, run: str | None = None) -> pl.DataFrame:
        """Stored independent samples, rows of the query `pool_samples`, those that no level asked for graded as well by
        the run's own tasks; what `estimate.pool` resamples."""
        from fourdials.estimate import pool

        chosen = self._run(run)
        experiment = spec.parse(json.loads(query.run(self.store, "spec", experiment_id=chosen)["spec"][0]))
        problems = {
            (name, each.problem_id): each for name, found in plan.problems(experiment).items() for each in found
        }

        def grade(task: str, problem_id: str, answer: str) -> float:
            score: float = plugins.tasks()[task].grade(problems[task, problem_id], answer).score
            return score

        return pool.graded(query.run(self.store, "pool_samples", experiment_ids=[chosen]), grade)

    def recorded(
        self,
        run: str | None = None,
        unit: str = "total_tokens",
        tasks: Sequence[str] | None = None,
        arms: Sequence[str] | None = None,
    ) -> Sequence[RecordedTrial]:
        """The trials as `worth.replays` and `replay.replay` take them, to divide a budget otherwise without a call."""
        from fourdials import replay

        return replay.recorded(self.store, [self._run(run)], unit, tasks, arms)

    def allocations(
        self,
        policies: Sequence[Policy] | None = None,
        budgets: Sequence[float] | None = None,
        run: str | None = None,
        unit: str = "total_tokens",
        tasks: Sequence[str] | None = None,
        arms: Sequence[str] | None = None,
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What ways of dividing a budget over the recorded problems are worth: the frames of `worth.worth` and
        `worth.savings`, for `replay.POLICIES` and a grid of total budgets unless others are given."""
        from fourdials import replay, worth

        trials = self.recorded(run, unit, tasks, arms)
        held = worth.replays(trials, budgets or worth.budgets(trials), policies or replay.POLICIES)
        return worth.worth(held), worth.savings(held)

    def save(self, path: str | Path, run: str | None = None, *, texts: bool = True) -> str:
        """Writes a run as a snapshot (`.fourdials`) or a report (`.html`), by the name's ending.

        `texts=False` leaves prompts and replies out of a snapshot. Returns the snapshot's content id, or the report's
        path. Raises InputError for another ending.
        """
        target, chosen = Path(path).expanduser(), self._run(run)
        if target.suffix == snapshot.SUFFIX:
            return snapshot.write(self.store, [chosen], target, texts=texts).content_id
        if target.suffix != ".html":
            raise InputError(f"got {target.name}; a file ends in {snapshot.SUFFIX} (a snapshot) or .html (a report)")
        target.write_text(report.html_of(self.store, chosen), encoding="utf-8")
        return str(target)

    def _run(self, run: str | None) -> str:
        return self.newest() if run is None else run


def _end(store: Store, passing: Path | None) -> None:
    store.close()
    if passing is not None:
        shutil.rmtree(passing, ignore_errors=True)


def _chosen(run: str, tasks: Sequence[str] | None, arms: Sequence[str] | None) -> dict[str, list[str]]:
    given = {"experiment_ids": [run], "tasks": tasks, "arms": arms}
    return {name: list(value) for name, value in given.items() if value is not None}
