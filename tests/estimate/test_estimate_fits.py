"""Fits against curves of known shape, scipy's optimisers, and noise that holds no shape."""

import numpy as np
import polars as pl
import pytest
from scipy.optimize import curve_fit

from fourdials.errors import InputError
from fourdials.estimate import fits
from tests.point_rows import points

SPENDS = np.geomspace(10, 10_000, 10)


def drawn(shape, n=300, seed=0, share=0.0):
    """Problems that turn right at the budgets a curve says: each has a threshold u, and is right where shape(T) > u."""
    rng = np.random.default_rng(seed)
    units = []
    for i in range(n):
        u = rng.random(len(SPENDS)) if share else np.full(len(SPENDS), rng.random())
        units.append(("a", f"p{i}", 0, [(t, float(shape(t) > v)) for t, v in zip(SPENDS, u, strict=True)]))
    return points(units)


SHAPES = {
    "logarithm": lambda t: 0.05 + 0.08 * np.log(t),
    "power": lambda t: 0.75 - 1.6 * t**-0.45,
    "exponential": lambda t: 0.8 * (1 - np.exp(-t / 300)),
    "logistic": lambda t: 0.7 / (1 + np.exp(-(np.log(t) - 6) / 0.4)),
    "quadratic": lambda t: 0.1 + 0.6 * (1 - ((np.log(t) - 5.8) / 3.6) ** 2),
}


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "power"])
def test_the_family_that_made_a_curve_is_found_again(name):
    found = fits.fit(drawn(SHAPES[name], n=1500), SPENDS, replicates=100)
    assert found.best == name
    assert found.evidence > 10
    assert np.abs(found.fitted - SHAPES[name](SPENDS)).max() < 0.04
    row = found.table.row(0, named=True)
    assert (row["family"], row["n"], row["clusters"]) == (name, 1500, 1500)
    assert row["wins"] > 0.5
    assert found.table["wins"].sum() == pytest.approx(1.0)


def test_an_asymptote_is_held_by_its_interval():
    hits = 0
    for seed in range(12):
        found = fits.fit(drawn(SHAPES["exponential"], n=200, seed=seed), SPENDS, replicates=200)
        row = found.table.filter(pl.col("family") == "exponential").row(0, named=True)
        hits += row["asymptote_low"] <= 0.8 <= row["asymptote_high"]
        assert row["asymptote_high"] - row["asymptote_low"] < 0.2
    assert hits >= 10
    line = found.table.filter(pl.col("family") == "logarithm").row(0, named=True)
    assert (line["asymptote"], line["asymptote_low"]) == (None, None)


def test_where_a_curve_levels_off_is_read_off_the_family_each_resample_takes():
    """By hand, up to ln T = 2: a constant .5; a line .1 + .1 ln T, which has reached .3 and goes on to
    .1 + .1 (2 + ln 100) = .7605; and a curve of .55 there whose peak is .6 at ln T = 3."""
    logs = np.linspace(0, 2, 5)
    spends = np.exp(logs)
    shapes = {"constant": 0 * logs + 0.5, "logarithm": 0.1 + 0.1 * logs, "quadratic": 0.6 - 0.05 * (logs - 3) ** 2}

    def ends(*taken):
        """The interval where one replicate takes each of these families, and is a curve of it."""
        rows = np.stack([shapes["constant"], *(shapes[name] for name in taken)])
        known = fits.families(spends)
        fitted = [fits.fit_family(known[name], spends, rows, np.eye(5)) for name in shapes]
        return fits.levels(fitted, np.array([list(shapes).index(name) for name in taken]), spends)

    assert ends("constant") == pytest.approx((0.5, 0.5))
    assert ends("logarithm") == pytest.approx((0.3, 0.1 + 0.1 * (2 + np.log(100))))
    assert ends("quadratic") == pytest.approx((0.55, 0.6), abs=1e-3)
    mixed = ends(*["constant"] * 40, "logarithm", *["quadratic"] * 40)  # one in 81 is left out on either side
    assert mixed == pytest.approx((0.5, 0.6), abs=1e-3)


def test_an_asymptote_that_many_families_tell_differently_is_not_determined():
    few = fits.fit(drawn(SHAPES["power"], n=60), SPENDS[:6], replicates=200)
    assert few.undetermined
    assert few.asymptote_low <= 0.75 <= few.asymptote_high
    many = fits.fit(drawn(SHAPES["exponential"], n=1500), SPENDS, replicates=200)
    assert not many.undetermined
    assert many.asymptote_low <= many.asymptote <= many.asymptote_high
    assert many.asymptote_low <= 0.8 <= many.asymptote_high < 0.9


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5])
def test_six_problems_that_score_alike_do_not_settle_where_others_level_off(score):
    units = [("a", f"p{i}", 0, [(t, score) for t in SPENDS]) for i in range(6)]
    found = fits.fit(points(units), SPENDS, replicates=50)
    assert found.best == "constant"
    assert found.asymptote_low <= score <= found.asymptote_high
    assert found.asymptote_high - found.asymptote_low > 0.38  # Wilson's of 0 or 6 of 6


def test_no_family_beats_a_constant_where_nothing_changes():
    named = [fits.fit(drawn(lambda t: 0.4, n=150, seed=s, share=1.0), SPENDS, replicates=60).best for s in range(20)]
    assert named.count("constant") >= 17


