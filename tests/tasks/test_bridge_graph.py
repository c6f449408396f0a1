"""Bridge graphs: two identical components, the decision and the path graded apart."""

from collections import Counter

import pytest
from pydantic import ValidationError

from fourdials.records import Problem
from fourdials.tasks import bridge_graph

EDGES = (("7", "2"), ("9", "4"), ("4", "1"), ("2", "5"), ("2", "8"))
BY_HAND = Problem(
    task="bridge_graph",
    problem_id="hand",
    cluster_id="hand",
    difficulty=1,
    text="Which vertex is connected to 7: 5 or 1?",
    reference="5",
    data={"start": "7", "targets": ("1", "5"), "edges": EDGES},
    world={"distance": 2},
)


def some(count=12, **params):
    return bridge_graph.problems(bridge_graph.Params(**params), count, 3)


@pytest.mark.parametrize(
    ("answer", "outcome", "edges", "edges_right", "path_right"),
    [
        ("5", "correct", 0, 0, None),
        ("7 - 2 - 5", "correct", 2, 2, True),
        ("7-2-8-2-5", "correct", 4, 4, True),
        ("2 - 5", "correct", 1, 1, False),
        ("7 - 4 - 5", "correct", 2, 0, False),
        ("9 - 4 - 1", "wrong", 2, 2, False),
        ("7 - 2", "wrong", 1, 1, False),
        ("1", "wrong", 0, 0, None),
        ("who knows", "wrong", 0, 0, None),
    ],
)
def test_the_decision_is_scored_and_the_path_is_evidence(answer, outcome, edges, edges_right, path_right):
    grade = bridge_graph.grade(BY_HAND, answer)
    assert (grade.score, grade.outcome) == (float(outcome == "correct"), outcome)
    assert grade.evidence["edges"] == edges
    assert grade.evidence["edges_right"] == edges_right
    assert grade.evidence["path_right"] is path_right
    assert grade.evidence["shortest"] == 2


def test_a_component_has_a_short_arm_a_long_arm_and_a_dead_end_per_cycle():
    assert bridge_graph.component(1, 1, 3, 2) == [(0, 1), (0, 2), (2, 3), (3, 1), (0, 4), (4, 5)]
    degrees = Counter(vertex for edge in bridge_graph.component(3, 2, 4, 1) for vertex in edge)
    assert sorted(degrees.values()) == [1] * 3 + [2] * (3 * 4 + 1) + [3] + [5] * 2


def test_both_components_are_alike_and_only_the_right_vertex_is_connected():
    for problem in some(depths=(1, 4)):
        neighbours = bridge_graph._neighbours(problem.data["edges"])
        sizes = []
        for vertex in problem.data["targets"]:
            reached = {vertex, *bridge_graph._ways(neighbours, vertex)}
            assert (problem.data["start"] in reached) == (vertex == problem.reference)
            sizes.append(sorted(len(neighbours[one]) for one in reached))
        assert sizes[0] == sizes[1]


def test_the_right_vertex_is_named_first_half_of_the_time():
    first = sum(problem.data["targets"][0] == problem.reference for problem in some(400))
    assert 160 < first < 240


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_perfect_player_walks_the_shortest_path(format):
    for problem in some(short=2, long=4):
        steps = bridge_graph.question(problem, "given", format).steps
        state = steps.first()
        assert steps.answer(state) is None
        while not steps.done(state):
            prompt = steps.prompt(state)
            assert problem.truths[prompt.key] in prompt.choices
            state = steps.advance(state, problem.truths[prompt.key])
        grade = bridge_graph.grade(problem, steps.answer(state))
        assert grade.outcome == "correct"
        assert grade.evidence["path_right"] is True
        assert grade.evidence["edges"] == grade.evidence["shortest"] == 2 * problem.difficulty


def test_a_walk_stopped_early_guesses_and_an_endless_one_ends():
    steps = bridge_graph.question(BY_HAND, "given", "chat").steps
    state = steps.advance(steps.first(), "2")
    assert steps.answer(state) == "1"
    assert steps.prompt(state).choices == ("7", "5", "8")
    for _ in range(4):
        state = steps.advance(state, "7" if state[-1] == "2" else "2")
    assert steps.done(state)
    assert steps.done(("7", "99"))


def test_the_long_arm_must_be_longer():
    with pytest.raises(ValidationError, match="long must be more than short, 3"):
        bridge_graph.Params(short=3, long=3)
