"""Judges of C15 to C23 on runs made by hand: it holds, it does not, there is too little to say, it cannot be tested."""

import numpy as np
import polars as pl
import pytest

from fourdials import verdict
from fourdials.claims.c22_route_per_task import _leads
from fourdials.errors import InputError
from fourdials.estimate import Estimate
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, SHOWN, UNDECIDED, UNTESTABLE
from tests.claims.made import FEW, MANY, Made, arm, judged, problem, rates, said


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


def test_c15_compares_each_intervention_with_the_same_thought_only_watched_at_equal_tokens():
    def steps(name, where, score):
        return {"switches": (1 if name.startswith("held") else 4) + 2 * (score < 1) + int(where["problem_id"][1:]) % 3}

    watched = arm("watched", "stay_on_thought", "sequential", intervention="watch", tokens=512)
    held = arm("held", "stay_on_thought", "sequential", cost=300.0, intervention="stop", tokens=512)
    dear = judged("C15", Made([watched, held], rates(watched=0.5, held=0.8), MANY, steps=steps))
    lost = [name for name, outcome in said(dear).items() if outcome == UNTESTABLE]
    assert [name.split(":")[0] for name in lost] == [
        "held loses less than 2 points against watched at equal generated tokens"
    ]
    assert lost[0].endswith("held answers from 300 on"), "at the 100 that watched spent there is nothing to compare"
    longer = dict(held, knobs='{"intervention": "stop", "tokens": 2048}')
    found = judged("C15", Made([watched, longer], rates(watched=0.5, held=0.8), MANY, steps=steps))
    assert found.outcome == UNTESTABLE
    assert "thoughts like those that are only watched" in found.reasons[0]


def test_c15_shows_the_underthinking_score_where_a_thought_was_read_off_at_several_places():
    arms = [
        arm("watched", "stay_on_thought", "sequential", intervention="watch"),
        arm("held", "stay_on_thought", "sequential", intervention="stop"),
    ]
    rows = [
        {"experiment_id": "run", "arm": "watched", "task": "toy", "problem_id": f"p{i}", "cluster_id": f"p{i}"}
        | {"trial_id": f"t{i}", "score": 0.0, "tokens": 100, "right_by": 40 if i % 2 else None}
        for i in range(200)
    ]

    def steps(name, where, score):
        return {"switches": (1 if name == "held" else 4) + 2 * (score < 1) + int(where["problem_id"][1:]) % 3}

    made = Made(arms, rates(watched=0.5, held=0.7), MANY, steps=steps, frames={"thoughts": pl.DataFrame(rows)})
    score = next(check for check in judged("C15", made).checks if "underthinking" in check.said)
    assert (score.outcome, score.value) == (SHOWN, pytest.approx(0.3))


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
    found = judged("C16", made)
    assert found.outcome == outcome
    if outcome == REPRODUCED:  # 0.85 − 0.2 − 0.8 · 0.6, and 0.65 / 0.6
        assert [check.value for check in found.checks] == pytest.approx([0.17, 1.083], abs=0.06)
        assert found.checks[1].outcome == SHOWN


@pytest.mark.parametrize(
    ("outside", "n", "outcome"), [(0.0, MANY, REPRODUCED), (0.5, MANY, NOT_REPRODUCED), (0.0, FEW, UNDECIDED)]
)
def test_c17_judges_models_trained_from_scratch_only(outside, n, outcome):
    problems = [problem(i, difficulty=i % 2, task="letter_shift") for i in range(n)]
    made = Made([arm("single")], lambda name, where, level: outside if where["difficulty"] else 1.0, problems)
    assert judged("C17", made, "scale model").outcome == outcome
    assert judged("C17", made, "real").outcome == UNTESTABLE


