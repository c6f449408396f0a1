"""A run laid over a bench: rates from one half, points from the other, and a refusal where a run says too little."""

import polars as pl
import pytest

from fourdials import query, theory
from fourdials.bench import BENCHES, OVERLAYS, laid_over
from fourdials.errors import InputError
from tests.ledger_rows import Ledger, stored

PROBLEMS = 20


def ledger(strategy, levels, nested=True, **knobs):
    made = Ledger("run", planned_trials=PROBLEMS, spec={"name": "By hand"})
    made.arm("arm", strategy=strategy, levels=levels, nested=nested, knobs=knobs)
    return made


def test_every_overlay_of_a_bench_is_known_and_every_one_known_is_used():
    assert {bench.overlay for bench in BENCHES.values()} - {None} == set(OVERLAYS)


def test_voted_chains_take_the_rate_of_single_votes_from_one_half_and_count_only_where_no_step_was_wrong(tmp_path):
    made = ledger("decompose_and_vote", (1, 2), nested=False)
    for i in range(PROBLEMS):
        made.problem(f"p{i:02}", oracle_steps=2)
    for i in range(PROBLEMS):
        for level in (1, 2):
            trial = made.trial_id(f"p{i:02}", "arm", level=level)
            # All ends are right. Of the half that gives the rate every fourth vote is wrong; of the other half each
            # second trial takes a wrong step at a lead of 1 and wanders on, and all only hear a wrong vote at 2.
            astray = level == 1 and i % 4 == 1
            cast = ("xxxy", "xxyx") if i % 2 == 0 else ("y", "x", "x") if astray else ("yxxx", "xx")
            for step, votes in enumerate(cast, 1):
                for vote in votes:
                    asked = {"format": "chat", "parts": [["user", "What?"]], "truth": "x"}
                    made.call(trial, level=level, role="step", request_hash=f"h{step}", request=asked, extracted=vote)
                made.add("step", trial_id=trial, seq=step, level=level, kind="vote", payload={"step": step}, at=1.0)
            made.checkpoint(trial, 0, level, 1.0)
            made.trial(f"p{i:02}", "arm", block=i, level=level, own_level=level, score=1.0)
    store = stored(tmp_path, made)
    store.ingest()
    found = laid_over(store, BENCHES["ahead"], "run", "arm")
    points, form = found.filter(kind="points"), found.filter(kind="dash")
    assert points.select("x", "y").rows() == [(1.0, 0.5), (2.0, 1.0)]
    assert set(points["line"]) == {"this run, the other half, every step right"}
    assert form["y"].to_list() == pytest.approx(theory.all_right(0.75, [1, 2, 3, 4], 2).tolist())
    assert "p = 0.75 from one half, 2 steps" in form["line"][0]
    store.close()


@pytest.mark.parametrize("each", [1, 2])
def test_voted_chains_of_unjudged_steps_take_the_rate_from_the_ends_of_one_half_and_say_so(tmp_path, each):
    made = ledger("decompose_and_vote", (1, 2), nested=False, steps_per_call=each)
    for i in range(PROBLEMS):
        made.problem(f"p{i:02}")
    for i in range(PROBLEMS):
        for level in (1, 2):
            trial = made.trial_id(f"p{i:02}", "arm", level=level)
            # Of the first half (even places) every second chain is right at a lead of 1; of the other half all are.
            right = level == 2 or i % 2 == 1 or i % 4 == 0
            made.call(trial, level=level)
            made.checkpoint(trial, 0, level, float(right))
            for step in (1, 2, 3):
                made.add("step", trial_id=trial, seq=step, level=level, kind="vote", payload={"step": step}, at=1.0)
            made.trial(f"p{i:02}", "arm", block=i, level=level, own_level=level, score=float(right))
    store = stored(tmp_path, made)
    store.ingest()
    facts = query.run(store, "trial_facts", experiment_ids=["run"])
    assert facts["voted_steps"].unique().to_list() == [3]
    found = laid_over(store, BENCHES["ahead"], "run", "arm")
    points, form = found.filter(kind="points"), found.filter(kind="dash")
    assert points.select("x", "y").rows() == [(1.0, 1.0), (2.0, 1.0)]
    assert (points["low"] < 1).all()
    p = 0.5 ** (1 / 3)
    # Three calls of `each` steps: the rate is a call's, and the formula's exponent is s / m.
    assert form["y"].to_list() == pytest.approx(theory.all_right(p, [1, 2, 3, 4], 3 * each, each).tolist())
    assert f"p = 0.79 from one half, {3 * each} steps" in form["line"][0]
    assert set(points["line"]) == {"this run, the other half, by its ends"}
    store.close()


