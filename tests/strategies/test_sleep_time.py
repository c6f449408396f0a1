"""Compute before the question is known: never shown the question, shared on the ledger, waited for by nobody."""

import pytest

from fourdials import query
from fourdials.plugins import tasks
from fourdials.prompting import in_context
from fourdials.records import Sample, Usage
from fourdials.store import Store
from tests.scripted import Lines, arm, experiment, first_trial, journaled, play

TWINS = {"twins": True, "questions_per_world": 4, "hops": (2,), "passages": 10}


def settings(format="completion", *, task="wikiworld", params=None, levels=(1, 2), **knobs):
    params = TWINS if task == "wikiworld" and params is None else params
    return experiment([arm("sleep_time", format, levels=levels, knobs=knobs)], task=task, params=params, problems=1)


def tokens(text, prompt, completion):
    return Sample(text, "stop", Usage(prompt, 0, 0, completion, 0))


def asked(script, role):
    return [request.prompt for request in script.requests if request.role == role]


@pytest.mark.parametrize("format", ["chat", "completion"])
@pytest.mark.parametrize(
    ("task", "params"), [("wikiworld", TWINS), ("wikiworld", {"hops": (3,)}), ("long_context", {})]
)
def test_a_rewrite_is_made_from_the_context_and_holds_nothing_of_the_question(tmp_path, format, task, params):
    what = settings(format, task=task, params=params)
    problem = first_trial(what).problem
    script = Lines(by_role={"revise": ["first thoughts", "second thoughts"], "solve": ["Ann"]})
    play(tmp_path, what, script)
    context = tasks()[task].question(problem, "given", format).context
    one, two = asked(script, "revise")
    unknown = {problem.text, problem.text.removeprefix("Who is ").removesuffix("?")}
    for prompt in (one, two):
        assert f"{context}\n" in prompt.shown
        assert not any(words in prompt.shown for words in unknown)
    assert "first thoughts" in two.shown
    assert all(problem.text.split("?")[0].removeprefix("Who is ") in p.shown for p in asked(script, "solve"))


def test_twins_prepare_with_one_and_the_same_prompt(tmp_path):
    what = experiment([arm("sleep_time", levels=(1,))], params=TWINS, problems=4)
    script = Lines(by_role={"revise": ["noted"], "solve": ["Ann"]})
    play(tmp_path, what, script)
    assert len({prompt.shown for prompt in asked(script, "revise")}) == 1
    assert len({prompt.shown for prompt in asked(script, "solve")}) == 4


def test_the_answer_is_asked_of_the_context_and_what_follows_from_it_or_of_that_alone(tmp_path):
    what = settings(levels=(2,))
    question = tasks()["wikiworld"].question(first_trial(what).problem, "given", "completion")
    for keep, shown in ((True, f"{question.context} A. B."), (False, "A. B.")):
        script = Lines(by_role={"revise": ["A.", "B."], "solve": ["Ann"]})
        play(tmp_path / str(keep), settings(levels=(2,), keep=keep), script)
        assert asked(script, "solve")[-1].text == question.answer.text.replace(question.context, shown)
    silent = Lines(by_role={"revise": [""], "solve": ["Ann"]})
    play(tmp_path / "silent", settings(levels=(1,), keep=False), silent)
    assert asked(silent, "solve")[0] == question.answer


def test_a_chat_model_writes_everything_anew_and_may_think_before_it_answers(tmp_path):
    said = {"revise": ["A is so.", "B is so."], "solve": ["so so so so", "Ann"]}
    script = Lines(by_role=said)
    play(tmp_path, settings("chat", levels=(2,), thought_tokens=2), script)
    thought, forced = asked(script, "solve")[-2:]
    assert thought.max_tokens == 2
    assert "B is so." in thought.shown
    assert "A is so." not in thought.shown
    assert "B is so." in forced.shown
    assert "Time is up" in forced.shown
    assert all(call["probe"] for call in journaled(tmp_path, "calls") if call["role"] == "solve")


def test_the_spend_holds_a_share_of_each_rewrite_the_bill_all_of_it_and_the_path_none(tmp_path):
    # Two rewrites of 100 + 20 and 140 + 20 tokens, answers of 50 + 2 and 60 + 2; four questions share the rewrites.
    replies = {
        "revise": [tokens("A.", 100, 20), tokens("B.", 140, 20)],
        "solve": [tokens("Ann", 50, 2), tokens("Ann", 60, 2)],
    }
    folder = tmp_path / "runs" / "run"
    play(folder, settings(), Lines(by_role=replies))
    store = Store(tmp_path, read_only_copy=True, recorded=tmp_path / "none")
    # Level 1: 100/4 + 50, 20/4 + 2. Level 2: (100 + 140)/4 + 60, (20 + 20)/4 + 2. An answer takes the script 0.5 s, and
    # 50/1000 + 2/100 s by the model's rates.
    rows = store.frame(
        "SELECT level, calls, prompt_tokens, completion_tokens, total_tokens, critical_path_s, modelled_s FROM spend "
        "ORDER BY level"
    ).rows()
    assert rows == [
        (1, 1.25, 75.0, 7.0, 82.0, 0.5, pytest.approx(0.07)),
        (2, 1.5, 120.0, 12.0, 132.0, 0.5, pytest.approx(0.08)),
    ]
    [trial] = journaled(folder, "trial")
    assert (trial["calls"], trial["prompt_tokens"], trial["completion_tokens"]) == (4, 350, 44)
    assert query.run(store, "spend_check", experiment_ids="run")["agrees"].to_list() == [True]
    points = query.run(store, "curve_points", experiment_ids="run", unit="calls")
    assert set(points["max_spend"]) == {1.5}


def test_the_questions_that_share_a_rewrite_are_those_of_the_data_unless_a_number_is_given(tmp_path):
    def shared(name, **changes):
        play(tmp_path / name, settings(levels=(1,), **changes), Lines("Ann"))
        return [call["shared"] for call in journaled(tmp_path / name, "calls")]

    assert shared("twins") == [4, None]
    assert shared("own facts", params={"questions_per_world": 4}) == [1, None]
    assert shared("given", questions=10) == [10, None]
    assert shared("record", task="long_context", params={"kinds": ("needle", "pair")}) == [2, None]


def test_a_resumed_run_replays_shared_calls_and_their_paths(tmp_path):
    play(tmp_path / "a", settings(), Lines("Ann"))
    (tmp_path / "b").mkdir()
    for path in (tmp_path / "a").glob("journal-*.jsonl"):
        kept = [line for line in path.read_text().splitlines() if not line.startswith('{"k":"trial"')]
        (tmp_path / "b" / path.name).write_text("\n".join(kept[:-2]) + "\n")  # and the last answer is lost
    script = Lines("Ann")
    play(tmp_path / "b", settings(), script)
    assert len(script.requests) <= 1
    paths = [{c["call_id"]: c["modelled_path_s"] for c in journaled(tmp_path / run, "calls")} for run in "ab"]
    assert paths[0] == paths[1]


def test_a_prompt_without_the_context_is_an_error_that_names_the_task():
    module = tasks()["wikiworld"]
    question = module.question(module.problems(module.Params(), 1, 1)[0], "search", "chat")
    with pytest.raises(ValueError, match="wikiworld does not hold its context"):
        in_context(question, question.answer, "anything")
