"""Judges of C1 to C7 on runs made by hand: it holds, it does not, there is too little to say, it cannot be tested."""

import numpy as np
import polars as pl
import pytest

from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, SHOWN, UNDECIDED, UNTESTABLE
from tests.claims.made import FEW, MANY, Made, arm, judged, problem, rates, said


def chain_and_votes(lead):
    arms = [
        arm("chain", "chain_of_thought", "sequential", levels=(4,)),
        arm("votes", "thought_vote", levels=(1, 2, 4), tokens=32),
    ]
    return arms, lambda name, where, level: 0.5 + (lead * where["difficulty"] / 4 if name == "chain" else 0.0)


@pytest.mark.parametrize(
    ("lead", "n", "outcome"), [(0.45, MANY, REPRODUCED), (-0.45, MANY, NOT_REPRODUCED), (0.1, FEW, UNDECIDED)]
)
def test_c1_asks_for_a_lead_of_the_chain_that_grows_with_depth(lead, n, outcome):
    found = judged("C1", Made(*chain_and_votes(lead), n))
    assert found.outcome == outcome
    assert found.n == n
    assert (found.needed is None) == (outcome != UNDECIDED)


def deeper(votes_needed):
    """A chain that gets better with depth, and votes of which 2 to the power of `votes_needed(depth)` reach 2/3."""
    arms = [
        arm("chain", "chain_of_thought", "sequential", levels=(512,)),
        arm("votes", "thought_vote", levels=(1, 2, 4, 8, 16, 32, 64), tokens=32),
    ]

    def rate(name, where, level):
        if name == "chain":
            return 0.6 + where["difficulty"] / 10
        return 0.45 + (2 / 3 - 0.45) * (level.bit_length() / (1 + votes_needed(where["difficulty"])))

    return arms, rate


def test_c1_asks_for_the_logarithm_of_the_votes_needed_to_grow_with_depth():
    growing = judged("C1", Made(*deeper(lambda depth: depth), 4000))
    name = "The logarithm of the votes needed for two thirds grows with difficulty (doublings a step)"
    assert said(growing)[name] == REPRODUCED
    slope = next(check for check in growing.checks if check.said == name)
    assert slope.value == pytest.approx(1.0, abs=0.25)
    assert said(judged("C1", Made(*deeper(lambda depth: 5 - depth), 4000)))[name] == NOT_REPRODUCED


def test_c1_says_where_votes_never_reach_two_thirds_and_holds_in_part():
    found = judged("C1", Made(*chain_and_votes(0.45), MANY))
    assert found.told == "reproduced, in part"
    assert [outcome for name, outcome in said(found).items() if name.startswith("The logarithm")] == [UNTESTABLE]
    assert any("more than 4 at 2" in name for name in said(found))


def test_c1_compares_a_chain_with_votes_of_the_same_model_only():
    arms, rate = chain_and_votes(0.45)
    arms[1]["lineup"] = '{"solver": "model/other"}'
    found = judged("C1", Made(arms, rate, MANY))
    assert found.outcome == UNTESTABLE
    assert "model/a" in found.reasons[0]


@pytest.mark.parametrize(
    ("wide", "n", "outcome"), [(0.7, MANY, REPRODUCED), (0.3, MANY, NOT_REPRODUCED), (0.5, FEW, UNDECIDED)]
)
def test_c2_asks_for_width_within_three_points_and_a_shorter_path(wide, n, outcome):
    arms = [
        arm("16 x 1", "width_depth", "hybrid", levels=(16,), cost=1.0, depth=1),
        arm("1 x 16", "width_depth", "hybrid", levels=(16,), cost=9.0, depth=16),
    ]
    assert judged("C2", Made(arms, rates(**{"16 x 1": wide, "1 x 16": 0.5}), n)).outcome == outcome


