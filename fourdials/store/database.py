"""The database file: opened or made with the schema of `queries/schema.sql`; rows inserted, selected and forgotten.

The store's hands: everything here is given a connection or a cursor, and whoever gives it holds the transaction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import polars as pl

from fourdials.errors import HomeBusy
from fourdials.journal import EDITS

SCHEMA = Path(__file__).resolve().parents[2] / "queries" / "schema.sql"
Columns = Mapping[str, Mapping[str, str]]  # table → column → DuckDB type

KEYS = {
    "experiments": ("experiment_id",),
    "arms": ("experiment_id", "arm"),
    "problems": ("experiment_id", "task", "problem_id"),
    "trials": ("trial_id",),
    "checkpoints": ("trial_id", "seq"),
    "calls": ("call_id",),
    "texts": ("sha256",),
    "steps": ("trial_id", "seq"),
    "lost_calls": ("call_id",),
    "regrades": ("edit_id",),
    "regraded": ("edit_id", "trial_id", "seq"),
}
REPLACED = {"arms", "problems", "trials"}  # a later line with the same key wins; elsewhere the first does
_OF_EXPERIMENTS = (
    *("experiments", "arms", "problems", "trials", "calls", "lost_calls"),
    *("regrades", "regraded"),
)  # hold an experiment_id
_OF_TRIALS = ("checkpoints", "steps")
_TRIALS = """
    SELECT trial_id FROM trials WHERE list_contains($ids, experiment_id)
    UNION SELECT trial_id FROM calls WHERE list_contains($ids, experiment_id)
"""
_TEXTS = """
    SELECT * FROM texts WHERE sha256 IN (
        SELECT unnest(regexp_extract_all(CAST(j AS VARCHAR), '"sha256" *: *"([0-9a-f]{64})"', 1)) FROM (
            SELECT request AS j FROM calls WHERE list_contains($ids, experiment_id)
            UNION ALL
            SELECT payload FROM steps WHERE trial_id IN (
                SELECT trial_id FROM calls WHERE list_contains($ids, experiment_id))))
"""
_EXPERIMENT = """
    INSERT INTO experiments BY NAME SELECT * FROM incoming
    ON CONFLICT DO UPDATE SET name = excluded.name, spec = excluded.spec, version = excluded.version,
        seed = excluded.seed, provenance = excluded.provenance, origin = excluded.origin,
        simulated = excluded.simulated, recorded = excluded.recorded, planned_trials = excluded.planned_trials,
        price_date = excluded.price_date
"""
_REGRADE = """
    UPDATE checkpoints SET answer = r.answer, score = r.score, outcome = r.outcome
    FROM regraded AS r
    WHERE r.edit_id = $edit AND checkpoints.trial_id = r.trial_id AND checkpoints.seq = r.seq
      AND checkpoints.answer IS NOT DISTINCT FROM r.old_answer
"""
_REGRADED_TRIALS = """
    UPDATE trials SET answer = last.stop.answer,
        score = CASE WHEN last.ungraded THEN NULL ELSE last.stop.score END,
        outcome = CASE WHEN last.ungraded THEN 'grader_error' ELSE last.stop.outcome END,
        error = CASE WHEN trials.outcome = 'grader_error' AND NOT last.ungraded THEN NULL ELSE trials.error END
    FROM (SELECT trial_id, arg_max(struct_pack(answer, score, outcome), seq) AS stop,
                 bool_or(outcome = 'grader_error') AS ungraded
          FROM checkpoints
          WHERE trial_id IN (SELECT trial_id FROM regraded WHERE experiment_id = $id)
          GROUP BY trial_id) AS last
    WHERE trials.trial_id = last.trial_id AND trials.outcome <> 'infra_error'
