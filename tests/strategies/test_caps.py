"""A cap that comes before the first judged answer leaves the answers that were paid for until then."""

import pytest

from tests.scripted import Lines, arm, capped, experiment, first_trial, journaled, play


@pytest.fixture
def names():
    problem = first_trial(experiment([arm("single")], problems=1)).problem
    return problem.reference, *[name for name in problem.data["options"] if name != problem.reference][:2]


def ended(folder, made, script, calls):
    play(folder, experiment([made], problems=1, trial_budget=capped(calls=calls)), script)
    [trial] = journaled(folder, "trial")
    return trial["stop_reason"], trial["outcome"], trial["level"], trial["answer"], trial["calls"]


@pytest.mark.parametrize(
    "name", ["best_of_n", "weighted_vote", "consensus_game", "beam", "mcts", "ab_mcts", "tree_of_thoughts"]
)
def test_a_sample_that_cannot_be_judged_any_more_is_the_answer(tmp_path, names, name):
    right, *_ = names
    script = Lines(by_role={"solve": [right], "verify": ["yes"]})
    assert ended(tmp_path, arm(name), script, calls=1) == ("capped", "correct", 1, right, 1)


def test_of_several_answers_that_were_not_judged_the_most_frequent_is_given(tmp_path, names):
    right, one, _ = names
    script = Lines(by_role={"solve": [one, right, f"{right}.", one]})
    made = arm("debate", knobs={"agents": 4})
    assert ended(tmp_path, made, script, calls=3) == ("capped", "correct", 1, right, 3)


def test_an_answer_that_was_judged_is_not_outvoted_by_those_that_were_not(tmp_path, names):
    right, one, _ = names
    script = Lines(by_role={"solve": [right, one, one], "verify": ["yes"]})
    assert ended(tmp_path, arm("best_of_n", levels=(1, 3)), script, calls=4)[:4] == ("capped", "correct", 1, right)


def test_replies_that_were_discarded_are_no_answer(tmp_path, names):
    script = Lines(by_role={"solve": ["I cannot say"]})
    trial = ended(tmp_path, arm("best_of_n"), script, calls=1)
    assert trial[3] is None


def test_parts_of_a_question_are_no_answer_to_it(tmp_path, names):
    right, *_ = names
    script = Lines(by_role={"plan": ["1. one"], "route": ["small 2"], "solve": [right]})
    made = arm("orchestrate", "chat", levels=(1,), knobs={"assign": "lead", "samples": 2})
    stopped, outcome, _, answer, calls = ended(tmp_path, made, script, calls=3)
    assert (stopped, outcome, answer, calls) == ("capped", "unanswered", None, 3)
