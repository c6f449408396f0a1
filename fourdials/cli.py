"""The command line: `run`, `resume`, `regrade`, `list`, `query`, `export`, `policy`, and what `exchange` adds. A
mistake ends in one clear line and exit code 1."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fourdials import exchange
from fourdials.errors import FourDialsError, HomeBusy, InputError
from fourdials.home import home

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    help="Four Dials: find out how a language model is best given more compute at test time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(exchange.app)

models_app = typer.Typer(help="Try out models.", no_args_is_help=True)
app.add_typer(models_app, name="models")


class Listing(StrEnum):
    """What `list` can list."""

    strategies = "strategies"
    tasks = "tasks"
    models = "models"
    experiments = "experiments"
    queries = "queries"


def main() -> None:
    """Runs the command line; errors of ours end in one line on stderr and exit code 1."""
    try:
        app()
    except (FourDialsError, OSError) as error:  # OSError: a full disk, a folder that may not be written
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


@app.command()
def run(
    spec_file: Annotated[
        Path, typer.Argument(metavar="SPEC", help="An experiment file, such as data/experiments/first_light.toml")
    ],
    again: Annotated[bool, typer.Option("--again", help="Start another run even if one of this spec exists")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the forecast")] = False,
    model: Annotated[
        str | None, typer.Option(help="Put this model, such as sim/default, in the place of every model of the file")
    ] = None,
    problems: Annotated[int | None, typer.Option(min=1, help="At most this many problems of each task")] = None,
    ingest: Annotated[bool, typer.Option(help="Take the results into the database at the end")] = True,
) -> None:
    """Run an experiment file; one that was interrupted goes on, one that has finished is left alone."""
    from fourdials import spec, worker

    data = spec.adapted(spec.load(spec_file), model=model, problems=problems)
    if dry_run:
        _print_forecast(data)
        return
    unfinished, finished = worker.earlier_runs(data)
    if unfinished and not again:
        print(f"going on with {unfinished}")
        _work(unfinished, ingest=ingest, options=worker.Options(retry_errors=True))
    elif finished and not again:
        print(f"already finished as {finished}; `--again` runs it once more")
    else:
        _work(worker.create(data), ingest=ingest)


@app.command()
def resume(
    experiment: Annotated[str, typer.Argument(help="A run's id; `list experiments` shows them")],
    retry_errors: Annotated[bool, typer.Option("--retry-errors", help="Ask again where infrastructure failed")] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="[UNIT=]AMOUNT",
            help="New budget in the unit of the old one (total_tokens, usd, calls or seconds); capped trials go on",
        ),
    ] = None,
    ingest: Annotated[bool, typer.Option(help="Take the results into the database at the end")] = True,
) -> None:
    """Go on with a run that was stopped or killed; what was paid for is not asked again."""
    from fourdials.worker import Options

    changed = None if budget is None else _budget(experiment, budget)
    _work(experiment, ingest=ingest, options=Options(retry_errors=retry_errors, budget=changed))


def _budget(experiment: str, text: str) -> dict[str, float]:
    """The new budget as a spec holds it; its unit and range are checked with the spec."""
    from fourdials import worker

    unit, _, amount = text.rpartition("=")
    held = worker.read_spec(experiment).get("budget", {})
    if not unit and len(held) > 1:
        raise InputError(
            f"--budget {text}: this run has a budget in {' and '.join(held)}; name one, as {min(held)}={text}"
        )
    try:
        value = float(amount)
        whole = int(value) == value
    except (ValueError, OverflowError):
        raise InputError(f"--budget {text}: the amount must be a number, such as 5000 or usd=2.5") from None
    return {unit or next(iter(held), "total_tokens"): int(value) if whole else value}


@app.command()
def regrade(
    experiment: Annotated[str, typer.Argument(help="A run's id; `list experiments` shows them")],
    task: Annotated[str | None, typer.Option(help="Only this task")] = None,
    grader: Annotated[str | None, typer.Option(help="Another grader, for a task that has several")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Another parameter of the task, repeatable")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model that grades, with --grader judge")] = None,
    reread: Annotated[bool, typer.Option("--reread", help="Read the answers off the stored replies again")] = False,
) -> None:
    """Grade the stored answers of a run once more; without options as its experiment file says. Only a grading model is
    ever called."""
    from fourdials import regrade as grading
    from fourdials.store import opened

    changes = dict(_pair(value) for value in settings or []) | ({"grader": grader} if grader else {})
    store = opened(home())
    try:
        found = grading.regrade(store, experiment, grading.Wish(task, changes, model, reread))
    finally:
        store.close()
    print(f"{experiment}: {found.summary}")
    print(f"{found.changed} of {found.checked} answers are graded otherwise now, {found.calls} calls were made for it")
    for count, what in (
        (found.ungraded, "answers could not be graded; they count nowhere"),
        (found.missing, "trials keep their grades: the task no longer makes their problems"),
        (found.unread, "trials keep their answers: their stored replies do not suffice to read them again"),
    ):
        if count:
            print(f"{count} {what}")


@app.command(name="list")
def list_(
    what: Annotated[Listing | None, typer.Argument()] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page of docs/ about strategies or tasks")
    ] = False,
) -> None:
    """List strategies, tasks, models, experiments or queries; without a name, what an experiment can be made of."""
    from fourdials import handbook, listing

    if as_markdown:
        if what is None or what not in handbook.PAGES:
            given = what.value if what else "nothing"
            raise InputError(f"--markdown: got {given}; there are pages of {' and '.join(handbook.PAGES)}")
        print(handbook.PAGES[what](), end="")
        return
    if what is None:
        parts = {each.value: listing.LISTS[each]() for each in (Listing.strategies, Listing.tasks, Listing.models)}
        if as_json:
            print(json.dumps(parts, indent=2, default=str))
            return
        for name, part in parts.items():
            print(f"\n{name}")
            _print_table(part)
        return
    rows = listing.LISTS[what]()
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
    elif not rows:
        print(f"no {what} yet")
    else:
        _print_table(rows)


@app.command()
def query(
    name: Annotated[str, typer.Argument(help="A query; `list queries` shows them")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="The query's parameters")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines instead of CSV")] = False,
) -> None:
    """Run one of the queries under queries/ and print its rows."""
    from fourdials import query as queries
    from fourdials.store import opened

    parameters: dict[str, Any] = {}
    for value in values or []:
        key, held = _pair(value)
        parameters[key] = held
    store = opened(home())
    try:
        frame = queries.run(store, name, **parameters)
    finally:
        store.close()
    print(frame.write_ndjson() if as_json else _flat(frame).write_csv(), end="")


@app.command()
def export(
    experiment: Annotated[str, typer.Argument(help="A run's id")],
    folder: Annotated[Path, typer.Argument(help="Folder the Parquet files are written to; made if absent")],
) -> None:
    """Write one run's tables as Parquet files."""
    from fourdials.store import opened

    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder, which is made if there is none")
    store = opened(home())
    try:
        written = store.export(experiment, folder)
    finally:
        store.close()
    if not written:
        raise InputError(f"there is no run called {experiment!r}; `python -m fourdials list experiments` shows all")
    print(f"wrote {experiment} to {folder}")


