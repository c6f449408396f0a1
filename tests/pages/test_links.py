"""What a page shows stands in its address: opened again, or by somebody else, it shows the same."""

import datetime

import pytest

from fourdials.ui import controls
from tests.pages.opened import figures, page, shown


def asked(app, param):
    """The values of a parameter in the page's address; None if it is not there."""
    found = app.query_params.get(param)
    return [found] if isinstance(found, str) else found


def test_chosen_arms_are_in_the_address_and_come_back_from_it(filled):
    app = page("compare")
    assert asked(app, "arms") is None  # all of them
    pills = next(group for group in app.pills if group.label == "Arms shown")
    pills.set_value(["single", "act"]).run()
    assert set(asked(app, "arms")) == {"single", "act"}
    again = page("compare", arms=["act", "single"])
    assert next(group for group in again.pills if group.label == "Arms shown").value == ["act", "single"]
    names = {trace["name"] for trace in figures(again)["compare.panels"]["data"] if trace.get("showlegend", True)}
    assert not {"majority_vote", "stepwise", "retrieve"} & names


def test_arms_nobody_knows_are_ignored_and_leave_the_address(filled):
    app = page("compare", arms=["nonsense"])
    assert len(next(group for group in app.pills if group.label == "Arms shown").value) == 5
    assert asked(app, "arms") is None


def test_arms_of_one_run_are_not_asked_for_of_another(two):
    app = page("compare", experiment="run", arms=["single", "act"])
    box = next(box for box in app.selectbox if box.label == "Run")
    box.set_value(next(label for label in box.options if label.startswith("played again"))).run()
    assert asked(app, "experiment") == ["second"]
    assert len(next(group for group in app.pills if group.label == "Arms shown").value) == 5
    assert asked(app, "arms") is None


def test_a_link_to_another_run_brings_its_arms_along(two):
    app = page("compare", experiment="run")
    assert len(next(group for group in app.pills if group.label == "Arms shown").value) == 5
    for run, arms in (("second", ["single", "act"]), ("run", ["retrieve"])):  # what a link inside the app does
        app.query_params["experiment"], app.query_params["arms"] = run, arms
        app.run()
        assert sorted(next(group for group in app.pills if group.label == "Arms shown").value) == sorted(arms)
        assert (asked(app, "experiment"), sorted(asked(app, "arms"))) == ([run], sorted(arms))


def test_the_day_and_the_model_of_the_prices_are_in_the_address(filled):
    app = page("compare", tab="Prices", day="2026-01-31", instead="openai/gpt-5.4-mini")
    (day,) = (each for each in app.date_input if each.label == "Prices of the day")
    assert day.value == datetime.date(2026, 1, 31)
    model = next(box for box in app.selectbox if box.label == "Prices of")
    assert [model.value] == asked(app, "instead")
    day.set_value(datetime.date(2026, 2, 1)).run()
    assert asked(app, "day") == ["2026-02-01"]


@pytest.mark.parametrize("told", ["tomorrow", "1999-01-01", "2999-01-01"])
def test_a_day_without_prices_is_ignored(filled, told):
    app = page("compare", tab="Prices", day=told)
    today = datetime.datetime.now(datetime.UTC).date()
    assert next(each for each in app.date_input if each.label == "Prices of the day").value == today
    assert asked(app, "day") is None


def test_the_advisors_budget_and_whether_the_truth_may_be_asked_are_in_the_address(filled):
    app = page("compare", tab="Allocate", advise="40", truth="yes")
    field = next(each for each in app.number_input if "Budget a problem" in each.label)
    assert field.value == 40
    assert next(each for each in app.toggle if "knows the truth" in each.label).value
    field.set_value(60.0).run()
    assert asked(app, "advise") == ["60"]
    for nonsense in ("much", "-3", "nan"):
        assert asked(page("compare", tab="Allocate", advise=nonsense), "advise") is None


def test_the_kind_of_trials_listed_is_in_the_address(filled):
    app = page("traces", kind="wrong")
    assert next(each for each in app.button_group if each.label == "Show").value == "wrong"
    assert asked(page("traces", kind="none such"), "kind") == ["all"]


def test_what_is_sent_is_in_the_address(filled):
    app = page("share", arms=["single"], texts="no", unit="calls")
    assert next(each for each in app.pills if each.label == "Arms shown").value == ["single"]
    assert not next(each for each in app.toggle if "prompts" in each.label).value
    assert next(each for each in app.selectbox if each.label == "Spend in").value == "calls"
    assert "stay here" in shown(app)
    assert (asked(app, "arms"), asked(app, "texts")) == (["single"], ["no"])


def test_runs_of_one_name_and_minute_can_be_told_apart():
    row = {"name": "mine", "recorded": False, "provenance": "real", "status": "finished", "created_at": 1000.0}
    runs = [{**row, "experiment_id": each} for each in ("mine-1a2b", "mine-3c4d")]
    runs += [{**row, "name": "other", "experiment_id": "other-9z9z"}]
    told = controls.labels(runs)
    assert [line.rsplit(" · ", 1)[1] for line in list(told.values())[:2]] == ["…1a2b", "…3c4d"]
    assert told["other-9z9z"] == controls.described(runs[2])
    same_end = controls.labels([{**row, "experiment_id": each} for each in ("a-1a2b", "b-1a2b")])
    assert [line.rsplit(" · ", 1)[1] for line in same_end.values()] == ["a-1a2b", "b-1a2b"]
    assert controls.labels([]) == {}
