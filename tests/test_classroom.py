"""A class's predictions: who may change what when, what is refused, and that a restart forgets nothing."""

import threading

import pytest

from fourdials import classroom
from fourdials.classroom import Classroom, new_name, spread
from fourdials.errors import InputError

POINT, CHOICE = "C20", "C1"  # the one asks for a percentage, the other for one of four options


@pytest.fixture
def room(tmp_path):
    return Classroom(tmp_path / classroom.FILE)


def again(room):
    """The class as another process would find it."""
    return Classroom(room._path)


def test_a_prediction_can_be_changed_until_the_answer_is_revealed(room):
    who = new_name()
    room.open(POINT)
    assert room.predict(POINT, who, 30)
    assert room.predict(POINT, who, 60)
    assert dict(room.question(POINT).predictions) == {who: 60}
    assert room.question(POINT).held
    room.reveal(POINT)
    assert not room.predict(POINT, who, 77)
    assert not room.predict(POINT, new_name(), 77)
    found = room.question(POINT)
    assert (dict(found.predictions), found.held, found.revealed) == ({who: 60}, False, True)


def test_who_was_told_the_answer_cannot_change_a_prediction_any_more(room):
    alone, early = new_name(), new_name()
    assert room.predict(POINT, alone, 50)  # nothing is open: this reader sees the answer at once
    room.open(POINT)
    assert not room.predict(POINT, alone, 77)
    assert room.predict(POINT, early, 40)
    room.open(CHOICE)  # the first lesson is no longer held back
    room.open(POINT)
    assert not room.predict(POINT, early, 77)
    assert dict(room.question(POINT).predictions) == {alone: 50, early: 40}


def test_starting_over_forgets_a_lesson_and_no_other(room):
    who = new_name()
    for lesson, value in ((POINT, 50), (CHOICE, 2)):
        room.open(lesson)
        room.predict(lesson, who, value)
        room.reveal(lesson)
    room.reset(POINT)
    assert not room.question(POINT).predictions
    assert not room.question(POINT).revealed
    assert room.predict(POINT, who, 60)
    assert dict(room.question(CHOICE).predictions) == {who: 2}


def test_a_restart_forgets_nothing_and_a_torn_last_line_is_left_out(room):
    names = [new_name() for _ in range(3)]
    room.predict(CHOICE, names[2], 1)
    room.open(POINT)
    for value, who in zip((20, 40), names, strict=False):
        room.predict(POINT, who, value)
    with room._path.open("ab") as file:
        file.write(b'{"k":"revealed","les')
    found = again(room)
    assert found.question(POINT) == room.question(POINT)
    assert found.question(CHOICE) == room.question(CHOICE)
    assert found.current == POINT
    found.reveal(POINT)
    assert again(found).question(POINT).revealed  # what follows the torn line is not glued to it


def test_a_full_file_is_written_anew_with_what_counts(room, monkeypatch):
    monkeypatch.setattr(classroom, "MOST_BYTES", 2000)
    who, alone = new_name(), new_name()
    room.predict(POINT, alone, 10)
    room.open(POINT)
    for value in range(100):
        room.predict(POINT, who, value)
    assert room._path.stat().st_size <= 2000
    found = again(room)
    assert dict(found.question(POINT).predictions) == {alone: 10, who: 99}
    assert not found.predict(POINT, alone, 77)
    assert found.predict(POINT, who, 50)


def test_many_students_at_once_are_all_counted(room):
    room.open(POINT)
    names = [new_name() for _ in range(40)]
    threads = [threading.Thread(target=room.predict, args=(POINT, who, place)) for place, who in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert again(room).question(POINT).predictions == {who: place for place, who in enumerate(names)}


def test_a_flood_of_made_up_readers_stays_small(room, monkeypatch):
    monkeypatch.setattr(classroom, "MOST_READERS", 3)
    names = [new_name() for _ in range(5)]
    assert [room.predict(POINT, who, 1) for who in names] == [True] * 3 + [False] * 2
    assert again(room).question(POINT).predictions.keys() == set(names[:3])


def test_a_point_is_held_within_its_range_and_an_option_must_exist(room):
    who = new_name()
    room.open(POINT)
    for given, kept in ((-5, 0), (10**30, 100)):
        room.predict(POINT, who, given)
        assert room.question(POINT).predictions[who] == kept
    for value in (-1, 4):
        with pytest.raises(InputError, match="counted from 0"):
            room.predict(CHOICE, who, value)


@pytest.mark.parametrize(
    ("lesson", "who", "value", "said"),
    [
        ("C99", "0" * 32, 1, "no lesson 'C99'"),
        (POINT, "Mary", 1, "32 hexadecimal digits"),
        (POINT, "0" * 31 + "\n", 1, "32 hexadecimal digits"),
        (POINT, "0" * 32, "77", "whole number"),
        (POINT, "0" * 32, True, "whole number"),
        (POINT, "0" * 32, 0.5, "whole number"),
    ],
)
def test_what_cannot_be_a_prediction_is_refused_and_not_written(room, lesson, who, value, said):
    with pytest.raises(InputError, match=said):
        room.predict(lesson, who, value)
    assert not room._path.exists()


@pytest.mark.parametrize(
    "line",
    [
        '{"k":"prediction","lesson":"C20","who":"Mary","value":3}',
        '{"k":"prediction","lesson":"C1","who":"00000000000000000000000000000000","value":4}',
        '{"k":"prediction","lesson":"C20","who":"00000000000000000000000000000000","value":"3"}',
        '{"k":"shouted","lesson":"C20"}',
        "no JSON",
    ],
)
def test_a_damaged_file_is_named_and_not_guessed_at(tmp_path, line):
    (tmp_path / classroom.FILE).write_text(line + "\n")
    with pytest.raises(InputError, match=classroom.FILE):
        Classroom(tmp_path / classroom.FILE)


def test_the_middle_half_is_given_from_four_predictions_on():
    assert spread([10, 20, 30]) is None
    found = spread([10, 20, 30, 40, 50])
    assert (found.low, found.middle, found.high) == (20, 30, 40)
