"""A tree over look-ups: where it goes on, what its scorer is shown, and what comes of an end that is no flag."""

import pytest

from fourdials import plugins
from fourdials.records import Sample, Usage
from tests.scripted import Lines, arm, experiment, first_trial, journaled, play

RIVERS = {"hops": [2], "rivers": 2, "forks": 1}


def walked(folder, name="lookup_tree", *, levels, by_role, **knobs):
    """The tree on a small map in a store: what is said in each role, place by place."""
    roles = {role: [Sample(text, "stop", Usage(10, 0, 0, 1, 0), None, -1.0) for text in said] for role, said in by_role}
    script = Lines(*roles.get("query", []), by_role=roles)
    made = arm(name, levels=levels, knobs={"width": 1, "branching": 2, **knobs})
    play(folder, experiment([made], task="rivers", params=RIVERS, problems=1), script)
    return script, [(c["level"], c["answer"]) for c in journaled(folder, "checkpoint")]


@pytest.fixture
def river():
    """Start, the next place, the flag, and the end of the dead branch at the start."""
    what = experiment([arm("lookup_tree")], task="rivers", params=RIVERS, problems=1)
    problem = first_trial(what).problem
    start = problem.data["start"]
    course = next(course for course in problem.world["courses"] if course[0] == start)
    [dead] = {there for here, there in problem.data["edges"] if here == start} - {course[1]}
    return start, course[1], course[2], dead


def nodes(folder):
    return [step["payload"] for step in journaled(folder, "step") if step["kind"] == "node"]


def searched(folder):
    return [step["payload"]["query"] for step in journaled(folder, "step") if step["kind"] == "search"]


def test_it_goes_on_from_the_place_judged_to_be_on_the_way_and_looks_every_place_up(tmp_path, river):
    start, place, flag, _ = river
    by_role = [("query", [place, place, flag, flag])]
    _, rows = walked(tmp_path, levels=(4,), by_role=by_role, verifier="checker")
    assert rows == [(1, None), (2, None), (3, flag), (4, flag)]
    assert [node["parent"] for node in nodes(tmp_path)] == [-1, -1, 0, 0]
    # Below the root the start and the place it leads to; then the flag, which is an end and not looked up.
    assert searched(tmp_path) == [start, place, start, place]
    assert len(journaled(tmp_path, "calls")) == 4


def test_a_step_into_a_dead_branch_is_left_by_a_checker_that_knows(tmp_path, river):
    _, place, flag, lost = river
    _, rows = walked(tmp_path, levels=(4,), by_role=[("query", [lost, place, flag, flag])], verifier="checker")
    assert rows == [(1, None), (2, None), (3, flag), (4, flag)]
    assert [(node["parent"], node["score"]) for node in nodes(tmp_path)] == [(-1, 0.0), (-1, 1.0), (1, 1.0), (1, 1.0)]


def test_a_learned_scorer_sees_what_was_found_on_the_way_and_nothing_else(tmp_path, river):
    start, place, flag, _ = river
    by_role = [("query", [place, flag]), ("verify", ["+", "-"])]
    script, rows = walked(tmp_path, levels=(1, 2), by_role=by_role, branching=1)
    verdicts = [request.prompt.text for request in script.requests if request.prompt.choices == ("+", "-")]
    assert verdicts[0].endswith(f"?{start}!{start}{place}")
    assert verdicts[1].endswith(f"?{start}!{start}{place}{flag}={flag}")
    told = set(verdicts[0].partition("?")[0].rstrip(",").split(","))
    problem = first_trial(experiment([arm("lookup_tree")], task="rivers", params=RIVERS, problems=1)).problem
    near = {a + b for a, b in problem.data["edges"] if {a, b} & {start, place}}
    assert told == near
    assert [node["score"] for node in nodes(tmp_path)] == [1.0, 0.0]
    assert rows == [(1, None), (2, flag)], "no end, no answer; the only end is the answer, whatever the scorer says"


def test_a_checker_is_refused_where_a_task_does_not_know_whether_a_beginning_is_right():
    plan = plugins.strategies()["lookup_tree"]
    knobs = plan.Knobs(verifier="checker").model_dump()
    told = plugins.misfit(plan, plugins.tasks()["wikiworld"], "chat", knobs=knobs)
    assert told is not None
    assert "sound" in told


def test_steps_told_side_by_side_are_journaled_in_the_order_of_the_branches(tmp_path, river):
    _, place, flag, _ = river
    by_role = [("query", [place, place, flag, flag])]
    walked(tmp_path, levels=(4,), by_role=by_role, verifier="checker")
    steps = journaled(tmp_path, "step")
    assert [step["seq"] for step in steps] == list(range(len(steps)))
    assert [step["level"] for step in steps if step["kind"] in ("search", "check")] == [1, 1, 1, 2, 2, 2, 3, 4]
