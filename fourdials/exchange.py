"""The command line's part that takes stored runs out and in: `import`, `snapshot`, `report`, `learn`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fourdials.errors import InputError
from fourdials.home import home

if TYPE_CHECKING:
    from fourdials.store import Store

app = typer.Typer()


class Format(StrEnum):
    """What `import` can read."""

    jsonl = "jsonl"
    inspect = "inspect"
    lm_eval = "lm-eval"
    snapshot = "snapshot"


@app.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="JSON lines, an Inspect .eval log, lm-eval samples, or a .fourdials file")
    ],
    format: Annotated[Format | None, typer.Option(help="What the file is; by default seen from its content")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="FIELD=COLUMN", help="Column of a field, such as score=passed; repeatable"),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the run; by default the file's")] = "",
    task: Annotated[str, typer.Option(help="Task, where the file names none")] = "",
    model: Annotated[str, typer.Option(help="Model, where the file names none")] = "",
    arm: Annotated[str, typer.Option(help="Arm, where the file names none; by default the model")] = "",
    score: Annotated[str, typer.Option(help="Metric (lm-eval) or scorer (Inspect); by default the first")] = "",
    filter: Annotated[str, typer.Option(help="Filter (lm-eval); by default the first")] = "",
) -> None:
    """Take samples that exist already, or somebody's snapshot, beside your own runs; no model is called."""
    from fourdials import importing, snapshot

    if not file.is_file():
        raise InputError(f"there is no file {file}")
    options = importing.Options(name, task, model, arm, dict(_field(each) for each in columns or []), score, filter)
    store = _owned()
    try:
        if format is Format.snapshot or (format is None and file.suffix == snapshot.SUFFIX):
            for run in snapshot.install(file, store).runs:
                print(f"{run.experiment_id}: {run.name}")
            return
        found = importing.install(file, store, format.value if format else None, options)
    finally:
        store.close()
    here = "is here already" if found.known else "imported"
    print(
        f"{found.experiment_id}: {here}, {found.samples} samples of {found.problems} problems in {found.trials} trials"
    )
    if found.failed:
        print(f"{found.failed} samples have an error or no score; they count nowhere")
    for note in found.notes:
        print(note)


@app.command(name="snapshot")
def snapshot_(
    values: Annotated[list[str], typer.Argument(metavar="EXPERIMENT... FILE", help="Runs, then the file to write")],
    without_texts: Annotated[bool, typer.Option("--without-texts", help="Leave out prompts and replies")] = False,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be given again")] = None,
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm; may be given again")] = None,
) -> None:
    """Write runs as one file that somebody else can open."""
    from fourdials import snapshot
    from fourdials.store import opened

    *ids, last = values
    if not ids:
        raise InputError(f"got {last!r} alone; wanted are one run or more and then the file to write")
    store = opened(home())
    try:
        made = snapshot.write(store, ids, Path(last), texts=not without_texts, tasks=task, arms=arm)
    finally:
        store.close()
    print(f"wrote {last}, content id {made.content_id}")


@app.command()
def report(
    experiment: Annotated[str, typer.Argument(help="A run's id")],
    file: Annotated[Path, typer.Argument(help="The .html to write")],
    unit: Annotated[str, typer.Option(help="Unit of spend: total_tokens, usd, completion_tokens, calls, …")] = (
        "total_tokens"
    ),
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be given again")] = None,
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm; may be given again")] = None,
    view: Annotated[str, typer.Option(help="The tab of Compare: Curves, Fits, Differences, Frontier, …")] = "Curves",
    more: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="What the tab's address says besides, such as a=walk"),
    ] = None,
) -> None:
    """Write a run's figures, tables and method as one web page that needs nothing else."""
    from fourdials import report as reports
    from fourdials.store import opened

    store = opened(home())
    try:
        said = dict(_set(each) for each in more or [])
        text = reports.html_of(store, experiment, unit=unit, tasks=task, arms=arm, view=view, more=said)
    finally:
        store.close()
    file.write_text(text, encoding="utf-8")
    print(f"wrote {file}")


@app.command()
def learn(
    experiment: Annotated[str, typer.Argument(help="A run's id")],
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm; may be given again")] = None,
    price: Annotated[float, typer.Option(min=0, help="Score that one token is worth")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the calibration split")] = 0,
    share: Annotated[float, typer.Option(help="Of problems to learn on, between 0 and 1")] = 0.5,
) -> None:
    """Learn on some of a run's problems which strategy to pick for which; print it for `route`, or `orchestrate`."""
    from fourdials import calibrating
    from fourdials.store import opened

    store = opened(home())
    try:
        found = calibrating.learned(store, experiment, arm, price=price, seed=seed, share=share)
    finally:
        store.close()
    print(calibrating.toml(found))
    print(
        f"\n# learned on {found.problems} problems of {experiment}; judge it on others, such as those of another seed"
    )
    if found.gain is not None and found.gain.n:
        gain, against = found.gain, found.single
        print(
            f"# on {gain.n} problems not learned on, against {against} alone: {gain.value:+.3f} "
            f"[{gain.low:+.3f}, {gain.high:+.3f}] ({gain.method})"
        )


def _owned() -> Store:
    """The store with everything landed. Raises HomeBusy if a dashboard holds it, which can import the file itself."""
    from fourdials.store import Store

    store = Store(home())
    store.ingest()
    return store


def _set(value: str) -> tuple[str, str]:
    from fourdials.viewed import SAID

    key, equals, told = value.partition("=")
    if not equals or key not in SAID:
        raise InputError(f"got --set {value!r}; wanted is KEY=VALUE with a key of {', '.join(SAID)}, such as a=walk")
    return key, told


def _field(value: str) -> tuple[str, str]:
    field, equals, column = value.partition("=")
    if not equals or not field or not column:
        raise InputError(f"got --column {value!r}; a column is given as FIELD=COLUMN, such as score=passed")
    return field, column
