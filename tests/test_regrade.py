"""Stored answers graded once more: without a call, unless a model grades; the original stays in the journal."""

import json
import sys
from dataclasses import replace

import pytest

from fourdials import grading, regrade, spec
from fourdials.errors import InputError, SpecError
from fourdials.plan import new_id
from fourdials.regrade import Wish
from fourdials.store import Store
from tests.scripted import Lines, Script, journaled, play

TABLES = ("checkpoints", "trials", "regrades", "regraded", "calls", "bad_lines")
MODEL = "sim/solve=0.5,wrongs=2"


def data(**changes):
    """A spec of one arm on whole tables of numbers."""
    return {
        "name": "Old",
        "seed": 3,
        "model": MODEL,
        "tasks": [{"name": "dataset", "problems": 4, "params": {"shots": 0}}],
        "arms": [{"strategy": "majority_vote", "levels": [1, 2]}],
    } | changes


@pytest.fixture
def ran(tmp_path):
    """Runs a spec with these replies into a home and opens its store; closes all at the end."""
    opened = []

    def run(sender, what=None, tasks=None):
        plain = what or data(**({"tasks": tasks} if tasks else {}))
        experiment = spec.parse(plain)
        folder = tmp_path / "home" / "runs" / "run"
        play(folder, replace(experiment, spec=plain, concurrency=1), sender)
        return again()

    def again():
        store = Store(tmp_path / "home", recorded=tmp_path / "none")
        store.ingest()
        opened.append(store)
        return store

    run.again = again
    yield run
    for store in opened:
        store.close()


def table(tmp_path, *rows):
    path = tmp_path / "table.jsonl"
    path.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows))
    return str(path)


def numbers(tmp_path, **params):
    path = table(tmp_path, ("1+1?", "2"), ("2+2?", "4"))
    return [{"name": "dataset", "problems": 2, "params": {"path": path, "shots": 0, **params}}]


def rows(store):
    return {name: store.frame(f"FROM {name} ORDER BY ALL").to_dicts() for name in TABLES}


def graded(store):
    return store.frame("SELECT problem_id, answer, score, outcome FROM trials ORDER BY problem_id").rows()


@pytest.mark.parametrize("task", ["wikiworld", "dataset", "hanoi", "long_ledger"])
def test_the_same_grader_changes_nothing_and_writes_nothing(ran, tmp_path, task):
    store = ran(Script(right=0.5), tasks=[{"name": task, "problems": 4}])
    before = rows(store)
    found = regrade.regrade(store, "run", Wish())
    assert (found.changed, found.missing, found.calls) == (0, 0, 0)
    assert found.checked == store.frame("SELECT count(*) FROM checkpoints WHERE answer IS NOT NULL").item()
    assert rows(store) == before
    assert (tmp_path / "home" / "edits.jsonl").read_bytes() == b""


def test_another_grader_changes_checkpoints_and_trials_and_the_journal_keeps_the_original(ran, tmp_path):
    store = ran(Lines("2.0"), tasks=numbers(tmp_path))
    assert {outcome for *_, outcome in graded(store)} == {"wrong"}
    journal = (tmp_path / "home" / "runs" / "run" / "journal-1.jsonl").read_bytes()
    found = regrade.regrade(store, "run", Wish(changes={"grader": "number"}))
    assert (found.checked, found.changed, found.calls) == (4, 2, 0)
    assert graded(store) == [("row-1", "2.0", 1.0, "correct"), ("row-2", "2.0", 0.0, "wrong")]
    assert store.frame("SELECT sum(score) FROM checkpoints").item() == 2.0
    assert store.frame("SELECT old_outcome, old_score, outcome FROM regraded").rows() == [("wrong", 0.0, "correct")] * 2
    assert (tmp_path / "home" / "runs" / "run" / "journal-1.jsonl").read_bytes() == journal
    [line] = (tmp_path / "home" / "edits.jsonl").read_text().splitlines()
    assert json.loads(line)["old"] == {"dataset.grader": "exact"}
    assert json.loads(line)["new"] == {"dataset.grader": "number"}


def test_a_rebuilt_database_and_one_that_followed_hold_the_same_rows(ran, tmp_path):
    store = ran(Lines("2.0"), tasks=numbers(tmp_path))
    regrade.regrade(store, "run", Wish(changes={"grader": "number"}))
    regrade.regrade(store, "run", Wish(changes={"grader": "number", "tolerance": 5.0}))
    followed = rows(store)
    assert [outcome for *_, outcome in graded(store)] == ["correct", "correct"]
    store.close()
    (tmp_path / "home" / "fourdials.duckdb").unlink()
    rebuilt = ran.again()
    assert rows(rebuilt) == followed
    assert rebuilt.ingest() == 0
    assert rows(rebuilt) == followed
    assert rows(Store(tmp_path / "home", read_only_copy=True, recorded=tmp_path / "none")) == followed


