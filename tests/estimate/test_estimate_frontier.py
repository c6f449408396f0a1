"""Operating points, Pareto sets, the inverse question and the bill, against hand-computed values and simulation."""

import numpy as np
import polars as pl
import pytest

from fourdials import query
from fourdials.errors import InputError
from fourdials.estimate import frontier
from tests.ledger_rows import stored, two_arms


def rows(arms, task="toy"):
    """Rows of `operating_points` at level 1: for each arm scores, and dollars and seconds (a number or one each)."""
    frames = []
    for arm, (scores, usd, seconds) in arms.items():
        n = len(scores)
        columns = {
            "experiment_id": ["e"] * n,
            "arm": [arm] * n,
            "level": [1] * n,
            "task": [task] * n,
            "problem_id": [f"p{i:04}" for i in range(n)],
            "cluster_id": [f"p{i:04}" for i in range(n)],
            "score": np.asarray(scores, dtype=float),
            "usd": np.broadcast_to(np.asarray(usd, dtype=float), n),
            "total_tokens": np.broadcast_to(1000 * np.asarray(usd, dtype=float), n),
            "modelled_s": np.broadcast_to(np.asarray(seconds, dtype=float), n),
            "critical_path_s": np.broadcast_to(np.asarray(seconds, dtype=float), n),
        }
        frames.append(pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None)))
    return pl.concat(frames)


def share(right, n=100):
    return [1.0] * right + [0.0] * (n - right)


def test_an_operating_point_has_accuracy_cost_and_latency_with_intervals():
    seconds = np.arange(1, 101)
    found = frontier.operating_points(frontier.read(rows({"a": (share(60), 0.02, seconds)})))
    row = found.row(0, named=True)
    assert (row["value"], row["usd"], row["n"], row["clusters"]) == (0.6, pytest.approx(0.02), 100, 100)
    assert row["low"] < 0.51 < 0.69 < row["high"]
    assert (row["modelled_s_p50"], row["modelled_s_p95"]) == (50.0, 95.0)
    assert row["modelled_s_p50_low"] == pytest.approx(40, abs=1)
    assert row["modelled_s_p50_high"] == pytest.approx(61, abs=1)
    assert found.schema == pl.Schema(frontier.FRONTIER_SCHEMA)


def test_quantile_intervals_hold_the_true_quantile():
    rng, hits = np.random.default_rng(1), {0.5: 0, 0.95: 0}
    for _ in range(500):
        values = rng.exponential(size=120)
        for q in hits:
            _, low, high = frontier.quantile_interval(values, q, 120)
            hits[q] += low <= -np.log(1 - q) <= high
    assert all(0.93 <= count / 500 <= 0.99 for count in hits.values())


def test_repeats_are_averaged_within_a_problem_and_unknown_prices_stay_unknown():
    twice = pl.concat([rows({"a": (share(100), 0.02, 1.0)}), rows({"a": (share(0), 0.04, 3.0)})])
    row = frontier.operating_points(frontier.read(twice)).row(0, named=True)
    assert (row["value"], row["usd"], row["n"]) == (0.5, pytest.approx(0.03), 100)
    unknown = frontier.operating_points(frontier.read(rows({"a": (share(5), [0.1] * 99 + [np.nan], 1.0)})))
    assert unknown.select("usd", "usd_low", "usd_high").row(0) == (None, None, None)
    assert unknown["modelled_s_p95"][0] == 1.0


def test_the_pareto_set_is_that_of_brute_force():
    rng = np.random.default_rng(2)
    arms = {f"a{i}": (share(int(rng.integers(20, 90))), float(rng.integers(1, 9)) / 100, 1.0) for i in range(12)}
    found = frontier.pareto(frontier.read(rows(arms)))
    points = {name: (np.mean(scores), usd) for name, (scores, usd, _) in arms.items()}
    front = {
        name
        for name, (value, usd) in points.items()
        if not any(v >= value and u <= usd and (v > value or u < usd) for v, u in points.values())
    }
    assert set(found.filter("on_front")["arm"]) == front
    assert found["cost"].is_sorted()
    assert found.filter("beaten").height > 0
    assert not found.filter(pl.col("beaten") & pl.col("on_front")).height


