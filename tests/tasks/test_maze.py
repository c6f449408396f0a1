"""Mazes: twins from one seed, every way to the treasure right, nothing shown that was not seen."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from fourdials.records import Problem
from fourdials.tasks import maze

ROOMS = {
    "owl": {"east": "fox"},
    "fox": {"east": "cup", "south": "hat", "west": "owl"},
    "cup": {"south": "map", "west": "fox"},
    "hat": {"north": "fox", "east": "map"},
    "map": {"north": "cup", "west": "hat"},
}
BY_HAND = Problem(
    task="maze",
    problem_id="hand",
    cluster_id="hand",
    difficulty=3,
    text="Start in the owl room. Find the way to the treasure.",
    reference="east east south",
    data={"start": "owl", "goal": "map", "view": "partial", "memory": True, "finish": "arrive"}
    | {"map": maze._map(ROOMS)},
    world={"rooms": ROOMS, "distance": 3},
)


def some(count=12, **params):
    return maze.problems(maze.Params(**params), count, 3)


@pytest.mark.parametrize(
    ("answer", "outcome", "steps", "revisits", "blocked"),
    [
        ("east east south", "correct", 3, 0, False),
        ("East, South, East.", "correct", 3, 0, False),
        ("east west east south east", "correct", 5, 2, False),
        ("east east", "wrong", 2, 0, False),
        ("east north", "wrong", 1, 0, True),
        ("east east south north", "wrong", 4, 1, False),
        ("eastern side", "wrong", 0, 0, False),
    ],
)
def test_any_way_that_ends_at_the_treasure_is_right(answer, outcome, steps, revisits, blocked):
    grade = maze.grade(BY_HAND, answer)
    assert grade.outcome == outcome
    assert dict(grade.evidence) == {"steps": steps, "oracle_steps": 3, "revisits": revisits, "blocked": blocked}


def test_twins_are_the_same_maze_and_share_a_cluster_but_are_not_one_problem():
    partial, full = (some(6, observed=view) for view in ("partial", "full"))
    for twins in zip(partial, full, strict=True):
        assert len({problem.cluster_id for problem in twins}) == 1
        assert len({problem.reference for problem in twins}) == 1
        assert len({problem.problem_id for problem in twins}) == 2
        assert all(problem.world == twins[0].world for problem in twins)
    assert {problem.data["view"] for problem in partial} == {"partial"}
    assert {problem.data["view"] for problem in full} == {"full"}


def test_a_maze_is_not_asked_both_ways_in_one_run():
    with pytest.raises(ValidationError, match="observed"):
        maze.Params(observed="both")


def test_the_inside_shows_what_was_seen_and_no_more():
    environment = maze.environment(BY_HAND, "completion")
    assert environment.start().prompt.text == "owl: east ?\nfrom owl to treasure go"
    seen = environment.step("go East.")
    assert seen.prompt.text == "owl: east fox\nfox: east ?, south ?, west owl\nfrom fox to treasure go"
    assert (seen.prompt.choices, seen.answer) == (("east", "south", "west"), "east")
    assert environment.step("north").valid is False
    environment.step("south")
    end = environment.step("east")
    assert (end.done, end.answer, end.prompt, end.actions) == (True, "east south east", None, ())
    assert end.text.endswith("The treasure is here.")
    assert environment.step("west").valid is False
    assert environment.start().answer is None


def test_without_memory_only_this_room_is_shown():
    environment = maze.environment(replace(BY_HAND, data={**BY_HAND.data, "memory": False}), "chat")
    assert "owl:" not in environment.step("east").prompt.shown
    assert "Rooms seen before:\nowl: east fox" in maze.environment(BY_HAND, "chat").step("east").prompt.shown


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_the_twin_shows_the_map_and_where_the_treasure_is(format):
    twin = replace(BY_HAND, data={**BY_HAND.data, "view": "full"})
    for problem, shown in ((BY_HAND, False), (twin, True)):
        prompt = maze.environment(problem, format).start().prompt.shown
        text = maze.question(problem, "environment", format).answer.shown
        assert all(("hat: north fox, east map" in seen) == shown for seen in (prompt, text))
    assert "hat: north fox, east map" in maze.question(BY_HAND, "given", format).answer.shown


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_perfect_player_takes_the_shortest_way(format):
    for problem in some(loops=0.5):
        environment = maze.environment(problem, format)
        seen = environment.start()
        while not seen.done:
            seen = environment.step(problem.truths[seen.prompt.key])
            assert seen.valid
        assert seen.answer == problem.reference
        assert len(seen.answer.split()) == problem.difficulty == problem.world["distance"]
        assert problem.oracle_steps == problem.difficulty + 1, "it takes a step to say so"


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_claim_ends_it_anywhere_and_arriving_does_not(format):
    claims = replace(BY_HAND, data={**BY_HAND.data, "finish": "claim"})
    environment = maze.environment(claims, format)
    seen = environment.start()
    assert (seen.closing, seen.actions) == (("stop",), ("east", "stop"))
    early = environment.step("Stop.")
    assert (early.done, early.answer, early.closing) == (True, None, ())
    environment.start()
    for way in ("east", "east", "south"):
        seen = environment.step(way)
    assert (seen.done, seen.answer) == (False, "east east south")
    assert "treasure" in seen.prompt.shown.casefold()
    assert seen.text.endswith("The treasure is here.")
    assert environment.step("stop").done
    assert environment.step("stop").valid is False


def test_only_a_claim_closes_a_maze_so_that_nothing_hidden_is_told():
    for finish, closing in (("claim", ("stop",)), ("arrive", ())):
        for problem in some(finish=finish):
            environment = maze.environment(problem, "completion")
            seen = environment.start()
            while not environment._arrived:
                assert seen.closing == closing
                seen = environment.step(problem.truths[seen.prompt.key])


def test_every_room_can_be_reached_and_doors_lead_back():
    for problem in some(loops=0):
        rooms = problem.world["rooms"]
        assert sum(len(doors) for doors in rooms.values()) == 2 * (len(rooms) - 1), "without loops it is a tree"
        assert set(problem.truths) == {"answer", *(f"in:{room}" for room in rooms)}
        for room, doors in rooms.items():
            assert all(room in rooms[there].values() for there in doors.values())
