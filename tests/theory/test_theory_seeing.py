"""Looks, searches, notes and texts read again: against every case written out, and against the strategies counted."""

from itertools import combinations, product

import numpy as np
import pytest

from fourdials import theory
from fourdials.errors import InputError
from fourdials.strategies.hybrid.subtask_tree import _Tree


@pytest.mark.parametrize(("junctions", "doors"), [(1, 4), (2, 3), (3, 2), (3, 4)])
def test_doors_tried_are_all_ways_written_out(junctions, doors):
    ways = [sum(way) for way in product(range(1, doors + 1), repeat=junctions)]
    for tries in range(junctions * doors + 2):
        assert theory.doors_tried(junctions, doors, tries) == pytest.approx(np.mean([way <= tries for way in ways]))


def test_without_junctions_the_way_is_found_and_with_one_door_a_look_at_each_is_enough():
    assert theory.doors_tried(0, 5, 0) == 1
    assert theory.doors_tried(3, 1, [2, 3]).tolist() == [0, 1]


def test_searches_are_all_outcomes_written_out():
    recall, distraction, passages = 0.6, 0.1, 2
    for hops, number in product(range(4), range(6)):
        whole = 0.0
        for found in product([0, 1], repeat=number):
            chance = np.prod([recall if each else 1 - recall for each in found])
            beside = max(number * passages - hops, 0)
            whole += chance * (sum(found) >= hops) * (1 - distraction) ** beside
        assert theory.searches(hops, number, recall, distraction, passages) == pytest.approx(whole)


def test_searches_only_rise_without_distraction_and_fall_in_the_end_with_it():
    number = np.arange(40)
    assert (np.diff(theory.searches(3, number, 0.5)) >= 0).all()
    found = theory.searches(3, number, 0.5, 0.05, 2)
    assert found[-1] < 0.5 * found.max()


@pytest.mark.parametrize(("facts", "needed"), [(6, 2), (5, 5), (7, 1), (4, 0)])
def test_facts_kept_by_chance_are_all_notes_written_out(facts, needed):
    for kept in range(facts + 1):
        notes = list(combinations(range(facts), kept))
        held = np.mean([set(range(needed)) <= set(note) for note in notes])
        assert theory.facts_kept(facts, needed, kept) == pytest.approx(held)
        assert theory.facts_kept(facts, needed, kept, 1.0) == (kept >= needed)
        assert theory.facts_kept(facts, needed, kept, 0.25) == pytest.approx(0.25 * (kept >= needed) + 0.75 * held)


def test_a_note_cannot_need_more_facts_than_there_are():
    with pytest.raises(InputError, match="needed"):
        theory.facts_kept(3, 4, 1)


def test_prompts_are_counted_call_by_call():
    question, found, evidence = 60.0, 300.0, 30.0
    for number in range(1, 8):
        one = sum(question + found * j for j in range(1, number + 1))
        apart = sum(question + evidence * j for j in range(number)) + found * number + question + evidence * number
        assert theory.one_context(number, question, found) == one
        assert theory.planned(number, question, found, evidence) == apart


@pytest.mark.parametrize("branch", [2, 3, 4, 7])
def test_open_entries_are_what_the_strategy_shows(branch):
    shown = theory.open_entries(130, branch)
    for steps in range(131):
        tree = _Tree(object(), [None] * (steps + 1), [str(i) for i in range(steps)], branch)
        assert shown[steps] == len(tree.pruned(0))


def test_256_steps_in_fours_never_show_more_than_twelve_entries():
    assert theory.open_entries(256, 4).max() == 12  # 255 is 3333 in base 4
    assert theory.open_entries(0, 4).tolist() == [0]
    assert theory.facts_kept(4, 2, 2) == pytest.approx(1 / 6)
