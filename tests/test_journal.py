"""The journal: one line a fact, long texts once, torn lines ignored."""

import orjson
import pytest

from fourdials import query
from fourdials.errors import InputError
from fourdials.journal import LONG_TEXT, History, Journal, journals, lines, text_sha
from fourdials.store import Store
from tests.scripted import Script, arm, experiment, play


def test_each_start_writes_a_file_of_its_own(tmp_path):
    for _ in range(11):
        with Journal(tmp_path) as journal:
            journal.write("status", {"status": "running"})
    assert [path.name for path in journals(tmp_path)] == [f"journal-{n}.jsonl" for n in range(1, 12)]


def test_a_line_is_on_disk_as_soon_as_it_is_written(tmp_path):
    with Journal(tmp_path) as journal:
        journal.write("step", {"payload": {"nested": (1, 2)}})
        assert list(lines(journal.path)) == [{"k": "step", "payload": {"nested": [1, 2]}}]


def test_a_long_text_is_written_once_and_referred_to(tmp_path):
    long = "word " * LONG_TEXT
    with Journal(tmp_path) as journal:
        refs = [journal.text(long) for _ in range(3)]
        assert journal.text("short") == "short"
    assert refs == [{"sha256": text_sha(long)}] * 3
    assert [line["text"] for line in lines(journal.path)] == [long]


def test_a_torn_last_line_is_ignored_and_a_broken_one_before_is_not(tmp_path):
    path = tmp_path / "journal-1.jsonl"
    path.write_bytes(b'{"k":"a"}\n{"k":"b"')
    assert [line["k"] for line in lines(path)] == ["a"]
    path.write_bytes(b'{"k":"a"\n{"k":"b"}\n')
    with pytest.raises(InputError, match=r"line 1 of .*journal-1\.jsonl is damaged"):
        list(lines(path))


@pytest.mark.parametrize("line", [b"123\n", b'{"x":1}\n', b'{"k":"calls","rows":[{"error":null}]}\n'])
def test_a_line_that_is_json_but_no_journal_line_is_named_as_damaged(tmp_path, line):
    (tmp_path / "journal-1.jsonl").write_bytes(b'{"k":"a"}\n' + line)
    with pytest.raises(InputError, match=r"line 2 of .*journal-1\.jsonl is damaged"):
        History(tmp_path)


def test_a_copy_beside_the_journals_is_not_read(tmp_path):
    for name in ("journal-1.jsonl", "journal-1 (copy).jsonl", "journal-old.jsonl"):
        (tmp_path / name).write_bytes(b'{"k":"a"}\n')
    assert [path.name for path in journals(tmp_path)] == ["journal-1.jsonl"]


def test_a_pause_of_hours_is_not_counted_as_work(tmp_path):
    folder = tmp_path / "runs" / "run"
    play(folder, experiment([arm("single")], problems=3, concurrency=1), Script())
    [path] = journals(folder)
    at = iter([(100.0, 104.0), (104.0, 110.0), (7310.0, 7312.0)])  # 4 s, 6 s, then two hours later
    changed = []
    for line in lines(path):
        if line["k"] == "trial":
            line["started_at"], line["finished_at"] = next(at)
        changed.append(orjson.dumps(line))
    path.write_bytes(b"\n".join(changed) + b"\n")
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    found = query.run(store, "progress", experiment_id="run", now=8000.0)
    store.close()
    assert found["working_s"].to_list() == [4 + 6 + 60]
