"""Replays against stops and costs worked out by hand, and against runs that happened."""

from dataclasses import replace

import pytest

from fourdials import replay
from fourdials.courses import Courses
from fourdials.errors import InputError, SpecError
from fourdials.replay import UNIFORM, Policy
from fourdials.spec import parse
from fourdials.store import Store
from tests.recordings import trial
from tests.scripted import Script, arm, capped, experiment, journaled, model, play
from tests.test_cli import TINY


def votes(**counts):
    return {"votes": counts}


EASY = [(1, "x", 1.0, votes(x=1)), (2, "x", 1.0, votes(x=2)), (4, "x", 1.0, votes(x=4))]
SPLIT = [(1, "y", 0.0, votes(y=1)), (2, "y", 0.0, votes(y=1, x=1)), (4, "x", 1.0, votes(x=3, y=1))]


def levels(frame):
    return frame["level"].to_list()


def test_uniform_takes_all_trials_up_together_as_far_as_the_budget_reaches():
    trials = [trial(i, EASY) for i in range(3)]
    frame = replay.replay(trials, UNIFORM, 80)
    assert levels(frame) == [4, 2, 2]
    assert frame["spent"].to_list() == [40.0, 20.0, 20.0]
    assert levels(replay.replay(trials, UNIFORM, None)) == [4, 4, 4]
    assert levels(replay.replay(trials, UNIFORM, 5)) == [1, 0, 0], "one goes ahead to learn what a level costs"


def test_what_adapts_gives_the_levels_to_the_trial_that_is_in_doubt():
    trials = [trial(0, EASY), trial(1, EASY), trial(2, SPLIT)]
    for name in ("greedy_marginal", "proportional"):
        frame = replay.replay(trials, Policy(name, name), 80)
        assert levels(frame) == [2, 2, 4], name
        assert frame["score"].to_list() == [1.0, 1.0, 1.0]
    assert replay.replay(trials, UNIFORM, 80)["score"].sum() == 2.0


def test_beta_stopping_stops_where_the_leader_is_sure_and_nowhere_else():
    trials = [trial(0, EASY), trial(1, SPLIT)]
    # 2 against 0 votes: P(Beta(3, 1) > 1/2) = 7/8; 1 against 0: 3/4; 1 against 1: 1/2.
    assert levels(replay.replay(trials, Policy("b", "beta_stopping", {"confidence": 0.87}), None)) == [2, 4]
    assert levels(replay.replay(trials, Policy("b", "beta_stopping", {"confidence": 0.7}), None)) == [1, 1]


def test_a_verifier_that_is_sure_ends_the_search_for_better_candidates():
    solved = [(level, "x", 1.0, {"verifier": 1.0}) for level in (1, 2, 4)]
    unsolved = [(level, "y", 0.0, {"verifier": 0.0}) for level in (1, 2, 4)]
    for name in ("greedy_marginal", "beta_stopping"):
        frame = replay.replay([trial(0, solved), trial(1, unsolved)], Policy(name, name), None)
        assert levels(frame)[1] == 4
        assert levels(frame)[0] == (2 if name == "greedy_marginal" else 1), "the pilot, or not even that"


def test_the_oracle_buys_the_cheapest_right_answers_and_starts_nothing_hopeless():
    hopeless = [(level, "y", 0.0) for level in (1, 2, 4)]
    trials = [trial(0, SPLIT), trial(1, hopeless), trial(2, EASY)]
    assert levels(replay.replay(trials, Policy("o", "oracle"), None)) == [4, 0, 1]
    assert levels(replay.replay(trials, Policy("o", "oracle"), 45)) == [0, 0, 1]
    assert levels(replay.replay(trials, Policy("o", "oracle"), 50)) == [4, 0, 1]


