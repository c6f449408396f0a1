"""Judges an answer in a process of its own with a time limit: whether it is mathematically equal to the reference, or
matches a pattern. Both can take forever on some texts, which must not take the worker with it.

`equal` and `matches` start the process on first use and keep it; after a time-out or failure the next use starts
another. Run as a module it is that process: a JSON request per line in, a JSON reply per line out.
"""

from __future__ import annotations

import atexit
import importlib
import json
import logging
import queue
import re
import subprocess
import sys
import threading
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fourdials import numerals
from fourdials.errors import GraderError

START_LIMIT_S = 60.0  # importing a computer algebra system on a busy machine
_ROOT = Path(__file__).resolve().parents[2]
_ENDED = ""
_RAISED = re.compile("[⁻⁺]?[⁰¹²³⁴-⁹]+")
_SCIENTIFIC = re.compile(r"(?<![\w.])\d+(?:\.\d+)?[eE][-+]?\d{1,2}(?![\w.])")
_PI = re.compile(r"(?<![\\A-Za-z])pi(?![A-Za-z])")


class _Judge:
    """A process that judges one kind of question."""

    def __init__(self, kind: Literal["math", "regex"]) -> None:
        self._kind = kind
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._turn = threading.Lock()
        atexit.register(self.close)

    def ask(self, reference: str, answer: str, limit_s: float) -> bool | None:
        """What the process says; None if the reference cannot be read. Raises GraderError if it fails or is late."""
        with self._turn:
            if self._process is None:
                self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(json.dumps([reference, answer]) + "\n")
                self._process.stdin.flush()
            except OSError as error:
                self.close()
                raise GraderError(f"the {self._kind} grader cannot be reached: {error}") from error
            verdict: bool | None = json.loads(self._next(limit_s))
            return verdict

    def _start(self) -> None:
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fourdials.tasks._judging", self._kind],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
        self._next(START_LIMIT_S)

    def _next(self, limit_s: float) -> str:
        """The next reply; whatever else was printed is the reason if the process ended instead."""
        printed: list[str] = []
        while True:
            try:
                got = self._lines.get(timeout=limit_s)
            except queue.Empty:
                self.close()
                raise GraderError(f"the {self._kind} grader gave no verdict within {limit_s:g} s") from None
            if got == _ENDED:
                self.close()
                raise GraderError(f"the {self._kind} grader failed: {' '.join(printed[-1:]) or 'no reason given'}")
            if got.startswith("reply "):
                return got.removeprefix("reply ")
            printed.append(got.strip())

    def close(self) -> None:
        """Ends the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None and not process.stdin.closed:
                try:
                    process.stdin.close()
                except BrokenPipeError:  # a request that was never read; the process is gone anyway
                    logging.getLogger(__name__).debug("a request to the %s grader was lost", self._kind)


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with process.stdout as printed:
        for text in printed:
            lines.put(text)
    lines.put(_ENDED)


@cache
def _judge(kind: Literal["math", "regex"]) -> _Judge:
    return _Judge(kind)


def equal(reference: str, answer: str, limit_s: float) -> bool:
    """True if an answer is mathematically the reference (`1/2` and `0.5`): the same but for spaces, the same number, or
    equal by math-verify, to which letters in a row are a product (`abc` equals `cab`).

    Raises GraderError if that takes longer than `limit_s` seconds, fails, or the reference is no mathematics."""
    wanted, given = _spelt(reference), _spelt(answer)
    if wanted and "".join(wanted.split()) == "".join(given.split()):
        return True
    verdict = _judge("math").ask(wanted, given, limit_s)
    if verdict is None:
        raise GraderError(f"math-verify finds no mathematics in the reference {reference!r}")
    return verdict


def _spelt(text: str) -> str:
    """As math-verify reads it: it takes `1e3` for a product, `pi` for p times i, and knows few letters of Unicode."""
    text = _RAISED.sub(lambda hit: f"^{{{unicodedata.normalize('NFKC', hit[0])}}}", numerals.spelt(text))
    text = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").strip()
    try:
        return numerals.tidy_number(text)  # it leaves spaces out, and so takes `3 1/2` for `31/2`
    except ValueError:
        return _PI.sub(r"\\pi", _SCIENTIFIC.sub(lambda hit: numerals.tidy_number(hit[0]), text))


def matches(pattern: str, answer: str, limit_s: float) -> bool:
    """True if the whole answer matches a regular expression. Raises GraderError if that takes too long or fails."""
    return bool(_judge("regex").ask(pattern, answer, limit_s))


def _math(reference: str, answer: str) -> bool | None:
    library: Any = importlib.import_module("math_verify")
    wanted, given = (
        library.parse(text if "$" in text or "\\boxed" in text else f"${text}$", parsing_timeout=None)
        for text in (reference, answer)
    )
    return bool(library.verify(wanted, given, timeout_seconds=None)) if wanted else None


def _serve(kind: str) -> None:
    """Answers requests until the input ends. A failure ends the process, and its last line says why."""
    logging.disable(logging.CRITICAL)
    if kind == "math":
        importlib.import_module("math_verify")
    print("reply null", flush=True)
    for request in sys.stdin:
        reference, answer = json.loads(request)
        verdict = _math(reference, answer) if kind == "math" else re.fullmatch(reference, answer) is not None
        print(f"reply {json.dumps(verdict)}", flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
