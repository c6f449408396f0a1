"""Each judge on runs made by hand: the claim holds, it does not, and there is too little to say."""

import pytest

from fourdials import verdict
from fourdials.errors import InputError
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, UNDECIDED, UNTESTABLE
from tests.claims.made import Made, arm, problem

MANY, FEW = 600, 24


def judged(claim, made, origin="real"):
    return verdict.judge(verdict.claims()[claim], made.evidence(origin))


def rates(**by_arm):
    """A rate that depends on the arm alone."""
    return lambda name, where, level: by_arm[name]


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


@pytest.mark.parametrize(
    ("hidden", "n", "outcome"), [(0.4, MANY, REPRODUCED), (-0.3, MANY, NOT_REPRODUCED), (0.1, FEW, UNDECIDED)]
)
def test_c4_asks_for_a_lead_of_steps_that_shrinks_where_the_map_is_shown(hidden, n, outcome):
    arms = [arm("act", dial="interaction", levels=(4,)), arm("act_think_longer", dial="interaction", levels=(4,))]

    def rate(name, where, level):
        return 0.4 + (hidden if name == "act" and where["problem_id"].endswith("partial") else 0.0)

    assert judged("C4", Made(arms, rate, mazes(n))).outcome == outcome


def test_c4_needs_the_twins():
    arms = [arm("act", dial="interaction"), arm("act_think_longer", dial="interaction")]
    assert judged("C4", Made(arms, lambda *_: 0.5, 30)).outcome == UNTESTABLE


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


@pytest.mark.parametrize(
    ("rate", "n", "outcome"),
    [
        (lambda name, where, level: 0.9 if where["difficulty"] < 3.5 else 0.03, MANY, REPRODUCED),
        (lambda name, where, level: 0.1, MANY, NOT_REPRODUCED),
        (lambda name, where, level: 0.9 if where["difficulty"] < 2.5 else 0.09, FEW, UNDECIDED),
    ],
)
def test_c8_asks_for_half_of_the_samples_at_equal_coverage(rate, n, outcome):
    assert judged("C8", Made([arm("independent")], rate, n, pool=64)).outcome == outcome


@pytest.mark.parametrize(
    ("lead", "n", "outcome"), [(0.3, MANY, REPRODUCED), (-0.3, MANY, NOT_REPRODUCED), (0.05, FEW, UNDECIDED)]
)
def test_c8b_compares_two_sizes_at_equal_flops_on_the_easier_half(lead, n, outcome):
    arms = [
        arm("small", "majority_vote", levels=(1, 2, 4, 8), solver="groq/llama-3.1-8b-instant"),
        arm("large", "majority_vote", levels=(1,), solver="groq/llama-3.3-70b-versatile"),
    ]
    spec = {"models": {each["model"]: {"parameters": size} for each, size in zip(arms, (8e9, 64e9), strict=True)}}
    made = Made(arms, lambda name, where, level: 0.5 + lead * (name == "small" and level == 8), n, spec=spec)
    assert judged("C8b", made).outcome == outcome


@pytest.mark.parametrize("asked", ["single", "thought_vote"])
@pytest.mark.parametrize(
    ("goal", "n", "outcome"), [(0.95, 3000, REPRODUCED), (0.3, 3000, NOT_REPRODUCED), (0.6, FEW, UNDECIDED)]
)
def test_c9_compares_where_the_votes_level_off_with_one_sample_of_the_reasoning_model(goal, n, outcome, asked):
    arms = [
        arm("votes", "thought_vote", levels=(1, 2, 4, 8, 16, 32), solver="m/instruct"),
        arm("once", asked, solver="m/reasoning"),
    ]

    def rate(name, where, level):
        return goal if name == "once" else 0.6 * level / (level + 0.6)

    assert judged("C9", Made(arms, rate, n)).outcome == outcome


def scorers():
    return [
        arm(f"{kind} {grade}", kind, "hybrid", levels=(8,), reliability=grade)
        for kind in ("best_of_n", "beam", "mcts")
        for grade in (0.6, 1.0)
    ]


@pytest.mark.parametrize(
    ("beam", "n", "outcome"), [(0.0, 6000, REPRODUCED), (0.2, 6000, NOT_REPRODUCED), (0.0, FEW, UNDECIDED)]
)
def test_c10_asks_for_equivalent_algorithms_and_a_scorer_that_matters_more(beam, n, outcome):
    def rate(name, where, level):
        return (0.7 if name.endswith("1.0") else 0.3) + beam * name.startswith("beam")

    assert judged("C10", Made(scorers(), rate, n)).outcome == outcome


