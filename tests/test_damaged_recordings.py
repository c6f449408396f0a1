"""A recorded run that cannot be read is named, and keeps nothing else from landing."""

import time

import polars as pl
import pytest

from fourdials.store import Store
from tests.ledger_rows import stored, two_arms


@pytest.fixture
def damaged(tmp_path):
    """A home with a run of its own, and a recorded run of which one file is empty; the file and what it held."""
    recorded = stored(tmp_path / "one", two_arms(problems=2)).export("exp", tmp_path / "recorded" / "demo")
    file = next(path for path in recorded if path.stem == "calls")
    whole = file.read_bytes()
    file.write_bytes(b"")
    store = Store(tmp_path, recorded=tmp_path / "recorded")
    yield store, file, whole
    store.close()


def rows(store):
    return store.frame("FROM trials SELECT count(*)").item()


def test_a_damaged_recording_is_named_while_all_else_lands(tmp_path, damaged):
    store, file, _ = damaged
    two_arms(problems=3).write(tmp_path)
    good = tmp_path / "recorded" / "good"
    stored(tmp_path / "two", two_arms(problems=5, experiment_id="good")).export("good", good)
    store.ingest()
    assert store.frame("SELECT experiment_id, count(*) AS n FROM trials GROUP BY ALL ORDER BY ALL").rows() == [
        ("exp", 6),
        ("good", 10),
    ]
    assert f"{file.parent} holds a damaged file" in store.trouble
    assert "copy it anew" in store.trouble


def test_a_recording_that_is_damaged_later_is_let_go_once(tmp_path, damaged):
    store, file, whole = damaged
    file.write_bytes(whole)
    store.ingest()
    assert rows(store) == 4
    file.write_bytes(whole[: len(whole) // 2])
    store.ingest()
    assert rows(store) == 0
    version = store.version()
    store.ingest()
    assert store.version() == version


def test_the_ingester_outlives_a_damaged_recording_and_takes_it_in_once_it_is_whole(damaged):
    store, file, whole = damaged
    store.start()
    deadline = time.monotonic() + 30
    while store.trouble is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "holds a damaged file" in store.trouble
    file.write_bytes(whole)
    while not rows(store) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert rows(store) == 4
    while store.trouble is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert store.trouble is None


def test_a_recording_with_a_column_of_another_version_is_named_too(tmp_path, damaged):
    store, file, whole = damaged
    file.write_bytes(whole)
    trials = file.with_name("trials.parquet")
    pl.read_parquet(trials).with_columns(later=pl.lit(1)).write_parquet(trials)
    store.ingest()
    assert f"{file.parent} holds a table of another form" in store.trouble
    assert rows(store) == 0


def test_an_export_that_fails_leaves_the_file_of_before(tmp_path, monkeypatch):
    store = stored(tmp_path, two_arms(problems=2))
    before = {path: path.read_bytes() for path in store.export("exp", tmp_path / "out")}

    def half(self, file, **options):
        file.write_bytes(b"PAR1")
        raise OSError("No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", half)
    with pytest.raises(OSError, match="No space left"):
        store.export("exp", tmp_path / "out")
    store.close()
    assert {path: path.read_bytes() for path in before} == before
