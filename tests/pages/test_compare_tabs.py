"""The tabs of Compare on runs whose truth is known: each recovers it, says how sure it is, and what it cannot say."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from fourdials import spec
from fourdials.models import sim
from fourdials.theory.voting import majority_vote
from tests.models.test_sim_closed_forms import Simulator
from tests.pages.opened import page, shown
from tests.scripted import Script, arm, experiment, play

GOOD, COIN = "sim/solve=0.65,same=1,verify=0.8,tokens=8", "sim/solve=0.5,same=1,verify=0.5,tokens=8"
PROBLEMS = 150
TABS = ("Sample once", "Fits", "Differences", "Frontier")


def played(home, run, model, strategies, problems=PROBLEMS):
    """A run of these strategies (with their levels) on a simulated model; the same problems every time."""
    plain = {
        "name": run,
        "seed": 23,
        "model": model,
        "tasks": [{"name": "graph_path", "problems": problems}],
        "arms": [{"strategy": name, "levels": list(levels)} for name, levels in strategies.items()],
    }
    what = replace(spec.parse(plain), spec=plain)
    folder = home / "runs" / run
    assert play(folder, what, Simulator()) == "finished"
    # `play` calls every run `run`; what a reader compares has a name of its own.
    journal = next(folder.glob("journal-*.jsonl"))
    text = journal.read_text().replace('"run"', f'"{run}"').replace('"run/', f'"{run}/')
    journal.write_text(text)
    return home


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The runs of `known`, made once. `priced` is `good` with every call at a thousandth of a dollar."""
    made = tmp_path_factory.mktemp("kept")
    played(made, "good", GOOD, {"majority_vote": (1, 2, 4, 8, 16), "best_of_n": (1, 2, 4), "single": (1,)})
    played(made, "coin", COIN, {"majority_vote": (1, 2, 4, 8, 16), "adaptive_vote": (1, 2, 4, 8)})
    journal = next((made / "runs" / "good").glob("journal-*.jsonl"))
    copy = made / "runs" / "priced" / journal.name
    copy.parent.mkdir()
    with copy.open("w") as lines:
        for line in journal.read_text().splitlines():
            row = json.loads(line.replace('"good"', '"priced"').replace('"good/', '"priced/'))
            for call in row.get("rows", []) if row["k"] == "calls" else []:
                call["usd"] = 0.001
            lines.write(json.dumps(row) + "\n")
    return made


@pytest.fixture
def known(home, kept):
    """`good`: votes, a verifier and one sample, right 65 % of the time between two answers. `coin`: votes of a coin."""
    shutil.copytree(kept / "runs", home / "runs")
    return home


def table(app, *columns):
    """The first table of the page that has these columns."""
    return next(each.value for each in app.dataframe if set(columns) <= set(each.value.columns))


def between(row, truth):
    return row["low"] <= truth <= row["high"]


def test_sample_once_recovers_coverage_votes_and_the_gap(known):
    app = page("compare", experiment="good", tab="Sample once", pool="majority_vote")
    rows = table(app, "kind", "k").set_index(["kind", "k"])
    for k in (1, 2, 4, 8, 16):
        assert between(rows.loc[("coverage", k)], 1 - 0.35**k)
        # A beta distribution is never quite without spread, which the last millionths of a coverage of 16 would show.
        assert k == 16 or between(rows.loc[("coverage, extrapolated", k)], 1 - 0.35**k)
    for k in (1, 2, 4, 8):
        vote = float(majority_vote(0.65, k))
        assert between(rows.loc[("majority", k)], vote)
        assert between(rows.loc[("gap: majority", k)], 1 - 0.35**k - vote)
    assert ("majority", 16) not in rows.index
    assert "still leaves" in shown(app) or "cannot be told from coverage" in shown(app)
    assert "pool_samples.sql" in shown(app)


def test_sample_once_extrapolates_only_as_far_as_asked_and_not_by_default_beyond_four_times(known):
    def most(**query):
        app = page("compare", experiment="good", tab="Sample once", pool="majority_vote", **query)
        return int(table(app, "kind", "k")["k"].max())

    assert (most(), most(far="1"), most(far="16"), most(far="1000")) == (64, 16, 256, 64)


def test_a_pool_that_stopped_adaptively_is_refused_with_the_reason(known):
    app = page("compare", experiment="coin", tab="Sample once")
    assert app.selectbox(key="linked.pool").options == ["majority_vote"]
    assert re.search(r"adaptive\\_vote cannot serve as a pool: it stopped adaptively", shown(app))


def test_sample_once_says_what_to_run_where_nothing_was_sampled_side_by_side(home):
    played(home, "walk", GOOD, {"stepwise": (1, 2)}, problems=3)
    assert "No arm of this choice samples one prompt side by side" in page("compare", tab="Sample once").info[0].value


def test_a_difference_between_two_runs_on_the_same_problems_is_recovered(known):
    app = page(
        "compare",
        experiment="good",
        tab="Differences",
        against="coin",
        a="majority_vote",
        b="majority_vote",
        unit="level",
    )
    last = table(app, "spend", "value", "clusters").iloc[-1]
    truth = float(majority_vote(0.65, 16)) - 0.5
    assert (last["spend"], last["n"]) == (16, PROBLEMS)
    assert between(last, truth)
    assert "At level 16 a problem: majority_vote (good) is ahead of majority_vote (coin)." in shown(app)
    flipped = table(app, "better", "question")
    assert len(flipped) == round(sum(flipped["better"] == "majority_vote (good)") * 2 - last["value"] * PROBLEMS)
    assert flipped["question"].str.contains("Start at").all()


