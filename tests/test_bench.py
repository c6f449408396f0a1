"""Benches: their curves are the closed forms, their simulators agree, and a run can be laid over them."""

import numpy as np
import polars as pl
import pytest

from fourdials import theory
from fourdials.bench import BENCHES, LINE_SCHEMA, laid_over
from fourdials.errors import InputError
from tests.ledger_rows import Ledger, stored


def line(name, which, **knobs):
    bench = BENCHES[name]
    return bench.play(**bench.settings(knobs)).frame.filter(line=which)


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_draws_finite_lines_and_says_what_they_mean_at_every_end_of_its_knobs(name):
    bench = BENCHES[name]
    corners = [{}, *({knob.name: end} for knob in bench.knobs for end in (-1e9, 1e9))]
    for corner in corners:
        found = bench.play(**bench.settings(corner))
        assert dict(found.frame.schema) == LINE_SCHEMA
        assert found.frame["y"].is_finite().all(), corner
        assert found.reading.endswith(".")
        if bench.percent:
            assert found.frame["y"].is_between(-1e-9, 1 + 1e-9).all()


def test_settings_keep_within_the_range_and_take_the_nearest_choice():
    bench = BENCHES["verifier"]
    assert bench.settings({"p": 7.0, "most": 100.0})["p"] == 0.95
    assert bench.settings({"most": 100.0})["most"] == 64
    assert isinstance(BENCHES["ahead"].settings({"disks": 9.0})["disks"], int)


def test_votes_are_the_binomial_and_the_beta_binomial_majority():
    found = line("votes", "independent votes", p=0.6, correlation=0.2, most=5)
    assert found["y"].to_list() == pytest.approx([0.6, 0.648, 0.68256])
    spread = line("votes", "problems differ (Beta)", p=0.6, correlation=0.2, most=5)
    assert spread["y"].to_list() == pytest.approx(theory.majority_vote(0.6, [1, 3, 5], 0.2).tolist())


def test_a_verifier_never_takes_more_than_how_often_its_yes_is_right():
    found = line("verifier", "the one the verifier takes", p=0.2, hit=0.8, false_alarm=0.2, most=4096)
    assert found["y"][-1] == pytest.approx(0.5, abs=1e-6)
    assert (found["y"] <= 0.5 + 1e-9).all()


def test_the_played_tower_is_labelled_simulated_and_has_no_error_at_the_least_lead():
    bench = BENCHES["ahead"]
    played = bench.slow(**bench.settings({"p": 0.99, "disks": 12}))
    assert played.status.startswith("Simulated")
    assert "4,095 steps" in played.reading
    assert "no error" in played.reading


def test_played_graphs_lie_on_the_closed_form_of_scattered_queries():
    bench = BENCHES["vertex"]
    frame = bench.play(**bench.settings({"length": 6})).frame
    points = frame.filter(kind="points")
    exact = [theory.two_paths(6, int(x), "scatter") for x in points["x"]]
    wide = 2 * (points["high"] - points["low"])  # four standard errors either way
    assert (np.abs(points["y"].to_numpy() - np.array(exact)) <= wide.to_numpy()).all()


def test_sleep_pays_from_where_the_lines_cross():
    plain = line("sleep", "thinking when asked", plain=1000, test=200, sleep=8000, weight=1)["y"]
    slept = line("sleep", "thinking beforehand", plain=1000, test=200, sleep=8000, weight=1)["y"]
    assert [plain[10], slept[10]] == [10000, 10000]
    assert slept[11] < plain[11]


def voting_run():
    """Twelve problems with four independent samples: half of them always right, half never."""
    made = Ledger("run", planned_trials=12, spec={"name": "By hand"})
    made.arm("pool", strategy="independent", levels=(1, 2, 3, 4))
    for i in range(12):
        made.problem(f"p{i}")
    for i in range(12):
        right, trial = i % 2 == 0, made.trial_id(f"p{i}", "pool")
        for level in (1, 2, 3, 4):
            made.call(trial, level=level, extracted="A" if right else "B")
            made.checkpoint(trial, level, level, float(right), answer="A" if right else "B")
        made.trial(f"p{i}", "pool", block=i, level=4, score=float(right))
    return made


