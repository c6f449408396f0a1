"""Reads a table of problems from CSV, TSV, JSON Lines or Parquet, and says which row and column is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fourdials.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_SEPARATORS = (";", "\t", ",")  # looked for where a header has one column only; as spreadsheets write them
Row = Mapping[str, Any]
_ODD: dict[type, str] = {dict: "a table of its own (a struct)", bytes: "bytes", list: "a list"}


def read(path: str) -> tuple[Row, ...]:
    """The rows of a file or URL, in order. CSV and TSV values stay text, as they are written, and may be parted by
    semicolons, tabs or commas alike: the header tells.

    A path is looked for from the current folder, then from the program's. Raises InputError if it cannot be read."""
    if "://" in path:
        return _rows(path, path, 0)
    tried = [Path(path).expanduser(), PROJECT / path]
    found = next((place for place in tried if place.is_file()), None)
    if found is None:
        raise InputError(f"there is no file {path!r} (looked for {tried[0].absolute()}); give the path of a table")
    return _rows(path, str(found), found.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _rows(named: str, place: str, _changed: int) -> tuple[Row, ...]:
    # Imported here: listing the tasks should not pay for it.
    import polars as pl

    ending = next((ending for ending in ENDINGS if place.split("?")[0].casefold().endswith(ending)), None)
    if ending is None:
        raise InputError(f"cannot tell what {named!r} holds; its name must end in {', '.join(ENDINGS)}")
    try:
        if ending == ".parquet":
            frame = pl.read_parquet(place)
        elif ending in (".jsonl", ".ndjson"):
            frame = pl.read_ndjson(place, infer_schema_length=None)
        else:
            usual = "\t" if ending == ".tsv" else ","
            header = pl.read_csv(place, infer_schema=False, n_rows=0, separator=usual).columns
            others = [mark for mark in _SEPARATORS if len(header) == 1 and mark in header[0]]
            frame = pl.read_csv(place, infer_schema=False, separator=(*others, usual)[0])
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines() or [repr(error)]
        todo = "; save it with the encoding UTF-8" if "utf-8" in str(error).casefold() else ""
        raise InputError(f"{named!r} cannot be read as {ending[1:]}: {reason[0]}{todo}") from error
    return tuple(MappingProxyType(row) for row in frame.iter_rows(named=True))


def wrong(path: str, row: int, column: str, what: str) -> InputError:
    """The error for a cell; rows are counted from 1, the header not counted."""
    return InputError(f"{path}, row {row}, column {column!r}: {what}")


def check(path: str, rows: Sequence[Row], columns: Sequence[str], lists: Sequence[str]) -> None:
    """Raises InputError at the first cell of these columns that is neither a text nor a number, nor, in `lists`, a list
    of such; a Parquet or JSON file may hold tables and bytes."""
    for row, values in enumerate(rows, 1):
        for column in columns:
            value = values.get(column)
            inner = value if isinstance(value, list) and column in lists else [value]
            if odd := next((name for each in inner for kind, name in _ODD.items() if isinstance(each, kind)), None):
                raise wrong(path, row, column, f"holds {odd}; a text or a number is needed")


def cell(path: str, row: int, values: Row, column: str) -> str:
    """A cell as text; raises InputError if it is empty."""
    value = values.get(column)
    text = "" if value is None else str(value).strip()
    if not text:
        raise wrong(path, row, column, "is empty; fill it in or leave the row out")
    return text


def several(value: Any, separator: str) -> tuple[str, ...]:
    """The texts of a cell: a list's items, or a text parted at the separator; empty ones are dropped."""
    items: Sequence[Any] = value if isinstance(value, list | tuple) else str(value or "").split(separator)
    return tuple(text for item in items if item is not None and (text := str(item).strip()))