@pytest.mark.parametrize(("wide", "outcome"), [(0.7, REPRODUCED), (0.3, NOT_REPRODUCED)])
def test_c2_holds_runs_of_a_recursive_net_against_one_deep_run_at_equal_passes(wide, outcome):
    arms = [
        arm("1 x 16", "chain_of_thought", "sequential", levels=(1, 4, 16), solver="m/plain", cost=1.0),
        arm("2 x 8", "thought_vote", levels=(1, 2), solver="m/noise", cost=8.0, tokens=8),
        arm("added, 4 x 4", "thought_vote", levels=(1, 2, 4), solver="m/plain", cost=4.0, tokens=4),
        arm("learned, 4 x 4", "thought_vote", levels=(1, 2, 4), solver="m/noise", cost=4.0, tokens=4),
    ]
    right = {"learned, 4 x 4": wide, "added, 4 x 4": 0.8, "2 x 8": 0.0, "1 x 16": 0.5}
    found = judged("C2", Made(arms, rates(**right), MANY), "scale model")
    closeness = [check for check in found.checks if "3 points" in check.said]
    assert "learned, 4 x 4 is at most 3 points behind 1 x 16 at the same number of passes" in closeness[0].said
    assert [check.outcome for check in closeness] == [outcome, REPRODUCED]
    assert (found.outcome == NOT_REPRODUCED) == (outcome == NOT_REPRODUCED)


@pytest.mark.parametrize(
    ("gain", "n", "outcome"), [(0.2, MANY, REPRODUCED), (-0.2, MANY, NOT_REPRODUCED), (0.05, FEW, UNDECIDED)]
)
def test_c3_asks_for_votes_that_gain_for_both_models(gain, n, outcome):
    arms = [
        arm("a", "majority_vote", levels=(1, 8), solver="m/instruct"),
        arm("b", "majority_vote", levels=(1, 8), solver="m/reasoning"),
    ]
    assert judged("C3", Made(arms, lambda name, where, level: 0.4 + gain * (level == 8), n)).outcome == outcome


def test_c3_takes_a_gain_that_must_be_tiny_for_none_and_shows_the_interaction():
    arms = [
        arm("direct", "majority_vote", levels=(1, 8), solver="m/direct", cost=1.0),
        arm("reasoner", "thought_vote", levels=(1, 8), solver="m/reasoner", cost=20.0, tokens=24),
    ]
    made = Made(arms, lambda name, where, level: 0.25 if name == "direct" else 0.5 + 0.3 * (level == 8), 3000)
    found = judged("C3", made)
    assert found.outcome == NOT_REPRODUCED
    assert said(found)["Votes gain something for m/reasoner"] == REPRODUCED
    interaction = next(check for check in found.checks if check.said.startswith("Interaction"))
    assert (interaction.outcome, interaction.value) == (SHOWN, pytest.approx(0.3, abs=0.05))
    assert interaction.said == "Interaction: how much more a vote brings m/reasoner than m/direct"


def test_c3_compares_votes_over_thoughts_where_a_model_has_both():
    arms = [
        arm("a, thoughts", "thought_vote", levels=(1, 8), solver="m/instruct"),
        arm("b, answers", "majority_vote", levels=(1, 8), solver="m/instruct"),
        arm("c", "thought_vote", levels=(1, 8), solver="m/reasoning", tokens=16000),
    ]

    def rate(name, where, level):
        return 0.4 + 0.2 * (level == 8) * (name != "b, answers")

    assert judged("C3", Made(arms, rate, MANY)).outcome == REPRODUCED


def test_c3_cannot_be_tested_with_one_model():
    found = judged("C3", Made([arm("a", "majority_vote", levels=(1, 8))], lambda *_: 0.5, 50))
    assert found.outcome == UNTESTABLE
    assert "one model only" in found.reasons[0]


def mazes(n):
    return [
        problem(i, name=f"1-{i}-{view}", cluster=f"1-{i}", task="maze")
        for i in range(n)
        for view in ("partial", "full")
    ]


ACTING = [
    arm("act", dial="interaction", levels=(4,)),
    arm("act_think_longer", dial="interaction", levels=(4,), tokens=24),
]


