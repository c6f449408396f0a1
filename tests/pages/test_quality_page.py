"""Compare's tabs Quality and Prices on a run, and on none."""

import re

import polars as pl

from fourdials.ui import data
from fourdials.ui.compare import quality
from tests.estimate.test_estimate_quality import many
from tests.pages.opened import page, shown
from tests.scripted import Script, arm, experiment, play


def test_quality_says_what_nobody_has_and_why(filled):
    app = page("compare", tab="Quality")
    said = shown(app)
    assert "Not measured by any arm here: trajectory quality" not in said
    assert "memory hygiene (no memory kept)" in said
    assert "context efficiency (" not in said
    assert "tie on success" in said
    arms = set(data.frame("experiments")["experiment_id"])
    assert arms
    table = app.dataframe[0].value.set_index("arm")
    assert set(table["n"]) == {6}
    assert re.fullmatch(r"[\d,.]+ \([\d,.]+ to [\d,.]+\)", table.loc["majority_vote", "peak context"])
    assert "BCa bootstrap" in table.loc["majority_vote", "intervals by"]


def test_a_tie_of_arms_that_see_different_things_says_so(monkeypatch):
    trials = pl.DataFrame(many("calm") + many("restless", loops=4))
    told = []
    monkeypatch.setattr(quality.st, "text", told.append)
    for sees in ("given", "environment"):
        quality._ties(quality._found_ties(trials, {"calm": "given", "restless": sees}))
    same, other = told[: len(told) // 2], told[len(told) // 2 :]
    assert all(text.startswith("calm and restless tie on success (") for text in same)
    assert all(text.startswith("calm and restless tie on success, each with what it sees, (") for text in other)
    assert len(same) == len(other) == 2


def test_prices_are_unknown_until_some_are_chosen(filled):
    app = page("compare", tab="Prices")
    assert "No price is known for the models of this run" in shown(app)
    assert "unknown" in set(app.dataframe[0].value["list price chosen"])
    box = next(each for each in app.selectbox if each.label == "Prices of")
    box.set_value("openai/gpt-4.1-mini").run()
    assert not app.exception
    table = app.dataframe[0].value
    assert all(value.startswith("$") and " to $" in value for value in table["list price chosen"])
    assert set(table["n"]) == {6}
    assert "queries/priced_problems.sql" in shown(app)
    assert "at list prices of openai/gpt-4.1-mini" in shown(app)


def test_quality_tells_how_often_both_first_votes_on_a_step_are_wrong(home):
    voted = arm("decompose_and_vote", levels=(2,))
    play(home / "runs" / "run", experiment([voted], task="hanoi", problems=4, params={"disks": [3]}), Script(right=0.6))
    said = shown(page("compare", tab="Quality"))
    assert "decompose_and_vote: both of the first two votes on a step are wrong at " in said
    assert "errors that are independent and alike at all steps would give" in said
