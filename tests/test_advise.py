"""The advisor: what it chooses, how sure it says it is, when it refuses, and the traps of choosing the best of many."""

import random

import polars as pl
import pytest

from fourdials.advise import LEAST_CLUSTERS, TABLE_SCHEMA, advise
from tests.recordings import simulated, trial


def trials_of(rates, problems=120, *, task="toy", price=10.0, seed=0, levels=(1,), **row):
    """Trials of arms that are right at stated rates, independently at each level."""
    rng = random.Random(seed)
    return [
        trial(
            i,
            [(level, "x", float(rng.random() < rate)) for level in levels],
            arm=arm,
            task=task,
            levels=levels,
            price=price,
            **row,
        )
        for i in range(problems)
        for arm, rate in rates.items()
    ]


def test_a_clearly_better_arm_is_chosen_with_confidence_and_reported_on_the_other_half():
    advice = advise(trials_of({"good": 0.9, "bad": 0.3}), budget=10)
    assert advice.choice == ("good", 1)
    assert advice.sure > 0.99
    row = advice.table.filter(pl.col("chosen")).row(0, named=True)
    assert advice.table.columns == list(TABLE_SCHEMA)
    assert (row["n"], row["clusters"]) == (60, 60)
    assert row["low"] <= 0.9 <= row["high"]
    assert f"{row['value']:.2f}" in advice.reason
    assert advice.surer is None or advice.surer.distinguishable


def test_what_costs_more_than_the_budget_is_not_chosen_and_a_tie_goes_to_the_cheaper():
    trials = trials_of({"plain": 0.5}) + trials_of({"dear": 0.9}, price=100.0)
    assert advise(trials, budget=99).choice == ("plain", 1)
    assert advise(trials, budget=100).choice == ("dear", 1)
    refused = advise(trials, budget=9)
    assert refused.choice is None
    assert "cheapest costs 10" in refused.reason
    same = [trial(i, [(1, "x", 1.0), (2, "x", 1.0)], levels=(1, 2)) for i in range(60)]
    assert advise(same, budget=100).choice == ("a", 1)


def test_the_best_of_many_equal_arms_looks_better_where_it_was_chosen_than_where_it_is_reported():
    """The winner's curse: thirty arms that are all right half of the time."""
    rates = {f"arm {i:02}": 0.5 for i in range(30)}
    chosen, reported, sure, covered = [], [], [], 0
    for seed in range(12):
        advice = advise(trials_of(rates, 60, seed=seed), budget=10, seed=seed, replicates=200)
        row = advice.table.filter(pl.col("chosen")).row(0, named=True)
        chosen.append(row["value_where_chosen"])
        reported.append(row["value"])
        sure.append(advice.sure)
        covered += row["low"] <= 0.5 <= row["high"]
    assert sum(chosen) / 12 > 0.62
    assert abs(sum(reported) / 12 - 0.5) < 0.06
    assert covered >= 10
    assert sum(sure) / 12 < 0.6, "it is not sure of what chance chose"


