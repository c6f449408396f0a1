"""Runs → one `.fourdials` file that somebody else can open, and back.

A snapshot is a zip of Parquet tables, the price rows used and a manifest with the SHA-256 of every part and one content
id over all of them. `write` makes one, `read` checks one and trusts nothing in it, `install` puts one beside one's own
runs, read-only. Called by the command line, the Share page and notebooks.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import shutil
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fourdials import __version__, prices, query, withheld
from fourdials.errors import InputError
from fourdials.store import Store, database, foreign
from fourdials.store.store import IMPORTED, beside

FORMAT = 1
SUFFIX = ".fourdials"
MANIFEST = "manifest.json"
PRICES = "prices.json"
MOST_BYTES = 512 << 20  # of the file
MOST_UNPACKED = 2 << 30  # of all its parts together
LARGEST_MANIFEST = 1 << 20
_LIBRARIES = ("litellm", "duckdb", "polars", "xllamacpp")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same rows give the same bytes
# What prompts and replies are stored in, and what stands there when they are left out.
_WITHHELD: Mapping[str, Mapping[str, str | None]] = {
    "calls": {"request": "{}", "reply": None, "error": None},
    "steps": {"payload": "{}"},
    "problems": {"question": "", "reference": None},
    "checkpoints": {"detail": None},
    "trials": {"error": None},
}


class Part(BaseModel):
    """One file of a snapshot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z_]{1,40}\.(parquet|json)$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Run(BaseModel):
    """One run a snapshot holds: id, name, and the kind of its models."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    experiment_id: str = Field(max_length=120)
    name: str = Field(max_length=200)
    origin: str = Field(max_length=40)


class Manifest(BaseModel):
    """What a snapshot says of itself.

    Attributes:
        content_id: SHA-256 over the names and hashes of its parts: the same content has the same id.
        created_at: When it was written, seconds since the epoch.
        version, libraries: Four Dials and the libraries that wrote it.
        texts: True if prompts and replies are included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    content_id: str = Field(pattern=r"^[0-9a-f]{64}$")
    created_at: float
    version: str = Field(max_length=40)
    libraries: dict[str, str]
    texts: bool
    runs: list[Run] = Field(min_length=1, max_length=1000)
    parts: list[Part] = Field(min_length=1, max_length=40)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that was read and checked: its manifest, its tables by name, and the prices it used."""

    manifest: Manifest
    tables: Mapping[str, pl.DataFrame]
    prices: Sequence[Mapping[str, Any]]


def write(
    store: Store,
    experiment_ids: Sequence[str],
    path: Path,
    *,
    texts: bool = True,
    tasks: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
) -> Manifest:
    """Writes runs, or some tasks and arms of them, as one file.

    Args:
        store: Where they are.
        experiment_ids: At least one run.
        path: The file; one that exists is replaced once the new one is complete.
        texts: False leaves out prompts, replies, questions, references and error messages; answers and scores stay.
        tasks: Names of the tasks to keep; None for all.
        arms: Names of the arms to keep; None for all.

    Raises:
        InputError: A run does not exist, or nothing is left of the selection.
    """
    tables = _selected(store, list(dict.fromkeys(experiment_ids)), tasks, arms)
    if not texts:
        tables = _without_texts(tables)
    manifest, parts = described(tables, texts=texts)
    partial = path.with_name(path.name + ".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, data in {MANIFEST: manifest.model_dump_json(indent=2).encode(), **parts}.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    partial.replace(path)
    return manifest


def described(tables: Mapping[str, pl.DataFrame], texts: bool = True) -> tuple[Manifest, dict[str, bytes]]:
    """What a snapshot of these tables says of itself, and its parts by name; `texts` tells if they hold prompts."""
    parts = {f"{name}.parquet": _parquet(frame) for name, frame in tables.items() if frame.height}
    used = set(tables["calls"]["model"]) if "calls" in tables else set()
    rows = [asdict(price) for price in prices.load_prices() if price.model in used]
    parts[PRICES] = json.dumps(rows, sort_keys=True).encode()
    listed = [Part(name=name, sha256=_sha256(data), size=len(data)) for name, data in sorted(parts.items())]
    manifest = Manifest(
        format=FORMAT,
        content_id=_content_id(listed),
        created_at=time.time(),
        version=__version__,
        libraries={"python": platform.python_version(), **{name: metadata.version(name) for name in _LIBRARIES}},
        texts=texts,
        runs=[Run(**row) for row in tables["experiments"].select("experiment_id", "name", "origin").to_dicts()],
        parts=listed,
    )
    return manifest, parts


def read(path: Path) -> Snapshot:
    """A snapshot's content, everything in it checked. Raises InputError that says what is wrong with the file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name} has {path.stat().st_size:,} bytes; a snapshot has at most {MOST_BYTES:,}")
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(_unpacked(archive, MANIFEST, LARGEST_MANIFEST))
            data = _parts(archive, manifest)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise InputError(f"{path.name} is no snapshot or is damaged: {error}") from None
    except InputError as error:
        raise InputError(f"{path.name} is not taken: {error}") from None
    try:
        frames = {name.removesuffix(".parquet"): _frame(name, each) for name, each in data.items() if name != PRICES}
        tables = foreign.checked(frames)
        held = set(tables["experiments"]["experiment_id"])
        if held != {run.experiment_id for run in manifest.runs}:
            raise InputError("its manifest lists other runs than it holds")
        return Snapshot(manifest, tables, price_rows(data))
    except InputError as error:
        raise InputError(f"{path.name} is not taken: {error}") from None