def test_points_that_see_different_things_are_no_rivals_and_have_a_set_each():
    rng = np.random.default_rng(5)
    shares = {"look": (0.9, 0.01), "walk": (0.95, 0.02), "vote": (0.3, 0.03), "think": (0.25, 0.04)}
    points = frontier.read(rows({arm: (rng.random(200) < share, usd, 1.0) for arm, (share, usd) in shares.items()}))
    together = frontier.pareto(points)
    assert together.filter("beaten")["arm"].to_list() == ["vote", "think"]
    sees = {"look": "search", "walk": "environment", "vote": "given", "think": "given"}
    apart = frontier.pareto(points, sees=sees)
    assert not apart["beaten"].any()
    assert apart.filter("on_front")["arm"].to_list() == ["look", "walk", "vote"]
    assert apart["probability"].to_list()[:3] == [1, 1, 1]
    assert apart.select("value", "low", "high").equals(together.select("value", "low", "high"))
    alike = dict.fromkeys(shares, "given")
    assert frontier.pareto(points, sees=alike).equals(together)


def test_a_dear_arm_that_is_no_better_is_beaten_only_where_that_is_sure():
    rng = np.random.default_rng(3)
    near = rows({"cheap": (rng.random(100) < 0.5, 0.01, 1), "dear": (rng.random(100) < 0.48, 0.02, 1)})
    assert frontier.pareto(frontier.read(near))["beaten"].to_list() == [False, False]
    far = rows({"cheap": (rng.random(100) < 0.8, 0.01, 1), "dear": (rng.random(100) < 0.3, 0.02, 1)})
    assert frontier.pareto(frontier.read(far)).select("arm", "beaten").rows() == [("cheap", False), ("dear", True)]
    with pytest.raises(InputError, match="one of usd, total_tokens"):
        frontier.pareto(frontier.read(far), "euros")


def test_of_many_equal_arms_hardly_ever_one_is_called_beaten():
    """Ten arms of one accuracy and rising price: 95 % of such experiments should call none of them beaten."""
    rng, wrong = np.random.default_rng(4), 0
    for run in range(60):
        arms = {f"a{i}": (rng.random(80) < 0.5, 0.01 * (i + 1), 1.0) for i in range(10)}
        wrong += frontier.pareto(frontier.read(rows(arms), seed=run, replicates=400))["beaten"].any()
    assert wrong <= 8


def test_which_arm_keeps_every_limit_and_how_sure_that_is():
    arms = {
        "slow": (share(95), 0.01, 9.0),
        "dear": (share(95), 0.09, 1.0),
        "right": (share(95), 0.02, 1.0),
        "maybe": (share(90), 0.01, 1.0),
        "weak": (share(50), 0.01, 1.0),
    }
    found = frontier.which_arm(frontier.read(rows(arms)), accuracy=0.9, usd=0.05, p95_s=5.0)
    sure = dict(found.select("arm", "probability").rows())
    assert found["arm"][0] == "right"
    assert (sure["slow"], sure["dear"], sure["weak"]) == (0.0, 0.0, 0.0)
    assert sure["right"] > 0.97
    assert sure["maybe"] == pytest.approx(0.58, abs=0.04)  # P(at least 90 of 100 right | rate 0.9) by resampling
    unpriced = frontier.which_arm(frontier.read(rows({"a": (share(95), np.nan, 1.0)})), 0.9, usd=0.05)
    assert unpriced.select("usd", "probability").row(0) == (None, 0.0)


def test_the_share_of_requests_that_is_slow_counts_in_the_inverse_question():
    seconds = np.where(np.arange(200) < 4, 60.0, 1.0)  # 2 % are slow: p95 is 1 s unless many of them are drawn
    points = frontier.read(rows({"a": (share(200, 200), 0.01, seconds)}))
    assert frontier.which_arm(points, 0.5, p95_s=5.0)["probability"][0] > 0.97
    worse = np.where(np.arange(200) < 30, 60.0, 1.0)
    assert (
        frontier.which_arm(frontier.read(rows({"a": (share(9, 200), 0.01, worse)})), 0.0, p95_s=5.0)["probability"][0]
        == 0
    )


