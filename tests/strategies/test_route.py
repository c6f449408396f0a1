"""A strategy that runs another: which it picks, what its rungs cost, and what it refuses beforehand."""

import asyncio
import inspect
import random

import pytest

from fourdials import plugins, spec
from fourdials.errors import SpecError
from fourdials.records import Prompt
from fourdials.strategies.hybrid._rungs import Rungs
from tests.scripted import Lines, arm, experiment, first_trial, journaled, play


@pytest.fixture
def names():
    problem = first_trial(experiment([arm("single")], problems=1)).problem
    return problem.reference, next(name for name in problem.data["options"] if name != problem.reference)


def run(folder, script, format="completion", *, levels=(1, 2, 3, 4), **knobs):
    play(folder, experiment([arm("route", format, levels=levels, knobs=knobs)], problems=1), script)
    return [(c["level"], c["answer"]) for c in journaled(folder, "checkpoint")]


def test_the_router_is_asked_and_all_the_chosen_strategy_does_waits_for_it(tmp_path, names):
    right, wrong = names
    script = Lines(by_role={"route": ["majority_vote"], "solve": [wrong, right, right, right]})
    assert run(tmp_path, script, levels=(1, 2, 3))[-1] == (3, right)
    calls = journaled(tmp_path, "calls")
    plan = plugins.strategies()["majority_vote"]
    assert [(c["role"], c["part"]) for c in calls[:2]] == [("route", "router"), ("solve", "solver")]
    assert script.requests[0].prompt.choices == ("single", "majority_vote", "self_refine")
    # rung r is the r-th default level of the vote, so so many samples have entered by then
    for rung in (1, 2, 3):
        assert sum(c["role"] == "solve" and c["level"] <= rung for c in calls) == plan.levels[rung - 1]
    assert all(c["parents"] == [calls[0]["call_id"]] for c in calls[1:])


def test_a_table_needs_no_call_and_a_strategy_of_one_level_ends_early(tmp_path, names):
    right, _ = names
    rules = [{"strategy": "majority_vote", "at_most": 1}, {"strategy": "single"}]
    assert run(tmp_path, Lines(right), rules=rules) == [(1, right)]
    assert [c["role"] for c in journaled(tmp_path, "calls")] == ["solve"]
    assert journaled(tmp_path, "trial")[0]["stop_reason"] == "finished"
    [note] = [s["payload"] for s in journaled(tmp_path, "step") if s["kind"] == "route"]
    assert (note["chosen"], note["by"]) == ("single", "table")


def test_a_thought_is_cut_at_the_chosen_strategy_s_budgets_and_charged_to_its_rungs(tmp_path):
    plan = plugins.strategies()["chain_of_thought"]
    long = " ".join(f"word{n}" for n in range(plan.levels[1] + 10))
    run(tmp_path, Lines(long), levels=(1, 2), rules=[{"strategy": "chain_of_thought"}])
    pieces = [c for c in journaled(tmp_path, "calls") if not c["probe"]]
    assert [(c["level"], c["completion_tokens"]) for c in pieces] == [
        (1, plan.levels[0]),
        (2, plan.levels[1] - plan.levels[0]),
    ]


def test_calls_between_two_rungs_enter_at_the_next_and_probes_there_at_none():
    class Noted:
        format, levels, rng = "chat", (1, 2), random.Random(0)

        async def __call__(self, prompt, *, level, probe, **_):
            return level, probe

    rungs = Rungs(Noted(), (2, 8), None)

    def entered(level, probe):
        return asyncio.run(rungs(Prompt(text="?"), role="solve", level=level, probe=probe))[0]

    assert [entered(level, False) for level in (1, 2, 3, 8, 9)] == [1, 1, 2, 2, 2]
    assert [entered(level, True) for level in (1, 2, 5, 8)] == [0, 1, 0, 2]
    assert rungs.levels == (2, 8)


def test_the_chosen_strategy_gets_its_own_knobs(tmp_path, names):
    right, _ = names
    script = Lines(right)
    run(tmp_path, script, rules=[{"strategy": "majority_vote"}], settings={"majority_vote": {"temperature": 0.3}})
    assert {request.temperature for request in script.requests} == {0.3}


def file(**knobs):
    return {
        "name": "routed",
        "model": "sim/solve=0.6",
        "tasks": [{"name": "long_context"}],
        "arms": [{"strategy": "route", "knobs": knobs}],
    }


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"candidates": ["act"]}, "'act' cannot be routed to"),
        ({"candidates": ["orchestrate"]}, "'orchestrate' cannot be routed to"),
        ({"rules": [{"strategy": "single", "at_most": 10}]}, "the last rule must fit everything"),
        ({"rules": [{"strategy": "nonsense"}]}, "'nonsense' cannot be routed to"),
        ({"settings": {"single": {"magic": 1}}}, "magic"),
    ],
)
def test_what_cannot_be_routed_to_is_refused_before_the_run(knobs, said):
    with pytest.raises(SpecError, match=said):
        spec.parse(file(**knobs))


def test_what_may_be_picked_settles_what_the_task_and_the_models_must_offer():
    route = plugins.strategies()["route"]
    known = route.Knobs(rules=[{"strategy": "stepwise", "at_most": 9}, {"strategy": "best_of_n"}]).model_dump()
    assert route.wants(known) == ("steps",)
    assert route.uses_truth(known) is False
    cheating = route.Knobs(candidates=["best_of_n"], settings={"best_of_n": {"verifier": "checker"}}).model_dump()
    assert route.uses_truth(cheating) is True
    assert plugins.misfit(route, plugins.tasks()["reasoning_gym"], "chat", knobs=known) is not None


def test_the_picked_strategy_can_ask_for_all_that_it_could_ask_alone():
    asked = {name: inspect.signature(play) for name, play in vars(plugins.Ask).items() if callable(play)}
    asked = {name: given.parameters for name, given in asked.items() if name == "__call__" or name[0] != "_"}
    assert {"check", "samples", "offer"} <= set(asked)
    for name, given in asked.items():
        own = inspect.signature(getattr(Rungs, name)).parameters
        assert [*own] == [*given], name
        assert all(own[key].default == given[key].default for key in given), name
