"""What every strategy promises, checked for each discovered one on each task and prompt format it fits."""

import itertools
import os
from dataclasses import fields, replace

import pytest

from fourdials import plugins
from tests.scripted import Script, arm, experiment, journaled, play


def fitting(name, format):
    """The tasks a strategy is tried on: some of those it fits, others for the next strategy, so that every task has its
    turn. All of them with FOURDIALS_CONTRACT=all, which takes a few minutes more."""
    plan = plugins.strategies()[name]
    tasks = {task: module for task, module in plugins.tasks().items() if task != "reasoning_gym"}
    found = [task for task, module in tasks.items() if plugins.misfit(plan, module, format) is None]
    start = list(plugins.strategies()).index(name) * TASKS_EACH % max(len(found), 1)
    return (
        found
        if os.environ.get("FOURDIALS_CONTRACT") == "all"
        else (found * 2)[start : start + TASKS_EACH][: len(found)]
    )


TASKS_EACH = 2
FITS = [
    (name, task, format)
    for name in plugins.strategies()
    for format in ("chat", "completion")
    for task in fitting(name, format)
]
UNITS = ("calls", "prompt_tokens", "completion_tokens")
POISON = "86753090817"  # a number, since some tasks read their reference as one


def spend_at(calls, level):
    """The spend of stopping at a level, computed from the definition alone; of a shared call, a question's part."""
    counted = [c for c in calls if c["error"] is None and (c["level"] == level if c["probe"] else c["level"] <= level)]
    part = {c["call_id"]: c["shared"] or 1 for c in counted}
    return {unit: sum(c[unit] / part[c["call_id"]] for c in counted) for unit in UNITS[1:]} | {
        "calls": sum((c["segment"] == 0) / part[c["call_id"]] for c in counted)
    }


@pytest.fixture(scope="module", params=FITS, ids="-".join)
def played(request, tmp_path_factory):
    """One run of three problems to the strategy's default levels, and its journal."""
    name, task, format = request.param
    folder = tmp_path_factory.mktemp("run")
    what = experiment([arm(name, format)], task=task)
    status = play(folder, what, Script(right=0.8))
    return name, task, format, folder, what, status


def test_a_trial_ends_without_a_failure(played):
    *_, folder, _what, status = played
    assert status == "finished"
    trials = journaled(folder, "trial")
    assert trials
    assert [t["error"] for t in trials] == [None] * len(trials)
    assert {t["stop_reason"] for t in trials} <= {"finished", "max_level"}


def test_levels_increase_and_each_spends_something_besides_its_probes(played):
    _name, *_, folder, _what, _ = played
    for trial in journaled(folder, "trial"):
        calls = [c for c in journaled(folder, "calls") if c["trial_id"] == trial["trial_id"]]
        levels = [c["level"] for c in journaled(folder, "checkpoint") if c["trial_id"] == trial["trial_id"]]
        assert levels == sorted(set(levels))
        assert levels
        # A thought that ended by itself needs no forced answer: with its probe a lower level may cost more.
        lasting = [call for call in calls if not call["probe"]]
        for low, high in itertools.pairwise(spend_at(lasting, level) for level in levels):
            assert all(low[unit] <= high[unit] for unit in UNITS)
            assert low != high, "a level that spends nothing is no level"


def test_the_calls_of_a_trial_are_its_bill(played):
    *_, folder, _what, _ = played
    for trial in journaled(folder, "trial"):
        calls = [c for c in journaled(folder, "calls") if c["trial_id"] == trial["trial_id"] and c["error"] is None]
        assert trial["calls"] == sum(c["segment"] == 0 for c in calls) > 0
        assert trial["prompt_tokens"] == sum(c["prompt_tokens"] for c in calls)
        assert trial["completion_tokens"] == sum(c["completion_tokens"] for c in calls)


def test_a_short_deployment_equals_the_prefix_of_a_long_one(played, tmp_path):
    name, _task, _format, folder, what, _ = played
    plan = plugins.strategies()[name]
    if not plan.nested or len(plan.levels) < 2:
        pytest.skip("has a single level, or one trial for each")
    levels = plan.levels[:2]
    short = replace(what, arms=(replace(what.arms[0], levels=levels),))
    play(tmp_path, short, Script(right=0.8))
    long_answers = {(c["trial_id"], c["level"]): c["answer"] for c in journaled(folder, "checkpoint")}
    for checkpoint in journaled(tmp_path, "checkpoint"):
        key = checkpoint["trial_id"], checkpoint["level"]
        assert long_answers[key] == checkpoint["answer"]
        spends = [
            spend_at([c for c in journaled(place, "calls") if c["trial_id"] == key[0]], key[1])
            for place in (folder, tmp_path)
        ]
        assert spends[0] == spends[1]


