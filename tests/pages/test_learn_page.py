"""Learn: lessons ask before they tell, theory has knobs, and verdicts come from runs alone."""

import pytest

from fourdials import spec
from fourdials.bench import BENCHES
from fourdials.lessons import lessons
from fourdials.ui.learn import offered, verdicts
from fourdials.verdict import Check, claims
from tests.pages.opened import figures, page, shown


def button(app, label):
    return next(each for each in app.button if each.label == label)


def test_a_lesson_hides_what_follows_until_a_prediction_is_made(home):
    app = page("learn", view="Lessons", lesson="C1")
    assert "One long chain of thought" in app.header[0].value
    assert "Established" not in shown(app)
    button(app, "Commit to it").click().run()
    assert "Established" not in shown(app)  # nothing was chosen
    app.radio[0].set_value(0)
    button(app, "Commit to it").click().run()
    assert not app.exception
    told = shown(app)
    assert "it is “hundreds of millions”" in told
    assert "none is made up" in told
    assert "python -m fourdials run data/experiments/c01_one_long_chain.toml" in told
    assert len(app.expander) == 3


def test_a_predicted_point_is_compared_with_theory_where_no_run_fits(home):
    app = page("learn", view="Lessons", lesson="C11")
    button(app, "Commit to it").click().run()
    assert "Choose an answer first." in shown(app)
    app.number_input[0].set_value(4)
    button(app, "Commit to it").click().run()
    assert "You said 4 %. By theory it is 4 %." in app.success[0].value
    button(app, "Predict again").click().run()
    assert "Commit to it" in [each.label for each in app.button]


def test_a_placed_point_is_drawn_at_once_and_later_over_the_truth(home):
    app = page("learn", view="Lessons", lesson="C11")
    app.number_input[0].set_value(30).run()
    placed = next(each for each in figures(app)["lesson.C11.place"]["data"] if "prediction" in (each.get("name") or ""))
    assert placed["y"] == [0.3]
    button(app, "Commit to it").click().run()
    drawn = figures(app)["lesson.bench.C11"]["data"][-1]
    assert (drawn["name"], drawn["x"], drawn["y"]) == ("your prediction", [4.0], [0.3])


@pytest.mark.parametrize("claim", lessons())
def test_every_lesson_can_be_finished_without_any_run(home, claim):
    app = page("learn", view="Lessons", lesson=claim)
    if app.radio:
        app.radio[0].set_value(0)
    else:
        app.number_input[0].set_value(50)
    button(app, "Commit to it").click().run()
    assert not app.exception
    assert "Three questions" in shown(app)
    assert "cannot be tested this way" in shown(app) if claim == "C23" else "Nothing was run yet" in shown(app)


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_shows_its_formula_its_source_and_a_reading(home, name):
    app = page("learn", view="Theory", bench=name)
    assert not app.exception
    assert app.latex[0].value
    assert "Source:" in shown(app)
    assert len(app.get("bidi_component")) == 1


def test_a_knob_changes_what_is_read(home):
    app = page("learn", view="Theory", bench="votes")
    before = app.markdown[-1].value
    app.slider[0].set_value(0.9).run()
    assert app.markdown[-1].value != before
    assert "right 90 % of the time" in app.markdown[-1].value


def test_a_million_steps_are_played_on_request_and_labelled(home):
    app = page("learn", view="Theory", bench="ahead")
    assert not app.info
    button(app, "Play every step of it").click().run()
    told = app.info[0].value.replace("\\", "")
    assert told.startswith("Simulated, without any model: 1,048,575 steps")


def test_verdicts_list_every_claim_and_a_simulated_or_untagged_run_changes_nothing(filled):
    app = page("learn", view="Verdicts")
    table = app.dataframe[0].value
    assert len(table) == 24
    outcomes = table.set_index("claim")["real models"]
    assert outcomes["C23 Limits of training"] == "– cannot be tested this way"
    assert set(outcomes.drop("C23 Limits of training")) == {"· not run yet"}
    assert set(table["real"]) == {"–", "·"}  # in a word, for phones


def test_verdicts_still_being_weighed_stand_as_such_in_the_table_as_it_fills(filled, monkeypatch):
    drawn = []

    class Place:
        def dataframe(self, rows, **layout):
            drawn.append(rows)

    monkeypatch.setattr(verdicts, "OFTEN_S", -1.0)
    found = verdicts._weighed(Place())
    assert list(found) == list(claims())
    assert [sum(row["real models"] != "being weighed" for row in rows) for rows in drawn] == list(range(1, 25))
    assert all(row.keys() == drawn[-1][0].keys() for rows in drawn for row in rows), "no cell reads None"
    names = [row["claim"] for row in drawn[-1]]
    assert all([row["claim"] for row in rows] == names for rows in drawn)


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (Check("so", "reproduced", 0.25, 0.12, 0.5, unit="share"), "25 % (12 % to 50 %)"),
        (Check("so", "reproduced", 0.25, unit="share"), "25 %, no interval"),
        (Check("so", "reproduced"), ""),
    ],
)
def test_an_estimate_without_an_interval_says_so(check, told):
    assert verdicts.interval(check).replace("\xa0", " ") == told


@pytest.mark.parametrize("claim", lessons())
def test_what_a_lesson_offers_in_small_is_a_valid_experiment_on_scale_models_alone(claim):
    for stem in offered.on_scale_models(claim):
        small = spec.parse(offered.in_small(stem))
        assert small.provenance == "scale model"
        assert max(task.problems for task in small.tasks) == offered.SMALL
        assert claim in offered.in_small(stem)["claims"]


def test_the_claims_that_scale_models_were_put_to_offer_it():
    assert {claim for claim in lessons() if offered.on_scale_models(claim)} >= {"C1", "C4", "C5", "C8", "C11", "C20"}


def test_a_link_shows_the_same_setting_of_a_bench_and_of_a_lessons_knobs(home):
    app = page("learn", view="Theory", bench="votes", **{"votes.p": "0.7"})
    assert app.slider[0].value == 0.7
    assert "right 70 % of the time" in app.markdown[-1].value
    app = page("learn", view="Lessons", lesson="C14", **{"C14.branch": "8", "C14.most": "64"})
    app.radio[0].set_value(2)
    button(app, "Commit to it").click().run()
    assert app.slider[0].value == 8
    assert app.select_slider[0].value == 64
    assert "After 64 steps" in shown(app)
