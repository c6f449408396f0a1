"""Estimates against values computed by hand, by brute force and by simulation."""

import math

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.proportion import proportion_confint

from fourdials import estimate, query
from fourdials.estimate import BOOTSTRAP, CURVE_SCHEMA, SMALL, WILSON
from tests.ledger_rows import Ledger, stored, two_arms
from tests.point_rows import many, points


def test_the_value_at_a_budget_averages_repeats_within_a_problem_first():
    frame = estimate.curves(
        points(
            [
                ("a", "p0", 0, [(10, 0.0), (30, 1.0)]),
                ("a", "p0", 1, [(20, 1.0)]),
                ("a", "p1", 0, [(25, 1.0), (40, 0.0)]),  # a later answer may be worse
                ("a", "p2", 0, []),
            ]
        )
    )
    rows = frame.select("spend", "value", "unanswered").rows()
    third = 1 / 3
    expected = [
        (10.0, 0.0, 2.5 / 3),
        (20.0, 0.5 * third, 2 / 3),
        (25.0, 1.5 * third, third),
        (30.0, 2 * third, third),
        (40.0, 1 * third, third),
    ]
    assert np.allclose(rows, expected)
    assert frame["n"].unique().to_list() == [3]


def test_the_value_at_a_budget_of_stored_trials_is_as_computed_by_hand(tmp_path):
    """p0 answers right at 10 tokens, p1 at 30 by way of a dominated stop at 50, p2 not at all."""
    ledger = Ledger()
    ledger.arm(levels=(1, 2, 3))
    ledger.run("p0", "vote", [(1, 10, 1.0)], block=0, stop_reason="finished")
    trial_id = ledger.trial_id("p1", "vote")
    ledger.call(trial_id, level=1, prompt=0, completion=20)
    ledger.call(trial_id, level=2, prompt=0, completion=30, probe=True)
    ledger.call(trial_id, level=3, prompt=0, completion=10)
    for seq, score in enumerate((0.0, 0.0, 1.0)):
        ledger.checkpoint(trial_id, seq, seq + 1, score)
    ledger.trial("p1", "vote", block=1, stop_reason="finished")
    ledger.run("p2", "vote", [], block=2, stop_reason="finished", outcome="unanswered")
    frame = query.run(stored(tmp_path, ledger), "curve_points", experiment_ids="exp", unit="completion_tokens")
    curve = estimate.curves(frame, grid=[5, 10, 20, 29, 30, 50])
    assert np.allclose(curve["value"], [0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert np.allclose(curve["unanswered"], [1, 2 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3])


def test_no_points_give_an_empty_frame_with_the_same_columns():
    empty = estimate.curves(points([]))
    assert empty.is_empty()
    assert empty.schema == estimate.curves(points([("a", "p", 0, [(1, 1.0)])])).schema == pl.Schema(CURVE_SCHEMA)


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others():
    scores = np.random.default_rng(1).random(SMALL)
    frame = points(many("a", scores))
    first = estimate.curves(frame, seed=5)
    assert first.equals(estimate.curves(frame, seed=5))
    assert not first.select("low", "high").equals(estimate.curves(frame, seed=6).select("low", "high"))


def test_the_bootstrap_equals_resampling_clusters_one_by_one():
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 5, SMALL)
    units, scores = [], {}
    for c, size in enumerate(sizes):
        scores[c] = rng.random(size).round(2)
        for i, s in enumerate(scores[c]):
            units.append(("a", f"p{c}-{i}", 0, [(1.0, s)], {"cluster": f"c{c:03}"}))
    row = estimate.curves(points(units), seed=11, replicates=500).row(0, named=True)
    drawn = np.random.default_rng(11).integers(SMALL, size=(500, SMALL))
    means = [np.concatenate([scores[c] for c in draw]).mean() for draw in drawn]
    assert row["method"] == BOOTSTRAP
    assert (row["n"], row["clusters"]) == (int(sizes.sum()), SMALL)
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=1e-6)


def test_all_arms_are_resampled_together_so_that_differences_are_paired():
    scores = np.random.default_rng(2).integers(0, 2, 50).astype(float)
    frame = points(many("a", scores) + many("b", scores))
    curve = estimate.curves(frame)
    a, b = (curve.filter(pl.col("arm") == arm).select("value", "low", "high") for arm in "ab")
    assert a.equals(b)
    difference = estimate.paired_difference(frame, "a", "b", 10.0)
    assert (difference.value, difference.a_better, difference.b_better) == (0.0, 0, 0)


