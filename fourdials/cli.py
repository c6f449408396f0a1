"""The command line: `run`, `resume`, `list`, `query`, `export`. A mistake ends in one clear line and exit code 1."""

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

from fourdials.errors import FourDialsError, HomeBusy, InputError
from fourdials.home import home

if TYPE_CHECKING:
    import polars as pl

    from fourdials.store import Store

app = typer.Typer(
    help="Four Dials: find out how a language model is best given more compute at test time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

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
    ingest: Annotated[bool, typer.Option(help="Take the results into the database at the end")] = True,
) -> None:
    """Run an experiment file; one that was interrupted goes on, one that has finished is left alone."""
    from fourdials import spec, worker

    data = spec.load(spec_file)
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


@app.command(name="list")
def list_(
    what: Annotated[Listing, typer.Argument()] = Listing.experiments,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """List strategies, tasks, models, experiments or queries."""
    rows = _LISTS[what]()
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

    parameters: dict[str, Any] = {}
    for value in values or []:
        key, equals, text = value.partition("=")
        if not equals:
            raise InputError(f"got {value!r}; parameters are written NAME=VALUE")
        parameters[key] = _value(text)
    store = _store()
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
    store = _store()
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


def _store() -> Store:
    """The database with everything landed; a copy in memory if a dashboard holds the file."""
    from fourdials.store import Store

    try:
        store = Store(home())
        store.ingest()
    except HomeBusy:
        store = Store(home(), read_only_copy=True)
    return store


def _work(experiment_id: str, *, ingest: bool, options: Any = None) -> None:
    from fourdials import worker
    from fourdials.store import Store

    with _Display() as display:
        status = worker.work(experiment_id, display.tell, options=options)
    print(f"{experiment_id}: {status}{display.detail}")
    if ingest:
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


def _strategies() -> list[dict[str, Any]]:
    from fourdials import plugins

    keys = ("name", "dial", "unit", "nested", "scaling", "source", "summary")
    return [{key: getattr(plan, key) for key in keys} for plan in plugins.strategies().values()]


def _tasks() -> list[dict[str, Any]]:
    from fourdials import plugins

    return [
        {"name": name, "title": task.INFO.title, "difficulty": task.INFO.difficulty, "summary": task.INFO.summary}
        for name, task in plugins.tasks().items()
    ]


def _models() -> list[dict[str, Any]]:
    from fourdials.models import catalogue

    return [
        {"id": model.id, "format": model.format, "label": model.label, "missing": catalogue.missing(model) or ""}
        for model in catalogue.catalogue().values()
    ]


def _experiments() -> list[dict[str, Any]]:
    from fourdials import query as queries

    store = _store()
    try:
        rows: list[dict[str, Any]] = queries.run(store, "experiments").to_dicts()
        return rows
    finally:
        store.close()


def _queries() -> list[dict[str, Any]]:
    from fourdials import query as queries

    described = [queries.describe(name) for name in queries.names()]
    return [
        {"name": d.name, "parameters": ", ".join(p.name for p in d.parameters), "title": d.title} for d in described
    ]


_LISTS = {
    Listing.strategies: _strategies,
    Listing.tasks: _tasks,
    Listing.models: _models,
    Listing.experiments: _experiments,
    Listing.queries: _queries,
}


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join("" if value is None else str(value) for value in row.values()))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table, markup=False)


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
