"""What every task promises, checked on each that discovery finds."""

import subprocess
import sys
from dataclasses import replace

import pytest
from pydantic import ValidationError

from fourdials import plugins
from fourdials.errors import InputError
from fourdials.grading import extract

ACCESSES = ("given", "search", "environment")
FORMATS = ("chat", "completion")
each_task = pytest.mark.parametrize("task", plugins.tasks().values(), ids=plugins.tasks())
each_format = pytest.mark.parametrize("format", FORMATS)


def some(task, count=12, seed=3):
    return task.problems(task.Params(), count, seed)


@each_task
def test_problems_are_distinct_and_named_uniquely(task):
    problems = some(task)
    assert len(problems) == 12
    assert len({problem.problem_id for problem in problems}) == 12
    assert len({(problem.text, repr(problem.data)) for problem in problems}) == 12
    assert all(problem.task == task.__name__.rsplit(".", 1)[-1] for problem in problems)


@each_task
def test_problems_depend_on_the_seed_only_and_longer_lists_begin_with_shorter(task):
    assert some(task) == some(task)
    assert some(task)[:5] == some(task, 5)
    assert some(task, seed=4) != some(task)
    assert some(task, 0) == []


@each_task
def test_problems_are_the_same_in_another_process(task):
    name = task.__name__.rsplit(".", 1)[-1]
    code = (
        f"from fourdials.plugins import tasks; t = tasks()[{name!r}];"
        "print([(p.text, p.reference, dict(p.data)) for p in t.problems(t.Params(), 4, 3)])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == str([(p.text, p.reference, dict(p.data)) for p in some(task, 4)])


@each_task
def test_the_reference_is_right_and_another_answer_wrong(task):
    for problem in some(task):
        right = task.grade(problem, str(problem.reference))
        assert (right.score, right.outcome) == (1.0, "correct")
        wrong = task.grade(problem, "certainly not this")
        assert wrong.outcome == "wrong"
        assert 0 <= wrong.score < 0.99


@each_task
@each_format
def test_a_question_holds_no_reference(task, format):
    for problem in some(task, 6):
        poisoned = replace(problem, reference="POISON", truths={"answer": "POISON"}, world={"poison": "POISON"})
        for access in ACCESSES:
            if access not in task.INFO.offers[format]:
                continue
            clean, other = task.question(problem, access, format), task.question(poisoned, access, format)
            assert (clean.text, clean.answer, clean.think) == (other.text, other.answer, other.think)
            if clean.steps is not None:
                state = clean.steps.first()
                assert clean.steps.prompt(state) == other.steps.prompt(state)
                assert clean.steps.query(state) == other.steps.query(state)


def variants(answer):
    """An answer in other words, some of which mean something else to some tasks."""
    yield from (answer, f" {answer} ", f"{answer}.", f"**{answer}**", answer.lower(), answer.upper(), f"The {answer}")
    yield from (answer.replace(" ", ""), " ".join(answer), answer.replace(", ", " "), answer[1:], answer[::-1])
    yield from (f"{answer}.0", f"so {answer}", answer.replace("-", " to "), "certainly not this")


@each_task
def test_answers_that_share_a_ballot_score_alike_and_a_ballot_depends_on_no_reference(task):
    for problem in some(task, 6):
        poisoned = replace(problem, reference="POISON", truths={"answer": "POISON"}, world={"poison": "POISON"})
        ballot, other = plugins.ballot_of(task, problem), plugins.ballot_of(task, poisoned)
        grades = {}
        for answer in variants(str(problem.reference)):
            assert ballot(answer) == other(answer)
            grades.setdefault(ballot(answer), {})[answer] = task.grade(problem, answer).score
        assert all(len(set(scores.values())) == 1 for scores in grades.values()), grades
        assert ballot(str(problem.reference)) != ballot("certainly not this")


@pytest.mark.parametrize("name", sorted({*plugins.tasks()} - {"reasoning_gym"}))  # whose scorers are its own
def test_the_reference_is_one_vote_however_it_is_spaced_or_marked(name):
    task = plugins.tasks()[name]
    for problem in some(task, 6):
        ballot, plain = plugins.ballot_of(task, problem), str(problem.reference)
        for answer in (f" {plain} ", f"{plain}.", f"**{plain}**", plain.upper(), plain.lower()):
            if task.grade(problem, answer).outcome == "correct":
                assert ballot(answer) == ballot(plain)


@each_task
@each_format
def test_a_task_offers_what_it_says(task, format):
    offers = task.INFO.offers[format]
    problem = some(task, 1)[0]
    question = task.question(problem, "given", format)
    assert ("think" in offers) == (question.think is not None)
    assert ("steps" in offers) == (question.steps is not None)
    assert ("context" in offers) == (question.context != "")
    shown = [prompt.shown for prompt in (question.answer, question.think) if prompt is not None]
    assert all(question.context in prompt for prompt in shown)
    assert problem.text not in question.context
    assert question.sharing >= 1
    assert (question.answer.format, question.task, question.access) == (format, problem.task, "given")
    for access, make in (
        ("search", lambda: task.search_tool(problem)),
        ("environment", lambda: task.environment(problem, format)),
    ):
        if access in offers:
            assert make() is not None
        else:
            with pytest.raises(InputError, match="given"):
                make()
            with pytest.raises(InputError, match="given"):
                task.question(problem, access, format)


@each_task
@each_format
def test_a_reply_that_gives_the_reference_is_read_as_right(task, format):
    for problem in some(task, 6):
        question = task.question(problem, "given", format)
        read = extract(question.answer, f" {problem.reference}")
        assert read is not None
        assert task.grade(problem, read).outcome == "correct"
        if question.think is not None:
            read = extract(question.think, f"Hm.\nLet me see.\n{question.answer_mark} {problem.reference}")
            assert task.grade(problem, read).outcome == "correct"


@each_task
def test_the_constant_answer_is_right_most_often_and_chance_is_a_rate(task):
    problems = some(task)
    constant = task.constant(problems)
    counts = [str(problem.reference) for problem in problems]
    assert counts.count(constant) == max(counts.count(answer) for answer in counts)
    assert all(0 <= task.chance(problem) < 1 for problem in problems)
    assert task.constant([]) == ""


@each_task
def test_the_difficulty_orders_and_is_not_the_same_throughout_where_parameters_vary(task):
    difficulties = {problem.difficulty for problem in some(task)}
    assert all(difficulty >= 0 for difficulty in difficulties)
    assert len(difficulties) > 1 or task.__name__.endswith(("warmup", "note_house", "dataset"))


@each_task
def test_a_perfect_player_takes_as_many_steps_as_the_oracle_says(task):
    offers = task.INFO.offers["completion"]
    for problem in some(task):
        taken = None
        if "environment" in offers:
            world, taken = task.environment(problem, "completion"), 0
            seen = world.start()
            while not seen.done:
                seen, taken = world.step(problem.truths[seen.prompt.key]), taken + 1
                assert seen.valid
            assert task.grade(problem, seen.answer).outcome == "correct"
        elif "steps" in offers and problem.oracle_steps is not None:
            steps = task.question(problem, "given", "completion").steps
            state, taken = steps.first(), 0
            while not steps.done(state):
                state, taken = steps.advance(state, problem.truths[steps.prompt(state).key]), taken + 1
            assert task.grade(problem, steps.answer(state)).outcome == "correct"
        assert problem.oracle_steps == taken


@each_task
def test_unknown_parameters_are_refused_and_known_ones_described(task):
    with pytest.raises(ValidationError):
        task.Params(nonsense=1)
    assert all(field.description for field in task.Params.model_fields.values())


def test_listing_the_tasks_imports_no_slow_library():
    code = (
        "import sys; from fourdials import plugins; plugins.tasks();"
        "print([name for name in ('bm25s', 'reasoning_gym', 'polars', 'math_verify', 'numpy') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
