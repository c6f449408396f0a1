"""Samples from elsewhere become trials like any other, and a file that does not fit changes nothing."""

import json
import zipfile

import pytest

from fourdials import importing, query, snapshot
from fourdials.errors import InputError
from fourdials.estimate import pool
from fourdials.store import Store
from tests.importing.files import inspect_log, inspect_sample, json_lines, lm_eval_row

GOOD = [
    {
        "id": 1,
        "answer": ["4", "5", "4"],
        "score": [1, 0, 1],
        "completion_tokens": [3, 4, 5],
        "prompt_tokens": [9, 9, 9],
    },
    {
        "id": 2,
        "samples": [{"answer": "x", "correct": False}, {"answer": "y", "correct": True}, {"answer": "x", "acc": 0}],
    },
]


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "home", recorded=tmp_path / "none")
    yield opened
    opened.close()


def frame(store, table):
    return store.frame(f"SELECT * FROM {table} ORDER BY ALL")  # noqa: S608 - names of tables


def test_a_line_with_lists_is_a_problem_with_samples(store, tmp_path):
    found = importing.install(json_lines(tmp_path / "mine.jsonl", *GOOD), store)
    assert (found.problems, found.trials, found.samples, found.known) == (2, 2, 6, False)
    stops = frame(store, "checkpoints").filter(level=2).select("answer", "score", "outcome").rows()
    assert sorted(stops) == [("5", 0.0, "wrong"), ("y", 1.0, "correct")]
    trials = {row["problem_id"]: row for row in frame(store, "trials").iter_rows(named=True)}
    assert (trials["1"]["prompt_tokens"], trials["1"]["completion_tokens"], trials["1"]["calls"]) == (27, 12, 3)
    assert (trials["2"]["prompt_tokens"], trials["2"]["usd"], trials["2"]["wall_s"]) == (None, None, None)
    run = query.run(store, "experiments").row(0, named=True)
    assert (run["provenance"], run["origin"], run["imported"], run["total_tokens"]) == (
        "recorded",
        "real",
        "jsonl",
        None,
    )
    assert run["status_detail"] == "imported from mine.jsonl"


def test_an_import_is_a_pool_like_any_other(store, tmp_path):
    importing.install(json_lines(tmp_path / "mine.jsonl", *GOOD), store)
    ids = query.run(store, "experiments")["experiment_id"].to_list()
    samples = query.run(store, "pool_samples", experiment_ids=ids)
    assert pool.pools(samples)["refused"].to_list() == [None]
    held = pool.read(samples, ids[0], "not recorded")
    assert held.right.tolist() == [[True, False, True], [False, True, False]]
    points = query.run(store, "curve_points", experiment_ids=ids, unit="calls")
    assert points.filter(problem_id="1", level=2)["gain"].to_list() == [-1.0]
    assert query.run(store, "curve_points", experiment_ids=ids, unit="total_tokens")[
        "problem_id"
    ].unique().to_list() == ["1"]


def test_an_import_goes_into_a_snapshot_and_out_of_it(store, tmp_path):
    made = importing.install(json_lines(tmp_path / "mine.jsonl", *GOOD), store)
    snapshot.write(store, [made.experiment_id], tmp_path / "a.fourdials")
    other = Store(tmp_path / "other", recorded=tmp_path / "none")
    snapshot.install(tmp_path / "a.fourdials", other)
    assert frame(other, "calls").equals(frame(store, "calls"))
    assert query.run(other, "experiments")["imported"].to_list() == ["jsonl"]
    other.close()


def test_importing_a_file_again_changes_nothing_and_removing_it_takes_all_away(store, tmp_path):
    path = json_lines(tmp_path / "mine.jsonl", *GOOD)
    first = importing.install(path, store)
    version = store.version()
    assert importing.install(path, store).known
    assert store.version() == version
    assert importing.install(path, store, options=importing.Options(model="other")).experiment_id != first.experiment_id
    for manifest in snapshot.installed(store.home):
        snapshot.remove(manifest.content_id, store)
    assert frame(store, "trials").is_empty()


def test_columns_can_be_named_and_answers_compared(store, tmp_path):
    rows = [
        {"uid": "a", "said": " 12. ", "truth": "12", "score": "not this"},
        {"uid": "b", "said": "13", "truth": "12"},
    ]
    path = json_lines(tmp_path / "mine.jsonl", *[row | {"score": None} for row in rows])
    columns = {"problem": "uid", "answer": "said", "reference": "truth"}
    found = importing.install(path, store, options=importing.Options(columns=columns))
    assert "2 samples came without a score" in " ".join(found.notes)
    assert frame(store, "trials").sort("problem_id")["score"].to_list() == [1.0, 0.0]