def trajectories(n, success, loops):
    """Rows of the query of that name: each arm's rate of success and share of steps that show nothing new."""
    rng, rows = np.random.default_rng(3), []
    for name in success:
        for i in range(n):
            steps = 10
            row = {"experiment_id": "run", "arm": name, "task": "toy", "problem_id": f"p{i}", "cluster_id": f"p{i}"}
            row |= {"score": float(rng.random() < success[name]), "steps": steps, "invalid": 0, "oracle_steps": 5}
            row |= {"loops": int(rng.binomial(steps, loops[name])), "prompt_tokens": 100, "completion_tokens": 10}
            row |= dict.fromkeys(("notes", "notes_stale", "notes_contradicted", "notes_duplicate"), 0)
            rows.append(row | {"verify_tokens": 0, "plan_tokens": 0, "execute_tokens": 110})
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("success", "loops", "n", "outcome"),
    [
        ({"act": 0.5, "check": 0.5, "vote": 0.9}, {"act": 0.1, "check": 0.4, "vote": 0.1}, 8000, REPRODUCED),
        ({"act": 0.1, "check": 0.5, "vote": 0.9}, {"act": 0.1, "check": 0.4, "vote": 0.1}, MANY, NOT_REPRODUCED),
        ({"act": 0.5, "check": 0.5, "vote": 0.5}, {"act": 0.1, "check": 0.1, "vote": 0.1}, FEW, UNDECIDED),
    ],
)
def test_c18_asks_for_two_arms_that_tie_on_success_and_differ_in_another_measure(success, loops, n, outcome):
    arms = [arm(name, dial="interaction") for name in success]
    found = judged("C18", Made(arms, rates(**success), 30, frames={"trajectories": trajectories(n, success, loops)}))
    assert found.outcome == outcome
    if outcome == REPRODUCED:
        assert found.checks[0].said == "act and check, the closest two, are within 5 points in success"
        assert "nothing new" in found.checks[1].said


def test_c18_needs_two_arms():
    assert judged("C18", Made([arm("act", dial="interaction")], lambda *_: 0.5, FEW)).outcome == UNTESTABLE


def sleepers():
    return [
        arm("plain", "chain_of_thought", "sequential", levels=(1, 2, 4)),
        arm("slept", "sleep_time", "hybrid", levels=(1, 2)),
    ]


@pytest.mark.parametrize(
    ("slept", "n", "outcome"), [(0.8, MANY, REPRODUCED), (0.2, MANY, NOT_REPRODUCED), (0.5, FEW, UNDECIDED)]
)
def test_c19_asks_for_the_same_score_with_half_of_the_tokens(slept, n, outcome):
    made = Made(sleepers(), rates(plain=0.5, slept=slept), n)
    made.roles = ("solve", "revise")
    found = judged("C19", made)
    assert found.outcome == outcome
    missing = [check.said.split(":")[0] for check in found.checks if check.outcome == UNTESTABLE]
    assert missing == ["A recursive model", "The consensus game"]
    assert any("questions a context on" in name for name in said(found))


def test_c19_does_not_read_an_arm_at_twice_the_tokens_up_to_which_it_was_seen():
    arms = [
        arm("plain", "chain_of_thought", "sequential", levels=(1, 2), finished=False),
        arm("slept", "sleep_time", "hybrid", levels=(2,), finished=False),
    ]
    made = Made(arms, rates(plain=0.5, slept=0.5), 8000)
    made.roles = ("solve", "revise")
    halved = next(name for name in said(judged("C19", made)) if name.startswith("With half of the tokens"))
    assert said(judged("C19", made))[halved] == UNTESTABLE
    assert halved.endswith("they would be compared at 400, and plain was seen up to 200 only")


@pytest.mark.parametrize(
    ("recursive", "n", "outcome"), [(0.8, MANY, REPRODUCED), (0.2, MANY, NOT_REPRODUCED), (0.55, FEW, UNDECIDED)]
)
def test_c19_judges_a_recursive_model_by_itself(recursive, n, outcome):
    arms = [arm("retrieve", dial="search", levels=(1, 2, 4)), arm("recursive_lm", dial="hybrid", levels=(1, 2, 4))]
    found = judged("C19", Made(arms, rates(retrieve=0.5, recursive_lm=recursive), n))
    assert found.outcome == outcome
    name = "recursive_lm, which calls itself on parts of a text, leads retrieve at equal tokens"
    assert said(found)[name] == outcome


