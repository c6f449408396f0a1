"""Tables that came from elsewhere → tables that may stand beside one's own, or one clear reason why not.

Called when a snapshot is imported. Nothing in a file from elsewhere is believed: columns, types, vocabularies, ids and
hashes are checked, and at the end every row is put into a database in memory, which applies the schema's own rules.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

import duckdb
import polars as pl
from pydantic import TypeAdapter, ValidationError

from fourdials.errors import InputError
from fourdials.records import DIALS, Access, Outcome, Provenance, Role, StopReason
from fourdials.store import database

MOST_ROWS = 20_000_000
MOST_BYTES = 4 << 30  # of a table in memory
_ID = re.compile(r"[A-Za-z0-9._-]{1,120}")
_VOCABULARIES: Mapping[str, Mapping[str, Any]] = {
    "experiments": {"provenance": Provenance, "origin": Provenance},
    "arms": {"dial": DIALS, "access": Access},
    "trials": {"dial": DIALS, "access": Access, "outcome": Outcome, "stop_reason": StopReason},
    "checkpoints": {"outcome": Outcome},
    "calls": {"role": Role},
}
_SCORES = {"trials": ("score",), "checkpoints": ("score",), "problems": ("chance", "constant_score")}
_JSON = "JSON"
_SHAPES: Mapping[str, TypeAdapter[Any]] = {
    "arms.levels": TypeAdapter(list[int]),
    "arms.tasks": TypeAdapter(list[str]),
    "arms.knobs": TypeAdapter(dict[str, Any]),
    "arms.lineup": TypeAdapter(dict[str, str]),
    "experiments.spec": TypeAdapter(dict[str, Any]),
    "trials.knobs": TypeAdapter(dict[str, Any]),
    "trials.lineup": TypeAdapter(dict[str, str]),
    "calls.request": TypeAdapter(dict[str, Any]),
    "steps.payload": TypeAdapter(dict[str, Any]),
}


def checked(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables with the schema's types, once everything about them holds. Raises InputError at the first fault.

    Args:
        tables: Table name → rows, as read from files. `experiments` must be among them and hold at least one row.
    """
    connection = database.made(":memory:")
    try:
        columns = database.columns(connection)
        if unknown := sorted(set(tables) - set(columns)):
            raise InputError(f"it holds the tables {', '.join(unknown)}; known are {', '.join(columns)}")
        if tables.get("experiments", pl.DataFrame()).is_empty():
            raise InputError("it holds no experiment")
        typed = {name: _typed(name, frame, columns[name]) for name, frame in tables.items()}
        for name, frame in typed.items():
            _vocabulary(name, frame)
        _ownership(typed)
        _texts(typed.get("texts"))
        for name, frame in typed.items():
            try:
                database.insert(connection, name, frame, keep=True)
            except duckdb.Error as error:
                raise InputError(f"its table {name} does not fit: {str(error).splitlines()[0]}") from None
        return typed
    finally:
        connection.close()


def _typed(name: str, frame: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    if frame.height > MOST_ROWS or frame.estimated_size() > MOST_BYTES:
        raise InputError(f"its table {name} is too large: {frame.height:,} rows; allowed are {MOST_ROWS:,}")
    if unknown := sorted(set(frame.columns) - set(columns)):
        raise InputError(f"its table {name} has columns this version does not know: {', '.join(unknown)}")
    try:
        typed = frame.with_columns(pl.col(column).cast(_dtype(columns[column])) for column in frame.columns)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"its table {name} has values of a wrong type: {str(error).splitlines()[0]}") from None
    for column in typed.columns:
        if columns[column] == _JSON:
            _json(name, column, typed[column])
        elif typed[column].dtype == pl.Float64 and not typed[column].drop_nulls().is_finite().all():
            raise InputError(f"its table {name} has numbers in {column} that are not finite")
    return typed


def _dtype(kind: str) -> pl.DataType | type[pl.DataType]:
    whole = {"BIGINT": pl.Int64, "INTEGER": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean}
    return whole.get(kind, pl.List(pl.String) if kind == "VARCHAR[]" else pl.String)


def _json(name: str, column: str, values: pl.Series) -> None:
    shape = _SHAPES.get(f"{name}.{column}", TypeAdapter(Any))
    for value in values.drop_nulls().unique():
        try:
            shape.validate_json(value)
        except ValidationError as error:
            raise InputError(
                f"its table {name} has JSON in {column} that does not fit: {error.errors()[0]['msg']}"
            ) from None


def _vocabulary(name: str, frame: pl.DataFrame) -> None:
    for column, words in _VOCABULARIES.get(name, {}).items():
        allowed = getattr(words, "__args__", words)
        if column in frame.columns and (wrong := set(frame[column].drop_nulls().unique()) - set(allowed)):
            raise InputError(
                f"its table {name} says {column} is {sorted(wrong)[0]!r}; allowed are {', '.join(allowed)}"
            )
    for column in _SCORES.get(name, ()):
        if column in frame.columns and not frame[column].drop_nulls().is_between(0, 1).all():
            raise InputError(f"its table {name} has values of {column} outside 0 to 1")


def _ownership(tables: Mapping[str, pl.DataFrame]) -> None:
    """Every row belongs to one of the experiments it brings, so that it cannot add to anyone else's."""
    ids = set(tables["experiments"]["experiment_id"])
    for wrong in (each for each in ids if each is None or not _ID.fullmatch(each)):
        raise InputError(f"an experiment is called {wrong!r}; ids are letters, digits, dots, hyphens and underscores")
    for name, frame in tables.items():
        if "experiment_id" in frame.columns:
            _within(name, "experiment_id", frame, ids)
    trials = {each for name in ("trials", "calls", "lost_calls") if name in tables for each in tables[name]["trial_id"]}
    for name in ("checkpoints", "steps"):
        if name in tables:
            _within(name, "trial_id", tables[name], trials)


def _within(name: str, column: str, frame: pl.DataFrame, ids: Collection[str]) -> None:
    if column not in frame.columns or (stray := set(frame[column].unique()) - set(ids)):
        raise InputError(
            f"its table {name} has rows of {column} {sorted(map(str, stray))[0]!r}, which it does not hold"
        )


def _texts(texts: pl.DataFrame | None) -> None:
    """A text is found by its SHA-256, so one that claims another's would be shown in its place."""
    for sha256, text in [] if texts is None else texts.select("sha256", "text").iter_rows():
        if hashlib.sha256((text or "").encode()).hexdigest() != sha256:
            raise InputError("one of its texts does not have the SHA-256 it claims")
