"""Towers of Hanoi: every move checked, the rule right from any state, large towers without waiting."""

from itertools import product

import pytest
from pydantic import ValidationError

from fourdials.errors import InputError
from fourdials.tasks import hanoi


def some(count=12, **params):
    return hanoi.problems(hanoi.Params(**params), count, 3)


def two_disks(**changes):
    """Two disks on A that are to get to C: B takes the small one, A-C, B-C."""
    params = hanoi.Params(disks=(2,), **changes)
    return hanoi._problem(params, "AA", "C", "hand")


@pytest.mark.parametrize(
    ("answer", "outcome", "allowed", "on_shortest_way"),
    [
        ("A-B A-C B-C", "correct", 3, 3),
        ("A -> B, A to C, then B→C", "correct", 3, 3),
        ("A-C A-B C-B B-A B-C A-C", "correct", 6, 0),
        ("A-C C-B A-C B-C", "correct", 4, 0),
        ("A-B A-B", "wrong", 1, 1),
        ("A-B A-C", "wrong", 2, 2),
        ("A-B A-C B-C C-A", "wrong", 4, 3),
        ("C-A", "wrong", 0, 0),
        ("", "wrong", 0, 0),
    ],
)
def test_two_disks_are_graded_move_by_move(answer, outcome, allowed, on_shortest_way):
    grade = hanoi.grade(two_disks(), answer)
    assert grade.outcome == outcome
    assert (grade.evidence["allowed"], grade.evidence["on_shortest_way"]) == (allowed, on_shortest_way)
    assert grade.evidence["shortest"] == 3


@pytest.mark.parametrize(
    ("answer", "outcome"), [("A-B A-C", "correct"), ("A-B", "wrong"), ("A-C A-B", "wrong"), ("A-B A-C B-C", "wrong")]
)
def test_the_next_moves_are_those_of_the_shortest_way_and_no_more(answer, outcome):
    assert hanoi.grade(two_disks(wanted="next", moves_per_call=2), answer).outcome == outcome


def test_the_rule_takes_every_state_to_the_tower_by_the_shortest_way():
    goal, disks = "B", 4
    distance, edge = {goal * disks: 0}, [goal * disks]
    while edge:  # breadth-first from the end, by the rules alone
        edge = [
            there
            for here in edge
            for move in hanoi.MOVES
            if (there := hanoi.moved(here, move)) is not None
            and distance.setdefault(there, distance[here] + 1) > distance[here]
        ]
        edge = list(dict.fromkeys(edge)) if len(distance) < 3**disks else []
    assert len(distance) == 3**disks
    for state in map("".join, product(hanoi.PEGS, repeat=disks)):
        assert len(hanoi.next_moves(state, goal)) == hanoi.shortest(state, goal) == distance[state]


@pytest.mark.parametrize("format", ["chat", "completion"])
@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("start", ["tower", "random"])
def test_a_perfect_player_solves_it_some_moves_at_a_time(format, most, start):
    for problem in some(moves_per_call=most, start=start):
        steps = hanoi.question(problem, "given", format).steps
        state, calls = steps.first(), 0
        assert steps.answer(state) is None
        while not steps.done(state):
            state = steps.advance(state, problem.truths[steps.prompt(state).key])
            calls += 1
        assert steps.answer(state) == problem.reference
        assert calls == -(-problem.difficulty // most)


def test_a_forbidden_or_unreadable_move_ends_the_chain_and_is_not_repaired():
    steps = hanoi.question(two_disks(), "given", "chat").steps
    after = steps.advance(steps.advance(steps.first(), "A-B"), "A-B")
    assert steps.done(after)
    assert steps.answer(after) == "A-B A-B"
    assert steps.done(steps.advance(steps.first(), "no idea"))


def test_walking_in_circles_ends_after_twice_the_moves_needed():
    steps = hanoi.question(two_disks(), "given", "chat").steps
    state, turns = steps.first(), 0
    while not steps.done(state):
        state = steps.advance(state, "A-B" if turns % 2 == 0 else "B-A")
        turns += 1
    assert turns == 6


def test_prompts_read_like_this():
    problem = two_disks()
    assert problem.text == "Move all disks to peg C. A: 2 1; B: empty; C: empty"
    chat = hanoi.question(problem, "given", "chat")
    assert "the wanted peg is C at first" in chat.text
    assert "wanted peg" not in hanoi.question(two_disks(strategy_given=False), "given", "chat").text
    completion = chat.steps.prompt(chat.steps.first())
    assert completion.choices == hanoi.MOVES
    lines = hanoi.question(problem, "given", "completion").steps.prompt(chat.steps.first()).text.splitlines()
    assert "the wanted peg is the one after `all to` at first" in lines[0]
    assert lines[1] == "A 3 2 1, B -, C -, all to C: A-C"
    assert lines[-1] == "A 2 1, B -, C -, all to C:"


@pytest.mark.parametrize("wanted", ["whole", "next"])
def test_a_completion_model_is_told_the_rule_only_where_it_is_given(wanted):
    told, untold = (
        hanoi.question(two_disks(strategy_given=given, wanted=wanted), "given", "completion") for given in (True, False)
    )
    for seen, unseen in (
        (told.answer, untold.answer),
        *[(q.steps.prompt(q.steps.first()), u.steps.prompt(u.steps.first())) for q, u in [(told, untold)]],
    ):
        assert seen.text.endswith(unseen.text)
        assert seen.text.startswith("How to find the next move")
        assert "How to" not in unseen.text


def test_a_tower_of_twenty_disks_takes_a_million_moves_and_its_states_are_never_listed():
    (problem,) = some(1, disks=(20,))
    assert problem.difficulty == 1_048_575
    assert problem.truths["state:" + "A" * 20] == hanoi.next_move("A" * 20, problem.data["goal"])
    assert problem.truths.get("verify:x") is None
    assert len(problem.truths) == len(list(problem.truths)) == 1


def test_the_next_moves_are_asked_for_from_towers_of_any_size_but_a_whole_solution_only_where_it_can_be_written():
    (problem,) = some(1, disks=(100,), wanted="next", start="random", moves_per_call=3)
    assert 2**98 < problem.difficulty < 2**100
    assert len(problem.reference.split()) == 3
    assert hanoi.grade(problem, problem.reference).outcome == "correct"
    asked = hanoi.question(problem, "given", "chat")
    assert asked.think.max_tokens < 4096
    with pytest.raises(ValidationError, match=r"21 disks take 2\^21 - 1 moves.*up to 20 disks; take wanted = next"):
        hanoi.Params(disks=(3, 21))


def test_there_are_six_towers_of_a_size_but_many_states():
    assert len(some(6, disks=(3,))) == 6
    with pytest.raises(InputError, match="only 6 distinct problems"):
        some(7, disks=(3,))
    assert len(some(60, disks=(4,), start="random")) == 60


def test_chance_is_one_in_six_for_each_next_move():
    assert hanoi.chance(two_disks(wanted="next")) == pytest.approx(1 / 6)
    assert hanoi.chance(two_disks(wanted="next", moves_per_call=9)) == pytest.approx(1 / 216)
    assert hanoi.chance(two_disks()) == 0
