"""Thoughts that go on, on replies written out by hand."""

from dataclasses import replace

import pytest

from fourdials import spec
from fourdials.errors import SpecError
from fourdials.prompting import before_mark, go_on
from fourdials.records import Message, Prompt
from fourdials.strategies.sequential import budget_forcing
from tests.scripted import CAPABLE, Lines, arm, experiment, first_trial, journaled, model, play


@pytest.fixture
def names():
    """The right answer to the first problem of a run, and a wrong one."""
    problem = first_trial(experiment([arm("single")], problems=1)).problem
    return problem.reference, next(name for name in problem.data["options"] if name != problem.reference)


def run(folder, name, script, format="completion", *, levels=None, able=CAPABLE, **knobs):
    served = replace(model(format), capabilities=able)
    play(folder, experiment([arm(name, format, levels=levels, knobs=knobs)], problems=1, model=served), script)
    return [(c["level"], c["answer"]) for c in journaled(folder, "checkpoint")]


def test_the_last_mark_counts_whatever_its_case():
    assert before_mark("so ANSWER: Ann, no, answer: Bob", "Answer:") == "so ANSWER: Ann, no, "
    assert before_mark("no answer yet", "Answer:") is None
    assert before_mark("anything", "") is None


def test_a_thought_goes_on_as_text_as_a_prefill_or_by_a_turn():
    raw, chat = Prompt(text="Q?"), Prompt(messages=(Message("user", "Q?"),))
    assert go_on(raw, "I think ", "Wait,", prefill=False).text == "Q? I think Wait,"
    assert go_on(chat, "I think ", "Wait,", prefill=True).messages[-1] == Message("assistant", "I think Wait,")
    assert go_on(chat, "I think", "Go on.", prefill=False).messages[1:] == (
        Message("assistant", "I think"),
        Message("user", "Go on."),
    )


def test_budget_forcing_takes_the_answer_away_and_writes_wait(tmp_path, names):
    right, wrong = names
    script = Lines(f"first idea. Answer: {wrong}", f"better idea. Answer: {right}")
    assert run(tmp_path, "budget_forcing", script, levels=(2,)) == [(1, wrong), (2, right)]
    first, second = (request.prompt.text for request in script.requests)
    assert second == f"{first} first idea. Wait,"
    assert [s["payload"] for s in journaled(tmp_path, "step") if s["kind"] == "continued"] == [
        {"by": "text", "after": "end"}
    ]


@pytest.mark.parametrize(("prefill", "way"), [("yes", "prefill"), ("unknown", "turn")])
def test_budget_forcing_says_how_a_chat_model_was_made_to_go_on(tmp_path, names, prefill, way):
    right, _ = names
    script = Lines(f"idea\nAnswer: {right}")
    run(tmp_path, "budget_forcing", script, "chat", levels=(2,), able={**CAPABLE, "prefill": prefill})
    assert [s["payload"] for s in journaled(tmp_path, "step") if s["kind"] == "continued"] == [
        {"by": way, "after": "end"}
    ]
    assert script.requests[1].prompt.messages[-1].role == ("assistant" if way == "prefill" else "user")


def test_a_piece_of_thought_without_an_answer_is_probed_for_one(tmp_path, names):
    right, _ = names
    script = Lines("one two three four five six seven eight nine ten", right)
    assert run(tmp_path, "budget_forcing", script, levels=(1,), tokens=8) == [(1, right)]
    assert [c["probe"] for c in journaled(tmp_path, "calls")] == [False, True]


def test_a_piece_that_was_cut_goes_on_without_being_told_to_wait(tmp_path, names):
    right, _ = names
    script = Lines("one two three four five six seven eight nine ten", right, f"eleven. Answer: {right}")
    assert run(tmp_path, "budget_forcing", script, levels=(2,), tokens=8) == [(1, right), (2, right)]
    assert script.requests[2].prompt.text.endswith("seven eight")


def test_a_chat_model_whose_piece_was_cut_is_asked_to_go_on_and_not_to_wait(tmp_path, names):
    right, _ = names
    script = Lines("one two three four five six seven eight nine ten", right, f"eleven.\nAnswer: {right}")
    rows = run(tmp_path, "budget_forcing", script, "chat", levels=(3,), tokens=8)
    assert rows == [(1, right), (2, right), (3, right)]
    turns = [request.prompt.messages[-1].content for request in script.requests]
    assert turns[2] == budget_forcing.GO_ON_TURN
    assert turns[3] == budget_forcing.WAIT_TURN
    after = [s["payload"]["after"] for s in journaled(tmp_path, "step") if s["kind"] == "continued"]
    assert after == ["cut", "end"]


