"""Long records: as long as asked for, right when counted again, questions of one record in one cluster."""

import re

import pytest

from fourdials.records import Problem
from fourdials.tasks import long_context

LINES = (
    "Day 1: Ann bought a cup in Rome for 12 coins.",
    "Day 2: Bob bought a fox in Oslo for 3 coins.",
    "Day 3: Ann bought a cup in Rome for 12 coins.",
)


def by_hand(kind, text, reference):
    data = {"kind": kind, "record": LINES, "days": 3}
    return Problem("long_context", "hand", "hand", 13, text, reference, data, {"record": LINES})


def some(count=12, **params):
    return long_context.problems(long_context.Params(**params), count, 3)


@pytest.mark.parametrize(
    ("kind", "reference", "right", "wrong", "chance"),
    [
        ("needle", "3", "3 coins", "12", 1 / 999),
        ("count", "2", "2", "3", 1 / 3),
        ("pair", "1 and 3", "days 3, 1", "1 and 2", 1 / 3),
        ("pair", "1 and 3", "1 and 3", "1", 1 / 3),
    ],
)
def test_questions_by_hand(kind, reference, right, wrong, chance):
    problem = by_hand(kind, "?", reference)
    assert long_context.grade(problem, right).outcome == "correct"
    assert long_context.grade(problem, wrong).outcome == "wrong"
    assert long_context.grade(problem, "").outcome == "wrong"
    assert long_context.chance(problem) == pytest.approx(chance)


def test_a_wrong_number_says_how_far_off_it_is():
    assert long_context.grade(by_hand("count", "?", "2"), "7").evidence["off_by"] == 5


@pytest.mark.parametrize("size", [13, 15, 18])
def test_a_record_fills_its_characters_and_holds_one_pair(size):
    problem = some(1, sizes=(size,), kinds=("pair",))[0]
    text = "\n".join(problem.data["record"])
    assert 2**size - 200 < len(text) <= 2**size
    days = {}
    for nth, line in enumerate(problem.data["record"], 1):
        day, rest = line.removeprefix("Day ").split(": ", 1)
        assert int(day) == nth
        days.setdefault(rest, []).append(day)
    assert [" and ".join(same) for same in days.values() if len(same) > 1] == [problem.reference]


def test_needles_and_counts_are_right_when_read_again():
    for problem in some(12, kinds=("needle", "count")):
        record = problem.data["record"]
        if problem.data["kind"] == "needle":
            day = re.search(r"day (\d+)", problem.text).group(1)
            (line,) = (line for line in record if line.startswith(f"Day {day}: "))
            assert line.endswith(f" for {problem.reference} coins.")
        else:
            name = re.search(r"did (\w+) buy", problem.text).group(1)
            assert sum(f": {name} bought" in line for line in record) == int(problem.reference)


def test_the_questions_of_one_record_share_its_cluster_and_get_harder():
    problems = some(6)
    assert [problem.data["kind"] for problem in problems] == ["needle", "count", "pair"] * 2
    assert len({problem.cluster_id for problem in problems}) == 2
    assert problems[0].data["record"] is problems[0].world["record"]
    assert problems[0].data["record"] == problems[2].data["record"] != problems[3].data["record"]
    assert [problem.difficulty for problem in problems[:3]] == [13, 13.25, 13.5]


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_the_record_is_shown_where_it_is_given_and_found_by_search(format):
    problem = some(1)[0]
    for access, shown in (("given", True), ("search", False)):
        asked = long_context.question(problem, access, format)
        assert (problem.data["record"][5] in asked.answer.shown) == (problem.data["record"][5] in asked.text) == shown
    day = re.search(r"day (\d+)", problem.text).group(1)
    found = long_context.search_tool(problem).search(f"Day {day}", 60)
    assert any(line.startswith(f"Day {day}: ") for line in found)


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_what_was_found_is_what_the_one_step_answers_from(format):
    problem = some(1)[0]
    steps = long_context.question(problem, "search", format).steps
    assert steps.query(steps.first()) == problem.text
    assert "Day 2: Bob" in steps.prompt(steps.first(), LINES).shown
    state = steps.advance(steps.first(), problem.truths[steps.prompt(steps.first(), LINES).key])
    assert (steps.answer(steps.first()), steps.answer(state), steps.done(state)) == (None, problem.reference, True)