def test_samples_without_answers_do_not_agree_with_each_other(store, tmp_path):
    importing.install(json_lines(tmp_path / "mine.jsonl", {"id": 1, "score": [True, False, True]}), store)
    assert frame(store, "checkpoints")["answer"].drop_nulls().n_unique() == 3


def test_what_a_line_says_once_of_several_samples_is_not_shared_out(store, tmp_path):
    row = {"id": 1, "score": [True, False], "completion_tokens": 100, "cost": 3.0}
    importing.install(json_lines(tmp_path / "mine.jsonl", row), store)
    assert frame(store, "calls").select("completion_tokens", "usd_paid").rows() == [(None, None)] * 2


def test_a_sample_with_an_error_counts_nowhere(store, tmp_path):
    rows = [{"id": 1, "score": 1}, {"id": 1, "error": "timeout"}, {"id": 2, "error": "timeout"}]
    found = importing.install(json_lines(tmp_path / "mine.jsonl", *rows), store)
    assert found.failed == 2
    trials = frame(store, "trials").sort("problem_id").select("outcome", "score", "failed_attempts").rows()
    assert trials == [("correct", 1.0, 1), ("infra_error", None, 1)]


def test_a_known_model_is_priced_at_list_and_another_is_not(store, tmp_path):
    row = {
        "id": 1,
        "score": 1,
        "prompt_tokens": 1_000_000,
        "completion_tokens": 0,
        "started_at": "2026-11-22T00:00:00Z",
    }
    rows = [row | {"model": "openai/gpt-4.1-mini"}, row | {"model": "nobody/knows", "cost": 2.0}]
    importing.install(json_lines(tmp_path / "mine.jsonl", *rows), store)
    calls = frame(store, "calls").sort("model").select("usd", "usd_paid").rows()
    assert calls == [(None, 2.0), (0.4, None)]


@pytest.mark.parametrize("zstandard", [True, False])
def test_an_inspect_log_has_its_epochs_as_samples(store, tmp_path, zstandard):
    path = tmp_path / "log.eval"
    bad = inspect_sample("q2", 2, error={"message": "rate limit"}, scores={})
    inspect_log(
        path, inspect_sample("q1", 1), inspect_sample("q1", 2, "I"), bad, inspect_sample("q2", 1), zstandard=zstandard
    )
    found = importing.install(path, store)
    assert (found.samples, found.trials, found.failed) == (4, 2, 1)
    trials = (
        frame(store, "trials")
        .sort("problem_id")
        .select("task", "arm", "prompt_tokens", "cached_tokens", "level")
        .rows()
    )
    assert trials == [("adds", "openai/some-model", 24, 4, 2), ("adds", "openai/some-model", 12, 2, 1)]
    assert frame(store, "checkpoints").filter(level=2)["score"].to_list() == [0.0]
    question = frame(store, "problems")["question"][0]
    assert question.startswith("What is 2 + 2?")
    turns = query.run(store, "trial_calls", trial_id=frame(store, "trials")["trial_id"][0])["prompt"][0]
    assert [turn["role"] for turn in turns] == ["system", "user"]
    assert turns[1]["text"] == question


def test_another_scorer_can_be_taken(store, tmp_path):
    inspect_log(tmp_path / "log.eval", inspect_sample("q1", 1))
    importing.install(tmp_path / "log.eval", store, options=importing.Options(score="half"))
    assert frame(store, "trials")["score"].to_list() == [0.5]


def test_lm_eval_samples_take_one_filter_and_metric(store, tmp_path):
    folder = tmp_path / "org__small-model"
    folder.mkdir()
    rows = [lm_eval_row(0), lm_eval_row(1, score=0.0, answer="5"), lm_eval_row(0, filter="flexible", score=0.0)]
    path = json_lines(folder / "samples_gsm8k_2026-01-01T00-00-00.123.jsonl", *rows)
    found = importing.install(path, store)
    assert "it also has flexible" in " ".join(found.notes)
    trials = frame(store, "trials").sort("problem_id").select("task", "model", "score", "answer").rows()
    assert trials == [("gsm8k", "org/small-model", 1.0, "4"), ("gsm8k", "org/small-model", 0.0, "5")]
    importing.install(path, store, options=importing.Options(filter="flexible"))
    assert frame(store, "trials").height == 3


