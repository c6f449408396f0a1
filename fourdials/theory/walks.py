"""One long walk or many short ones: what a graph reveals to so many queries, and how many votes make up for too few.

The vertex-query model (Mirtaheri et al. 2025, arXiv 2505.21825): a query names a vertex and reveals its neighbours;
labels are a random permutation, so that nothing else tells vertices apart. Which of two targets is connected to the
start? Guessing is right half of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from fourdials.errors import InputError
from fourdials.theory.ranges import Array, Ints, count, probability
from fourdials.theory.voting import votes_needed

Order = Literal["walk", "scatter"]


def two_paths(length: int, queries: int, order: Order = "walk") -> float:
    """How often the target is named on two disjoint paths of `length` edges, the start at an end of one, a target each.

    Whoever has seen all edges of one path knows the answer; everybody else tosses a coin here:

    - `walk` queries the start, then what that reveals, and so on: 1 from `length` queries on, before that exactly 1/2.
    - `scatter` queries vertices at random, all at once. A query shows at most two edges; u vertices left out hide no
      edge of a path of L + 1 vertices if no two of them are neighbours, which C(L + 2 − u, u) choices satisfy.

    With fewer than L/2 queries, in whatever order, there is a place at which neither path shows its edge; exchanging
    the two tails behind it gives an equally likely graph with the other answer, so 1/2 is all anyone can reach.

    Args:
        length: L, from 1 to 10,000.
        queries: From 0 on; more than there are vertices change nothing.
        order: `walk` or `scatter`.
    """
    edges = count("length", length, least=1, most=10_000)
    asked = min(count("queries", queries), 2 * edges + 2)
    if order == "walk":
        return 1.0 if asked >= edges else 0.5
    if order != "scatter":
        raise InputError(f"order = {order!r} must be walk or scatter")
    hidden = 2 * edges + 2 - asked
    first: Ints = np.arange(max(0, hidden - edges - 1), min(hidden, edges + 1) + 1)
    second = hidden - first  # so many are left out on each of the paths
    whole, other = _apart(edges, first), _apart(edges, second)
    either = np.logaddexp(whole + _choose(edges + 1, second), other + _choose(edges + 1, first))
    ways = np.exp(either - _choose(2 * edges + 2, hidden)).sum()
    both = np.exp(whole + other - _choose(2 * edges + 2, hidden)).sum()
    return float(min(1.0, 0.5 + (ways - both) / 2))


def _choose(n: ArrayLike, k: ArrayLike) -> Array:
    """Log of the binomial coefficient; −∞ where k > n."""
    size, taken = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64))
    fits = taken <= size
    kept = np.where(fits, taken, 0.0)
    safe = np.where(fits, size, 0.0)
    return np.asarray(np.where(fits, gammaln(safe + 1) - gammaln(kept + 1) - gammaln(safe - kept + 1), -np.inf))


def _apart(edges: int, left_out: Ints) -> Array:
    """Log of the ways to leave out so many vertices of a path with so many edges, no two of them neighbours."""
    return _choose(edges + 2 - left_out, left_out)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A Monte Carlo count: how many of the trials named the right target."""

    right: int
    trials: int


def draw_two_paths(length: int, queries: int, order: Order = "walk", trials: int = 10_000, seed: int = 0) -> Drawn:
    """Plays `two_paths`: draws what is queried, marks the edges seen, tosses a coin where no path was seen whole."""
    edges, number = count("length", length, least=1, most=10_000), count("trials", trials, least=1, most=10**7)
    asked = min(count("queries", queries), 2 * edges + 2)
    if number * edges > 10**8:
        raise InputError(f"{number} trials on paths of {edges} edges are too many; keep their product below 10^8")
    if order not in ("walk", "scatter"):
        raise InputError(f"order = {order!r} must be walk or scatter")
    rng = np.random.default_rng(seed)
    right = 0
    for block in range(0, number, 10_000):
        rows = min(10_000, number - block)
        queried = np.zeros((rows, 2 * edges + 2), dtype=bool)  # the start's path, then the other one
        if order == "walk":
            queried[:, : min(asked, edges + 1)] = True
        else:
            chosen = rng.random(queried.shape).argsort(axis=1)[:, :asked]
            np.put_along_axis(queried, chosen, True, axis=1)
        paths = queried.reshape(rows, 2, edges + 1)
        whole: NDArray[np.bool_] = np.all(paths[:, :, :-1] | paths[:, :, 1:], axis=2)
        seen = whole[:, 0] | whole[:, 1]
        right += int((seen | (rng.random(rows) < 0.5)).sum())
    return Drawn(right, number)


