"""What the Run page's form means as an experiment, and back; and what a budget pays for."""

import random
from dataclasses import replace

import pytest

from fourdials import plugins, spec
from fourdials.errors import InputError
from fourdials.models import catalogue
from fourdials.models.catalogue import DEFAULT_LOCAL
from fourdials.ui import draft, outlook
from fourdials.ui.draft import ArmDraft, Draft

PLANS = plugins.strategies()
ARMS = (ArmDraft("majority_vote", levels=(1, 2), parts=1), ArmDraft("retrieve", levels=(1, 2), parts=3))


def made(**changes):
    return Draft("x", ("wikiworld",), "sim/default", ARMS, **changes)


def test_shares_sum_exactly_to_the_whole_whatever_the_parts():
    rng = random.Random(1)
    for _ in range(500):
        parts = [rng.randint(0, 100) for _ in range(rng.randint(1, 9))]
        cut = draft.shares(parts)
        assert sum(cut) == pytest.approx(1, abs=1e-12)
        assert all(share >= 0 for share in cut)


def test_shares_of_nothing_are_equal():
    assert draft.shares([0, 0]) == [0.5, 0.5]


def test_shares_follow_the_parts():
    assert draft.shares([1, 3], 0.8) == [0.2, 0.6]


def test_levels_are_read_with_commas_or_spaces():
    assert draft.parse_levels(" 1,2  4, 8") == (1, 2, 4, 8)
    with pytest.raises(InputError, match="whole numbers"):
        draft.parse_levels("1, two")


def test_an_experiment_becomes_a_draft_and_the_same_experiment_again():
    data = {
        "name": "both ways",
        "seed": 5,
        "repeats": 2,
        "concurrency": 3,
        "model": "sim/default",
        "budget": {"seconds": 60.0, "total_tokens": 900},
        "trial_budget": {"calls": 7},
        "tasks": [{"name": "wikiworld", "problems": 9, "params": {"hops": [1]}}, {"name": "graph_path", "problems": 4}],
        "arms": [
            {"strategy": "single", "share": 0.1},
            {
                "strategy": "majority_vote",
                "name": "warm",
                "levels": [1, 4],
                "knobs": {"temperature": 1.2},
                "share": 0.3,
            },
            {"strategy": "best_of_n", "levels": [1, 2], "lineup": {"verifier": "sim/solve=0.9"}, "share": 0.6},
        ],
    }
    again = draft.to_spec(draft.from_spec(data, PLANS), PLANS, problems=99, baseline_share=0.1)
    assert again == data


def test_a_draft_of_every_default_is_a_valid_experiment():
    task = plugins.tasks()["wikiworld"]
    for model in ("local/smollm2-135m", "sim/default"):
        arms = draft.default_arms(PLANS, task, catalogue.resolve(model))
        assert len({PLANS[arm.strategy].dial for arm in arms}) == len(arms) == 4
    parsed = spec.parse(draft.to_spec(Draft("x", ("wikiworld",), model, arms), PLANS, problems=3))
    assert {arm.dial for arm in parsed.arms} == {"parallel", "sequential", "search", "interaction"}


def test_one_dial_gets_everything_but_the_baseline():
    data = draft.to_spec(made(split="search"), PLANS, problems=3, baseline_share=0.2)
    assert [(row["strategy"], row["share"]) for row in data["arms"]] == [("single", 0.2), ("retrieve", 0.8)]


def test_custom_parts_are_kept_in_proportion():
    data = draft.to_spec(made(split="custom", baseline=False), PLANS, problems=3)
    assert [row["share"] for row in data["arms"]] == [0.25, 0.75]


def test_without_a_limit_nothing_is_split():
    data = draft.to_spec(made(amount=None), PLANS, problems=3)
    assert "budget" not in data
    assert all("share" not in row for row in data["arms"])


def test_arms_that_fit_a_new_task_are_kept_and_dials_left_without_one_get_a_default():
    kept = ArmDraft("retrieve", "mine", (2, 4), {"passages": 5})
    refitted = draft.refit([kept], PLANS, plugins.tasks()["wikiworld"], catalogue.resolve(DEFAULT_LOCAL))
    assert kept in refitted
    assert [PLANS[arm.strategy].dial for arm in refitted] == ["parallel", "sequential", "search", "interaction"]


