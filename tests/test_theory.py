"""Closed forms against brute force, Monte Carlo at a stated confidence, and values worked out by hand.

Monte Carlo comparisons accept an exact two-sided binomial p-value above .001 at a fixed seed: right code fails once in
a thousand seeds, and each says how far off a wrong one would have to be to slip through.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from fourdials import theory
from fourdials.errors import InputError
from fourdials.tasks.bridge_graph import component

rates = st.floats(0.01, 0.99)
settings.register_profile("untimed", deadline=None)  # nothing timed is asserted: the machine may be busy
settings.load_profile("untimed")


def plausible(right: int, trials: int, expected: float) -> bool:
    """True if so many successes are no surprise (p > .001) at the expected rate."""
    return binomtest(right, trials, min(1.0, max(0.0, expected))).pvalue > 0.001


# ---- many answers to one question


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


# ---- many steps


@pytest.mark.parametrize(
    ("error", "lead"),
    [
        (0.3571, 29),
        (0.0040, 4),
        (0.0022, 3),
        (0.0018, 3),
        (0.1839, 12),
        (0.0358, 6),
        (0.2342, 15),
        (0.0569, 6),
        (0.0393, 6),
    ],
)
def test_the_nine_leads_of_the_source_for_a_tower_of_20_disks(error: float, lead: int) -> None:
    """Meyerson et al. 2025: 1,048,575 steps, all right with probability .95."""
    steps = theory.hanoi_steps(20)
    assert steps == 1_048_575
    assert theory.least_lead(1 - error, steps, 0.95) == lead
    assert float(theory.all_right(1 - error, lead, steps)) >= 0.95 > float(theory.all_right(1 - error, lead - 1, steps))


@given(p=st.floats(0.55, 0.999), steps=st.integers(1, 10**6), target=st.floats(0.5, 0.999), per_call=st.integers(1, 8))
def test_the_least_lead_is_the_least_that_suffices(p: float, steps: int, target: float, per_call: int) -> None:
    lead = theory.least_lead(p, steps, target, per_call)
    assert float(theory.all_right(p, lead, steps, per_call)) >= target * (1 - 1e-9)
    assert lead == 1 or float(theory.all_right(p, lead - 1, steps, per_call)) < target * (1 + 1e-9)


@settings(max_examples=25)
@given(p=rates, k=st.integers(1, 6))
def test_a_lead_and_its_votes_are_the_gamblers_ruin_solved_as_linear_equations(p: float, k: int) -> None:
    """P(win) and expected votes from each lead between −k and k, by solving for all of them at once."""
    size = 2 * k - 1
    system = np.eye(size) - np.diag(np.full(size - 1, p), 1) - np.diag(np.full(size - 1, 1 - p), -1)
    wins = np.linalg.solve(system, np.eye(size)[-1] * p)
    votes = np.linalg.solve(system, np.ones(size))
    assert float(theory.lead_right(p, k)) == pytest.approx(wins[k - 1])
    assert float(theory.expected_votes(p, k)) == pytest.approx(votes[k - 1])
    chances = theory.votes_pmf(p, k, 3000)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances * np.arange(3001)).sum() == pytest.approx(votes[k - 1])


def test_leads_worked_out_by_hand_and_at_the_edges() -> None:
    assert float(theory.lead_right(0.9, 2)) == pytest.approx(81 / 82)
    assert float(theory.expected_votes(0.9, 2)) == pytest.approx(2 / 0.82)  # decided in pairs: .81 + .01 of them
    assert theory.expected_votes([0.0, 0.5, 1.0], 7) == pytest.approx([7, 49, 7])
    assert theory.lead_right([0.0, 0.5, 1.0], 7) == pytest.approx([0, 0.5, 1])
    assert theory.all_right(0.0, 3, [0, 1]) == pytest.approx([1, 0])
    assert float(theory.all_right(0.9, 2, 10, per_call=5)) == pytest.approx((81 / 82) ** 2)
    assert theory.least_lead(1.0, 10**6) == 1
    assert theory.chain_cost(0.9, 2, 11, call=50, per_call=5, calls_per_vote=2) == pytest.approx(3 * 2 / 0.82 * 2 * 50)
    with pytest.raises(InputError, match=r"above 0\.5"):
        theory.least_lead(0.5, 10)


def test_correlation_turns_a_lead_of_one_into_nothing_and_a_long_one_into_the_share_of_good_questions() -> None:
    assert theory.lead_right([0.0, 0.7, 1.0], 1, 0.4) == pytest.approx([0, 0.7, 1])  # one vote is right with p
    assert float(theory.lead_right(0.7, 9, 1.0)) == pytest.approx(0.7)
    # Beta(2, 1) at p = 2/3 and ρ = 1/4: three quarters of the questions have a rate above one half.
    assert float(theory.lead_right(2 / 3, 500, 0.25)) == pytest.approx(0.75, abs=2e-3)
    assert float(theory.all_right(0.7, 3, 5, correlation=0.2)) == pytest.approx(
        float(theory.lead_right(0.7, 3, 0.2)) ** 5
    )


def test_red_flags_by_hand() -> None:
    kept = theory.flagged(0.8, right=0.1, wrong=0.6)  # .72 right and .08 wrong replies are left
    assert (kept.p, kept.calls_per_vote) == (pytest.approx(0.9), pytest.approx(1.25))
    assert theory.flagged(0.8, 0.3, 0.3).p == pytest.approx(0.8)


def test_a_million_voted_steps_agree_with_the_closed_forms() -> None:
    """p = .9, k = 4: 160 errors are expected: a simulator that erred a third more often would be found out. The votes
    are known to one in nine hundred."""
    steps = theory.hanoi_steps(20)
    played = theory.voted_chain(steps, 0.9, 4, seed=3)
    assert plausible(played.errors, steps, 1 - float(theory.lead_right(0.9, 4)))
    assert plausible(played.agreed_wrong, steps, 0.01)
    assert played.calls == played.votes
    chances, places = theory.votes_pmf(0.9, 4, 500), np.arange(501)
    mean = float(theory.expected_votes(0.9, 4))
    error = math.sqrt(float((chances * places**2).sum() - mean**2) / steps)
    assert abs(played.votes / steps - mean) < 3.29 * error < mean / 900
    assert played == theory.voted_chain(steps, 0.9, 4, seed=3)


def test_a_tower_of_20_disks_has_no_error_at_the_least_lead_and_many_at_a_lower_one() -> None:
    steps = theory.hanoi_steps(20)
    lead = theory.least_lead(0.9642, steps)
    assert (lead, theory.voted_chain(steps, 0.9642, lead, seed=1).errors) == (6, 0)
    low = theory.voted_chain(steps, 0.9642, 2, seed=1)
    assert low.errors > 1000
    assert low.first_error is not None
    assert low.first_error < 10_000


def test_correlated_errors_defeat_the_vote_and_show_in_its_first_two_votes() -> None:
    """Beta rates with correlation .3: both first votes are wrong with q² + ρq(1 − q)."""
    played = theory.voted_chain(300_000, 0.9, 6, correlation=0.3, seed=2)
    assert plausible(played.agreed_wrong, played.steps, 0.01 + 0.3 * 0.09)
    assert plausible(played.errors, played.steps, 1 - float(theory.lead_right(0.9, 6, 0.3)))
    assert played.errors > 100 * played.steps * (1 - float(theory.lead_right(0.9, 6)))
    alike = theory.voted_chain(50_000, 0.9, 6, correlation=1.0, seed=2)
    assert plausible(alike.errors, alike.steps, 0.1)
    assert alike.votes == 6 * alike.steps


def test_red_flags_in_a_simulated_chain_agree_with_bayes() -> None:
    kept = theory.flagged(0.8, 0.1, 0.6)
    played = theory.voted_chain(200_000, 0.8, 2, flagged_right=0.1, flagged_wrong=0.6, seed=4)
    assert plausible(played.errors, played.steps, 1 - float(theory.lead_right(kept.p, 2)))
    assert plausible(played.votes, played.calls, 1 / kept.calls_per_vote)


def test_rates_may_differ_from_step_to_step() -> None:
    rate = np.tile([1.0, 0.0], 500)
    played = theory.voted_chain(1000, rate, 3, seed=0)
    assert (played.errors, played.first_error, played.votes) == (500, 1, 3000)


@given(strength=st.floats(0, 50), length=st.integers(0, 12))
def test_snowballing_errors_stay_below_the_published_bound_and_meet_it_where_no_step_is_sure(
    strength: float, length: int
) -> None:
    found = theory.snowball(strength, length)
    bound = [strength**step * math.exp(-step * (step + 1) / 2) for step in range(length + 1)]
    assert (found <= np.array(bound) + 1e-12).all()
    if strength <= math.e:
        assert found == pytest.approx(bound)
    rate = theory.snowball_rates(strength, length)
    assert len(rate) == length
    assert (np.diff(rate) <= 0).all()


def test_chains_and_wandering_by_hand() -> None:
    assert theory.chain(0.9, [0, 1, 3]) == pytest.approx([1, 0.9, 0.729])
    assert theory.wandering(0.4, [0, 2]) == pytest.approx([1, 0.64])


@given(first=rates, mend=rates, spoil=rates, number=st.integers(0, 20))
def test_revisions_follow_the_two_state_chain_step_by_step(
    first: float, mend: float, spoil: float, number: int
) -> None:
    walked = [first]
    for _ in range(number):
        walked.append(walked[-1] * (1 - spoil) + (1 - walked[-1]) * mend)
    assert theory.revisions(first, mend, spoil, number) == pytest.approx(walked)


def test_a_walk_arrives_as_counted_by_hand() -> None:
    corridor = [[0, 1, 0], [0.25, 0, 0.75], [0, 0, 1]]
    assert theory.arrival(corridor, 0, 2, 4) == pytest.approx([0, 0, 0.75, 0.75, 0.75 + 0.25 * 0.75])
    assert theory.arrival(corridor, 2, 2, 1) == pytest.approx([1, 1])
    with pytest.raises(InputError, match="add up to 1"):
        theory.arrival([[0.5, 0.4], [0, 1]], 0, 1, 3)


# ---- walks


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


# ---- budgets


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
