"""What every allocator promises, checked for each discovered one."""

import random
from dataclasses import replace

import pytest

from fourdials import plan, plugins, replay
from fourdials.allotment import Allotment
from fourdials.replay import Policy
from fourdials.store import Store
from tests.scripted import Script, arm, capped, experiment, journaled, model, play

NAMES = list(plugins.allocators())
LIVE = [name for name, found in plugins.allocators().items() if found.grades != "hindsight"]
KNOBS = {"uniform": {"order": "levels"}}  # in the order that divides a budget
ARMS = ("majority_vote", "best_of_n")


def settings(name, **more):
    """An experiment with an allocator: every sample is a request of its own, so that pieces draw the same samples."""
    made = plugins.allocators()[name].Knobs(**{**KNOBS.get(name, {}), **more.pop("knobs", {})}).model_dump()
    arms = [arm(strategy, levels=(1, 2, 4, 8)) for strategy in ARMS]
    return experiment(arms, problems=10, model=model(samples=1), allocator=name, allocation=made, **more)


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    """Every trial of the same experiment, recorded to its largest level."""
    home = tmp_path_factory.mktemp("home")
    play(home / "runs" / "run", replace(settings("uniform"), allocation={"order": "blocks"}), Script(right=0.6))
    store = Store(home, recorded=home / "none")
    store.ingest()
    yield replay.recorded(store, ["run"], "calls")
    store.close()


def policy(name):
    return Policy(name, name, KNOBS.get(name, {}))


def driven(trials, name, budget, seed):
    """Grants in the order given, trials ending in a random order while others run; levels and spend by trial."""
    rng = random.Random(seed)
    found = plugins.allocators()[name]
    truth = {t.row["trial_id"]: t.stops() for t in trials} if found.grades == "hindsight" else None
    knobs = found.Knobs(**KNOBS.get(name, {})).model_dump()
    allotment = Allotment(name, knobs, [t.view() for t in trials], budget, truth)
    places = {t.row["trial_id"]: replay.Place(t) for t in trials}
    running, ended, granted = {}, set(), {}
    while True:
        for grant in allotment.grants(rng.randint(1, 7)):
            assert grant.trial_id not in running, "granted while it runs"
            assert grant.trial_id not in ended, "granted after its end"
            assert grant.up_to in places[grant.trial_id].trial.levels
            assert grant.up_to > granted.get(grant.trial_id, 0), "granted nothing further"
            running[grant.trial_id] = granted[grant.trial_id] = grant.up_to
        if not running:
            return {name: (granted.get(name), place.spent) for name, place in places.items()}
        trial_id = rng.choice(sorted(running))
        seen, stopped = places[trial_id].advance(running.pop(trial_id))
        ended |= {trial_id} if stopped else set()
        allotment.observe(trial_id, seen, places[trial_id].spent, stopped, places[trial_id].score)


