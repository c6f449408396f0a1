"""Pools of stored samples against enumeration of every subsample, scipy, simulation, and stored trials."""

import itertools
import math
import random
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from fourdials import query
from fourdials.errors import InputError
from fourdials.estimate import extrapolation, pool
from fourdials.strategies.parallel._voting import Votes
from fourdials.strategies.parallel.best_of_n import best
from fourdials.strategies.parallel.weighted_vote import heaviest
from tests.ledger_rows import Ledger, stored


def samples(problems, **fields):
    """Rows of `pool_samples`: for each problem a list of (answer, score) or (answer, score, weight)."""
    rows = []
    for i, drawn in enumerate(problems):
        for j, (answer, score, *weight) in enumerate(drawn):
            row = {
                "experiment_id": "e",
                "arm": "a",
                "strategy": "independent",
                "task": "toy",
                "problem_id": f"p{i:04}",
                "cluster_id": f"p{i:04}",
                "repeat": 0,
                "trial_id": f"t{i}",
                "sample": j + 1,
                "answer": answer,
                "score": score,
                "weight": weight[0] if weight else None,
                "adaptive": False,
                "cut": False,
            }
            rows.append(row | fields)
    return pl.DataFrame(rows, schema_overrides={"answer": pl.String, "score": pl.Float64, "weight": pl.Float64})


def drawn(rates, n, seed=0):
    rng = np.random.default_rng(seed)
    return [[("A", 1.0) if right else ("B", 0.0) for right in rng.random(n) < rate] for rate in rates]


def read(problems, **fields):
    return pool.read(samples(problems, **fields), "e", "a")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(numbers):
    right, n, k = numbers
    expected = 1 - math.comb(n - right, k) / math.comb(n, k)
    assert pool.pass_at(np.array([right]), n, k)[0] == pytest.approx(expected, abs=1e-12)


def test_pass_at_k_is_unbiased_where_the_plug_in_is_not():
    """Rate 0.3, eight samples, k = 4: the truth is 1 − 0.7⁴; averaged over all outcomes pass@k hits it."""
    counts = np.arange(9)
    chances = np.array([math.comb(8, c) * 0.3**c * 0.7 ** (8 - c) for c in counts])
    truth = 1 - 0.7**4
    assert chances @ pool.pass_at(counts, 8, 4) == pytest.approx(truth)
    assert chances @ (1 - (1 - counts / 8) ** 4) < truth - 0.02


def test_coverage_averages_over_problems_and_stops_at_the_pool():
    found = pool.coverage(read([[("A", 1.0), ("B", 0.0), ("B", 0.0), ("C", 0.0)], [("B", 0.0)] * 4]))
    assert found.select("k", "value").rows() == [(1, 0.125), (2, 0.25), (4, 0.5)]
    assert found["resampled"].to_list() == [False] * 3
    with pytest.raises(InputError, match="k = 5; a pool of 4"):
        pool.coverage(read([[("B", 0.0)] * 4]), [5])


CHOOSE = {
    "majority": lambda taken: Votes().plus(*(answer for answer, _, _ in taken)).leader,
    "weighted": lambda taken: heaviest([a for a, _, _ in taken], [w for _, _, w in taken])[0],
    "best": lambda taken: best([a for a, _, _ in taken], [w for _, _, w in taken]),
}