def install(path: Path, store: Store) -> Manifest:
    """Puts a snapshot's runs beside one's own, read-only and marked recorded; nothing changes if it is refused.

    Addresses and programs its specs name are set aside (`withheld`) until somebody confirms the addresses. A snapshot
    that is here already stays as it is. Raises InputError if the file is bad or a run it holds is here from elsewhere.
    """
    return place(read(path), store)


def place(snapshot: Snapshot, store: Store) -> Manifest:
    """Puts checked tables beside one's own runs; see `install`."""
    folder = store.home / IMPORTED / snapshot.manifest.content_id
    if folder.exists():
        return snapshot.manifest
    _no_clash(snapshot, store)
    tables = dict(snapshot.tables)
    specs, aside = zip(*map(withheld.disarmed, tables["experiments"]["spec"]), strict=True)
    tables["experiments"] = tables["experiments"].with_columns(spec=pl.Series(specs, dtype=pl.String))
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, frame in tables.items():
        frame.write_parquet(partial / f"{name}.parquet", compression="zstd")
    ids = tables["experiments"]["experiment_id"]
    withheld.keep(partial, dict(zip(ids, aside, strict=True)))
    (partial / PRICES).write_text(json.dumps(list(snapshot.prices)), encoding="utf-8")
    (partial / MANIFEST).write_text(snapshot.manifest.model_dump_json(indent=2), encoding="utf-8")
    partial.replace(folder)  # all of it appears at once
    store.ingest()
    return snapshot.manifest


def installed(home: Path) -> list[Manifest]:
    """The snapshots beside one's own runs, newest first."""
    found = [Manifest.model_validate_json(path.read_bytes()) for path in home.glob(f"{IMPORTED}/[0-9a-f]*/{MANIFEST}")]
    return sorted(found, key=lambda manifest: -manifest.created_at)


def remove(content_id: str, store: Store) -> None:
    """Takes an imported snapshot away again. Raises InputError if it is not here."""
    if content_id not in {manifest.content_id for manifest in installed(store.home)}:
        raise InputError(f"no snapshot {content_id!r} was imported here")
    folder = store.home / IMPORTED / content_id
    gone = folder.with_name(f".{content_id}")
    folder.replace(gone)  # all of it vanishes at once for whoever is reading
    beside(folder).unlink(missing_ok=True)
    shutil.rmtree(gone)
    store.ingest()


def _selected(
    store: Store, ids: list[str], tasks: Sequence[str] | None, arms: Sequence[str] | None
) -> dict[str, pl.DataFrame]:
    known = set(query.run(store, "experiments")["experiment_id"])
    if not ids or (missing := [each for each in ids if each not in known]):
        raise InputError(f"there is no run called {missing[0]!r}" if ids else "name at least one run")
    tables = {table: store.frame(database.selection(table), {"ids": ids}) for table in database.KEYS}
    for column, names in (("task", tasks), ("arm", arms)):
        if names is not None:
            for table in ("arms", "problems", "trials"):
                if column in tables[table].columns:
                    tables[table] = tables[table].filter(pl.col(column).is_in(list(names)))
    if tasks is not None or arms is not None:
        kept = tables["trials"]["trial_id"].implode()
        for table in ("checkpoints", "calls", "steps", "lost_calls"):
            tables[table] = tables[table].filter(pl.col("trial_id").is_in(kept))
        shas = "".join([*tables["calls"]["request"], *tables["steps"]["payload"]])
        named = set(re.findall(r"[0-9a-f]{64}", shas))
        tables["texts"] = tables["texts"].filter(pl.col("sha256").is_in(list(named)))
        ended = tables["trials"].group_by("experiment_id").agg(planned_trials=pl.len().cast(pl.Int64))
        tables["experiments"] = tables["experiments"].update(ended, on="experiment_id")
        if tables["trials"].is_empty():
            raise InputError("no trial is left of this selection; choose other tasks or arms")
    return tables