@pytest.mark.parametrize("name", NAMES)
def test_who_answers_first_changes_nothing_and_every_grant_leads_further(trials, name):
    first = driven(trials, name, 60, 0)
    assert driven(trials, name, 60, 1) == first
    assert any(level for level, _ in first.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", [1, 7, 60, 100_000, None])
def test_a_replay_ends_and_keeps_to_its_budget_but_for_the_grants_in_flight(trials, name, budget):
    frame = replay.replay(trials, policy(name), budget)
    assert frame.height == len(trials)
    largest = max(trial.cost(0, 8) for trial in trials)
    assert frame["spent"].sum() <= (budget if budget is not None else 1e9) + largest * len(ARMS)
    if budget == 60:
        assert frame["spent"].sum() <= 60


@pytest.mark.parametrize("name", NAMES)
def test_an_allocator_never_sees_a_grade_but_those_it_declares(trials, name):
    found = plugins.allocators()[name]
    before = replay.replay(trials, policy(name), 90)
    hidden = before.filter(~before["aside"])["trial_id"].to_list() if found.grades == "calibration" else None
    flipped = [
        replace(t, scores=[1 - s for s in t.scores]) if hidden is None or t.row["trial_id"] in hidden else t
        for t in trials
    ]
    after = replay.replay(flipped, policy(name), 90)
    same = after.select("level", "spent").equals(before.select("level", "spent"))
    assert same == (found.grades != "hindsight")


@pytest.mark.parametrize("name", LIVE)
def test_no_call_is_begun_once_the_budget_is_spent_and_every_trial_ends(tmp_path, name):
    class Counting(Script):
        settled = 0

        async def send(self, request, record):
            begun_at.append(self.settled)
            attempt = await super().send(request, record)
            self.settled += request.n
            return attempt

    begun_at = []
    what = settings(name, budget=capped(calls=50), concurrency=4)
    assert play(tmp_path, what, Counting(delay=0.001)) == "finished"
    assert max(begun_at) < 50
    ended = {t["trial_id"]: t for t in journaled(tmp_path, "trial")}
    assert ended.keys() == {t.trial_id for t in plan.trials(what, "run", plan.blocks(what, plan.problems(what)))}
    assert {t["stop_reason"] for t in ended.values()} <= {"stopped", "max_level", "finished", "capped"}
    assert any(t["stop_reason"] == "stopped" and t["score"] is not None for t in ended.values())


@pytest.mark.parametrize("name", LIVE)
def test_a_budget_too_small_ends_the_run_with_what_it_paid_for(tmp_path, name):
    assert play(tmp_path, settings(name, budget=capped(calls=1)), Script()) == "finished"
    assert len(journaled(tmp_path, "trial")) == 20
    in_one_round = 16 if name == "successive_halving" else 4  # it asks whole trials, others a level at a time
    assert 1 <= len(journaled(tmp_path, "calls")) <= in_one_round


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("stop_after", [1, 6])
def test_a_divided_run_stopped_and_resumed_equals_one_never_stopped(tmp_path, name, stop_after):
    def ends(folder):
        last = {t["trial_id"]: t for t in journaled(folder, "trial")}
        return {key: (t["level"], t["answer"], t["calls"], t["stop_reason"]) for key, t in last.items()}

    what = settings(name, budget=capped(calls=90), concurrency=3)
    play(tmp_path / "whole", what, Script(delay=0.001))
    status = play(tmp_path / "parts", what, Script(delay=0.001), stop_after=stop_after)
    if status == "stopped":
        assert play(tmp_path / "parts", what, Script(delay=0.001)) == "finished"
    assert ends(tmp_path / "parts") == ends(tmp_path / "whole")
    ids = [c["call_id"] for c in journaled(tmp_path / "parts", "calls")]
    assert len(ids) == len(set(ids)), "nothing is asked twice"


@pytest.mark.parametrize("name", LIVE)
@pytest.mark.parametrize("concurrency", [1, 5])
def test_a_live_run_and_the_replay_of_a_full_one_agree_exactly(tmp_path, trials, name, concurrency):
    what = settings(name, budget=capped(calls=90), concurrency=concurrency)
    play(tmp_path, what, Script(right=0.6, delay=0.001))
    live = {t["trial_id"]: (t["level"], t["calls"], t["score"], t["answer"]) for t in journaled(tmp_path, "trial")}
    frame = replay.replay(trials, policy(name), 90)
    answers = {t.row["trial_id"]: {c.level: c.answer for c in t.checkpoints} for t in trials}
    replayed = {
        row["trial_id"]: (row["level"], row["spent"], row["score"], answers[row["trial_id"]].get(row["level"]))
        for row in frame.to_dicts()
    }
    assert replayed == live
    assert len({level for level, *_ in live.values()}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_an_allocator_says_what_it_does_where_it_is_from_and_what_its_knobs_mean(name):
    found = plugins.allocators()[name]
    assert found.summary.endswith(".")
    assert found.source
    assert all(field.description for field in found.Knobs.model_fields.values())