@pytest.mark.parametrize("how", pool.SELECTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_a_selection_is_what_the_strategy_itself_picks_over_every_ordered_subsample(how, seed):
    rng = random.Random(seed)
    scores = {"A": 1.0, "B": 0.0, "C": 0.5, None: 0.0}
    kinds = [rng.choice(["A", "A", "B", "B", "C", None]) for _ in range(8)]
    problem = [(answer, scores[answer], rng.choice([0.0, 0.25, 0.5, 1.0])) for answer in kinds]
    for k in (2, 3, 4):
        every = list(itertools.permutations(problem, k))
        expected = sum(scores[CHOOSE[how](taken)] for taken in every) / len(every)
        found = pool.selection(read([problem] * 2), how, [k])
        assert found["value"][0] == pytest.approx(expected, abs=0.012)  # 50,000 subsamples: ±0.2 points, five times


def test_ties_are_declared():
    problem = [("A", 1.0), ("A", 1.0), ("B", 0.0), ("B", 0.0)]
    every = list(itertools.combinations("AABB", 2))
    expected = sum(len(Counter(taken)) == 2 for taken in every) / len(every)
    found = pool.selection(read([problem] * 4), "majority")
    assert found["k"].to_list() == [1, 2]
    assert found["ties"].to_list() == [0.0, pytest.approx(expected, abs=0.01)]
    assert found["resampled"].to_list() == [True, True]


def test_votes_stop_at_half_the_pool_and_weights_must_be_stored():
    eight = read(drawn([0.5] * 5, 8))
    with pytest.raises(InputError, match="k = 5; a pool of 8 samples serves votes of 1 to 4"):
        pool.selection(eight, "majority", [5])
    with pytest.raises(InputError, match="needs a verifier's score"):
        pool.selection(eight, "best")
    with pytest.raises(InputError, match="one of majority, weighted, best"):
        pool.selection(eight, "worst")


def test_the_gap_is_nothing_at_one_sample_and_what_selection_lacks_beyond():
    """Rates of 0.3 everywhere: votes sink below 0.3 while coverage rises; most is missed."""
    found = pool.gap(read(drawn([0.3] * 200, 16)), "majority")
    assert found["k"].to_list() == [1, 2, 4, 8]
    assert found.row(0, named=True)["value"] == pytest.approx(0.0, abs=1e-12)
    last = found.row(2, named=True)
    assert last["low"] > 0.4
    assert last["kind"] == "gap: majority"
    vote = pool.selection(read(drawn([0.3] * 200, 16)), "majority", [4])["value"][0]
    covered = pool.coverage(read(drawn([0.3] * 200, 16)), [4])["value"][0]
    assert last["value"] == pytest.approx(covered - vote)


def test_adaptive_stopping_would_flatter_a_pool_so_it_is_refused():
    """Trap: sampling until the first right answer, at most eight times. Every pool that ended early has a right sample,
    and its last one at that, so the share of right samples is far above the rate of 0.2."""
    rng = np.random.default_rng(1)
    stopped = []
    for _ in range(400):
        draws = rng.random(8) < 0.2
        until = int(draws.argmax()) + 1 if draws.any() else 8
        stopped.append([("A", 1.0) if right else ("B", 0.0) for right in draws[:until]])
    naive = np.mean([np.mean([score for _, score in problem]) for problem in stopped])
    assert naive > 0.35
    frame = samples(stopped, adaptive=True)
    with pytest.raises(InputError, match="stopped adaptively"):
        pool.read(frame, "e", "a")
    assert "adaptively" in pool.pools(frame)["refused"][0]
    honest = pool.coverage(read(drawn([0.2] * 400, 8)), [1]).row(0, named=True)
    assert honest["low"] <= 0.2 <= honest["high"]


def test_a_pool_that_was_cut_is_ungraded_or_single_is_refused_with_the_reason():
    with pytest.raises(InputError, match="cut some of its trials short"):
        read([[("A", 1.0)] * 2], cut=True)
    with pytest.raises(InputError, match="never graded"):
        read([[("A", None), ("A", None)]])
    with pytest.raises(InputError, match="one sample"):
        read([[("A", 1.0)]])
    with pytest.raises(InputError, match="no stored samples"):
        pool.read(samples([[("A", 1.0)] * 2]), "e", "b")


def test_grading_asks_once_for_each_answer_that_lacks_a_score():
    asked = []

    def grade(task, problem_id, answer):
        asked.append((task, problem_id, answer))
        return float(answer == "A")

    frame = samples([[("A", None), ("A", None), ("B", 0.5), (None, None)]])
    assert pool.graded(frame, grade)["score"].to_list() == [1.0, 1.0, 0.5, 0.0]
    assert asked == [("toy", "p0000", "A")]


def test_samples_that_say_the_same_in_other_words_are_one_vote():
    drawn_once = [("Paris", 1.0), ("Paris.", 1.0), ("Rome", 0.0), ("paris", 1.0), ("Rome", 0.0), (None, 0.0)]
    assert read([drawn_once * 2]).answer.tolist() == [[0, 0, 1, 0, 1, -1] * 2], "an older run noted no ballot"
    # Paths whose last node is the vote: three of five end at 22, though no two of them read alike.
    paths = samples([[("11-5-22", 1.0), ("11-7-22", 1.0), ("11-22", 1.0), ("12", 0.0), ("12", 0.0)] * 2])
    noted = paths.with_columns(ballot=pl.col("answer").str.extract(r"(\d+)$"))
    held = pool.read(noted, "e", "a")
    assert len(set(held.answer[0])) == 2
    by_ballot = pool.selection(held, "majority", [5])["value"][0]
    by_text = pool.selection(pool.read(paths, "e", "a"), "majority", [5])["value"][0]
    # At least 3 of the 6 right ones among 5 of 10: hypergeometric, (20·6 + 15·4 + 6·1) / 252.
    assert by_ballot == pytest.approx(186 / 252, abs=0.01)
    assert by_text < 0.6


def test_samples_of_a_run_that_was_resumed_are_told_apart_in_one_way():
    """The first three of eight were drawn before ballots were noted; those of the task keep capitals."""
    [said] = [[("K", 1.0)] * 5 + [("Q", 0.0)] * 3]
    old = pl.Series([None] * 3 + ["K"] * 2 + ["Q"] * 3)
    held = pool.read(samples([said]).with_columns(ballot=old), "e", "a")
    assert held.answer.tolist() == pool.read(samples([said]), "e", "a").answer.tolist()
    assert len(set(held.answer[0])) == 2


def test_a_pool_of_a_stored_run_is_its_samples_with_the_grades_its_checkpoints_hold(tmp_path):
    ledger = Ledger()
    ledger.arm("vote", levels=(1, 2, 4))
    ledger.arm("first", strategy="first_to_ahead", levels=(1, 2, 4))
    for block, problem in enumerate(("p0", "p1")):
        ledger.problem(problem)
        for arm in ("vote", "first"):
            trial_id = ledger.trial_id(problem, arm)
            for level, answer in enumerate("ABBB" if arm == "vote" else "AA", start=1):
                ledger.call(trial_id, level=level, extracted=answer, logprob=-1.0, completion=2)
                ledger.checkpoint(trial_id, level, level, float(answer == "B"), answer=answer)
            ledger.call(trial_id, level=1, role="verify", extracted="yes")
            reason = "max_level" if arm == "vote" else "finished"
            ledger.trial(problem, arm, block=block, stop_reason=reason)
    frame = query.run(stored(tmp_path, ledger), "pool_samples", experiment_ids="exp")
    mine = frame.filter((pl.col("arm") == "vote") & (pl.col("problem_id") == "p0"))
    assert mine.select("sample", "answer", "score").rows() == [
        (1, "A", 0.0),
        (2, "B", 1.0),
        (3, "B", 1.0),
        (4, "B", 1.0),
    ]
    assert mine["weight"].to_list() == pytest.approx([math.exp(-0.5)] * 4)
    assert frame.group_by("arm").agg(pl.col("adaptive").any()).sort("arm")["adaptive"].to_list() == [True, False]
    assert pool.coverage(pool.read(frame, "exp", "vote"), [1, 4])["value"].to_list() == [0.75, 1.0]
    assert pool.pools(frame)["refused"].is_null().to_list() == [False, True]


# --- extrapolation --------------------------------------------------------------------------------------------------


def test_the_beta_binomial_fit_is_the_likeliest_by_scipys_likelihood():
    rng = np.random.default_rng(3)
    right = rng.binomial(12, rng.beta(0.6, 1.5, 300))
    found = extrapolation.fit_beta(right, 12)
    best_of_grid = max(
        (betabinom.logpmf(right, 12, a, b).sum(), a, b)
        for a in np.geomspace(0.2, 3, 40)
        for b in np.geomspace(0.4, 6, 40)
    )
    assert betabinom.logpmf(right, 12, found.a, found.b).sum() >= best_of_grid[0]
    assert (found.a, found.b) == (pytest.approx(best_of_grid[1], rel=0.1), pytest.approx(best_of_grid[2], rel=0.1))
    assert found.coverage(1) == pytest.approx(found.a / (found.a + found.b))
    assert found.coverage(7) == pytest.approx(1 - betabinom.pmf(0, 7, found.a, found.b))


def test_coverage_is_extrapolated_to_what_sixteen_times_the_samples_give():
    rng = np.random.default_rng(4)
    rates = rng.beta(0.7, 3.0, 300)
    found = extrapolation.extrapolate(read(drawn(rates, 16, seed=5)), [16, 256], refits=200)
    truth = [float(np.mean(1 - (1 - rates) ** k)) for k in (16, 256)]
    for row, expected in zip(found.rows(named=True), truth, strict=True):
        assert row["low"] <= expected <= row["high"]
        assert row["high"] - row["low"] < 0.2
    assert found["extrapolated"].to_list() == [False, True]


def test_an_extrapolation_is_checked_on_the_half_it_did_not_see():
    rng = np.random.default_rng(6)
    smooth = extrapolation.held_out(read(drawn(rng.beta(1, 3, 400), 16, seed=7)))
    assert abs(smooth) < 0.03
    # Half of the problems are out of reach and half are coin flips: no beta distribution, and the error shows it.
    split = extrapolation.held_out(read(drawn([0.0] * 200 + [0.5] * 200, 16, seed=8)))
    assert split > 0.02
    with pytest.raises(InputError, match="at least 4"):
        extrapolation.held_out(read(drawn([0.5], 2)))


def test_nothing_right_extrapolates_to_nothing():
    with pytest.raises(InputError, match="nothing can be extrapolated"):
        extrapolation.extrapolate(read(drawn([0.0] * 10, 8)), [16])


def test_a_few_problems_are_not_extrapolated_from():
    """Resampling one problem gives that problem again, and an interval without any width."""
    with pytest.raises(InputError, match="got 4 clusters of problems; extrapolating coverage takes at least 5"):
        extrapolation.extrapolate(read(drawn([0.5] * 4, 8)), [16])


def test_guesses_cover_what_enumerating_them_covers_averaged_over_problems():
    held = read(drawn([0.5, 0.5], 4))
    guesses = pl.DataFrame({"task": "toy", "problem_id": ["p0000", "p0001", "gone"], "chance": [0.5, 0.25, 1.0]})
    ways = {
        k: [sum(0 in drawn for drawn in itertools.product(range(size), repeat=k)) / size**k for size in (2, 4)]
        for k in (1, 2, 3)
    }
    found = pool.guessed(held, guesses, [1, 2, 3])
    assert found["value"].to_list() == pytest.approx([sum(both) / 2 for both in ways.values()])
    assert found["k"].to_list() == [1, 2, 3]
    assert found["n"].to_list() == [2] * 3
    assert pool.guessed(held, guesses.with_columns(chance=pl.lit(0.0)), [1, 2]).is_empty(), "answers cannot be listed"
    assert pool.guessed(held, guesses.head(1), [1, 2]).is_empty(), "of one problem nothing is known"
