"""Compare's tabs Quality and Prices on a run, and on none."""

from fourdials.ui import data
from tests.pages.opened import page, shown


def test_quality_says_what_nobody_has_and_why(filled):
    app = page("compare", tab="Quality")
    said = shown(app)
    assert "Not measured by any arm here: trajectory quality" not in said
    assert "memory hygiene (no memory kept)" in said
    assert "context efficiency (" not in said
    assert "tie on success" in said
    arms = set(data.frame("experiments")["experiment_id"])
    assert arms
    assert set(app.dataframe[0].value["arm"]) >= {"majority_vote"}


def test_prices_are_unknown_until_some_are_chosen(filled):
    app = page("compare", tab="Prices")
    assert "No price is known for the models of this run" in shown(app)
    assert "unknown" in set(app.dataframe[0].value["list price chosen"])
    box = next(each for each in app.selectbox if each.label == "Prices of")
    box.set_value("openai/gpt-4.1-mini").run()
    assert not app.exception
    assert all(value.startswith("$") for value in app.dataframe[0].value["list price chosen"])
    assert "at list prices of openai/gpt-4.1-mini" in shown(app)