def leads(hidden, shown):
    """The lead of more steps where the map is hidden, and where it is in view."""

    def rate(name, where, level):
        view = where["problem_id"].split("-")[-1]
        return 0.4 + (name == "act") * (hidden if view in ("partial", "hidden") else shown)

    return rate


@pytest.mark.parametrize(
    ("hidden", "shown", "n", "outcome"),
    [
        (0.4, 0.0, 4000, REPRODUCED),
        (-0.3, 0.0, MANY, NOT_REPRODUCED),
        (0.4, 0.4, MANY, NOT_REPRODUCED),
        (0.1, 0.0, FEW, UNDECIDED),
    ],
)
def test_c4_asks_for_a_lead_of_steps_that_is_gone_where_the_map_is_in_view(hidden, shown, n, outcome):
    assert judged("C4", Made(ACTING, leads(hidden, shown), mazes(n))).outcome == outcome


def rivers(n, view):
    return [problem(i, name=f"204-{i}-{view}", cluster=f"204-{i}", task="rivers") for i in range(n)]


def test_c4_reads_two_runs_together_of_which_one_has_the_map_in_view():
    hidden = Made(ACTING, leads(0.4, 0.0), rivers(4000, "hidden"), name="hidden")
    thinks = arm("think", "chain_of_thought", "sequential", levels=(4,))
    shown = Made([*ACTING, thinks], leads(0.4, 0.0), rivers(3000, "shown"), name="shown")
    found = judged("C4", hidden, others=[shown])
    assert found.outcome == REPRODUCED
    assert [check.n for check in found.checks] == [4000, 3000, 4000, 3000, 3000]
    assert any("act over think, which takes no step" in name for name in said(found))
    assert judged("C4", shown, others=[hidden]).outcome == REPRODUCED


@pytest.mark.parametrize(("view", "told"), [("veiled", True), ("hidden", False)])
def test_c4_shows_a_thought_beside_the_steps_on_hidden_maps_only_where_the_thought_does_not_see_them(view, told):
    thinks = arm("think", "chain_of_thought", "sequential", levels=(4,))
    hidden = Made([*ACTING, thinks], leads(0.4, 0.0), rivers(300, view), name="hidden")
    shown = Made(ACTING, leads(0.4, 0.0), rivers(300, "shown"), name="shown")
    beside = "Where the map is hidden, act over think, which takes no step"
    assert (beside in said(judged("C4", hidden, others=[shown]))) == told
    plain = Made(ACTING, leads(0.4, 0.0), rivers(300, "hidden"), name="plain")
    assert (beside in said(judged("C4", shown, others=[plain, hidden]))) == told


def test_c4_needs_the_twins_with_the_same_model_and_arms():
    hidden = Made(ACTING, leads(0.4, 0.0), rivers(200, "hidden"), name="hidden")
    alone = judged("C4", hidden)
    assert alone.outcome == UNTESTABLE
    assert "no arm that acts on shown maps" in alone.reasons[0]
    others = [dict(each, lineup='{"solver": "model/other"}') for each in ACTING]
    twin = Made(others, leads(0.4, 0.0), rivers(200, "shown"), name="shown")
    assert "not both run with the map in view" in judged("C4", hidden, others=[twin]).reasons[0]
    strangers = [problem(i, name=f"9-{i}-shown", cluster=f"9-{i}", task="rivers") for i in range(200)]
    twin = Made(ACTING, leads(0.4, 0.0), strangers, name="shown")
    assert "no map was run both hidden and as its twin" in judged("C4", hidden, others=[twin]).reasons[0]


LEVELS = (1, 2, 4, 8, 16, 32, 64)


def saturating(name, where, level):
    return 0.8 * level / (level + 3)


@pytest.mark.parametrize(
    ("rate", "n", "outcome"),
    [(saturating, 3000, REPRODUCED), (lambda name, where, level: 0.9 - 0.8 * level / 64, 3000, NOT_REPRODUCED)],
)
@pytest.mark.parametrize("claim", ["C5", "C21"])
def test_c5_and_c21_ask_for_curves_that_rise_and_level_off(claim, rate, n, outcome):
    arms = [
        arm("retrieve", dial="search", levels=LEVELS),
        arm("chain_of_thought", dial="sequential", levels=LEVELS),
    ]
    assert judged(claim, Made(arms, rate, n)).outcome == outcome


