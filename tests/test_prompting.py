"""Prompts built from templates and from texts that nobody here wrote."""

import pytest

from fourdials.plugins import Question
from fourdials.prompting import fill, request, yes_or_no
from fourdials.records import Prompt
from fourdials.strategies.hybrid.recursive_lm import _tools
from fourdials.strategies.interaction.explore_then_commit import _Memory
from fourdials.strategies.parallel._judging import CHAT, COMPLETION

ASKED = "What does f'{answer}' print if {question} is 7 and {notes} is {0}?"


def about(text, format="chat"):
    return Question("p", "t", "given", format, text, Prompt(text=text))


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_question_that_holds_placeholders_reaches_the_verifier_as_it_was_asked(format):
    shown = yes_or_no(about(ASKED, format), "{question}", CHAT, COMPLETION).shown
    assert ASKED in shown
    assert "Proposed answer: {question}\n" in shown


def test_a_template_is_filled_in_one_pass_and_other_braces_stay():
    assert fill("{a} {b} {c} {}", a="{b}", b="{a}") == "{b} {a} {c} {}"
    prompt = request("chat", "{question}\n{notes}", "", max_tokens=8, question=ASKED, notes="{question}")
    assert prompt.shown == f"{ASKED}\n{{question}}"


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_choosing_a_tool_shows_question_and_notes_word_for_word(format):
    shown = _tools(about(ASKED, format), [], ["{question} is a word"], ["answer"], 3).shown
    assert ASKED in shown
    assert "{question} is a word" in shown


def test_notes_of_an_explorer_are_shown_word_for_word():
    memory = _Memory({"here": "a sign says {plan}"}, plan="go home")
    assert memory.fill("{notes}; {plan}") == "a sign says {plan}; go home"