def played(n, consensus, vote, product):
    """Rows of `claim_picks`: each rule picks the right answer with its own probability."""
    rng, rows = np.random.default_rng(8), []
    for i in range(n):
        picks = {
            name: "right" if rng.random() < rate else "wrong"
            for name, rate in (("consensus", consensus), ("vote", vote), ("product", product))
        }
        place = {"arm": "game", "task": "toy", "problem_id": f"p{i}", "cluster_id": f"p{i}", "trial_id": f"t{i}"}
        rows.append(place | {"level": 8} | picks)
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("game", "n", "outcome"), [(0.8, MANY, REPRODUCED), (0.4, MANY, NOT_REPRODUCED), (0.55, FEW, UNDECIDED)]
)
def test_c19_holds_the_consensus_game_against_a_vote_and_what_the_same_calls_pick(game, n, outcome):
    arms = [arm("vote", "majority_vote", levels=(1, 8)), arm("game", "consensus_game", "hybrid", levels=(1, 8))]
    made = Made(arms, rates(vote=0.5, game=game), n, frames={"claim_picks": played(n, game, 0.5, 0.5)})
    evidence = made.evidence(grade=lambda task, problem_id, answer: float(answer == "right"))
    found = verdict.judge(verdict.claims()["C19"], evidence)
    assert found.outcome == outcome
    assert sum("from the same calls" in name for name in said(found)) == 2


def test_c19_takes_its_parts_from_several_runs_and_needs_one_of_them():
    arms = [arm("vote", "majority_vote", levels=(1, 8)), arm("game", "consensus_game", "hybrid", levels=(1, 8))]
    game = Made(arms, rates(vote=0.5, game=0.8), MANY, name="game")
    slept = Made(sleepers(), rates(plain=0.5, slept=0.8), MANY, name="slept")
    found = judged("C19", slept, others=[game])
    assert found.told == "reproduced, in part"
    assert [check.said.split(":")[0] for check in found.checks if check.outcome == UNTESTABLE] == ["A recursive model"]
    assert "game leads vote at equal calls" in said(found)
    assert judged("C19", Made([arm("single")], lambda *_: 0.5, FEW)).outcome == UNTESTABLE


def test_c20_asks_for_a_gap_between_coverage_and_the_vote():
    held = Made([arm("independent")], lambda *_: 0.3, MANY)
    assert judged("C20", held).outcome == REPRODUCED
    sure = Made([arm("independent")], lambda name, where, level: float(where["difficulty"] > 2), 200)
    alike = said(judged("C20", sure))  # coverage and the vote are the same: nothing lags, nothing grows
    assert list(alike.values()) == [REPRODUCED, UNDECIDED, UNDECIDED]
    assert judged("C20", Made([arm("independent")], lambda *_: 0.5, FEW, pool=2)).outcome == UNTESTABLE


def test_c20_is_not_reproduced_by_guessing():
    guesses = judged("C20", Made([arm("independent")], lambda *_: 0.25, MANY, chance=0.25))
    assert guesses.outcome == UNTESTABLE
    assert [check.outcome for check in guesses.checks] == [UNTESTABLE, SHOWN, SHOWN]
    assert guesses.checks[0].said.startswith("2 samples of independent cover more problems than 2 guesses would (44 %)")
    skilled = judged("C20", Made([arm("independent")], lambda *_: 0.5, MANY, chance=0.25))
    assert skilled.outcome == REPRODUCED
    assert skilled.checks[0].value == pytest.approx(0.75 - 0.4375, abs=0.05)


def test_c20_judges_every_arm_that_samples_by_its_name_and_puts_first_what_can_be_tested():
    arms = [
        arm("a guesser", "independent", solver="m/early"),
        arm("b knows", "independent", solver="m/late"),
        arm("b once more", "independent", solver="m/late"),
    ]
    made = Made(arms, rates(**{"a guesser": 0.25, "b knows": 0.5, "b once more": 0.5}), MANY, chance=0.25)
    found = judged("C20", made)
    assert (found.outcome, found.told) == (REPRODUCED, f"{REPRODUCED}, in part")
    assert [(check.outcome, "b knows" in check.said) for check in found.checks] == [
        *[(REPRODUCED, True)] * 3,
        *[(outcome, False) for outcome in (UNTESTABLE, SHOWN, SHOWN)],
    ]
    assert all("a guesser" in check.said for check in found.checks[3:]), "what is the same is judged once"


TWO_TASKS = {"tasks": [{"name": "warmup", "params": {"kind": "category"}}, {"name": "graph_path"}]}