@models_app.command("test")
def try_model(
    model: Annotated[str, typer.Argument(help="A model's id; `list models` shows those with a name")],
    settle: Annotated[bool, typer.Option("--settle", help="Also find out and keep what is unknown of it")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what it may cost")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Call a model once, and with --settle a few times more; what was found out holds from then on."""
    from fourdials import capabilities

    print(capabilities.report(model, settle=settle, dry_run=dry_run, as_json=as_json))


@app.command()
def policy(
    experiment: Annotated[str, typer.Argument(help="A run's id")],
    file: Annotated[Path, typer.Argument(help="The .toml to write; a router that reads it goes beside it as .py")],
    budget: Annotated[float, typer.Option(help="What one problem may cost on average, in UNIT")],
    unit: Annotated[str, typer.Option(help="total_tokens, usd or calls")] = "total_tokens",
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be given again")] = None,
    confidence: Annotated[
        float | None, typer.Option(help="Let the router stop votes once the leader is ahead with this probability")
    ] = None,
) -> None:
    """Choose an arm and level from a run on one half of its problems, report it on the other, write it as a policy."""
    from fourdials.policy import export_policy
    from fourdials.store import opened

    store = opened(home())
    try:
        advice = export_policy(store, experiment, file, budget, unit, tasks=task, confidence=confidence)
    finally:
        store.close()
    print(advice.reason)
    for row in advice.routes.to_dicts() if advice.routing else []:
        print(f"{row['task']}: {row['arm']} at level {row['level']}, {row['value']:.2f} on {row['n']} problems")
    if advice.no_routes:
        print(f"no choice per task: {advice.no_routes}")
    if routing := advice.routing:
        gain = f"{routing.gain:+.3f} [{routing.low:+.3f}, {routing.high:+.3f}]"
        print(f"choosing per task brings {gain}, {'worth it' if routing.worth_it else 'not shown to be worth it'}")
    print(f"wrote {file} and {file.with_suffix('.py').name}")


def _work(experiment_id: str, *, ingest: bool, options: Any = None) -> None:
    from fourdials import worker
    from fourdials.store import Store

    with _Display() as display:
        status = worker.work(experiment_id, display.tell, options=options)
    print(f"{experiment_id}: {status}{display.detail}")
    if ingest:
        print("taking the results into the database", file=sys.stderr)
        try:
            store = Store(home())
        except HomeBusy as error:
            print(f"the dashboard will take the results in ({error})")
        else:
            store.ingest()
            store.close()
    if status == "failed":
        raise SystemExit(1)


class _Display:
    """Progress: a bar on a terminal, a line every few seconds in a pipe."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.detail = ""
        self._terminal = sys.stdout.isatty()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, disable=not self._terminal)
        self._bar = self._progress.add_task("starting", total=None)
        self._ended, self._planned, self._printed = 0, 0, time.monotonic()

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Takes a line of the run."""
        if kind == "planned":
            self._planned, self._ended = fields["trials"], fields["ended"]
            self._progress.update(self._bar, total=self._planned, completed=self._ended)
        elif kind == "status":
            self.detail = f" ({fields['detail']})" if fields["detail"] else ""
            self._progress.update(self._bar, description=fields["status"])
            self._line(fields["status"] + self.detail)
        elif kind == "trial":
            self._ended += 1
            self._progress.update(self._bar, completed=self._ended)
            if time.monotonic() - self._printed > 5:
                self._line(f"{self._ended} of {self._planned} trials")

    def _line(self, text: str) -> None:
        self._printed = time.monotonic()
        if not self._terminal:
            print(text, flush=True)


def _print_forecast(data: Mapping[str, Any]) -> None:
    from fourdials import spec
    from fourdials.figures import numbers
    from fourdials.forecast import forecast

    cast = forecast(spec.parse(data))
    print(f"{cast.trials} trials in {cast.blocks} blocks")
    for unit in ("calls", "total_tokens", "usd", "seconds"):
        band = getattr(cast, unit)
        say = numbers.seconds if unit == "seconds" else partial(numbers.amount, unit)
        ends = dict.fromkeys([say(None)] if band is None else [say(band.low), say(band.high)])
        print(f"{'time' if unit == 'seconds' else unit}: {' to '.join(ends)}")
    print(f"difference between two arms it could detect: {100 * cast.detectable_difference:.0f} points")


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not sys.stdout.isatty():
        print("\t".join(rows[0]))
        for row in rows:
            print("\t".join("" if value is None else str(value) for value in row.values()))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table, markup=False)


def _pair(text: str) -> tuple[str, Any]:
    """NAME=VALUE in its parts."""
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"got {text!r}; parameters are written NAME=VALUE")
    return key, _value(value)


def _value(text: str) -> Any:
    """A parameter as JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists and structs as JSON, which CSV can hold."""
    import polars as pl

    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    return frame.with_columns(
        pl.Series(name, [None if value is None else json.dumps(value) for value in frame[name].to_list()], pl.String)
        for name in nested
    )
