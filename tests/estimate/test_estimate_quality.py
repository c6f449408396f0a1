"""Measures of how trials went, against values worked out by hand."""

import numpy as np
import polars as pl
import pytest

from fourdials import query
from fourdials.errors import InputError
from fourdials.estimate import quality
from tests.ledger_rows import Ledger, stored

ROW = {
    "experiment_id": "e",
    "arm": "a",
    "task": "toy",
    "problem_id": "p0",
    "cluster_id": "p0",
    "score": 1.0,
    "steps": 8,
    "loops": 2,
    "invalid": 1,
    "notes": 10,
    "notes_duplicate": 1,
    "notes_stale": 2,
    "notes_contradicted": 1,
    "prompt_tokens": 800,
    "completion_tokens": 200,
    "verify_tokens": 250,
    "plan_tokens": 100,
    "execute_tokens": 300,
    "oracle_steps": 4.0,
    "used_tokens": 200.0,
}


def test_every_measure_is_its_declared_formula():
    row = quality.measured(pl.DataFrame([ROW])).row(0, named=True)
    assert row["trajectory_quality"] == pytest.approx(1.0 * 4 / 8 * (1 - 2 / 8) * (1 - 1 / 8))
    assert row["memory_hygiene"] == pytest.approx(1 - 4 / 10)
    assert row["context_efficiency"] == pytest.approx(0.25)
    assert row["verification_cost"] == pytest.approx(0.25)
    assert row["planning_cost"] == pytest.approx(0.25)
    assert (row["loop_rate"], row["invalid_rate"]) == (0.25, 0.125)


def test_what_a_trial_lacks_is_unknown_and_not_nothing():
    bare = {**ROW, "steps": 0, "loops": 0, "invalid": 0, "notes": 0, "notes_duplicate": 0}
    bare |= {"notes_stale": 0, "notes_contradicted": 0}
    frame = pl.DataFrame([bare]).drop("oracle_steps", "used_tokens")
    row = quality.measured(frame).row(0, named=True)
    for name in ("trajectory_quality", "memory_hygiene", "context_efficiency", "loop_rate"):
        assert row[name] is None, name
    assert quality.quality(frame)["measure"].to_list() == ["success", "verification_cost", "planning_cost"]


def test_without_an_oracle_a_trajectory_has_no_quality():
    row = quality.measured(pl.DataFrame([ROW]).drop("oracle_steps")).row(0, named=True)
    assert (row["trajectory_quality"], row["loop_rate"]) == (None, 0.25)


def test_a_shorter_way_than_the_oracles_counts_as_long_as_its():
    assert (
        quality.measured(pl.DataFrame([ROW | {"steps": 2, "loops": 0, "invalid": 0}]))["trajectory_quality"][0] == 1.0
    )


def many(arm, n=120, **changes):
    rng = np.random.default_rng(len(arm))
    return [
        ROW
        | {"arm": arm, "problem_id": f"p{i}", "cluster_id": f"p{i}", "score": float(i % 2)}
        | changes
        | {"loops": int(rng.integers(0, 2)) + changes.get("loops", 0)}
        for i in range(n)
    ]


def test_arms_that_tie_on_success_and_differ_elsewhere_are_called_out():
    frame = pl.DataFrame(many("calm") + many("restless", loops=4))
    found = quality.ties(frame)
    assert set(found["measure"]) == {"loop_rate", "trajectory_quality"}
    row = found.filter(pl.col("measure") == "loop_rate").row(0, named=True)
    assert (row["arm_a"], row["arm_b"], row["success"], row["n"]) == ("calm", "restless", 0.0, 120)
    assert row["low"] < -0.5 < row["high"] < 0 or row["value"] == pytest.approx(-0.5, abs=0.05)
    assert quality.ties(pl.DataFrame(many("calm") + many("calm2"))).filter(pl.col("measure") != "loop_rate").is_empty()
    apart = pl.DataFrame(many("calm") + [row | {"score": 1.0} for row in many("better", loops=4)])
    assert quality.ties(apart).is_empty()
    with pytest.raises(InputError, match="margin of 0"):
        quality.ties(frame, margin=0)


