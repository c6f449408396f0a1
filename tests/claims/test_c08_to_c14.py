"""Judges of C8 to C14 on runs made by hand: it holds, it does not, there is too little to say, it cannot be tested."""

from collections import Counter

import numpy as np
import polars as pl
import pytest

from fourdials.claims.c08_adaptive_allocation import needed
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, SHOWN, UNDECIDED, UNTESTABLE
from tests.claims.made import FEW, MANY, Made, arm, judged, rates, said


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


def test_c8_is_not_told_by_a_plateau_where_more_samples_bring_nothing():
    # Seven in ten problems are solved at once and the rest never: both ways are done after three samples or so.
    made = Made(
        [arm("independent")], lambda name, where, level: 0.8 * (int(where["problem_id"][1:]) < 70), 100, pool=64
    )
    found = judged("C8", made)
    assert (found.outcome, found.checks[0].value) == (NOT_REPRODUCED, pytest.approx(0.75, abs=0.2))


def test_c8_compares_below_the_end_of_the_pool_where_its_size_alone_would_decide():
    # After the pilot 3 in 10 are open, and no number of samples solves them: the longer the pool the larger the saving.
    curves = np.array([[0.5, 0.75, 0.9, 1.0, *[1.0] * 60]] * 7 + [[0.0] * 64] * 3)
    assert needed(np.ones(10), curves) == pytest.approx((3.75, 4.0))
    assert needed(np.ones(10), curves[:, :32]) == pytest.approx((3.75, 4.0))


def test_c8_counts_the_first_number_of_samples_that_reaches_a_coverage():
    # Half are always right. The others are right from the tenth sample on: 16 a problem let them go on to 28.
    curves = np.array([[1.0] * 32, [*[0.0] * 8, 0.5, *[1.0] * 23]])
    assert needed(np.ones(2), curves) == pytest.approx((9.9, 4 + 0.5 * 5.9))
    assert np.isnan(needed(np.ones(2), np.ones((2, 32)))).all()


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


def test_c8b_shows_for_each_difficulty_who_leads_and_where_the_lead_changes_hands():
    arms = [
        arm("small", "majority_vote", levels=(1, 2, 4, 8), solver="groq/llama-3.1-8b-instant"),
        arm("large", "majority_vote", levels=(1,), solver="groq/llama-3.3-70b-versatile"),
    ]
    spec = {"models": {each["model"]: {"parameters": size} for each, size in zip(arms, (8e9, 64e9), strict=True)}}

    def rate(name, where, level):
        return 0.7 if name == "large" else {1: 0.9, 2: 0.8, 3: 0.5, 4: 0.1}[where["difficulty"]]

    found = judged("C8b", Made(arms, rate, 1600, spec=spec))
    leads = {c.said: c.value for c in found.checks if c.said.endswith("at equal FLOPs") and "Difficulty" in c.said}
    assert list(leads.values()) == pytest.approx([0.2, 0.1, -0.2, -0.6], abs=0.07)
    assert [name[11] for name in leads] == ["1", "2", "3", "4"]
    assert sum("tokens of use for each of training" in name for name in said(found)) == 3
    assert sum("equal dollars" in name for name in said(found)) == 4


SKILLS = ("local/rivers-reasoner-early", "local/rivers-reasoner-middle", "local/rivers-reasoner")


@pytest.mark.parametrize(
    ("middle", "n", "told"),
    [
        (0.9, 3000, "reproduced, in part"),
        (0.4, MANY, "not reproduced here"),
        (0.75, FEW, "undecided at this n"),
    ],
)
def test_c8b_says_that_models_of_one_size_differ_in_skill_and_judges_that(middle, n, told):
    arms = [arm(model.split("-")[-1], "thought_vote", levels=(1, 8), solver=model) for model in SKILLS]

    def rate(name, where, level):
        return {"early": 0.2, "middle": middle if level == 8 else 0.3, "reasoner": 0.8}[name]

    found = judged("C8b", Made(arms, rate, n), "scale model")
    assert found.told == told
    assert [check.said[:20] for check in found.checks if check.outcome == UNTESTABLE] == ["Size against compute"]
    assert found.leading.said.startswith("On the easier half 8 samples of middle make up for one of reasoner")


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