def bridge_reach(depth: int, steps: int, short: int = 1, long: int = 3, dead_end: int = 2) -> float:
    """How often a blind walk through a bridge graph arrives within so many edges.

    A component is a chain of `depth` cycles, each with a short and a long arm between two junctions and a dead end at
    its first one. At a junction the walk takes any edge it has not been on, all alike: an arm ahead leads on; the dead
    end, or the other arm of the cycle it came through, costs its edges and leads back here. The distribution of the
    edges walked, junction by junction; our derivation for the graphs of Mirtaheri et al. 2025, arXiv 2505.21825.

    Args:
        depth: Cycles, from 1 on.
        steps: Edges the walk may take, the last one into the target; from 0 on.
        short: Edges of the short arm, from 1 on.
        long: Edges of the long arm, from 1 on.
        dead_end: Edges of the dead end; 0 for none.

    Returns:
        A probability. Where `steps` grows with the depth, but by less than a mean cycle takes, it falls exponentially.
    """
    room = count("steps", steps, most=100_000)
    arms = (count("short", short, least=1), count("long", long, least=1))
    blind, cycles = count("dead_end", dead_end), count("depth", depth, least=1, most=10_000)
    begin = np.zeros(room + 1)
    begin[0] = 1.0
    after = _junction(begin, arms, [blind] if blind else [])
    for _ in range(cycles - 1):
        # Whoever came by one arm may walk back along the other.
        by_short = _junction(after[0], arms, [arms[1], *([blind] if blind else [])])
        by_long = _junction(after[1], arms, [arms[0], *([blind] if blind else [])])
        after = (by_short[0] + by_long[0], by_short[1] + by_long[1])
    return float(min(1.0, after[0].sum() + after[1].sum()))


def _junction(edges: Array, arms: tuple[int, int], detours: list[int]) -> tuple[Array, Array]:
    """The edges walked by the next junction, for those who took the short and the long arm: each half of the walks,
    after any set of detours. So many given detours come before both arms with probability j!·2/((m + 2 − j)·…·(m + 2)).
    """
    total = len(detours)
    led = np.zeros_like(edges)
    for chosen in range(2**total):
        taken = [detour for place, detour in enumerate(detours) if chosen >> place & 1]
        orders = math.factorial(len(taken)) / math.perm(total + 2, len(taken))
        led += _later(edges, sum(taken)) * orders * 2 / (total + 2 - len(taken))
    return _later(led / 2, arms[0]), _later(led / 2, arms[1])


def _later(edges: Array, more: int) -> Array:
    """The distribution after so many further edges; what exceeds the room is gone."""
    moved = np.zeros_like(edges)
    if more < len(edges):
        moved[more:] = edges[: len(edges) - more]
    return moved


def bridge_accuracy(depth: int, steps: int, short: int = 1, long: int = 3, dead_end: int = 2) -> float:
    """How often a walk of so many edges names the right target: 1/2 + reach/2, a coin where it does not arrive.

    A walk just long enough for the shortest way has 1/2 + e^−Ω(depth). Args: as of `bridge_reach`.
    """
    return 0.5 + bridge_reach(depth, steps, short, long, dead_end) / 2


def bridge_votes(
    depth: int, steps: int, target: float = 2 / 3, short: int = 1, long: int = 3, dead_end: int = 2
) -> float:
    """Walks of so many edges whose majority is right as often as `target`; infinite where none ever arrives.

    A walk's advantage δ over a coin falls exponentially with the depth and votes are needed in proportion to 1/δ², so
    that their logarithm grows about linearly. Args: as of `bridge_reach`.
    """
    accuracy = bridge_accuracy(depth, steps, short, long, dead_end)
    wanted = probability("target", target)
    return math.inf if accuracy <= 0.5 < wanted else float(votes_needed(accuracy, wanted))
