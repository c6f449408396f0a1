"""Walks through a graph: right by hand, with the shown path checked against the edges."""

import pytest
from pydantic import ValidationError

from fourdials.errors import InputError
from fourdials.records import Problem
from fourdials.tasks import graph_path

FACTS = ("map leads to fox.", "cup leads to map.", "owl leads to cup.", "fox leads to owl.", "hat leads to cup.")
BY_HAND = Problem(
    task="graph_path",
    problem_id="hand",
    cluster_id="hand",
    difficulty=2,
    text="Start at cup and follow 2 steps. Where do you arrive?",
    reference="fox",
    data={"start": "cup", "turns": ("next", "next"), "facts": FACTS, "options": ("fox", "hat", "map", "owl")},
    world={"pages": {"cup": (FACTS[1], FACTS[2], FACTS[4]), "map": FACTS[:2], "fox": (FACTS[0], FACTS[3])}},
)


@pytest.mark.parametrize(
    ("answer", "outcome", "path", "follows"),
    [
        ("fox", "correct", ["fox"], None),
        ("Fox.", "correct", ["fox"], None),
        ("cup -> map -> fox", "correct", ["cup", "map", "fox"], True),
        ("cup, owl, fox", "correct", ["cup", "owl", "fox"], False),
        ("map", "wrong", ["map"], None),
        ("cup → map → fox → owl", "wrong", ["cup", "map", "fox", "owl"], True),
        ("nowhere", "wrong", [], None),
    ],
)
def test_the_end_is_graded_and_the_path_is_evidence(answer, outcome, path, follows):
    grade = graph_path.grade(BY_HAND, answer)
    assert grade.outcome == outcome
    assert dict(grade.evidence) == {"path": path, "follows_edges": follows}


def test_looking_up_a_node_gives_its_own_edge_first_of_all_but_in_the_order_of_the_list():
    tool = graph_path.search_tool(BY_HAND)
    assert tool.search("cup", 1) == [FACTS[1]]
    assert tool.search("cup", 2) == [FACTS[1], FACTS[2]]
    assert tool.search("fox", 9) == [FACTS[0], FACTS[3]]
    assert tool.search("Where does FOX lead?", 1) == [FACTS[3]]
    assert tool.search("moon", 3) == []


def test_a_node_shows_the_edges_that_leave_and_reach_it_and_moving_along_one_changes_the_view():
    environment = graph_path.environment(BY_HAND, "completion")
    assert environment.start().actions == ("map", "owl", "hat")
    assert environment.start().prompt.text.endswith("cup leads to")
    arrived = environment.step("map")
    assert arrived.prompt.text == f"{FACTS[1]}\n{FACTS[0]} {FACTS[1]}\nmap leads to"
    assert arrived.actions == ("fox", "cup", "back")
    assert environment.step("fox").answer == "fox"


def test_a_completion_model_reads_the_given_edges_twice_but_looked_up_ones_once():
    steps = graph_path.question(BY_HAND, "given", "completion").steps
    edges = " ".join(FACTS)
    assert steps.prompt(steps.first()).text == f"{edges} {edges}\ncup leads to"
    assert steps.prompt(steps.first(), FACTS[1:3]).text == f"{FACTS[2]} {FACTS[1]}\ncup leads to"


def test_the_reference_follows_from_the_edges_and_every_node_has_one():
    for problem in graph_path.problems(graph_path.Params(lengths=(1, 4, 7), nodes=12), 12, 2):
        edges = dict(fact.removesuffix(".").split(" leads to ") for fact in problem.data["facts"])
        assert len(edges) == 12
        here = problem.data["start"]
        visited = {here}
        for _ in problem.data["turns"]:
            here = edges[here]
            visited.add(here)
        assert here == problem.reference
        assert len(visited) == problem.difficulty + 1, "the way visits nothing twice"
        assert problem.data["start"] in edges.values(), "the first page has a wrong turn too"


def test_a_long_path_needs_enough_nodes():
    with pytest.raises(ValidationError, match="nodes must be at least 9"):
        graph_path.Params(lengths=(7,), nodes=8)


def test_running_out_of_distinct_graphs_is_an_error(monkeypatch):
    monkeypatch.setattr(graph_path, "OBJECTS", ("cup", "map", "fox", "owl"))
    with pytest.raises(InputError, match="distinct graphs of 4 nodes"):
        graph_path.problems(graph_path.Params(lengths=(1,), nodes=4), 3000, 1)
