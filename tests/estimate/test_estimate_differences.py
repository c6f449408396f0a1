"""Differences of two subjects against hand-computed values, scipy and statsmodels, and simulation."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar

from fourdials import estimate, query
from fourdials.errors import InputError
from fourdials.estimate import NEWCOMBE, crossings, differences, intervals
from tests.ledger_rows import stored, two_arms
from tests.point_rows import many, points


def test_a_paired_difference_counts_who_was_better_and_is_narrower_than_two_intervals():
    rng = np.random.default_rng(5)
    base = rng.integers(0, 2, 100).astype(float)
    better = base.copy()
    better[np.flatnonzero(base == 0)[:12]] = 1.0
    better[np.flatnonzero(base == 1)[:2]] = 0.0
    frame = points(many("a", better) + many("b", base))
    found = estimate.paired_difference(frame, "a", "b", 10.0)
    assert (found.value, found.n, found.a_better, found.b_better) == (pytest.approx(0.10), 100, 12, 2)
    gaps = better - base
    half = norm.ppf(0.975) * gaps.std() / 10
    assert [found.low, found.high] == pytest.approx([0.1 - half, 0.1 + half], abs=0.02)
    curve = estimate.curves(frame)
    assert found.high - found.low < (curve["high"] - curve["low"]).min()


def test_a_paired_difference_before_the_first_answer_is_nothing_and_of_strangers_none():
    frame = points(many("a", [1.0] * 30) + many("b", [0.0] * 30, spend=5.0))
    assert estimate.paired_difference(frame, "a", "b", 1.0).value == 0.0
    assert estimate.paired_difference(frame, "a", "b", 10.0).value == 1.0
    assert estimate.paired_difference(frame, "a", "nobody", 10.0) is None


def test_newcombes_paired_interval_agrees_with_his_published_example():
    """Newcombe 1998, table II, method 10 without continuity correction: 36, 12, 2, 0 of 50 gives 0.0569 to 0.3404."""
    a = [1.0] * 36 + [1.0] * 12 + [0.0] * 2
    b = [1.0] * 36 + [0.0] * 12 + [1.0] * 2
    interval = intervals.difference(a, b)
    assert interval.method == NEWCOMBE
    assert [interval.low, interval.high] == pytest.approx([0.0569, 0.3404], abs=0.001)


@pytest.mark.parametrize(("n", "expected"), [(25, 0.293), (100, 0.15), (400, 0.077), (2, 1.0), (0, 1.0)])
def test_the_detectable_difference_shrinks_with_the_root_of_the_problems(n, expected):
    assert estimate.detectable_difference(n) == pytest.approx(expected, abs=0.006)


def test_the_detectable_difference_is_found_four_times_in_five():
    n, d, share = 200, estimate.detectable_difference(200), 0.3
    rng = np.random.default_rng(9)
    counts = rng.multinomial(n, [(share + d) / 2, (share - d) / 2, 1 - share], size=4000)
    z = np.abs(counts[:, 0] - counts[:, 1]) / np.sqrt(counts[:, 0] + counts[:, 1])
    assert (z > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.03)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_the_exact_p_is_that_of_statsmodels(b, c):
    if b + c:
        assert differences.exact_p(b, c) == pytest.approx(mcnemar([[5, b], [c, 7]], exact=True).pvalue)
    else:
        assert differences.exact_p(b, c) == 1.0


def test_a_difference_at_a_budget_tells_the_test_and_whether_it_is_real():
    a, b = [1.0] * 30 + [0.0] * 30, [1.0] * 10 + [0.0] * 50
    found = estimate.paired_difference(points(many("a", a) + many("b", b)), "a", "b", 10.0)
    assert (found.a_better, found.b_better, found.test, found.distinguishable) == (20, 0, differences.McNEMAR, True)
    assert found.p == pytest.approx(2 * 0.5**20)
    assert found.n_needed is None


def test_what_cannot_be_told_apart_says_how_many_problems_would_tell():
    """60 problems, 12 of them scored differently, 8 to 4: d = 1/15, ψ = 1/5 gives Connor's 350."""
    a = [1.0] * 8 + [0.0] * 4 + [1.0] * 48
    b = [0.0] * 8 + [1.0] * 4 + [1.0] * 48
    found = estimate.paired_difference(points(many("a", a) + many("b", b)), "a", "b", 10.0)
    assert not found.distinguishable
    d, share = 4 / 60, 12 / 60
    by_hand = (norm.ppf(0.975) * share**0.5 + norm.ppf(0.8) * (share - d * d) ** 0.5) ** 2 / d**2
    assert found.n_needed == int(np.ceil(by_hand)) == 351
    same = estimate.paired_difference(points(many("a", a) + many("b", a)), "a", "b", 10.0)
    assert (same.n_needed, same.p, same.value) == (None, 1.0, 0.0)