def two_tasks(n, names=("graph_path", "warmup")):
    return [problem(i, task=names[i % len(names)], name=f"q{i}") for i in range(n)]


@pytest.mark.parametrize(
    ("lead", "n", "outcome"),
    [(0.3, MANY, REPRODUCED), (-0.3, MANY, NOT_REPRODUCED), (0.0, 9000, UNDECIDED), (0.05, FEW, UNDECIDED)],
)
def test_c22_asks_for_opposite_winners_on_two_tasks(lead, n, outcome):
    arms = [arm("vote", "majority_vote", levels=(1, 4)), arm("steps", "stepwise", "sequential", levels=(1, 4))]
    problems = two_tasks(n)

    def rate(name, where, level):
        return 0.5 + lead * (1 if (name == "vote") == (where["task"] == "warmup") else -1) / 2

    found = judged("C22", Made(arms, rate, problems, spec=TWO_TASKS))
    assert found.outcome == outcome
    assert [check.said.split(" at equal ")[1] for check in found.checks] == [
        "tokens",
        "tokens",
        "time on the critical path",
        "time on the critical path",
    ]


def test_c22_fails_where_one_arm_leads_on_both_tasks():
    arms = [arm("vote", "majority_vote", levels=(1, 4)), arm("steps", "stepwise", "sequential", levels=(1, 4))]
    made = Made(arms, rates(vote=0.8, steps=0.3), two_tasks(MANY), spec=TWO_TASKS)
    assert judged("C22", made).outcome == NOT_REPRODUCED


def test_c22_takes_no_task_of_which_nobody_said_beforehand_what_it_is():
    arms = [arm("vote", "majority_vote", levels=(1, 4)), arm("steps", "stepwise", "sequential", levels=(1, 4))]

    def rate(name, where, level):
        return 0.8 if (name == "vote") == (where["task"] in ("warmup", "alone")) else 0.3

    unknown = judged("C22", Made(arms, rate, two_tasks(MANY, ("alone", "together"))))
    assert unknown.outcome == UNTESTABLE
    assert "alone (not known which), together (not known which)" in unknown.reasons[0]
    third = judged("C22", Made(arms, rate, two_tasks(MANY, ("warmup", "graph_path", "maze")), spec=TWO_TASKS))
    assert third.told == "reproduced, in part"
    summing = {"tasks": [{"name": "warmup", "params": {"kind": "running_sum"}}, {"name": "graph_path"}]}
    assert judged("C22", Made(arms, rate, two_tasks(MANY), spec=summing)).outcome == UNTESTABLE


def test_c22_widens_its_intervals_with_more_than_two_tasks():
    found = Estimate(0.1, 0.01, 0.19, 100, 100, "made up")
    assert [_leads(tasks)("it leads", found).outcome for tasks in (2, 3)] == [REPRODUCED, UNDECIDED]
    assert _leads(10)("it leads", found).low == pytest.approx(0.1 - 0.09 * 2.807 / 1.96, abs=1e-3)


def test_c22_does_not_hold_a_router_against_more_than_was_seen_of_a_fixed_arm():
    arms = [
        arm("vote", "majority_vote", levels=(1, 4), finished=False),
        arm("steps", "stepwise", "sequential", levels=(1, 4)),
        arm("router", "route", "hybrid", levels=(4,), cost=300.0),
    ]
    found = judged("C22", Made(arms, rates(vote=0.3, steps=0.3, router=0.9), two_tasks(MANY), spec=TWO_TASKS))
    told = {name.split(" at equal")[0]: outcome for name, outcome in said(found).items() if name.startswith("router")}
    assert told == {
        "router is at most 2 points behind vote": UNTESTABLE,
        "router is at most 2 points behind steps": REPRODUCED,
    }


def test_c23_is_described_and_never_tested():
    found = judged("C23", Made([arm("single")], lambda *_: 0.5, FEW))
    assert (found.outcome, found.checks) == (UNTESTABLE, ())


def test_no_claim_takes_a_simulated_run_as_evidence():
    made = Made([arm("single")], lambda *_: 0.5, FEW)
    for claim in verdict.claims().values():
        with pytest.raises(InputError, match="carries no verdict"):
            verdict.judge(claim, made.evidence("simulated"))
