"""Houses of notes: the measured prompt, keys in a row, rooms tried are left out."""

from dataclasses import replace

import pytest

from fourdials.errors import InputError
from fourdials.records import Problem
from fourdials.remembering import hygiene
from fourdials.tasks import _familiar, note_house

NOTES = ("The key is on the altar.", "The key is in the fridge.")
BY_HAND = Problem(
    task="note_house",
    problem_id="hand",
    cluster_id="hand",
    difficulty=2,
    text="In which rooms are the keys?",
    reference="church, kitchen",
    data={"rooms": ("church", "pool", "kitchen"), "keys": 2, "notes": NOTES, "memory": True},
    world={"places": ("church", "kitchen"), "notes": NOTES},
)


def some(count=12, **params):
    return note_house.problems(note_house.Params(**params), count, 3)


def test_a_completion_model_sees_the_measured_lines():
    seen = note_house.environment(BY_HAND, "completion").start()
    assert seen.prompt.text.startswith(
        "Rooms: classroom, stable, bank\nNote: The key is behind the school desks.\nGo to: classroom\n\n"
    )
    assert seen.prompt.text.endswith("Rooms: church, pool, kitchen\nNote: The key is on the altar.\nGo to:")
    assert seen.prompt.choices == ("church", "pool", "kitchen")


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_rooms_tried_are_left_out_until_the_next_key(format):
    house = note_house.environment(BY_HAND, format)
    assert (house.start().answer, house.start().closing) == (None, ())
    assert house.step("go to the pool").actions == ("church", "kitchen")
    assert house.step("pool").valid is False
    found = house.step("Church.")
    assert (found.answer, found.actions, found.prompt.key) == ("church", ("church", "pool", "kitchen"), "key:1")
    assert found.closing == ("church", "pool", "kitchen"), "the last key could be in any room"
    end = house.step("kitchen")
    assert (end.done, end.answer, end.prompt, end.actions) == (True, "church, kitchen", None, ())
    assert house.step("pool").valid is False
    assert house.start() == note_house.environment(BY_HAND, format).start()


def test_without_memory_a_room_can_be_tried_forever():
    house = note_house.environment(replace(BY_HAND, data={**BY_HAND.data, "memory": False}), "completion")
    for _ in range(3):
        seen = house.step("pool")
        assert (seen.valid, seen.actions) == (True, ("church", "pool", "kitchen"))


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_perfect_player_needs_a_step_per_key(format):
    for problem in some(keys=(1, 3, 5)):
        house = note_house.environment(problem, format)
        seen, steps = house.start(), 0
        while not seen.done:
            seen, steps = house.step(problem.truths[seen.prompt.key]), steps + 1
        assert seen.answer == problem.reference
        assert steps == problem.difficulty


@pytest.mark.parametrize(
    ("answer", "outcome", "keys_right"),
    [
        ("church, kitchen", "correct", 2),
        ("The church, the Kitchen.", "correct", 2),
        ("church", "wrong", 1),
        ("kitchen, church", "wrong", 0),
        ("church, kitchen, pool", "wrong", 2),
    ],
)
def test_all_keys_in_order_are_right(answer, outcome, keys_right):
    grade = note_house.grade(BY_HAND, answer)
    assert (grade.outcome, grade.evidence["keys_right"]) == (outcome, keys_right)


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_the_notes_are_shown_only_where_they_are_given(format):
    for access, shown in (("given", True), ("environment", False)):
        asked = note_house.question(BY_HAND, access, format)
        assert (NOTES[1] in asked.text) == (NOTES[1] in asked.answer.shown) == shown


def test_every_hint_belongs_to_one_room_and_shots_are_never_asked():
    hints = [hint for hints in _familiar.ROOMS.values() for hint in hints]
    assert len(set(hints)) == len(hints)
    assert not set(_familiar.ROOM_SHOTS) & set(_familiar.ROOMS)
    assert note_house.chance(BY_HAND) == pytest.approx(1 / 9)


def test_small_houses_run_out_and_say_so():
    with pytest.raises(InputError, match="distinct problems were found where 3000 are wanted; raise keys or rooms"):
        some(3000, keys=(1,), rooms=2)


def test_a_room_tried_again_for_the_same_key_is_a_return_and_for_another_key_is_none():
    same = ("The key is on the altar.",) * 2
    world = {"places": ("church", "church"), "notes": same}
    free = replace(BY_HAND, data={**BY_HAND.data, "memory": False, "notes": same}, world=world)
    house = note_house.environment(free, "chat")
    seen = [house.start(), *map(house.step, ("pool", "kitchen", "pool", "attic", "church", "pool"))]
    assert seen[1].text == seen[6].text
    assert [each.where for each in seen].index(seen[3].where) == 1
    assert seen[4].where == seen[3].where, "what was refused changes nothing"
    assert len({each.where for each in seen}) == 5


def test_a_note_of_a_key_that_was_found_is_stale_and_rooms_without_a_key_are_told_apart_by_the_note():
    facts = note_house.evidence(BY_HAND)
    house = note_house.environment(BY_HAND, "chat")
    seen = [house.start(), *map(house.step, ("pool", "kitchen", "church", "pool"))]
    memory = [each.text for each in seen]
    assert hygiene(memory[:3], facts) == {"duplicate": 0, "contradicted": 0, "stale": 0}
    assert hygiene(memory, facts) == {"duplicate": 0, "contradicted": 0, "stale": 1}
    assert hygiene(["Key 1 is in the pool."], facts)["contradicted"] == 1
    assert hygiene(["There is no key in the church.\nNote: The key is on the altar."], facts)["contradicted"] == 1
    assert hygiene([memory[1], memory[1].replace("\n", " ")], facts)["duplicate"] == 1
    assert all(line in note_house.question(BY_HAND, "given", "chat").text for line in facts.path)