def test_the_number_of_problems_needed_gives_the_power_promised():
    n = differences.problems_needed(0.1, 0.3)
    rng = np.random.default_rng(2)
    counts = rng.multinomial(n, [0.2, 0.1, 0.7], size=4000)
    z = np.abs(counts[:, 0] - counts[:, 1]) / np.sqrt(counts[:, 0] + counts[:, 1])
    assert (z > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.03)
    assert estimate.detectable_difference(n) == pytest.approx(0.1, abs=0.001)
    assert differences.problems_needed(0.0, 0.3) is None
    with pytest.raises(InputError, match="within 1"):
        differences.problems_needed(2.0, 0.3)


def test_whole_clusters_change_sign_where_problems_share_them():
    """Ten clusters of ten equal problems, all better under a: ten coins, not a hundred."""
    frame = points(many("a", [1.0] * 100, cluster_size=10) + many("b", [0.0] * 100, cluster_size=10))
    found = estimate.paired_difference(frame, "a", "b", 10.0)
    assert (found.test, found.clusters) == (differences.PERMUTED, 10)
    assert found.p == pytest.approx(2 / 2**10, abs=0.001)
    every = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    gaps = np.array([1.0, 2, 0.5, -1, 3, 1, 1, -0.5])
    exact = (np.abs(gaps @ every) >= abs(gaps.sum()) - 1e-9).mean()
    assert differences.sign_flips(gaps) == pytest.approx(exact, abs=0.01)


def test_problems_in_clusters_need_more_problems_than_problems_alone():
    rng = np.random.default_rng(4)
    a, b = np.repeat(rng.integers(0, 2, (2, 30)), 4, axis=1).astype(float)
    alone = estimate.paired_difference(points(many("a", a) + many("b", b)), "a", "b", 10.0)
    shared = estimate.paired_difference(points(many("a", a, 4) + many("b", b, 4)), "a", "b", 10.0)
    assert alone.n_needed > 0
    assert shared.n_needed / alone.n_needed == pytest.approx(4, rel=0.02)
    assert shared.high - shared.low > 1.5 * (alone.high - alone.low)


def test_a_difference_curve_ends_where_the_first_of_the_two_is_cut_off():
    frame = points(
        [("a", f"p{i}", 0, [(10, 0.0), (40, 1.0)]) for i in range(10)]
        + [("b", f"p{i}", 0, [(20, float(i < 5))], {"finished": False}) for i in range(10)]
    )
    a, b = (frame.filter(pl.col("arm") == arm) for arm in "ab")
    curve = differences.difference_curve(a, b, [5, 10, 20, 40])
    assert curve.select("spend", "value", "n").rows() == [(5, 0.0, 10), (10, 0.0, 10), (20, -0.5, 10)]
    assert curve["method"].unique().to_list() == [NEWCOMBE]
    assert differences.difference_curve(a, b.clear(), [5]).is_empty()


def test_an_arm_that_had_finished_stands_at_its_answer_as_far_as_the_other_goes():
    """b is done after 10 and right on half; a, cut off at 40, is right on all from 40 on: they are compared there."""
    done = points([("b", f"p{i}", 0, [(10, float(i < 5))], {"finished": True}) for i in range(10)])
    open_ended = points([("a", f"p{i}", 0, [(20, 0.0), (40, 1.0)], {"finished": False}) for i in range(10)])
    curve = differences.difference_curve(open_ended, done, crossings.common_budgets(open_ended, done))
    assert curve.select("spend", "value").rows() == [(10, -0.5), (20, -0.5), (40, 0.5)]
    cut = done.with_columns(finished=pl.lit(False))
    assert differences.difference_curve(open_ended, cut, [10, 20, 40])["spend"].to_list() == [10]
    both = open_ended.with_columns(finished=pl.lit(True))
    assert crossings.common_budgets(both, done)[-1] == 40


