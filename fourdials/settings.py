"""The TOML files a person keeps in the home, `models.toml` and `prices.toml`: read with clear messages, changed safely.

A change keeps comments and everything it does not touch, is checked before it replaces the file, and waits for another
process that is changing the same file. Called by prices and the catalogue.
"""

from __future__ import annotations

import contextlib
import os
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourdials.errors import HomeBusy, InputError
from fourdials.home import home

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

MOST_BYTES = 1_000_000
_PATIENCE_S = 5.0  # a change takes milliseconds; a lock as old as this belongs to a process that is gone


def path(name: str) -> Path:
    """Where a file of the home is, or will be."""
    return home() / name


def read(name: str) -> Mapping[str, Any]:
    """The file's content, empty if there is none. Raises InputError if it is no TOML or larger than a megabyte."""
    file = path(name)
    try:
        stat = file.stat()
    except FileNotFoundError:
        return {}
    return _read(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _read(file: Path, changed: int, size: int) -> Mapping[str, Any]:
    if size > MOST_BYTES:
        raise InputError(f"{file} has {size:,} bytes; at most {MOST_BYTES:,} are read")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}; correct it, or move it away to go on without it") from error


@contextlib.contextmanager
def changing(name: str, check: Callable[[Mapping[str, Any]], object]) -> Iterator[TOMLDocument]:
    """The file as a document to edit; it replaces the old one at the end, if `check` passes what was made of it.

    Raises:
        InputError: The file is bad as it is, or `check` refuses what was made of it; nothing is changed then.
        HomeBusy: Another process has been changing it for seconds.
    """
    import tomlkit

    file = path(name)
    with _locked(file):
        check(read(name))
        document = tomlkit.parse(file.read_text(encoding="utf-8") if file.exists() else "")
        yield document
        text = tomlkit.dumps(document)
        check(tomllib.loads(text))
        fresh = file.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(file)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    lock = file.with_suffix(".lock")
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if _age_s(lock) > _PATIENCE_S:
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise HomeBusy(f"another process is changing {file}; try again in a moment") from None
            else:
                time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _age_s(lock: Path) -> float:
    try:
        return time.time() - lock.stat().st_mtime
    except FileNotFoundError:  # let go of this very moment
        return 0.0
