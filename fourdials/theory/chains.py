"""Many steps that must all be right: errors that compound, votes at every step, walks that lead astray.

`voted_chain` plays a million voted steps in about a second; everything it draws is simulated, no model is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import roots_jacobi

from fourdials.errors import InputError
from fourdials.theory.ranges import Array, Ints, amounts, count, counts, probabilities, probability
from fourdials.theory.voting import majority_vote

MOST_DRAWS = 2e9  # votes a simulation may be expected to take: more would take minutes


def chain(rate: ArrayLike, length: ArrayLike) -> Array:
    """How often all steps of a chain are right where each is with the same probability: rate^length."""
    return np.asarray(probabilities("rate", rate) ** counts("length", length), dtype=np.float64)


def snowball_rates(strength: float, length: int) -> Array:
    """The rate of each step 1 … length where errors snowball: min(λ·e^−l, 1) (Gan et al. 2025, arXiv 2501.15602).

    Args:
        strength: λ, from 0 on; steps up to ln λ are always right.
        length: Steps; 0 gives an empty array.
    """
    steps = np.arange(1, count("length", length, most=10**7) + 1)
    return np.asarray(np.minimum(amounts("strength", strength) * np.exp(-steps.astype(np.float64)), 1.0))


def snowball(strength: float, length: int) -> Array:
    """How often the first l steps are all right, for l = 0 … length, where errors snowball.

    The product of `snowball_rates`. It never exceeds the published bound λ^l·e^(−l(l+1)/2) and equals it where λ ≤ e.
    """
    return np.concatenate([[1.0], np.cumprod(snowball_rates(strength, length))])


def lead_right(p: ArrayLike, k: ArrayLike, correlation: float = 0.0) -> Array:
    """How often the first answer to be k votes ahead is the right one: 1/(1 + ((1 − p)/p)^k), the gambler's ruin.

    Wrong votes all agree here; where they are split among several answers the lead is right more often.

    Args:
        p: Probability that one vote is right.
        k: The lead, from 1 on.
        correlation: ρ, from 0 to 1: each question has a rate of its own, Beta with mean p and variance ρp(1 − p), over
            which the formula is averaged (Gauss–Jacobi quadrature). At 1 all votes are alike.
    """
    rho = probability("correlation", correlation)
    if rho == 0:
        return np.asarray(np.exp(-_doubt(p, k)), dtype=np.float64)
    rates, leads = np.broadcast_arrays(probabilities("p", p), counts("k", k, least=1))
    found = rates.copy()
    for place in np.argwhere((rates > 0) & (rates < 1) & (rho < 1)):
        at = tuple(place)
        size = (1 - rho) / rho
        nodes, weights = roots_jacobi(200, (1 - rates[at]) * size - 1, rates[at] * size - 1)
        found[at] = np.average(np.exp(-_doubt((1 + nodes) / 2, int(leads[at]))), weights=weights)
    return found


def all_right(p: ArrayLike, k: ArrayLike, steps: ArrayLike, per_call: int = 1, correlation: float = 0.0) -> Array:
    """How often all steps are right if each call's answer is voted on until one is k ahead.

    p_full = (1 + ((1 − p)/p)^k)^(−s/m) (Meyerson et al. 2025, arXiv 2511.09030), or `lead_right` to that power.

    Args:
        p: Probability that one call is right, with all of its m steps.
        k: The lead, from 1 on.
        steps: s, from 0 on.
        per_call: m, steps asked for in one call, from 1 on.
        correlation: ρ among the votes on one call, as of `lead_right`; different calls are independent.
    """
    votes = counts("steps", steps) / count("per_call", per_call, least=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = _doubt(p, k) if correlation == 0 else -np.log(lead_right(p, k, correlation))
        doubt = np.where(votes == 0, 0.0, each * votes)
    return np.asarray(np.exp(-doubt), dtype=np.float64)


def _doubt(p: ArrayLike, k: ArrayLike) -> Array:
    """−ln of the probability that a lead of k is right: ln(1 + r^k), without loss where r^k is tiny."""
    rate, lead = probabilities("p", p), counts("k", k, least=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp(0.0, lead * (np.log1p(-rate) - np.log(rate))), dtype=np.float64)


def least_lead(p: float, steps: int, target: float = 0.95, per_call: int = 1) -> int:
    """The least lead with which all steps are right as often as `target`.

    k_min = ⌈ln(t^(−m/s) − 1)/ln((1 − p)/p)⌉, at least 1 (Meyerson et al. 2025, arXiv 2511.09030).

    Args:
        p: Probability that one call is right; above 1/2, or InputError, since no lead helps below.
        steps: s, from 1 on.
        target: t, above 0 and below 1.
        per_call: m, from 1 on.
    """
    rate, wanted = probability("p", p), probability("target", target)
    number = count("steps", steps, least=1) / count("per_call", per_call, least=1)
    if not 0 < wanted < 1:
        raise InputError(f"target = {wanted:g} must lie above 0 and below 1")
    if rate <= 0.5:
        raise InputError(f"p = {rate:g} must be above 0.5: votes that are mostly wrong do not become right by leading")
    if rate == 1.0:
        return 1
    needed = math.log(math.expm1(-math.log(wanted) / number)) / (math.log1p(-rate) - math.log(rate))
    return max(1, math.ceil(needed - 1e-9))  # a lead that suffices exactly is enough, rounding apart


def expected_votes(p: ArrayLike, k: ArrayLike) -> Array:
    """Votes until one of two answers is k ahead, on average: k/(2p − 1) · (1 − r^k)/(1 + r^k) with r = (1 − p)/p.

    k² at p = 1/2. The duration of the gambler's ruin; our derivation from the source's model.

    Args: as of `lead_right`.
    """
    rate, lead = np.broadcast_arrays(probabilities("p", p), counts("k", k, least=1))
    drift = 2 * rate - 1
    with np.errstate(divide="ignore"):
        log_ratio = np.log1p(-rate) - np.log(rate)
    # (1 − r^k)/(1 + r^k) = −tanh(k·ln r/2); near p = 1/2 both it and the drift vanish.
    even = np.abs(drift) < 1e-9
    votes = -lead * np.tanh(lead * log_ratio / 2) / np.where(even, 1.0, drift)
    return np.asarray(np.where(even, lead.astype(np.float64) ** 2, votes), dtype=np.float64)


def votes_pmf(p: float, k: int, most: int) -> Array:
    """P(decided by exactly n votes) for n = 0 … most between two answers; what is missing to 1 takes longer.

    The walk of the lead between −k and k, one vote at a time.
    """
    rate, lead = probability("p", p), count("k", k, least=1, most=1000)
    found = np.zeros(count("most", most, most=10**6) + 1)
    at = np.zeros(2 * lead + 1)
    at[lead] = 1.0
    for number in range(1, len(found)):
        after = np.zeros_like(at)
        after[1:] += rate * at[:-1]
        after[:-1] += (1 - rate) * at[1:]
        found[number] = after[0] + after[-1]
        after[[0, -1]] = 0.0
        at = after
    return found


@dataclass(frozen=True, slots=True)
class Flagged:
    """What red flags make of a vote: the rate among the replies kept, and the calls paid for each of them."""

    p: float
    calls_per_vote: float


def flagged(p: float, right: float, wrong: float) -> Flagged:
    """Red flags throw away a share of right replies and a share of wrong ones; nothing is repaired.

    p' = p(1 − f_right)/(p(1 − f_right) + (1 − p)(1 − f_wrong)), and a vote costs the inverse of that denominator in
    calls. It helps the vote where wrong replies are flagged more often. Bayes' rule on the rule of arXiv 2511.09030.

    Args:
        p: Probability that a reply is right.
        right: f_right, the share of right replies that are thrown away.
        wrong: f_wrong, of wrong ones.
    """
    rate = probability("p", p)
    good = rate * (1 - probability("right", right))
    kept = good + (1 - rate) * (1 - probability("wrong", wrong))
    if kept == 0:
        raise InputError("every reply would be thrown away; lower right or wrong")
    return Flagged(good / kept, 1 / kept)


def chain_cost(p: float, k: int, steps: int, call: float, per_call: int = 1, calls_per_vote: float = 1.0) -> float:
    """Expected cost of a voted chain in the unit of `call` (tokens, dollars): votes × calls per vote × ⌈s/m⌉ × call."""
    runs = math.ceil(count("steps", steps) / count("per_call", per_call, least=1))
    per_run = float(expected_votes(p, k)) * float(amounts("calls_per_vote", calls_per_vote))
    return runs * per_run * float(amounts("call", call))


def hanoi_steps(disks: int) -> int:
    """Moves on the shortest way of a tower: 2^disks − 1; 20 disks take 1,048,575."""
    return int(2 ** count("disks", disks, least=1, most=24) - 1)


@dataclass(frozen=True, slots=True)
class VotedChain:
    """A simulated chain of voted steps.

    Attributes:
        steps: Steps played.
        errors: Steps decided for a wrong answer.
        first_error: Index of the first of them, from 0; None if all are right.
        votes: Votes cast.
        calls: Votes and replies thrown away.
        agreed_wrong: Steps whose first two votes were both wrong; (1 − p)² of them where errors are independent.
    """

    steps: int
    errors: int
    first_error: int | None
    votes: int
    calls: int
    agreed_wrong: int


def voted_chain(
    steps: int,
    p: ArrayLike,
    k: int,
    *,
    correlation: float = 0.0,
    flagged_right: float = 0.0,
    flagged_wrong: float = 0.0,
    seed: int = 0,
) -> VotedChain:
    """Plays a chain of steps, each decided by the first of two answers that is k votes ahead.

    All undecided steps vote in the same round, so that a million of them take about as many numpy calls as the longest
    vote has rounds. A step goes on being voted on in the same way whether or not an earlier one was wrong.

    Args:
        steps: From 1 on; `hanoi_steps(20)` is the tower of the source.
        p: Probability that a reply is right; one number, or one for each step.
        k: The lead, from 1 to 1,000.
        correlation: ρ, from 0 to 1: each step has a rate of its own, Beta with mean p and variance ρp(1 − p); at 1 all
            replies to a step are alike.
        flagged_right: Share of right replies that are thrown away, up to 0.99.
        flagged_wrong: The same of wrong ones.
        seed: The same seed gives the same chain.

    Raises:
        InputError: An argument is out of range, or about two thousand million votes and more would be needed.
    """
    number, lead = count("steps", steps, least=1, most=10**8), count("k", k, least=1, most=1000)
    mean, rho = probabilities("p", p), probability("correlation", correlation)
    if mean.shape not in ((), (number,)):
        raise InputError(f"p has the shape {mean.shape}; give one number, or one for each of {number} steps")
    keep_right, keep_wrong = (
        1 - probability("flagged_right", flagged_right),
        1 - probability("flagged_wrong", flagged_wrong),
    )
    if min(keep_right, keep_wrong) < 0.01:
        raise InputError("flagged_right and flagged_wrong must be at most 0.99: some replies must be left to vote")
    longest = lead**2 if rho else float(np.mean(expected_votes(mean, lead)))
    if longest * number > MOST_DRAWS * min(keep_right, keep_wrong):
        raise InputError(f"about {longest * number:.0e} votes are too many to play; lower steps or k, or raise p")
    rng = np.random.default_rng(seed)
    rates = _own_rates(np.broadcast_to(mean, (number,)), rho, rng)
    return _play(rates, lead, keep_right, keep_wrong, rng)


def _own_rates(mean: Array, rho: float, rng: np.random.Generator) -> Array:
    if rho == 0:
        return mean
    if rho == 1:
        return np.asarray(rng.random(mean.size) < mean, dtype=np.float64)
    size = (1 - rho) / rho
    inner = (mean > 0) & (mean < 1)
    drawn = rng.beta(np.where(inner, mean, 0.5) * size, np.where(inner, 1 - mean, 0.5) * size)
    return np.asarray(np.where(inner, drawn, mean), dtype=np.float64)


def _play(rates: Array, k: int, keep_right: float, keep_wrong: float, rng: np.random.Generator) -> VotedChain:
    final = np.zeros(rates.size, dtype=np.int16)  # where each step's lead ended, right minus wrong
    wrongs = np.zeros(rates.size, dtype=np.int8)  # wrong ones among the first two votes
    cast = np.zeros(rates.size, dtype=np.int8)  # votes cast so far, up to two
    open_steps: Ints = np.arange(rates.size)
    calls = votes = 0
    while open_steps.size:
        rate, drawn = rates[open_steps], rng.random(open_steps.size)
        right = drawn < rate * keep_right
        wrong = drawn >= 1 - (1 - rate) * keep_wrong
        calls += open_steps.size
        votes += int(right.sum() + wrong.sum())
        early = cast[open_steps] < 2
        wrongs[open_steps] += early & wrong
        cast[open_steps] += early & (right | wrong)
        final[open_steps] += right.astype(np.int16) - wrong
        open_steps = open_steps[np.abs(final[open_steps]) < k]
    lost = np.flatnonzero(final < 0)
    first = int(lost[0]) if lost.size else None
    return VotedChain(rates.size, lost.size, first, votes, calls, int((wrongs == 2).sum()))


def wandering(wander: ArrayLike, depth: ArrayLike) -> Array:
    """How often a search that wanders reaches a goal at a depth: (1 − p_w/2)^d.

    At each of d levels it wanders with probability p_w, and then loses the way half of the time. Our form for the
    exponential decline described by Lu et al. 2025, arXiv 2505.20296.
    """
    return np.asarray((1 - probabilities("wander", wander) / 2) ** counts("depth", depth), dtype=np.float64)


def revisions(first: float, mend: float, spoil: float, number: int) -> Array:
    """How often the answer is right after 0 … number revisions.

    A two-state chain: a wrong answer is mended with probability m, a right one spoilt with s, so that
    a_t = a_∞ + (a_0 − a_∞)(1 − m − s)^t with a_∞ = m/(m + s). Revising helps where a_∞ lies above the first answer. A
    simulated model's revisions are fresh attempts: m its rate `revise`, s = 1 − m, hence a_t = m from the first one on.

    Args:
        first: a_0, from 0 to 1.
        mend: m, from 0 to 1.
        spoil: s, from 0 to 1.
        number: Revisions, from 0 on.
    """
    a, m, s = probability("first", first), probability("mend", mend), probability("spoil", spoil)
    times = np.arange(count("number", number, most=10**6) + 1)
    if m + s == 0:
        return np.full(times.size, a)
    settled = m / (m + s)
    return np.asarray(settled + (a - settled) * (1 - m - s) ** times, dtype=np.float64)


def wide_and_deep(first: float, mend: float, spoil: float, total: int, width: int, correlation: float = 0.0) -> float:
    """How often a vote is right over so many chains of revisions, where all answers together are fixed in number.

    Each of N chains is an answer and total/N − 1 revisions of it; the majority of the last ones is taken:
    `majority_vote(revisions(…)[total/N − 1], N, ρ)`. Our derivation from the two-state chain and Condorcet's vote.

    Args:
        first: As of `revisions`.
        mend: The same.
        spoil: The same.
        total: N·m, answers in all; a multiple of the width.
        width: N, chains side by side, from 1 on; the longest wait is for total/width answers one after the other.
        correlation: ρ of the last answers of two chains on one problem.
    """
    chains, answers = count("width", width, least=1), count("total", total, least=1, most=10**6)
    if answers % chains:
        raise InputError(f"total = {answers} must be a multiple of width = {chains}, so that all chains are alike")
    rate = float(revisions(first, mend, spoil, answers // chains - 1)[-1])
    return float(majority_vote(min(max(rate, 0.0), 1.0), chains, correlation))


def arrival(moves: ArrayLike, start: int, goal: int, steps: int) -> Array:
    """How often a random walk has reached a goal after 0 … steps steps; the walk ends there.

    The absorbing Markov chain's distribution, one step at a time: what acting at a known rate of right actions gives in
    a known environment.

    Args:
        moves: Square matrix; `moves[i][j]` is the probability to go from i to j. Each row adds up to 1.
        start: Row where the walk begins.
        goal: Row where it ends.
        steps: From 0 on.
    """
    matrix = np.array(probabilities("moves", moves))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix.sum(axis=1), 1.0):
        raise InputError("moves must be a square matrix whose rows each add up to 1")
    last = matrix.shape[0] - 1
    here, there = count("start", start, most=last), count("goal", goal, most=last)
    matrix[there] = np.eye(last + 1)[there]
    at = np.eye(last + 1)[here]
    found = [at[there]]
    for _ in range(count("steps", steps, most=10**6)):
        at = at @ matrix
        found.append(at[there])
    return np.asarray(found, dtype=np.float64)