def test_c9_shows_what_the_other_model_covers_and_does_not_judge_it():
    arms = [
        arm("once", "thought_vote", solver="m/reasoning"),
        arm("votes", "majority_vote", levels=(1, 2, 4, 8, 16, 32), solver="m/instruct"),
        arm("covered", "best_of_n", levels=(1, 2, 4, 8, 16, 32), solver="m/instruct", verifier="checker"),
    ]
    found = judged("C9", Made(arms, lambda name, where, level: {"once": 0.9, "votes": 0.25}.get(name, 1.0), 3000))
    assert found.outcome == REPRODUCED
    assert [check.outcome for check in found.checks if check.said.startswith("covered")] == [SHOWN]
    assert judged("C9", Made([arms[0], arms[2]], rates(once=0.9, covered=1.0), FEW)).outcome == UNTESTABLE


def scorers():
    return [
        arm(f"{kind} {grade}", kind, "hybrid", levels=(8,), verifier="checker", reliability=grade)
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


def test_c10_with_one_algorithm_judges_reliability_only_and_says_so():
    arms = [
        arm("checker, 60 %", "best_of_n", levels=(8,), verifier="checker", reliability=0.6),
        arm("checker, 100 %", "best_of_n", levels=(8,), verifier="checker"),
        arm("trained verifier", "best_of_n", levels=(8,), lineup={"verifier": "m/verifier"}),
    ]
    values = {"checker, 60 %": 0.5, "checker, 100 %": 0.8, "trained verifier": 0.4}
    found = judged("C10", Made(arms, rates(**values), MANY))
    assert found.told == UNTESTABLE, "what the claim is about could not be tested, however the rest came out"
    reliable = "Reliability from 60 to 100 % moves scores by more than the 3 points that algorithms may differ by"
    assert said(found)[reliable] == REPRODUCED
    assert [check.said for check in found.checks if check.outcome == UNTESTABLE] == [
        "Best-of-n and tree search end up alike: no two algorithms share a scorer here (only best_of_n was run)"
    ]
    assert said(found)["trained verifier over checker, 60 %"] == SHOWN
    assert judged("C10", Made(arms, rates(**dict.fromkeys(values, 0.5)), 6000)).outcome == NOT_REPRODUCED
    few = judged("C10", Made(arms, rates(**values | {"checker, 100 %": 0.55}), FEW))
    assert said(few)[reliable] == UNDECIDED
    assert judged("C10", Made([arm("single")], lambda *_: 0.5, FEW)).outcome == UNTESTABLE


def chains(right, n=300, steps=8, name="one step a call"):
    """Rows of `step_truths`: the step at place l is right with probability `right(l)`."""
    rng = np.random.default_rng(6)
    cast = {
        (i, step): ["x" if rng.random() < right(step) else f"y{rng.integers(3)}"]
        for i in range(n)
        for step in range(1, steps + 1)
    }
    return ballots(name, 1, cast)


def ballots(name, level, cast, oracle=None):
    """Rows of `step_truths`: the votes of each problem and step, of which `x` is right."""
    rows = []
    for (i, step), votes in cast.items():
        place = {"task": "toy", "problem_id": f"p{i}", "cluster_id": f"p{i}", "trial_id": f"{name}/p{i}/{level}"}
        more = {"step": step, "truth": "x", "oracle_steps": oracle}
        rows += [{"arm": name, **place, **more, "answer": answer} for answer in votes]
    return pl.DataFrame(rows, schema_overrides={"oracle_steps": pl.Int64})


def races(p, levels, n, steps=8, name="one move a call"):
    """Rows of `step_truths`: votes that are right with probability p, until an answer is so many ahead as the level."""
    rng, frames = np.random.default_rng(6), []
    for level in levels:
        cast = {}
        for i in range(n):
            for step in range(1, steps + 1):
                votes, held = [], Counter()
                while len(votes) < 60 and (held["first"] < level):
                    votes.append("x" if rng.random() < p else f"y{rng.integers(3)}")
                    ranks = [count for _, count in Counter(votes).most_common(2)]
                    held["first"] = ranks[0] - (ranks[1] if len(ranks) > 1 else 0)
                cast[i, step] = votes
        frames.append(ballots(name, level, cast))
    return pl.concat(frames)


@pytest.mark.parametrize(("right", "change"), [(lambda step: 0.7, 0.0), (lambda step: 0.95 - 0.1 * step, -0.1)])
def test_c10_shows_whether_errors_compound_or_snowball(right, change):
    made = Made(
        scorers(), rates(**{each["arm"]: 0.5 for each in scorers()}), 100, frames={"step_truths": chains(right)}
    )
    slope = next(check for check in judged("C10", made).checks if "from one step to the next" in check.said)
    assert (slope.outcome, slope.value) == (SHOWN, pytest.approx(change, abs=0.01))
    assert slope.low < change < slope.high


@pytest.mark.parametrize(
    ("voted", "n", "outcome"), [(1.0, MANY, REPRODUCED), (0.6, MANY, NOT_REPRODUCED), (0.97, FEW, UNDECIDED)]
)
def test_c11_asks_for_towers_without_an_error(voted, n, outcome):
    arms = [
        arm("all in one call", "single"),
        arm("one move a call", "decompose_and_vote", "hybrid", levels=(1, 3, 5), steps_per_call=1),
        arm("two moves a call", "decompose_and_vote", "hybrid", levels=(1, 3), steps_per_call=2),
    ]
    right = rates(**{"all in one call": 0.1, "one move a call": voted, "two moves a call": 0.2})
    votes = {"step_truths": races(0.95, (1, 3, 5), n)}
    assert judged("C11", Made(arms, right, n, frames=votes)).outcome == outcome


@pytest.mark.parametrize("voted", [1.0, 0.6])
def test_c11_tests_nothing_where_no_vote_rates_name_the_lead(voted):
    arms = [arm("all in one call", "single"), arm("one move a call", "decompose_and_vote", "hybrid", levels=(1, 3, 5))]
    found = judged("C11", Made(arms, rates(**{"all in one call": 0.1, "one move a call": voted}), MANY))
    assert found.outcome == UNTESTABLE
    assert "was not recorded" in found.leading.said
    assert said(found)["one move a call, 5 ahead, is right to the last step (by its end alone)"] == SHOWN
    even = towers(lambda level: voted, p=0.4)
    assert "no more than half of the time" in judged("C11", even).leading.said


def towers(voted, p=0.9, levels=(1, 3, 5), n=300, whole=0.1, truths=None, chance=0.0, **more):
    arms = [
        arm("all in one call", "single"),
        arm("one move a call", "decompose_and_vote", "hybrid", levels=levels, steps_per_call=1, red_flags=True),
        *more.pop("arms", ()),
    ]
    frames = {"step_truths": races(p, levels, n) if truths is None else truths}

    def rate(name, where, level):
        return whole if name == "all in one call" else voted(level)

    return Made(arms, rate, n, frames=frames, chance=chance)


def test_c11_judges_the_least_lead_that_the_measured_rate_of_right_votes_asks_for():
    found = judged("C11", towers(lambda level: 1.0 if level >= 3 else 0.5, p=0.9))
    assert found.outcome == REPRODUCED
    assert found.checks[0].said.startswith("one move a call, 3 ahead, is right to the last step")
    assert any(name.startswith("The formula asks for a lead of 3") for name in said(found))
    both = next(check for check in found.checks if check.said.startswith("Both of the first two votes"))
    assert both.value == pytest.approx(0.01, abs=0.006)
    assert judged("C11", towers(lambda level: 0.7, p=0.9)).outcome == NOT_REPRODUCED


@pytest.mark.parametrize("voted", [1.0, 0.6])
def test_c11_is_neither_failed_nor_confirmed_by_a_smaller_lead_than_the_formula_asks_for(voted):
    short = judged("C11", towers(lambda level: voted, p=0.7, levels=(1, 2, 3)))
    assert short.outcome == UNTESTABLE
    assert "asks for a lead of 6" in short.leading.said or "asks for a lead of 7" in short.leading.said
    assert said(short)["one move a call, 3 ahead, is right to the last step (by every step it took)"] == SHOWN
    assert said(short)["one move a call leads all in one call"] == SHOWN


def test_c11_fails_where_one_call_for_all_does_as_well_and_shows_what_red_flags_bring():
    fine = judged("C11", towers(lambda level: 1.0, p=0.9, whole=1.0))
    less = "all in one call, all in one call, is right less than 95 % of the time (by its end alone)"
    assert said(fine)[less] == NOT_REPRODUCED
    plain = arm("no flags", "decompose_and_vote", "hybrid", levels=(1, 3), steps_per_call=1, red_flags=False)
    found = judged("C11", towers(lambda level: 1.0, p=0.9, arms=(plain,)))
    assert said(found)["Red flags on over off (no flags), 3 ahead"] == SHOWN


def test_c11_counts_no_right_end_that_was_reached_by_a_wrong_step_and_no_wrong_vote_that_lost_its_step():
    def cast(wrong):
        won = {(i, step): ["y", "x", "x", "x", "x"] for i in range(300) for step in range(1, 9)}
        return won | {(i, 4): ["x", "y", "y", "y", "y"] for i in range(wrong)}

    def found(wrong):
        truths = pl.concat(ballots("one move a call", level, cast(wrong), oracle=8) for level in (1, 3, 5, 9))
        return judged("C11", towers(lambda level: 1.0, levels=(1, 3, 5, 9), truths=truths, chance=0.25))

    sound, lucky = found(0), found(60)
    name = "one move a call, 5 ahead, is right to the last step at least 95 % of the time (by every step it took)"
    assert (sound.outcome, sound.checks[0].said, sound.checks[0].value) == (REPRODUCED, name, 1.0)
    assert (lucky.outcome, lucky.checks[0].value) == (NOT_REPRODUCED, pytest.approx(0.8))
    assert lucky.checks[2].value == pytest.approx(sound.checks[2].value - 0.2), "so does its lead over one call"
    ends = next(check for check in lucky.checks if "ends right, by right steps or wrong ones" in check.said)
    assert (ends.outcome, ends.value) == (SHOWN, 1.0)
    assert ends.said.endswith("; a guess: 25 %")
    assert any(check.said.endswith("(by its end alone; a guess: 25 %)") for check in lucky.checks)


def test_c11_counts_the_steps_that_the_task_needs_and_not_those_of_trials_that_wandered():
    def found(oracle):
        cast = {(i, step): ["x"] * 4 + ["y"] for i in range(300) for step in range(1, 21 if i == 0 else 9)}
        truths = pl.concat(ballots("one move a call", level, cast, oracle) for level in (1, 3, 5))
        return said(judged("C11", towers(lambda level: 1.0, truths=truths)))

    assert "A single vote is right (8 steps to a right end)" in found(8)
    assert "A single vote is right (20 steps to a right end)" in found(None), "nobody says how many it takes"


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


def test_c12_shows_what_share_the_small_model_settled_and_the_front_in_flops():
    arms = [
        arm("small", "majority_vote", solver="groq/small", cost=1.0),
        arm("large", "majority_vote", solver="groq/large", cost=30.0),
        arm("first small", "cascade", "hybrid", solver="groq/small", lineup={"large": "groq/large"}, cost=9.0),
    ]

    def steps(name, where, score):
        return {"level": 2 if name == "first small" and where["difficulty"] == 4 else 1}

    spec = {"models": {"groq/small": {"parameters": 8e9}, "groq/large": {"parameters": 64e9}}}
    made = Made(arms, rates(**{"small": 0.5, "large": 0.8, "first small": 0.9}), MANY, steps=steps, spec=spec)
    found = judged("C12", made)
    settled = next(check for check in found.checks if check.said.startswith("Problems that the small model settled"))
    assert settled.value == pytest.approx(0.75)
    assert said(found)["first small lies on the front of score against dollars (share of resamples)"] == REPRODUCED
    assert said(found)["first small lies on the front of score against FLOPs (share of resamples)"] == SHOWN
    dear = [*arms[:2], dict(arms[2], cost=40.0)]
    beaten = judged("C12", Made(dear, rates(**{"small": 0.5, "large": 0.9, "first small": 0.7}), MANY, steps=steps))
    name = "first small lies on the front of score against dollars (share of resamples)"
    assert said(beaten)[name] == NOT_REPRODUCED


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
