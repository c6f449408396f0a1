"""The adapter over reasoning-gym: its own scores, clear errors, and shots that are never asked."""

import importlib
import inspect
import random
import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from fourdials.errors import GraderError, InputError
from fourdials.grading import extract
from fourdials.tasks import _gym, _gym_safety
from fourdials.tasks import reasoning_gym as gym

EASY = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}


def make(generator, config=None, count=6, seed=3, **more):
    return gym.problems(gym.Params(generator=generator, config=config or {}, **more), count, seed)


@pytest.mark.parametrize(
    ("generator", "reads"),
    [("chain_sum", "number"), ("leg_counting", "number"), ("prime_factorization", "text"), ("mini_sudoku", "block")],
)
def test_answers_are_read_as_what_the_references_are(generator, reads):
    for problem in make(generator):
        for format in ("chat", "completion"):
            prompt = gym.question(problem, "given", format).answer
            assert prompt.reads == reads
            read = extract(prompt, str(problem.reference))
            assert gym.grade(problem, read).outcome == "correct"


def test_partial_credit_is_kept_but_is_not_correct():
    problem = make("prime_factorization")[0]
    grade = gym.grade(problem, "2")
    assert 0 < grade.score < 0.99
    assert grade.outcome == "wrong"


def test_an_answer_its_scorer_chokes_on_is_unparsed_and_not_the_scorers_fault():
    problem = make("prime_factorization")[0]
    grade = gym.grade(problem, "banana")
    assert (grade.score, grade.outcome) == (0.0, "unparsed")
    assert "prime_factorization failed: ValueError" in grade.evidence["unread"]
    assert gym.grade(problem, str(problem.reference)).outcome == "correct"


@pytest.mark.parametrize("reference", ["rhubarb", None])
def test_a_scorer_that_fails_on_its_own_reference_is_a_grader_error(reference):
    broken = replace(make("prime_factorization")[0], reference=reference)
    with pytest.raises(GraderError, match="prime_factorization failed: ValueError"):
        gym.grade(broken, "banana")


@pytest.mark.parametrize("generator", _gym.CURATED)
def test_the_curated_generators_get_harder_and_grade_their_own_references_right(generator):
    problems = make(generator, count=9)
    assert [problem.difficulty for problem in problems] == [0, 1, 2] * 3
    assert len({problem.data["config"] for problem in problems}) == 3
    for problem in problems:
        assert gym.grade(problem, str(problem.reference)).outcome == "correct"
        wrong = gym.grade(problem, "certainly not this")
        assert wrong.score < 0.99
        assert wrong.outcome in ("wrong", "unparsed")


def test_longer_lists_of_a_ladder_begin_with_shorter_and_levels_keep_their_order():
    assert make("gcd", count=9)[:4] == make("gcd", count=4)
    assert [problem.difficulty for problem in make("gcd", count=4, levels=(2, 0))] == [2, 0, 2, 0]
    assert [problem.difficulty for problem in make("gcd", count=3, levels=(1,))] == [1, 1, 1]


def test_levels_that_come_to_the_same_parameters_are_one_difficulty():
    assert {problem.difficulty for problem in make("chain_sum", EASY)} == {0}
    assert {problem.difficulty for problem in make("list_functions")} == {0}, "it has no curriculum"
    assert {problem.difficulty for problem in make("gcd", levels=(15, 20))} == {15}, "both lie above the last level"


def test_a_setting_of_ones_own_stands_over_that_of_the_level():
    made = make("chain_sum", {"min_digits": 1, "max_digits": 1}, levels=(0, 2))
    assert all(max(len(part) for part in re.findall(r"\d+", problem.text)) == 1 for problem in made)
    assert [problem.difficulty for problem in made[:2]] == [0, 2]


def test_a_level_that_generator_and_curriculum_disagree_on_says_so():
    with pytest.raises(InputError, match=r"caesar_cipher .*rotation must be in range"):
        make("caesar_cipher", levels=(3,))


@pytest.mark.parametrize(
    ("generator", "answer"),
    [
        ("countdown", "__import__('os').system('echo hello')"),
        ("countdown", "9**9**9**9"),
        ("puzzle24", "9* *9* *9* *9"),
        ("n_queens", "[print(1)]"),
        ("spiral_matrix", "[().__class__]"),
        ("string_insertion", "'A'*99999999999"),
        ("binary_matrix", "1" * 40 + "!"),
        ("simple_integration", "x**(9*9**99)"),
        ("polynomial_multiplication", "getattr(x, 'y')"),
    ],
)
def test_what_would_run_as_code_is_never_scored(monkeypatch, generator, answer):
    problem = make(generator, count=1, levels=(0,))[0]
    monkeypatch.setattr(gym, "_score", lambda *_: pytest.fail("it was handed to the scorer"))
    assert gym.grade(problem, answer).outcome == "unparsed"


