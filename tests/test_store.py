"""Journals and recorded Parquet become tables: each line once, whatever happens in between."""

import subprocess
import sys
import threading
import time

import duckdb
import orjson
import polars as pl
import pytest

from fourdials.errors import HomeBusy
from fourdials.store import Store, database
from fourdials.store.batch import Batch
from tests.ledger_rows import Ledger, stored, two_arms

TABLES = [*database.KEYS, "bad_lines", "ingested"]


@pytest.fixture
def opened(tmp_path):
    """Opens stores on the test's home and closes them at its end."""
    stores = []

    def open_(**options):
        stores.append(Store(tmp_path, **{"recorded": tmp_path / "recorded"} | options))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


def tables(store):
    return {table: store.frame(f"FROM {table} ORDER BY ALL").to_dicts() for table in TABLES}


def count(store, table):
    return store.frame(f"FROM {table} SELECT count(*)").item()


def test_every_kind_of_line_lands_in_its_table(tmp_path, opened):
    ledger = two_arms(problems=3)
    ledger.add("text", sha256="s", text="long")
    ledger.add("step", trial_id="t", seq=0, level=1, kind="search", payload={"query": "q"}, at=5.0)
    ledger.add("started", call_ids=["lost#:9"], trial_id="t", at=6.0)
    ledger.write(tmp_path)
    store = opened()
    assert store.ingest() == len(ledger.lines)
    expected = {"experiments": 1, "arms": 2, "problems": 3, "trials": 6, "checkpoints": 9, "calls": 9}
    rest = {"texts": 1, "steps": 1, "lost_calls": 1, "bad_lines": 0}
    assert {table: count(store, table) for table in expected | rest} == expected | rest


def test_nested_values_become_json_text_and_whole_numbers_fit_real_columns(tmp_path):
    ledger = Ledger(spec={"arms": [{"levels": [1, 2]}]})
    ledger.arm()
    ledger.call("t", latency_s=2)
    store = stored(tmp_path, ledger)
    assert store.frame("SELECT spec FROM experiments")["spec"][0] == '{"arms":[{"levels":[1,2]}]}'
    assert store.frame("SELECT latency_s FROM calls")["latency_s"][0] == 2.0
    assert store.frame("SELECT usage ->> '$.prompt_tokens' AS n FROM calls")["n"][0] == "10"


def test_reading_a_journal_twice_changes_nothing(tmp_path, opened):
    path = two_arms().write(tmp_path)
    store = opened()
    store.ingest()
    before, version = tables(store), store.version()
    assert store.ingest() == 0
    assert tables(store) == before
    assert store.version() == version
    path.with_name("journal-2.jsonl").write_bytes(path.read_bytes())
    assert store.ingest() > 0
    after = tables(store)
    assert {t: rows for t, rows in after.items() if t != "ingested"} == {
        t: rows for t, rows in before.items() if t != "ingested"
    }


def test_what_landed_is_seen_while_a_run_writes_faster_than_it_can_be_read(tmp_path, opened, monkeypatch):
    path = two_arms().write(tmp_path)
    store, seen = opened(), []
    landing = store._land

    def growing(name, experiment_id, offset, lines):
        seen.append((store.version(), count(store, "trials")))
        if len(seen) < 4:
            with path.open("ab") as journal:
                journal.write(lines[0])
        return landing(name, experiment_id, offset, lines)

    monkeypatch.setattr(store, "_land", growing)
    store.ingest()
    versions = [version for version, _ in seen]
    assert versions == sorted(set(versions)), "pages draw anew when the version changes"
    assert len(seen) == 4


def test_a_torn_last_line_waits_until_it_is_complete(tmp_path, opened):
    ledger = two_arms(problems=1)
    path, whole = ledger.write(tmp_path), ledger.text()
    path.write_bytes(whole[:-10])
    store = opened()
    assert store.ingest() == len(ledger.lines) - 1
    assert store.frame("SELECT status FROM experiments")["status"][0] == "running"
    path.write_bytes(whole)
    assert store.ingest() == 1
    assert store.frame("SELECT status FROM experiments")["status"][0] == "finished"


