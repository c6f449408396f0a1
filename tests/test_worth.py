"""What policies are worth: by hand, and on simulated models whose parameters say what must come out."""

import gc
import math

import polars as pl
import pytest

from fourdials import worth
from fourdials.errors import InputError
from fourdials.replay import UNIFORM, Policy
from tests.recordings import simulated, trial

SURE = [(1, "x", 1.0, {"votes": {"x": 1}}), (2, "x", 1.0, {"votes": {"x": 2}}), (4, "x", 1.0, {"votes": {"x": 4}})]
LATE = [
    (1, "y", 0.0, {"votes": {"y": 1}}),
    (2, "y", 0.0, {"votes": {"y": 1, "x": 1}}),
    (4, "x", 1.0, {"votes": {"x": 3, "y": 1}}),
]
GREEDY = Policy("greedy marginal", "greedy_marginal")


def mixed(count=24):
    return [trial(i, LATE if i % 4 == 0 else SURE, difficulty=float(i % 4 == 0)) for i in range(count)]


def test_accuracy_is_over_problems_and_spend_is_everything_that_was_paid():
    held = worth.replays(mixed(), [480, 960], [UNIFORM, GREEDY])
    frame = worth.worth(held)
    assert frame.columns == list(worth.WORTH_SCHEMA)
    rows = {(r["policy"], r["budget"]): r for r in frame.to_dicts()}
    assert rows["uniform", 480.0]["spent"] == 480.0
    assert rows["uniform", 480.0]["value"] == 0.75
    assert rows["uniform", 960.0]["value"] == 1.0
    assert rows["greedy marginal", 960.0]["value"] == 1.0
    for row in rows.values():
        assert (row["n"], row["clusters"], row["unanswered"]) == (24, 24, 0.0)
        assert row["low"] <= row["value"] <= row["high"]
        assert row["method"]


def test_a_saving_is_the_spend_of_uniform_at_the_same_accuracy_over_the_policys_own():
    held = worth.replays(mixed(), [480, 600, 960], [UNIFORM, GREEDY])
    [row] = worth.savings(held).filter(pl.col("budget") == 600).to_dicts()
    # All is right once the six late ones are at level 4: 24 × 20 + 6 × 20 = 600; uniform needs 960.
    assert (row["value"], row["spent"], row["uniform_spent"]) == (1.0, 600.0, 960.0)
    assert row["ratio"] == pytest.approx(1.6)
    assert row["low"] <= 1.6 <= row["high"]
    assert (row["n"], row["method"], row["note"]) == (24, worth.PAIRED, "")


def test_levels_that_nobody_goes_on_to_are_charged_once():
    """Arms with other levels make uniform levels at which nothing more is spent."""
    other = [trial(i, SURE, arm="b", block=i, levels=(1, 2, 3, 4)) for i in range(24)]
    one = [trial(i, SURE[:1], arm="a", block=i, levels=(1,)) for i in range(24)]
    stopped = [trial(i, SURE[:2], arm="c", block=i, levels=(1, 2, 5, 6), reason="finished") for i in range(24)]
    frame = worth.worth(worth.replays([*other, *one, *stopped], [], [UNIFORM]))
    assert frame["budget"].is_unique().all()
    assert (frame["budget"] == frame["spent"]).all()


def test_where_uniform_never_gets_as_far_there_is_no_ratio_and_it_is_said():
    early = [(1, "x", 1.0), (2, "y", 0.0), (4, "y", 0.0)]
    trials = [trial(i, LATE if i % 2 else early) for i in range(24)]
    row = worth.savings(worth.replays(trials, [600], [UNIFORM, Policy("oracle", "oracle")])).row(0, named=True)
    assert row["value"] == 1.0
    assert row["ratio"] is None
    assert row["note"] == worth.NEVER
    assert math.isinf(row["high"])


def test_where_the_spend_went_adds_up_and_follows_the_difficulty():
    held = worth.replays(mixed(), [600], [UNIFORM, GREEDY])
    frame = worth.where_spent(held)
    greedy = frame.filter(pl.col("policy") == "greedy marginal")
    assert greedy["share"].sum() == pytest.approx(1.0)
    assert dict(greedy.select("group", "spent").iter_rows()) == {"toy 0": 360.0, "toy 1": 240.0}
    assert dict(greedy.select("group", "level").iter_rows()) == {"toy 0": 2.0, "toy 1": 4.0}
    assert (greedy["low"] <= greedy["share"]).all()
    assert (greedy["share"] <= greedy["high"]).all()
    assert worth.where_spent(held, "arm")["group"].to_list() == ["a"] * 4, (
        "three levels of uniform, one budget of greedy"
    )