def test_a_choice_of_lm_eval_is_the_likeliest_one(store, tmp_path):
    resps = [[["-3.2", "False"]], [["-1.0", "True"]], [["-2.0", "False"]]]
    row = lm_eval_row(0, resps=resps, filtered_resps=[each[0] for each in resps])
    importing.install(json_lines(tmp_path / "samples_arc.jsonl", row), store)
    assert frame(store, "trials")["answer"].to_list() == ["1"]
    assert frame(store, "problems")["chance"].to_list() == [pytest.approx(1 / 3)]


BAD_LINES = {
    "not json": ("{oops", "line 1 is no JSON"),
    "a list": ("[1, 2]", "holds a list"),
    "a score out of range": (json.dumps({"id": 1, "score": 7}), "from 0 to 1"),
    "a score that is no number": (json.dumps({"id": 1, "score": float("nan")}), "has no score"),
    "no problem": (json.dumps({"score": 1}), "which problem"),
    "no score": (json.dumps({"id": 1, "answer": "4"}), "has no score"),
    "lists that differ": (json.dumps({"id": 1, "score": [1, 0], "answer": ["a"]}), "different lengths"),
    "negative tokens": (json.dumps({"id": 1, "score": 1, "prompt_tokens": -5}), "prompt_tokens"),
    "a name without end": (json.dumps({"id": "x" * 500, "score": 1}), "500 characters"),
    "nested too deeply": ('{"a": ' * 100_000, "nested too deeply"),
    "nothing": ("\n\n", "is empty"),
}


@pytest.mark.parametrize(("line", "told"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_file_is_refused_with_a_reason_and_changes_nothing(store, tmp_path, line, told):
    path = tmp_path / "bad.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=told):
        importing.install(path, store)
    assert frame(store, "experiments").is_empty()
    assert not list(store.home.glob("imported/*"))


def test_a_bad_log_is_refused(store, tmp_path):
    path = inspect_log(tmp_path / "log.eval", inspect_sample("q1", 1))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"samples/q1_epoch_1.json") + 40] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(InputError, match="damaged"):
        importing.install(path, store)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="not taken"):
        importing.install(path, store)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.json", "{}")
    with pytest.raises(InputError, match="no samples/"):
        importing.install(path, store)


def test_a_part_never_unpacks_to_more_than_allowed(store, tmp_path, monkeypatch):
    path = inspect_log(tmp_path / "log.eval", inspect_sample("q1", 1, metadata={"x": "0" * 100_000}))
    monkeypatch.setattr(importing.samples, "LONGEST_LINE", 50_000)
    with pytest.raises(InputError, match="too large"):
        importing.install(path, store)


def test_one_score_for_several_replies_is_refused(store, tmp_path):
    path = json_lines(tmp_path / "samples_x.jsonl", lm_eval_row(0, resps=[["a", "b"]], filtered_resps=["a"]))
    with pytest.raises(InputError, match="one score for 2 replies"):
        importing.install(path, store)


def test_an_arm_of_two_models_is_refused(store, tmp_path):
    rows = [{"id": 1, "score": 1, "arm": "a", "model": name} for name in ("m", "k")]
    with pytest.raises(InputError, match="several models"):
        importing.install(json_lines(tmp_path / "x.jsonl", *rows), store)


def test_a_missing_column_is_named(store, tmp_path):
    path = json_lines(tmp_path / "x.jsonl", {"id": 1, "score": 1})
    with pytest.raises(InputError, match="no column 'passed'"):
        importing.install(path, store, options=importing.Options(columns={"answer": "passed"}))
    with pytest.raises(InputError, match="no field 'grade'"):
        importing.install(path, store, options=importing.Options(columns={"grade": "score"}))


def test_an_import_is_read_through_the_command_line(tmp_path, monkeypatch, capsys):
    from fourdials.exchange import import_, snapshot_
    from fourdials.exchange import report as report_

    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path / "home"))
    import_(json_lines(tmp_path / "mine.jsonl", *GOOD))
    told = capsys.readouterr().out
    experiment = told.split(":")[0]
    assert "6 samples of 2 problems in 2 trials" in told
    snapshot_([experiment, str(tmp_path / "out.fourdials")])
    assert snapshot.read(tmp_path / "out.fourdials").manifest.runs[0].experiment_id == experiment
    report_(experiment, tmp_path / "out.html", unit="calls")
    assert "not recorded" in (tmp_path / "out.html").read_text()
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path / "second"))
    import_(tmp_path / "out.fourdials")
    assert experiment in capsys.readouterr().out
    with pytest.raises(InputError, match="FIELD=COLUMN"):
        import_(tmp_path / "mine.jsonl", columns=["score"])