def test_no_policy_is_right_more_often_than_the_oracle_at_any_budget():
    trials = [trial(i, EASY if i % 3 else SPLIT) for i in range(12)]
    for budget in (50, 120, 200, 300, 480):
        best = replay.replay(trials, Policy("o", "oracle"), budget)["score"].sum()
        for policy in replay.POLICIES:
            assert replay.replay(trials, policy, budget)["score"].sum() <= best


def test_halving_calibrates_on_the_first_blocks_charges_them_and_serves_the_rest_with_the_better_arm():
    right, wrong = [(1, "x", 1.0)], [(1, "y", 0.0)]
    trials = []
    for block in range(12):
        trials += [trial(block, right, arm="good", levels=(1,)), trial(block, wrong, arm="bad", levels=(1,))]
    frame = replay.replay(trials, Policy("h", "successive_halving", {"calibration": 0.25}), None)
    granted = frame.filter(frame["level"] > 0)
    assert granted.filter(granted["arm"] == "bad").height == 3
    assert granted.filter(granted["arm"] == "good").height == 12
    judged = frame.filter(~frame["aside"])
    assert (judged["arm"].unique().to_list(), judged.height, judged["score"].mean()) == (["good"], 9, 1.0)
    assert frame["spent"].sum() == 15 * 10.0


def test_halving_prefers_what_the_rest_of_the_budget_can_serve():
    dear = [(1, "x", 1.0)]
    cheap = [[(1, "x", float(block % 4 != 0))] for block in range(16)]
    trials = []
    for block in range(16):
        trials.append(trial(block, dear, arm="dear", levels=(1,), price=100.0))
        trials.append(trial(block, cheap[block], arm="cheap", levels=(1,), price=1.0))
    rich = replay.replay(trials, Policy("h", "successive_halving"), None)
    poor = replay.replay(trials, Policy("h", "successive_halving"), 600)
    assert rich.filter(~rich["aside"])["arm"].unique().to_list() == ["dear"]
    assert poor.filter(~poor["aside"])["arm"].unique().to_list() == ["cheap"]


@pytest.mark.parametrize("level", [1, 2, 3, 4, 9])
def test_taking_all_to_one_level_is_what_the_uniform_allocator_does_when_told_that_level(level):
    trials = [
        trial(0, [(1, "x", 1.0), (2, "x", 1.0), (4, "y", 0.0)]),
        trial(1, [(1, "x", 0.0)], reason="finished"),  # ended on its way
        trial(2, []),  # no answer at all
        trial(3, [(2, "z", 1.0)], levels=(2,), nested=False, max_level=2),
        trial(4, [(0, "a", 0.0), (3, "b", 1.0)], levels=(0, 3), arm="b"),
    ]
    told = Policy("uniform", "uniform", {"order": "levels", "level": level})
    assert Courses(trials).taken(level).equals(replay.replay(trials, told, None))


def test_a_request_cut_in_two_is_paid_as_two():
    batch = replace(trial(0, EASY), requests=[([1, 2, 3, 4], [110.0, 10.0, 10.0, 10.0], [100.0, 0.0, 0.0, 0.0])])
    assert (batch.cost(0, 4), batch.cost(0, 2), batch.cost(2, 4)) == (140.0, 120.0, 120.0)
    thought = replace(trial(0, EASY), requests=[([1, 2, 4], [150.0, 50.0, 100.0], [150.0, 50.0, 100.0])])
    assert (thought.cost(0, 4), thought.cost(0, 2), thought.cost(2, 4)) == (300.0, 200.0, 300.0)


def test_a_trial_that_ended_by_itself_or_by_a_cap_ends_in_the_replay_too():
    finished = trial(0, EASY[:2], reason="finished")
    cut = trial(1, EASY[:2], reason="capped")
    cut.requests.append(([4], [10.0], [0.0]))  # paid on the way to a level it never reached
    frame = replay.replay([finished, cut], UNIFORM, None)
    assert frame["level"].to_list() == [2, 2]
    assert frame["spent"].to_list() == [20.0, 30.0]
    nothing = trial(2, [], reason="capped")
    assert replay.replay([nothing], UNIFORM, None)["outcome"].to_list() == ["unanswered"]
    assert replay.replay([], UNIFORM, 10).is_empty()