def test_a_bad_line_is_noted_with_its_place_and_the_others_land(tmp_path):
    ledger = two_arms(problems=2)
    lines = ledger.text().splitlines(keepends=True)
    wrong_type = orjson.dumps({**ledger.lines[-2], "trial_id": "odd", "level": "three"}) + b"\n"
    no_null = orjson.dumps({**ledger.lines[-2], "trial_id": "odd", "arm": None}) + b"\n"
    bad = [b"{not json}\n", wrong_type, no_null, b'{"k":"newfangled"}\n', b'{"k":"text"}\n']
    path = ledger.write(tmp_path)
    path.write_bytes(b"".join([*lines[:-1], *bad, lines[-1]]))
    store = Store(tmp_path, read_only_copy=True, recorded=tmp_path / "none")
    notes = store.frame("SELECT byte_offset, message FROM bad_lines ORDER BY byte_offset")
    assert notes["byte_offset"][0] == sum(map(len, lines[:-1]))
    for message, words in zip(
        notes["message"], ["not a journal line", "trials.level", "NOT NULL", "newfangled", "sha256"], strict=True
    ):
        assert words in message
    assert count(store, "trials") == 4
    assert store.frame("SELECT status FROM experiments")["status"][0] == "finished"


def test_a_kill_inside_the_transaction_leaves_rows_and_offset_as_they_were(tmp_path, opened, monkeypatch):
    two_arms().write(tmp_path)
    store = opened()
    write = Batch.write

    def killed(self, cursor):
        write(self, cursor)
        raise KeyboardInterrupt

    monkeypatch.setattr(Batch, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        store.ingest()
    assert {count(store, table) for table in ("calls", "trials", "ingested")} == {0}
    monkeypatch.undo()
    store.ingest()
    assert (count(store, "calls"), count(store, "ingested")) == (18, 1)


def test_a_database_built_line_by_line_equals_one_built_at_once(tmp_path, opened):
    ledger = two_arms()
    ledger.add("reset", trial_id=ledger.trial_id("p0", "vote"))
    ledger.checkpoint(ledger.trial_id("p0", "vote"), 0, 1, 1.0)
    ledger.trial("p0", "vote", score=1.0, stop_reason="capped")
    whole = ledger.text()
    path = ledger.write(tmp_path)
    path.write_bytes(b"")
    store = opened()
    for end in range(0, len(whole) + 400, 400):  # cuts lines wherever it falls
        path.write_bytes(whole[:end])
        store.ingest()
    again = Store(tmp_path, read_only_copy=True, recorded=tmp_path / "none")
    assert tables(again) == tables(store)
    assert count(again, "trials") == 12


def test_a_later_trial_line_replaces_the_row_and_a_reset_drops_its_checkpoints(tmp_path):
    ledger = two_arms(problems=1)
    trial_id = ledger.trial_id("p0", "vote")
    ledger.add("reset", trial_id=trial_id)
    ledger.checkpoint(trial_id, 0, 1, 0.5)
    ledger.trial("p0", "vote", stop_reason="capped")
    store = stored(tmp_path, ledger)
    assert store.frame("SELECT score FROM checkpoints WHERE trial_id = $t", {"t": trial_id})["score"].to_list() == [0.5]
    assert store.frame("SELECT stop_reason FROM trials WHERE trial_id = $t", {"t": trial_id}).item() == "capped"


def test_a_repeated_checkpoint_or_call_keeps_its_first_row(tmp_path):
    ledger = two_arms(problems=1)
    trial_id = ledger.trial_id("p0", "vote")
    ledger.checkpoint(trial_id, 0, 1, 0.9)
    ledger.call(trial_id, call_id=f"{trial_id}#:0", completion=999)
    store = stored(tmp_path, ledger)
    assert store.frame("SELECT max(score) AS s FROM checkpoints WHERE seq = 0 AND level = 1").item() == 0.0
    assert store.frame("SELECT max(completion_tokens) AS c FROM calls").item() == 40


def test_a_started_call_is_lost_until_its_row_arrives(tmp_path, opened):
    ledger = Ledger()
    ledger.add("started", call_ids=["c1", "c2"], trial_id="t", at=1.0)
    path = ledger.write(tmp_path)
    store = opened()
    store.ingest()
    assert store.frame("SELECT call_id FROM lost_calls ORDER BY 1")["call_id"].to_list() == ["c1", "c2"]
    ledger.call("t", call_id="c1")
    path.write_bytes(ledger.text())
    store.ingest()
    assert store.frame("SELECT call_id FROM lost_calls")["call_id"].to_list() == ["c2"]


def test_a_second_journal_keeps_the_status_until_it_says_otherwise(tmp_path, opened):
    two_arms().write(tmp_path)
    store = opened()
    store.ingest()
    again = Ledger(created_at=9000.0, planned_trials=20)
    again.write(tmp_path, number=2)
    store.ingest()
    row = store.frame("SELECT * FROM experiments").row(0, named=True)
    assert (row["status"], row["finished_at"], row["created_at"]) == ("finished", 3000.0, 1000.0)
    assert row["planned_trials"] == 20
    again.status("running")
    again.write(tmp_path, number=2)
    store.ingest()
    assert store.frame("SELECT status, finished_at FROM experiments").row(0) == ("running", None)


def test_journals_are_read_in_the_order_of_their_numbers(tmp_path):
    for number in range(1, 12):
        ledger = Ledger()
        ledger.status("running" if number < 11 else "finished")
        ledger.write(tmp_path, number)
    store = Store(tmp_path, read_only_copy=True, recorded=tmp_path / "none")
    assert store.frame("SELECT status FROM experiments").item() == "finished"


def test_removing_a_runs_folder_removes_the_run(tmp_path, opened):
    two_arms().write(tmp_path)
    kept = two_arms(experiment_id="kept").write(tmp_path)
    store = opened()
    store.ingest()
    version = store.version()
    (tmp_path / "runs" / "exp" / "journal-1.jsonl").unlink()
    store.ingest()
    assert store.version() > version
    assert store.frame("SELECT DISTINCT experiment_id FROM trials")["experiment_id"].to_list() == ["kept"]
    assert count(store, "checkpoints") == 18
    kept.write_bytes(two_arms(problems=1, experiment_id="kept").text())
    store.ingest()
    assert count(store, "trials") == 2


def test_a_journal_in_the_wrong_folder_is_refused_with_the_reason(tmp_path):
    path = two_arms().write(tmp_path)
    path.parent.rename(tmp_path / "runs" / "renamed")
    store = Store(tmp_path, read_only_copy=True, recorded=tmp_path / "none")
    assert "stands in the folder 'renamed'" in store.frame("SELECT message FROM bad_lines")["message"][0]


def test_a_held_file_says_who_holds_it_and_a_copy_can_be_read(tmp_path):
    two_arms().write(tmp_path)
    code = "import sys; from pathlib import Path; from fourdials.store import Store\n"
    code += "store = Store(Path(sys.argv[1])); store.ingest(); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(HomeBusy, match=f"process {holder.pid}.*read a copy"):
            Store(tmp_path, recorded=tmp_path / "none")
        assert count(stored(tmp_path), "trials") == 12
    finally:
        holder.communicate()


@pytest.mark.parametrize("damage", ["another schema", "not a database"])
def test_an_old_or_damaged_database_is_rebuilt_from_the_journals(tmp_path, opened, damage):
    two_arms().write(tmp_path)
    file = tmp_path / "fourdials.duckdb"
    if damage == "another schema":
        with duckdb.connect(str(file)) as old:
            old.execute("CREATE TABLE trials (trial_id VARCHAR); INSERT INTO trials VALUES ('x')")
    else:
        file.write_bytes(b"nothing to see" * 1000)
    store = opened()
    store.ingest()
    assert count(store, "trials") == 12


def test_reopening_the_database_goes_on_where_it_stopped(tmp_path):
    two_arms().write(tmp_path)
    first = Store(tmp_path, recorded=tmp_path / "none")
    first.ingest()
    held = tables(first)
    first.close()
    second = Store(tmp_path, recorded=tmp_path / "none")
    assert second.ingest() == 0
    assert tables(second) == held
    second.close()


def test_the_background_ingester_follows_a_growing_journal_while_threads_read(tmp_path, opened):
    ledger = two_arms(problems=2)
    whole = ledger.text()
    path = ledger.write(tmp_path)
    path.write_bytes(whole[: len(whole) // 2])
    store, seen = opened(), []
    store.start()
    store.start()
    readers = [threading.Thread(target=lambda: seen.extend(count(store, "calls") for _ in range(50))) for _ in range(4)]
    for reader in readers:
        reader.start()
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    for reader in readers:
        reader.join()
    deadline = time.monotonic() + 10
    while count(store, "trials") < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (count(store, "trials"), count(store, "calls"), len(seen)) == (4, 6, 200)
    assert store.trouble is None


def test_an_exported_run_comes_back_as_a_recorded_one(tmp_path, opened):
    ledger = two_arms(provenance="scale model")
    ledger.call(ledger.trial_id("p0", "vote"), request={"parts": [["user", {"sha256": "a" * 64}]]})
    ledger.add("text", sha256="a" * 64, text="a long text")
    ledger.add("text", sha256="b" * 64, text="of another run")
    source = stored(tmp_path / "source", ledger)
    paths = source.export("exp", tmp_path / "recorded" / "demo")
    assert {path.stem for path in paths} >= {
        "experiments",
        "arms",
        "problems",
        "trials",
        "calls",
        "checkpoints",
        "texts",
    }
    assert source.export("nothing", tmp_path / "empty") == []
    store = opened()
    held, original = tables(store), tables(source)
    for table in ("trials", "calls", "checkpoints", "arms", "problems"):
        assert held[table] == original[table]
    assert [row["text"] for row in held["texts"]] == ["a long text"]
    row = held["experiments"][0]
    assert (row["experiment_id"], row["recorded"], row["provenance"], row["origin"]) == (
        "exp",
        True,
        "recorded",
        "scale model",
    )


def test_a_run_recorded_before_calls_could_be_shared_loads_with_its_spend(tmp_path, opened):
    paths = stored(tmp_path / "source", two_arms()).export("exp", tmp_path / "recorded" / "demo")
    [calls] = [path for path in paths if path.stem == "calls"]
    pl.read_parquet(calls).drop("shared").write_parquet(calls)
    store = opened()
    assert store.frame("SELECT DISTINCT shared FROM calls").rows() == [(None,)]
    spent = store.frame("SELECT total_tokens FROM spend WHERE trial_id = 'exp/toy/p0/vote/0' ORDER BY level")
    assert spent["total_tokens"].to_list() == [10, 20]


def test_recorded_runs_load_once_and_again_when_their_files_change(tmp_path, opened):
    folder = tmp_path / "recorded" / "demo"
    stored(tmp_path / "one", two_arms(problems=2)).export("exp", folder)
    store = opened()
    assert count(store, "trials") == 4
    version = store.version()
    store.ingest()
    assert store.version() == version
    stored(tmp_path / "two", two_arms(problems=5)).export("exp", folder)
    store.ingest()
    assert (count(store, "trials"), count(store, "checkpoints")) == (10, 15)
    for file in folder.iterdir():
        file.unlink()
    store.ingest()
    assert {count(store, table) for table in ("trials", "checkpoints", "experiments", "recordings")} == {0}


def test_a_run_with_journals_in_the_home_wins_over_its_recording(tmp_path, opened):
    stored(tmp_path / "one", two_arms(problems=2)).export("exp", tmp_path / "recorded" / "demo")
    store = opened()
    two_arms(problems=3).write(tmp_path)
    store.ingest()
    assert store.frame("SELECT recorded, provenance FROM experiments").row(0) == (False, "real")
    assert count(store, "trials") == 6


def test_a_full_disk_is_told_and_does_not_end_the_ingester(tmp_path, opened, monkeypatch):
    store = opened()

    def full():
        raise OSError("No space left on device")

    monkeypatch.setattr(store, "ingest", full)
    store.start()
    deadline = time.monotonic() + 5
    while store.trouble is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "No space left" in store.trouble
    monkeypatch.undo()
    while store.trouble is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert store.trouble is None


def test_frames_of_nothing_have_their_columns(tmp_path, opened):
    frame = opened().frame("SELECT trial_id, score FROM trials WHERE trial_id = $t", {"t": "x"})
    assert frame.schema == {"trial_id": pl.String, "score": pl.Float64}
