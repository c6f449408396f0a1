"""Every page without any run, with a finished one, and with one that was interrupted."""

import json
import re

import pytest

from fourdials.errors import HomeBusy, Unreachable
from fourdials.store import Store
from tests.pages.conftest import ARMS
from tests.pages.opened import figures, page, shown
from tests.scripted import Script, arm, experiment, play

STARTS = ("Start a half-minute real run", "Start a language model run")


def test_start_without_runs_offers_a_real_run_and_says_where_its_curves_will_be(home):
    app = page("start")
    assert [button.label for button in app.button] == list(STARTS)
    assert not any(button.disabled for button in app.button)
    assert "No run has results yet" in app.info[0].value


def test_start_offers_the_weights_where_they_are_missing_and_the_run_that_needs_none(home, monkeypatch):
    monkeypatch.setattr("fourdials.models.weights.present", lambda: False)
    app = page("start")
    enabled = {button.label: not button.disabled for button in app.button}
    assert enabled == {"Fetch the weights": True, **dict(zip(STARTS, (True, False), strict=True))}


def test_start_with_a_run_shows_its_curves(filled):
    app = page("start")
    assert "Your latest run" in shown(app)
    assert len(app.get("bidi_component")) == 1


@pytest.mark.parametrize(("name", "said"), [("compare", "its curves grow here"), ("traces", "every call it makes")])
def test_pages_that_show_runs_say_what_to_do_when_there_are_none(home, name, said):
    app = page(name)
    assert said in app.info[0].value


def test_compare_draws_the_overlay_and_the_panels_and_reads_them_out(filled):
    app = page("compare")
    assert len(app.get("bidi_component")) == 2
    assert "on 6 problems" in app.text[-1].value
    assert any("different information" in warning.value for warning in app.warning)
    assert app.text[-1].value.startswith("All in the question: At ")


def test_a_difference_between_arms_that_see_different_things_is_called_another_problem(filled):
    app = page("compare", tab="Differences", a="majority_vote", b="retrieve")
    assert app.warning[0].value.startswith("**Not the same problem:**")
    assert any("each with what it sees" in text.value for text in app.text)
    alike = page("compare", tab="Differences", a="majority_vote", b="stepwise")
    assert not alike.warning


def test_the_frontier_names_no_winner_across_arms_that_see_different_things(filled):
    front = page("compare", tab="Frontier")
    assert figures(front)["compare.frontier"]["layout"]["title"]["text"].endswith("by what is seen")
    assert any(text.value.startswith("All in the question: ") for text in front.text)
    assert any(warning.value.startswith("Not the same problem: ") for warning in front.warning)
    assert "all on the same problems" not in shown(front)
    alike = page("compare", tab="Frontier", arms=["single", "majority_vote"])
    assert "all on the same problems" in shown(alike)
    assert not any("Not the same problem" in warning.value for warning in alike.warning)


def test_compare_keeps_its_view_in_the_url(filled):
    app = page("compare", experiment="run", unit="calls")
    assert "model calls a problem" in app.text[-1].value
    app.segmented_control[0].set_value("level").run()
    assert app.query_params["unit"] == "level"
    assert "At level" in app.text[-1].value


def test_compare_ignores_what_it_does_not_know_in_the_url(filled):
    app = page("compare", experiment="gone", unit="guilders", task="none")
    assert app.selectbox[0].value == "run"
    assert app.segmented_control[0].value == "total_tokens"


def test_compare_says_so_where_the_spend_is_unknown(filled):
    app = page("compare", unit="usd")
    assert "USD is unknown for this run" in app.info[0].value


def test_the_table_behind_the_figures_holds_the_numbers_they_draw(filled):
    app = page("compare")
    assert not app.dataframe, "tables take the browser long: they wait until they are asked for"
    app.session_state["compare.numbers"] = True
    table = app.run().dataframe[0].value
    assert set(table["arm"]) == {"single", "majority_vote", "stepwise", "retrieve", "act"}
    assert (table["low"] <= table["value"]).all()
    assert (table["n"] == 6).all()
    assert "curve_points.sql" in shown(app)