def test_repeats_are_averaged_within_a_problem():
    frame = pl.DataFrame([ROW, ROW | {"score": 0.0}, ROW | {"problem_id": "p1", "cluster_id": "p1"}])
    row = quality.quality(frame).filter(pl.col("measure") == "success").row(0, named=True)
    assert (row["value"], row["n"]) == (0.75, 2)


def test_step_correctness_counts_problems_at_each_step():
    rows = [
        {"task": "t", "problem_id": f"p{i}", "cluster_id": f"p{i}", "step": step, "right": float(i >= 2 * step)}
        for i in range(10)
        for step in (1, 2, 3)
        if i >= step
    ]
    found = quality.step_correctness(pl.DataFrame(rows))
    assert found.select("step", "value", "n").rows() == [
        (1, pytest.approx(8 / 9), 9),
        (2, pytest.approx(6 / 8), 8),
        (3, pytest.approx(4 / 7), 7),
    ]


def votes(*by_step, problem="p0", arm="a"):
    """Judged votes on the steps of one trial; each step's as a text of `r` (right), `w` (wrong) and `-` (unread)."""
    return [
        {
            **{"experiment_id": "e", "arm": arm, "task": "toy", "problem_id": problem, "cluster_id": problem},
            **{"trial_id": f"{arm}/{problem}", "step": step, "truth": "r", "answer": None if vote == "-" else vote},
        }
        for step, cast in enumerate(by_step, 1)
        for vote in cast
    ]


def test_shared_errors_are_counted_over_the_first_two_votes_that_could_be_read():
    rows = votes("rr", "ww", "wr", "rw", "w-wr", "r", "rrww") + votes("ww", "rr", problem="p1")
    [found] = quality.shared_errors(quality.judged(pl.DataFrame(rows))).to_dicts()
    # p0: 2 of 6 steps (one vote is no pair), p1: 1 of 2; first votes wrong at 4 of 8, second at 4 of 8
    assert found["both"] == pytest.approx((2 / 6 + 1 / 2) / 2)
    assert (found["wrong"], found["independent"], found["steps"], found["n"]) == (0.5, 0.25, 8, 2)
    assert found["low"] < found["both"] < found["high"]


def test_without_two_votes_on_a_step_no_errors_can_be_shared():
    rows = votes("r", "w") + votes("ww", arm="b")
    assert quality.shared_errors(quality.judged(pl.DataFrame(rows)))["arm"].to_list() == ["b"]
    assert quality.shared_errors(quality.judged(pl.DataFrame(rows)).clear()).is_empty()


def test_underthinking_is_the_share_of_a_wrong_reply_after_its_right_thought():
    thoughts = pl.DataFrame(
        {"score": [0.0, 0.0, 1.0, 0.0], "tokens": [100, 200, 50, 0], "right_by": [25, None, 10, None]}
    )
    assert quality.underthinking(thoughts) == pytest.approx((0.75 + 0.0) / 2)
    assert quality.underthinking(thoughts.filter(pl.col("score") == 1)) is None


