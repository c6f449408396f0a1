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
        laid_over(store, BENCHES["sleep"], "run", "pool")
    store.close()