def test_a_replayed_run_asks_nothing_and_writes_the_same_rows(played, tmp_path):
    *_, folder, what, _ = played
    kinds = ("trial", "checkpoint", "step")
    for path in sorted(folder.glob("journal-*.jsonl")):  # forget what trials came to, keep every call
        forgotten = tuple(f'{{"k":"{kind}"' for kind in kinds)
        kept = [line for line in path.read_text().splitlines() if not line.startswith(forgotten)]
        (tmp_path / path.name).write_text("\n".join(kept) + "\n")
    script = Script(right=0.0)
    play(tmp_path, what, script)
    assert script.requests == []
    for kind in kinds:
        before, after = (rows_of(place, kind) for place in (folder, tmp_path))
        assert before == after


def rows_of(folder, kind):
    """The lines of a kind by trial, in the order written, without the times at which they were."""
    timed = {"started_at", "finished_at", "wall_s", "at", "k"}
    found = {}
    for line in journaled(folder, kind):
        found.setdefault(line["trial_id"], []).append({k: v for k, v in line.items() if k not in timed})
    return found


def test_a_capped_trial_stops_with_its_last_answer_and_says_so(played, tmp_path):
    _name, _task, _format, folder, what, _ = played
    trial = journaled(folder, "trial")[0]
    whole = trial["prompt_tokens"] + trial["completion_tokens"]
    tight = replace(what, trial_budget=replace(what.trial_budget, total_tokens=max(1, whole // 2)))
    play(tmp_path, tight, Script(right=0.8))
    [ended] = [t for t in journaled(tmp_path, "trial") if t["trial_id"] == trial["trial_id"]]
    reached = [c for c in journaled(tmp_path, "checkpoint") if c["trial_id"] == trial["trial_id"]]
    assert ended["stop_reason"] == "capped"
    assert ended["answer"] == (reached[-1]["answer"] if reached else None)
    assert ended["outcome"] not in ("infra_error", "grader_error")


def test_the_question_a_strategy_sees_holds_no_reference(played):
    name, task, format, _, _what, _ = played
    module = plugins.tasks()[task]
    plan = plugins.strategies()[name]
    problem = module.problems(module.Params(), 1, 5)[0]
    poisoned = replace(problem, reference="POISON", truths={"answer": "POISON"}, world={"POISON": "POISON"})
    seen, clean = (module.question(p, plan.access, format) for p in (poisoned, problem))
    for field in fields(plugins.Question):
        if field.name != "steps":
            assert getattr(seen, field.name) == getattr(clean, field.name)
    assert "POISON" not in repr(seen)


def test_no_prompt_that_a_strategy_sends_holds_the_reference(played, tmp_path, monkeypatch):
    _name, task, _format, _, what, _ = played
    module = plugins.tasks()[task]
    drawn = module.problems

    def poisoned(*given):
        return [
            # the days of a pair are looked up on the record to say what its evidence is
            p if p.data.get("kind") == "pair" else replace(p, reference=POISON, truths=dict.fromkeys(p.truths, POISON))
            for p in drawn(*given)
        ]

    monkeypatch.setattr(module, "problems", poisoned)
    script = Script(right=0.0)
    play(tmp_path, what, script)
    assert script.requests
    for request in script.requests:
        assert POISON not in request.prompt.shown
        assert POISON not in repr(request.prompt.choices)


@pytest.mark.parametrize("name", plugins.strategies())
def test_a_strategy_says_what_it_spends_and_when_it_loses(name):
    plan = plugins.strategies()[name]
    assert plan.summary.endswith(".")
    assert "Spends" in plan.doc or "spends" in plan.doc or "pays" in plan.doc
    assert "oses" in plan.doc or "do not" in plan.doc
    assert plan.source
    assert list(plan.levels) == sorted(set(plan.levels))
    for knob, field in plan.Knobs.model_fields.items():
        assert field.description, knob