def test_equal_arms_are_not_told_apart_and_what_would_settle_it_is_said(known):
    app = page("compare", experiment="good", tab="Differences", a="majority_vote", b="single", unit="calls", budget="1")
    text = shown(app)
    assert "At 1 model calls a problem: not distinguishable at this n (150)" in text
    assert re.search(r"about [\d,]+ problems like these would settle it|the same on every|as many problems", text)


def test_a_budget_of_the_slider_is_kept_in_the_url_and_the_figures_follow(known):
    at = {"experiment": "good", "tab": "Differences", "a": "best_of_n", "b": "single", "unit": "level"}
    app = page("compare", **at)
    assert app.query_params["budget"] == "4"
    app.select_slider(key="linked.budget").set_value("2").run()
    assert app.query_params["budget"] == "2"
    assert "At level 2 a problem" in shown(app)


def test_winners_by_unit_are_worked_out_once_they_are_asked_for(known):
    app = page("compare", experiment="good", tab="Differences", a="best_of_n", b="single")
    assert not [each for each in app.dataframe if "winner" in each.value.columns]
    app.session_state["differences.units"] = True
    app.run()
    found = table(app, "winner", "spend in")
    assert set(found["spend in"]) == {"total tokens", "generated tokens", "model calls", "modelled seconds"}
    assert "Unknown for these arms: US dollars" in shown(app)


def test_runs_that_share_no_problem_say_so(home):
    played(home, "good", GOOD, {"single": (1,), "majority_vote": (1, 2)}, problems=3)
    what = experiment([arm("single")], task="graph_path", problems=3, seed=99)
    what = replace(
        what,
        arms=tuple(replace(each, lineup=dict.fromkeys(each.lineup, GOOD)) for each in what.arms),
        models={GOOD: sim.model(GOOD)},
    )
    play(home / "runs" / "run", what, Simulator())
    app = page("compare", experiment="good", tab="Differences", against="run")
    assert "share no problem" in app.info[0].value


def test_a_run_of_one_arm_is_offered_other_runs(home):
    played(home, "good", GOOD, {"single": (1,)}, problems=3)
    assert "This run has one arm" in page("compare", tab="Differences").info[0].value


@pytest.mark.parametrize(("run", "said"), [("coin", "No family beats a constant here"), ("good", "fits better than")])
def test_fits_find_no_gain_from_votes_of_a_coin_and_one_where_there_is(known, run, said):
    app = page("compare", experiment=run, tab="Fits", curve="majority_vote", unit="level")
    assert said in shown(app)
    families = table(app, "family", "wins")
    assert ("tends to" in families.columns) == (run == "good")  # a constant tends to nothing else
    assert set(families["family"]) == {
        "constant",
        "logarithm",
        "power",
        "exponential",
        "logistic",
        "quadratic",
    }
    behind = table(app, "spend", "fitted")
    inside = (behind["low"] <= behind["fitted"]) & (behind["fitted"] <= behind["high"])
    assert inside.mean() >= 0.9


def test_a_higher_price_stops_sooner(known):
    def stop(worth):
        app = page("compare", experiment="good", tab="Fits", curve="majority_vote", unit="level", worth=worth)
        return float(re.search(r"From level ([\d.]+) on, one more level gains less than", shown(app))[1])

    assert stop("4") < stop("0.5")


def test_fits_ask_for_more_levels_where_there_are_too_few(home):
    played(home, "good", GOOD, {"single": (1,)}, problems=6)
    assert "at least 3 levels" in page("compare", tab="Fits").info[0].value


def test_the_frontier_recovers_scores_and_says_which_arm_keeps_limits_and_how_sure_that_is(known):
    app = page("compare", experiment="good", tab="Frontier", score="55")
    points = table(app, "arm", "level", "modelled_s_p95").set_index(["arm", "level"])
    for level in (1, 2, 4, 8, 16):
        assert between(points.loc[("majority_vote", level)], float(majority_vote(0.65, level)))
    assert re.search(r"keeps 55 % or more in (100|99\.\d|9\d) % of resamples \(150 problems", shown(app))
    wanted = page("compare", experiment="good", tab="Frontier", score="99")
    assert "No point is likely to keep 99 % or more" in shown(wanted)
    slow = page("compare", experiment="good", tab="Frontier", score="55", p95="0.001")
    assert "No point is likely to keep 55 % or more, p95 within 0 s" in shown(slow)


def test_a_bill_is_unknown_without_a_price_and_adds_up_with_one(known):
    assert "no price is known" in shown(page("compare", experiment="good", tab="Frontier"))
    app = page("compare", experiment="priced", tab="Frontier", requests="200")
    bills = table(app, "arm and level", "USD a month").set_index("arm and level")["USD a month"]
    calls = {"single, samples: 1": 1, "majority_vote, samples: 16": 16}
    for label, count in calls.items():
        assert bills[label] == f"${200 * 30.4375 * 0.001 * count:.2f}"
    assert app.selectbox(key="linked.cost").value == "usd"


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_writes_what_is_missing_where_no_block_is_complete(home, tab):
    what = experiment([arm("majority_vote"), arm("act")], problems=2, concurrency=1)
    play(home / "runs" / "run", what, Script(), stop_after=1)
    app = page("compare", tab=tab)
    assert app.info
    assert not app.get("bidi_component")


def test_the_numbers_of_a_tab_are_finite_or_said_to_be_unknown(known):
    app = page("compare", experiment="good", tab="Frontier")
    points = table(app, "arm", "level", "modelled_s_p95")
    assert np.isfinite(points["value"]).all()
    assert points["usd"].isna().all()