def test_a_thought_that_announces_a_switch_is_taken_up_again_and_told_to_stay(tmp_path, names):
    right, wrong = names
    # the second text is the forced answer after the thought was stopped at a switch
    script = Lines("go by Ann.", wrong, f"so it is done. Answer: {right}")
    assert run(tmp_path, "stay_on_thought", script, levels=(3,)) == [(1, wrong), (2, right)]
    assert "Alternatively" in script.requests[0].prompt.stop
    assert script.requests[2].prompt.text.endswith("go by Ann. Staying with this approach,")
    stopped = [s["payload"]["stopped"] for s in journaled(tmp_path, "step") if s["kind"] == "switches"]
    assert stopped == [True, False]
    assert journaled(tmp_path, "trial")[0]["stop_reason"] == "finished"


@pytest.mark.parametrize(("format", "counted"), [("chat", ["(stopped)"]), ("completion", [])])
def test_a_piece_that_was_stopped_at_a_switch_counts_one_where_nothing_else_can_have_ended_it(
    tmp_path, names, format, counted
):
    right, wrong = names
    script = Lines("go by Ann. Let me try.", wrong, f"so it is done.\nAnswer: {right}")
    run(tmp_path, "stay_on_thought", script, format, levels=(3,))
    said = [s["payload"]["said"] for s in journaled(tmp_path, "step") if s["kind"] == "switches"]
    assert said == [["Let me try", *counted], []], "the words that ended the first piece are not in its text"


def test_switches_are_marked_where_nothing_is_done_about_them(tmp_path, names):
    right, _ = names
    script = Lines(f"Try Ann. Alternatively Bob. No, another way. Answer: {right}")
    assert run(tmp_path, "stay_on_thought", script, intervention="watch") == [(1, right)]
    assert journaled(tmp_path, "step")[0]["payload"]["said"] == ["Alternatively", "another way"]
    assert script.requests[0].prompt.stop == ("\n",)
    run(tmp_path / "told", "stay_on_thought", script, "chat", intervention="instruct")
    assert "Stay with one approach" in script.requests[1].prompt.messages[-1].content


def test_each_level_of_reasoning_effort_is_a_run_of_its_own(tmp_path, names):
    right, _ = names
    script = Lines(right)
    assert sorted(run(tmp_path, "reasoning_effort", script, "chat")) == [(1, right), (2, right), (3, right)]
    assert sorted(request.prompt.effort for request in script.requests) == ["high", "low", "medium"]
    script = Lines(right)
    run(tmp_path / "tokens", "reasoning_effort", script, "chat", levels=(4,), thinking_tokens=1000)
    assert (script.requests[0].prompt.effort, script.requests[0].prompt.max_tokens) == ("4000", 20_000)


def test_an_effort_that_has_no_word_is_refused(tmp_path, names):
    run(tmp_path, "reasoning_effort", Lines(names[0]), "chat", levels=(4,))
    assert "or set thinking_tokens" in journaled(tmp_path, "trial")[0]["error"]["message"]


def test_words_that_announce_a_switch_are_less_likely_for_the_first_tokens_of_a_thought_only(tmp_path, names):
    right, _ = names
    able = replace(model(), capabilities={**CAPABLE, "logit_bias": "yes"})
    knobs = {"intervention": "bias", "penalised": 8, "tokens": 64, "words": ("But",)}
    script = Lines("one two three four five six seven eight nine", right, f"so it is. Answer: {right}")
    play(tmp_path, experiment([arm("stay_on_thought", levels=(3,), knobs=knobs)], problems=1, model=able), script)
    assert [(c["level"], c["answer"]) for c in journaled(tmp_path, "checkpoint")] == [(1, right), (2, right)]
    asked = [(r.prompt.discouraged, r.prompt.bias, r.prompt.max_tokens) for r in script.requests if r.role == "solve"]
    assert asked[0] == (("But",), 3.0, 8)
    assert asked[-1] == ((), 0.0, 56)
    assert script.requests[-1].prompt.text.endswith("seven eight")
    calls = journaled(tmp_path, "calls")
    assert calls[0]["request"]["bias"] == 3.0
    assert "bias" not in calls[-1]["request"]


def test_a_logit_bias_is_refused_before_the_run_where_it_cannot_be_made():
    file = {
        "name": "bias",
        "model": "openai/gpt-4.1-mini",
        "tasks": [{"name": "wikiworld"}],
        "arms": [{"strategy": "stay_on_thought", "knobs": {"intervention": "bias"}}],
    }
    with pytest.raises(SpecError, match=r"needs logit_bias, which openai/gpt-4\.1-mini is not known to do"):
        spec.parse(file)
    stated = {"models": {"openai/gpt-4.1-mini": {"capabilities": {"logit_bias": "yes"}}}}
    with pytest.raises(SpecError, match="the ids of its tokens are not known"):
        spec.parse(file | stated)
    known = {"model": "openai/gpt-4-turbo", "models": {"openai/gpt-4-turbo": stated["models"]["openai/gpt-4.1-mini"]}}
    assert spec.parse(file | known).models["openai/gpt-4-turbo"].capabilities["logit_bias"] == "yes"
