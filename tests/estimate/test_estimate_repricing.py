"""What calls would cost otherwise, against values worked out by hand; what is unknown stays unknown."""

import polars as pl
import pytest

from fourdials import query
from fourdials.estimate import repricing
from fourdials.records import Price
from tests.ledger_rows import Ledger, stored

ROWS = [
    Price("m", "2026-01-01", 1.0, 2.0),
    Price("m", "2026-06-01", 0.5, 1.0, cached_usd=0.1),
    Price("other", "2026-01-01", 10.0, 20.0),
]
JULY = 1_782_900_000.0  # 2026-07-01
MARCH = 1_772_400_000.0  # 2026-03-01
USED = {
    "experiment_id": "e",
    "arm": "a",
    "dial": "parallel",
    "model": "m",
    "trials": 4,
    "calls": 8,
    "prompt_tokens": 1_000_000,
    "cached_tokens": 400_000,
    "cache_write_tokens": 0,
    "completion_tokens": 500_000,
    "usd": 2.0,
    "usd_paid": 1.9,
}


def priced(at, instead=None, parameters=None, **changes):
    return repricing.repriced(pl.DataFrame([USED | changes]), ROWS, at, instead, parameters).row(0, named=True)


def test_the_row_of_the_day_prices_the_tokens():
    assert priced(MARCH)["new_usd"] == pytest.approx(1.0 + 1.0)
    july = priced(JULY)
    assert (july["new_usd"], july["price_day"]) == (pytest.approx(0.5 + 0.5), "2026-06-01")
    assert july["new_paid_usd"] == pytest.approx(0.6 * 0.5 + 0.4 * 0.1 + 0.5)


def test_another_models_prices_can_be_taken():
    assert priced(JULY, instead="other")["new_usd"] == pytest.approx(10 + 10)


def test_what_is_unknown_has_no_price():
    assert priced(JULY, model="nobody")["new_usd"] is None
    assert priced(0.0)["new_usd"] is None  # before the first row
    assert priced(JULY, completion_tokens=None)["new_usd"] is None
    assert priced(JULY, cached_tokens=None)["new_paid_usd"] is None
    assert priced(JULY, cached_tokens=None)["new_usd"] == pytest.approx(1.0)


def test_flops_are_two_for_each_parameter_and_token():
    assert priced(JULY, parameters={"m": 7_000})["flops"] == 2 * 7_000 * 1_500_000
    assert priced(JULY, parameters={"m": None})["flops"] is None
    assert priced(JULY)["flops"] is None


def test_an_arm_is_the_sum_of_its_models_over_its_trials():
    frame = pl.DataFrame([USED, USED | {"model": "other", "usd": 6.0, "usd_paid": None, "calls": 4}])
    row = repricing.per_trial(repricing.repriced(frame, ROWS, JULY)).row(0, named=True)
    assert (row["usd"], row["usd_paid"], row["calls"], row["trials"]) == (2.0, None, 3.0, 4)
    assert row["new_usd"] == pytest.approx((1.0 + 20.0) / 4)


def test_tokens_are_summed_over_calls_without_grading_and_failures(tmp_path):
    ledger = Ledger(planned_trials=1)
    ledger.arm("vote", levels=(1,))
    ledger.problem("p1")
    trial_id = ledger.trial_id("p1", "vote")
    ledger.call(trial_id, prompt=10, completion=5, usd_paid=0.01)
    ledger.call(trial_id, prompt=20, completion=None)
    ledger.call(trial_id, role="grade", prompt=1000, completion=1000)
    ledger.call(trial_id, error={"type": "x"}, prompt=None, completion=None)
    ledger.checkpoint(trial_id, 0, 1, 1.0)
    ledger.trial("p1", "vote")
    row = query.run(stored(tmp_path, ledger), "priced_tokens", experiment_ids="exp").row(0, named=True)
    assert (row["trials"], row["calls"], row["prompt_tokens"], row["completion_tokens"]) == (1, 2, 30, None)
    assert (row["usd"], row["usd_paid"], row["paid_known"]) == (None, None, 1)


def test_a_trials_cost_is_the_mean_over_problems_with_an_interval_and_unknown_ones_have_none(tmp_path):
    ledger = Ledger(planned_trials=6)
    ledger.arm("vote", levels=(1,))
    ledger.arm("free", levels=(1,))
    for i, tokens in enumerate((10, 20, 60)):
        ledger.problem(f"p{i}")
        for name in ("vote", "free"):
            trial_id = ledger.trial_id(f"p{i}", name)
            if name == "vote":
                ledger.call(trial_id, prompt=tokens, completion=0, usd=0.5, usd_paid=None if i else 0.1)
                ledger.call(trial_id, role="grade", prompt=1000, completion=1000)
            ledger.checkpoint(trial_id, 0, 1, 1.0)
            ledger.trial(f"p{i}", name, block=i)
    store = stored(tmp_path, ledger)
    rows = repricing.repriced(query.run(store, "priced_problems", experiment_ids="exp"), ROWS, JULY, "m")
    found = {(row["arm"], row["what"]): row for row in repricing.per_trial_bounds(rows).iter_rows(named=True)}
    tokens = found["vote", "total_tokens"]
    assert (tokens["value"], tokens["n"], tokens["clusters"], tokens["method"]) == (30.0, 3, 3, "BCa bootstrap")
    assert 10 <= tokens["low"] < 30 < tokens["high"] <= 60
    assert found["vote", "usd"]["value"] == found["vote", "usd"]["low"] == 0.5
    assert found["vote", "new_usd"]["value"] == pytest.approx(30 * 0.5e-6)
    assert ("vote", "usd_paid") not in found  # unknown for two of three
    assert found["free", "total_tokens"]["value"] == found["free", "new_usd"]["high"] == 0.0
    summed = repricing.per_trial(
        repricing.repriced(query.run(store, "priced_tokens", experiment_ids="exp"), ROWS, JULY)
    )
    assert summed.filter(arm="vote")["total_tokens"][0] == tokens["value"]
