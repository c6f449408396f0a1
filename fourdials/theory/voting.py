"""Many answers to one question: how often a vote, the best of n by a verifier, or any of k samples is right.

Used by the theory page, lessons and tests that hold the engine against these numbers. Arrays broadcast; single numbers
in give an array without dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaln
from scipy.stats import betabinom, binom, norm, poisson

from fourdials.errors import InputError
from fourdials.theory.ranges import Array, count, counts, probabilities, probability

MOST_EXACT = 1_000_001  # votes up to which `votes_needed` is exact


def majority_vote(p: ArrayLike, votes: ArrayLike, correlation: ArrayLike = 0.0, ties: float = 0.5) -> Array:
    """How often the majority of `votes` between two answers is right (Condorcet 1785).

    P(X > n/2) + ties · P(X = n/2), where X counts the right votes among n. Where votes are independent X is
    Binomial(n, p). With a correlation ρ the problems differ: each has a rate of its own from the Beta distribution with
    mean p and variance ρp(1 − p), so that X is beta-binomial and any two votes on one problem have correlation ρ. The
    same as the simulated models' `spread`.

    Args:
        p: Probability that one vote is right.
        votes: n, from 1 on; at most 100,000 where votes are correlated.
        correlation: ρ, from 0 to 1; at 1 all votes are copies of the first.
        ties: Share of even splits that count as right. One half is exact where the answer seen first wins a tie.
    """
    share = probability("ties", ties)
    rho = probabilities("correlation", correlation)
    number = counts("votes", votes, least=1, most=100_000 if np.any((rho > 0) & (rho < 1)) else 2**53)
    rate, number, rho = np.broadcast_arrays(probabilities("p", p), number, rho)
    # P(X > n/2) is P(X > floor(n/2)), odd or even.
    right = binom.sf(number // 2, number, rate) + share * (number % 2 == 0) * binom.pmf(number // 2, number, rate)
    right = np.where((rho == 1) | (rate == 0) | (rate == 1), rate, right)
    for place in np.argwhere((rho > 0) & (rho < 1) & (rate > 0) & (rate < 1)):
        at = tuple(place)
        right[at] = _beta_majority(float(rate[at]), int(number[at]), float(rho[at]), share)
    return np.asarray(right, dtype=np.float64)


def _beta_majority(p: float, votes: int, rho: float, ties: float) -> float:
    size = (1 - rho) / rho
    chances = betabinom.pmf(np.arange(votes + 1), votes, p * size, (1 - p) * size)
    even = chances[votes // 2] if votes % 2 == 0 else 0.0
    return min(1.0, float(chances[votes // 2 + 1 :].sum() + ties * even))


def common_cause_vote(p: ArrayLike, votes: ArrayLike, correlation: ArrayLike, ties: float = 0.5) -> Array:
    """How often a majority is right where, with probability ρ, all votes repeat one draw and else are independent.

    ρp + (1 − ρ) · majority_vote(p, n). Any two votes have correlation ρ here too, yet the accuracy differs from the
    beta-binomial one: a correlation alone does not determine what a vote is worth. Our derivation.

    Args: as of `majority_vote`.
    """
    rho, rate = probabilities("correlation", correlation), probabilities("p", p)
    return np.asarray(rho * rate + (1 - rho) * majority_vote(rate, votes, ties=ties), dtype=np.float64)


def plurality_vote(p: float, votes: int, wrong: int | Sequence[float] = 4) -> float:
    """How often the most frequent of several answers is right; votes are independent.

    The multinomial sum over all counts in which the right answer leads; of a tie between t answers a share 1/t counts,
    which is exact where the answer seen first wins it. Counted as independent Poisson numbers given their sum.

    Args:
        p: Probability that one vote is right.
        votes: From 1 to 200.
        wrong: Distinct wrong answers, equally likely, from 1 to 12; or how the wrong votes are shared out among them
            (weights that need not add up to 1).
    """
    rate, number = probability("p", p), count("votes", votes, least=1, most=200)
    weights = np.ones(count("wrong", wrong, 1, 12)) if isinstance(wrong, int) else np.asarray(wrong, dtype=np.float64)
    if weights.ndim != 1 or not 1 <= len(weights) <= 12 or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
        raise InputError(f"wrong = {wrong!r} must be a number from 1 to 12, or so many weights that are not all 0")
    means = number * (1 - rate) * weights / weights.sum()
    places = np.arange(number + 1)
    chances = [poisson.pmf(places, mean) for mean in means]
    total = 0.0
    for led in range(1, number + 1):
        # behind[t] holds the wrong answers' counts, by their sum, where t of them are level with the right one.
        behind = np.zeros((len(means) + 1, number + 1))
        behind[0, 0] = 1.0
        for chance in chances:
            lower = np.where(places < led, chance, 0.0)
            added = np.array([np.convolve(row, lower)[: number + 1] for row in behind])
            added[1:, led:] += behind[:-1, : number + 1 - led] * chance[led]
            behind = added
        level = behind[:, number - led] / np.arange(1, len(means) + 2)
        total += float(poisson.pmf(led, number * rate) * level.sum())
    return min(1.0, total / float(poisson.pmf(number, number)))


def votes_needed(p: float, target: float = 2 / 3) -> int:
    """The least odd number of independent votes between two answers whose majority is right as often as `target`.

    Exact up to a million votes: for odd n the majority is right with I_p((n+1)/2, (n+1)/2), the incomplete beta
    function, which grows with n where p > 1/2. Beyond, the normal approximation n = z² p(1 − p)/(p − 1/2)². Raises
    InputError where no number of votes gets there (p ≤ 1/2 < target).
    """
    rate, wanted = probability("p", p), probability("target", target)
    if rate >= wanted:
        return 1
    if rate <= 0.5 or wanted == 1.0:
        raise InputError(f"no number of votes that are right with p = {rate:g} is right with {wanted:g}; raise p")

    def right(half: int) -> bool:
        return bool(betainc(half + 1, half + 1, rate) >= wanted)

    high = MOST_EXACT // 2
    if not right(high):
        edge = float(norm.ppf(wanted))
        return 2 * (int(edge**2 * rate * (1 - rate) / (rate - 0.5) ** 2) // 2) + 1
    low = 0  # a single vote is not enough, so more than 2·low + 1 are needed
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if right(middle) else (middle, high)
    return 2 * high + 1


def coverage(p: ArrayLike, k: ArrayLike, correlation: ArrayLike = 0.0) -> Array:
    """How often at least one of k samples is right: pass@k of a population (Chen et al. 2021, arXiv 2107.03374).

    1 − (1 − p)^k where all problems are equally hard. With a correlation ρ each has a rate of its own, Beta(a, b) with
    a = p(1 − ρ)/ρ and b = (1 − p)(1 − ρ)/ρ, and coverage is 1 − B(a, b + k)/B(a, b). What is missing then falls as
    k^−a for large k, a power law, instead of exponentially (Schaeffer et al. 2025, arXiv 2502.17578).

    Args:
        p: Mean probability that one sample is right.
        k: Samples, from 0 on.
        correlation: ρ, from 0 to 1.
    """
    rho = probabilities("correlation", correlation)
    rate, number, rho = np.broadcast_arrays(probabilities("p", p), counts("k", k), rho)
    inner = (rho > 0) & (rho < 1) & (rate > 0) & (rate < 1)
    size = np.where(inner, 1 - rho, 1.0) / np.where(inner, rho, 1.0)
    a, b = np.where(inner, rate, 0.5) * size, np.where(inner, 1 - rate, 0.5) * size
    spread = -np.expm1(betaln(a, b + number) - betaln(a, b))
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = np.where(number == 0, 0.0, -np.expm1(number * np.log1p(-rate)))
    one = np.where(number == 0, 0.0, rate)  # copies of one sample
    return np.asarray(np.where(inner, spread, np.where(rho == 1, one, alike)), dtype=np.float64)


def best_of_n(
    p: float, n: int, hit: float, false_alarm: float, ties: Literal["first", "votes", "answers"] = "first"
) -> float:
    """How often the candidate that a verifier likes best is right; a verdict is yes or no.

    With `ties = first` the first candidate that got a yes is taken (or the first of all if none did). The share of yes
    is y = p·hit + (1 − p)·false_alarm, and the accuracy

        (1 − (1 − y)^n) · p·hit/y + (1 − y)^(n−1) · p·(1 − hit),

    so more candidates never get beyond the precision of a yes, p·hit/y. With `ties = votes` equally liked answers are
    settled by how often they came up, then by the earlier one, as the strategy `best_of_n` does; there are two answers
    then. `answers` is the same where equal answers get equal verdicts, as from a model asked at temperature 0. Our
    derivation.

    Args:
        p: Probability that one candidate is right.
        n: Candidates, from 1 on; at most 1,000 unless `ties = first`.
        hit: Probability of a yes to a right candidate; r for a checker of reliability r.
        false_alarm: Probability of a yes to a wrong one; 1 − r for such a checker.
        ties: What settles equal verdicts, and whether those on equal answers are one.
    """
    rate, good, bad = probability("p", p), probability("hit", hit), probability("false_alarm", false_alarm)
    number = count("n", n, least=1, most=2**53 if ties == "first" else 1000)
    if ties in ("votes", "answers"):
        return _best_by_votes(rate, number, good, bad, ties == "answers")
    if ties != "first":
        raise InputError(f"ties = {ties!r} must be first, votes or answers")
    liked = rate * good + (1 - rate) * bad
    chosen = 0.0 if liked == 0 else (1 - (1 - liked) ** number) * rate * good / liked
    return float(chosen + (1 - liked) ** (number - 1) * rate * (1 - good))


def _best_by_votes(p: float, n: int, hit: float, false_alarm: float, shared: bool) -> float:
    right = np.arange(n + 1)
    judged = np.minimum(right, 1) if shared else right
    some = 1 - (1 - hit) ** judged  # a right candidate got a yes
    others = 1 - (1 - false_alarm) ** (np.minimum(n - right, 1) if shared else n - right)
    majority = np.where(2 * right > n, 1.0, np.where(2 * right == n, 0.5, 0.0))
    undecided = some * others * majority + (1 - some) * (1 - others) * majority
    won = some * (1 - others) + undecided
    if n % 2 == 0 and not shared:  # an even split: the earliest yes, right in proportion to the yeses
        half = n // 2
        yes = np.arange(1, half + 1)
        weight = np.outer(binom.pmf(yes, half, hit), binom.pmf(yes, half, false_alarm))
        first = float((weight * (yes[:, None] / (yes[:, None] + yes[None, :]))).sum())
        won[half] = some[half] * (1 - others[half]) + (1 - some[half]) * (1 - others[half]) / 2 + first
    return min(1.0, float((binom.pmf(right, n, p) * won).sum()))


def reliability_needed(p: float, target: float) -> float:
    """The reliability a checker needs for the best of very many candidates to be right as often as `target`.

    Solves p·r/(p·r + (1 − p)(1 − r)) = target for r: r = t(1 − p)/(t(1 − p) + p(1 − t)). Our derivation.
    """
    rate, wanted = probability("p", p), probability("target", target)
    if not 0 < rate < 1:
        raise InputError(
            f"p = {rate:g} must lie between 0 and 1: a verifier changes nothing where all or none is right"
        )
    return wanted * (1 - rate) / (wanted * (1 - rate) + rate * (1 - wanted))


def wide_step(p: ArrayLike, width: ArrayLike, selection: ArrayLike) -> Array:
    """How often a step is right if k candidates are tried and a selector that is right with ε picks among them.

    ε · (1 − (1 − p)^k): there must be a right one, and it must be picked.

    Args:
        p: Probability that one candidate is right.
        width: k, from 1 on.
        selection: ε, the probability that a right candidate is picked where there is one.
    """
    chosen = probabilities("selection", selection)
    return np.asarray(chosen * coverage(p, counts("width", width, least=1)), dtype=np.float64)


def selection_needed(p: ArrayLike, width: ArrayLike) -> Array:
    """The selection accuracy above which trying k candidates beats taking one: p/(1 − (1 − p)^k), and 1/k at p = 0.

    The rule ε > 1/k (Gan et al. 2025, arXiv 2501.15602) is its limit for hard steps; where steps are easy the selector
    must be better than that. Our derivation.
    """
    number = counts("width", width, least=1)
    rate, number = np.broadcast_arrays(probabilities("p", p), number)
    covered = coverage(rate, number)
    return np.asarray(np.where(rate == 0, 1 / number, rate / np.where(rate == 0, 1.0, covered)), dtype=np.float64)
