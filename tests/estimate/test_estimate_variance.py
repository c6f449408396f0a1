"""Shares of variance against statsmodels, brute force over all orders, and simulations with a known answer."""

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest
from statsmodels.formula.api import ols

from fourdials import query
from fourdials.errors import InputError
from fourdials.estimate import variance
from tests.ledger_rows import stored, two_arms


def trials(rng, problems=80, effect=0.0, cap=True, budgets=(100, 400, 1600, 6400), slope=0.1):
    """Two models × two strategies × budgets × problems; `effect` is what the second strategy adds at equal tokens."""
    rows = []
    for i in range(problems):
        luck = rng.normal(0, 0.1)
        for model, strategy, budget in itertools.product("ab", ("single", "team"), budgets):
            tokens = budget * rng.uniform(0.5, 1)
            score = 0.2 + slope * np.log(tokens / 100) + effect * (strategy == "team") + luck + rng.normal(0, 0.15)
            row = {"experiment_id": "e", "arm": f"{strategy}-{budget}", "strategy": strategy, "model": model}
            row |= {"task": "toy", "problem_id": f"p{i}", "cluster_id": f"p{i}", "max_level": budget, "score": score}
            row |= {"total_tokens": int(tokens), "tool_calls": int(rng.integers(0, 9))}
            rows.append(row | {"cap": budget if cap else None})
    return pl.DataFrame(rows, schema_overrides={"cap": pl.Int64})


FORMULA = {
    "tokens": "np.log(total_tokens)",
    "tool calls": "np.log(tool_calls + 1)",
    "model": "C(model)",
    "architecture": "C(strategy)",
}


def value(found, factor, measure):
    return found.table.filter((pl.col("factor") == factor) & (pl.col("measure") == measure)).row(0, named=True)


def r2(frame, names):
    data = {name: frame[name].to_list() for name in ("score", "total_tokens", "tool_calls", "model", "strategy")}
    return ols("score ~ " + (" + ".join(FORMULA[name] for name in names) or "1"), pd.DataFrame(data)).fit().rsquared


def test_r_squared_and_shapley_shares_are_those_of_statsmodels_over_all_orders():
    frame = trials(np.random.default_rng(1), problems=20, effect=0.1)
    found = variance.explain(frame, refits=20)
    for name in variance.FACTORS:
        assert value(found, name, "alone")["value"] == pytest.approx(r2(frame, [name]), abs=1e-9)
    shares = dict.fromkeys(variance.FACTORS, 0.0)
    orders = list(itertools.permutations(variance.FACTORS))
    for order in orders:
        for place, name in enumerate(order):
            shares[name] += (r2(frame, order[: place + 1]) - r2(frame, order[:place])) / len(orders)
    for name, share in shares.items():
        assert value(found, name, "shapley")["value"] == pytest.approx(share, abs=1e-9)
    assert sum(shares.values()) == pytest.approx(value(found, "all", "full")["value"])
    tokens, both = r2(frame, ["tokens"]), r2(frame, ["tokens", "architecture"])
    assert value(found, "architecture", "partial")["value"] == pytest.approx((both - tokens) / (1 - tokens), abs=1e-9)
    assert found.table["n"].unique().to_list() == [20]


def test_tokens_explain_far_more_between_configurations_than_between_trials():
    frame = trials(np.random.default_rng(2), effect=0.02)
    apart, together = variance.explain(frame, refits=100), variance.explain(frame, "configuration", refits=100)
    assert value(together, "tokens", "alone")["value"] > 0.9
    assert value(apart, "tokens", "alone")["high"] < 0.6
    assert value(together, "architecture", "partial")["low"] < value(together, "architecture", "partial")["high"]
    assert together.table["n"].unique().to_list() == [16]
    means = frame.group_by(variance.CONFIGURATION).agg(pl.col("score").mean(), pl.col("total_tokens").log().mean())
    expected = np.corrcoef(means["score"], means["total_tokens"])[0, 1] ** 2
    assert value(together, "tokens", "alone")["value"] == pytest.approx(expected, abs=1e-9)


def test_an_architecture_that_matters_is_told_from_one_that_does_not():
    matters = variance.explain(trials(np.random.default_rng(3), effect=0.2), refits=200)
    idle = variance.explain(trials(np.random.default_rng(4), effect=0.0), refits=200)
    assert value(matters, "architecture", "partial")["low"] > 0.15
    assert value(idle, "architecture", "partial")["value"] < 0.01


def test_a_wider_range_of_budgets_makes_tokens_explain_more():
    found = variance.by_range(trials(np.random.default_rng(5)), steps=4)
    assert found["ratio"].is_sorted()
    assert found["value"][-1] > found["value"][0] + 0.1
    assert variance.by_range(found.clear().with_columns(total_tokens=0.0, score=0.0)).is_empty()


def test_what_was_not_randomised_or_does_not_vary_is_said():
    rng = np.random.default_rng(6)
    assert variance.explain(trials(rng), refits=5).warnings == ()
    [warning] = variance.explain(trials(rng, cap=False), refits=5).warnings
    assert "not randomised" in warning
    one_model = trials(rng).filter(pl.col("model") == "a")
    [warning] = variance.explain(one_model, refits=5).warnings
    assert warning == "Nothing can be said of model, which did not vary."
    assert value(variance.explain(one_model, refits=5), "model", "alone")["value"] == 0.0
    few = variance.explain(trials(rng, budgets=(100, 1600)), "configuration", refits=5)
    assert "8 configurations for 5 coefficients" in few.warnings[0]


def test_too_little_to_share_out_is_refused():
    frame = trials(np.random.default_rng(7), problems=5)
    with pytest.raises(InputError, match="all scores are the same"):
        variance.explain(frame.with_columns(score=1.0), refits=5)
    with pytest.raises(InputError, match="no trial has known tokens"):
        variance.explain(frame.with_columns(total_tokens=pl.lit(None, pl.Int64)), refits=5)
    with pytest.raises(InputError, match="got 4 configuration rows"):
        variance.explain(trials(np.random.default_rng(8), budgets=(100,)), "configuration", refits=5)
    with pytest.raises(InputError, match="problem or configuration"):
        variance.explain(frame, "model", refits=5)


def test_spends_of_stored_trials_are_their_bills(tmp_path):
    frame = query.run(stored(tmp_path, two_arms(problems=2)), "trial_spends", experiment_ids="exp")
    rows = (
        frame.select("arm", "score", "total_tokens", "calls", "tool_calls", "cap").unique().sort("arm", "score").rows()
    )
    assert rows == [("think", 0.0, 40, 1, 0, None), ("think", 1.0, 40, 1, 0, None), ("vote", 1.0, 20, 2, 0, None)]


def test_drawn_caps_make_configurations_of_their_own():
    """One arm per model and strategy: without its caps four configurations are too few, with them there are sixteen."""
    rng = np.random.default_rng(7)
    one_arm = trials(rng, problems=60).with_columns(arm="strategy", max_level=8)
    with pytest.raises(InputError, match="got 4 configuration rows"):
        variance.explain(one_arm.with_columns(cap=None), "configuration", refits=5)
    drawn = variance.explain(one_arm, "configuration", refits=50)
    assert drawn.table["n"].unique().to_list() == [16]
    assert value(drawn, "tokens", "alone")["value"] > 0.9
    assert not any("randomised" in warning for warning in drawn.warnings)


def test_a_factor_that_does_not_vary_explains_exactly_nothing():
    one_model = trials(np.random.default_rng(8), problems=12).filter(pl.col("model") == "a")
    assert value(variance.explain(one_model, refits=5), "model", "alone")["value"] == 0.0