@pytest.mark.parametrize("claim", ["C5", "C21"])
def test_c5_and_c21_stay_undecided_on_few_problems(claim):
    arms = [
        arm("retrieve", dial="search", levels=LEVELS),
        arm("chain_of_thought", dial="sequential", levels=LEVELS),
    ]
    flat = Made(arms, lambda name, where, level: 0.45 + 0.01 * (level > 8), FEW)
    assert judged(claim, flat).outcome == UNDECIDED


def test_c5_fails_where_more_of_a_budget_makes_things_worse_again():
    arms = [arm("retrieve", dial="search", levels=LEVELS), arm("chain_of_thought", dial="sequential", levels=LEVELS)]

    def peaks(name, where, level):
        return saturating(name, where, level) if name == "retrieve" else 0.2 + 0.6 * (level in (4, 8, 16))

    found = judged("C5", Made(arms, peaks, 3000))
    assert found.outcome == NOT_REPRODUCED
    fell = [outcome for name, outcome in said(found).items() if "does not fall back" in name]
    assert fell == [REPRODUCED, NOT_REPRODUCED]


def test_c5_rejects_one_shape_for_both_where_each_has_its_own():
    arms = [arm("retrieve", dial="search", levels=LEVELS), arm("chain_of_thought", dial="sequential", levels=LEVELS)]

    def own(name, where, level):
        if name == "retrieve":
            return 0.8 * (1 - 2.718281828 ** (-level / 4))
        return 0.8 / (1 + (level / 11) ** -6.0)

    alike = next(check for check in judged("C5", Made(arms, own, 4000)).checks if check.said.startswith("One family"))
    assert alike.value > 2
    assert alike.outcome == NOT_REPRODUCED


def test_c5_takes_thought_from_another_run_of_the_same_model_and_says_what_a_few_levels_cannot_show():
    search = Made([arm("retrieve", dial="search", levels=LEVELS)], saturating, 3000, name="hidden")
    thought = Made([arm("think", "chain_of_thought", "sequential", levels=LEVELS)], saturating, 3000, name="shown")
    assert judged("C5", search, others=[thought]).outcome == REPRODUCED
    short = Made([arm("think", "chain_of_thought", "sequential", levels=LEVELS[:4])], saturating, 3000, name="shown")
    assert judged("C5", search, others=[short]).told == "reproduced, in part"
    assert "neither it nor another run" in judged("C5", search).reasons[0]
    assert "no arm that searches" in judged("C5", thought).reasons[0]


def test_c5_reads_a_grid_of_searches_and_thought_where_there_is_one():
    tokens = (16, 32, 64, 128, 256)
    arms = [arm(f"{each} tokens", "retrieve", "search", levels=LEVELS, thought_tokens=each) for each in tokens]

    def rate(name, where, level):
        import math

        return 0.05 + 0.08 * math.log2(level) + 0.04 * math.log2(int(name.split()[0]) / 16)

    found = judged("C5", Made(arms, rate, 1500))
    worth = next(check for check in found.checks if check.said.startswith("Doublings of thought"))
    assert (worth.outcome, worth.value) == (SHOWN, pytest.approx(2.0, rel=0.3))
    assert said(found)["thought between searches (thought_tokens) gains something from its first budget to its last"]
    thinks = arm("think", "chain_of_thought", "sequential", levels=LEVELS)
    few = judged("C5", Made([*arms[:3], thinks], lambda *place: 0.5 if place[0] == "think" else rate(*place), 300))
    assert any(name.startswith("think gains something") for name in said(few)), "three lengths are too few for a fit"
    assert any(name.startswith("Doublings of thought") for name in said(few))
    other = [arms[0], arm("32 tokens, own", "retrieve", "search", levels=LEVELS, thought_tokens=32, queries="own")]
    alone = judged("C5", Made([*other, thinks], lambda *_: 0.5, 100))
    assert any(name.startswith("The whole grid") for name in said(alone)), "arms that differ in more are no grid"