@pytest.mark.parametrize(
    ("voted", "n", "outcome"), [(1.0, MANY, REPRODUCED), (0.6, MANY, NOT_REPRODUCED), (0.97, FEW, UNDECIDED)]
)
def test_c11_asks_for_towers_without_an_error(voted, n, outcome):
    arms = [
        arm("all in one call", "single"),
        arm("one move a call", "decompose_and_vote", "hybrid", levels=(1, 3, 5), steps_per_call=1),
        arm("two moves a call", "decompose_and_vote", "hybrid", levels=(1, 3), steps_per_call=2),
    ]
    made = Made(arms, rates(**{"all in one call": 0.1, "one move a call": voted, "two moves a call": 0.2}), n)
    assert judged("C11", made).outcome == outcome


@pytest.mark.parametrize(
    ("cascade", "n", "outcome"), [(0.85, MANY, REPRODUCED), (0.5, MANY, NOT_REPRODUCED), (0.8, FEW, UNDECIDED)]
)
def test_c12_asks_for_a_cascade_as_good_as_the_large_model_and_cheaper(cascade, n, outcome):
    arms = [
        arm("small", "majority_vote", solver="m/small", cost=1.0),
        arm("large", "majority_vote", solver="m/large", cost=30.0),
        arm("first small", "cascade", "hybrid", solver="m/small", lineup={"large": "m/large"}, cost=9.0),
    ]
    made = Made(arms, rates(**{"small": 0.5, "large": 0.8, "first small": cascade}), n)
    assert judged("C12", made).outcome == outcome


@pytest.mark.parametrize(
    ("lead", "n", "outcome"), [(0.45, MANY, REPRODUCED), (-0.45, MANY, NOT_REPRODUCED), (0.1, FEW, UNDECIDED)]
)
def test_c13_asks_for_a_lead_of_the_planner_that_grows_with_hops(lead, n, outcome):
    arms = [
        arm("retrieve", dial="search", levels=(1, 2, 4)),
        arm("plan_and_retrieve", dial="search", levels=(1, 2, 4)),
    ]

    def rate(name, where, level):
        return 0.5 + (lead * where["difficulty"] / 4 if name.startswith("plan") else 0.0)

    assert judged("C13", Made(arms, rate, n)).outcome == outcome


def test_c13_is_not_tested_by_an_agent_that_was_led_along_the_chain():
    arms = [arm(name, dial="search", levels=(1, 2, 4)) for name in ("retrieve", "plan_and_retrieve")]
    made = Made(arms, lambda name, where, level: 0.9 if name == "retrieve" else 0.3, MANY)
    made.roles = ("query",)
    found = judged("C13", made)
    assert found.outcome == UNTESTABLE
    assert "led along the task's own chain" in found.reasons[0]


@pytest.mark.parametrize(
    ("prune", "prompt", "n", "outcome"),
    [(0.8, 100, MANY, REPRODUCED), (0.8, 900, MANY, NOT_REPRODUCED), (0.6, 100, FEW, UNDECIDED)],
)
def test_c14_asks_for_half_the_prompt_at_no_loss_and_a_lead_over_the_window(prune, prompt, n, outcome):
    arms = [
        arm(name, "subtask_tree", "hybrid", levels=(20,), memory=memory)
        for name, memory in (("conclusions", "prune"), ("everything", "full"), ("window", "window"))
    ]
    made = Made(
        arms,
        rates(conclusions=prune, everything=0.7, window=0.5),
        n,
        steps=lambda name, where, score: {"longest_prompt": prompt if name == "conclusions" else 1000},
    )
    assert judged("C14", made).outcome == outcome


@pytest.mark.parametrize(
    ("kept", "wrong", "n", "outcome"),
    [(1, 2, MANY, REPRODUCED), (6, 2, MANY, NOT_REPRODUCED), (1, 0, MANY, UNDECIDED)],
)
def test_c15_asks_for_more_switches_in_wrong_answers_and_fewer_where_discouraged(kept, wrong, n, outcome):
    arms = [
        arm("watched", "stay_on_thought", "sequential", intervention="watch"),
        arm("held", "stay_on_thought", "sequential", intervention="stop"),
    ]

    def steps(name, where, score):
        even = int(where["problem_id"][1:]) % 8 // 4
        return {"switches": (kept if name == "held" else 4 + wrong * (score < 1)) + even}

    made = Made(arms, rates(watched=0.5, held=0.7), n, steps=steps)
    assert judged("C15", made).outcome == outcome


def exemplar_problems(n):
    return [
        problem(i, name=f"1-{i}-{kind}", cluster=f"1-{i}", task="exemplars")
        for i in range(n)
        for kind in ("answer_only", "valid", "invalid")
    ]


