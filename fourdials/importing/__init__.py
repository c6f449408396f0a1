"""Samples that exist already → a run beside one's own, without a call: JSON lines, Inspect logs, lm-eval sample files.

Called by the command line and the Share page. Nothing in such a file is believed or executed; a bad one changes
nothing.
"""

from __future__ import annotations

import hashlib
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fourdials import query, snapshot
from fourdials.errors import InputError
from fourdials.importing import inspect_log, jsonl, lm_eval, samples
from fourdials.importing.samples import Found, Options, Sample
from fourdials.importing.tables import tables
from fourdials.store import Store, foreign

__all__ = ["FORMATS", "Found", "Imported", "Options", "Sample", "detected", "install", "read"]

# Format → its reader and what it is.
FORMATS: Mapping[str, tuple[Callable[[Path, Options], Found], str]] = {
    "jsonl": (jsonl.read, "JSON lines with named columns"),
    "inspect": (inspect_log.read, "an Inspect log (.eval)"),
    "lm-eval": (lm_eval.read, "a sample file of lm-evaluation-harness (samples_….jsonl)"),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to.

    Attributes:
        experiment_id, name: The run.
        problems, trials, samples, failed: How many it holds; `failed` samples have an error and count nowhere.
        notes: What to know of how the file was read.
        known: True if the same file was here already; then nothing has changed.
    """

    experiment_id: str
    name: str
    problems: int
    trials: int
    samples: int
    failed: int
    notes: tuple[str, ...]
    known: bool


def detected(path: Path) -> str:
    """The format of a file, by what it holds. Raises InputError if it can be none of them."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PK\x03\x04":
            return "inspect"
        first = next((row for _, row in samples.lines(path)), None)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except InputError as error:
        raise InputError(f"{path.name} is not taken: {error}; known are {_known()}") from None
    if first is None:
        raise InputError(f"{path.name} is empty; known are {_known()}")
    return "lm-eval" if {"doc_id", "filtered_resps"} <= first.keys() else "jsonl"


def read(path: Path, format: str, options: Options | None = None) -> Found:
    """The samples of a file, at least one. Raises InputError that says what is wrong with it."""
    if format not in FORMATS:
        raise InputError(f"there is no format {format!r}; choose one of {', '.join(FORMATS)}")
    try:
        if path.stat().st_size > samples.MOST_BYTES:
            raise InputError(f"it has {path.stat().st_size:,} bytes; allowed are {samples.MOST_BYTES:,}")
        found = FORMATS[format][0](path, options or Options())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise InputError(f"{path.name} is not taken: it is damaged or of another kind ({error})") from None
    except InputError as error:
        raise InputError(f"{path.name} is not taken: {error}") from None
    if not found.samples:
        raise InputError(f"{path.name} holds no sample; wanted is {FORMATS[format][1]}")
    return found


def install(path: Path, store: Store, format: str | None = None, options: Options | None = None) -> Imported:
    """Puts a file's samples beside one's own runs, read-only and marked recorded and imported.

    The same file with the same options is the same run: a second time nothing happens. Raises InputError if the file is
    bad; then nothing has changed.
    """
    options = options or Options()
    kind = format or detected(path)
    found = read(path, kind, options)
    chosen = {"task": options.task, "model": options.model, "arm": options.arm, "score": options.score}
    chosen |= {"filter": options.filter, **{f"column {key}": name for key, name in options.columns.items()}}
    chosen = {key: value for key, value in chosen.items() if value}
    name = " ".join(options.name.split())[:80] or path.stem[:80]
    source = {"file": path.name[:200], "format": kind, "sha256": _digest(path), "options": chosen}
    mark = hashlib.sha256(repr((source["sha256"], kind, sorted(chosen.items()), name)).encode()).hexdigest()
    experiment_id = f"imported-{mark[:12]}"
    notes = (*found.notes, *_notes(found))
    spec = {"name": name, "imported": {**source, "notes": list(notes)}}
    made = foreign.checked(tables(found, experiment_id, name, spec, time.time()))
    known = experiment_id in set(query.run(store, "experiments")["experiment_id"])
    if not known:
        manifest, parts = snapshot.described(made)
        snapshot.place(snapshot.Snapshot(manifest, made, snapshot.price_rows(parts)), store)
    failed = sum(sample.error is not None for sample in found.samples)
    counts = made["problems"].height, made["trials"].height, len(found.samples), failed
    return Imported(experiment_id, name, *counts, notes, known)


def _known() -> str:
    return "; ".join(f"{name}: {told}" for name, (_, told) in FORMATS.items())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _notes(found: Found) -> list[str]:
    """What makes an import less than a run of one's own."""
    grades: dict[tuple[str, str, str], set[float]] = {}
    arms: dict[str, set[str]] = {}
    blocks: dict[tuple[str, str], set[str]] = {}
    for sample in found.samples:
        arms.setdefault(sample.arm, set()).add(sample.model)
        blocks.setdefault((sample.task, sample.problem), set()).add(sample.arm)
        if sample.answer is not None and sample.score is not None:
            grades.setdefault((sample.task, sample.problem, sample.answer), set()).add(sample.score)
    if mixed := [arm for arm, models in arms.items() if len(models) > 1]:
        raise InputError(f"the arm {mixed[0]!r} has samples of several models; give each model an arm of its own")
    notes = []
    if unequal := sum(len(values) > 1 for values in grades.values()):
        notes.append(
            f"{unequal:,} answers were graded differently in different samples; pooled figures take the better grade"
        )
    if short := sum(len(held) < len(arms) for held in blocks.values()):
        notes.append(f"{short:,} of {len(blocks):,} problems lack samples of some arm and are left out of comparisons")
    unknown = sum(sample.prompt_tokens is None or sample.completion_tokens is None for sample in found.samples)
    if unknown:
        notes.append(f"{unknown:,} of {len(found.samples):,} samples came without token counts: their spend is unknown")
    return notes
