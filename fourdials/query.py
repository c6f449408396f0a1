"""Query name and parameters → Polars frame: runs the files in `queries/`, each one result.

A file opens with comment lines: its title, `Grain:`, `Units:`, then one line per parameter,
`-- $name TYPE: meaning` or `-- $name TYPE optional: meaning`. Pages, the command line and notebooks call `run`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from fourdials.errors import InputError
from fourdials.store import Store

QUERIES = Path(__file__).resolve().parent.parent / "queries"
_PARAMETER = re.compile(r"^\$(\w+) (\w+(?:\[\])?)( optional)?: (.+)$")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value a query takes. A list type (`VARCHAR[]`) also takes a single value; an optional one may be left out."""

    name: str
    type: str
    meaning: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What a query file says of itself, and its SQL."""

    name: str
    title: str
    grain: str
    units: str
    parameters: tuple[Parameter, ...]
    sql: str


def names() -> list[str]:
    """All queries, in alphabetical order."""
    return sorted(path.stem for path in QUERIES.glob("*.sql") if path.stem != "schema")


def describe(name: str) -> Query:
    """Reads a query's header. Raises InputError, listing what exists, if there is no such query."""
    if name not in names():
        raise InputError(f"there is no query {name!r}; choose one of {', '.join(names())}")
    sql = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    header: list[str] = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        text = line.removeprefix("--")
        if text.startswith("   ") and header:  # a line indented further goes on from the one before
            header[-1] += " " + text.strip()
        else:
            header.append(text.strip())
    parameters = [
        Parameter(found[1], found[2], found[4], bool(found[3])) for line in header if (found := _PARAMETER.match(line))
    ]
    return Query(name, header[0], _part(header, "Grain"), _part(header, "Units"), tuple(parameters), sql)


def run(store: Store, name: str, **params: Any) -> pl.DataFrame:
    """The rows of a query. Optional parameters left out are NULL, and a single value stands for a list of one.

    Raises InputError, listing what exists, for an unknown query, an unknown or missing parameter, or a value that does
    not fit its type.
    """
    query = describe(name)
    known = {parameter.name: parameter for parameter in query.parameters}
    takes = ", ".join(f"{p.name} ({'optional, ' if p.optional else ''}{p.type})" for p in query.parameters) or "nothing"
    for given in params:
        if given not in known:
            raise InputError(f"the query {name!r} takes no parameter {given!r}; it takes {takes}")
    missing = [p.name for p in query.parameters if not p.optional and params.get(p.name) is None]
    if missing:
        raise InputError(f"the query {name!r} needs {', '.join(missing)}; it takes {takes}")
    values = {key: _listed(parameter, params.get(key)) for key, parameter in known.items()}
    try:
        return store.frame(query.sql, values)
    except (duckdb.DataError, duckdb.InvalidInputException, duckdb.BinderException) as error:
        raise InputError(f"the query {name!r} could not run with {values!r}: {str(error).splitlines()[0]}") from error


def _part(header: list[str], label: str) -> str:
    return next((line.removeprefix(f"{label}: ") for line in header if line.startswith(f"{label}: ")), "")


def _listed(parameter: Parameter, value: Any) -> Any:
    if value is None or not parameter.type.endswith("[]"):
        return value
    return [value] if isinstance(value, str) else list(value)
