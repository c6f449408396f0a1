"""Intervals against published examples, scipy, statsmodels and brute force.

How often they hold the truth is measured by scripts/coverage; a small part of that runs here."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from fourdials.estimate import intervals
from fourdials.estimate.intervals import BOOTSTRAP, EFFECTIVE, WILSON


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_statsmodels(drawn):
    right, n = drawn
    found = intervals.wilson(right / n, n)
    assert [found.low, found.high] == pytest.approx(proportion_confint(right, n, method="wilson"), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 30), st.integers(0, 40))
def test_newcombe_is_that_of_statsmodels(a, b):
    found = intervals.newcombe(a / 30, 30, b / 40, 40)
    expected = confint_proportions_2indep(a, 30, b, 40, method="newcomb")
    assert [found.low, found.high] == pytest.approx(expected, abs=1e-9)


def test_right_or_wrong_problems_alone_get_wilsons_interval():
    found = intervals.share([1.0] * 30 + [0.0] * 70)
    assert (found.value, found.n, found.clusters, found.method) == (0.3, 100, 100, WILSON)
    assert [found.low, found.high] == pytest.approx(proportion_confint(30, 100, method="wilson"))


def test_a_share_of_clusters_has_the_n_that_gives_its_variance():
    """40 clusters of 5 equal problems are 40 observations. By hand: s² = p(1−p)/39 as a variance of the mean, and a
    kurtosis of 1/p(1−p) − 3 = 1.76 gives more degrees of freedom than 39; one cluster more adds p(1−p)/40:
    1/n = (39 · 1/39 + 1/40) / 40."""
    scores = np.repeat([1.0, 0.0], [12, 28])
    found = intervals.share(np.repeat(scores, 5), np.repeat(np.arange(40), 5))
    n = 40 / (1 + 1 / 40)
    assert (found.n, found.clusters, found.method) == (200, 40, EFFECTIVE)
    assert [found.low, found.high] == pytest.approx(proportion_confint(0.3 * n, n, method="wilson"), abs=1e-12)


def test_a_variance_made_by_few_scores_counts_for_little():
    """Of 60 scores 56 are 0 and four .5, .5, 1 and 1. By hand: mean .05, Σ(x − m)² = 2.35, Σ(x − m)⁴ = 1.711375,
    kurtosis 60 · 1.711375 / 2.35² = 18.59, degrees 120 / 17.59 = 6.821; a variance of the mean of 60/59 · 2.35 / 3600
    over .05 · .95 is 1/71.55, so that 1/n = (6.821 / 71.55 + 1/60) / 7.821, or n = 69.83."""
    scores = np.r_[np.zeros(56), 0.5, 0.5, 1.0, 1.0]
    degrees = 120 / (stats.kurtosis(scores, fisher=False) - 1)
    inverse = (degrees * scores.var(ddof=1) / 60 / (0.05 * 0.95) + 1 / 60) / (degrees + 1)
    assert 1 / inverse == pytest.approx(69.83, abs=0.01)
    found = intervals.share(scores)
    assert [found.low, found.high] == pytest.approx(proportion_confint(0.05 / inverse, 1 / inverse, method="wilson"))
    rarer = intervals.share(np.r_[np.zeros(57), 0.5, 0.5, 0.5])  # 1.5 right: less than two
    assert [rarer.low, rarer.high] == pytest.approx(proportion_confint(1.5, 60, method="wilson"))


def by_beta(n, cluster_of, repeats, spread, runs, rng):
    """Scores of problems whose chances are Beta draws, one a cluster: a layout other than that of scripts/coverage."""
    chance = rng.beta(*spread, size=(n // cluster_of, 1, runs))
    return rng.binomial(repeats, np.broadcast_to(chance, (n // cluster_of, cluster_of, runs))) / repeats


@pytest.mark.parametrize(
    ("n", "cluster_of", "repeats", "spread"),
    [(50, 1, 4, (1, 9)), (50, 1, 16, (0.3, 0.6)), (100, 2, 1, (2, 8)), (100, 5, 1, (0.8, 1.2)), (200, 1, 8, (9, 1))],
)
def test_shares_and_differences_hold_the_truth_nineteen_times_in_twenty(n, cluster_of, repeats, spread):
    rng = np.random.default_rng([n, cluster_of, repeats])
    truth, sizes = spread[0] / sum(spread), np.full(n // cluster_of, float(cluster_of))
    first, second = (by_beta(n, cluster_of, repeats, spread, 3000, rng).sum(axis=1) for _ in range(2))
    found = intervals.share_bounds(first, sizes)
    assert 0.93 <= np.mean((found.low <= truth) & (truth <= found.high)) <= 0.97
    apart = intervals.difference_bounds(first, second, sizes)
    assert 0.93 <= np.mean((apart.low <= 0) & (apart.high >= 0)) <= 0.975


def test_from_two_hundred_clusters_on_the_interval_is_the_bootstraps():
    scores = np.random.default_rng(0).random(250)
    found = intervals.share(scores)
    half = 1.96 * scores.std() / math.sqrt(250)
    assert found.method == BOOTSTRAP
    assert [found.low, found.high] == pytest.approx([scores.mean() - half, scores.mean() + half], abs=0.006)
    rare = intervals.share([1.0] * 6 + [0.0] * 244)
    assert rare.method == WILSON


def test_nothing_to_average_gives_no_number():
    found = intervals.share([])
    assert (found.n, math.isnan(found.value), math.isnan(found.low)) == (0, True, True)
    assert intervals.difference([], []).n == 0


@pytest.mark.parametrize("scores", [[0.0] * 40, [1.0] * 40, [1e-4] + [0.0] * 39])
def test_constant_scores_have_an_interval_with_a_width(scores):
    found = intervals.share(scores)
    assert found.low <= found.value <= found.high
    assert found.high - found.low > 0.05


@pytest.mark.parametrize("n", [1, 30, 250])
@pytest.mark.parametrize(("first", "second"), [(1.0, 0.0), (0.3, 0.3), (0.5, 0.2)])
def test_problems_that_are_all_alike_say_little_of_those_not_seen(n, first, second):
    """A bootstrap of 250 equal numbers has no width at all."""
    alone, apart = intervals.share([first] * n), intervals.difference([first] * n, [second] * n)
    assert alone.high - alone.low > 0.9 * 3.8414 / (n + 3.8414)
    assert apart.high - apart.low > 0.9 * 3.8414 / (n + 3.8414)
    assert BOOTSTRAP not in (alone.method, apart.method)


def test_bca_is_that_of_scipy():
    rng = np.random.default_rng(5)
    data = rng.exponential(size=60)
    draws = data[rng.integers(60, size=(20_000, 60))].mean(axis=1)
    left_out = (data.sum() - data) / 59
    found = intervals.bca(float(data.mean()), draws, left_out)
    expected = stats.bootstrap(
        (data,), np.mean, n_resamples=20_000, method="BCa", random_state=np.random.default_rng(1)
    )
    assert found.method == "BCa bootstrap"
    assert [found.low, found.high] == pytest.approx(expected.confidence_interval, abs=0.02)
    assert intervals.bca(2.0, np.ones(10), np.ones(3)).method == "percentile bootstrap"


def test_the_simultaneous_bound_of_independent_columns_is_sidaks():
    rng = np.random.default_rng(6)
    sums = rng.integers(0, 2, (1000, 20)).astype(float)
    weights = intervals.resamples(1000, 0, 4000)
    critical = intervals.max_t(intervals.drawn_means(sums, np.ones(1000), weights), sums.mean(axis=0))
    assert critical == pytest.approx(stats.norm.ppf(0.5 + 0.95 ** (1 / 20) / 2), abs=0.12)
    same = np.repeat(sums[:, :1], 20, axis=1)
    assert intervals.max_t(intervals.drawn_means(same, np.ones(1000), weights), same.mean(axis=0)) < 2.05


def test_winners_curse_the_best_of_many_equal_arms_is_held_by_the_simultaneous_band_only():
    """Trap: twelve arms, all right half of the time. The best-looking one looks too good for its own interval."""
    rng, alone, together, flattery = np.random.default_rng(8), 0, 0, 0.0
    for run in range(300):
        sums = rng.integers(0, 2, (60, 12)).astype(float)
        best = int(sums.sum(axis=0).argmax())
        weights = intervals.resamples(60, run, 500)
        single = intervals.share_bounds(sums, np.ones(60))
        band = intervals.simultaneous_bounds(sums, np.ones(60), weights)
        flattery += single.value[best] - 0.5
        alone += single.low[best] <= 0.5 <= single.high[best]
        together += bool(np.all((band.low <= 0.5) & (band.high >= 0.5)))
    assert flattery / 300 > 0.08
    assert alone / 300 < 0.85
    assert 0.92 <= together / 300 <= 0.99


def test_shared_worlds_counted_as_independent_hold_the_truth_too_seldom():
    rng, hits, naive = np.random.default_rng(7), 0, 0
    for _ in range(400):
        together = rng.random((60, 1)) < 0.3
        scores = np.where(rng.random((60, 3)) < 0.8, together, rng.random((60, 3)) < 0.3).astype(float).ravel()
        found = intervals.share(scores, np.repeat(np.arange(60), 3))
        hits += found.low <= 0.3 <= found.high
        single = intervals.wilson(float(scores.mean()), 180)
        naive += single.low <= 0.3 <= single.high
    assert 0.92 <= hits / 400 <= 0.98
    assert naive / 400 < 0.88


def test_a_mean_amount_is_over_trials_and_its_interval_holds_the_truth_as_often_as_it_says():
    plain = intervals.mean_amount([4.0, 12.0], [2, 2], np.array([0, 1]))
    assert (plain.value, plain.n, plain.clusters) == (4.0, 2, 2)
    alone = intervals.mean_amount([4.0, 12.0], [2, 2], np.array([0, 0]))
    assert (alone.value, alone.clusters) == (4.0, 1)
    assert math.isnan(alone.low)
    assert intervals.mean_amount([], [], np.array([], dtype=np.int64)).n == 0
    alike = intervals.mean_amount([3.0, 3.0, 3.0], [1, 1, 1], np.arange(3))
    assert (alike.low, alike.high) == (3.0, 3.0)
    rng, held = np.random.default_rng(3), 0
    for _ in range(400):
        drawn = rng.exponential(10.0, 80)
        found = intervals.mean_amount(drawn, np.ones(80), np.arange(80), replicates=600)
        held += found.low <= 10.0 <= found.high
    assert 0.91 <= held / 400 <= 0.98


def test_the_interval_of_a_mean_amount_is_scipys_bca():
    drawn = np.random.default_rng(5).exponential(10.0, 60)
    found = intervals.mean_amount(drawn, np.ones(60), np.arange(60), replicates=9999)
    other = stats.bootstrap((drawn,), np.mean, n_resamples=9999, method="BCa", random_state=np.random.default_rng(1))
    assert found.low == pytest.approx(other.confidence_interval.low, rel=0.03)
    assert found.high == pytest.approx(other.confidence_interval.high, rel=0.03)


def newcombe_10(both, first, second, neither):
    """Method 10 of Newcombe (1998) written from its description, on the counts of a 2 × 2 table; of φ, where it is
    above 0, 1 / 2n is taken."""
    n = both + first + second + neither
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    phi = (both * neither - first * second) / math.sqrt(margins) if margins else 0.0
    phi = max(phi - 0.5 / n, 0) if phi > 0 else phi
    (a, (low_a, high_a)), (b, (low_b, high_b)) = (
        (k / n, proportion_confint(k, n, method="wilson")) for k in (both + first, both + second)
    )
    down, up = (
        math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))
        for x, y in ((a - low_a, high_b - b), (high_a - a, b - low_b))
    )
    return a - b - down, a - b + up


@pytest.mark.parametrize("counts", [(30, 3, 0, 17), (5, 3, 0, 2), (80, 12, 5, 3), (4, 6, 7, 3), (1, 8, 9, 2)])
def test_a_paired_difference_is_newcombes_with_a_little_off_its_correlation(counts):
    pairs = [pair for pair, count in zip(((1, 1), (1, 0), (0, 1), (0, 0)), counts, strict=True) for _ in range(count)]
    found = intervals.difference(*(np.array(side, dtype=float) for side in zip(*pairs, strict=True)))
    assert (found.low, found.high) == pytest.approx(newcombe_10(*counts), abs=1e-9)


@pytest.mark.parametrize("n", [10, 100])
@pytest.mark.parametrize("in_clusters_of", [1, 5])
def test_arms_that_agree_on_every_problem_may_still_differ_on_others(n, in_clusters_of):
    """Had they differed on 1 of n problems in the population, n would often show none."""
    same = np.arange(n) % 2.0
    found = intervals.difference(same, same, np.arange(n) // in_clusters_of)
    held = n // in_clusters_of
    assert found.value == 0
    assert found.high >= 3.8414 / (held + 3.8414) - 1e-4
    assert found.low == -found.high
