"""A table learned from calibration trials: what it picks, what it may look at, and which problems it is learned on."""

import pytest

from fourdials.errors import InputError
from fourdials.plugins import Question
from fourdials.records import Prompt
from fourdials.routing import Rule, Tried, calibrates, choose, features, learn, tried


def example(problem, characters, strategy, score, cost=0.0, task="t"):
    return Tried(task, problem, {"characters": characters, "lines": 1.0, "words": 1.0}, strategy, score, cost)


def question(text, task="t"):
    return Question("p", task, "given", "completion", text, Prompt(text=text))


SPLIT = [
    example(f"p{n}", float(n), strategy, score)
    for n in range(1, 11)
    for strategy, score in (("single", float(n <= 5)), ("vote", float(n > 5)))
]


def test_a_threshold_is_learned_where_strategies_win_on_different_questions():
    low, high, rest = learn(SPLIT)
    assert low == Rule(strategy="single", task="t", feature="characters", at_most=5.0)
    assert (high, rest) == (Rule(strategy="vote", task="t"), Rule(strategy="single"))
    assert [choose((low, high, rest), "t", "x" * n) for n in (5, 6)] == ["single", "vote"]
    assert choose((low, high, rest), "other", "x" * 9) == "single"


def test_no_threshold_is_learned_from_too_few_problems_or_without_a_gain():
    assert learn(SPLIT, least=6) == (Rule(strategy="single", task="t"), Rule(strategy="single"))
    even = [example(f"p{n}", float(n), name, 1.0) for n in range(20) for name in ("single", "vote")]
    assert learn(even) == (Rule(strategy="single", task="t"), Rule(strategy="single"))


def test_what_a_strategy_spends_can_be_charged_against_its_score():
    dear = [example(f"p{n}", 1.0, *row) for n in range(5) for row in (("single", 0.5, 100.0), ("vote", 0.75, 400.0))]
    assert learn(dear)[-1].strategy == "vote"
    assert learn(dear, price=0.001)[-1].strategy == "single"


def test_a_problem_not_tried_with_every_strategy_does_not_count():
    assert learn([*SPLIT, example("alone", 3.0, "vote", 1.0)]) == learn(SPLIT)
    with pytest.raises(InputError, match="no calibration problem was tried with each of single, vote"):
        learn([example("a", 1.0, "single", 1.0), example("b", 1.0, "vote", 1.0)])


def test_only_trials_of_the_calibration_questions_are_looked_at():
    row = {"task": "t", "strategy": "single", "score": 1.0, "total_tokens": 34}
    rows = [row | {"problem_id": name} for name in ("seen", "held out")]
    rows += [row | {"problem_id": "seen", "score": None}, row | {"problem_id": "seen", "total_tokens": None}]
    [found] = tried(rows, {("t", "seen"): question("one\n\ntwo")})
    assert (found.problem_id, found.cost, found.features) == (
        "seen",
        34.0,
        {"characters": 8.0, "lines": 2.0, "words": 2.0},
    )
    assert features("one\n\ntwo") == found.features


def test_the_split_is_settled_by_a_hash_of_the_cluster_and_the_seed():
    names = [f"cluster {n}" for n in range(1000)]
    first = [calibrates(name, 1, 0.3) for name in names]
    assert 250 < sum(first) < 350
    assert first == [calibrates(name, 1, 0.3) for name in names]
    assert first != [calibrates(name, 2, 0.3) for name in names]


def test_a_table_that_says_nothing_of_a_question_is_an_error():
    with pytest.raises(InputError, match="end the table with one for everything"):
        choose([Rule(strategy="single", at_most=3)], "t", "four")
