"""Closed forms of walks and questioners, against brute force, Monte Carlo and values worked out by hand."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourdials import theory
from fourdials.tasks.bridge_graph import component
from tests.odds import plausible


def worlds(length: int):
    """Every labelled graph of two paths in which 0 is an end of one and 1 and 2 are targets, with the right target."""
    others = range(3, 2 * length + 2)
    for order in itertools.permutations(others):
        for right, wrong in ((1, 2), (2, 1)):
            inner = order[: length - 1]
            yield (0, *inner, right), (*order[length - 1 :], wrong), right


def best_accuracy(length: int, queries: int) -> Fraction:
    """What the best adaptive questioner reaches, by trying all of them against all labellings."""

    def best(known: list, left: int) -> int:
        if left == 0:
            return max(Counter(right for *_, right in known).values())
        most = 0
        for vertex in range(2 * length + 2):
            split = defaultdict(list)
            for world in known:
                path = next(path for path in world[:2] if vertex in path)
                place = path.index(vertex)
                split[frozenset(path[max(0, place - 1) : place] + path[place + 1 : place + 2])].append(world)
            most = max(most, sum(best(part, left - 1) for part in split.values()))
            if most == len(known):
                break
        return most

    every = list(worlds(length))
    return Fraction(best(every, queries), len(every))


@pytest.mark.parametrize(("length", "queries"), [(1, 0), (2, 0), (3, 0), (3, 1), (4, 1)])
def test_fewer_queries_than_half_the_length_leave_the_best_questioner_at_one_half(length: int, queries: int) -> None:
    assert 2 * queries < length
    assert best_accuracy(length, queries) == Fraction(1, 2)
    assert theory.two_paths(length, queries) == theory.two_paths(length, queries, "scatter") == 0.5


@pytest.mark.parametrize("length", [1, 2])
def test_as_many_queries_as_the_length_solve_it(length: int) -> None:
    assert best_accuracy(length, length) == 1
    assert theory.two_paths(length, length) == 1.0


def test_one_query_in_the_middle_can_help_so_one_half_is_no_accident_below_it() -> None:
    assert best_accuracy(2, 1) > Fraction(1, 2)


@given(length=st.integers(1, 60), queries=st.integers(0, 130))
def test_the_two_path_facts_hold_at_any_length(length: int, queries: int) -> None:
    walk, scatter = theory.two_paths(length, queries), theory.two_paths(length, queries, "scatter")
    assert walk == (1.0 if queries >= length else 0.5)
    assert 0.5 <= scatter <= 1.0
    if 2 * queries < length:
        assert scatter == 0.5
    if queries >= 2 * length + 1:  # at most one vertex is left out
        assert scatter == pytest.approx(1.0)


def test_scattered_queries_are_every_choice_counted() -> None:
    for length, queries in ((3, 4), (4, 5), (4, 7), (5, 6)):
        seen = total = 0
        for chosen in itertools.combinations(range(2 * length + 2), queries):
            total += 1
            seen += any(
                all({place, place + 1} & set(chosen) for place in range(first, first + length))
                for first in (0, length + 1)
            )
        assert theory.two_paths(length, queries, "scatter") == pytest.approx(0.5 + seen / total / 2)


@pytest.mark.parametrize(("length", "queries", "order"), [(6, 8, "scatter"), (6, 2, "scatter"), (9, 8, "walk")])
def test_drawn_queries_agree_with_the_count(length: int, queries: int, order: str) -> None:
    """50,000 trials: a difference of .008 would be found out."""
    drawn = theory.draw_two_paths(length, queries, order, trials=50_000, seed=8)
    assert plausible(drawn.right, drawn.trials, theory.two_paths(length, queries, order))
    assert theory.draw_two_paths(9, 9, trials=2000).right == 2000


def edges_walked(neighbours: dict[int, list[int]], goal: int, rng: random.Random) -> int:
    """A blind walk through a real graph: any edge not walked yet, back for free where there is none or one was here."""
    walked: set[frozenset[int]] = set()
    seen, trail, edges = {0}, [0], 0
    while True:
        here = trail[-1]
        free = [there for there in neighbours[here] if frozenset((here, there)) not in walked]
        if not free:
            trail.pop()
            continue
        there = rng.choice(free)
        walked.add(frozenset((here, there)))
        edges += 1
        if there == goal:
            return edges
        if there not in seen:
            seen.add(there)
            trail.append(there)


@pytest.mark.parametrize(("depth", "short", "long", "dead_end"), [(1, 1, 3, 2), (3, 1, 3, 2), (4, 2, 3, 0)])
def test_the_reach_in_a_bridge_graph_is_that_of_blind_walks_through_the_tasks_own_graphs(
    depth: int, short: int, long: int, dead_end: int
) -> None:
    """8,000 walks: a reach that is off by .02 would be found out at some budget."""
    neighbours = defaultdict(list)
    for one, other in component(depth, short, long, dead_end):
        neighbours[one].append(other)
        neighbours[other].append(one)
    rng = random.Random(9)
    taken = np.array([edges_walked(neighbours, depth, rng) for _ in range(8000)])
    for steps in range(depth * short - 1, int(taken.max()) + 1, 2):
        reach = theory.bridge_reach(depth, steps, short, long, dead_end)
        assert plausible(int((taken <= steps).sum()), taken.size, reach), steps


def test_a_bridge_by_hand() -> None:
    assert theory.bridge_reach(1, 0) == 0
    assert theory.bridge_reach(1, 1) == pytest.approx(1 / 3)  # the short arm, out of three ways
    assert theory.bridge_reach(1, 3) == pytest.approx(1 / 3 + 1 / 3 + 1 / 6)  # the long one; the dead end, then short
    assert theory.bridge_reach(2, 2) == pytest.approx(1 / 3 / 4)  # four ways at the second junction
    assert theory.bridge_reach(2, 10_000) == pytest.approx(1.0)
    assert theory.bridge_accuracy(2, 2) == pytest.approx(0.5 + 1 / 24)


def test_a_short_chain_is_exponentially_close_to_a_coin_and_its_votes_grow_exponentially_with_the_depth() -> None:
    depths = np.arange(2, 17)
    for budget in (1, 2):  # edges for each cycle; a mean cycle takes 3.9
        gain = np.log([theory.bridge_accuracy(int(d), budget * int(d)) - 0.5 for d in depths])
        votes = np.log([theory.bridge_votes(int(d), budget * int(d)) for d in depths])
        for values, sign in ((gain, -1), (votes, 1)):
            slope, start = np.polyfit(depths, values, 1)
            left = values - slope * depths - start
            assert sign * slope > 0.3
            assert 1 - left.var() / values.var() > 0.995
        assert np.polyfit(depths, votes, 1)[0] == pytest.approx(-2 * np.polyfit(depths, gain, 1)[0], rel=0.05)
    assert theory.bridge_votes(12, 12 * 9) <= 3  # a long walk needs no vote
    assert theory.bridge_votes(3, 2) == math.inf
