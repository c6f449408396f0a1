"""Rules on letters: right by hand, and out of the examples' distribution in one respect only."""

import pytest
from pydantic import ValidationError

from fourdials.tasks import letter_shift


def some(count=12, **params):
    return letter_shift.problems(letter_shift.Params(**params), count, 3)


def test_rules_by_hand():
    assert letter_shift.apply("shift", "AYZ", 2, 1) == "CAB"
    assert letter_shift.apply("turn", "ABCD", 1, 1) == "BCDA"
    assert letter_shift.apply("turn", "ABCD", 1, 3) == "DABC"
    assert letter_shift._applied(("shift", "turn"), "ABZ", 1, 1) == "CAB"
    assert letter_shift.apply("turn", "", 1, 1) == ""


def test_the_examples_repeat_a_rule_and_only_the_task_split_mixes_them():
    shown, held_back = letter_shift._compositions(2)
    assert shown == [("shift", "shift"), ("turn", "turn")]
    assert held_back == [("shift", "turn"), ("turn", "shift")]
    for problem in some():
        assert {rules for _, rules, _ in problem.data["examples"]} == set(shown)
        assert (problem.data["rules"] in held_back) == (problem.data["split"] == "task")


def test_each_split_leaves_the_examples_in_one_respect():
    by_split = {problem.data["split"]: problem for problem in some(4)}
    assert [problem.difficulty for problem in by_split.values()] == [0, 1, 2, 3]
    lengths = {split: len(problem.data["row"]) for split, problem in by_split.items()}
    assert lengths == {"in": 4, "length": 6, "format": 4, "task": 4}
    slashed = {split for split, problem in by_split.items() if "/" in problem.text}
    assert slashed == {"format"}
    assert all(
        " ->" in line for line in letter_shift.question(by_split["format"], "given", "chat").text.split("\n")[:-1]
    )


def test_a_row_reads_like_this():
    (problem,) = some(1, splits=("in",), examples=2)
    prompt = letter_shift.question(problem, "given", "completion").answer
    lines = prompt.text.splitlines()
    assert len(lines) == 3
    assert lines[-1] == f"{' '.join(problem.data['row'])} {' '.join(f'[{r}]' for r in problem.data['rules'])} ->"
    assert letter_shift._cue("AB", ("shift", "turn"), True) == "shift, turn: A/B ="


@pytest.mark.parametrize("format", ["chat", "completion"])
@pytest.mark.parametrize("rules", [1, 2, 3])
def test_a_perfect_player_applies_rule_after_rule(format, rules):
    for problem in some(rules=rules, shift=13, turn=2):
        steps = letter_shift.question(problem, "given", format).steps
        state, taken = steps.first(), 0
        assert steps.answer(state) is None
        while not steps.done(state):
            state, taken = steps.advance(state, problem.truths[steps.prompt(state).key]), taken + 1
        assert (steps.answer(state), taken) == (problem.reference, rules)


@pytest.mark.parametrize(("spelling", "outcome"), [("{}", "correct"), ("{}.", "correct"), ("X {}", "wrong")])
def test_letters_count_however_they_are_parted(spelling, outcome):
    problem = some(1)[0]
    for between in (" ", "", "/", ", "):
        answer = spelling.format(between.join(problem.reference.split()))
        expected = outcome if between != "" or outcome == "correct" else "correct"
        assert letter_shift.grade(problem, answer).outcome == expected


def test_a_wrong_letter_is_wrong_and_the_evidence_says_how_many_agree():
    problem = some(1)[0]
    first = "A" if problem.reference[0] != "A" else "B"
    grade = letter_shift.grade(problem, first + problem.reference[1:])
    assert (grade.outcome, grade.evidence["letters_right"], grade.evidence["split"]) == ("wrong", 0.75, "in")


def test_the_rules_are_explained_only_on_request():
    for explained in (True, False):
        (problem,) = some(1, explained=explained, shift=3)
        shown = letter_shift.question(problem, "given", "chat").answer.shown
        assert ("the one 3 later in the alphabet" in shown) == explained


def test_a_turn_is_shorter_than_the_row():
    with pytest.raises(ValidationError, match="turn must be less than length, 3"):
        letter_shift.Params(length=3, turn=3)
