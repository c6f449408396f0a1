"""Closed forms of many steps, voted on or not, against brute force, Monte Carlo and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourdials import theory
from fourdials.errors import InputError
from tests.odds import plausible, rates


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
