"""Estimators against independent references on random inputs: plain loops over problems, scipy, statsmodels.

Best-of-n, votes and coverage have theirs in `test_estimate_pool`: every subset of the pool, one by one, since the
library that would be the reference (its-hub) is no dependency.
"""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, permutation_test, quantile_test
from statsmodels.stats.proportion import proportion_confint

from fourdials import estimate, worth
from fourdials.estimate import crossings, difficulty, frontier, panel, pool, quality
from fourdials.estimate.intervals import resamples
from tests.point_rows import points
from tests.recordings import trial

SEEDS = st.integers(0, 10_000)


def stairs(rng, arm, problems=7, repeats=2):
    """Units of an arm: for each problem and repeat the stops of a random trial, some of which never answer."""
    units = []
    for problem in range(problems):
        for repeat in range(repeats):
            spends = sorted(rng.choice(np.arange(1, 30), size=rng.integers(0, 5), replace=False).tolist())
            stops = [(spend, float(rng.integers(0, 3)) / 2) for spend in spends]
            units.append((arm, f"p{problem}", repeat, stops, {"cluster": f"c{problem // 2}"}))
    return units


def value_at(units, budget):
    """The mean over problems of the mean over repeats of the last score that the budget pays for, and 0 before."""
    by_problem = {}
    for _, problem, _, stops, *_ in units:
        paid = [score for spend, score in stops if spend <= budget]
        by_problem.setdefault(problem, []).append(paid[-1] if paid else 0.0)
    return float(np.mean([np.mean(scores) for scores in by_problem.values()]))


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_curves_differences_and_panels_are_those_of_a_loop_over_trials(seed):
    rng = np.random.default_rng(seed)
    a, b = stairs(rng, "a"), stairs(rng, "b")
    frame, grid = points(a + b), [1.0, 4.0, 9.0, 15.0, 40.0]
    curve = estimate.curves(frame, grid=grid, replicates=50)
    values = {(arm, spend): value for arm, spend, value in curve.select("arm", "spend", "value").rows()}
    for budget in grid:
        for arm, units in (("a", a), ("b", b)):
            if (arm, budget) in values:
                assert values[arm, budget] == pytest.approx(value_at(units, budget))
        found = estimate.paired_difference(frame, "a", "b", budget, replicates=50)
        assert found.value == pytest.approx(value_at(a, budget) - value_at(b, budget))
    held = panel.panel([frame.filter(arm="a"), frame.filter(arm="b")], grid)
    assert held.values.mean(axis=1) == pytest.approx(np.array([[value_at(x, g) for g in grid] for x in (a, b)]))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_crossover_is_that_of_a_loop_from_the_last_budget_back(seed):
    rng = np.random.default_rng(seed)
    a, b = stairs(rng, "a", repeats=1), stairs(rng, "b", repeats=1)
    grid = np.arange(1.0, 31.0)
    found = crossings.crossover(points(a), points(b), grid, replicates=20)
    gaps = [value_at(a, g) - value_at(b, g) for g in grid]
    signs = [0 if abs(gap) < 1e-9 else int(math.copysign(1, gap)) for gap in gaps]
    place = len(signs)
    while place and signs[place - 1] == signs[-1]:
        place -= 1
    crossed = signs[-1] != 0 and -signs[-1] in signs[:place]
    assert found.spend == (grid[place] if crossed else None)
    assert found.leader_after == {1: "a", -1: "b", 0: "neither"}[signs[-1]]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-3, 3).map(lambda x: round(x, 2)), min_size=4, max_size=9))
def test_sign_flips_of_clusters_are_scipys_permutation_test(gaps):
    values = np.array(gaps)
    if not np.abs(values).max() > 1e-9:
        assert estimate.differences.sign_flips(values) == 1.0
        return
    exact = permutation_test(
        (values, np.zeros_like(values)),
        lambda x, y, axis: (x - y).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
        alternative="two-sided",
    )
    assert estimate.differences.sign_flips(values) == pytest.approx(min(1.0, exact.pvalue), abs=0.02)


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("n", [40, 100, 333])
def test_quantile_intervals_lie_at_scipys_order_statistics_or_one_further_out(n, share):
    values = np.sort(np.random.default_rng(n).exponential(size=n))
    _, low, high = frontier.quantile_interval(values, share, n)
    known = quantile_test(values, q=0, p=share, alternative="two-sided").confidence_interval(0.95)
    ours = [int(np.searchsorted(values, end)) for end in (low, high)]
    scipys = [0 if math.isnan(known.low) else int(np.searchsorted(values, known.low))]
    scipys += [n - 1 if math.isnan(known.high) else int(np.searchsorted(values, known.high))]
    assert 0 <= scipys[0] - ours[0] <= 1
    assert 0 <= ours[1] - scipys[1] <= 1