def test_flips_pair_repeats_and_show_both_answers_and_trials(tmp_path):
    store = stored(tmp_path, two_arms(problems=4))
    at = query.run(store, "answers_at", experiment_ids="exp", unit="total_tokens", spend=40.0)
    a, b = (at.filter(pl.col("arm") == arm) for arm in ("think", "vote"))
    rows = differences.flips(a, b).select("problem_id", "change", "answer_a", "trial_id_a", "trial_id_b").rows()
    assert rows == [(f"p{i}", "lost", "A", f"exp/toy/p{i}/think/0", f"exp/toy/p{i}/vote/0") for i in (1, 3)]
    assert differences.flips(a, a).is_empty()
    gained = differences.flips(b, a)
    assert gained["change"].to_list() == ["gained", "gained"]
    assert gained.select("score_a", "score_b").rows() == [(1.0, 0.0)] * 2


def crossing(rng, n, at):
    """a is right early on four in ten problems and never more; b is right on eight in ten, from `at` on."""
    units = []
    for i in range(n):
        units.append(("a", f"p{i}", 0, [(1, float(rng.random() < 0.4)), (100, 0.0)]))
        units[-1] = ("a", f"p{i}", 0, [(1, units[-1][3][0][1])], {"max_spend": 100.0})
        units.append(
            ("b", f"p{i}", 0, [(rng.uniform(at - 5, at + 5), float(rng.random() < 0.8))], {"max_spend": 100.0})
        )
    frame = points(units)
    return frame.filter(pl.col("arm") == "a"), frame.filter(pl.col("arm") == "b")


def test_a_crossover_is_found_where_it_was_put():
    a, b = crossing(np.random.default_rng(1), 200, at=30)
    found = crossings.crossover(a, b)
    assert (found.leader_before, found.leader_after, found.distinguishable) == ("a", "b", True)
    assert found.low <= 30 <= found.high  # half of 0.8 has arrived by then, as much as a ever has
    assert found.high - found.low < 12
    back = crossings.crossover(b, a)
    assert (back.leader_before, back.leader_after, back.spend) == ("b", "a", found.spend)


def test_arms_that_never_cross_or_are_alike_have_no_crossover_to_be_sure_of():
    rng = np.random.default_rng(3)
    a, _ = crossing(rng, 100, at=30)
    other = points([("b", f"p{i}", 0, [(1, float(rng.random() < 0.4))], {"max_spend": 100.0}) for i in range(100)])
    found = crossings.crossover(a, other)
    assert not found.distinguishable
    worse = points([("b", f"p{i}", 0, [(1, 0.0)], {"max_spend": 100.0}) for i in range(100)])
    never = crossings.crossover(a, worse)
    assert (never.spend, never.low, never.probability, never.leader_after) == (None, None, 0.0, "a")
    assert crossings.crossover(a, worse.clear()) is None


def test_a_lead_that_only_begins_is_seldom_taken_for_a_crossing():
    """Alike at the first four of eight budgets, b 25 points ahead from there on; chance lets a lead somewhere."""
    declared = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        chances = {"a": [0.5] * 8, "b": [0.5] * 4 + [0.75] * 4}
        frame = points(
            [
                (arm, f"p{i}", 0, [(1 + at, float(rng.random() < p)) for at, p in enumerate(ps)], {"max_spend": 8.0})
                for arm, ps in chances.items()
                for i in range(100)
            ]
        )
        a, b = frame.filter(pl.col("arm") == "a"), frame.filter(pl.col("arm") == "b")
        declared += crossings.crossover(a, b, replicates=200).distinguishable
    assert declared <= 3  # without a band over all budgets at once it is about half of them


def test_a_winner_in_tokens_that_loses_in_calls_is_flagged():
    """a answers in many cheap calls, b in one dear one: at half the range each wins in one unit."""

    def arm(name, spend, end):
        return points([(name, f"p{i}", 0, [(spend, 1.0)], {"max_spend": end}) for i in range(60)])

    table = crossings.winners(
        {"total_tokens": (arm("a", 10, 100), arm("b", 90, 100)), "calls": (arm("a", 16, 16), arm("b", 1, 16))},
        shares=(0.5, 1.0),
    )
    rows = table.select("unit", "share", "winner", "reversed").rows()
    assert rows == [
        ("total_tokens", 0.5, "a", True),
        ("total_tokens", 1.0, "undecided", False),
        ("calls", 0.5, "b", True),
        ("calls", 1.0, "undecided", False),
    ]
    assert crossings.winners({}).is_empty()
