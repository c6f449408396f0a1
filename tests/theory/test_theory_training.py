"""Compositions met in training, entropy, and chains of revisions side by side: by hand and case by case."""

import math
from itertools import product

import numpy as np
import pytest

from fourdials import theory
from fourdials.errors import InputError


def test_compositions_met_are_all_draws_written_out():
    # Two rules twice in a row are 4 ways; three examples drawn from them, each of 64 sequences alike.
    met = np.mean([len(set(drawn)) / 4 for drawn in product(range(4), repeat=3)])
    assert theory.by_heart(2, 2, 3) == pytest.approx(met)
    assert theory.by_heart(2, 1, 2) == 0.75
    assert theory.by_heart(7, 3, 0) == 0
    assert theory.by_heart(1, 5, 1) == 1


def test_reward_ends_at_its_ceiling_when_entropy_is_used_up():
    assert theory.entropy_reward(0.0, 0.1, 0.6) == pytest.approx(0.6)
    assert theory.entropy_reward(math.log(2), 0.1, 0.6) == pytest.approx(0.5)  # −0.1·2 + 0.7
    with pytest.raises(InputError, match="entropy"):
        theory.entropy_reward(-1.0, 0.1, 0.6)


def test_a_vote_over_chains_is_every_way_they_can_go():
    first, mend, spoil, width, each = 0.6, 0.3, 0.2, 3, 2
    chains = []
    for answers in product([0, 1], repeat=each):
        chance, last = 1.0, None
        for right in answers:
            rate = first if last is None else (1 - spoil if last else mend)
            chance *= rate if right else 1 - rate
            last = right
        chains.append((chance, answers[-1]))
    whole = sum(
        math.prod(chance for chance, _ in drawn)
        for drawn in product(chains, repeat=width)
        if sum(right for _, right in drawn) > width / 2
    )
    assert theory.wide_and_deep(first, mend, spoil, width * each, width) == pytest.approx(whole)


def test_the_ends_of_the_shape_are_one_chain_and_a_plain_vote():
    assert theory.wide_and_deep(0.6, 0.1, 0.2, 16, 1) == pytest.approx(theory.revisions(0.6, 0.1, 0.2, 15)[-1])
    assert theory.wide_and_deep(0.6, 0.1, 0.2, 16, 16, 0.2) == pytest.approx(float(theory.majority_vote(0.6, 16, 0.2)))
    with pytest.raises(InputError, match="multiple"):
        theory.wide_and_deep(0.6, 0.1, 0.2, 16, 3)
