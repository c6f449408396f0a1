"""An experiment file is validated whole: every mistake at once, with its path, its value and what is allowed."""

import pytest

from fourdials import spec
from fourdials.errors import InputError, SpecError


def good(**changes):
    return {
        "name": "Small",
        "seed": 3,
        "model": "sim/default",
        "tasks": [{"name": "wikiworld", "problems": 4, "params": {"hops": [1, 2]}}],
        "arms": [{"strategy": "majority_vote", "levels": [1, 2, 4]}, {"strategy": "stepwise"}],
        **changes,
    }


def mistakes(data):
    with pytest.raises(SpecError) as caught:
        spec.parse(data)
    return {mistake.path: mistake for mistake in caught.value.mistakes}


def test_a_good_spec_becomes_an_experiment_with_defaults_filled_in():
    experiment = spec.parse(good())
    vote, steps = experiment.arms
    assert (vote.levels, vote.dial, vote.knobs["temperature"], vote.lineup) == (
        (1, 2, 4),
        "parallel",
        0.8,
        {"solver": "sim/default"},
    )
    assert steps.levels == (1, 2, 3, 4)
    assert list(experiment.models) == ["sim/default"]
    assert experiment.simulated
    assert experiment.provenance == "simulated"


def test_a_spec_survives_the_way_to_toml_and_back(tmp_path):
    data = good(budget={"total_tokens": 1000}, note=None)
    del data["note"]
    path = tmp_path / "spec.toml"
    path.write_text(spec.dump(data))
    assert spec.load(path) == data
    assert spec.digest(spec.load(path)) == spec.digest(data)


def test_the_digest_depends_on_content_not_on_order():
    data = good()
    turned = dict(reversed(data.items()))
    assert spec.digest(turned) == spec.digest(data)
    assert spec.digest(good(seed=4)) != spec.digest(data)


def test_all_mistakes_of_a_file_come_at_once():
    found = mistakes(
        good(
            tasks=[{"name": "wikiwrld"}, {"name": "graph_path", "params": {"lenght": 3}}],
            arms=[
                {"strategy": "majority_vote", "knobs": {"temperature": 9}},
                {"strategy": "majority"},
                {"strategy": "single", "levels": [4, 2]},
                {"strategy": "stepwise", "lineup": {"judge": "sim/default"}},
            ],
            allocator="greedy",
        )
    )
    assert "wikiworld" in found["tasks[0].name"].allowed
    assert found["tasks[1].params.lenght"].allowed == "there is no such setting"
    assert found["arms[0].knobs.temperature"].value == 9
    assert "majority_vote" in found["arms[1].strategy"].allowed
    assert "increase" in found["arms[2].levels"].allowed
    assert found["arms[3].lineup.judge"].allowed == "parts are solver"
    assert "uniform" in found["allocator"].allowed


def test_shapes_that_are_wrong_are_named_by_their_path():
    found = mistakes(good(repeats=0, tasks=[], budget={"tokens": 5}))
    assert set(found) == {"repeats", "tasks", "budget.tokens"}
    assert "got 0" in str(found["repeats"])
    assert str(mistakes(good(budget=10))["budget"]).startswith("budget: got 10; a table of settings goes here")


def test_shares_are_all_or_none_and_sum_to_one():
    arms = [{"strategy": "single", "share": 0.5}, {"strategy": "stepwise"}]
    assert "either every arm" in mistakes(good(arms=arms))["arms"].allowed
    arms[1]["share"] = 0.6
    assert "sum to 1.1" in mistakes(good(arms=arms))["arms"].allowed
    arms[1]["share"] = 0.5
    assert [arm.share for arm in spec.parse(good(arms=arms)).arms] == [0.5, 0.5]


def test_two_arms_of_one_strategy_need_names():
    arms = [{"strategy": "majority_vote"}, {"strategy": "majority_vote", "knobs": {"temperature": 0.3}}]
    assert "a `name` of its own" in mistakes(good(arms=arms))["arms"].allowed
    arms[1]["name"] = "cool votes"
    assert [arm.name for arm in spec.parse(good(arms=arms)).arms] == ["majority_vote", "cool votes"]


def test_an_arm_that_fits_no_task_is_a_mistake_that_says_why():
    data = good(
        tasks=[{"name": "reasoning_gym", "params": {"generator": "chain_sum"}}],
        arms=[{"strategy": "single"}, {"strategy": "act"}],
    )
    assert "needs environment" in mistakes(data)["arms[1]"].allowed