"""


def opened(path: Path) -> duckdb.DuckDBPyConnection:
    """The database file with the current schema; one with another schema, or one that is damaged, is made anew.

    Nothing is lost by that: all of it can be read from the journals again. Raises HomeBusy if a process holds it.
    """
    try:
        return made(str(path))
    except duckdb.IOException as error:
        if "lock" in str(error):
            holder = re.search(r"PID (\d+)", str(error))
            who = f"process {holder[1]}" if holder else "another process"
            raise HomeBusy(
                f"{path} is held by {who}: a dashboard, or a run that is writing its results. "
                "Close that, or read a copy."
            ) from None
        if "not a valid DuckDB" not in str(error) and "version number" not in str(error):
            raise
        _remove(path)
    except duckdb.CatalogException:
        _remove(path)
    return made(str(path))


def _remove(path: Path) -> None:
    for file in (path, path.with_name(path.name + ".wal")):
        file.unlink(missing_ok=True)


def made(path: str) -> duckdb.DuckDBPyConnection:
    """A connection whose database has the current schema. Raises duckdb.CatalogException if it has another schema."""
    schema = SCHEMA.read_text(encoding="utf-8")
    digest = hashlib.sha256(schema.encode()).hexdigest()
    # Polars takes Arrow string views as they are; other strings it copies, which doubles the time of large results.
    connection = duckdb.connect(
        path, config={"autoinstall_known_extensions": "false", "produce_arrow_string_view": "true"}
    )
    try:
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if not tables:
            connection.execute(schema)
            connection.execute("INSERT INTO schema_version VALUES (?)", [digest])
        held = connection.execute("SELECT digest FROM schema_version").fetchall()
        if held != [(digest,)]:
            raise duckdb.CatalogException("the database has the schema of another version")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def columns(connection: duckdb.DuckDBPyConnection) -> Columns:
    """The column types of every table that rows are inserted into."""
    rows = connection.execute("SELECT table_name, column_name, data_type FROM duckdb_columns()").fetchall()
    found: dict[str, dict[str, str]] = {table: {} for table in KEYS}
    for table, column, kind in rows:
        if table in found:
            found[table][column] = kind
    return found


def insert(cursor: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame, keep: bool = False) -> None:
    """Inserts rows; where a key is held already the table's rule decides, or the held row if `keep`."""
    cursor.register("incoming", frame)  # replaces the one before; gone with the cursor
    if table == "experiments" and not keep:
        cursor.execute(_EXPERIMENT)
    else:
        rule = "REPLACE" if table in REPLACED and not keep else "IGNORE"
        cursor.execute(f"INSERT OR {rule} INTO {table} BY NAME SELECT * FROM incoming")  # noqa: S608 - constants


def append(cursor: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Inserts rows whose keys are new. Raises duckdb.ConstraintException if one is held, which ends the transaction."""
    cursor.register("incoming", frame)
    cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")  # noqa: S608 - constants


def regrade(cursor: duckdb.DuckDBPyConnection, experiment_ids: Iterable[str]) -> None:
    """Shows what regrades found on the checkpoints and trials they were about: each in turn, where the answer still is
    the one it graded. Doing it again changes nothing, so it follows whatever rows land."""
    for experiment_id in experiment_ids:
        wanted = {"id": experiment_id}
        edits = 'SELECT edit_id FROM regrades WHERE experiment_id = $id ORDER BY "at", edit_id'
        found = cursor.execute(edits, wanted).fetchall()
        for (edit_id,) in found:
            cursor.execute(_REGRADE, {"edit": edit_id})
        if found:
            cursor.execute(_REGRADED_TRIALS, wanted)


def forget(cursor: duckdb.DuckDBPyConnection, experiment_ids: list[str]) -> None:
    """Deletes all rows of experiments, and the notes of recordings and edits that hold some, so that they are loaded
    again."""
    ids = {"ids": experiment_ids}
    for table in _OF_TRIALS:
        cursor.execute(f"DELETE FROM {table} WHERE trial_id IN ({_TRIALS})", ids)  # noqa: S608 - constants
    for table in (*_OF_EXPERIMENTS, "ingested", "bad_lines"):
        cursor.execute(f"DELETE FROM {table} WHERE list_contains($ids, experiment_id)", ids)  # noqa: S608 - constants
    cursor.execute("DELETE FROM ingested WHERE path = ?", [EDITS])
    cursor.execute("DELETE FROM recordings WHERE list_has_any(experiment_ids, $ids)", ids)


def selection(table: str) -> str:
    """The SELECT of an experiment's rows of a table, in an order that does not change."""
    if table == "texts":
        return f"{_TEXTS} ORDER BY ALL"
    where = "list_contains($ids, experiment_id)" if table in _OF_EXPERIMENTS else f"trial_id IN ({_TRIALS})"
    return f"SELECT * FROM {table} WHERE {where} ORDER BY {', '.join(KEYS[table])}"  # noqa: S608 - constants
