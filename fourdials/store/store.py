"""Journals and recorded Parquet → the DuckDB tables of `queries/schema.sql`, and frames read back from them.

The dashboard opens one `Store` and lets its background thread follow the journals; the command line opens one, ingests
and closes. Everything in the database comes from append-only files and can be built again from them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from fourdials.errors import HomeBusy, InputError
from fourdials.journal import EDITS, journals
from fourdials.store import database
from fourdials.store.batch import Batch
from fourdials.store.database import KEYS

RECORDED = Path(__file__).resolve().parents[2] / "data" / "recorded"
CONFIRMED = (
    ".confirmed.json"  # beside a folder of IMPORTED: specs as they were confirmed, by run; the folder stays as it came
)
IMPORTED = "imported"  # folder of the home that holds snapshots of others, laid out like `RECORDED`
TICK_S = 0.5
CHUNK_BYTES = 8 << 20  # about this much of a journal lands in one transaction, which bounds memory


class Store:
    """The database of a home. Any thread may read; one ingester writes.

    Opening loads recorded runs, the project's own and imported snapshots; journals land when `ingest` is called or once
    `start` was. The caller closes it.

    Args:
        home: Folder that holds `runs/` and `fourdials.duckdb`; made if absent.
        read_only_copy: Build an in-memory database from the files and leave `fourdials.duckdb` alone, for use while
            another process holds it. Journals are ingested before the constructor returns.
        recorded: Folder of recorded runs, one folder of Parquet each.

    Raises:
        HomeBusy: Another process holds the database; the message names it.
    """

    def __init__(self, home: Path, read_only_copy: bool = False, recorded: Path = RECORDED) -> None:
        self.home = home
        self.trouble: str | None = None
        self._damaged: str | None = None
        self._recorded = recorded
        self._writing = threading.Lock()
        self._opening = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._version = 0
        home.mkdir(parents=True, exist_ok=True)
        self._connection = database.made(":memory:") if read_only_copy else database.opened(home / "fourdials.duckdb")
        self._columns = database.columns(self._connection)
        self._offsets = {
            path: (owner, size) for path, owner, size in self._rows("SELECT path, experiment_id, bytes FROM ingested")
        }
        if read_only_copy:
            self.ingest()
        else:
            with self._writing:
                self._load_recorded()

    def ingest(self) -> int:
        """Lands what the files have gained since the last time; returns the number of journal lines that landed.

        A line that cannot be read is noted in the table `bad_lines` and does not keep others from landing.
        """
        with self._writing:
            changed = self._forget_removed() + self._load_recorded()
            landed = 0
            for folder in sorted(path for path in self.home.glob("runs/*") if path.is_dir()):
                for journal in journals(folder):
                    landed += self._follow(journal, folder.name)
            if (self.home / EDITS).is_file():
                landed += self._follow(self.home / EDITS, "")
            if changed:
                self._version += 1
            self.trouble = self._damaged
            return landed

    def start(self) -> None:
        """Starts the background ingester; it stops at `close`. Starting twice starts one."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ingester", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stops the ingester and lets go of the file."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._connection.close()

    def version(self) -> int:
        """A number that grows whenever rows land; equal numbers mean equal tables."""
        return self._version

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """The rows of one SELECT with `$name` parameters. JSON columns are strings. Safe from any thread."""
        cursor = self._cursor()
        try:
            frame: pl.DataFrame = cursor.sql(sql, params=dict(params or {})).pl()
            return frame
        finally:
            cursor.close()

    def export(self, experiment_id: str, folder: Path) -> list[Path]:
        """Writes one experiment as `<table>.parquet` files that `data/recorded/` can hold; returns their paths.

        Without any row nothing is written and the list is empty.
        """
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for table in KEYS:
            rows = self.frame(database.selection(table), {"ids": [experiment_id]})
            if rows.height:
                path = folder / f"{table}.parquet"
                unfinished = path.with_suffix(".part")  # a dashboard that looks into the folder meets whole files only
                rows.write_parquet(unfinished, compression="zstd", compression_level=19)
                unfinished.replace(path)
                written.append(path)
        return written

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.ingest()
            except (duckdb.Error, OSError) as error:  # a full disk must not end the thread: it may be freed
                self.trouble = f"New results cannot be read in: {error}"
            self._stopped.wait(TICK_S)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            return self._connection.cursor()

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self._cursor()
        try:
            return cursor.execute(sql).fetchall()
        finally:
            cursor.close()

    def _follow(self, journal: Path, experiment_id: str) -> int:
        """Lands the complete lines a journal has gained, a chunk at a time."""
        name = journal.relative_to(self.home).as_posix()
        landed = 0
        while True:
            offset = self._offsets.get(name, ("", 0))[1]
            if journal.stat().st_size <= offset:
                return landed
            with journal.open("rb") as file:
                file.seek(offset)
                lines = [line for line in file.readlines(CHUNK_BYTES) if line.endswith(b"\n")]
            if not lines:
                return landed
            landed += self._land(name, experiment_id, offset, lines)
            self._version += 1  # here and not at the end, which a run that writes as fast as this never lets come

    def _land(self, name: str, experiment_id: str, offset: int, lines: list[bytes]) -> int:
        """Lands lines and the new offset in one transaction; if a row is refused, halves them to single it out."""
        end = offset + sum(map(len, lines))
        try:
            batch = Batch(experiment_id, self._columns)
            for line in lines:
                batch.take(line)
            self._write(batch, name, end)
        except (InputError, duckdb.DataError, duckdb.ConstraintException) as error:
            if len(lines) == 1:
                note = (name, offset, experiment_id, str(error).splitlines()[0])
                self._write(Batch(experiment_id, self._columns), name, end, note)
                return 0
            half = len(lines) // 2
            first = self._land(name, experiment_id, offset, lines[:half])
            return first + self._land(name, experiment_id, offset + sum(map(len, lines[:half])), lines[half:])
        return len(lines)

    def _write(self, batch: Batch, name: str, end: int, bad_line: tuple[Any, ...] | None = None) -> None:
        with self._transaction() as cursor:
            batch.write(cursor)
            database.regrade(cursor, batch.experiments())
            if bad_line:
                cursor.execute("INSERT OR REPLACE INTO bad_lines VALUES (?, ?, ?, ?)", list(bad_line))
            cursor.execute("INSERT OR REPLACE INTO ingested VALUES (?, ?, ?)", [name, batch.experiment_id, end])
        self._offsets[name] = (batch.experiment_id, end)

    def _forget_removed(self) -> int:
        """Drops experiments a journal of which was removed or became shorter, so that they are read again."""
        gone = set()
        for name, (experiment_id, size) in self._offsets.items():
            path = self.home / name
            if not path.exists() or path.stat().st_size < size:
                gone.add(experiment_id)
        if "" in gone:  # the edits: what they changed is read again as it was
            gone |= {owner for (owner,) in self._rows("SELECT experiment_id FROM regrades")}
        if gone:
            self._forget(gone)
        return len(gone)

    def _forget(self, gone: Set[str]) -> None:
        with self._transaction() as cursor:
            database.forget(cursor, sorted(gone))
        self._offsets = {name: held for name, held in self._offsets.items() if held[0] not in gone and name != EDITS}

    def _load_recorded(self) -> int:
        """Loads recorded runs that are new or changed, drops those removed; returns how many that were.

        An experiment whose journals are in the home stays with them.
        """
        held = {name: (mark, ids) for name, mark, ids in self._rows("SELECT * FROM recordings")}
        roots = (self._recorded, self.home / IMPORTED)
        found = {path.parent.name: path.parent for root in roots for path in root.glob("[!.]*/experiments.parquet")}
        marks = {name: _signature(folder) for name, folder in found.items()}
        changed = [name for name in sorted(held.keys() | found.keys()) if held.get(name, ("",))[0] != marks.get(name)]
        journaled = {owner for owner, _ in self._offsets.values()}
        stale = {owner for name in changed if name in held for owner in held[name][1]} - journaled
        if stale:
            self._forget(stale)
        self._damaged = None
        if not changed:
            return 0
        try:
            self._load_all(changed, found, marks)
        except InputError:  # one of them is damaged; it keeps the others from nothing
            return sum(self._load_alone(name, found, marks) for name in changed)
        return len(changed)

    def _load_alone(self, name: str, found: dict[str, Path], marks: dict[str, str]) -> bool:
        """Loads one recording; whether it could. A damaged one is named, held no longer, and tried at each look."""
        try:
            self._load_all([name], found, marks)
        except InputError as error:
            self._damaged = f"{self._damaged}; {error}" if self._damaged else str(error)
            with self._transaction() as cursor:
                return bool(cursor.execute("DELETE FROM recordings WHERE name = ? RETURNING name", [name]).fetchall())
        return True

    def _load_all(self, names: list[str], found: dict[str, Path], marks: dict[str, str]) -> None:
        """Loads recordings in one transaction; if all of their keys are new, in half the time."""
        try:
            self._load_into(names, found, marks, keys_new=True)
        except duckdb.ConstraintException:  # some rows are held already: a run of the home, or one recorded twice
            self._load_into(names, found, marks, keys_new=False)

    def _load_into(self, names: list[str], found: dict[str, Path], marks: dict[str, str], keys_new: bool) -> None:
        with self._transaction() as cursor:
            for name in names:
                cursor.execute("DELETE FROM recordings WHERE name = ?", [name])
                if name in found:
                    ids = _insert_recording(cursor, found[name], keys_new)
                    cursor.execute("INSERT INTO recordings VALUES (?, ?, ?)", [name, marks[name], ids])
                    database.regrade(cursor, ids)

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction that is committed at the end, or rolled back by closing it."""
        cursor = self._cursor()
        try:
            cursor.begin()
            yield cursor
            cursor.commit()
        finally:
            cursor.close()


def opened(home: Path) -> Store:
    """The database of a home with everything landed; a copy in memory if another process holds the file."""
    try:
        store = Store(home)
    except HomeBusy:
        return Store(home, read_only_copy=True)
    store.ingest()
    return store


# A column that is unknown, missing, or holds something else: written by another version, or by something else.
_UNFIT = (duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException, duckdb.InvalidInputException)


def _insert_recording(cursor: duckdb.DuckDBPyConnection, folder: Path, keys_new: bool) -> list[str]:
    """Inserts the rows of one recording; returns its experiments."""
    paths = {table: folder / f"{table}.parquet" for table in KEYS}
    try:
        tables = {table: pl.read_parquet(path) for table, path in paths.items() if path.exists()}
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{folder} holds a damaged file ({error}); copy it anew, or move it away") from None
    if "experiments" not in tables:
        raise FileNotFoundError(f"{folder} was removed while it was read")  # the next look forgets it
    experiments = tables["experiments"]
    if "origin" not in experiments.columns:
        experiments = experiments.with_columns(origin="provenance")
    if specs := confirmed(folder):
        experiments = experiments.with_columns(
            spec=pl.col("experiment_id").replace_strict(specs, default=pl.col("spec"))
        )
    tables["experiments"] = experiments.with_columns(provenance=pl.lit("recorded"), recorded=pl.lit(True))
    try:
        for table, rows in tables.items():
            if keys_new and table != "texts":  # runs of the same task share texts
                database.append(cursor, table, rows)
            else:
                database.insert(cursor, table, rows, keep=True)
    except _UNFIT as error:
        raise InputError(f"{folder} holds a table of another form ({error}); copy it anew, or move it away") from None
    return experiments["experiment_id"].to_list()


def beside(folder: Path) -> Path:
    """The file that holds what a person confirmed of an import."""
    return folder.with_name(folder.name + CONFIRMED)


def confirmed(folder: Path) -> dict[str, str]:
    """Specs of an import's runs, as JSON, as a person confirmed them; empty where nothing was confirmed."""
    path = beside(folder)
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _signature(folder: Path) -> str:
    """What tells one state of a folder of Parquet from another without reading it."""
    files = [*sorted(folder.glob("*.parquet")), *([beside(folder)] if beside(folder).exists() else [])]
    return ";".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)