def operated(rng, arms, problems=30):
    """Rows of `operating_points` with random scores, dollars and seconds, three problems a cluster."""
    return pl.DataFrame(
        [
            {
                "experiment_id": "e",
                "arm": arm,
                "level": 1,
                "task": "toy",
                "problem_id": f"p{i:03}",
                "cluster_id": f"c{i // 3:03}",
                "score": float(rng.integers(0, 2)),
                "usd": float(rng.exponential()) / 100,
                "total_tokens": float(rng.integers(10, 900)),
                "modelled_s": float(rng.exponential()),
                "critical_path_s": float(rng.exponential()),
            }
            for arm in arms
            for i in range(problems)
        ]
    )


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_which_arm_and_the_bill_are_those_of_a_bootstrap_written_as_a_loop(seed):
    rng, draws = np.random.default_rng(seed), 40
    rows = operated(rng, ["a", "b"])
    held = frontier.read(rows, seed=3, replicates=draws)
    limits = {"accuracy": 0.5, "usd": 0.0101, "p95_s": 3.0}
    found = dict(frontier.which_arm(held, **limits).select("arm", "probability").rows())
    for arm in "ab":
        own, kept = rows.filter(arm=arm).sort("problem_id"), 0
        for counts in resamples(10, 3, draws):
            again = np.repeat(np.arange(30), np.repeat(counts.astype(int), 3))
            seconds = np.sort(own["modelled_s"].to_numpy()[again])
            p95 = seconds[math.ceil(0.95 * len(seconds) - 1e-9) - 1]
            dear = own["usd"].to_numpy()[again].mean() > limits["usd"]
            kept += own["score"].to_numpy()[again].mean() >= 0.5 - 1e-9 and not dear and p95 <= 3.0
        assert found[arm] == pytest.approx(kept / draws)
    bill = frontier.monthly_bill(rows, 250.0)
    for arm in "ab":
        by_hand = rows.filter(arm=arm)["usd"].mean() * 250 * 365.25 / 12
        assert bill.filter(arm=arm)["value"][0] == pytest.approx(by_hand)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_bins_are_means_of_their_problems_with_statsmodels_wilson_intervals(seed):
    rng = np.random.default_rng(seed)
    problems, samples = 60, 2
    right = rng.random((problems, samples)) < rng.random((problems, 1))
    frame = pl.DataFrame({"task": "t", "problem_id": [f"p{i:02}" for i in range(problems)]})
    frame = frame.with_columns(cluster_id=pl.col("problem_id"))
    held = pool.Pool(frame, np.arange(problems), right, right * 1.0, right * 1, None)
    binned = difficulty.bins(held, 3, seed)
    shown = {row["bin"]: row for row in difficulty.by_bin(binned).iter_rows(named=True)}
    ranks = sorted(binned.rows(named=True), key=lambda row: row["bin"])
    assert [row["bin"] for row in ranks] == [1] * 20 + [2] * 20 + [3] * 20
    for place, row in shown.items():
        scores = [each["score"] for each in ranks if each["bin"] == place]
        low, high = proportion_confint(sum(scores), 20, method="wilson")
        assert (row["value"], row["low"], row["high"]) == pytest.approx((np.mean(scores), low, high))
    worst = max(row["binned_on"] for row in ranks if row["bin"] == 1)
    assert worst <= min(row["binned_on"] for row in ranks if row["bin"] == 3)


def test_a_saving_is_read_off_numpys_line_through_uniforms_levels():
    assert sum(savings_read_off(np.random.default_rng(seed)) for seed in range(6)) >= 4


def savings_read_off(rng):
    """Checks each saving stated of 24 random trials, of which some are right late; how many were."""
    right = [(0.1, 0.2, 0.9) if late else (1, 1, 0.9) for late in rng.random(24) < 0.4]
    trials = [
        trial(i, [(1, "x", float(rng.random() < p)), (2, "y", float(rng.random() < q)), (4, "z", rng.random() < r)])
        for i, (p, q, r) in enumerate(right)
    ]
    held = worth.replays(trials, [400.0, 600.0], replicates=100)
    uniform = worth.worth(held).filter(policy="uniform").sort("spent")
    risen = np.maximum.accumulate(uniform["value"].to_numpy())
    stated = worth.savings(held).filter(pl.col("ratio").is_not_null())
    for row in stated.iter_rows(named=True):
        first = int(np.argmax(risen >= row["value"] - 1e-12))
        ends = slice(max(0, first - 1), first + 1)
        spend = np.interp(row["value"], risen[ends], uniform["spent"].to_numpy()[ends])
        assert row["ratio"] == pytest.approx(spend / row["spent"])
    return stated.height


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_quality_differences_are_paired_means_stretched_for_the_number_of_measures(seed):
    rng = np.random.default_rng(seed)
    n = 40
    shared = {"experiment_id": "e", "task": "t", "problem_id": [f"p{i:02}" for i in range(n)], "repeat": 0}
    empty = dict.fromkeys(("notes", "notes_stale", "notes_contradicted", "notes_duplicate", "plan_tokens"), 0)
    verified = {"a": rng.integers(30, 60, n), "b": rng.integers(0, 20, n)}
    trials = pl.concat(
        pl.DataFrame(
            {
                **shared,
                **empty,
                "cluster_id": shared["problem_id"],
                "arm": arm,
                "score": 1.0,
                "steps": 0,
                "loops": 0,
                "invalid": 0,
                "prompt_tokens": 60,
                "completion_tokens": 40,
                "execute_tokens": 0,
                "verify_tokens": tokens,
            }
        )
        for arm, tokens in verified.items()
    )
    [row] = quality.ties(trials, margin=0.2).to_dicts()
    gaps = (verified["a"] - verified["b"]) / 100
    assert (row["measure"], row["success"]) == ("verification_cost", 0.0)
    assert row["value"] == pytest.approx(gaps.mean())
    alone = estimate.intervals.difference(verified["a"] / 100, verified["b"] / 100)
    wider = norm.ppf(1 - 0.05 / (2 * (len(quality.MEASURES) - 1))) / norm.ppf(0.975)
    assert row["low"] == pytest.approx(alone.value - wider * (alone.value - alone.low))
    assert row["high"] == pytest.approx(alone.value + wider * (alone.high - alone.value))
