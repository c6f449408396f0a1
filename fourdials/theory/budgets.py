"""Where and when to spend: samples shared out over problems, a small model's tokens for a large one's training, thought
before the question is known, and how much of a wrong answer came after a right idea.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fourdials.errors import InputError
from fourdials.theory.ranges import Array, Ints, amounts, count, counts, numbers, probabilities
from fourdials.theory.voting import coverage


def marginal_gains(rates: ArrayLike, most: int) -> Array:
    """What the j-th sample adds to each problem's chance to be solved: Δ_ij = λ_i(1 − λ_i)^(j−1).

    Damani et al. 2024, arXiv 2410.04707, for a reward of 1 if any sample is right.

    Args:
        rates: λ, one for each problem.
        most: Columns, j = 1 … most.

    Returns:
        Problems × samples.
    """
    rate = _rates(rates)
    return np.asarray(rate[:, None] * (1 - rate[:, None]) ** np.arange(count("most", most, most=10**6)))


def _rates(rates: ArrayLike, name: str = "rates") -> Array:
    found = probabilities(name, rates)
    if found.ndim != 1 or not found.size:
        raise InputError(f"{name} has the shape {found.shape}; give a list with one rate for each problem")
    return found


def uniform_shares(problems: int, budget: int) -> Ints:
    """The same number of samples for each problem, one more for the first ones where the budget does not divide."""
    number, total = count("problems", problems, least=1), count("budget", budget)
    return np.asarray(total // number + (np.arange(number) < total % number), dtype=np.int64)


def greedy_shares(rates: ArrayLike, budget: int, already: int = 0) -> Ints:
    """Samples for each problem, each next one where it is expected to gain most; equal gains in the problems' order.

    A problem's gains fall from sample to sample, so this spends the budget in the best way for these rates. Samples
    that can gain nothing are not taken, and the rest of the budget is left.

    Args:
        rates: Expected success rates; the true ones give the bound.
        budget: Samples in all, `already` taken ones included.
        already: Samples that every problem has had (a pilot).

    Raises:
        InputError: The budget does not pay for the pilot.
    """
    return _greedy_path(_rates(rates), [budget], already)[0]


def _greedy_path(rates: Array, budgets: Sequence[int], already: int) -> list[Ints]:
    """The shares at each of the rising budgets, on the one way the greedy rule takes."""
    had, limits = count("already", already), [count("budget", budget, most=10**7) for budget in budgets]
    if limits and had * rates.size > limits[0]:
        raise InputError(f"a pilot of {had} for {rates.size} problems exceeds the budget of {limits[0]}; lower it")
    shares = np.full(rates.size, had, dtype=np.int64)
    heap = [(-rate * (1 - rate) ** had, place) for place, rate in enumerate(rates.tolist())]
    heapq.heapify(heap)
    spent, found = had * rates.size, []
    for limit in limits:
        while spent < limit and heap[0][0] < 0:
            gain, place = heap[0]
            shares[place] += 1
            spent += 1
            heapq.heapreplace(heap, (gain * (1 - float(rates[place])), place))
        found.append(shares.copy())
    return found


@dataclass(frozen=True, slots=True)
class AllocationCurves:
    """The share of problems solved at each budget, by rule; NaN where the budget does not pay for the pilot."""

    budgets: Ints
    uniform: Array
    greedy: Array
    oracle: Array


def allocation_curves(
    rates: ArrayLike, budgets: ArrayLike, expected: ArrayLike | None = None, pilot: int = 0
) -> AllocationCurves:
    """Expected coverage when a budget is shared out evenly, by expected marginal gain, and with the rates known.

    A problem with b samples is solved with 1 − (1 − λ)^b. The oracle's curve bounds every rule that fixes the shares
    before the answers are seen. Equation of Damani et al. 2024, arXiv 2410.04707.

    Args:
        rates: The true λ, one for each problem.
        budgets: Samples in all; sorted in the result.
        expected: The rates `greedy` goes by; the true ones by default.
        pilot: Samples of each problem that `greedy` spends to form its expectations. They are charged, and count.
    """
    true = _rates(rates)
    guess = true if expected is None else _rates(expected, "expected")
    if guess.shape != true.shape:
        raise InputError(f"expected holds {guess.size} rates for {true.size} problems; give one for each")
    limits = np.sort(np.atleast_1d(counts("budgets", budgets)))
    had = count("pilot", pilot)
    paid = limits >= had * true.size

    def solved(shares: Sequence[Ints]) -> Array:
        return np.asarray([coverage(true, share).mean() for share in shares], dtype=np.float64)

    greedy = np.full(limits.size, math.nan)
    greedy[paid] = solved(_greedy_path(guess, limits[paid].tolist(), had))
    even = solved([uniform_shares(true.size, int(limit)) for limit in limits])
    return AllocationCurves(limits, even, greedy, solved(_greedy_path(true, limits.tolist(), 0)))


def flop_exchange(size_ratio: ArrayLike, inference_share: ArrayLike) -> Array:
    """How many times the large model's tokens a small one may spend so that training and use cost the same FLOPs.

    M + 3 · (D_pre/D_inf) · (M − 1), from 6ND_pre + 2ND_inf for each model (Snell et al. 2024, arXiv 2408.03314).

    Args:
        size_ratio: M, how many times larger the large model is; from 1 on.
        inference_share: R = D_inf/D_pre, tokens of use for each token of training; above 0. The source takes 0.16,
            0.79 and 22.
    """
    ratio = numbers("size_ratio", size_ratio, 1.0, 1e12, "a number from 1 on")
    share = numbers("inference_share", inference_share, 1e-12, 1e12, "a number above 0")
    return np.asarray(ratio + 3 / share * (ratio - 1), dtype=np.float64)


def sleep_cost(test_tokens: ArrayLike, queries: ArrayLike, sleep_tokens: ArrayLike, weight: ArrayLike = 1.0) -> Array:
    """What a context costs in all if thought about before its questions come: total = w · test · Q + sleep.

    In tokens of sleep time; Lin et al. 2025, arXiv 2504.13171, weigh a token at test time ten times.

    Args:
        test_tokens: Tokens for each question once it is known.
        queries: Q, questions on the same context, from 0 on.
        sleep_tokens: Tokens spent once, beforehand; 0 for none.
        weight: w, how many times dearer a token is while somebody waits.
    """
    test, sleep = amounts("test_tokens", test_tokens), amounts("sleep_tokens", sleep_tokens)
    return np.asarray(amounts("weight", weight) * test * counts("queries", queries) + sleep, dtype=np.float64)


def sleep_break_even(plain_tokens: float, test_tokens: float, sleep_tokens: float, weight: float = 1.0) -> float:
    """Questions on one context from which on sleeping over it is cheaper: Q* = sleep/(w · (plain − test)).

    Infinite where it saves nothing per question, 0 where it costs nothing.

    Args:
        plain_tokens: Tokens for each question without sleep, at the same accuracy.
        test_tokens: The same with sleep.
        sleep_tokens: Tokens spent once, beforehand.
        weight: As of `sleep_cost`.
    """
    plain, test = float(amounts("plain_tokens", plain_tokens)), float(amounts("test_tokens", test_tokens))
    sleep, dearer = float(amounts("sleep_tokens", sleep_tokens)), float(amounts("weight", weight))
    saved = dearer * (plain - test)
    return 0.0 if sleep == 0 and saved > 0 else math.inf if saved <= 0 else sleep / saved


def underthinking(to_right_thought: ArrayLike, tokens: ArrayLike) -> float:
    """How much of the wrong answers came after a right idea had been dropped: ξ = mean of 1 − T̂/T.

    Over wrong answers only; T̂ are the tokens up to the end of the first thought that would have led to the right
    answer, T all of them, and an answer without such a thought has T̂ = T (Wang et al. 2025, arXiv 2501.18585).

    Args:
        to_right_thought: T̂ of each wrong answer, at most its T.
        tokens: T, above 0.

    Returns:
        From 0 (nothing dropped) to 1; NaN without a wrong answer.
    """
    first, whole = amounts("to_right_thought", to_right_thought), amounts("tokens", tokens)
    if first.shape != whole.shape or first.ndim != 1:
        raise InputError(f"{first.size} thoughts for {whole.size} answers; give two lists of the same length")
    if (whole == 0).any() or (first > whole).any():
        raise InputError("each answer needs tokens above 0 and a first right thought that ends within them")
    return float((1 - first / whole).mean()) if whole.size else math.nan
