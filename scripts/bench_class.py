"""A whole class: everybody joins, predicts, changes it at once and is shown the answer.

The part `class` of scripts/bench. The teacher and a few students are headless Chromium, each a context of its own; the
other students are plain sessions (session.py), which cost the server the same and this computer no drawing. All of them
share its processors with the server, whose own share is read off its process.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from session import Sessions

PASSWORD = "correct horse"
LESSON = "C20"
PHONE = {"width": 390, "height": 844}
CHART = ".fourdials-chart"
GATHERED = (
    f"() => [...document.querySelectorAll('{CHART}')].flatMap(box => box.data || [])"
    ".filter(each => each.name === 'the class').flatMap(each => Array.from(each.y)).map(y => Math.round(100 * y))"
)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
AWAKE = ["--disable-background-timer-throttling", "--disable-renderer-backgrounding"]  # a phone in a hand is in front
PATIENCE_MS = 300_000
WATCHED_S = 20
FIELD, COMMIT, CHANGE = "Your point, in percent", "Commit to it", "Change my prediction"


@dataclass(frozen=True)
class Attended:
    """What a class took: seconds of the wall, or of the server's processor where said."""

    students: int
    browsers: int
    joined_s: float
    joined_cpu_s: float
    seen_s: tuple[float, ...]
    rush_s: float
    watched_cpu: float  # share of a processor, for the whole class
    told_s: float
    lost: tuple[str, ...]
    memory_mb: float


def attended(address: str, home: Path, server: psutil.Process, students: int, browsers: int) -> Attended:
    """Takes a class through one lesson and compares what the teacher sees with what was predicted."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("FOURDIALS_CHROMIUM") or "/usr/bin/chromium"
    with Sessions() as sessions, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *AWAKE])
        try:
            teacher = _teacher(browser, address)
            before, began = _cpu(server), time.perf_counter()
            everybody: list[_Phone | _Plain] = [_Plain(sessions, address) for _ in range(students - browsers)]
            everybody += [_Phone(browser, address) for _ in range(browsers)]
            for student in everybody:
                student.arrive()
            joined, joined_cpu = time.perf_counter() - began, _cpu(server) - before
            given, seen, lost = [(7 * place) % 101 for place in range(students)], [], []
            for place, student in enumerate(everybody):
                student.write(given[place])
                seen.append(_timed(student.commit, teacher, given[: place + 1]))
            lost += _missing("in turn", given, teacher, home)
            before, began = _cpu(server), time.perf_counter()
            time.sleep(WATCHED_S)
            watched = (_cpu(server) - before) / (time.perf_counter() - began)
            given = [100 - value for value in given]
            for student, value in zip(everybody, given, strict=True):
                student.change()
                student.write(value)
            rush = _timed(lambda: [student.commit() for student in everybody], teacher, given)
            lost += _missing("at once", given, teacher, home)
            began = time.perf_counter()
            teacher.get_by_role("button", name="Show the answer").click()
            for student, value in zip(everybody, given, strict=True):
                student.told(f"You said {value} %. The run shows")
            told = time.perf_counter() - began
            memory = server.memory_info().rss / 2**20
        finally:
            browser.close()
    return Attended(students, browsers, joined, joined_cpu, tuple(seen), rush, watched, told, tuple(lost), memory)


def said(found: Attended) -> str:
    """The result as a row of LOG.md tells it."""
    a_student = found.joined_cpu_s / found.students
    return (
        f"{found.students} students, {found.browsers} of them browsers: all have the question {found.joined_s:.0f} s "
        f"after the first link was opened ({a_student:.1f} s of the server's processor each); a prediction stands on "
        f"the teacher's page after {statistics.median(found.seen_s):.1f} s (longest {max(found.seen_s):.1f}), "
        f"{found.students} changed at once after {found.rush_s:.1f} s, the answer on every phone {found.told_s:.1f} s "
        "after it is shown. Watching takes "
        f"{100 * found.watched_cpu / found.students:.1f} % of a processor a student; the server holds "
        f"{found.memory_mb:.0f} MB. Lost: {'; '.join(found.lost) or 'nothing'}."
    )


def _teacher(browser: Any, address: str) -> Any:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.get_by_role("button", name="I am the teacher").click()
    page.get_by_label("Launch password").fill(PASSWORD)
    page.get_by_label("Launch password").press("Enter")
    page.get_by_label("Lesson", exact=True).click()
    page.get_by_role("option", name=re.compile(f"^{LESSON} ")).click()
    page.get_by_role("heading", name="If one sample is right").wait_for()
    page.get_by_role("button", name="Open it to the class").click()
    page.get_by_role("button", name="Show the answer").wait_for()
    return page


class _Phone:
    """A student's browser."""

    def __init__(self, browser: Any, address: str) -> None:
        self._page = browser.new_context(viewport=PHONE, has_touch=True).new_page()
        self._page.set_default_timeout(PATIENCE_MS)
        self._page.goto(address, wait_until="commit")

    def arrive(self) -> None:
        self._page.get_by_label(FIELD).wait_for()

    def write(self, value: int) -> None:
        self._page.get_by_label(FIELD).fill(str(value))
        self._page.get_by_label(FIELD).press("Tab")

    def commit(self) -> None:
        self._page.get_by_role("button", name=COMMIT).click()

    def change(self) -> None:
        self._page.get_by_role("button", name=CHANGE).click()
        self.arrive()

    def told(self, text: str) -> None:
        self._page.get_by_text(text).wait_for()