def test_a_lead_on_four_of_twenty_problems_is_not_sure_and_shared_clusters_ask_for_more_problems():
    few = [
        trial(i, [(1, "x", score)], arm=arm)
        for i in range(40)
        for arm, score in (("good", 1.0), ("bad", float(i % 5 != 0)))
    ]
    surer = advise(few, budget=100).surer
    assert not surer.distinguishable
    alone, shared = (
        advise(
            [
                trial(i, [(1, "x", s)], arm=arm, cluster_id=f"c{i // size}")
                for i in range(300)
                for arm, s in (("good", float(i // 5 % 3 > 0)), ("bad", float(i // 5 % 2)))
            ],
            budget=100,
        ).surer
        for size in (1, 5)
    )
    assert shared.problems > 3 * alone.problems


def test_it_says_how_many_problems_would_settle_a_close_choice_and_what_they_cost():
    advice = advise(trials_of({"a": 0.55, "b": 0.5}, 200, seed=4), budget=10)
    surer = advice.surer
    assert surer is not None
    assert surer.low <= surer.difference <= surer.high
    assert not surer.distinguishable
    assert surer.problems is not None
    assert surer.spend == max(0, surer.problems - surer.n) * 20.0


def test_the_number_of_problems_follows_the_formula():
    rng = random.Random(1)
    scores = [(float(rng.random() < 0.6), float(rng.random() < 0.5)) for _ in range(160)]
    trials = [trial(i, [(1, "x", s[j])], arm="ab"[j], levels=(1,)) for i, s in enumerate(scores) for j in range(2)]
    surer = advise(trials, budget=10).surer
    assert surer is not None
    gap = abs(surer.difference)
    # s² = E[g²] − d² for differences g in {−1, 0, 1}; the halves are the same in each call, so only its order matters.
    assert surer.problems > (1.96 + 0.84) ** 2 * 0.2 / gap**2
    assert surer.problems < (1.97 + 0.85) ** 2 * 1.0 / gap**2 + 2


def test_routes_per_task_are_worth_it_where_tasks_want_different_arms():
    trials = trials_of({"x": 0.9, "y": 0.3}, task="one") + trials_of({"x": 0.2, "y": 0.9}, task="two", seed=1)
    advice = advise(trials, budget=10)
    assert dict(advice.routes.select("task", "arm").iter_rows()) == {"one": "x", "two": "y"}
    assert advice.routing.worth_it
    assert advice.routing.gain == pytest.approx(0.33, abs=0.12)
    assert advice.routing.low <= advice.routing.gain <= advice.routing.high
    alike = trials_of({"x": 0.9, "y": 0.3}, task="one") + trials_of({"x": 0.9, "y": 0.3}, task="two", seed=1)
    assert advise(alike, budget=10).routing.gain == 0.0
    assert not advise(alike, budget=10).routing.worth_it


def test_a_task_with_too_few_problems_gets_no_route_and_it_is_said():
    trials = trials_of({"x": 0.9}, task="one") + trials_of({"x": 0.9}, 10, task="two", seed=1)
    advice = advise(trials, budget=10)
    assert advice.choice == ("x", 1)
    assert advice.routes.is_empty()
    assert advice.routing is None
    assert advice.no_routes.startswith("two: 10 independent problems are too few")


def test_it_refuses_where_the_data_do_not_suffice_and_says_what_would():
    assert "no complete blocks" in advise([], budget=10).reason
    few = advise(trials_of({"a": 0.9}, 2 * LEAST_CLUSTERS - 2), budget=10)
    assert (few.choice, few.sure) == (None, None)
    assert f"at least {2 * LEAST_CLUSTERS} are needed" in few.reason
    crowded = [trial(i, [(1, "x", 1.0)], levels=(1,), cluster_id=str(i % 5)) for i in range(200)]
    assert "too few" in advise(crowded, budget=10).reason, "many problems of few worlds are few"


def test_levels_that_caps_cut_off_are_left_out_and_it_is_said_why():
    trials = []
    for i in range(80):
        cut = i % 4 == 0
        stops = [(1, "x", 0.0)] if cut else [(1, "x", 0.0), (2, "x", 1.0)]
        trials.append(trial(i, stops, levels=(1, 2), reason="capped" if cut else "max_level"))
    advice = advise(trials, budget=100)
    assert advice.choice == ("a", 1)
    [left_out] = advice.table.filter(pl.col("level") == 2)["left_out"].to_list()
    assert "25% of its trials were cut off" in left_out


def test_arms_that_ask_a_checker_are_considered_only_if_wanted():
    trials = trials_of({"plain": 0.5}) + trials_of({"checked": 0.9}, uses_truth=True, seed=1)
    assert advise(trials, budget=10).choice == ("plain", 1)
    assert advise(trials, budget=10, truth=True).choice == ("checked", 1)


def test_on_a_simulated_model_more_votes_are_advised_where_the_budget_allows(tmp_path):
    trials = simulated(tmp_path, "sim/solve=0.6", "majority_vote", levels=(1, 4, 16))
    assert advise(trials, budget=1.5).choice == ("majority_vote", 1)
    rich = advise(trials, budget=20)
    assert rich.choice == ("majority_vote", 16)
    assert rich.table.filter(pl.col("chosen"))["spend"].item() == 16.0
