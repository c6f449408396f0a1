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
        ("1/2", "0.5"),
        ("or 4/6.", "2/3"),
        ("3 4/5", "3.8"),
        ("3½ cups", "3.5"),
        ("10^3", "1000"),
        ("10⁻²", "0.01"),
        ("2 × 10^3", "2000"),
        ("-\\frac{1}{2}", "-0.5"),
        ("3 \\times 10^{2}", "300"),
        ("1 200 people", "1200"),
        ("1\u202f200\u202f000", "1200000"),
        ("the node b4,4", "4"),
        ("1 2000", "2000"),
        ("3,14", None),
        ("0,125", None),
        ("1.234,5", None),
        ("x^2", None),
        ("10^n", None),
        ("x/2", None),
        ("12/05/2024", None),
        ("2^3^2", None),
        ("1/0", None),
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
        ("Answer: 1/2, not 3", "0.5"),
        ("Answer: 2/4 = 1/2", "0.5"),
        ("Answer: 10^3 km", "1000"),
        ("Answer: $18/hour", "18"),
        ("Answer: 1 200", "1200"),
        ("Answer: 3,14", None),
        ("Answer: 1, 2 and 3", "1"),
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


@pytest.mark.parametrize("text", ["many", "", "3,14", "0,125", "1,2,3", "3 5/4", "0^-1", "inf", "1_000", "9" * 6000])
def test_what_is_no_number_cannot_be_tidied(text):
    with pytest.raises(ValueError, match=r"is no number|digits"):
        tidy_number(text)


@pytest.mark.parametrize("piece", ["1", "1/", "1/((", "100 ", "2^", "1×10^"])
def test_a_long_text_that_looks_like_a_number_is_none_and_comes_to_an_end(piece):
    assert read("number", piece * 20000) is None


def test_equal_plain_answers_share_a_normal_form():
    assert normal(" **New   York!** ") == normal("new york") != normal("York")