def test_calibration_is_charged_and_not_judged():
    trials = []
    for block in range(40):
        trials.append(trial(block, [(1, "x", 1.0)], arm="good", levels=(1,)))
        trials.append(trial(block, [(1, "y", 0.0)], arm="bad", levels=(1,)))
    held = worth.replays(trials, [10_000], [Policy("halving", "successive_halving", {"calibration": 0.25})])
    row = worth.worth(held).row(0, named=True)
    assert (row["value"], row["n"], row["spent"]) == (1.0, 30, 10 * (40 + 10))


def test_nothing_gives_nothing():
    held = worth.replays([], [10], [UNIFORM])
    assert worth.worth(held).is_empty()
    assert worth.savings(held).is_empty()
    assert worth.where_spent(held).is_empty()
    assert worth.budgets([]) == []


def test_the_same_seed_gives_the_same_intervals():
    one, two = (worth.savings(worth.replays(mixed(), [480, 600, 960], [UNIFORM, GREEDY], seed=3)) for _ in range(2))
    assert one.equals(two)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Candidates checked against the truth, problems as unlike as a Beta distribution of correlation .6 makes them."""
    knobs = {"verifier": "checker"}
    return simulated(tmp_path_factory.mktemp("uneven"), "sim/solve=0.5,spread=0.6", "best_of_n", knobs=knobs)


def test_on_problems_of_mixed_difficulty_adapting_halves_the_spend_and_stays_below_the_bound(uneven):
    held = worth.replays(uneven, worth.budgets(uneven), replicates=500)
    most = worth.savings(held).filter(pl.col("budget") == pl.col("budget").max())
    rows = {row["policy"]: row for row in most.to_dicts()}
    for name in ("greedy marginal", "beta stopping"):
        assert rows[name]["ratio"] > 2
        assert rows[name]["low"] > 1
        assert rows[name]["ratio"] < rows["oracle"]["ratio"]
    assert rows["oracle"]["uses_truth"]


@pytest.mark.parametrize("model", ["sim/solve=0.5,spread=0.99", "sim/solve=0.15"])
def test_where_votes_bring_nothing_adapting_saves_nothing(tmp_path, model):
    """Answers that are all alike, and equal problems at which every answer is about as likely: votes raise nothing."""
    trials = simulated(tmp_path, model, "majority_vote", problems=60, levels=(1, 2, 4, 8))
    held = worth.replays(trials, worth.budgets(trials, 5), replicates=500)
    adaptive = worth.savings(held).filter(~pl.col("uses_truth"))
    assert adaptive.height == 15
    assert adaptive.filter((pl.col("note") == "") & (pl.col("low") > 1.0)).is_empty()
    assert (adaptive["note"] == worth.NO_GAIN).sum() >= 12


def test_on_equally_hard_problems_no_saving_is_shown(tmp_path):
    """Only luck tells them apart, and what stopping lucky votes early saves is little."""
    trials = simulated(tmp_path, "sim/solve=0.35", "majority_vote", problems=150, levels=tuple(range(1, 17)))
    policies = [UNIFORM, Policy("beta stopping", "beta_stopping", {"confidence": 0.9})]
    row = worth.savings(worth.replays(trials, [10_000], policies)).row(0, named=True)
    assert row["note"] == ""
    assert row["ratio"] < 1.5
    assert row["low"] <= 1


def test_one_budget_takes_each_policys_nearest_replay():
    held = worth.at(worth.replays(mixed(), [480, 600, 960], [UNIFORM, GREEDY]), 600)
    found = dict(held.trials.select("policy", "budget").unique().iter_rows())
    assert found == {"greedy marginal": 600.0, "uniform": 480.0}, "600 lies nearer to 480 than to 960 by ratio"


def test_a_live_run_shows_where_its_spend_went():
    rows = [("t", "p1", "c1", 1.0, "a", "parallel", 2, 1.0, 30), ("t", "p2", "c2", 2.0, "a", "search", 4, 0.0, 90)]
    names = ("task", "problem_id", "cluster_id", "difficulty", "arm", "dial", "level", "score", "total_tokens")
    spends = pl.DataFrame([*rows, (*rows[0][:-1], None)], schema=names, orient="row").with_columns(
        stop_reason=pl.Series(["max_level", "stopped", "stopped"]), calibrated=pl.Series([True, False, False])
    )
    frame = worth.where_spent(worth.played(spends, "greedy_marginal"), "dial")
    assert dict(frame.select("group", "share").iter_rows()) == {"parallel": 0.25, "search": 0.75}
    assert frame["spent"].sum() == 120
    fates = worth.where_spent(worth.played(spends, "greedy_marginal"), "fate").select("group", "spent", "value")
    # What calibrated is paid for, and its answers do not count.
    assert set(fates.rows()) == {("used for calibration", 30.0, None), ("stopped by the allocator", 90.0, 0.0)}


def test_the_collector_works_again_after_replays_that_end_and_that_fail():
    worth.replays(mixed(), [480], [UNIFORM])
    assert gc.isenabled()
    with pytest.raises(InputError):
        worth.replays(mixed(), [480], [Policy("x", "no_such_allocator")])
    assert gc.isenabled()