def test_a_trajectory_is_counted_from_its_calls_and_steps(tmp_path):
    ledger = Ledger()
    ledger.arm("act", strategy="act", dial="interaction", levels=(1, 2, 3))
    ledger.problem("p0")
    trial_id = ledger.trial_id("p0", "act")
    seen = [("look", "hall", True), ("env_step", "room", True), ("env_step", "hall", True), ("env_step", "hall", False)]
    for seq, (kind, observation, valid) in enumerate(seen):
        payload = {"observation": observation, "valid": valid, "actions": []}
        ledger.add("step", trial_id=trial_id, seq=seq, level=seq, kind=kind, payload=payload, at=5.0)
    ledger.add("step", trial_id=trial_id, seq=4, level=3, kind="switches", payload={"said": ["wait", "but"]}, at=5.0)
    for seq, stale in enumerate((True, False, False), start=5):
        payload = {"text": "x" if seq > 5 else "y", "stale": stale}
        ledger.add("step", trial_id=trial_id, seq=seq, level=3, kind="memory", payload=payload, at=5.0)
    ledger.call(trial_id, role="act", prompt=100, completion=10)
    ledger.call(trial_id, role="verify", prompt=300, completion=20)
    ledger.call(trial_id, role="plan", prompt=50, completion=5)
    ledger.call(trial_id, role="grade", prompt=999, completion=9)
    ledger.checkpoint(trial_id, 0, 3, 1.0)
    ledger.trial("p0", "act", level=3)
    store = stored(tmp_path, ledger)
    row = query.run(store, "trajectories", experiment_ids="exp").row(0, named=True)
    assert [row[name] for name in ("steps", "loops", "invalid", "switches")] == [3, 2, 1, 2]
    assert [row[f"notes{x}"] for x in ("", "_duplicate", "_stale", "_contradicted")] == [3, 1, 1, 0]
    tokens = ("peak_context", "prompt_tokens", "completion_tokens", "verify_tokens", "plan_tokens", "execute_tokens")
    assert [row[name] for name in tokens] == [300, 450, 35, 320, 55, 110]
    measured = quality.measured(query.run(store, "trajectories", experiment_ids="exp"))
    assert measured["verification_cost"][0] == pytest.approx(320 / 485)
    roles = query.run(store, "role_tokens", experiment_ids="exp").select("role", "calls", "prompt_tokens").rows()
    assert roles == [("act", 1, 100), ("plan", 1, 50), ("verify", 1, 300)]


def test_what_a_strategy_shows_of_its_memory_is_no_entry_of_it(tmp_path):
    ledger = Ledger()
    ledger.arm("tree", strategy="subtask_tree", dial="hybrid", levels=(1,))
    ledger.problem("p0")
    trial_id = ledger.trial_id("p0", "tree")
    for seq in range(2):
        ledger.add("step", trial_id=trial_id, seq=seq, level=1, kind="memory", payload={"entries": 3}, at=5.0)
    ledger.call(trial_id, role="step")
    ledger.checkpoint(trial_id, 0, 1, 1.0)
    ledger.trial("p0", "tree")
    trials = query.run(stored(tmp_path, ledger), "trajectories", experiment_ids="exp")
    assert trials["notes"].to_list() == [0]
    assert quality.measured(trials)["memory_hygiene"].to_list() == [None]


def test_steps_are_counted_by_what_was_asked_and_judged_by_their_truth(tmp_path):
    ledger = Ledger()
    ledger.arm("chain", strategy="stepwise", dial="sequential", levels=(1, 2))
    ledger.problem("p0")
    trial_id = ledger.trial_id("p0", "chain")
    for level, asked, answer in ((1, "a", "Left."), (1, "a", "right"), (2, "b", None), (2, "c", "x")):
        request = {"parts": []} | ({} if asked == "c" else {"truth": "left"})
        ledger.call(trial_id, role="step", level=level, request_hash=asked, extracted=answer, request=request)
    ledger.checkpoint(trial_id, 0, 2, 1.0)
    ledger.trial("p0", "chain", level=2)
    steps = quality.judged(query.run(stored(tmp_path, ledger), "step_truths", experiment_ids="exp"))
    assert steps.select("step", "right").rows() == [(1, 1.0), (1, 0.0), (2, 0.0)]
    assert quality.step_correctness(steps).select("step", "value", "n").rows() == [(1, 0.5, 1), (2, 0.0, 1)]