def test_steps_compound_from_one_half_and_are_counted_on_the_other(tmp_path):
    made = ledger("stepwise", (1, 2))
    for i in range(PROBLEMS):
        made.problem(f"p{i:02}")
    for i in range(PROBLEMS):
        trial = made.trial_id(f"p{i:02}", "arm")
        for step in (1, 2):
            # In the half that gives the rate each second step is wrong, so that it is 1/2; the other half is all right.
            read = "7" if step == 1 or i % 2 == 1 else "8"
            asked = {"format": "chat", "parts": [["user", "What?"]], "temperature": 0.0, "truth": "7"}
            made.call(trial, level=step, role="step", request_hash=f"h{step}", request=asked, extracted=read)
            made.checkpoint(trial, step, step, 1.0)
        made.trial(f"p{i:02}", "arm", block=i, level=2)
    store = stored(tmp_path, made)
    store.ingest()
    found = laid_over(store, BENCHES["snowball"], "run", "arm")
    assert found.filter(kind="points").select("x", "y").rows() == [(1.0, 1.0), (2.0, 1.0)]
    assert found.filter(kind="dash")["y"].to_list() == pytest.approx([1.0, 0.5, 0.25])
    store.close()


def test_a_thought_is_laid_over_the_walk_with_nothing_fitted(tmp_path):
    made = ledger("chain_of_thought", (1, 2, 4))
    for i in range(PROBLEMS):
        made.problem(f"p{i:02}", chance=0.25)
    for i in range(PROBLEMS):
        trial = made.trial_id(f"p{i:02}", "arm")
        for seq, level in enumerate((1, 2, 4)):
            made.call(trial, level=level)
            made.checkpoint(trial, seq, level, float(level > 1))
        made.trial(f"p{i:02}", "arm", block=i, level=4, difficulty=2.0)
    store = stored(tmp_path, made)
    store.ingest()
    found = laid_over(store, BENCHES["vertex"], "run", "arm")
    assert found.filter(kind="points").select("x", "y").rows() == [(1.0, 0.0), (2.0, 1.0), (4.0, 1.0)]
    assert found.filter(kind="dash")["y"].to_list() == [0.25, 0.25, 1.0, 1.0, 1.0]
    store.close()


def test_sleep_is_counted_by_context_and_its_lines_come_from_one_half(tmp_path):
    made = Ledger("run", planned_trials=2 * PROBLEMS, spec={"name": "By hand"})
    made.arm("asleep", strategy="sleep_time", levels=(1,))
    made.arm("awake", strategy="chain_of_thought", levels=(1,))
    for i in range(PROBLEMS):
        made.problem(f"p{i:02}")
    for i in range(PROBLEMS):
        for arm in ("asleep", "awake"):
            trial = made.trial_id(f"p{i:02}", arm)
            if arm == "asleep":
                made.call(trial, prompt=300, completion=100, role="revise", shared=4)
            made.call(trial, prompt=60 if arm == "asleep" else 150, completion=10)
            made.checkpoint(trial, 0, 1, 1.0)
            made.trial(f"p{i:02}", arm, block=i)
    store = stored(tmp_path, made)
    store.ingest()
    found = laid_over(store, BENCHES["sleep"], "run", "asleep")
    points = {row["line"]: (row["x"], row["y"]) for row in found.filter(kind="points").iter_rows(named=True)}
    assert points == {"this run, with sleep": (4.0, 4 * 70 + 400), "this run, awake": (4.0, 4 * 160)}
    lines = {
        name: found.filter(line=name).filter(x=10)["y"].item() for name in found.filter(kind="dash")["line"].unique()
    }
    assert lines == {"with sleep, from one half": 10 * 70 + 400, "awake, from one half": 10 * 160}
    store.close()


def test_a_run_that_says_too_little_is_refused_with_the_reason(tmp_path):
    made = ledger("chain_of_thought", (1,))
    for i in range(4):
        made.problem(f"p{i}")
    for i in range(4):
        made.run(f"p{i}", "arm", [(1, 5, 1.0)], block=i)
    store = stored(tmp_path, made)
    store.ingest()
    for bench, said in (
        ("ahead", "a lead of 1"),
        ("snowball", "not stored"),
        ("vertex", "one length"),
        ("sleep", "ahead"),
    ):
        with pytest.raises(InputError, match=said):
            laid_over(store, BENCHES[bench], "run", "arm")
    assert isinstance(query.run(store, "trial_facts", experiment_ids=["run"]), pl.DataFrame)
    store.close()