def test_a_run_is_laid_over_with_points_and_intervals(tmp_path, monkeypatch):
    monkeypatch.setattr("fourdials.regrade.grades_without_calls", lambda store, run: lambda *answer: None)
    store = stored(tmp_path, voting_run())
    store.ingest()
    found = laid_over(store, BENCHES["verifier"], "run", "pool")
    points = found.filter(kind="points")
    assert points["x"].to_list() == [1, 2, 4]
    assert points["y"].to_list() == pytest.approx([0.5, 0.5, 0.5])
    assert (points["low"] < points["y"]).all()
    form = found.filter(pl.col("kind") == "dash")
    assert form["y"].to_list() == pytest.approx([0.5] * 4, abs=0.02)  # problems differ as much as they can
    with pytest.raises(InputError, match="choose another bench"):
        laid_over(store, BENCHES["flops"], "run", "pool")
    store.close()


def test_looking_leads_where_the_map_is_hidden_and_thinking_where_it_is_shown():
    knobs = {"junctions": 3, "doors": 3, "price": 3, "slip": 0.0}
    spend = 12  # four looks, or twelve doors thought about
    at = {
        name: line("looks", name, **knobs).filter(x=spend)["y"].item()
        for name in ("map hidden: look", "map hidden: think", "map shown: look", "map shown: think")
    }
    assert at["map hidden: look"] == at["map shown: look"] == pytest.approx(float(theory.doors_tried(3, 3, 4)))
    assert at["map hidden: think"] == pytest.approx(1 / 27)
    assert at["map shown: think"] == pytest.approx(1.0)


def test_more_searches_hurt_in_the_end_only_where_passages_distract():
    found = line("searches", "answered", hops=2, recall=0.6, distraction=0.05, most=30)["y"]
    assert found[-1] < found.max()
    clean = line("searches", "passages found", hops=2, recall=0.6, distraction=0.05, most=30)["y"]
    assert clean.is_sorted()


def test_the_wide_end_of_the_shape_is_a_vote_and_the_deep_end_a_chain():
    found = line("width", "independent chains", first=0.6, mend=0.1, spoil=0.2, total=16)
    assert found["x"].to_list() == [1, 2, 4, 8, 16]
    assert found["y"][0] == pytest.approx(theory.revisions(0.6, 0.1, 0.2, 15)[-1])
    assert found["y"][-1] == pytest.approx(float(theory.majority_vote(0.6, 16)))


def test_a_share_of_a_gain_is_drawn_only_from_where_the_gain_is_told_from_none():
    upper = line("kept", "interval, upper end", gain=0.1, share=0.9, base=0.3, correlation=0.0)
    assert upper["x"].min() > 100
    reading = BENCHES["kept"].play(gain=0.01, share=0.9, base=0.3, correlation=0.0).reading
    assert "cannot be told from none" in reading
    assert "is not shown with 20,000 problems" in reading


def test_families_are_named_in_the_slider_and_the_true_one_in_the_figure():
    bench = BENCHES["family"]
    assert [bench.knobs[0].told(value) for value in bench.knobs[0].choices] == ["line", "power law", "exponential", "S"]
    found = bench.play(truth=1, levels=5, most=300)
    assert "a power law to a limit (true)" in found.frame["line"].unique().to_list()
    assert found.status.startswith("Simulated")
    totals = found.frame.group_by("x").agg(pl.col("y").sum())["y"]
    assert totals.to_list() == pytest.approx([1.0] * len(totals))


def test_studies_drawn_lie_around_what_tokens_explain():
    frame = BENCHES["range"].play(slope=0.04, spread=0.05, problems=100, configurations=20).frame
    for row in frame.filter(kind="points").iter_rows(named=True):
        exact = float(theory.explained(row["x"], 0.04, 0.05, 0.5, 100).spend)
        assert row["low"] < exact < row["high"]


def test_pruning_is_told_with_the_price_of_what_was_read_before():
    dear = BENCHES["pruned"].play(branch=4, most=16, cached=0.0).reading
    cheap = BENCHES["pruned"].play(branch=4, most=256, cached=1.0).reading
    assert "pruning saves nothing" in dear
    assert "still saves" in cheap


def test_a_note_written_with_the_question_in_mind_needs_no_more_than_what_is_needed():
    known = line("notes", "writer knows the question", facts=10, needed=3, foresight=0.5, words=10)
    assert known.filter(x=30)["y"].item() == 1.0
    assert known.filter(x=20)["y"].item() == 0.0