@pytest.mark.parametrize(("unit", "samples"), [("total_tokens", 4), ("total_tokens", 1), ("calls", 4)])
def test_what_a_replay_of_a_whole_run_spends_is_the_bill(tmp_path, unit, samples):
    arms = [arm(name, "chat") for name in ("majority_vote", "best_of_n", "chain_of_thought", "retrieve")]
    what = experiment(arms, problems=4)
    what = replace(what, models={k: replace(m, samples_per_request=samples) for k, m in what.models.items()})
    play(tmp_path / "runs" / "run", what, Script())
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    whole = replay.replay(replay.recorded(store, ["run"], unit), Policy("all", "uniform"), None)
    bills = store.frame("SELECT trial_id, calls, prompt_tokens + completion_tokens AS total_tokens FROM trials")
    store.close()
    assert dict(whole.select("trial_id", "spent").iter_rows()) == dict(bills.select("trial_id", unit).iter_rows())


def test_a_live_run_that_asks_in_pieces_pays_what_the_replay_says(tmp_path):
    """Samples in shared requests: other answers may be drawn, so the comparison is by level."""
    what = experiment([arm("majority_vote", levels=(1, 2, 4, 8))], problems=6, model=model(samples=8))
    play(tmp_path / "runs" / "run", what, Script(right=1.0))
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    trials = replay.recorded(store, ["run"])
    store.close()
    budget = int(0.7 * replay.replay(trials, UNIFORM, None)["spent"].sum())
    divided = replace(what, allocator="uniform", allocation={"order": "levels"}, budget=capped(total_tokens=budget))
    play(tmp_path / "live", divided, Script(right=1.0))
    ended = journaled(tmp_path / "live", "trial")
    live = {t["trial_id"]: (t["level"], t["prompt_tokens"] + t["completion_tokens"]) for t in ended}
    frame = replay.replay(trials, UNIFORM, budget)
    assert {row["trial_id"]: (row["level"], row["spent"]) for row in frame.to_dicts()} == live
    assert len({level for level, _ in live.values()}) == 2


def test_a_run_whose_trials_were_stopped_early_cannot_be_replayed(tmp_path):
    what = experiment([arm("majority_vote")], allocator="beta_stopping", allocation={"confidence": 0.9})
    what = replace(what, spec={"name": "s", "allocator": "beta_stopping"})
    play(tmp_path / "runs" / "run", what, Script())
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    with pytest.raises(InputError, match="stops trials early"):
        replay.recorded(store, ["run"])
    store.close()


def test_the_grades_an_allocator_was_shown_are_marked_in_the_trace(tmp_path):
    arms = [arm("single"), arm("majority_vote", levels=(1,))]
    what = experiment(arms, problems=8, allocator="successive_halving", allocation={"calibration": 0.25})
    play(tmp_path / "runs" / "run", what, Script())
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    marked = store.frame("SELECT trial_id FROM steps WHERE kind = 'calibration'")["trial_id"].to_list()
    blocks = store.frame("SELECT trial_id FROM trials WHERE block < 2")["trial_id"].to_list()
    store.close()
    assert sorted(marked) == sorted(blocks)
    assert len(marked) == 4


def test_the_settings_of_an_allocator_are_checked_with_the_file():
    good = parse({**TINY, "allocator": "beta_stopping", "allocation": {"confidence": 0.9}})
    assert good.allocation == {"confidence": 0.9}
    with pytest.raises(SpecError) as caught:
        parse({**TINY, "allocator": "beta_stopping", "allocation": {"confidence": 2, "pilot": 1}})
    assert {m.path for m in caught.value.mistakes} == {"allocation.confidence", "allocation.pilot"}
    with pytest.raises(SpecError, match="knows the truth"):
        parse({**TINY, "allocator": "oracle"})
