"""Searching: what is asked once passages were found."""

from dataclasses import replace

from fourdials import plugins
from tests.scripted import Lines, arm, experiment, first_trial, journaled, play


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
