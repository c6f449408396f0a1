"""4×4 Sudoku: puzzles with one solution, of grids kept from the lessons, graded by the rules."""

import pytest
from pydantic import ValidationError

from fourdials import plugins
from fourdials.grading import extract
from fourdials.tasks import _sudoku4, sudoku4

SOME = sudoku4.problems(sudoku4.Params(empty=(5, 9, 12)), 30, 1)


def breaks_a_rule(grid):
    rows = [grid[start : start + 4] for start in (0, 4, 8, 12)]
    columns = ["".join(row[place] for row in rows) for place in range(4)]
    blocks = [rows[r][c : c + 2] + rows[r + 1][c : c + 2] for r in (0, 2) for c in (0, 2)]
    return any(sorted(group) != ["1", "2", "3", "4"] for group in (*rows, *columns, *blocks))


def test_there_are_288_grids_and_all_keep_the_rules():
    grids = _sudoku4.grids()
    assert len(set(grids)) == len(grids) == 288
    assert not any(breaks_a_rule(grid) for grid in grids)


@pytest.mark.parametrize("problem", SOME, ids=lambda problem: problem.problem_id)
def test_a_puzzle_has_as_many_empty_cells_as_asked_for_and_one_solution(problem):
    clues, solution = problem.data["clues"], str(problem.reference).replace(" ", "")
    assert clues.count("0") == problem.difficulty == (5, 9, 12)[int(problem.problem_id.split("-")[1]) % 3]
    agree = [g for g in _sudoku4.grids() if all(c in ("0", d) for c, d in zip(clues, g, strict=True))]
    assert agree == [solution]
    assert _sudoku4.solutions(clues) == 1


def test_questions_and_their_examples_come_from_different_grids():
    kept = set(_sudoku4.grids()[: _sudoku4.KEPT])
    assert all(str(problem.reference).replace(" ", "") in kept for problem in SOME)
    assert not any(grid in kept for problem in SOME for grid, _ in problem.data["examples"])


def test_what_stands_between_digits_does_not_count_and_a_wrong_cell_does():
    problem = SOME[0]
    reference = str(problem.reference)
    for written in (reference, reference.replace(" ", ""), reference.replace(" ", " / ")):
        assert sudoku4.grade(problem, written).outcome == "correct"
    place = problem.data["clues"].index("0")
    digits = list(reference.replace(" ", ""))
    digits[place] = "1" if digits[place] != "1" else "2"
    wrong = sudoku4.grade(problem, "".join(digits))
    assert (wrong.score, wrong.outcome) == (0.0, "wrong")
    assert wrong.evidence == {"cells_right": pytest.approx(4 / 5), "breaks_a_rule": True}
    short = sudoku4.grade(problem, reference[:-1])
    assert (short.outcome, short.evidence["cells_right"]) == ("wrong", 0.0)


def test_a_grid_that_keeps_the_rules_but_not_the_clues_is_wrong():
    problem = SOME[0]
    other = next(grid for grid in _sudoku4.grids() if grid != str(problem.reference).replace(" ", ""))
    grade = sudoku4.grade(problem, other)
    assert grade.outcome == "wrong"
    assert grade.evidence["breaks_a_rule"] is False


def test_the_recursive_nets_are_asked_in_their_own_notation():
    [problem] = sudoku4.problems(sudoku4.Params(notation="taught", passes=5), 1, 1)
    question = sudoku4.question(problem, "given", "completion")
    clues = problem.data["clues"]
    assert (question.answer.text, question.answer.max_tokens) == (f"{clues}=", 5)
    assert question.think.text == f"{clues}>"
    assert extract(question.think, "1234123412341234,=4321432143214321") == "4321432143214321"
    assert "think" in plugins.offered(sudoku4, "completion", {"notation": "taught"})
    assert "think" not in plugins.offered(sudoku4, "completion", {"notation": "plain"})
    assert sudoku4.question(problem, "given", "chat").answer.messages


def test_the_notation_changes_nothing_about_the_puzzle():
    plain, taught = (sudoku4.problems(sudoku4.Params(notation=name), 8, 4) for name in ("plain", "taught"))
    assert [a.data["clues"] for a in plain] == [b.data["clues"] for b in taught]


def test_more_cells_than_any_puzzle_can_spare_are_refused():
    with pytest.raises(ValidationError):
        sudoku4.Params(empty=(13,))
