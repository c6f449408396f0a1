"""A database of a million calls, and how long every tab of Compare takes on it. The part `queries` of scripts/bench.

The database is made once and kept where it was made. Two experiments are played by the engine on simulated models
(twelve arms on two tasks, with probes, verdicts, steps and arms that are not nested) and then copied under names of
their own until there are as many calls as asked for; the runs recorded in this repository lie beside them. Copies hold
made-up prices, so that what takes dollars has some. What a tab asks of the database is written down while Streamlit's
test runner shows the tab, with nothing kept from before; afterwards each of its queries is asked again, warm.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SOLVER = "sim/solve=0.5,spread=0.5,same=0.4,verify=0.8,tokens=30"
OTHER = "sim/solve=0.65,spread=0.5,same=0.4,verify=0.8,tokens=30"
ARMS: tuple[dict[str, Any], ...] = (
    {"strategy": "single"},
    {"strategy": "majority_vote", "levels": [1, 2, 4, 8, 16, 32]},
    {"strategy": "majority_vote", "levels": [1, 2, 4, 8, 16], "name": "vote_of_other", "lineup": {"solver": OTHER}},
    {"strategy": "best_of_n", "levels": [1, 2, 4, 8, 16]},
    {"strategy": "adaptive_vote"},
    {"strategy": "chain_of_thought"},
    {"strategy": "self_refine"},
    {"strategy": "stepwise"},
    {"strategy": "tree_of_thoughts"},
    {"strategy": "retrieve"},
    {"strategy": "act"},
    {"strategy": "decompose_and_vote"},
)
LARGE, SMALL = "large", "small"
SHARE = 0.8  # of the calls that are copied, those of large experiments
PRICES = "prompt_tokens * 0.4e-6 + completion_tokens * 1.6e-6"
KEPT = ("experiments", "arms", "problems", "trials", "checkpoints", "calls", "steps")
TOGETHER = "all arms together"


@dataclass
class Asked:
    """One query, asked again and again: seconds of the wall and of the processors, turn by turn."""

    name: str
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        return statistics.median(self.walls)

    @property
    def cpu_s(self) -> float:
        return statistics.median(self.cpus)


@dataclass
class Measured:
    """One tab: seconds of the wall and of the processors until it is drawn, and the queries it asked."""

    title: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    queries: list[Asked] = field(default_factory=list)


def made(home: Path, calls: int, problems: int) -> None:
    """Makes or completes the database: `problems` of each task in large experiments, a quarter in small ones."""
    import duckdb

    from fourdials.store import Store

    home.mkdir(parents=True, exist_ok=True)
    for name, count, repeats in ((LARGE, problems, 2), (SMALL, max(1, problems // 4), 1)):
        if not list((home / "runs").glob(f"{name}-*")):
            _play(home, name, count, repeats)
    store = Store(home)
    store.ingest()
    store.close()
    with duckdb.connect(str(home / "fourdials.duckdb")) as connection:
        _fill(connection, calls)


def _play(home: Path, name: str, problems: int, repeats: int) -> None:
    """Runs one experiment with the engine, in a process of its own."""
    import tomlkit

    data = {
        "name": name,
        "seed": 7,
        "repeats": repeats,
        "concurrency": 64,
        "model": SOLVER,
        "tasks": [{"name": task, "problems": problems} for task in ("wikiworld", "graph_path")],
        "arms": list(ARMS),
    }
    file = home / f"{name}.toml"
    file.write_text(tomlkit.dumps(data), encoding="utf-8")
    command = [sys.executable, "-m", "fourdials", "run", str(file), "--no-ingest"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "FOURDIALS_HOME": str(home)}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"bench: the run failed\n{done.stdout[-1000:]}{done.stderr[-3000:]}")


def _fill(connection: Any, calls: int) -> None:
    """Copies the two experiments, each at least once, until there are so many calls."""
    sizes = "SELECT any_value(e.name), experiment_id, count(*) FROM calls JOIN experiments AS e USING (experiment_id) "
    sizes += "WHERE e.name IN (?, ?) AND NOT starts_with(experiment_id, 'copy-') GROUP BY experiment_id"
    played = {name: (one, count) for name, one, count in connection.execute(sizes, [LARGE, SMALL]).fetchall()}
    held = connection.execute("SELECT count(*) FROM calls").fetchone()[0]
    number = connection.execute(
        "SELECT count(*) FROM experiments WHERE starts_with(experiment_id, 'copy-')"
    ).fetchone()[0]
    large = held + SHARE * (calls - held)
    while held < calls or number < 2:
        one, count = played[LARGE if held < large or number == 0 else SMALL]
        _copy(connection, one, f"copy-{number:03}")
        held, number = held + count, number + 1
    connection.execute("CHECKPOINT")


def _copy(connection: Any, experiment_id: str, name: str) -> None:
    """The rows of an experiment once more under another id, with prices."""
    changed = {
        "experiments": "$new AS experiment_id, name || ' ' || $new AS name",
        "arms": "$new AS experiment_id",
        "problems": "$new AS experiment_id",
        "trials": f"$new AS experiment_id, $new || trial_id AS trial_id, {PRICES} AS usd",
        "checkpoints": "$new || trial_id AS trial_id",
        "calls": "$new AS experiment_id, $new || trial_id AS trial_id, $new || call_id AS call_id, "
        "$new || request_id AS request_id, list_transform(parents, lambda one: $new || one) AS parents, "
        f"{PRICES} AS usd, {PRICES} AS usd_paid",
        "steps": "$new || trial_id AS trial_id",
    }
    for table in KEPT:
        own = "trial_id IN (SELECT trial_id FROM trials WHERE experiment_id = $old)"
        where = own if table in ("checkpoints", "steps") else "experiment_id = $old"
        copied = f"INSERT INTO {table} SELECT * REPLACE ({changed[table]}) FROM {table} WHERE {where}"  # noqa: S608
        connection.execute(copied, {"old": experiment_id, "new": name})


def measured(home: Path, turns: int) -> list[Measured]:
    """Every tab on a large copy: shown with nothing kept, then each of its queries `turns` times."""
    os.environ["FOURDIALS_HOME"] = str(home)
    from streamlit import logger

    logger.set_log_level("ERROR")  # it warns that there is no browser
    from fourdials import query
    from fourdials.ui import compare, data

    opened = data._open(str(home))
    rows = opened.frame("SELECT experiment_id, name FROM experiments WHERE starts_with(experiment_id, 'copy-')")
    copies = {name.split()[0]: one for one, name in rows.iter_rows()}
    views = [(title, {"tab": title}) for title in compare.TABS.values()]
    views.append((f"Allocate, {TOGETHER}", {"tab": "Allocate", "replay": TOGETHER}))
    found = []
    for one in (copies[SMALL], copies[LARGE]):  # the first time round only imports
        found = [_shown(title, {"experiment": one, **chosen}) for title, chosen in views]
    titles = {query.describe(name).sql: name for name in query.names()}
    for tab in found:
        for sql, params in tab.asked:
            tab.queries.append(_timed(opened, titles.get(sql, sql), sql, params, turns))
    data._open.clear()
    return found


def _timed(opened: Any, name: str, sql: str, params: dict[str, Any], turns: int) -> Asked:
    opened.frame(sql, params)
    asked = Asked(name)
    for _ in range(turns):
        start, cpu = time.perf_counter(), time.process_time()
        opened.frame(sql, params)
        asked.walls.append(time.perf_counter() - start)
        asked.cpus.append(time.process_time() - cpu)
    return asked


def _shown(title: str, chosen: dict[str, str]) -> Measured:
    """A tab as the test runner shows it, with empty caches."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from fourdials.ui.compare import advisor, allocate, frontier

    st.cache_data.clear()
    frontier._points.clear()
    advisor._trials.clear()
    allocate._trials.clear()
    allocate._divided.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
    for key, value in chosen.items():
        app.query_params[key] = value
    app.switch_page("pages/compare.py")
    tab = Measured(title)
    with _noted(tab.asked):
        start, cpu = time.perf_counter(), time.process_time()
        app.run()
        tab.wall_s, tab.cpu_s = time.perf_counter() - start, time.process_time() - cpu
    if app.exception:
        raise SystemExit(f"bench: {title} failed: {app.exception[0].message}")
    return tab


