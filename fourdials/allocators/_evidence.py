"""What a trial has shown without any grade → how sure its answer is, and what more of it would bring.

Votes are what `Checkpoint.detail["votes"]` counts; a strategy that counts none votes with the answers of its own
checkpoints, which then says how steady it is. Verifier scores are `detail["verifier"]`, one per candidate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln

from fourdials.records import Checkpoint

Array = NDArray[np.float64]
PRIOR = 2.0  # candidates' worth of weight that the scores of all other trials have in judging the next one of a trial


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one trial has shown.

    Attributes:
        votes: Counts per answer, largest first; weighted votes need not be whole.
        scores: Verifier scores in [0, 1] in the order of the candidates; empty where nobody verified.
    """

    votes: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()

    @property
    def leader(self) -> float:
        """Votes of the answer in front."""
        return self.votes[0] if self.votes else 0.0

    @property
    def second(self) -> float:
        """Votes of the runner-up."""
        return self.votes[1] if len(self.votes) > 1 else 0.0


def evidence(seen: Sequence[Checkpoint]) -> Evidence:
    """Reads a trial's checkpoints; nothing seen is no evidence."""
    scores = tuple(float(c.detail["verifier"]) for c in seen if c.detail.get("verifier") is not None)
    counted = [c.detail["votes"] for c in seen if c.detail.get("votes") is not None]
    if counted:
        counts = [float(count) for count in counted[-1].values()]
    else:
        counts = [float(n) for n in Counter(c.answer for c in seen if c.answer is not None).values()]
    return Evidence(tuple(sorted((count for count in counts if count > 0), reverse=True)), scores)


def certainty(found: Evidence) -> float:
    """How sure the answer is, in [0, 1]: the best verifier score, else that the leader is truly ahead.

    The leader is ahead of the runner-up with probability P(Beta(a + 1, b + 1) > 1/2) for a against b votes under an
    even prior (Aggarwal et al. 2023, arXiv 2305.11860, the Beta criterion). Without any vote it is 1/2.
    """
    return max(found.scores) if found.scores else ahead(found.leader, found.second)


@lru_cache(maxsize=65536)
def ahead(leader: float, second: float) -> float:
    """P(Beta(leader + 1, second + 1) > 1/2)."""
    return float(1 - betainc(leader + 1, second + 1, 0.5))


def gain(found: Evidence, more: int, others: Sequence[float]) -> float:
    """The gain in the chance of a right answer that `more` further votes or candidates are expected to bring.

    With verifier scores, the expected rise of the best score: each further candidate scores like one of this trial's so
    far or, with the weight of PRIOR candidates, like one of `others`. Where scores are 0 or 1 this is
    (1 − λ) summed over Δ_j = λ(1 − λ)^(j−1) of Damani et al. 2024 (arXiv 2410.04707), λ learned, and 0 once solved.
    Else the expected rise in how sure the better one of leader and runner-up is, times the share of votes these have.
    """
    if found.scores:
        drawn = np.sort(np.asarray(others or (0.0, 1.0), dtype=np.float64))
        return float(rises(len(found.scores), np.array([max(found.scores)]), drawn, more)[0])
    total = sum(found.votes)
    share = (found.leader + found.second) / total if total else 1.0
    return share * _sharpened(round(found.leader), round(found.second), more)


def rises(own: int, best: Array, others: Array, more: int) -> Array:
    """E[max(0, best of `more` new scores − best so far)] for trials with `own` scores each, under the mixture above.

    Args:
        own: How many scores each of these trials has.
        best: The best score of each.
        others: The scores of all trials, increasing; at least one.
        more: How many new scores.

    A new score lies below the j-th of the others with chance F_j = (own + j · PRIOR / len(others)) / (own + PRIOR), so
    the expectation is the sum over the steps between scores above the best so far, each times 1 − F_j^more.
    """
    count = len(others)
    below = (own + PRIOR / count * np.arange(count)) / (own + PRIOR)
    above = 1 - below**more
    steps = np.diff(others, append=others[-1:]) * np.append(above[1:], 0.0)
    beyond = np.append(np.cumsum(steps[::-1])[::-1], 0.0)  # from each score upwards
    place = np.searchsorted(others, best, side="right")
    held = np.minimum(place, count - 1)
    found: Array = np.where(place < count, (others[held] - best) * above[held] + beyond[held], 0.0)
    return found


def beta_binomial(won: NDArray[np.int64], n: int, a: float, b: float) -> Array:
    """P(k of n) = C(n, k) B(k + a, n − k + b) / B(a, b) for each k of `won`, as scipy.stats has it, which is slow to
    import."""
    ways = -np.log(n + 1) - betaln(n - won + 1, won + 1)
    found: Array = np.exp(ways + betaln(won + a, n - won + b) - betaln(a, b))
    return found


@lru_cache(maxsize=65536)
def _sharpened(leader: int, second: int, more: int) -> float:
    """Expected rise of max(P, 1 − P), P that the leader is ahead, after `more` votes between the two."""
    won = np.arange(more + 1)
    chances = beta_binomial(won, more, leader + 1, second + 1)
    after = 1 - betainc(leader + 1 + won, second + 1 + more - won, 0.5)
    now = ahead(leader, second)
    return float(max(0.0, chances @ np.maximum(after, 1 - after) - max(now, 1 - now)))
