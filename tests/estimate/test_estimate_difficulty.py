"""Bins of difficulty: made on one half of the samples, scored on the other."""

import numpy as np
import polars as pl
import pytest

from fourdials.errors import InputError
from fourdials.estimate import difficulty
from fourdials.estimate.pool import Pool


def pool_of(rates, n, seed=1, per_cluster=1):
    right = np.random.default_rng(seed).random((len(rates), n)) < np.asarray(rates)[:, None]
    names = [f"p{i:04}" for i in range(len(rates))]
    cluster = np.arange(len(rates)) // per_cluster
    frame = pl.DataFrame({"task": "toy", "problem_id": names, "cluster_id": [f"c{c}" for c in cluster]})
    return Pool(frame, cluster, right, right.astype(float), np.where(right, 0, 1), None)


def test_difficulty_leakage_equal_problems_look_unequal_only_where_a_half_scores_itself():
    """Trap: 300 problems of one rate, 0.4. Sorted and scored by the same four samples the quintiles run from 0 to 0.85;
    on the samples held out every quintile is 0.4."""
    binned = difficulty.bins(pool_of([0.4] * 300, 8))
    leaked = binned.group_by("bin").agg(pl.col("binned_on").mean()).sort("bin")["binned_on"]
    assert leaked[0] < 0.15
    assert leaked[-1] > 0.65
    honest = difficulty.by_bin(binned)
    assert honest["n"].to_list() == [60] * 5
    assert all(row["low"] <= 0.4 <= row["high"] for row in honest.rows(named=True))


def test_bins_follow_true_difficulty_and_other_arms_are_scored_whole():
    rates = np.repeat([0.1, 0.5, 0.9], 60)
    binned = difficulty.bins(pool_of(rates, 32), count=3)
    found = difficulty.by_bin(binned)
    assert found["value"].to_list() == pytest.approx([0.1, 0.5, 0.9], abs=0.04)
    other = pl.DataFrame(
        {"task": "toy", "problem_id": [f"p{i:04}" for i in range(180)] * 2, "score": [1.0] * 180 + [0.0] * 180}
    )
    assert difficulty.by_bin(binned, other)["value"].to_list() == pytest.approx([0.5] * 3)
    assert difficulty.by_bin(binned, other.head(0)).is_empty()


def test_every_sample_is_in_one_half_and_clusters_are_kept():
    pool = pool_of([0.5] * 40, 10, per_cluster=4)
    binned = difficulty.bins(pool, count=2)
    assert ((binned["binned_on"] + binned["score"]) / 2).to_numpy() == pytest.approx(pool.score.mean(axis=1))
    assert difficulty.by_bin(binned)["clusters"].max() <= 10


def test_an_impossible_number_of_bins_is_refused():
    with pytest.raises(InputError, match="got 9 bins; 4 problems can be put into 2 to 4"):
        difficulty.bins(pool_of([0.5] * 4, 4), count=9)


def test_guesses_are_averaged_over_the_problems_of_each_bin():
    binned = difficulty.bins(pool_of(np.repeat([0.0, 1.0], 4), 8), count=2)
    names = binned.sort("bin")["problem_id"].to_list()
    chances = [0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5, 0.5]
    guesses = pl.DataFrame({"task": "toy", "problem_id": names, "chance": chances, "constant_score": [1.0] + [0.0] * 7})
    found = difficulty.guessed(binned, guesses)
    assert found.rows() == [
        ("chance", 1, pytest.approx(0.2), 4),
        ("chance", 2, pytest.approx(0.5), 4),
        ("constant", 1, 0.25, 4),
        ("constant", 2, 0.0, 4),
    ]
    unknown = guesses.with_columns(chance=pl.lit(0.0), constant_score=pl.lit(None, pl.Float64))
    assert difficulty.guessed(binned, unknown).schema == found.schema
    assert difficulty.guessed(binned, unknown).is_empty()
