"""What a measurement can tell: by hand, against simulations, and against an ordinary least-squares fit."""

import math

import numpy as np
import polars as pl
import pytest
from scipy.optimize import curve_fit

from fourdials import theory
from fourdials.errors import InputError
from fourdials.estimate import quality


def test_shares_of_a_variance_by_hand():
    # A range of 16 is 4 doublings: variance 16/12. β² · 16/12 = .0025 · 4/3 = 1/300; σ² = 1/300; p(1 − p)/n = 1/300.
    found = theory.explained(16.0, 0.05, 1 / math.sqrt(300), 0.5, 75)
    assert found.spend == pytest.approx(1 / 3)
    assert found.arrangement == pytest.approx(1 / 3)
    assert found.chance == pytest.approx(1 / 3)


def test_a_wider_range_lets_spend_explain_more_and_none_at_all_nothing():
    found = theory.explained([1, 2, 10, 1000], 0.05, 0.05, 0.4, 100)
    assert found.spend[0] == 0
    assert (np.diff(found.spend) > 0).all()
    assert found.spend + found.arrangement + found.chance == pytest.approx(np.ones(4))
    with pytest.raises(InputError, match="nothing varies"):
        theory.explained(1.0, 0.05, 0.0, 1.0, 100)


@pytest.mark.parametrize("ratio", [2.0, 30.0, 500.0])
def test_studies_that_are_drawn_explain_as_much_as_the_formula_says(ratio):
    drawn = theory.draw_explained(ratio, 0.05, 0.05, 0.5, 100, configurations=2000, trials=300)
    error = drawn.std() / math.sqrt(300)
    assert drawn.mean() == pytest.approx(
        float(theory.explained(ratio, 0.05, 0.05, 0.5, 100).spend), abs=5 * error + 1e-3
    )


def test_the_ends_of_a_share_solve_fiellers_equation():
    base, gain, kept, n, r = 0.3, 0.25, 0.85, 400, 0.3
    found = theory.share_kept(base, gain, kept, n, r)
    valid, invalid = base + gain, base + kept * gain
    sb, sv, si = (math.sqrt(p * (1 - p)) for p in (base, valid, invalid))
    cov = np.array(
        [[sb**2, r * sb * sv, r * sb * si], [r * sb * sv, sv**2, r * sv * si], [r * sb * si, r * sv * si, si**2]]
    )
    for end in (found.low, found.high):
        weights = np.array([end - 1, -end, 1.0])  # (invalid − base) − θ(valid − base)
        told = (invalid - base) - end * (valid - base)
        assert told**2 == pytest.approx(1.959964**2 * weights @ cov @ weights / n, rel=1e-6)
    assert found.low < kept < found.high


def test_a_share_of_a_gain_that_cannot_be_told_from_none_has_no_bounds():
    assert theory.share_kept(0.3, 0.02, 0.8, 200) == theory.Kept(-math.inf, math.inf)
    assert math.isfinite(theory.share_kept(0.3, 0.02, 0.8, 200_000).low)


def test_the_interval_of_a_share_holds_the_truth_as_often_as_it_says():
    base, gain, kept, n = 0.3, 0.3, 0.8, 500
    rng = np.random.default_rng(0)
    rates = rng.binomial(n, [base, base + gain, base + kept * gain], (4000, 3)) / n
    held = []
    for b, v, i in rates:
        d_v, d_i = v - b, i - b
        found = theory.share_kept(b, d_v, d_i / d_v, n)
        held.append(found.low <= kept <= found.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_trajectory_quality_is_the_declared_formula_of_measured_trials():
    trials = pl.DataFrame({"score": [0.8], "steps": [10], "oracle_steps": [4.0], "loops": [2], "invalid": [1]})
    measured = trials.select(quality.MEASURES["trajectory_quality"]).item()
    assert theory.trajectory_quality(0.8, 2.5, 0.2, 0.1) == pytest.approx(measured)
    assert measured == pytest.approx(0.8 * 0.4 * 0.8 * 0.9)


def test_every_family_starts_low_ends_at_about_six_tenths_and_rises():
    spend = np.geomspace(1, 100, 50)
    for place in range(len(theory.FAMILIES)):
        curve = theory.rising(place, spend)
        assert (np.diff(curve) > 0).all()
        assert curve[0] < 0.21
        assert curve[-1] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("place", range(4))
def test_the_true_family_wins_with_enough_problems_and_rows_add_up(place):
    won = theory.family_wins(place, 10, [20, 100_000], trials=100)
    assert won.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert won[1].argmax() == place
    assert won[0, place] < won[1, place] or won[1, place] == 1.0


def test_a_family_with_too_many_numbers_for_the_budgets_cannot_win():
    won = theory.family_wins(3, 4, [10_000], trials=50)
    assert won[0, 1] == won[0, 3] == 0.0


def test_the_grid_of_a_family_comes_as_close_as_a_free_fit():
    from fourdials.theory.measuring import _misfit

    spend = np.geomspace(1, 100, 8)
    seen = theory.rising(1, spend) + 0.02 * np.random.default_rng(3).standard_normal(8)
    weight = np.ones(8) / 0.02

    def curve(x, limit, drop, power):
        return limit - drop * x**-power

    fitted, _ = curve_fit(curve, spend, seen, p0=(0.6, 0.4, 0.4), maxfev=10_000)
    free = float((((seen - curve(spend, *fitted)) * weight) ** 2).sum())
    [grid] = _misfit(1, spend, seen[None, :], weight)
    assert free - 1e-6 <= grid <= free + 0.1