def test_a_missing_model_and_an_unknown_one_are_named():
    data = good()
    del data["model"]
    assert "name a model" in mistakes(data)["arms[0].lineup.solver"].allowed
    assert mistakes(good(model="nonsense"))["models"].value == "nonsense"


def test_a_file_that_is_no_toml_is_refused_with_its_place(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("name = \n")
    with pytest.raises(InputError, match=r"bad\.toml is not valid TOML.*line 1"):
        spec.load(path)
    with pytest.raises(InputError, match="cannot read"):
        spec.load(tmp_path / "absent.toml")


def test_what_a_model_cannot_do_is_a_mistake_before_the_run():
    data = good(model="anthropic/claude-haiku-5-5", arms=[{"strategy": "majority_vote"}, {"strategy": "single"}])
    found = mistakes(data)
    assert set(found) == {"arms[0].knobs.temperature"}
    assert "cannot set a temperature" in found["arms[0].knobs.temperature"].allowed


def test_a_strategy_that_needs_an_ability_is_refused_models_not_known_to_have_it():
    arms = [{"strategy": "weighted_vote", "knobs": {"weights": "probability"}}]
    data = good(model="openai/unheard-of", arms=arms, tasks=[{"name": "wikiworld"}])
    assert "needs logprobs, which openai/unheard-of is not known to do" in mistakes(data)["arms[0].lineup"].allowed
    spec.parse({**data, "models": {"openai/unheard-of": {"capabilities": {"logprobs": "yes"}}}})
    spec.parse({**data, "arms": [{"strategy": "weighted_vote"}]})


def test_unknown_names_are_told_together_with_mistakes_of_shape():
    found = mistakes(good(modle="x", tasks=[{"name": "wikiwrld"}], arms=[{"strategy": "magic", "levles": [1]}]))
    assert set(found) == {"modle", "tasks[0].name", "arms[0].strategy", "arms[0].levles"}
    assert "model" in found["modle"].allowed
    assert "levels" in found["arms[0].levles"].allowed


def test_another_model_takes_the_place_of_all_and_problems_only_shrink():
    data = {
        "name": "x",
        "model": "openai/gpt-4.1-mini",
        "models": {"openai/gpt-4.1-mini": {"concurrency": 2}},
        "tasks": [{"name": "wikiworld", "problems": 3}, {"name": "graph_path"}],
        "arms": [{"strategy": "cascade", "lineup": {"solver": "groq/openai/gpt-oss-20b"}}, {"strategy": "single"}],
    }
    before = spec.dump(data)
    made = spec.adapted(data, model="sim/default", problems=5)
    assert spec.dump(data) == before
    parsed = spec.parse(made)
    assert set(parsed.models) == {"sim/default"}
    assert [task.problems for task in parsed.tasks] == [3, 5]
    assert spec.adapted(data) == data
    assert spec.adapted({"arms": 3, "tasks": [4, {"problems": "many"}]}, model="sim/default", problems=2) == {
        "arms": 3,
        "tasks": [4, {"problems": "many"}],
        "model": "sim/default",
    }


def test_the_cap_of_trials_may_be_a_range_from_which_each_draws_its_own(tmp_path):
    data = good(trial_budget={"total_tokens": {"low": 200, "high": 2000}, "calls": 9})
    experiment = spec.parse(data)
    assert experiment.random_cap == (200, 2000)
    assert (experiment.trial_budget.total_tokens, experiment.trial_budget.calls) == (2000, 9)
    path = tmp_path / "spec.toml"
    path.write_text(spec.dump(data))
    assert spec.load(path) == data
    fixed = spec.parse(good(trial_budget={"total_tokens": 300}))
    assert (fixed.random_cap, fixed.trial_budget.total_tokens) == (None, 300)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"low": 20, "high": 20}, "low = 20 must be less"), ({"low": 0, "high": 9}, "greater than 0"), (-3, "greater")],
)
def test_a_range_of_caps_that_makes_no_sense_is_a_mistake(given, told):
    found = mistakes(good(trial_budget={"total_tokens": given}))
    assert any(path.startswith("trial_budget.total_tokens") and told in str(m) for path, m in found.items())


def test_the_experiments_own_budget_is_never_drawn():
    assert "budget.total_tokens" in mistakes(good(budget={"total_tokens": {"low": 1, "high": 9}}))