def test_trials_asked_again_after_a_regrade_end_the_same_however_the_files_are_read(ran, tmp_path):
    store = ran(Lines("2.0"), tasks=numbers(tmp_path))
    regrade.regrade(store, "run", Wish(changes={"grader": "number"}))
    folder = tmp_path / "home" / "runs" / "run"
    [first] = [trial for trial in journaled(folder, "trial") if trial["problem_id"] == "row-1"]
    points = [point for point in journaled(folder, "checkpoint") if point["trial_id"] == first["trial_id"]]
    lines = [{"k": "reset", "trial_id": first["trial_id"]}, *points, first]
    (folder / "journal-2.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    store.ingest()
    assert graded(store)[0] == ("row-1", "2.0", 1.0, "correct")
    followed = rows(store)
    assert rows(Store(tmp_path / "home", read_only_copy=True, recorded=tmp_path / "none")) == followed


def test_without_the_edits_everything_is_as_it_was_run(ran, tmp_path):
    store = ran(Lines("2.0"), tasks=numbers(tmp_path))
    before = rows(store)
    regrade.regrade(store, "run", Wish(changes={"grader": "number"}))
    assert rows(store) != before
    (tmp_path / "home" / "edits.jsonl").unlink()
    store.ingest()
    assert rows(store) == before


def test_a_corrected_table_grades_the_stored_answers_anew(ran, tmp_path):
    store = ran(Lines("five"), tasks=numbers(tmp_path))
    table(tmp_path, ("1+1?", "2"), ("2+2?", "five"))
    assert regrade.regrade(store, "run", Wish()).changed == 2
    assert [outcome for *_, outcome in graded(store)] == ["wrong", "correct"]
    table(tmp_path, ("1+1?", "2"))
    with pytest.raises(InputError, match="1 rows, 0 of them kept"):
        regrade.regrade(store, "run", Wish())


def test_answers_a_grader_failed_on_are_graded_without_asking_for_them_again(ran, tmp_path):
    what = data(tasks=numbers(tmp_path, grader="judge"), grader_model="sim/grade=1")
    store = ran(Lines(by_role={"solve": ["2"], "grade": ["who knows"]}), what)
    assert {outcome for *_, outcome in graded(store)} == {"grader_error"}
    regrade.regrade(store, "run", Wish(changes={"grader": "exact"}))
    assert graded(store) == [("row-1", "2", 1.0, "correct"), ("row-2", "2", 0.0, "wrong")]
    assert store.frame("SELECT count(*) FROM trials WHERE error IS NOT NULL").item() == 0


def test_a_judge_regrades_with_calls_that_the_experiment_pays_for_and_only_once(ran, tmp_path):
    store = ran(Lines("it is two"), tasks=numbers(tmp_path))
    bill = store.frame("SELECT sum(calls), sum(prompt_tokens) FROM trials").rows()
    spent = store.frame("SELECT sum(calls), sum(total_tokens) FROM spend").rows()
    wish = Wish(changes={"grader": "judge"}, model="sim/grade=1")
    judge = Lines(by_role={"grade": ["yes", "no"]})
    found = regrade.regrade(store, "run", wish, judge)
    assert (found.calls, len(judge.requests)) == (2, 2)
    assert sorted(outcome for *_, outcome in graded(store)) == ["correct", "wrong"]
    assert store.frame("SELECT count(*) FROM calls WHERE role = 'grade' AND part = 'grader'").item() == 2
    assert store.frame("SELECT sum(calls), sum(prompt_tokens) FROM trials").rows() == bill
    assert store.frame("SELECT sum(calls), sum(total_tokens) FROM spend").rows() == spent
    assert store.frame("SELECT count(*) FROM lost_calls").item() == 0
    silent = Lines("never asked")
    assert (regrade.regrade(store, "run", wish, silent).calls, silent.requests) == (0, [])
    followed = rows(store)
    assert rows(Store(tmp_path / "home", read_only_copy=True, recorded=tmp_path / "none")) == followed


def test_a_run_that_a_model_graded_goes_back_to_its_verdicts_without_paying_again(ran, tmp_path):
    what = data(tasks=numbers(tmp_path, grader="judge"), grader_model="sim/grade=1")
    store = ran(Lines(by_role={"solve": ["2", "4"], "grade": ["no"]}), what)
    first = graded(store)
    assert regrade.regrade(store, "run", Wish(changes={"grader": "exact"})).changed > 0
    silent = Lines("never asked")
    found = regrade.regrade(store, "run", Wish(), silent)
    assert (silent.requests, found.calls, graded(store)) == ([], 0, first)
    found = regrade.regrade(store, "run", Wish(reread=True), silent)
    assert (silent.requests, found.calls, found.changed, found.unread) == ([], 0, 0, 0)


def test_a_judge_that_does_not_answer_leaves_a_grader_error_not_a_wrong_answer(ran, tmp_path):
    store = ran(Lines("2"), tasks=numbers(tmp_path))
    found = regrade.regrade(
        store, "run", Wish(changes={"grader": "judge"}, model="sim/grade=1"), Lines(by_role={"grade": ["perhaps"]})
    )
    assert found.ungraded == 4
    assert {(score, outcome) for *_, score, outcome in graded(store)} == {(None, "grader_error")}


def test_answers_are_read_off_the_stored_replies_again_by_todays_rules(ran, tmp_path, monkeypatch):
    store = ran(Lines("I say 2"), tasks=numbers(tmp_path))
    assert {answer for _, answer, *_ in graded(store)} == {"I say 2"}
    asked = store.frame("SELECT count(*) FROM calls").item()
    monkeypatch.setattr("fourdials.charges.extract", lambda prompt, text: grading.extract(prompt, text)[-1])
    found = regrade.regrade(store, "run", Wish(reread=True))
    assert (found.checked, found.changed, found.unread, found.calls) == (4, 4, 0, 0)
    assert graded(store) == [("row-1", "2", 1.0, "correct"), ("row-2", "2", 0.0, "wrong")]
    assert store.frame("SELECT count(*) FROM calls").item() == asked
    followed = rows(store)
    assert rows(Store(tmp_path / "home", read_only_copy=True, recorded=tmp_path / "none")) == followed


def test_reading_again_by_the_same_rules_changes_nothing_whatever_the_strategy(ran):
    arms = [{"strategy": name} for name in ("majority_vote", "stepwise", "retrieve", "act", "chain_of_thought")]
    store = ran(Script(right=0.5), data(tasks=[{"name": "wikiworld", "problems": 3}], arms=arms))
    found = regrade.regrade(store, "run", Wish(reread=True))
    assert (found.changed, found.unread) == (0, 0)
    assert found.checked == store.frame("SELECT count(*) FROM checkpoints").item() > 0


def test_a_trial_that_would_ask_something_else_now_keeps_its_answers(ran, tmp_path, monkeypatch):
    store = ran(Lines("2"), tasks=numbers(tmp_path))
    before = graded(store)
    table(tmp_path, ("1+1, please?", "2"), ("2+2, please?", "2"))  # other prompts: the replies belong to the old ones
    found = regrade.regrade(store, "run", Wish(reread=True))
    assert (found.unread, found.changed) == (2, 0)
    assert graded(store) == before


def test_the_experiment_says_it_was_regraded_and_by_what(ran, tmp_path):
    from fourdials import query

    store = ran(Lines("2.0"), tasks=numbers(tmp_path))
    assert query.run(store, "experiments")["regraded"].to_list() == [[]]
    regrade.regrade(store, "run", Wish(changes={"grader": "number"}))
    [[said]] = query.run(store, "experiments")["regraded"].to_list()
    assert said.startswith("dataset.grader number instead of exact (version ")


def test_a_regrade_says_what_it_changes_from_what_stands_not_from_what_was_run(ran, tmp_path):
    store = ran(Lines("2"), tasks=numbers(tmp_path, grader="number", tolerance=5.0))

    def said(**changes):
        found = regrade.regrade(store, "run", Wish(changes=changes))
        return found.summary.partition(" (version")[0], found.changed

    assert said(grader="exact") == ("dataset.grader exact instead of number", 2)
    assert said(grader="number") == ("dataset.grader number instead of exact", 2)
    assert said() == ("the same grader", 0)
    assert said(tolerance=1.0) == ("dataset.tolerance 1.0 instead of 5.0", 2)
    assert said(grader="exact") == ("dataset.grader exact instead of number, dataset.tolerance 5.0 instead of 1.0", 0)
    assert said() == ("dataset.grader number instead of exact", 2)
    judge = Lines(by_role={"grade": ["yes"]})
    found = regrade.regrade(store, "run", Wish(changes={"grader": "judge"}, model="sim/grade=1"), judge)
    assert found.summary.startswith("dataset.grader judge instead of number, grader_model sim/grade=1 instead of None")
    assert said()[0] == "dataset.grader number instead of judge, grader_model None instead of sim/grade=1"
    assert said() == ("the same grader", 0)


def test_a_pattern_given_up_is_an_outcome_of_its_own_that_a_judge_can_settle(ran, tmp_path):
    path = table(tmp_path, ("1+1?", "(a+)+b"), ("2+2?", "a+"))
    params = {"path": path, "shots": 0, "grader": "regex", "time_limit_s": 0.5}
    store = ran(Lines("a" * 60), tasks=[{"name": "dataset", "problems": 2, "params": params}])
    assert [(score, outcome) for *_, score, outcome in graded(store)] == [(None, "grader_error"), (1.0, "correct")]
    [error] = store.frame("SELECT error->>'message' FROM trials WHERE error IS NOT NULL").to_series()
    assert error == "the regex grader gave no verdict within 0.5 s"
    assert regrade.regrade(store, "run", Wish()).changed == 0, "still late, and still not wrong"
    judge = Lines(by_role={"grade": ["no"]})
    regrade.regrade(store, "run", Wish(changes={"grader": "judge"}, model="sim/grade=1"), judge)
    assert [outcome for *_, outcome in graded(store)] == ["wrong", "wrong"]


def test_a_regrade_of_one_task_says_nothing_of_the_others(ran, tmp_path):
    tasks = [*numbers(tmp_path, grader="number"), {"name": "maze", "problems": 1}]
    store = ran(Lines("2.0"), tasks=tasks)
    regrade.regrade(store, "run", Wish(changes={"grader": "exact"}))
    assert regrade.regrade(store, "run", Wish(task="maze")).summary.startswith("the same grader, only maze")


def test_a_regrade_survives_export_and_recording(ran, tmp_path):
    store = ran(Lines("2.0"), tasks=numbers(tmp_path))
    regrade.regrade(store, "run", Wish(changes={"grader": "number"}))
    store.export("run", tmp_path / "recorded" / "run")
    other = Store(tmp_path / "elsewhere", recorded=tmp_path / "recorded")
    assert graded(other) == graded(store)
    assert other.frame("SELECT summary FROM regrades").rows() == store.frame("SELECT summary FROM regrades").rows()
    regrade.regrade(other, "run", Wish(changes={"grader": "number", "tolerance": 9.0}))  # and can be regraded there
    assert {outcome for *_, outcome in graded(other)} == {"correct"}
    other.close()


def test_a_torn_edit_is_ended_before_the_next_and_changes_nothing(ran, tmp_path):
    store = ran(Lines("2.0"), tasks=numbers(tmp_path))
    (tmp_path / "home" / "edits.jsonl").write_bytes(b'{"k":"regrade","edit_id":"torn')
    store.ingest()
    regrade.regrade(store, "run", Wish(changes={"grader": "number"}))
    assert [outcome for *_, outcome in graded(store)] == ["correct", "wrong"]
    assert store.frame("SELECT path FROM bad_lines").rows() == [("edits.jsonl",)]


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        (Wish(task="maze"), InputError, "this run has no task 'maze'; it has dataset"),
        (Wish(changes={"graders": 1}), InputError, "dataset has no setting graders"),
        (Wish(changes={"grader": "taste"}), SpecError, "grader"),
        (Wish(changes={"grader": "judge"}), SpecError, "name the model that judges as `grader_model`"),
    ],
)
def test_what_cannot_be_done_is_said(ran, tmp_path, wish, error, message):
    store = ran(Lines("2"), tasks=numbers(tmp_path))
    with pytest.raises(error, match=message):
        regrade.regrade(store, "run", wish)
    with pytest.raises(InputError, match="no run called 'other'"):
        regrade.regrade(store, "other", Wish())


