"""The append-only record of a run: one JSON object a line, flushed as it happens; read back for resume.

The worker writes `runs/<experiment>/journal-<n>.jsonl`, a new number each time it starts. The store ingests the same
lines, and `History` reads them so that a resumed trial is answered from what was already paid for.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

import orjson

from fourdials.errors import InputError

EDITS = "edits.jsonl"  # in the home: what was decided about runs after they ended
LONG_TEXT = 160  # characters; longer texts are written once and referred to by their sha256


def text_sha(text: str) -> str:
    """The sha256 that a long text is referred to by."""
    return hashlib.sha256(text.encode()).hexdigest()


def journals(folder: Path) -> list[Path]:
    """The journal files of a run, oldest first; somebody's copy of one beside them is not read."""
    found = [path for path in folder.glob("journal-*.jsonl") if path.stem.split("-", 1)[1].isdecimal()]
    return sorted(found, key=lambda path: int(path.stem.split("-")[1]))


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The complete lines of a journal; a torn last line is ignored. Raises InputError at a line that is none."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if raw.endswith(b"\n"):
                try:
                    line = orjson.loads(raw)
                except orjson.JSONDecodeError as error:
                    raise _damaged(path, number, str(error)) from None
                if not isinstance(line, dict) or "k" not in line:
                    raise _damaged(path, number, "no object with a `k`")
                yield line


def _damaged(path: Path, number: int, why: str) -> InputError:
    return InputError(f"line {number} of {path} is damaged ({why}); remove that line to go on without it")


def _thaw(value: Any) -> Any:
    """What orjson cannot write by itself: read-only mappings."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be journaled")


class Record(Protocol):
    """Where the engine writes what happens: a `Journal`, or nothing at all in a rehearsal."""

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Appends one line of this kind."""

    def text(self, text: str) -> str | dict[str, str]:
        """How a line refers to this text."""


class Journal:
    """Appends to a new journal file of a run's folder, or to the file of edits of a home. Use as a context manager;
    every line is flushed."""

    def __init__(self, folder: Path, name: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.stem.split("-")[1]) for path in journals(folder)]
        self.path = folder / (name or f"journal-{max(numbers, default=0) + 1}.jsonl")
        self._file: IO[bytes] = self.path.open("ab" if name else "xb")
        self._texts: set[str] = set()
        if name and self.path.stat().st_size and not self.path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")  # ends a line that a kill tore, or the next one would be glued to it

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Appends one line `{"k": kind, …fields}` and flushes it."""
        line = orjson.dumps({"k": kind, **fields}, default=_thaw, option=orjson.OPT_SERIALIZE_NUMPY)
        self._file.write(line + b"\n")
        self._file.flush()

    def text(self, text: str) -> str | dict[str, str]:
        """The text itself if it is short; else a reference to it, written before if this file holds it not yet."""
        if len(text) <= LONG_TEXT:
            return text
        sha = text_sha(text)
        if sha not in self._texts:
            self.write("text", {"sha256": sha, "text": text})
            self._texts.add(sha)
        return {"sha256": sha}


class History:
    """What earlier journals of a run hold, by place: ended trials and all calls. Without a folder it is empty.

    Attributes:
        ended: The last `trial` line of each ended trial.
        calls: For each trial, its successful rows by (path, idx), each a list of one row per segment.
        failed: For each trial, the rows of its failed attempts.
        header: The first `experiment` line, if there is one.
        status: The last status written.
    """

    def __init__(self, folder: Path | None) -> None:
        self.ended: dict[str, dict[str, Any]] = {}
        self.calls: dict[str, dict[tuple[str, int], list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        self.failed: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.header: dict[str, Any] | None = None
        self.status: str | None = None
        for path in journals(folder) if folder else ():
            for number, line in enumerate(lines(path), 1):
                try:
                    self._take(line)
                except (KeyError, TypeError) as error:
                    raise _damaged(path, number, f"a {line['k']!r} line without {error}") from None

    def _take(self, line: dict[str, Any]) -> None:
        kind = line["k"]
        if kind == "experiment":
            self.header = self.header or line
        elif kind == "status":
            self.status = line["status"]
        elif kind == "trial":
            self.ended[line["trial_id"]] = line
        elif kind == "calls":
            for row in line["rows"]:
                if row["error"] is None:
                    self.calls[row["trial_id"]][row["path"], row["idx"]].append(row)
                else:
                    self.failed[row["trial_id"]].append(row)