def _without_texts(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    out = {name: frame for name, frame in tables.items() if name != "texts"}
    for table, columns in _WITHHELD.items():
        fill = {column: pl.lit(value, dtype=pl.String) for column, value in columns.items()}
        out[table] = out[table].with_columns(**fill)
    return out


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=12)
    return buffer.getvalue()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _content_id(parts: Sequence[Part]) -> str:
    return _sha256("".join(f"{part.name} {part.sha256}\n" for part in sorted(parts, key=lambda p: p.name)).encode())


def _unpacked(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member's bytes, never more than `most` in memory whatever the archive claims."""
    if name not in archive.namelist():
        raise InputError(f"it has no {name}")
    with archive.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError(f"its {name} is larger than it says or than is allowed ({most:,} bytes)")
    return data


def _manifest(data: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"its manifest is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if manifest.format != FORMAT:
        raise InputError(f"it has format {manifest.format}; this version reads format {FORMAT}")
    return manifest


def _parts(archive: zipfile.ZipFile, manifest: Manifest) -> dict[str, bytes]:
    names = [part.name for part in manifest.parts]
    allowed = {PRICES, *(f"{table}.parquet" for table in database.KEYS)}
    if strange := sorted({*names, *archive.namelist()} - allowed - {MANIFEST}):
        raise InputError(f"it holds {strange[0]!r}; a snapshot holds {', '.join(sorted(allowed))} and {MANIFEST}")
    if len(set(names)) < len(names) or len(set(archive.namelist())) < len(archive.namelist()):
        raise InputError("it holds a part twice")
    if sum(part.size for part in manifest.parts) > MOST_UNPACKED:
        raise InputError(f"its parts have more than {MOST_UNPACKED:,} bytes")
    data = {part.name: _unpacked(archive, part.name, part.size) for part in manifest.parts}
    for part in manifest.parts:
        if _sha256(data[part.name]) != part.sha256:
            raise InputError(f"its {part.name} does not have the SHA-256 the manifest states")
    if _content_id(manifest.parts) != manifest.content_id:
        raise InputError("its content id does not fit its parts")
    return data


def _frame(name: str, data: bytes) -> pl.DataFrame:
    try:
        frame = pl.scan_parquet(io.BytesIO(data))
        rows = frame.select(pl.len()).collect().item()
        if rows > foreign.MOST_ROWS:
            raise InputError(f"its {name} has {rows:,} rows; allowed are {foreign.MOST_ROWS:,}")
        return frame.collect()
    except pl.exceptions.PolarsError as error:
        raise InputError(f"its {name} is no readable Parquet: {str(error).splitlines()[0]}") from None


def price_rows(parts: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The price rows among a snapshot's parts; empty if there are none. Raises InputError if they are no price rows."""
    try:
        rows: list[dict[str, Any]] = TypeAdapter(list[dict[str, str | float | None]]).validate_json(
            parts.get(PRICES, b"[]")
        )
    except ValidationError:
        raise InputError(f"its {PRICES} is no list of price rows") from None
    return rows


def _no_clash(snapshot: Snapshot, store: Store) -> None:
    here = query.run(store, "experiments")
    for run in snapshot.manifest.runs:
        if run.experiment_id in set(here["experiment_id"]):
            raise InputError(f"the run {run.experiment_id} ({run.name!r}) is here already")
    for table, key in (("trials", "trial_id"), ("calls", "call_id"), ("texts", "sha256")):
        ids = snapshot.tables[table][key].to_list() if table in snapshot.tables and table != "texts" else []
        sql = f"SELECT count(*) FROM {table} WHERE list_contains($ids, {key})"  # noqa: S608 - constants
        if ids and store.frame(sql, {"ids": ids}).item():
            raise InputError(f"some of its {table} carry ids of {table} that are here already")