def test_the_command_says_what_changed(tmp_path, monkeypatch, capsys):
    from fourdials.cli import main

    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path / "home"))
    plain = data(tasks=numbers(tmp_path))
    experiment = spec.parse(plain)
    name = new_id(experiment)
    play(tmp_path / "home" / "runs" / "run", replace(experiment, spec=plain), Lines("2.0"))
    assert name.startswith("old-")
    for arguments, code in ((["run", "--grader", "number"], 0), (["run", "--set", "nonsense"], 1)):
        monkeypatch.setattr(sys, "argv", ["fourdials", "regrade", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0) == code
    out = capsys.readouterr()
    assert "2 of 4 answers are graded otherwise now, 0 calls were made for it" in out.out
    assert "written NAME=VALUE" in out.err


def test_an_answer_that_a_cap_left_unjudged_is_read_again_too(ran, tmp_path):
    arms = [{"strategy": "best_of_n", "levels": [1, 2]}]
    what = data(tasks=numbers(tmp_path), arms=arms, trial_budget={"calls": 1})
    store = ran(Lines("2"), what)
    assert [(answer, score) for _, answer, score, _ in graded(store)] == [("2", 1.0), ("2", 0.0)]
    found = regrade.regrade(store, "run", Wish(reread=True))
    assert (found.checked, found.changed, found.unread) == (2, 0, 0)
