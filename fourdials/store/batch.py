"""Journal lines → typed rows of many tables, written in one go.

Used by the store, which adds the offset and the transaction. Lines are applied as if one after the other: what replaces
and what is ignored when a key comes twice is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import orjson
import polars as pl

from fourdials.errors import InputError
from fourdials.store.database import KEYS, REPLACED, Columns, insert

Row = dict[str, Any]

_TABLE_OF = {
    "arm": "arms",
    "problem": "problems",
    "text": "texts",
    "step": "steps",
    "checkpoint": "checkpoints",
    "trial": "trials",
}
_DTYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "VARCHAR": pl.String,
    "DOUBLE": pl.Float64,
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int64,
    "BOOLEAN": pl.Boolean,
    "VARCHAR[]": pl.List(pl.String),
}
_ENDED = ("finished", "stopped", "failed")
_STATUS = (
    "UPDATE experiments SET status = $status, status_detail = $detail, finished_at = $ended WHERE experiment_id = $id"
)


class Batch:
    """The rows that some lines of one experiment's journal, or of the file of edits, add up to.

    Args:
        experiment_id: The run's folder name; its lines must agree. Empty for edits, whose lines name theirs.
        columns: Column types of every table, as the database states them.
    """

    def __init__(self, experiment_id: str, columns: Columns) -> None:
        self.experiment_id = experiment_id
        self._columns = columns
        self._rows: dict[str, dict[Any, Row]] = {table: {} for table in KEYS}
        self._reset: set[str] = set()
        self._answered: set[str] = set()
        self._status: Row | None = None

    def experiments(self) -> list[str]:
        """The experiments whose grades may have to be shown anew once these rows are written."""
        edited = {row["experiment_id"] for row in self._rows["regrades"].values()}
        return sorted(edited | ({self.experiment_id} - {""}))

    def take(self, raw: bytes) -> None:
        """Adds one line. Raises InputError if it is no JSON object, of unknown kind, or lacks what identifies it."""
        try:
            line = orjson.loads(raw)
            kind = line["k"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"not a journal line ({error}); it starts with {raw[:60]!r}") from None
        try:
            self._apply(kind, line)
        except (KeyError, TypeError) as error:
            raise InputError(f"a {kind!r} line lacks {error}") from None

    def _apply(self, kind: str, line: Row) -> None:
        if kind in _TABLE_OF:
            self._add(_TABLE_OF[kind], line)
        elif kind == "calls":
            for row in line["rows"]:
                self._add("calls", row)
                self._answered.add(row["call_id"])
                self._rows["lost_calls"].pop((row["call_id"],), None)
        elif kind == "started":
            for call_id in line["call_ids"]:
                row = {"call_id": call_id, "trial_id": line["trial_id"], "started_at": line["at"]}
                self._add("lost_calls", {**row, "experiment_id": line.get("experiment_id", self.experiment_id)})
        elif kind == "reset":
            self._reset.add(line["trial_id"])
            held = self._rows["checkpoints"]
            self._rows["checkpoints"] = {key: row for key, row in held.items() if key[0] != line["trial_id"]}
        elif kind == "status":
            self._status = line
        elif kind == "regrade":
            named = {key: line[key] for key in ("edit_id", "experiment_id")}
            self._add("regrades", line)
            for row in line["grades"]:
                self._add("regraded", {**row, **named})
        elif kind == "experiment":
            if line["experiment_id"] != self.experiment_id:
                raise InputError(
                    f"the journal of experiment {line['experiment_id']!r} stands in the folder {self.experiment_id!r}; "
                    "give the folder the experiment's name"
                )
            known = {"status": "queued", "recorded": False, "origin": line["provenance"]}
            self._add("experiments", {**line, **known})
        else:
            raise InputError(f"unknown kind of line {kind!r}; was it written by a newer version?")

    def _add(self, table: str, row: Row) -> None:
        rows = self._rows[table]
        key = tuple(row[column] for column in KEYS[table])
        if key not in rows or table in REPLACED or table == "experiments":
            rows[key] = row

    def write(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Writes all rows; the caller holds the transaction.

        Raises InputError, duckdb.DataError or duckdb.ConstraintException if a value does not fit its column.
        """
        if self._reset:
            cursor.execute("DELETE FROM checkpoints WHERE list_contains(?, trial_id)", [sorted(self._reset)])
        for table, rows in self._rows.items():
            if rows:
                insert(cursor, table, _frame(table, list(rows.values()), self._columns[table]))
        if self._answered:
            cursor.execute("DELETE FROM lost_calls WHERE call_id IN (SELECT unnest(?))", [sorted(self._answered)])
        if self._status is not None:
            line = self._status
            ended = line["at"] if line["status"] in _ENDED else None
            params = {"status": line["status"], "detail": line.get("detail"), "ended": ended, "id": self.experiment_id}
            cursor.execute(_STATUS, params)


def _frame(table: str, rows: Sequence[Row], columns: Mapping[str, str]) -> pl.DataFrame:
    """Rows as a frame of the table's columns; JSON values as text. Raises InputError for a value of a wrong type."""
    series = []
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        try:
            if kind == "JSON":
                dumped = [None if value is None else orjson.dumps(value).decode() for value in values]
                series.append(pl.Series(name, dumped, dtype=pl.String))
            else:
                series.append(pl.Series(name, values, dtype=_DTYPES[kind], strict=True))
        except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
            raise InputError(f"{table}.{name} must be {kind}: {error}") from None
    return pl.DataFrame(series)
