"""The benchmark of Compare's tabs, at a size that takes seconds: it makes its database and asks for every tab."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from fourdials import query
from fourdials.ui.compare import TABS

ROOT = Path(__file__).resolve().parents[1]
BILLS = """
    SELECT max(abs(t.usd - s.usd)) FROM trials AS t JOIN (
        SELECT trial_id, sum(usd) AS usd FROM calls WHERE starts_with(experiment_id, 'copy-') GROUP BY trial_id
    ) AS s ON s.trial_id = t.trial_id
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The home it made and what it printed."""
    home = tmp_path_factory.mktemp("bench")
    command = ["scripts/bench.py", "queries", "--home", str(home), "--database", "1", "--problems", "2", "--turns", "1"]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return home, done.stdout


def held(home, sql):
    with duckdb.connect(str(home / "fourdials.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()[0][0]


def test_every_tab_is_timed_with_the_queries_it_asks(bench):
    home, printed = bench
    asked: dict[str, set[str]] = {}
    for line in printed.splitlines()[1:]:
        if line.startswith("  "):
            asked[title].add(line.split()[0])  # noqa: F821 - a tab stands before its queries
        elif not line.startswith("|"):
            title = line[:34].strip()
            asked[title] = set()
    assert set(TABS.values()) < set(asked)
    every = set().union(*asked.values())
    assert {"curve_points", "answers_at", "pool_samples", "replay_stops", "trajectories", "priced_tokens"} <= every
    assert all("experiments" in queries for queries in asked.values())
    assert every - set(query.names()) <= {"SELECT"}
    calls = held(home, "SELECT count(*) FROM calls")
    assert f"{calls:,} calls in" in printed


def test_copies_are_whole_runs_whose_bills_are_the_sum_of_their_calls(bench):
    home, _ = bench
    assert held(home, "SELECT count(*) FROM experiments WHERE starts_with(experiment_id, 'copy-')") == 2
    assert held(home, BILLS) < 1e-9