@pytest.mark.parametrize("generator", sorted(_gym_safety.EVALUATED))
def test_plain_lists_and_formulas_still_reach_the_scorers_that_evaluate_them(generator):
    for problem in make(generator, count=6, levels=(0,)):
        assert gym.grade(problem, str(problem.reference)).outcome == "correct"


def test_every_scorer_that_evaluates_an_answer_is_known():
    make("gcd", count=1)
    made = importlib.import_module("reasoning_gym.factory").DATASETS
    evaluates = re.compile(r"\b(?:eval|exec|parse_expr|sympify)\((?:user_)?answer\b")
    found = {name for name, (kind, _) in made.items() if evaluates.search(inspect.getsource(kind))}
    assert found == _gym_safety.EVALUATED


@pytest.mark.parametrize(
    ("raw", "score", "outcome"), [(1.7, 1.0, "correct"), (-2, 0.0, "wrong"), (0.98, 0.98, "wrong")]
)
def test_scores_are_cut_to_the_unit_interval(monkeypatch, raw, score, outcome):
    problem = make("chain_sum", EASY)[0]
    fake = type("Scorer", (), {"score_answer": lambda self, answer, entry: raw})()
    monkeypatch.setattr(gym, "dataset", lambda *_: fake)
    grade = gym.grade(problem, "x")
    assert (grade.score, grade.outcome) == (score, outcome)


def test_a_score_that_is_no_number_is_a_grader_error(monkeypatch):
    problem = make("chain_sum", EASY)[0]
    fake = type("Scorer", (), {"score_answer": lambda self, answer, entry: float("nan")})()
    monkeypatch.setattr(gym, "dataset", lambda *_: fake)
    with pytest.raises(GraderError, match="gave no number"):
        gym.grade(problem, "x")


def test_shots_are_the_same_for_every_seed_and_never_asked():
    first, second = make("chain_sum", EASY, 60, 1), make("chain_sum", EASY, 60, 2)
    assert first[0].data["shots"] == second[0].data["shots"]
    assert len(first[0].data["shots"]) == 8
    shown = {question for question, _ in first[0].data["shots"]}
    assert not shown & {problem.text for problem in first + second}
    prompt = gym.question(first[0], "given", "completion").answer
    assert all(f"{question} {answer}\n" in prompt.text for question, answer in first[0].data["shots"])
    assert make("chain_sum", EASY, 3, 1, shots=0)[0].data["shots"] == ()


def test_long_shots_are_left_out_before_they_fill_the_context():
    shots = make("zebra_puzzles", count=1, levels=(0,))[0].data["shots"]
    assert sum(len(question) + len(answer) for question, answer in shots) <= 3000


@pytest.mark.parametrize(
    ("generator", "config", "message"),
    [
        ("chain_summ", {}, "no generator called 'chain_summ'; did you mean chain_sum"),
        ("qqqqqq", {}, "there are: .*chain_sum"),
        ("chain_sum", {"foo": 1}, "chain_sum refuses config .*foo"),
        ("chain_sum", {"min_terms": 0}, "min_terms must be positive"),
        ("chain_sum", {"min_terms": "many"}, "refuses config"),
    ],
)
def test_what_the_library_refuses_is_an_input_error_that_says_why(generator, config, message):
    with pytest.raises(InputError, match=message):
        make(generator, config)


def test_seed_and_size_belong_to_the_experiment():
    with pytest.raises(ValidationError, match="seed and size come from the experiment"):
        gym.Params(config={"seed": 1, "size": 2})


def test_asking_for_more_distinct_problems_than_there_are_says_how_many_there_are():
    with pytest.raises(InputError, match=r"made only \d+ distinct problems where 2000 are wanted"):
        make("chain_sum", EASY, 2000)


def test_the_global_random_generator_is_left_alone():
    random.seed(5)
    before = random.getstate()
    problem = make("chain_sum", EASY, 3, 77)[0]
    gym.grade(problem, "4")
    assert random.getstate() == before


def test_an_entry_without_a_reference_gives_no_truth_and_no_constant():
    problem = make("chain_sum", EASY)[0]
    bare = gym._problem({"question": "?", "answer": None}, 1, 0, problem.data)
    assert dict(bare.truths) == {}
    assert gym.constant([bare]) == ""
    assert gym.constant([bare, problem, replace(problem, reference="0"), problem]) == problem.reference
