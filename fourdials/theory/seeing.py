"""What looking buys where not everything is in view, and what more of it costs: doors tried, passages found and in the
way, texts read again with every call. Forms of our own, as simple as the claims they stand beside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import comb
from scipy.stats import binom

from fourdials.theory.ranges import Array, Ints, amounts, count, counts, probabilities, probability


def doors_tried(junctions: int, doors: int, tries: ArrayLike) -> Array:
    """How often a way of so many junctions is found by so many looks: P(U_1 + … + U_d ≤ tries).

    At each junction one of the doors leads on. A look opens one; which is right cannot be seen before, and no door is
    opened twice, so that the right one is found at look 1 … doors, all alike. Our derivation: the d-fold convolution of
    the uniform distribution.

    Args:
        junctions: d, from 0 to 1,000; without any the way is found at once.
        doors: Of each junction, from 1 to 1,000.
        tries: Looks, from 0 on.
    """
    many, each = count("junctions", junctions, most=1000), count("doors", doors, least=1, most=1000)
    needed = np.ones(1)
    for _ in range(many):
        needed = np.convolve(needed, np.concatenate([[0.0], np.full(each, 1 / each)]))
    done = np.minimum(np.cumsum(needed), 1.0)
    asked = counts("tries", tries)
    return np.asarray(done[np.minimum(asked, len(done) - 1)], dtype=np.float64)


def searches(hops: int, number: ArrayLike, recall: float, distraction: ArrayLike = 0.0, passages: int = 1) -> Array:
    """How often a question of several hops is answered after so many searches.

        P(X ≥ h) · (1 − δ)^(S·g − h),  X ~ Binomial(S, q)

    Each search finds the next passage that is needed with the same probability q, and brings g passages; each of them
    that is not needed misleads the reader with δ, and none is ever taken out of the context again. With δ = 0 it only
    rises; with δ > 0 it falls in the end. Our derivation.

    Args:
        hops: h, passages needed one after the other; from 0 on.
        number: S, searches; from 0 on.
        recall: q, that a search finds the next needed passage.
        distraction: δ, that a passage which is not needed misleads.
        passages: g, passages a search brings; from 1 on.
    """
    wanted, asked = count("hops", hops), counts("number", number)
    found = binom.sf(wanted - 1, asked, probability("recall", recall))
    beside = np.maximum(asked * count("passages", passages, least=1) - wanted, 0)
    return np.asarray(found * (1 - probabilities("distraction", distraction)) ** beside, dtype=np.float64)


def facts_kept(facts: int, needed: int, kept: ArrayLike, foresight: float = 0.0) -> Array:
    """How often a note holds all facts that a question turns out to need: κ·[m ≥ r] + (1 − κ)·C(F − r, m − r)/C(F, m).

    Of F facts a note keeps m. Whoever knows the question (with probability κ) keeps the r needed ones first; whoever
    does not keeps any, and holds all of them with the hypergeometric probability. Our derivation.

    Args:
        facts: F, from 0 to 10,000.
        needed: r, of them; from 0 to F.
        kept: m, from 0 on; more than there are keep all.
        foresight: κ, that the writer knows what will be asked.
    """
    total = count("facts", facts, most=10_000)
    wanted, knows = count("needed", needed, most=total), probability("foresight", foresight)
    room = np.minimum(counts("kept", kept), total)
    enough = room >= wanted
    # C(F − r, m − r)/C(F, m) = C(m, r)/C(F, r), which never overflows for the few facts a question needs.
    blind = np.where(enough, comb(room, wanted) / comb(total, wanted), 0.0)
    return np.asarray(knows * enough + (1 - knows) * blind, dtype=np.float64)


def one_context(searches: ArrayLike, question: float, found: float) -> Array:
    """Prompt tokens of an agent that keeps all it finds in one growing context: S·q + g·S(S + 1)/2.

    Its call after the j-th search reads the question and all of the j results. Counted from the strategy `retrieve`.

    Args:
        searches: S, from 0 on.
        question: q, tokens of question and instructions.
        found: g, tokens that a search brings.
    """
    number = counts("searches", searches)
    begun, brought = amounts("question", question), amounts("found", found)
    return np.asarray(number * begun + brought * number * (number + 1) / 2, dtype=np.float64)


def planned(searches: ArrayLike, question: float, found: float, evidence: float) -> Array:
    """Prompt tokens of planner, searchers and one synthesis: S·q + e·S(S − 1)/2 + S·g + q + S·e.

    The planner reads the question and the evidence so far, each searcher only what its search brought, and the
    synthesis the question and all evidence. Counted from the strategy `plan_and_retrieve`.

    Args:
        searches: S, from 0 on.
        question: q, tokens of question and instructions.
        found: g, tokens that a search brings.
        evidence: e, tokens that a searcher hands back.
    """
    number, said = counts("searches", searches), amounts("evidence", evidence)
    begun, brought = amounts("question", question), amounts("found", found)
    planner = number * begun + said * number * (number - 1) / 2
    return np.asarray(planner + number * brought + begun + number * said, dtype=np.float64)


def open_entries(steps: int, branch: int) -> Ints:
    """Entries a tree of conclusions shows before step 1 … steps + 1: the digit sum of the steps done, in base b.

    So many steps done leave, of each height i, as many finished branches as the digit of b^i says; each is one line.
    At most (b − 1)·⌈log_b(n + 1)⌉, where a full transcript shows n (the trees of Luo et al. 2025, arXiv 2507.16784;
    count: our derivation for the strategy `subtask_tree`).

    Args:
        steps: From 0 to a million.
        branch: b, subtasks that make up the one above them; from 2 on.
    """
    left: Ints = np.arange(count("steps", steps, most=10**6) + 1)
    base, shown = count("branch", branch, least=2), np.zeros(len(left), dtype=np.int64)
    while left.any():
        shown += left % base
        left //= base
    return shown