def test_a_monthly_bill_follows_the_mix_of_tasks():
    both = pl.concat([rows({"a": (share(5, 30), 0.01, 1)}, "easy"), rows({"a": (share(5, 10), 0.05, 1)}, "hard")])
    found = frontier.monthly_bill(both, 1000).row(0, named=True)
    assert found["value"] == pytest.approx(1000 * 365.25 / 12 * (0.75 * 0.01 + 0.25 * 0.05))
    assert found["n"] == 40
    hard = frontier.monthly_bill(both, 1000, {"hard": 1.0})["value"][0]
    assert hard == pytest.approx(1000 * 365.25 / 12 * 0.05)
    with pytest.raises(InputError, match="no problem of harder was run; there are: easy, hard"):
        frontier.monthly_bill(both, 1, {"harder": 1})
    with pytest.raises(InputError, match="fewer than 0"):
        frontier.monthly_bill(both, -1)


def test_two_tasks_scatter_a_bill_by_themselves_and_not_together():
    """Dollars 0, 1, …, 99 cents in each: a mean has a standard error of 28.87 / 10 cents, the mean of two 1 / √2 of it,
    not as much as if whichever problems were drawn of one task were also drawn of the other."""
    cents = np.arange(100) / 100
    both = pl.concat([rows({"a": (share(50), cents, 1)}, task) for task in ("one", "two")])
    found = frontier.monthly_bill(both, 12 / 365.25).row(0, named=True)
    half = 1.96 * 0.2887 / 10 / np.sqrt(2)
    assert found["value"] == pytest.approx(0.495)
    assert [found["low"], found["high"]] == pytest.approx([0.495 - half, 0.495 + half], abs=0.004)


def test_arms_without_a_shared_problem_are_refused():
    apart = pl.concat([rows({"a": (share(5), 0.01, 1)}, "one"), rows({"b": (share(5), 0.01, 1)}, "two")])
    with pytest.raises(InputError, match="share no problem"):
        frontier.read(apart)


def test_operating_points_of_a_stored_run_stand_at_each_level(tmp_path):
    frame = query.run(stored(tmp_path, two_arms(problems=4)), "operating_points", experiment_ids="exp")
    found = frontier.operating_points(frontier.read(frame))
    points = found.select("arm", "level", "value", "total_tokens", "usd").rows()
    assert points == [
        ("think", 64, 0.5, 40.0, pytest.approx(0.04)),
        ("vote", 1, 0.0, 10.0, pytest.approx(0.01)),
        ("vote", 2, 1.0, 20.0, pytest.approx(0.02)),
    ]


def test_quick_finishers_do_not_flatter_an_arm_since_unfinished_blocks_do_not_count(tmp_path):
    """Trap: of six problems `think` has ended the two easy ones only, and both are right; `vote` has ended all. What is
    compared is the two blocks that every arm has ended, not two quick successes against six problems."""
    ledger = two_arms(problems=0)
    ledger.run("p0", "vote", [(1, 10, 0.0), (2, 10, 1.0)], block=0)
    ledger.run("p0", "think", [(64, 40, 1.0)], block=0, stop_reason="finished")
    ledger.run("p1", "vote", [(1, 10, 0.0), (2, 10, 1.0)], block=1)
    for i in range(2, 6):
        ledger.problem(f"p{i}")
        ledger.run(f"p{i}", "vote", [(1, 10, 0.0), (2, 10, 0.0)], block=i)
    ledger.run("p1", "think", [(64, 40, 1.0)], block=1, stop_reason="finished")
    store = stored(tmp_path, ledger)
    every = store.frame("SELECT arm, avg(score) AS score FROM trials GROUP BY arm ORDER BY arm")
    assert every["score"].to_list() == [1.0, pytest.approx(1 / 3)]  # what a naive reading compares
    found = frontier.operating_points(frontier.read(query.run(store, "operating_points", experiment_ids="exp")))
    assert found.filter(pl.col("level") != 1).select("arm", "value", "n").rows() == [
        ("think", 1.0, 2),
        ("vote", 1.0, 2),
    ]