@contextmanager
def _noted(asked: list[tuple[str, dict[str, Any]]]) -> Iterator[None]:
    """Writes down each query of the store once, while the block runs."""
    from fourdials.store import Store

    frame, seen = Store.frame, set()

    def noting(self: Store, sql: str, params: Any = None) -> Any:
        key = sql + json.dumps(params, default=str)
        if key not in seen:
            seen.add(key)
            asked.append((sql, dict(params or {})))
        return frame(self, sql, params)

    Store.frame = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        Store.frame = frame  # type: ignore[method-assign]


def table(found: list[Measured]) -> str:
    """The figures as text: a line per tab, shown with empty caches, and one per query of it, warm and at the median."""
    lines = [f"{'tab, and its queries warm':34}{'wall ms':>9}{'CPU ms':>9}{'max wall':>9}"]
    for tab in found:
        lines.append(f"{tab.title:34}{1000 * tab.wall_s:9.0f}{1000 * tab.cpu_s:9.0f}")
        for asked in tab.queries:
            medians = f"{1000 * asked.wall_s:9.0f}{1000 * asked.cpu_s:9.0f}"
            lines.append(f"  {asked.name[:31]:32}{medians}{1000 * max(asked.walls):9.0f}")
    return "\n".join(lines)


def composition(home: Path) -> str:
    """What the database holds, in a sentence."""
    import duckdb

    with duckdb.connect(str(home / "fourdials.duckdb"), read_only=True) as connection:
        count = "SELECT count(*), count(DISTINCT experiment_id), count(DISTINCT trial_id) FROM calls"
        calls, experiments, trials = connection.execute(count).fetchall()[0]
        answers = connection.execute("SELECT count(*) FROM checkpoints").fetchall()[0][0]
        each = "SELECT count(*) AS n FROM calls WHERE starts_with(experiment_id, 'copy-') GROUP BY experiment_id"
        largest = connection.execute(f"SELECT max(n) FROM ({each})").fetchall()[0][0]  # noqa: S608 - constant
    return (
        f"{calls:,} calls in {experiments} experiments, {trials:,} trials, {answers:,} checkpoints; the one "
        f"looked at has {largest:,} calls"
    )