def test_a_trial_is_flawless_if_the_winner_of_every_vote_is_right(tmp_path):
    ledger = Ledger(planned_trials=4)
    ledger.arm("vote", strategy="decompose_and_vote", dial="hybrid", levels=(2,), nested=False)
    # Each trial's steps: what was asked, and the votes on it, of which `x` is right.
    trials = {
        "lost wrong vote": (("a", "yxxx"), ("b", "xx")),
        "won wrong vote": (("a", "xyyy"), ("b", "xx")),
        "nothing to read": (("a", "xx"), ("b", "??")),
        # It goes astray and comes back: the first vote on a was lost, whatever all of them say together.
        "asked again": (("a", "xyyy"), ("b", "xx"), ("a", "xxxx")),
    }
    for block, (name, steps) in enumerate(trials.items()):
        ledger.problem(name)
        trial_id = ledger.trial_id(name, "vote", level=2)
        for asked, votes in steps:
            for vote in votes:
                request, read = {"parts": [], "truth": "x"}, None if vote == "?" else vote
                ledger.call(trial_id, role="step", level=2, request_hash=asked, extracted=read, request=request)
        ledger.checkpoint(trial_id, 0, 2, 1.0)
        ledger.trial(name, "vote", block=block, level=2, own_level=2)
    rows = query.run(stored(tmp_path, ledger), "step_truths", experiment_ids="exp")
    assert rows.filter(problem_id="asked again")["step"].unique().sort().to_list() == [1, 2, 3]
    found = rows.select("trial_id", "problem_id").unique().join(quality.flawless(quality.judged(rows)), on="trial_id")
    assert dict(found.select("problem_id", "right").rows()) == {
        "lost wrong vote": 1.0,
        "won wrong vote": 0.0,
        "nothing to read": 0.0,
        "asked again": 0.0,
    }


def test_a_thought_that_was_right_and_went_on_underthinks(tmp_path):
    ledger = Ledger(planned_trials=2)
    ledger.arm("think", strategy="budget_forcing", dial="sequential", levels=(1, 2, 3))
    for block, scores in enumerate(((0.0, 1.0, 0.0), (0.0, 0.0, 0.0))):
        ledger.problem(f"p{block}")
        trial_id = ledger.trial_id(f"p{block}", "think")
        for level, score in enumerate(scores, 1):
            ledger.call(trial_id, level=level, completion=10)
            ledger.call(trial_id, level=level, completion=500, probe=True)
            ledger.checkpoint(trial_id, level, level, score)
        ledger.trial(f"p{block}", "think", block=block, level=3, score=0.0)
    thoughts = query.run(stored(tmp_path, ledger), "thoughts", experiment_ids="exp")
    assert thoughts.select("tokens", "right_by").rows() == [(30, 20), (30, None)]
    row = quality.underthinking_of(thoughts).row(0, named=True)
    assert row["value"] == pytest.approx((1 - 20 / 30 + 0) / 2)
    assert row["value"] == pytest.approx(quality.underthinking(thoughts))
    assert row["n"] == 2


def test_amounts_are_means_a_trial_with_intervals_and_unknown_ones_are_left_out():
    rows = [
        {"experiment_id": "e", "arm": "a", "task": "t", "problem_id": f"p{i}", "cluster_id": f"p{i}", "repeat": repeat}
        | {
            "peak_context": 100 * (i + 1),
            "plan_tokens": None if i == 0 else 5,
            "execute_tokens": 10,
            "verify_tokens": 0,
        }
        | {"steps": i, "switches": None if i == 0 else 4, "notes": 0}
        for i in range(3)
        for repeat in range(2)
    ]
    found = {row["measure"]: row for row in quality.amounts(pl.DataFrame(rows)).iter_rows(named=True)}
    assert found["peak_context"]["value"] == 200.0
    assert 100 <= found["peak_context"]["low"] < 200 < found["peak_context"]["high"] <= 300
    assert (found["peak_context"]["n"], found["peak_context"]["method"]) == (3, "BCa bootstrap")
    assert "plan_tokens" not in found
    assert (found["switches"]["value"], found["switches"]["n"]) == (4.0, 2)
    assert (found["execute_tokens"]["low"], found["execute_tokens"]["high"]) == (10.0, 10.0)
