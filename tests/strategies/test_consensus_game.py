"""The consensus game: its arithmetic by hand, and what it picks beside a vote and a product."""

import numpy as np
import pytest

from fourdials.records import Sample, Usage
from fourdials.strategies.hybrid.consensus_game import _picks, equilibrium
from tests.scripted import Lines, arm, experiment, first_trial, journaled, play


def test_one_round_on_two_candidates_equals_the_hand_computation():
    # P(right) .4 and .9: over answers 4/13, 9/13 and 6/7, 1/7; over verdicts 28/106 and 63/76.
    # Generator, told correct: exp(5 (½ 28/106 + .1 ln .75)) : exp(5 (½ 63/76 + .1 ln .25)) = .29678 : .70322.
    # Discriminator on the first: exp(5 (½ .75 + .1 ln 28/106)) : exp(5 (½ .5 + .1 ln 78/106)) = .52816 : .47184.
    generator, discriminator = equilibrium([0.75, 0.25], [0.4, 0.9], stiffness=0.1, rate=10, rounds=1)
    assert generator[0] == pytest.approx([0.2967787, 0.7032213])
    assert generator[1] == pytest.approx([0.8040798, 0.1959202])
    assert discriminator[0] == pytest.approx([0.5281571, 0.5409314])
    assert discriminator.sum(axis=0) == pytest.approx([1, 1])


def test_a_very_stiff_game_leaves_both_where_they_began():
    generator, discriminator = equilibrium([0.75, 0.25], [0.4, 0.9], stiffness=1e6, rate=1e6, rounds=50)
    assert generator[0] == pytest.approx([0.75, 0.25], abs=1e-4)
    assert discriminator[0] == pytest.approx([28 / 106, 63 / 76], abs=1e-4)


def test_candidates_that_nobody_tells_apart_stay_equal():
    generator, discriminator = equilibrium([0.5, 0.5], [0.7, 0.7], 0.1, 0.1, 500)
    assert generator[0] == pytest.approx([0.5, 0.5])
    assert np.allclose(discriminator, 0.5)


def picks(votes, beliefs, ranks="discriminator"):
    found = _picks(votes, beliefs, ranks, 0.1, 0.1, 1000)
    return found["consensus"], found["vote"], found["product"]


def test_game_vote_and_product_agree_where_all_is_clear_and_part_where_it_is_not():
    assert picks({"a": 3, "b": 1}, {"a": 0.8, "b": 0.3}) == ("a", "a", "a")
    assert picks({"a": 2, "b": 1}, {"a": 0.4, "b": 0.9}) == ("b", "a", "b")
    # the share weighs more than the verdict in a product; the game's discriminator rates answers against each other
    assert picks({"a": 3, "b": 2}, {"a": 0.5, "b": 0.6}) == ("b", "a", "a")
    assert picks({"a": 3, "b": 2}, {"a": 0.5, "b": 0.6}, "generator") == ("a", "a", "a")
    assert picks({"a": 2, "b": 2}, {"a": 0.5, "b": 0.5}) == ("a", "a", "a")


@pytest.fixture
def names():
    problem = first_trial(experiment([arm("single")], problems=1)).problem
    return problem.reference, next(name for name in problem.data["options"] if name != problem.reference)


def run(folder, script, **knobs):
    levels = knobs.pop("levels", (3,))
    play(folder, experiment([arm("consensus_game", levels=levels, knobs=knobs)], problems=1), script)
    return [(c["level"], c["answer"], c["detail"].get("vote")) for c in journaled(folder, "checkpoint")]


def test_each_distinct_answer_is_judged_once_at_the_level_that_brought_it(tmp_path, names):
    right, wrong = names
    verdicts = ["no", "no", "no", "no", "yes"]
    script = Lines(by_role={"solve": [wrong, wrong, right], "verify": verdicts})
    assert run(tmp_path, script) == [(1, wrong, wrong), (2, wrong, wrong), (3, right, wrong)]
    calls = journaled(tmp_path, "calls")
    assert [(c["role"], c["level"]) for c in calls if c["role"] == "verify"] == [("verify", 1)] * 4 + [
        ("verify", 3)
    ] * 4
    assert {c["part"] for c in calls if c["role"] == "verify"} == {"verifier"}


def test_log_probabilities_of_a_forced_yes_and_no_stand_for_a_verdict(tmp_path, names):
    right, wrong = names
    usage = Usage(10, 0, 0, 1, 0)
    # the two answers' branches run side by side: both are asked for a yes before either is asked for a no
    heard = (("yes", -3.0), ("yes", -0.1), ("no", -0.1), ("no", -3.0))
    said = [Sample(word, "stop", usage, None, logprob) for word, logprob in heard]
    script = Lines(by_role={"solve": [wrong, right], "verify": said})
    assert run(tmp_path, script, levels=(2,), belief="logprobs")[-1][1] == right
    forced = [request.prompt.choices for request in script.requests if request.role == "verify"]
    assert sorted(forced) == [("no",), ("no",), ("yes",), ("yes",)]
