"""The tabs Allocate, Difficulty and Variance on simulated runs whose parameters say what must come out, and on none."""

import base64
import re
import tomllib
from contextlib import closing

import numpy as np
import pytest

from fourdials import policy, worker, worth
from fourdials.ui.compare import allocate, difficulty
from tests.pages.opened import figures, page, shown
from tests.pages.simulated import table

CHECKED = {"strategy": "best_of_n", "levels": [1, 2, 3, 4, 6, 8, 12, 16], "knobs": {"verifier": "checker"}}
VOTE = {"strategy": "majority_vote", "levels": [1, 2, 4, 8]}


def ran(home, arms, model, problems=60, **settings):
    """A finished simulated run of this home, by its id."""
    tasks = [{"name": "wikiworld", "problems": problems, "params": {"questions_per_world": 1}}]
    data = {"name": "S", "seed": 5, "model": model, "tasks": tasks, "arms": arms, **settings}
    made = worker.create(data, home)
    worker.work(made, lambda kind, fields: None, home)
    return made


def tab(title, **query):
    return page("compare", tab=title, **query)


def sent(values):
    """The numbers of a figure's column as it is sent to the browser."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).tolist()
    return list(values)


def downloads(app):
    return {each.proto.label: each for each in app.get("download_button")}


def test_on_mixed_difficulty_adapting_is_shown_to_beat_uniform_allocation(home):
    ran(home, [CHECKED], "sim/solve=0.5,spread=0.6")
    app = tab("Allocate", unit="calls")
    said = shown(app)
    assert "gets as far as uniform allocation would with" in said
    assert "What to deploy" in said
    assert len(app.get("bidi_component")) == 2
    rows = {row["policy"]: row for row in app.dataframe[0].value.to_dict("records")}
    assert float(rows["greedy marginal"]["uniform needs"].split()[0]) > 1.5
    assert set(rows) == {"proportional", "greedy marginal", "beta stopping", "oracle (bound)"}


def test_on_equal_difficulty_no_saving_is_shown(home):
    ran(home, [VOTE], "sim/solve=0.15")
    said = shown(tab("Allocate", unit="calls"))
    assert "no saving over uniform allocation is shown" in said
    assert "gets as far as uniform" not in said


def test_a_run_that_was_divided_itself_is_not_replayed_but_shows_where_its_spend_went(home):
    ran(home, [VOTE], "sim/solve=0.5,spread=0.6", allocator="beta_stopping", budget={"calls": 200})
    app = tab("Allocate", unit="calls")
    assert any("stops trials early" in warning.value for warning in app.warning)
    assert len(app.get("bidi_component")) == 1
    assert "What to deploy" not in shown(app)


def test_the_advisor_says_what_to_use_how_sure_and_offers_the_policy(home):
    ran(home, [{"strategy": "single"}, VOTE], "sim/solve=0.55,spread=0.1")
    app = tab("Allocate", replay="majority_vote")
    said = shown(app)
    assert "majority\\_vote at level 8" in said
    assert "How sure" in said
    assert {"Policy (TOML)", "Router (Python)"} <= set(downloads(app))
    app.number_input[0].set_value(0.5).run()
    assert any("No arm costs at most 0.5 per problem" in each.value for each in app.info)


def test_the_policy_offered_is_the_one_the_command_line_writes(home, tmp_path):
    from fourdials import advise, replay
    from fourdials.store import Store

    made = ran(home, [{"strategy": "single"}, VOTE], "sim/solve=0.55,spread=0.1")
    with closing(Store(home, recorded=home / "none")) as store:
        store.ingest()
        advice = advise.advise(replay.recorded(store, [made]), 500)
        text = policy.as_toml(store, made, advice, 500, "total_tokens")
        policy.export_policy(store, made, tmp_path / "p.toml", 500)
    assert text == (tmp_path / "p.toml").read_text()
    assert tomllib.loads(text)["default"]["arm"] == advice.choice[0]


def test_the_spend_by_difficulty_has_its_own_table_and_sql(home):
    ran(home, [VOTE], "sim/solve=0.55,spread=0.5", problems=40)
    app = tab("Allocate")
    rows = table(app, "group", "share", "method")
    shares = [x for trace in figures(app)["allocate.where"]["data"] for x in sent(trace["x"])]
    assert sorted(rows["share"]) == pytest.approx(sorted(shares))
    assert rows.groupby("policy")["share"].sum().to_list() == pytest.approx([1.0] * rows["policy"].nunique())
    assert shown(app).count("queries/replay_stops.sql") == 3  # behind accuracy, behind the spend, and the advisor's


def test_why_no_saving_is_stated_is_a_sentence_and_no_cell(home):
    ran(home, [VOTE], "sim/solve=0.5,same=1", problems=30)
    app = tab("Allocate")
    assert "why no saving" not in table(app, "policy", "uniform needs").columns
    said = [each.value for each in app.caption if each.value.startswith("No saving is stated for")]
    assert any("nothing to save" in each for each in said)
    named = ", ".join(said)
    assert all(policy in named for policy in ("proportional", "greedy marginal", "beta stopping"))


def test_all_arms_are_replayed_once_and_kept_for_the_next_look(home, monkeypatch):
    made = ran(home, [{"strategy": "single"}, VOTE], "sim/solve=0.55,spread=0.5", problems=20)
    asked = []
    replays = worth.replays
    monkeypatch.setattr(worth, "replays", lambda *given: (asked.append(len(given[1])), replays(*given))[1])
    app = tab("Allocate", experiment=made, replay=allocate.TOGETHER)
    assert set(figures(app)) == {"allocate.worth", "allocate.where"}
    app.run()
    assert asked == [allocate.SEVERAL]


def test_units_no_budget_is_divided_in_are_told_apart(home):
    ran(home, [VOTE], "sim/solve=0.5", problems=8)
    app = tab("Allocate", unit="level")
    assert any("these are tokens" in each.value for each in app.caption)


def test_bins_are_scored_by_other_samples_so_problems_that_are_all_alike_stay_alike(home):
    """Every problem is as hard as every other: bins made and scored by the same samples would drift far apart."""
    made = ran(home, [{"strategy": "single"}, {**VOTE, "levels": [16]}], "sim/solve=0.5", problems=100)
    app = tab("Difficulty", bins="2")
    assert "Sorting and scoring use different samples" in shown(app)
    from fourdials.ui import data
    from fourdials.ui.curves import View

    frame = difficulty._binned.__wrapped__(data.store(), str(home), 0, View(made), "majority_vote", 2, True)
    hard, easy = frame.filter(arm="majority_vote").sort("bin").rows(named=True)
    assert hard["low"] < easy["value"] + 0.08
    assert abs(hard["value"] - easy["value"]) < 0.1


def test_bins_recover_problems_that_differ(home):
    made = ran(home, [{"strategy": "single"}, {**VOTE, "levels": [16]}], "sim/solve=0.5,spread=0.6", problems=100)
    tab("Difficulty")
    from fourdials.ui import data
    from fourdials.ui.curves import View

    frame = difficulty._binned.__wrapped__(data.store(), str(home), 0, View(made), "majority_vote", 5, True)
    rows = frame.filter(arm="majority_vote").sort("bin")
    assert rows["value"].is_sorted()
    assert rows["value"][0] < 0.1  # a fifth of Beta(1/3, 1/3) lies below 0.02, a fifth above 0.98
    assert rows["value"][4] > 0.9
    assert rows["high"][0] < rows["low"][2] < rows["high"][2] < rows["low"][4]


def test_difficulty_names_the_best_arm_among_those_that_see_the_same_and_draws_guessing(home):
    arms = [{"strategy": "single"}, {"strategy": "stepwise"}, {**VOTE, "levels": [16]}, {"strategy": "act"}]
    ran(home, arms, "sim/solve=0.5,spread=0.6", problems=20)
    told = tab("Difficulty", bins="2")
    figure = figures(told)["difficulty.bins"]["layout"]
    assert figure["title"]["text"] == "Score by difficulty, by what is seen"
    reading = next(text.value for text in told.text if "Sorting and scoring" in text.value)
    seen = re.split(r"(All in the question|By acting in it): ", reading)
    assert seen[1::2] == ["All in the question", "By acting in it"]
    assert re.match(r"in the hardest bin (single|stepwise) scores most, ", seen[2])
    assert re.match(r"in the hardest bin act scores \d", seen[4])
    labels = [note["text"] for note in figure["annotations"] if note.get("yref") != "paper"]
    assert [label.split(" ")[0] for label in labels] == ["guessing", "best"]


def test_what_compares_arms_that_see_different_things_warns_of_it(home):
    arms = [{"strategy": "single"}, VOTE, {"strategy": "act"}]
    ran(home, arms, "sim/solve=0.6,spread=0.3", problems=12)
    told, some = "Arms are given different information", ["single", "majority_vote"]
    for title, key in (("Quality", "quality.measures"), ("Variance", "variance.shares")):
        for chosen, warned in ({}, True), ({"arms": some}, False):
            subtitle = figures(tab(title, **chosen))[key]["layout"]["title"]["subtitle"]["text"]
            assert (told in subtitle.replace("<br>", " ")) == warned, (title, chosen)
    assert "Architectures differ here in what they are given to see too" in shown(tab("Variance"))
    together = tab("Allocate", replay=allocate.TOGETHER)
    assert any(warning.value.startswith("Not the same problem: ") for warning in together.warning)
    assert "guessing" in {
        note["text"].split()[0] for note in figures(together)["allocate.worth"]["layout"]["annotations"]
    }


def test_difficulty_needs_an_arm_that_samples_and_refuses_adaptive_ones(home):
    ran(home, [{"strategy": "single"}, {"strategy": "adaptive_vote"}], "sim/solve=0.6", problems=10)
    said = shown(tab("Difficulty"))
    assert "it stopped adaptively" in said
    assert "No arm here has samples" in said


def test_variance_warns_where_budgets_were_not_randomised_and_not_where_caps_were_drawn(home):
    plain = ran(home, [{"strategy": "single"}, VOTE], "sim/solve=0.6,spread=0.3", problems=30)
    caps = {"total_tokens": {"low": 60, "high": 600}}
    drawn = ran(home, [{"strategy": "single"}, VOTE], "sim/solve=0.6,spread=0.3", problems=30, trial_budget=caps)
    told = [warning.value for warning in tab("Variance", experiment=plain).warning]
    assert any("not randomised" in each for each in told)
    app = tab("Variance", experiment=drawn)
    assert not any("not randomised" in warning.value for warning in app.warning)
    assert "Tokens alone explain" in shown(app)
    assert "wider range" in shown(app)
    figure = figures(app)["variance.range"]
    ranges = table(app, "ratio", "value", "trials")  # the table behind that very figure
    assert sent(figure["data"][0]["y"]) == pytest.approx(ranges["value"].to_list())
    assert shown(app).count("queries/trial_spends.sql") == 2


def test_too_few_configurations_are_said_to_be_too_few(home):
    ran(home, [{"strategy": "single"}, VOTE], "sim/solve=0.6,spread=0.3", problems=12)
    said = shown(tab("Variance", over="configuration"))
    assert "got 2 configuration rows; too few" in said


@pytest.mark.parametrize("title", ["Allocate", "Difficulty", "Variance"])
def test_a_run_without_a_complete_block_says_so(home, title):
    ran(home, [VOTE], "sim/solve=0.6", problems=4, budget={"total_tokens": 1})
    app = tab(title)
    assert app.info or app.warning


def test_the_reading_says_when_asking_in_pieces_costs_more():
    import polars as pl

    row = {
        "policy": "p",
        "uses_truth": False,
        "budget": 10.0,
        "ratio": 0.4,
        "low": 0.3,
        "high": 0.5,
        "n": 9,
        "note": "",
    }
    assert "no policy saves anything" in allocate.reading(pl.DataFrame([row]), 10.0, "calls")
    assert "2.40 times its spend (95 % interval 2.00 to no limit, 9 problems)" in allocate.reading(
        pl.DataFrame([{**row, "ratio": 2.4, "low": 2.0, "high": float("inf")}]), 10.0, "calls"
    )
