"""What scripts/coverage counts: its truths are those of theory, and what it publishes is read off its own tables."""

import importlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import beta

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def scripts():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield importlib.import_module("coverage_curves"), importlib.import_module("coverage")


def test_the_truths_of_pools_are_those_of_their_beta_distribution(scripts):
    curves, _ = scripts
    spread = beta(*curves.EASY)
    for k in (1, 4):
        assert curves.passes(k) == pytest.approx(spread.expect(lambda p, k=k: 1 - (1 - p) ** k))
    assert curves.majorities(1) == pytest.approx(spread.mean(), abs=1e-6)
    assert curves.majorities(3) == pytest.approx(spread.expect(lambda p: 3 * p**2 - 2 * p**3), abs=1e-6)
    assert curves.passes(8, curves.EVEN) == pytest.approx(8 / 9)  # ∫ 1 − (1 − p)^8 dp
    assert curves.majorities(2) == pytest.approx(curves.majorities(1), abs=1e-6)  # of two, the first one's answer


def test_the_truth_of_the_most_trusted_sample_is_that_of_many_pools(scripts):
    curves, _ = scripts
    assert curves.picks(1) == pytest.approx(0.6, abs=1e-3)
    drawn = curves.sampled(4000, np.random.default_rng(3))
    first = drawn.weight[:, : curves.VOTES].argmax(axis=1)
    assert drawn.right[np.arange(4000), first].mean() == pytest.approx(curves.BEST, abs=0.02)


def test_simulated_scores_have_the_values_they_are_drawn_from(scripts):
    curves, _ = scripts
    rng = np.random.default_rng(1)
    truth = curves.power(np.array(curves.SPENDS))
    rows = curves.points(truth, 4000, rng, "a", rng.random(4000))
    held = rows.group_by("level").agg(pl.col("gain").sum())
    found = np.cumsum(held.sort("level")["gain"].to_numpy()) / 4000
    assert found == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("measure", ["of_curve", "of_pass", "of_selection", "of_crossover"])
def test_a_quantity_is_measured_with_its_truth_near_its_interval(scripts, measure):
    curves, _ = scripts
    for held, truth in getattr(curves, measure)(400, np.random.default_rng(2), 0).values():
        low, high = held
        assert low < high
        assert low - (high - low) <= truth <= high + (high - low)


def test_the_cells_beyond_the_aim_are_read_off_the_tables(scripts):
    _, coverage = scripts
    section = "\n".join(
        [
            "### Shares: made up",
            "| problems | 0.05 | 0.1 | 0.9 |",
            "|---|---|---|---|",
            "| 10 | **99.9** (1; 1) | **99.9** (1; 1) | **99.9** (1; 1) |",
            "| 50 | **99.9** (1; 1) | **95.0** (1; 1) | **97.4** (1; 1) |",
        ]
    )
    said = coverage.beyond(section)
    assert "Of the 2 cells with n ≥ 50 and 0.1 ≤ p ≤ 0.9, 1 hold" in said
    assert "- shares: made up, n = 50, p = 0.9: 97.4" in said
    assert "n = 10" not in said