@pytest.mark.parametrize(
    ("valid", "invalid", "n", "outcome"),
    [
        (0.8, 0.85, 1500, REPRODUCED),
        (0.8, 0.3, 1500, NOT_REPRODUCED),
        (0.8, 0.7, 40, UNDECIDED),
        (0.2, 0.2, 40, UNTESTABLE),
    ],
)
def test_c16_asks_how_much_of_the_gain_wrong_reasoning_keeps_if_there_is_one(valid, invalid, n, outcome):
    by_kind = {"answer_only": 0.2, "valid": valid, "invalid": invalid}
    made = Made(
        [arm("single")], lambda name, where, level: by_kind[where["problem_id"].split("-")[-1]], exemplar_problems(n)
    )
    assert judged("C16", made).outcome == outcome


@pytest.mark.parametrize(
    ("outside", "n", "outcome"), [(0.0, MANY, REPRODUCED), (0.5, MANY, NOT_REPRODUCED), (0.0, FEW, UNDECIDED)]
)
def test_c17_judges_models_trained_from_scratch_only(outside, n, outcome):
    problems = [problem(i, difficulty=i % 2, task="letter_shift") for i in range(n)]
    made = Made([arm("single")], lambda name, where, level: outside if where["difficulty"] else 1.0, problems)
    assert judged("C17", made, "scale model").outcome == outcome
    assert judged("C17", made, "real").outcome == UNTESTABLE


@pytest.mark.parametrize(
    ("other", "n", "outcome"), [(0.5, 6000, REPRODUCED), (0.8, 6000, NOT_REPRODUCED), (0.5, FEW, UNDECIDED)]
)
def test_c18_asks_for_equal_success_at_different_cost(other, n, outcome):
    arms = [arm("act", dial="interaction"), arm("check_again", dial="interaction", cost=250.0)]
    made = Made(
        arms,
        rates(act=0.5, check_again=other),
        n,
        steps=lambda name, where, score: {
            "total_tokens": (100.0 if name == "act" else 250.0) + float(where["difficulty"])
        },
    )
    assert judged("C18", made).outcome == outcome


@pytest.mark.parametrize(
    ("slept", "n", "outcome"), [(0.8, MANY, REPRODUCED), (0.2, MANY, NOT_REPRODUCED), (0.5, FEW, UNDECIDED)]
)
def test_c19_asks_for_the_same_score_with_half_of_the_tokens(slept, n, outcome):
    arms = [
        arm("plain", "chain_of_thought", "sequential", levels=(1, 2, 4)),
        arm("slept", "sleep_time", "hybrid", levels=(1, 2)),
    ]
    assert judged("C19", Made(arms, rates(plain=0.5, slept=slept), n)).outcome == outcome


def test_c20_asks_for_a_gap_between_coverage_and_the_vote():
    held = Made([arm("independent")], lambda *_: 0.3, MANY)
    assert judged("C20", held).outcome == REPRODUCED
    sure = Made([arm("independent")], lambda name, where, level: float(where["difficulty"] > 2), 200)
    assert judged("C20", sure).outcome == UNDECIDED  # coverage and the vote are the same: nothing lags, nothing grows
    assert judged("C20", Made([arm("independent")], lambda *_: 0.5, FEW, pool=2)).outcome == UNTESTABLE


@pytest.mark.parametrize(
    ("lead", "n", "outcome"), [(0.3, MANY, REPRODUCED), (0.0, 9000, UNDECIDED), (0.05, FEW, UNDECIDED)]
)
def test_c22_asks_for_opposite_winners_on_two_tasks(lead, n, outcome):
    arms = [arm("vote", "majority_vote", levels=(1, 4)), arm("steps", "stepwise", "sequential", levels=(1, 4))]
    problems = [problem(i, task="alone" if i % 2 else "together", name=f"q{i}") for i in range(n)]

    def rate(name, where, level):
        return 0.5 + lead * (1 if (name == "vote") == (where["task"] == "alone") else -1) / 2

    assert judged("C22", Made(arms, rate, problems)).outcome == outcome


def test_c22_fails_where_one_arm_leads_on_both_tasks():
    arms = [arm("vote", "majority_vote", levels=(1, 4)), arm("steps", "stepwise", "sequential", levels=(1, 4))]
    problems = [problem(i, task="alone" if i % 2 else "together", name=f"q{i}") for i in range(MANY)]
    assert judged("C22", Made(arms, rates(vote=0.8, steps=0.3), problems)).outcome == NOT_REPRODUCED


def test_c23_is_described_and_never_tested():
    found = judged("C23", Made([arm("single")], lambda *_: 0.5, FEW))
    assert (found.outcome, found.checks) == (UNTESTABLE, ())


def test_no_claim_takes_a_simulated_run_as_evidence():
    made = Made(*chain_and_votes(0.45), MANY)
    for claim in verdict.claims().values():
        with pytest.raises(InputError, match="carries no verdict"):
            verdict.judge(claim, made.evidence("simulated"))
