"""The engine: replay, resume, budgets, outcomes, fork and batch accounting."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from fourdials import plan, plugins
from fourdials.errors import AuthenticationFailed, Unreachable
from fourdials.journal import History, journals, lines
from fourdials.records import Checkpoint, Limits, TaskChoice
from tests.scripted import Script, arm, capped, experiment, journaled, model, play

TIMES = {"started_at", "finished_at", "wall_s", "latency_s", "queued_s", "at", "created_at"}
DIALS = ["single", "majority_vote", "best_of_n", "stepwise", "retrieve", "act", "chain_of_thought", "self_refine"]


def outcome(folder):
    """The final rows of a run, times and order of issue apart, each once."""
    trials = {t["trial_id"]: {k: v for k, v in t.items() if k not in TIMES} for t in journaled(folder, "trial")}
    calls = {
        c["call_id"]: {k: v for k, v in c.items() if k not in TIMES | {"seq", "request_id"}}
        for c in journaled(folder, "calls")
    }
    checkpoints = {
        (c["trial_id"], c["seq"]): {k: v for k, v in c.items() if k not in TIMES}
        for c in journaled(folder, "checkpoint")
    }
    return trials, calls, checkpoints


@pytest.mark.parametrize("stop_after", [1, 5, 11])
def test_a_run_stopped_anywhere_and_resumed_equals_one_never_stopped(tmp_path, stop_after):
    what = experiment([arm(name) for name in DIALS], concurrency=3)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    play(whole, what, Script(delay=0.001))
    script = Script(delay=0.001)
    assert play(parts, what, script, stop_after=stop_after) == "stopped"
    asked_before = len(script.requests)
    assert play(parts, what, script) == "finished"
    assert outcome(parts) == outcome(whole)
    assert asked_before > 0


def test_a_torn_last_line_is_asked_again_and_nothing_else_is(tmp_path):
    what = experiment([arm("stepwise")], concurrency=1)
    play(tmp_path, what, Script())
    [path] = journals(tmp_path)
    raw = path.read_bytes().splitlines(keepends=True)
    last_call = max(i for i, line in enumerate(raw) if line.startswith(b'{"k":"calls"'))
    path.write_bytes(b"".join(raw[:last_call]) + raw[last_call][:40])
    script = Script()
    play(tmp_path, what, script)
    assert len(script.requests) == 1


def test_repeats_are_distinct_samples(tmp_path):
    what = experiment([arm("majority_vote", levels=(8,))], repeats=3, model=model(samples=1))
    script = Script()
    play(tmp_path, what, script)
    seeds = [request.seed for request in script.requests]
    assert len(seeds) == len(set(seeds))
    assert len({c["call_id"] for c in journaled(tmp_path, "calls")}) == 3 * 3 * 8


def test_samples_of_one_prompt_go_out_together_and_pay_the_prompt_once(tmp_path):
    what = experiment([arm("majority_vote", levels=(6,))], problems=1, model=model(samples=4))
    script = Script()
    play(tmp_path, what, script)
    assert [request.n for request in script.requests] == [4, 2]
    calls = sorted(journaled(tmp_path, "calls"), key=lambda c: c["idx"])
    assert [c["prompt_tokens"] > 0 for c in calls] == [True, False, False, False, True, False]
    assert [c["level"] for c in calls] == [1, 2, 3, 4, 5, 6]
    assert all(c["parents"] == [] for c in calls)


def test_a_changed_prompt_stops_the_trial_as_diverged_instead_of_serving_a_stale_reply(tmp_path):
    what = experiment([arm("self_refine")], problems=1)
    play(tmp_path, what, Script(), stop_after=None)
    for path in journals(tmp_path):
        kept = [line for line in path.read_text().splitlines() if not line.startswith('{"k":"trial"')]
        path.write_text("\n".join(kept) + "\n")
    edited = replace(what, arms=(replace(what.arms[0], knobs={**what.arms[0].knobs, "critique_tokens": 50}),))
    play(tmp_path, edited, Script())
    [trial] = journaled(tmp_path, "trial")
    assert trial["stop_reason"] == "diverged"
    assert trial["score"] is None
    assert "run --again" in trial["error"]["message"]


def test_an_infrastructure_error_is_never_a_wrong_answer_and_can_be_retried(tmp_path):
    broken = True

    def fail(request):
        if broken:
            raise Unreachable("no route to the model")

    what = experiment([arm("single"), arm("stepwise")], problems=2)
    assert play(tmp_path, what, Script(fail=fail)) == "failed"
    assert "--retry-errors" in journaled(tmp_path, "status")[-1]["detail"]
    trials = journaled(tmp_path, "trial")
    assert {t["outcome"] for t in trials} == {"infra_error"}
    assert {t["score"] for t in trials} == {None}
    assert all(t["failed_attempts"] == 1 for t in trials)
    assert play(tmp_path, what, Script()) == "finished"
    assert len(journaled(tmp_path, "trial")) == len(trials), "a plain resume leaves ended trials alone"
    broken = False
    play(tmp_path, what, Script(right=1.0, fail=fail), retry_errors=True)
    last = {t["trial_id"]: t for t in journaled(tmp_path, "trial")}
    assert {t["outcome"] for t in last.values()} == {"correct"}


def test_refused_keys_in_a_row_stop_the_run(tmp_path):
    def fail(request):
        raise AuthenticationFailed("the provider refused the key in SOME_KEY")

    what = experiment([arm("single")], problems=40, concurrency=1)
    assert play(tmp_path, what, Script(fail=fail)) == "failed"
    assert len(journaled(tmp_path, "trial")) == 3
    assert "refused keys in a row" in journaled(tmp_path, "status")[-1]["detail"]


def test_a_fault_in_a_plug_in_is_recorded_with_its_boundary(tmp_path):
    class Broken(Script):
        async def send(self, request, record):
            raise ZeroDivisionError("a bug")

    play(tmp_path, experiment([arm("single")], problems=1), Broken())
    [trial] = journaled(tmp_path, "trial")
    assert trial["error"].pop("message").startswith("a bug (line ")
    assert trial["error"] == {"type": "ZeroDivisionError", "boundary": "plug-in"}
    assert trial["outcome"] == "infra_error"


def test_an_experiment_budget_ends_the_run_and_a_larger_one_goes_on_without_asking_twice(tmp_path):
    what = experiment([arm("majority_vote", levels=(2, 4))], problems=8, concurrency=2, budget=capped(calls=13))
    first = Script()
    assert play(tmp_path, what, first) == "finished"
    assert "budget is spent" in journaled(tmp_path, "status")[-1]["detail"]
    assert sum(request.n for request in first.requests) <= 13
    second = Script()
    play(tmp_path, replace(what, budget=Limits()), second, retry_capped=True)
    ids = [c["call_id"] for c in journaled(tmp_path, "calls")]
    assert len(ids) == len(set(ids)) == 8 * 4


def test_the_budget_is_split_by_share_over_the_trials_of_an_arm():
    arms = [arm("single", share=0.25), arm("majority_vote", share=0.75)]
    what = experiment(arms, problems=5, repeats=2, budget=capped(total_tokens=10_000))
    found = plan.problems(what)
    trials = list(plan.trials(what, "x", plan.blocks(what, found)))
    caps = {t.arm.name: t.limits.total_tokens for t in trials}
    assert caps == {"single": 250, "majority_vote": 750}


def test_caps_are_drawn_by_the_seed_evenly_on_a_log_scale_and_the_same_in_every_run_of_a_file():
    arms = [arm("single"), arm("majority_vote")]
    what = experiment(arms, problems=100, repeats=2, trial_budget=capped(total_tokens=2000), random_cap=(200, 2000))
    order = plan.blocks(what, plan.problems(what))
    trials = list(plan.trials(what, "x", order))
    caps = [trial.cap_tokens for trial in trials]
    assert caps == [trial.limits.total_tokens for trial in trials]
    assert caps == [trial.cap_tokens for trial in plan.trials(what, "another-run", order)]
    assert caps != [trial.cap_tokens for trial in plan.trials(replace(what, seed=what.seed + 1), "x", order)]
    assert 200 <= min(caps) < 210
    assert 1900 < max(caps) <= 2000
    below = sum(cap < 632 for cap in caps) / len(caps)  # √(200 · 2000) = 632.5 halves the range on a log scale
    assert 0.42 < below < 0.58
    assert len({trial.cap_tokens for trial in trials if trial.block == 0}) == 2


def test_a_drawn_cap_is_no_larger_than_the_trials_part_of_the_budget():
    arms = [arm("single", share=0.5), arm("majority_vote", share=0.5)]
    budget = capped(total_tokens=10_000)
    what = experiment(arms, problems=10, budget=budget, trial_budget=capped(total_tokens=900), random_cap=(100, 900))
    caps = [trial.cap_tokens for trial in plan.trials(what, "x", plan.blocks(what, plan.problems(what)))]
    assert max(caps) == 500
    assert min(caps) < 500


def test_without_a_range_no_cap_counts_as_drawn():
    what = experiment([arm("single")], problems=2, trial_budget=capped(total_tokens=900))
    [first, _] = plan.trials(what, "x", plan.blocks(what, plan.problems(what)))
    assert (first.cap_tokens, first.limits.total_tokens) == (None, 900)


@pytest.mark.parametrize("stop_after", [2, 5])
def test_a_run_with_drawn_caps_stopped_and_resumed_equals_one_never_stopped(tmp_path, stop_after):
    arms = [arm("majority_vote", levels=(1, 2, 4, 8)), arm("stepwise")]
    drawn = {"trial_budget": capped(total_tokens=1500), "random_cap": (100, 1500)}
    what = experiment(arms, problems=6, concurrency=2, **drawn)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    play(whole, what, Script(delay=0.001))
    play(parts, what, Script(delay=0.001), stop_after=stop_after)
    play(parts, what, Script(delay=0.001))
    assert outcome(parts) == outcome(whole)
    trials = journaled(whole, "trial")
    assert {"capped"} < {trial["stop_reason"] for trial in trials}, "some caps bite, some do not"
    for trial in trials:
        assert trial["prompt_tokens"] + trial["completion_tokens"] <= trial["cap_tokens"]


def test_blocks_are_complete_and_in_random_order():
    what = experiment([arm("single"), arm("stepwise")], problems=9, repeats=2)
    trials = list(plan.trials(what, "x", plan.blocks(what, plan.problems(what))))
    by_block = [list(group) for _, group in itertools.groupby(trials, key=lambda t: t.block)]
    assert [[t.arm.name for t in group] for group in by_block] == [["single", "stepwise"]] * 18
    problems = [group[0].problem.problem_id for group in by_block]
    assert problems != sorted(problems)
    again = [t.trial_id for t in plan.trials(what, "x", plan.blocks(what, plan.problems(what)))]
    assert again == [t.trial_id for t in trials]


def test_a_thought_is_generated_once_and_its_levels_pay_their_tokens_and_probe(tmp_path):
    what = experiment([arm("chain_of_thought", "chat", levels=(2, 4, 64))], problems=1)
    play(tmp_path, what, Script(right=1.0))
    calls = sorted(journaled(tmp_path, "calls"), key=lambda c: (c["idx"], c["segment"]))
    thought = [c for c in calls if c["idx"] == 0]
    probes = [c for c in calls if c["probe"]]
    assert [(c["level"], c["completion_tokens"]) for c in thought][:2] == [(2, 2), (4, 2)]
    assert [c["prompt_tokens"] > 0 for c in thought] == [True] + [False] * (len(thought) - 1)
    assert [c["level"] for c in probes] == [2, 4]
    assert [p["parents"] for p in probes] == [[thought[0]["call_id"]], [thought[1]["call_id"]]]
    assert probes[0]["modelled_path_s"] < probes[1]["modelled_path_s"]


def test_verifier_calls_wait_for_their_own_candidate_only(tmp_path):
    what = experiment([arm("best_of_n", levels=(2,))], problems=1)
    play(tmp_path, what, Script(right=1.0))
    calls = journaled(tmp_path, "calls")
    samples = {c["level"]: c["call_id"] for c in calls if c["role"] == "solve"}
    for call in calls:
        if call["role"] == "verify":
            assert call["parents"] == [samples[call["level"]]]
            assert call["path"] == f"/verify-{call['level']}"


def test_history_knows_what_ended_and_what_was_said(tmp_path):
    what = experiment([arm("single")], problems=2)
    play(tmp_path, what, Script())
    history = History(tmp_path)
    assert history.status == "finished"
    assert len(history.ended) == 2
    assert history.header is not None
    assert history.header["planned_trials"] == 2


def test_an_arm_says_which_tasks_it_runs_on(tmp_path):
    gym = TaskChoice("reasoning_gym", {"generator": "chain_sum"}, 2)
    what = experiment([arm("single"), arm("act")], problems=2)
    play(tmp_path, replace(what, tasks=(*what.tasks, gym)), Script())
    arms = {line["arm"]: line["tasks"] for line in journaled(tmp_path, "arm")}
    assert arms == {"single": ["wikiworld", "reasoning_gym"], "act": ["wikiworld"]}
    assert len(journaled(tmp_path, "trial")) == 2 * 2 + 2


@pytest.mark.parametrize("size", [1, 4, 16])
def test_a_batch_that_the_budget_cannot_pay_as_a_whole_is_paid_as_far_as_it_goes(tmp_path, size):
    arms = [arm("majority_vote", levels=(1, 2, 4, 8, 16))]
    what = experiment(arms, problems=1, model=model(samples=size), trial_budget=capped(calls=10))
    play(tmp_path, what, Script())
    [trial] = journaled(tmp_path, "trial")
    assert (trial["stop_reason"], trial["level"], trial["calls"]) == ("capped", 10, 10)
    assert [c["level"] for c in journaled(tmp_path, "checkpoint")] == list(range(1, 11))
    play(tmp_path, replace(what, trial_budget=Limits()), Script(), retry_capped=True)
    assert journaled(tmp_path, "trial")[-1]["level"] == 16
    assert sorted(c["idx"] for c in journaled(tmp_path, "calls")) == list(range(16))


def test_candidates_judged_before_the_budget_ended_count(tmp_path):
    what = experiment([arm("best_of_n")], problems=1, trial_budget=capped(calls=5))
    play(tmp_path, what, Script(right=1.0))
    [trial] = journaled(tmp_path, "trial")
    assert (trial["stop_reason"], trial["level"], trial["outcome"]) == ("capped", 2, "correct")


def test_calls_in_flight_when_another_fails_are_on_the_bill(tmp_path):
    class FirstFails(Script):
        async def send(self, request, record):
            if request.seed == min(seeds):
                raise Unreachable("no route to the model")
            await asyncio.sleep(0.02)
            return await super().send(request, record)

    what = experiment([arm("majority_vote", levels=(8,)), arm("best_of_n", levels=(4,))], model=model(samples=1))
    rehearsal = Script()
    play(tmp_path / "rehearsal", what, rehearsal)
    seeds = [request.seed for request in rehearsal.requests if request.role == "solve"]
    play(tmp_path / "run", what, FirstFails())
    trials, calls = journaled(tmp_path / "run", "trial"), journaled(tmp_path / "run", "calls")
    assert sum(trial["outcome"] == "infra_error" for trial in trials) == 1
    for trial in trials:
        assert trial["calls"] == sum(call["trial_id"] == trial["trial_id"] for call in calls)


def test_a_strategy_that_leaves_branches_running_pays_for_them_before_its_trial_ends(tmp_path, monkeypatch):
    async def hasty(question, ask):
        yield Checkpoint(0)
        slow, broken = ask.fork("slow"), ask.fork("broken")

        async def fail():
            await asyncio.sleep(0)
            raise ZeroDivisionError("a bug")

        async def twice():
            await slow(question.answer, role="solve", level=1)
            await slow(question.answer, role="solve", level=1)

        await asyncio.gather(twice(), fail())
        assert broken

    hasty_single = replace(plugins.strategies()["single"], play=hasty)
    monkeypatch.setitem(plugins.strategies(), "single", hasty_single)
    play(tmp_path, experiment([arm("single")], problems=1), Script(delay=0.01))
    assert [line["k"] for line in lines(journals(tmp_path)[0]) if line["k"] in ("calls", "trial")] == ["calls", "trial"]
    assert journaled(tmp_path, "trial")[0]["calls"] == 1


def test_failed_attempts_of_every_start_keep_ids_of_their_own(tmp_path):
    def fail(request):
        raise Unreachable("no route to the model")

    what = experiment([arm("single")], problems=1)
    play(tmp_path, what, Script(fail=fail))
    play(tmp_path, what, Script(fail=fail), retry_errors=True)
    assert len({c["call_id"] for c in journaled(tmp_path, "calls")}) == 2
    assert journaled(tmp_path, "trial")[-1]["failed_attempts"] == 2


def test_trials_taken_up_again_find_no_room_that_was_spent_before(tmp_path):
    broken = True

    def fail(request):
        if broken and request.role == "revise":
            raise Unreachable("no route to the model")

    what = experiment([arm("self_refine")], problems=10, concurrency=1, budget=capped(calls=20))
    play(tmp_path, what, Script(fail=fail))
    broken = False
    play(tmp_path, what, Script(fail=fail), retry_errors=True)
    assert sum(c["error"] is None for c in journaled(tmp_path, "calls")) <= 20


def test_a_stop_ends_the_run_even_if_a_library_swallows_the_cancellation(tmp_path):
    class Swallowing(Script):
        async def send(self, request, record):
            if len(self.requests) < 3:
                return await super().send(request, record)
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                raise ValueError("not in deque") from None

    what = experiment([arm("single")], problems=9, concurrency=3)
    assert play(tmp_path, what, Swallowing(), stop_after=3) == "stopped"
    assert [t["outcome"] for t in journaled(tmp_path, "trial") if t["outcome"] == "infra_error"] == []
    assert play(tmp_path, what, Script()) == "finished"
    assert len({t["trial_id"] for t in journaled(tmp_path, "trial")}) == 9


def test_branches_side_by_side_draw_different_random_numbers(tmp_path, monkeypatch):
    drawn = []

    async def drawing(question, ask):
        yield Checkpoint(0)
        drawn.append([branch.rng.random() for branch in (ask, ask.fork("a"), ask.fork("b"))])
        yield Checkpoint(1, "x", final=True)

    monkeypatch.setitem(plugins.strategies(), "single", replace(plugins.strategies()["single"], play=drawing))
    what = experiment([arm("single")], problems=1)
    play(tmp_path / "one", what, Script())
    play(tmp_path / "two", what, Script())
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 3


def test_a_run_whose_calls_all_fail_stops_early_and_says_why(tmp_path):
    def fail(request):
        raise Unreachable("nobody there")

    what = experiment([arm("single")], problems=60, concurrency=2)
    assert play(tmp_path, what, Script(fail=fail)) == "failed"
    assert 10 <= len(journaled(tmp_path, "trial")) < 15
    assert "failed trials in a row: nobody there" in journaled(tmp_path, "status")[-1]["detail"]


def test_a_budget_too_small_for_one_call_is_said_to_be(tmp_path):
    arms = [arm("single", share=0.5), arm("stepwise", share=0.5)]
    play(tmp_path, experiment(arms, problems=4, budget=capped(total_tokens=10)), Script())
    assert "too small for a single call" in journaled(tmp_path, "status")[-1]["detail"]
    assert journaled(tmp_path, "calls") == []
