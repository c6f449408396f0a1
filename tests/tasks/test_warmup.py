"""Warm-up questions: the pinned prompts, right by hand, steps that add up."""

from typing import get_args

import pytest

from fourdials.errors import InputError
from fourdials.tasks import _familiar, warmup

KINDS = get_args(warmup.Kind)
each_kind = pytest.mark.parametrize("kind", KINDS)


def some(kind, count=12, **params):
    return warmup.problems(warmup.Params(kind=kind, **params), count, 3)


def by_hand(kind, item):
    return warmup._problem(warmup.Params(kind=kind), item, "hand")


@pytest.mark.parametrize(
    ("kind", "item", "reference", "wrong", "lines"),
    [
        ("capital", "France", "Paris", "Lyon", ("Indonesia: Jakarta", "France:")),
        ("increment", "72", "73", "72", ("63+1=64", "72+1=")),
        ("sort", "9 2 4", "2 4 9", "2 9 4", ("2 4 3 -> 2 3 4", "9 2 4 ->")),
        ("category", "hammer", "tool", "fruit", ("screwdriver -> tool", "hammer ->")),
        ("running_sum", "5 + 2 - 1 + 1", "7", "6", ("4 + 2 = 6", "5 + 2 - 1 + 1 =")),
        (
            "category_count",
            "fruit in apple, dog, plum",
            "2",
            "3",
            ("fruit in cow, peach: 1", "fruit in apple, dog, plum:"),
        ),
    ],
)
def test_each_kind_by_hand(kind, item, reference, wrong, lines):
    problem = by_hand(kind, item)
    assert problem.reference == problem.truths["answer"] == reference
    assert warmup.grade(problem, f" {reference}.").outcome == "correct"
    assert warmup.grade(problem, wrong).outcome == "wrong"
    prompt = warmup.question(problem, "given", "completion").answer
    shown = prompt.text.splitlines()
    assert (shown[0], shown[-1]) == lines
    assert prompt.stop == ("\n",)
    assert problem.text in warmup.question(problem, "given", "chat").answer.shown


@each_kind
@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_perfect_player_reaches_the_reference_by_steps(kind, format):
    for problem in some(kind):
        steps = warmup.question(problem, "given", format).steps
        state, taken = steps.first(), 0
        assert steps.answer(state) is None
        while not steps.done(state):
            state = steps.advance(state, problem.truths[steps.prompt(state).key])
            taken += 1
        assert steps.answer(state) == problem.reference
        assert taken == (problem.difficulty if kind in ("running_sum", "category_count") else 1)


def test_the_steps_of_a_sum_have_the_measured_prompt_and_go_on_from_a_wrong_one():
    problem = by_hand("running_sum", "5 + 2 - 1")
    steps = warmup.question(problem, "given", "completion").steps
    assert steps.prompt(steps.first()).text == (
        "4 + 2 = 6\n5 + 1 = 6\n9 + 1 = 10\n5 + 2 = 7\n7 + 2 = 9\n4 + 2 = 6\n5 + 2 ="
    )
    prompt = steps.prompt(steps.advance(steps.first(), "9"))
    assert prompt.text.endswith("\n9 - 1 =")
    assert problem.truths[prompt.key] == "8"


def test_a_list_is_counted_word_by_word_among_the_categories():
    problem = by_hand("category_count", "fruit in apple, dog")
    steps = warmup.question(problem, "given", "completion").steps
    assert steps.prompt(steps.first()).choices == warmup.KINDS
    assert steps.answer(steps.advance(steps.first(), "Fruit")) == "1"
    assert steps.answer(steps.advance(steps.first(), "animal")) == "0"


@each_kind
@pytest.mark.parametrize("digits", [0, 2, 4])
def test_no_question_is_a_worked_example_and_worked_examples_are_right(kind, digits):
    for problem in some(kind, 30, digits=digits):
        shots = warmup._wording(kind, problem.data["digits"]).shots
        cue = warmup._wording(kind, problem.data["digits"]).cue(problem.data["item"])
        if kind not in ("running_sum", "category_count"):
            assert not any(shot.startswith(cue) for shot in shots)
        if kind in ("increment", "running_sum"):
            assert all(eval(shot.split("=")[0]) == int(shot.split("=")[1]) for shot in shots)
        if kind == "sort":
            assert all(sorted(left.split()) == right.split() for left, right in (s.split(" -> ") for s in shots))
    for listed, number in warmup._LISTS:
        wanted, words = warmup._split_list(listed)
        assert sum(_familiar.CATEGORY_SHOTS[word] == wanted for word in words) == number


def test_lists_of_facts_hold_nothing_twice():
    listed = (*_familiar.CATEGORIES.values(), *_familiar.MORE_WORDS.values())
    assert len(warmup.WORDS) == sum(map(len, listed)) >= 200
    assert not set(_familiar.CATEGORY_SHOTS) & set(warmup.WORDS)
    assert not set(_familiar.CAPITAL_SHOTS) & set(_familiar.CAPITALS)
    assert len(set(_familiar.CAPITALS.values())) == len(_familiar.CAPITALS) >= 200


def test_running_out_of_questions_says_how_many_there_are():
    with pytest.raises(InputError, match=r"only 82 distinct problems with kind = increment"):
        some("increment", 100)
    assert len(some("increment", 200, digits=3)) == 200


def test_chance_is_a_guess_among_what_can_be_said():
    assert warmup.chance(by_hand("category", "hammer")) == 1 / 8
    assert warmup.chance(by_hand("sort", "9 2 4")) == pytest.approx(1 / 6)
    assert warmup.chance(by_hand("category_count", "fruit in apple, dog")) == pytest.approx(1 / 3)
    assert warmup.chance(by_hand("capital", "France")) == 0
