"""Worked examples of six kinds: their answers always right, their reasoning as the kind says."""

import random
import re

import pytest

from fourdials.grading import extract
from fourdials.tasks import exemplars
from fourdials.tasks.exemplars import Story

STORY = Story(
    "Ann", "pens", ("Ann has 5 pens.", "Ann finds 3 more.", "Ann gives 2 away."), ((5, "+", 3, 8), (8, "-", 2, 6))
)
OTHER = Story("Bob", "cups", ("Bob has 9 cups.", "Bob finds 1 more."), ((9, "+", 1, 10),))


def some(count=12, **params):
    return exemplars.problems(exemplars.Params(**params), count, 3)


def shown(kind):
    return exemplars.reasoning(STORY, kind, OTHER, random.Random(1))


def true_sums(text):
    sums = re.findall(r"(\d+ [-+*] \d+) = (-?\d+)", text)
    return [eval(left) == int(right) for left, right in sums]


def test_the_kinds_of_reasoning_by_hand():
    assert STORY.text == "Ann has 5 pens. Ann finds 3 more. Ann gives 2 away. How many pens does Ann have now?"
    assert shown("answer_only") == ""
    assert shown("valid") == "Ann starts with 5 pens. Then 5 + 3 = 8. Then 8 - 2 = 6."
    assert shown("irrelevant") == "Bob starts with 9 cups. Then 9 + 1 = 10."
    assert shown("token_matched").split() == ["."] * 27, "words, marks, digits, and the spaces before numbers"
    assert true_sums(shown("invalid")) == [False, False]
    assert shown("shuffled") != shown("valid")
    assert sorted(shown("shuffled").split(". ")) != sorted(shown("irrelevant").split(". "))
    assert sorted(shown("shuffled").replace(".", "").split()) == sorted(shown("valid").replace(".", "").split())


def test_the_dots_of_an_example_are_as_many_as_the_embedded_model_s_tokens_of_its_reasoning():
    # by the tokenizer of SmolLM2-135M, each after a space: 30, 44 and 32 for the reasoning, 30, 44 and 32 for the dots
    assert [reply.count(" .") + 1 for _, reply in exemplars._replies("token_matched")] == [30, 44, 32]
    assert [exemplars.tokens(exemplars._worked(story)) for story in exemplars._SHOTS] == [30, 44, 32]


@pytest.mark.parametrize("kind", exemplars.KINDS)
def test_the_final_answers_of_the_examples_are_right_whatever_the_reasoning(kind):
    for story, (text, reply) in zip(exemplars._SHOTS, exemplars._replies(kind), strict=True):
        assert text == story.text
        assert reply.endswith(f"The answer is {story.answer}.")
        assert story.answer == story.sums[-1][3]
        assert true_sums(exemplars._worked(story)) == [True] * len(story.sums)


def test_the_same_problem_is_asked_behind_every_kind_of_examples():
    problems = some(12)
    assert [problem.data["kind"] for problem in problems] == list(exemplars.KINDS) * 2
    for start in (0, 6):
        block = problems[start : start + 6]
        assert len({problem.text for problem in block}) == len({problem.cluster_id for problem in block}) == 1
        prompts = {exemplars.question(problem, "given", "completion").answer.text for problem in block}
        assert len(prompts) == 6


def test_the_answer_follows_from_the_sentences():
    for problem in some(60, kinds=("valid",), operations=(1, 4, 12)):
        have = int(re.search(r"has (\d+)", problem.text).group(1))
        for sentence in problem.text.split(". ")[1:]:
            if found := re.search(r"finds (\d+)|gives (\d+)|(\d+) times", sentence):
                more, less, times = (int(part) if part else None for part in found.groups())
                have = have + more if more else have - less if less else have * times
                assert have > 0
        assert str(have) == problem.reference


def test_a_reply_like_the_examples_is_read_and_graded():
    problem = some(1, kinds=("valid",))[0]
    for format in ("chat", "completion"):
        prompt = exemplars.question(problem, "given", format).answer
        read = extract(prompt, f" So 4 + 4 = 8. The answer is {problem.reference}. Or 7?")
        assert exemplars.grade(problem, read).outcome == "correct"
    assert exemplars.grade(problem, str(int(problem.reference) + 1)).outcome == "wrong"


def test_prompts_hold_three_examples_in_turns_or_lines():
    problem = some(1)[0]
    chat = exemplars.question(problem, "given", "chat").answer
    assert [turn.role for turn in chat.messages] == ["user", "assistant"] * 3 + ["user"]
    text = exemplars.question(problem, "given", "completion").answer.text
    assert text.count("Q: ") == 4
    assert text.endswith(f"Q: {problem.text}\nA:")
    assert not {story.name for story in exemplars._SHOTS} & set(exemplars.PEOPLE)
