"""Closed forms of many answers to one question, against brute force, Monte Carlo and values worked out by hand."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourdials import theory
from fourdials.errors import InputError
from tests.odds import plausible, rates


def votes_by_brute_force(p: float, votes: int, wrong: list[float]) -> float:
    """Every sequence of votes, its probability, and whether the most frequent answer (the first seen on a tie) is 0."""
    chances = [p, *[(1 - p) * share / sum(wrong) for share in wrong]]
    total = 0.0
    for sequence in itertools.product(range(len(chances)), repeat=votes):
        counts = Counter(sequence)  # keeps the order of first appearance
        if max(counts, key=lambda answer: counts[answer]) == 0:
            total += math.prod(chances[answer] for answer in sequence)
    return total


@given(p=rates, votes=st.integers(1, 9))
def test_a_vote_between_two_answers_is_every_sequence_counted(p: float, votes: int) -> None:
    assert float(theory.majority_vote(p, votes)) == pytest.approx(votes_by_brute_force(p, votes, [1.0]), abs=1e-12)


@settings(max_examples=25)
@given(p=rates, votes=st.integers(1, 6), wrong=st.lists(st.floats(0.1, 5), min_size=1, max_size=3))
def test_a_vote_among_several_answers_is_every_sequence_counted(p: float, votes: int, wrong: list[float]) -> None:
    assert theory.plurality_vote(p, votes, wrong) == pytest.approx(votes_by_brute_force(p, votes, wrong), abs=1e-10)


def test_votes_worked_out_by_hand() -> None:
    assert float(theory.majority_vote(0.6, 3)) == pytest.approx(0.648)  # .6³ + 3·.6²·.4
    assert float(theory.majority_vote(0.6, 2)) == pytest.approx(0.6)  # .36 + half of .48
    assert float(theory.majority_vote(0.6, 2, ties=0.0)) == pytest.approx(0.36)
    # Three votes, two wrong answers at .25 each: two or three right, or all different and the right one first.
    assert theory.plurality_vote(0.5, 3, 2) == pytest.approx(0.125 + 3 * 0.25 * 0.5 + 6 * 0.5 * 0.25**2 / 3)


def test_one_wrong_answer_makes_a_plurality_a_majority_and_more_of_them_help() -> None:
    for votes in (1, 2, 15, 64):
        assert theory.plurality_vote(0.45, votes, 1) == pytest.approx(float(theory.majority_vote(0.45, votes)))
    assert theory.plurality_vote(0.45, 64, 1) < 0.5 < 0.85 < theory.plurality_vote(0.45, 64, 2)


@given(p=rates, votes=st.integers(1, 30), rho=st.floats(0.01, 0.99))
def test_a_correlated_vote_is_the_independent_one_averaged_over_the_problems_rates(
    p: float, votes: int, rho: float
) -> None:
    """Moments: any two votes have correlation ρ, so both are right with p² + ρp(1 − p)."""
    pair = float(theory.majority_vote(p, 2, rho, ties=0.0))
    assert pair == pytest.approx(p**2 + rho * p * (1 - p), abs=1e-9)
    assert float(theory.majority_vote(p, votes, 1.0)) == p
    assert float(theory.majority_vote(p, votes, 1e-7)) == pytest.approx(float(theory.majority_vote(p, votes)), abs=1e-4)


def test_a_correlated_vote_agrees_with_problems_drawn_one_by_one() -> None:
    """200,000 problems: a formula that is off by .004 would be found out (standard error .0011)."""
    rng = np.random.default_rng(5)
    own = rng.beta(0.6 * 4, 0.4 * 4, 200_000)  # ρ = 1/5
    right = rng.binomial(9, own) > 4
    assert plausible(int(right.sum()), right.size, float(theory.majority_vote(0.6, 9, 0.2)))
    assert not plausible(int(right.sum()), right.size, float(theory.majority_vote(0.6, 9)))
    copied = np.where(rng.random(200_000) < 0.2, rng.random(200_000) < 0.6, rng.binomial(9, 0.6, 200_000) > 4)
    assert plausible(int(copied.sum()), copied.size, float(theory.common_cause_vote(0.6, 9, 0.2)))
    assert not plausible(int(copied.sum()), copied.size, float(theory.majority_vote(0.6, 9, 0.2)))


@given(p=st.floats(0.51, 0.9), target=st.floats(0.6, 0.99))
def test_the_votes_needed_are_the_least_odd_number_that_suffices(p: float, target: float) -> None:
    needed = theory.votes_needed(p, target)
    assert needed % 2 == 1
    assert float(theory.majority_vote(p, needed)) >= target - 1e-12
    if needed > 1:
        assert float(theory.majority_vote(p, needed - 2)) < target


def test_votes_needed_beyond_a_million_follow_the_normal_approximation_without_a_jump() -> None:
    near = [theory.votes_needed(0.5 + 10**-power) for power in (3.3, 3.35, 3.4)]  # 186 thousand votes and more
    far = theory.votes_needed(0.5 + 1e-6)
    assert near == sorted(near)
    assert far * 4e-12 == pytest.approx(near[0] * (2 * 10**-3.3) ** 2, rel=1e-3)
    with pytest.raises(InputError, match="raise p"):
        theory.votes_needed(0.5)


def test_coverage_by_hand_and_by_integration() -> None:
    assert float(theory.coverage(0.2, 3)) == pytest.approx(1 - 0.8**3)
    # ρ = 1/3 and p = 1/2 give Beta(1, 1): coverage is 1 − 1/(k + 1).
    assert theory.coverage(0.5, [0, 1, 4, 99], 1 / 3) == pytest.approx([0, 0.5, 0.8, 0.99])
    assert theory.coverage([0.0, 0.3, 1.0], 7, 1.0) == pytest.approx([0.0, 0.3, 1.0])
    missing = 1 - theory.coverage(0.1, [10_000, 100_000], 0.2)  # Beta(.4, 3.6): falls as k^−.4
    assert math.log10(missing[0] / missing[1]) == pytest.approx(0.4, abs=1e-3)


def best_by_brute_force(p: float, n: int, hit: float, alarm: float, ties: str) -> float:
    """Every way n candidates can be right or wrong and liked or not, settled as the strategy does."""
    cases = {
        (True, 1): p * hit,
        (True, 0): p * (1 - hit),
        (False, 1): (1 - p) * alarm,
        (False, 0): (1 - p) * (1 - alarm),
    }
    total = 0.0
    for case in itertools.product(cases, repeat=n):
        answers = [right for right, _ in case]
        frequency = [0 if ties == "first" else answers.count(right) for right in answers]
        best = max(range(n), key=lambda i: (case[i][1], frequency[i], -i))
        total += answers[best] * math.prod(cases[each] for each in case)
    return total


@settings(max_examples=40)
@given(p=rates, n=st.integers(1, 6), hit=rates, alarm=rates, ties=st.sampled_from(["first", "votes"]))
def test_best_of_n_is_every_case_counted(p: float, n: int, hit: float, alarm: float, ties: str) -> None:
    assert theory.best_of_n(p, n, hit, alarm, ties) == pytest.approx(best_by_brute_force(p, n, hit, alarm, ties))


@settings(max_examples=20)
@given(p=rates, n=st.integers(1, 6), hit=rates, alarm=rates)
def test_best_of_n_with_one_verdict_per_answer_is_every_case_counted(
    p: float, n: int, hit: float, alarm: float
) -> None:
    total = 0.0
    for answers in itertools.product([True, False], repeat=n):
        for yes_right, yes_wrong in itertools.product([1, 0], repeat=2):
            liked = {True: yes_right, False: yes_wrong}
            best = max(range(n), key=lambda i: (liked[answers[i]], answers.count(answers[i]), -i))
            chance = (hit if yes_right else 1 - hit) * (alarm if yes_wrong else 1 - alarm)
            total += answers[best] * chance * math.prod(p if right else 1 - p for right in answers)
    assert theory.best_of_n(p, n, hit, alarm, "answers") == pytest.approx(total)


def test_a_verifier_bounds_best_of_n_by_the_precision_of_its_yes() -> None:
    limit = 0.3 * 0.8 / (0.3 * 0.8 + 0.7 * 0.2)
    assert theory.best_of_n(0.3, 10_000, 0.8, 0.2) == pytest.approx(limit)
    assert theory.best_of_n(0.3, 10_000, 1.0, 0.0) == pytest.approx(1.0)
    assert theory.best_of_n(0.3, 50, 0.5, 0.5) == pytest.approx(0.3)  # a verifier that knows nothing
    assert theory.reliability_needed(0.3, limit) == pytest.approx(0.8)


def test_width_pays_where_selection_beats_one_in_k_and_more_where_steps_are_easy() -> None:
    assert theory.selection_needed(0.0, 8) == pytest.approx(1 / 8)
    assert theory.selection_needed(1e-9, 8) == pytest.approx(1 / 8)
    assert theory.selection_needed(0.5, 2) == pytest.approx(2 / 3)  # .5/.75, not one half
    for rate, width in ((0.05, 4), (0.6, 3)):
        edge = float(theory.selection_needed(rate, width))
        assert float(theory.wide_step(rate, width, edge)) == pytest.approx(rate)
        assert (
            float(theory.wide_step(rate, width, edge * 0.99)) < rate < float(theory.wide_step(rate, width, edge * 1.01))
        )
