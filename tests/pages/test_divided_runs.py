"""A run that divided its own budget: who was stopped and who calibrated is named, in the table and in the spend."""

from fourdials.ui import data
from tests.pages.opened import figures, page, shown
from tests.pages.simulated import simulated, table, unfolded

VOTE = {"strategy": "majority_vote", "levels": [1, 2, 4, 8]}


def counted():
    return data.frame("outcomes", experiment_ids=["run"]).select("stopped", "calibrated").sum().row(0)


def test_trials_the_allocator_stopped_or_calibrated_on_are_named_and_counted(home):
    arms = [{"name": "weak", **VOTE, "lineup": {"solver": "sim/solve=0.2"}}, {"name": "strong", **VOTE}]
    settings = {"allocator": "successive_halving", "budget": {"calls": 500}, "problems": 60}
    simulated(home, "sim/solve=0.8", arms, **settings)
    app = unfolded(page("compare", unit="level"))
    ended = table(app, "arm", "stopped by the allocator", "used for calibration").set_index("arm")
    reasons = data.store().frame("SELECT arm, count(*) FILTER (stop_reason = 'stopped') AS n FROM trials GROUP BY arm")
    assert dict(reasons.rows()) == ended["stopped by the allocator"].to_dict()
    steps = data.store().frame("SELECT count(DISTINCT trial_id) AS n FROM steps WHERE kind = 'calibration'")["n"][0]
    assert ended["used for calibration"].sum() == steps > 0
    assert ended.loc["weak"]["stopped by the allocator"] > ended.loc["strong"]["stopped by the allocator"]
    assert "granted them no more" in shown(app)

    judged = 60 - data.frame("experiments")["calibrated"][0]
    assert 0 < judged < 60
    assert set(table(app, "spend", "unanswered")["n"]) == {judged}  # the grades of the others chose the arm
    told = figures(app)["compare.overlay"]["layout"]["title"]["subtitle"]["text"].replace("<br>", " ")
    assert f"Left out: {60 - judged} problems whose grades the allocator chose by" in told
    shown_to = data.store().frame(
        "SELECT DISTINCT problem_id FROM steps JOIN trials USING (trial_id) WHERE kind = 'calibration'"
    )["problem_id"]
    assert shown_to.len() == 60 - judged
    points = data.frame("operating_points", experiment_ids=["run"])
    assert not set(points["problem_id"]) & set(shown_to)

    divided = page("compare", tab="Allocate", unit="calls", went="fate")
    rows = table(divided, "group", "spent", "value").set_index("group")
    calls = data.store().frame("SELECT CAST(sum(calls) AS DOUBLE) AS n FROM trials")["n"][0]
    assert rows["spent"].sum() == calls
    assert rows["value"].isna()["used for calibration"]  # charged, and not judged
    said = shown(divided)
    assert f"{steps} trials used for calibration" in said
    assert f"{counted()[0]} trials stopped by the allocator" in said
    assert "its answers do not count" in said


def test_a_run_of_whole_trials_has_no_such_columns(home):
    simulated(home, "sim/solve=0.8", [VOTE, {"strategy": "single"}], problems=10)
    app = unfolded(page("compare"))
    assert counted() == (0, 0)
    assert "used for calibration" not in shown(app)
    assert not [each for each in app.dataframe if "stopped by the allocator" in each.value.columns]
