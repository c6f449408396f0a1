"""Rules on letters: right by hand, and out of the examples' distribution in one respect only."""

import pytest
from pydantic import ValidationError

from fourdials import plugins
from fourdials.grading import extract
from fourdials.tasks import letter_shift


def some(count=12, **params):
    return letter_shift.problems(letter_shift.Params(**params), count, 3)


def test_rules_by_hand():
    assert letter_shift.apply("shift", "AYZ", 2, 1) == "CAB"
    assert letter_shift.apply("turn", "ABCD", 1, 1) == "BCDA"
    assert letter_shift.apply("turn", "ABCD", 1, 3) == "DABC"
    assert letter_shift.rows(("shift", "turn"), "ABZ", 1, 1) == ["BCA", "CAB"]
    assert letter_shift.rows((), "ABZ", 1, 1) == []
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


def test_the_scale_model_is_asked_in_its_own_notation_without_examples():
    by_split = {problem.data["split"]: problem for problem in some(4, notation="taught")}
    for split, problem in by_split.items():
        row, signs = problem.data["row"], "".join(rule[0] for rule in problem.data["rules"])
        asked = letter_shift.question(problem, "given", "completion")
        body = f"{signs}|{row}" if split == "format" else f"{row}|{signs}"
        assert (asked.answer.text, asked.think.text) == (f"{body}=", f"{body}>")
        assert asked.tight
        found = letter_shift.rows(problem.data["rules"], row, 1, 1)
        assert extract(asked.think, f"{found[0]}={found[1]}") == found[1]
        assert letter_shift.grade(problem, found[1]).outcome == "correct"
        assert asked.think.max_tokens > len(letter_shift.tight.thought(found))
        steps = asked.steps
        assert steps.prompt(steps.first()).text == f"{row}|{signs[0] * 2}>"
        assert set(asked.think.text + "".join(steps.prompt(steps.first()).stop)) <= set(letter_shift.tight.ALPHABET)


def test_the_taught_notation_knows_its_own_rules_only_and_thinks():
    with pytest.raises(ValidationError, match="shift and turn are 13 and 1; in the taught notation both must be 1"):
        letter_shift.Params(shift=13, notation="taught")
    offered = plugins.offered(letter_shift, "completion", {"notation": "taught"})
    assert offered - plugins.offered(letter_shift, "completion", {}) == {"think"}


@pytest.mark.parametrize("notation", ["examples", "taught"])
def test_a_step_in_either_notation_asks_for_one_rule(notation):
    for problem in some(notation=notation):
        steps = letter_shift.question(problem, "given", "completion").steps
        state = steps.first()
        while not steps.done(state):
            state = steps.advance(state, extract(steps.prompt(state), problem.truths[steps.prompt(state).key]))
        assert letter_shift.grade(problem, steps.answer(state)).outcome == "correct"


def test_a_turn_is_shorter_than_the_row():
    with pytest.raises(ValidationError, match="turn must be less than length, 3"):
        letter_shift.Params(length=3, turn=3)
