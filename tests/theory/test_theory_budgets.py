"""Closed forms of shared budgets against brute force and values worked out by hand; and bad input, refused."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourdials import theory
from fourdials.errors import InputError


@settings(max_examples=40)
@given(rate=st.lists(st.floats(0, 1), min_size=1, max_size=4), budget=st.integers(0, 7))
def test_greedy_shares_are_the_best_of_all_shares(rate: list[float], budget: int) -> None:
    def solved(shares) -> float:
        return sum(1 - (1 - p) ** b for p, b in zip(rate, shares, strict=True))

    every = (each for each in itertools.product(range(budget + 1), repeat=len(rate)) if sum(each) <= budget)
    chosen = theory.greedy_shares(rate, budget)
    assert chosen.sum() <= budget
    assert solved(chosen) == pytest.approx(max(map(solved, every)))


def test_allocation_by_hand() -> None:
    assert theory.marginal_gains([0.5, 0.1], 3) == pytest.approx(np.array([[0.5, 0.25, 0.125], [0.1, 0.09, 0.081]]))
    assert theory.greedy_shares([0.5, 0.1], 4).tolist() == [3, 1]
    assert theory.greedy_shares([1.0, 0.0], 9).tolist() == [1, 0]  # nothing else could gain
    assert theory.greedy_shares([1.0, 0.5], 6, already=2).tolist() == [2, 4]
    assert theory.uniform_shares(3, 8).tolist() == [3, 3, 2]
    curves = theory.allocation_curves([0.5, 0.1], [4, 2], expected=[0.1, 0.5], pilot=1)
    assert curves.budgets.tolist() == [2, 4]
    assert curves.uniform == pytest.approx([0.3, (0.75 + 0.19) / 2])
    assert curves.oracle == pytest.approx([0.75 / 2, (0.875 + 0.1) / 2])
    assert curves.greedy == pytest.approx([0.3, (0.5 + 1 - 0.9**3) / 2])  # misled: the rest goes to the hard one
    unpaid = theory.allocation_curves([0.5, 0.1], [1, 2], pilot=1)
    assert math.isnan(unpaid.greedy[0])
    assert unpaid.greedy[1] == pytest.approx(0.3)


@given(rate=st.lists(st.floats(0, 1), min_size=1, max_size=20), guess=st.randoms(use_true_random=False))
def test_no_rule_beats_the_oracle_and_curves_rise(rate: list[float], guess: random.Random) -> None:
    expected = [guess.random() for _ in rate]
    found = theory.allocation_curves(rate, [0, 5, 20, 60], expected)
    for curve in (found.uniform, found.greedy, found.oracle):
        assert (np.diff(curve) >= -1e-12).all()
        assert (curve <= found.oracle + 1e-12).all()


def test_the_exchange_of_training_for_tokens_balances_the_flops() -> None:
    assert float(theory.flop_exchange(1, 5)) == 1
    assert float(theory.flop_exchange(14, 0.79)) == pytest.approx(14 + 3 / 0.79 * 13)
    size, ratio, trained, used = 3e9, 7.0, 2e12, 5e11
    small = 6 * size * trained + 2 * size * used * float(theory.flop_exchange(ratio, used / trained))
    assert small == pytest.approx(6 * ratio * size * trained + 2 * ratio * size * used)


def test_sleep_by_hand() -> None:
    assert theory.sleep_cost(100, [0, 1, 10], 2000, 10) == pytest.approx([2000, 3000, 12_000])
    assert theory.sleep_break_even(500, 100, 2000, 10) == pytest.approx(0.5)
    even = theory.sleep_break_even(500, 100, 2000)
    assert even == 5
    assert float(theory.sleep_cost(100, 5, 2000)) == float(theory.sleep_cost(500, 5, 0))
    assert theory.sleep_break_even(100, 100, 1) == math.inf
    assert theory.sleep_break_even(200, 100, 0) == 0


def test_underthinking_by_hand() -> None:
    assert theory.underthinking([25, 100], [100, 100]) == pytest.approx(0.375)  # a right idea after a quarter; none
    assert math.isnan(theory.underthinking([], []))
    with pytest.raises(InputError, match="within them"):
        theory.underthinking([101], [100])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.majority_vote(1.2, 3), "p = 1.2 must be a probability from 0 to 1"),
        (lambda: theory.majority_vote(math.nan, 3), "p = nan must be a probability"),
        (lambda: theory.majority_vote("often", 3), "p = 'often' is no number"),
        (lambda: theory.majority_vote(0.5, 0), "votes = 0 must be a whole number from 1 on"),
        (lambda: theory.majority_vote(0.5, [3, 2.5]), "votes = 2.5 must be a whole number"),
        (lambda: theory.majority_vote(0.5, 10**6, 0.1), "from 1 to 100000"),
        (lambda: theory.plurality_vote(0.5, 3, []), "weights that are not all 0"),
        (lambda: theory.plurality_vote(0.5, 3, 0), "wrong = 0 must be a whole number from 1 to 12"),
        (lambda: theory.best_of_n(0.5, 3, 1, 0, "last"), "must be first, votes or answers"),
        (lambda: theory.best_of_n([0.5, 0.6], 3, 1, 0), "one number is wanted"),
        (lambda: theory.votes_needed(0.9, 1.0), "raise p"),
        (lambda: theory.reliability_needed(0.0, 0.5), "between 0 and 1"),
        (lambda: theory.least_lead(0.9, 10, 1.0), "target = 1 must lie"),
        (lambda: theory.flagged(0.5, 1, 1), "thrown away"),
        (lambda: theory.voted_chain(10, [0.5, 0.5], 2), "one for each of 10 steps"),
        (lambda: theory.voted_chain(10**8, 0.5, 100), "too many to play"),
        (lambda: theory.voted_chain(10, 0.5, 2, flagged_wrong=1.0), "at most 0.99"),
        (lambda: theory.two_paths(3, 1, "jump"), "must be walk or scatter"),
        (lambda: theory.draw_two_paths(10_000, 1, trials=10**6), "below 10"),
        (lambda: theory.greedy_shares([0.5, 0.5], 3, already=2), "exceeds the budget of 3"),
        (lambda: theory.greedy_shares([], 3), "one rate for each problem"),
        (lambda: theory.allocation_curves([0.5], [1], [0.5, 0.5]), "for 1 problems"),
        (lambda: theory.flop_exchange(0.5, 1), "size_ratio = 0.5 must be a number from 1 on"),
        (lambda: theory.sleep_cost(-1, 1, 1), "finite number from 0 on"),
        (lambda: theory.underthinking([1, 2], [3]), "same length"),
    ],
)
def test_bad_input_is_refused_with_what_is_allowed(call, message: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)