def test_a_budget_pays_for_as_many_problems_as_its_neediest_arm_can_finish():
    # Two arms with half each of what the baseline leaves: 0.5 (3600 − 1.8·10·N) = 1.8·40·N gives N = 22.2.
    assert draft.affordable([40, 5], [0.5, 0.5], 10, 3600) == 22
    assert draft.affordable([40, 5], [0.5, 0.5], 10, 1) == draft.LEAST_PROBLEMS
    assert draft.affordable([0, 0], [0.5, 0.5], 0, 1) == draft.MOST_PROBLEMS


def test_the_forecast_of_an_affordable_run_stays_within_its_budget():
    task = plugins.tasks()["wikiworld"]
    arms = draft.default_arms(PLANS, task, catalogue.resolve(DEFAULT_LOCAL))
    found = outlook.outlook(Draft("x", ("wikiworld",), "local/smollm2-135m", arms, amount=60_000))
    assert not found.mistakes
    assert not found.shortfall
    assert found.forecast.total_tokens.high <= 60_000
    free = outlook.outlook(Draft("x", ("wikiworld",), "local/smollm2-135m", arms, amount=None))
    assert found.forecast.per_arm == pytest.approx(free.forecast.per_arm)


def test_too_many_problems_for_the_budget_are_pointed_out():
    task = plugins.tasks()["wikiworld"]
    arms = draft.default_arms(PLANS, task, catalogue.resolve(DEFAULT_LOCAL))
    found = outlook.outlook(Draft("x", ("wikiworld",), "local/smollm2-135m", arms, amount=5_000, problems=150))
    assert found.shortfall


def test_a_mistake_names_the_arm_it_is_in():
    arms = (ArmDraft("majority_vote", levels=(4, 2)), ArmDraft("retrieve", "deep", levels=(0,)))
    found = outlook.outlook(Draft("x", ("wikiworld",), "sim/default", arms))
    assert [mistake.split(":")[0] for mistake in found.mistakes] == ["majority_vote", "deep"]
    assert all("levels: got [" in mistake for mistake in found.mistakes)


def test_a_budget_in_dollars_needs_a_price():
    found = outlook.outlook(made(unit="usd", amount=1.0, baseline=False))
    free = outlook.outlook(made(amount=None))
    assert free.forecast is not None
    assert found.mistakes == () if free.forecast.usd else "price" in found.mistakes[0]


def test_a_judge_model_is_named_only_where_a_task_is_graded_by_one_and_is_the_solver_unless_chosen():
    params = {"wikiworld": {}, "dataset": {"grader": "judge", "rubric": "It names the town."}}
    plain = Draft("x", ("dataset",), "sim/default", ARMS, params=params)
    assert draft.to_spec(plain, PLANS, problems=4)["grader_model"] == "sim/default"
    chosen = Draft("x", ("dataset",), "sim/default", ARMS, params=params, grader_model="sim/grade=0.9")
    data = draft.to_spec(chosen, PLANS, problems=4)
    assert spec.parse(data).grader_model == "sim/grade=0.9"
    assert draft.from_spec(data, PLANS).grader_model == "sim/grade=0.9"
    other = Draft("x", ("wikiworld",), "sim/default", ARMS, params=params, grader_model="sim/grade=0.9")
    assert "grader_model" not in draft.to_spec(other, PLANS, problems=4)


def test_an_allocator_and_drawn_caps_come_through_and_leave_no_shares():
    data = {
        "name": "divided",
        "seed": 1,
        "repeats": 1,
        "concurrency": 8,
        "allocator": "beta_stopping",
        "allocation": {"confidence": 0.8},
        "model": "sim/default",
        "budget": {"total_tokens": 9000},
        "trial_budget": {"total_tokens": {"low": 100, "high": 900}},
        "tasks": [{"name": "wikiworld", "problems": 5}],
        "arms": [{"strategy": "majority_vote", "levels": [1, 4]}, {"strategy": "stepwise", "levels": [1, 2]}],
    }
    made = draft.from_spec(data, PLANS)
    assert draft.to_spec(made, PLANS, problems=9) == data
    shared = draft.to_spec(replace(made, allocator="uniform", allocation={}), PLANS, problems=9)
    assert all("share" in row for row in shared["arms"]), "only what divides the budget itself does without shares"
    level = draft.to_spec(replace(made, allocator="uniform", allocation={"order": "levels"}), PLANS, problems=9)
    assert not any("share" in row for row in level["arms"])