class _Plain:
    """A student's session without a browser."""

    def __init__(self, sessions: Sessions, address: str) -> None:
        self._sessions, self._own = sessions, sessions.open(address)

    def arrive(self) -> None:
        self._sessions.run(
            self._own.until(lambda own: {("number_input", FIELD), ("button", COMMIT)} <= own.fields.keys())
        )

    def write(self, value: int) -> None:
        self._sessions.run(self._own.write(FIELD, value))

    def commit(self) -> None:
        self.arrive()
        self._sessions.run(self._own.press(COMMIT))

    def change(self) -> None:
        self._sessions.run(self._own.until(lambda own: ("button", CHANGE) in own.fields))
        self._sessions.run(self._own.press(CHANGE))
        self.arrive()

    def told(self, text: str) -> None:
        self._sessions.run(self._own.until(lambda own: any(text in each for each in own.texts)))


def _timed(act: Callable[[], Any], teacher: Any, wanted: Sequence[int]) -> float:
    """Seconds from an act until the teacher's figure holds these predictions; endless if it never does."""
    from playwright.sync_api import TimeoutError as TooLate

    began = time.perf_counter()
    act()
    same = f"wanted => JSON.stringify(({GATHERED})().sort((a, b) => a - b)) === wanted"
    try:
        teacher.wait_for_function(same, arg=json.dumps(sorted(wanted), separators=(",", ":")), timeout=60_000)
    except TooLate:
        return float("inf")
    return time.perf_counter() - began


def _missing(when: str, given: Sequence[int], teacher: Any, home: Path) -> list[str]:
    """What the teacher's figure and the file do not hold of the predictions given."""
    drawn = sorted(teacher.evaluate(GATHERED))
    kept: dict[str, int] = {}
    for line in (home / "class.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["k"] == "prediction":
            kept[row["who"]] = row["value"]
    told = {"the teacher's figure": drawn, "the file": sorted(kept.values())}
    wanted = sorted(given)
    return [
        f"{place} holds {len(have)} of {len(wanted)} {when}: {have}" for place, have in told.items() if have != wanted
    ]


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def measured(students: int, browsers: int, serve: Callable[..., Any], port: int) -> Attended:
    """A class on a server and in a home of its own."""
    address = f"http://127.0.0.1:{port}"
    command = ["-m", "fourdials.invitation", "--server.address=127.0.0.1", f"--server.port={port}"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {"FOURDIALS_HOME": folder, "FOURDIALS_LAUNCH_PASSWORD": PASSWORD}
        settled = [*command, "--server.headless=true"]
        with serve(settled, f"{address}/_stcore/health", **environment) as child:
            return attended(address, Path(folder), psutil.Process(child.pid), students, min(browsers, students))