def test_compare_shows_how_far_an_interrupted_run_came(partial):
    app = page("compare")
    assert re.search(r"\d of 30 trials", shown(app))
    assert "interrupted" in shown(app)


def test_choosing_fewer_arms_leaves_the_others_out(filled):
    app = page("compare")
    app.session_state["compare.numbers"] = True
    app.pills[0].set_value(["single", "stepwise"]).run()
    assert set(app.dataframe[0].value["arm"]) == {"single", "stepwise"}


def test_failed_trials_are_counted_apart_with_what_they_could_have_changed(home):
    failed = []

    def fail(request):
        if request.role == "query" and len(failed) < 4:
            failed.append(request)
            raise Unreachable("nobody there")

    play(home / "runs" / "run", experiment([arm(name) for name in ARMS], problems=6), Script(fail=fail))
    app = page("compare")
    app.session_state["compare.outcomes"] = True
    app.run()
    ended, bounds = (app.dataframe[i].value.set_index("arm") for i in (0, 1))
    assert ended.loc["retrieve", "failed call, not scored"] == 4
    assert bounds.loc["retrieve", "share"] == "67 %"
    assert bounds.loc["act", "failed trials"] == 0
    assert "2 complete blocks" in shown(app)


def test_traces_lists_the_trials_of_a_point(filled):
    app = page("traces", experiment="run", arm="retrieve")
    assert app.selectbox[1].value == "retrieve"
    assert len(app.dataframe[0].value) == 6
    assert "6 trials of 6" in shown(app)


def test_traces_takes_a_point_of_a_figure_from_the_url(filled):
    app = page("traces", experiment="run", arm="act", unit="calls", spend="1")
    assert "standing at 1 model calls" in shown(app)
    assert "By level instead" in [button.label for button in app.button]


def test_a_trial_can_be_opened_by_its_link_and_shows_every_call(filled):
    lines = [json.loads(line) for line in (filled / "runs/run/journal-1.jsonl").read_text().splitlines()]
    trial = next(line for line in lines if line["k"] == "trial" and line["arm"] == "majority_vote")
    calls = [
        row for line in lines if line["k"] == "calls" for row in line["rows"] if row["trial_id"] == trial["trial_id"]
    ]
    app = page("traces", trial=trial["trial_id"])
    opened = [each for each in app.expander if each.label.startswith("Call to solve")]
    assert len(opened) == len(calls) == 16
    codes = [code.value for code in app.code]
    assert all(row["reply"] in codes for row in calls)
    assert trial["answer"] in codes


def test_a_trial_that_is_not_there_is_said_to_be_missing(filled):
    app = page("traces", trial="run/none")
    assert "not in this home" in app.info[0].value


def test_what_a_model_wrote_is_never_shown_as_markdown(home):
    class Shouting(Script):
        def _sample(self, request, i):
            found = super()._sample(request, i)
            return type(found)(
                f"{found.text} **loud** <b>tag</b>", found.finish_reason, found.usage, found.tokens, -1.0
            )

    play(home / "runs" / "run", experiment([arm("single")], problems=2), Shouting())
    listed = Store(home, read_only_copy=True)
    trial = listed.frame("SELECT trial_id FROM trials")["trial_id"][0]
    listed.close()
    app = page("traces", trial=trial)
    assert any("**loud**" in code.value for code in app.code)
    said = [each.value for kind in ("markdown", "caption", "subheader") for each in getattr(app, kind)]
    assert not any("loud" in text for text in [*said, *(each.label for each in app.expander)])


def test_a_home_held_by_another_program_gives_a_page_that_explains_it(home, monkeypatch):
    play(home / "runs" / "run", experiment([arm(name) for name in ARMS], problems=2), Script())
    opened = Store.__init__

    def busy(self, folder, read_only_copy=False):
        if not read_only_copy:
            raise HomeBusy("fourdials.duckdb is held by process 7")
        opened(self, folder, True, folder / "recorded")

    monkeypatch.setattr(Store, "__init__", busy)
    app = page("compare")
    assert "Another program has this database open" in app.error[0].value
    assert "process 7" in app.code[0].value
    assert app.button[0].label == "Try again"
    app.button[1].click().run()
    assert len(app.get("bidi_component")) == 2
