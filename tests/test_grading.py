"""Answers are read off replies as a person would read them, and not read where a person could not."""

import pytest

from fourdials.grading import extract, named, normal, tidy_number
from fourdials.records import Prompt


def read(reads, text, choices=(), mark=""):
    return extract(Prompt(text="?", reads=reads, choices=tuple(choices), mark=mark), text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is -3", "-3"),
        ("3-2", "2"),
        ("10 -3", "3"),
        ("10 - 3", "3"),
        ("5 * -3", "-3"),
        ("(-3)", "-3"),
        ("−7", "-7"),
        ("a GPT-4 reply", "4"),
        ("1,200.50 euros", "1200.5"),
        ("1,2,3", "3"),
        ("It is 50%.", "50"),
        ("1e3", "1000"),
        ("-.5 or so", "-0.5"),
        ("= +07", "7"),
        ("-0", "0"),
        ("it is 5.", "5"),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_number_counts_with_its_own_sign_only(text, number):
    assert read("number", text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("I add 3 and 4. Answer: 7, not 8", "7"),
        ("Answer: 3 + 4 = 7", "7"),
        ("Answer: 12 (out of 20)", "12"),
        ("**ANSWER:** -4", "-4"),
        ("Answer: 1. No!\nAnswer: 2", "2"),
        ("Answer:\n\n  $1,000", "1000"),
        ("so 9", "9"),
        ("3 and 4. Answer:", None),
    ],
)
def test_after_a_mark_the_first_number_counts(text, number):
    assert read("number", text, mark="Answer:") == number


def test_a_mark_is_found_whatever_its_case_and_whatever_casefolding_does_to_lengths():
    assert read("text", "İßİß answer: Ann", mark="Answer:") == "Ann"
    assert read("text", "a (b) ANSWER [x] Ann", mark="answer [x]") == "Ann"


def test_an_unfinished_thought_of_several_lines_has_no_text_answer():
    assert read("text", "First I look.\nThen I", mark="Answer:") is None
    assert read("text", "Ann", mark="Answer:") == "Ann"
    assert read("text", "\n\nAnn\nBob") == "Ann"
    assert read("text", "  \n ") is None


def test_bold_and_code_marks_around_a_text_answer_are_dropped():
    assert read("text", "**Answer:** Ann", mark="Answer:") == "Ann"
    assert read("text", "Answer: `a*b`", mark="Answer:") == "a*b"
    assert read("text", "**Ann**") == "Ann"


def test_a_block_is_everything_after_the_mark_without_its_fence():
    assert read("block", "So.\nAnswer:\n```text\n1 2\n3 4\n```\n", mark="Answer:") == "1 2\n3 4"
    assert read("block", " 1 2\n3 4\n") == "1 2\n3 4"
    assert read("block", "Answer: ", mark="Answer:") is None


def test_free_text_has_no_answer():
    assert read("nothing", "Ann") is None


@pytest.mark.parametrize(
    ("text", "choices", "choice"),
    [
        (" Ann", ("Ann", "Bob"), "Ann"),
        ("ann.", ("Ann", "Bob"), "Ann"),
        ("It is Ann.", ("Ann", "Bob"), "Ann"),
        ("Ann or Bob?\nI say Bob", ("Ann", "Bob"), "Bob"),
        ("Ann or Bob", ("Ann", "Bob"), None),
        ("Annabel", ("Ann", "Bob"), None),
        ("I take C++", ("C", "C++"), "C++"),
        ("use a.b here", ("a.b", "axb"), "a.b"),
        ("axb", ("a.b", "(a|b)"), None),
        ("pick (a|b) now", ("a.b", "(a|b)"), "(a|b)"),
        ("go back", ("back", "go back"), "go back"),
        ("back, then go back", ("back", "go back"), None),
        ("a boy, so B", ("A", "B"), "B"),
        ("it is -3", ("3", "-3"), "-3"),
        ("it is 3.5", ("3", "5"), None),
        ("it is 13", ("3", "1"), None),
        ("A", ("a", "A"), "A"),
        ("", ("?", "Ann"), None),
        ("?", ("?", "!"), "?"),
        ("", (), None),
    ],
)
def test_the_one_choice_named_counts(text, choices, choice):
    assert read("choice", text, choices) == choice
    assert named(text, choices) == choice


def test_choices_are_read_after_the_mark():
    text = "open Ann would be wrong.\nAction: back"
    assert read("choice", text, ("open Ann", "back"), mark="Action:") == "back"


@pytest.mark.parametrize(
    ("given", "plain"), [("1,200.50", "1200.5"), ("+07", "7"), ("-0.0", "0"), ("100", "100"), ("1e3", "1000")]
)
def test_a_number_is_written_plainly(given, plain):
    assert tidy_number(given) == plain


def test_what_is_no_number_cannot_be_tidied():
    with pytest.raises(ValueError, match="'many' is no number"):
        tidy_number("many")


def test_equal_plain_answers_share_a_normal_form():
    assert normal(" **New   York!** ") == normal("new york") != normal("York")