@pytest.mark.parametrize("name", ["logarithm", "power", "exponential", "logistic", "quadratic"])
def test_a_fit_is_that_of_scipy_on_the_same_weights(name):
    forms = {
        "logarithm": (lambda t, a, b: a + b * np.log(t), (0.1, 0.1)),
        "power": (lambda t, a, b, g: a - b * t**-g, (0.8, 1.0, 0.5)),
        "exponential": (lambda t, a, tau: a * (1 - np.exp(-t / tau)), (0.7, 300.0)),
        "logistic": (lambda t, a, m, s: a / (1 + np.exp(-(np.log(t) - m) / s)), (0.7, 6.0, 0.5)),
        "quadratic": (lambda t, a, b, c: a + b * np.log(t) + c * np.log(t) ** 2, (0.1, 0.1, 0.01)),
    }
    rng = np.random.default_rng(1)
    value = SHAPES[name](SPENDS) + rng.normal(0, 0.01, len(SPENDS))
    spread = np.linspace(0.01, 0.04, len(SPENDS))
    sigma = np.outer(spread, spread) * (0.5 * np.eye(len(SPENDS)) + 0.5)
    form, start = forms[name]
    best, _ = curve_fit(form, SPENDS, value, p0=start, sigma=sigma, maxfev=20_000)
    off = value - form(SPENDS, *best)
    least = float(off @ np.linalg.solve(sigma, off))
    family = fits.families(SPENDS)[name]
    found = fits.fit_family(family, SPENDS, value[None, :], np.linalg.inv(np.linalg.cholesky(sigma)))
    assert least - 1e-6 <= found.misfit[0] <= least + 0.5  # the grid's steps cost that much at most
    assert found.predict(SPENDS)[0] == pytest.approx(form(SPENDS, *best), abs=0.01)


def test_aicc_is_as_written_down_by_hand():
    assert fits.aicc(np.array([5.0]), 3, 10)[0] == pytest.approx(5 + 6 + 2 * 3 * 4 / 6)
    assert np.isinf(fits.aicc(np.array([5.0]), 3, 4)[0])


def test_the_covariance_has_binomial_variances_and_half_the_correlations():
    rng = np.random.default_rng(2)
    draws = rng.multivariate_normal([0.5, 0.5], [[1e-4, 8e-5], [8e-5, 1e-4]], 5000)
    found = fits.covariance(np.vstack([[0.5, 0.0], draws]), 96)
    assert found[0, 0] == pytest.approx(0.25 / 96)
    assert found[1, 1] == pytest.approx(0.02 * 0.98 / 96)  # (0 + 2) / (96 + 4), never nothing
    assert found[0, 1] / np.sqrt(found[0, 0] * found[1, 1]) == pytest.approx(0.4, abs=0.02)


def test_repeats_that_settle_each_problem_tell_a_slope_that_single_answers_would_not():
    """60 problems of which each climbs from about .5 by 6 points: that is sure, though 60 coins would scatter by 6."""
    rng = np.random.default_rng(4)
    climb = np.linspace(0.5, 0.56, len(SPENDS))
    units = [
        ("a", f"p{i}", 0, list(zip(SPENDS, (climb + rng.normal(0, 0.03)).tolist(), strict=True))) for i in range(60)
    ]
    found = fits.fit(points(units), SPENDS, replicates=100)
    assert found.best != "constant"
    assert found.evidence > 10


def test_the_budget_where_gains_fall_below_their_price_is_where_the_slope_does():
    """0.05 + 0.08 ln T gains 0.08 / T a unit, which falls below 0.0001 at 800."""
    found = fits.fit(drawn(SHAPES["logarithm"], n=1500), SPENDS, price=1e-4, replicates=100)
    assert found.stop_low <= 800 <= found.stop_high
    assert found.stop_at == pytest.approx(800, rel=0.12)
    free = fits.fit(drawn(SHAPES["logarithm"], n=100), SPENDS, price=1e-12, replicates=50)
    assert (free.stop_at, free.stop_low) == (None, None)
    assert fits.fit(drawn(SHAPES["logarithm"], n=100), SPENDS, replicates=20).stop_at is None
    with pytest.raises(InputError, match="above 0"):
        fits.fit(drawn(SHAPES["logarithm"], n=100), SPENDS, price=0.0, replicates=20)


def test_the_last_budget_left_out_is_missed_by_the_wrong_family_only():
    found = fits.fit(drawn(SHAPES["exponential"], n=1500), SPENDS, replicates=100)
    missed = dict(found.table.select("family", "last_error").rows())
    assert abs(missed["exponential"]) < 0.03
    assert missed["logarithm"] > 0.08  # it does not see the curve flatten
    row = found.table.filter(pl.col("family") == "exponential").row(0, named=True)
    assert row["last_error_low"] <= row["last_error"] <= row["last_error_high"]


def test_default_budgets_are_where_levels_have_been_reached():
    frame = drawn(SHAPES["power"], n=20)
    levels = pl.Series("level", np.tile(np.arange(1, 11), 20))
    assert fits.default_budgets(frame.with_columns(levels)) == pytest.approx(SPENDS)
    assert fits.default_budgets(frame) == pytest.approx(np.geomspace(10, 10_000, 12))
    assert len(fits.default_budgets(frame.clear())) == 0


def test_too_little_to_fit_is_refused():
    with pytest.raises(InputError, match="at least 5, all above 0"):
        fits.fit(drawn(SHAPES["power"]), [1, 2, 3])
    with pytest.raises(InputError, match="got 3 clusters"):
        fits.fit(drawn(SHAPES["power"], n=3), SPENDS)