def arrangements(by_tokens):
    costs = {"majority_vote": 100.0, "debate": 300.0, "orchestrate": 900.0}
    arms = [arm(name, levels=(1, 2, 4, 8), cost=cost) for name, cost in costs.items()]

    def rate(name, where, level):
        import math

        tokens = math.log(level * costs[name] / 100) / math.log(72)
        return 0.1 + 0.7 * (tokens if by_tokens else {"majority_vote": 1, "debate": 0, "orchestrate": 0.5}[name])

    return arms, rate


@pytest.mark.parametrize(("by_tokens", "outcome"), [(True, REPRODUCED), (False, NOT_REPRODUCED)])
def test_c6_asks_whether_tokens_or_the_arrangement_explain_the_scores(by_tokens, outcome):
    found = judged("C6", Made(*arrangements(by_tokens), 3000))
    assert found.outcome == outcome
    assert found.n == 3000


def drawn_caps(n, by_tokens):
    """Trials whose caps were drawn evenly on a log scale, of three ways to arrange the same model."""
    rng = np.random.default_rng(4)
    ways = {"single": 0.2, "majority_vote": 0.5, "orchestrate": 0.8}
    rows = []
    for way, rate in ways.items():
        for i in range(n):
            cap = float(np.exp(rng.uniform(np.log(200), np.log(3000))))
            chance = 0.1 + 0.8 * np.log(cap / 200) / np.log(15) if by_tokens else rate
            row = {"experiment_id": "run", "arm": way, "strategy": way, "model": "m", "max_level": 1, "tool_calls": 0}
            row |= {"task": "toy", "problem_id": f"p{i}", "cluster_id": f"p{i}"}
            rows.append(row | {"score": float(rng.random() < chance), "total_tokens": 0.9 * cap, "cap": cap})
    return Made([arm(way) for way in ways], lambda *_: 0.5, n, frames={"trial_spends": pl.DataFrame(rows)})


@pytest.mark.parametrize(("by_tokens", "outcome"), [(True, REPRODUCED), (False, NOT_REPRODUCED)])
def test_c6_reads_caps_drawn_at_random_and_else_holds_in_part_only(by_tokens, outcome):
    found = judged("C6", drawn_caps(1500, by_tokens))
    assert (found.outcome, found.told) == (outcome, outcome)
    shares = [check for check in found.checks if "LMG" in check.said]
    assert sum(check.value for check in shares) > (0.6 if by_tokens else 0.3)
    assert judged("C6", Made(*arrangements(True), 3000)).told == "reproduced, in part"


def test_c6_is_undecided_on_few_problems_and_refuses_too_few_configurations():
    arms, rate = arrangements(True)
    mixed = Made(arms, lambda name, where, level: 0.4 + 0.15 * rate(name, where, level), 30)
    assert judged("C6", mixed).outcome == UNDECIDED
    assert judged("C6", Made([arm("majority_vote"), arm("debate")], lambda *_: 0.5, 30)).outcome == UNTESTABLE


@pytest.mark.parametrize(
    ("short", "tokens", "n", "outcome"),
    [(0.6, 60, 1500, REPRODUCED), (0.6, 400, 1500, NOT_REPRODUCED), (0.5, 60, FEW, UNDECIDED)],
)
def test_c7_asks_for_a_short_note_that_loses_nothing(short, tokens, n, outcome):
    arms = [
        arm("everything", "handoff", "hybrid", levels=(512,), form="full"),
        arm("note", "handoff", "hybrid", levels=(16, 128), form="short"),
    ]
    made = Made(
        arms,
        rates(everything=0.5, note=short),
        n,
        steps=lambda name, where, score: {"handed_tokens": 500 if name == "everything" else tokens},
    )
    assert judged("C7", made).outcome == outcome
