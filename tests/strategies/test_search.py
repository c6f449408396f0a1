"""Searching: what is asked once passages were found."""

from dataclasses import replace

import pytest

from fourdials import plugins
from tests.scripted import Lines, Script, arm, experiment, first_trial, journaled, play


def test_the_answer_is_asked_for_in_the_question_s_own_form_with_the_facts_in_view(tmp_path):
    what = experiment([arm("retrieve", "chat", levels=(1,))], problems=1)
    trial = first_trial(what)
    fact = next(iter(trial.problem.world["pages"].values()))[0]
    script = Lines(by_role={"query": [fact], "synthesise": [trial.problem.reference]})
    play(tmp_path, what, script)
    asked = plugins.tasks()["wikiworld"].question(trial.problem, "search", "chat").answer
    last = script.requests[-1].prompt
    assert replace(last, messages=asked.messages) == asked
    assert f"- {fact}" in last.messages[-1].content
    assert journaled(tmp_path, "checkpoint")[0]["score"] == 1.0


def queries(folder):
    """What was searched for, in order."""
    return [step["payload"]["query"] for step in journaled(folder, "step") if step["kind"] == "search"]


def own(task="wikiworld", format="completion", **knobs):
    """One problem of three hops on which a model that knows every truth words its own queries."""
    params = {"wikiworld": {"hops": [3]}, "graph_path": {"lengths": [3]}}.get(task, {})
    chosen = arm("retrieve", format, levels=(1, 2, 3, 4, 5), knobs={"queries": "own", **knobs})
    return experiment([chosen], task=task, problems=1, params=params)


@pytest.mark.parametrize("task", ["wikiworld", "graph_path"])
@pytest.mark.parametrize("strategy", ["retrieve", "plan_and_retrieve"])
def test_a_completion_model_words_its_own_queries_follows_them_to_the_answer_and_says_when_it_is_done(
    strategy, task, tmp_path
):
    what = own(task)
    if strategy != "retrieve":
        what = replace(what, arms=(arm(strategy, levels=(1, 2, 3, 4, 5)),))
    play(tmp_path, what, script := Script(right=1.0))
    steps = plugins.tasks()[task].question(first_trial(what).problem, "search", "completion").steps
    state, chain = steps.first(), []
    while not steps.done(state):
        chain.append(steps.query(state))
        state = steps.advance(state, first_trial(what).problem.truths[steps.prompt(state, ["x"]).key])
    assert queries(tmp_path) == chain
    [trial] = journaled(tmp_path, "trial")
    assert (trial["level"], trial["stop_reason"], trial["score"]) == (4, "finished", 1.0)
    asked = [r.prompt for r in script.requests if r.role == ("query" if strategy == "retrieve" else "plan")]
    assert all(query not in prompt.choices for number, prompt in enumerate(asked) for query in chain[:number])
    assert "done" not in asked[0].choices
    assert "done" in asked[1].choices


def test_without_own_queries_a_completion_model_is_led_along_the_chain(tmp_path):
    play(tmp_path, experiment([arm("retrieve", levels=(1, 2))], problems=1), script := Script(right=1.0))
    assert {request.role for request in script.requests} == {"query"}
    assert not any("->" in request.prompt.text for request in script.requests)


def test_an_answer_from_too_few_facts_is_asked_for_among_the_names_that_were_found(tmp_path):
    play(tmp_path, own(), script := Script(right=1.0))
    first = next(request.prompt for request in script.requests if request.role == "synthesise")
    found = journaled(tmp_path, "step")[0]["payload"]["passages"]
    texts = {line["sha256"]: line["text"] for line in journaled(tmp_path, "text")}
    shown = [texts[p["sha256"]] if isinstance(p, dict) else p for p in found]
    assert all(passage in first.text for passage in shown)
    assert all(any(name in passage for passage in shown) for name in first.choices)


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_thought_before_the_answer_is_cut_at_its_budget_and_is_part_of_that_level_alone(format, tmp_path):
    play(tmp_path, own(format=format, thought_tokens=3), script := Script(right=1.0))
    thoughts = [request for request in script.requests if request.prompt.max_tokens == 3]
    assert thoughts
    calls = [call for call in journaled(tmp_path, "calls") if call["role"] == "synthesise"]
    assert all(call["probe"] for call in calls)
    assert len(calls) == len([r for r in script.requests if r.role != "query"])
    assert any(call["finish_reason"] == "length" for call in calls)


def test_a_task_without_a_form_of_its_own_is_searched_by_worked_examples(tmp_path):
    what = own("dataset")
    script = Lines(by_role={"query": ["owner of the ferries\nand more", "done"], "synthesise": ["Ada Finn"]})
    play(tmp_path, what, script)
    assert queries(tmp_path) == ["owner of the ferries"]
    assert script.requests[0].prompt.text.endswith(
        f"Question: {first_trial(what).problem.text}\nFound: nothing\nSearch:"
    )
    last = script.requests[-1].prompt
    assert last.text.count("The ferries of Kell belong to Ada Finn.") == 1
    assert last.text.endswith("Answer:")


def test_an_answer_is_asked_for_only_at_the_levels_of_the_arm_and_where_it_ends(tmp_path):
    what = own()
    play(tmp_path, replace(what, arms=(replace(what.arms[0], levels=(2, 8)),)), script := Script(right=1.0))
    assert [checkpoint["level"] for checkpoint in journaled(tmp_path, "checkpoint")] == [2, 4]
    assert sum(request.role == "synthesise" for request in script.requests) == 2


@pytest.mark.parametrize(("knobs", "bound"), [({"answer_tokens": 3}, True), ({}, False)])
def test_the_synthesiser_has_a_budget_of_its_own(knobs, bound, tmp_path):
    script = Script(right=0.5)
    play(tmp_path, experiment([arm("plan_and_retrieve", "chat", levels=(1,), knobs=knobs)], problems=1), script)
    assert (script.requests[-1].prompt.max_tokens == 3) == bound