def test_an_arm_without_some_of_the_clusters_is_averaged_over_its_own():
    frame = points(many("a", [1.0, 0.0] * 250) + many("b", [1.0] * 120 + [0.0] * 120))
    curve = estimate.curves(frame)
    b = curve.filter(pl.col("arm") == "b").row(0, named=True)
    assert (b["value"], b["n"], b["clusters"], b["method"]) == (0.5, 240, 240, BOOTSTRAP)
    assert 0.42 < b["low"] < 0.45 < 0.55 < b["high"] < 0.58


@pytest.mark.parametrize(("scores", "method"), [([1.0, 0.0] * 99, WILSON), ([1.0, 0.0] * 100, BOOTSTRAP)])
def test_wilson_serves_below_two_hundred_clusters(scores, method):
    assert estimate.curves(points(many("a", scores)))["method"].to_list() == [method]


@pytest.mark.parametrize("right", [0, 1, 29, 30])
def test_wilson_serves_near_none_and_near_all(right):
    row = estimate.curves(points(many("a", [1.0] * right + [0.0] * (30 - right)))).row(0, named=True)
    low, high = proportion_confint(right, 30, method="wilson")
    assert row["method"] == WILSON
    assert [row["low"], row["high"]] == pytest.approx([low, high])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_nineteen_in_twenty_intervals_cover_the_truth_when_problems_share_clusters(share):
    """200 simulated experiments of 40 clusters of 3 problems that mostly succeed or fail together."""
    rng, hits, naive = np.random.default_rng(7), 0, 0
    for run in range(200):
        together = rng.random((40, 1)) < share
        alone = rng.random((40, 3)) < share
        scores = np.where(rng.random((40, 3)) < 0.8, together, alone).astype(float).ravel()
        row = estimate.curves(points(many("a", scores, cluster_size=3)), seed=run, replicates=400).row(0, named=True)
        hits += row["low"] <= share <= row["high"]
        low, high = proportion_confint(scores.sum(), scores.size, method="wilson")
        naive += low <= share <= high
    assert 0.91 <= hits / 200 <= 0.985
    assert naive < hits  # counting problems as if they were independent covers too seldom


def test_a_curve_is_censored_where_more_than_one_in_twenty_trials_had_been_cut_off():
    units = [("a", f"p{i}", 0, [(10, 0.0), (100, 1.0)]) for i in range(18)]
    cut = {"finished": False, "max_spend": 50.0}
    one = points([*units, ("a", "p18", 0, [(10, 0.0)]), ("a", "p19", 0, [(10, 0.0)], cut)])
    two = points([*units, ("a", "p18", 0, [(10, 0.0)], cut), ("a", "p19", 0, [(10, 0.0)], cut)])
    grid = [10, 50, 51, 100, 200]
    assert estimate.curves(one, grid)["censored"].to_list() == [False] * 5
    censored = estimate.curves(two, grid)
    assert censored.select("spend", "censored").rows() == [(10, False), (50, False), (51, True), (100, True)]


def test_a_grid_of_many_spends_is_thinned_to_two_hundred_true_ones():
    rng = np.random.default_rng(4)
    spends = np.sort(rng.integers(1, 100_000, 5000))
    frame = points([("a", f"p{i}", 0, [(s, 1.0)]) for i, s in enumerate(spends)])
    curve = estimate.curves(frame, replicates=50)
    assert 100 <= curve.height <= 200
    assert set(curve["spend"]) <= set(spends.astype(float))
    assert np.allclose(curve["value"], np.searchsorted(spends, curve["spend"], side="right") / 5000)
    assert curve["value"][-1] == 1.0


def test_excluded_trials_bound_the_value_from_worst_to_best():
    bounds = estimate.excluded_bounds(0.5, 8, 2)
    assert (bounds.low, bounds.high) == (0.4, 0.6)
    assert math.isnan(estimate.excluded_bounds(math.nan, 0, 0).low)
    assert (estimate.excluded_bounds(math.nan, 0, 3).low, estimate.excluded_bounds(math.nan, 0, 3).high) == (0.0, 1.0)


def test_curves_of_a_stored_run_stand_on_their_querys_rows(tmp_path):
    frame = query.run(stored(tmp_path, two_arms()), "curve_points", experiment_ids="exp", unit="total_tokens")
    curve = estimate.curves(frame)
    vote = curve.filter(pl.col("arm") == "vote").select("spend", "value", "censored").rows()
    assert vote == [(10.0, 0.0, False), (20.0, 1.0, False)]  # cut off at its largest level, so it ends there
    think = curve.filter(pl.col("arm") == "think").select("spend", "value", "censored").rows()
    assert think == [(10.0, 0.0, False), (20.0, 0.0, False), (40.0, 0.5, False)]
