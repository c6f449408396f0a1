"""A class: students predict without a password and start nothing; whoever has the password teaches."""

import sys

import pytest

from fourdials.classroom import FILE, Classroom, new_name
from fourdials.lessons import lessons
from fourdials.ui import access, room, signing
from tests.pages.opened import figures, page, shown

POINT, CHOICE = "C11", "C1"


@pytest.fixture
def held(home, monkeypatch):
    """The class of a server that was started for one."""
    monkeypatch.setattr(sys, "argv", ["app.py", "--class"])
    monkeypatch.setenv(access.PASSWORD, "correct horse")
    monkeypatch.setattr(access, "_address", lambda: "192.168.1.9")
    room._room.clear()
    yield room._room(str(home))
    room._room.clear()
    access._missed.clear()


def button(app, label):
    return next(each for each in app.button if each.label == label)


def labels(app):
    return {each.label for each in app.button}


def enter(app):
    next(field for field in app.text_input if field.label == "Launch password").input("correct horse").run()
    return app


def commit(app, value):
    (app.number_input if app.number_input else app.radio)[0].set_value(value)
    button(app, "Commit to it").click().run()
    assert not app.exception
    return app


def test_without_a_class_there_is_no_view_of_one(home):
    assert "Class" not in [tab.label for tab in page("learn").tabs]


def test_a_student_waits_then_predicts_then_sees_the_class_and_only_then_the_truth(held):
    app = page("learn")
    assert "has not opened a lesson yet" in shown(app)
    held.open(POINT)
    for value in (20, 60):
        held.predict(POINT, new_name(), value)
    app.run()
    assert f"lesson.gathered.{POINT}" not in figures(app)  # not before one's own
    commit(app, 40)
    dots = {each["name"]: each for each in figures(app)[f"lesson.gathered.{POINT}"]["data"]}
    assert dots.keys() == {"the class", "your prediction: 40 %"}
    assert sorted(dots["the class"]["y"]) == [0.2, 0.4, 0.6]
    assert "Established" not in shown(app)
    assert lessons()[POINT].predict.why[:30] not in shown(app)
    held.reveal(POINT)
    app.run()
    assert "You said 40 %. By theory it is 4 %." in app.info[0].value
    assert {"by theory", "there: 4 %"} <= {each["name"] for each in figures(app)[f"lesson.gathered.{POINT}"]["data"]}
    assert "Established" in shown(app)


def test_a_prediction_is_changed_not_doubled_and_not_after_the_answer(held):
    held.open(CHOICE)
    app = commit(page("learn"), 0)
    button(app, "Change my prediction").click().run()
    commit(app, 2)
    assert list(held.question(CHOICE).predictions.values()) == [2]
    held.reveal(CHOICE)
    app.run()
    assert not {"Change my prediction", "Predict again", "Commit to it"} & labels(app)


def test_starting_over_asks_every_student_again(held):
    held.open(CHOICE)
    app = commit(page("learn"), 0)
    held.reset(CHOICE)
    app.run()
    commit(app, 3)
    assert list(held.question(CHOICE).predictions.values()) == [3]


def test_a_lesson_that_is_not_open_is_taken_alone_and_counts_once(held):
    app = commit(page("learn", view="Lessons", lesson=CHOICE), 1)
    assert "it is “hundreds of millions”" in shown(app)
    assert list(held.question(CHOICE).predictions.values()) == [1]
    assert "Predict again" not in labels(app)


def test_a_student_comes_late_and_is_told_the_answer_without_a_prediction(held):
    held.open(CHOICE)
    held.reveal(CHOICE)
    assert "It is “hundreds of millions”." in page("learn").info[0].value


@pytest.mark.parametrize("name", ["learn", "start", "share"])
def test_a_student_finds_nothing_that_starts_a_run_or_changes_a_file(held, name):
    held.open(CHOICE)
    held.reveal(CHOICE)
    app = page(name, view="Lessons", lesson=CHOICE, share="Open")
    assert not [each for each in labels(app) if "run" in each.lower() or each in ("Open it here", "Remove")]
    assert not {"Open it to the class", "Show the answer", "Close"} & labels(app)
    assert not app.get("file_uploader")


def test_a_student_cannot_open_the_pages_that_start_runs_or_edit_models(held, monkeypatch):
    assert not {"Start the run", "Sign out"} & labels(page("run"))  # not even before the browser has said who it is
    monkeypatch.setattr(signing, "recall", lambda: True)
    for name in ("run", "models"):
        app = page(name)  # leads to the page a class begins with
        assert app.title[0].value == "Learn"
        assert "Start the run" not in labels(app)


def test_the_password_makes_the_teacher_who_opens_reveals_and_starts_over(held, home):
    app = enter(page("learn"))
    assert "http://127.0.0.1:8501/" in shown(app).replace("\\", "")
    assert app.get("image") or app.get("imgs")
    next(each for each in app.selectbox if each.label == "Lesson").set_value(POINT).run()
    button(app, "Open it to the class").click().run()
    assert held.current == POINT
    held.predict(POINT, new_name(), 30)
    app.run()
    drawn = figures(app)[f"lesson.gathered.{POINT}"]["data"]
    assert [(each["name"], each["y"]) for each in drawn] == [("the class", [0.3])]
    button(app, "Show the answer").click().run()
    assert "By theory it is 4 %." in shown(app)
    button(app, "Forget them").click().run()
    assert not held.question(POINT).predictions
    assert Classroom(home / FILE).question(POINT) == held.question(POINT)


def test_the_teacher_is_not_shown_the_answer_before_the_class_is(held):
    held.predict(POINT, new_name(), 30)  # somebody took the lesson alone
    app = enter(page("learn"))
    next(each for each in app.selectbox if each.label == "Lesson").set_value(POINT).run()
    assert "By theory" not in shown(app)
    assert "by theory" not in {each["name"] for each in figures(app)[f"lesson.gathered.{POINT}"]["data"]}


def test_the_teacher_finds_the_pages_that_start_runs(held, monkeypatch):
    app = enter(page("learn"))
    app.switch_page("pages/run.py").run()
    assert "Start the run" in labels(app)


def test_a_damaged_file_of_the_class_is_said_and_the_rest_still_works(held, home):
    (home / FILE).write_text("no JSON\n")
    room._room.clear()
    assert "cannot be read" in shown(page("learn"))
    assert "has not opened" not in shown(page("compare"))


def test_a_class_and_a_viewer_exclude_one_another(home, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["app.py", "--class", "--snapshot", "some.fourdials"])
    assert "exclude one another" in shown(page("learn"))
