"""Real strategies, the real ledger and a simulated model reproduce what `fourdials.theory` computes.

Each experiment runs through the whole engine (planning, generators, `ask`, journal, grading) with replies from
`fourdials.models.sim`; only the process and litellm are left out. Measured and expected are compared at 99.9 %: shares
by an exact binomial test, means by 3.29 standard errors, all at fixed seeds, so right code would fail at one seed in a
thousand. That such a test can fail is part of each: the formula of a plausible mistake (votes taken for independent,
errors that do not add up, a verifier that is ignored) is held against the same run and must be rejected.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from fourdials import plan, theory
from fourdials.models import sim
from fourdials.plugins import tasks
from fourdials.records import Attempt, Experiment, ModelRequest, Problem
from tests.scripted import arm, experiment, journaled, play


class Simulator:
    """Sends nothing: the simulated model replies in this process, as the gateway would have it do."""

    async def send(self, request: ModelRequest, record: Callable[[Attempt], None]) -> Attempt:
        return Attempt(1, time.time(), 0.0, samples=sim.samples(request), raw_usage={})


def design(model_id: str, strategy: str, task: str, problems: int, levels, params=None, knobs=None) -> Experiment:
    made = arm(strategy, levels=levels, knobs=knobs)
    made = replace(made, lineup=dict.fromkeys(made.lineup, model_id))
    return experiment([made], task=task, problems=problems, params=params, model=sim.model(model_id), seed=23)


class Ran:
    """What an experiment left in its journal."""

    def __init__(self, folder: Path, what: Experiment) -> None:
        assert play(folder, what, Simulator()) == "finished"
        self.trials = journaled(folder, "trial")
        self.calls = journaled(folder, "calls")
        self.steps = journaled(folder, "step")
        self.checkpoints = journaled(folder, "checkpoint")
        [found] = plan.problems(what).values()
        self.problems: dict[str, Problem] = {problem.problem_id: problem for problem in found}

    def right(self, level: int | None = None) -> list[bool]:
        """Whether each trial's answer is right, at the end or at a level (its last one up to there)."""
        if level is None:
            return [trial["outcome"] == "correct" for trial in self.trials]
        at: dict[str, tuple[int, bool]] = {}
        for row in self.checkpoints:
            if at.get(row["trial_id"], (-1, False))[0] < row["level"] <= level:
                at[row["trial_id"]] = (row["level"], row["outcome"] == "correct")
        assert len(at) == len(self.trials)
        return [right for _, right in at.values()]


def agrees(found: Sequence[bool], expected: float) -> bool:
    """The share is no surprise at 99.9 %."""
    return binomtest(sum(found), len(found), min(1.0, expected)).pvalue > 0.001


def mean_agrees(found: Sequence[float], expected: float) -> bool:
    """The mean lies within 3.29 of its standard errors."""
    values = np.asarray(found, dtype=float)
    return abs(values.mean() - expected) < 3.29 * values.std(ddof=1) / math.sqrt(values.size)


INCREMENTS = {"kind": "increment", "digits": 5}


def test_a_majority_vote_is_right_as_often_as_the_binomial_says(tmp_path: Path) -> None:
    what = design("sim/solve=0.6,same=1,format=completion", "majority_vote", "warmup", 400, (1, 2, 5, 15), INCREMENTS)
    ran = Ran(tmp_path, what)
    for level in (1, 2, 5, 15):
        assert agrees(ran.right(level), float(theory.majority_vote(0.6, level))), level
    assert not agrees(ran.right(15), 0.6)


def test_wrong_answers_that_split_make_a_vote_of_a_minority_right(tmp_path: Path) -> None:
    model_id = "sim/solve=0.4,wrongs=3,format=completion"
    ran = Ran(tmp_path, design(model_id, "majority_vote", "warmup", 400, (4, 9), INCREMENTS))
    for level in (4, 9):
        assert agrees(ran.right(level), theory.plurality_vote(0.4, level, 3)), level
    assert not agrees(ran.right(9), float(theory.majority_vote(0.4, 9)))


def test_votes_with_correlated_errors_follow_the_beta_binomial(tmp_path: Path) -> None:
    model_id = "sim/solve=0.65,spread=0.4,same=1,format=completion"
    ran = Ran(tmp_path, design(model_id, "majority_vote", "warmup", 400, (3, 15), INCREMENTS))
    for level in (3, 15):
        assert agrees(ran.right(level), float(theory.majority_vote(0.65, level, 0.4))), level
    assert not agrees(ran.right(15), float(theory.majority_vote(0.65, 15)))


def test_coverage_of_independent_samples_is_that_of_problems_of_unlike_difficulty(tmp_path: Path) -> None:
    model_id = "sim/solve=0.3,spread=0.3,format=completion"
    ran = Ran(tmp_path, design(model_id, "independent", "warmup", 400, (8,), INCREMENTS))
    solved = defaultdict(bool)
    for row in ran.checkpoints:
        solved[row["trial_id"]] |= row["outcome"] == "correct"
    assert agrees(list(solved.values()), float(theory.coverage(0.3, 8, 0.3)))
    assert not agrees(list(solved.values()), float(theory.coverage(0.3, 8)))
    assert agrees(ran.right(8), 0.3)


@pytest.mark.parametrize("reliability", [0.7, 0.9, 1.0])
def test_best_of_n_by_a_checker_is_limited_by_its_reliability(reliability: float, tmp_path: Path) -> None:
    knobs = {"verifier": "checker", "reliability": reliability}
    model_id = "sim/solve=0.3,same=1,format=completion"
    ran = Ran(tmp_path, design(model_id, "best_of_n", "warmup", 300, (1, 4, 8), INCREMENTS, knobs))
    for level in (1, 4, 8):
        expected = theory.best_of_n(0.3, level, reliability, 1 - reliability, ties="votes")
        assert agrees(ran.right(level), expected), level
    ignored = theory.best_of_n(0.3, 8, 1.0, 0.0) if reliability < 1 else float(theory.majority_vote(0.3, 8))
    assert not agrees(ran.right(8), ignored)


def test_best_of_n_by_a_verifier_gives_equal_answers_one_verdict_at_its_stated_rate(tmp_path: Path) -> None:
    model_id = "sim/solve=0.4,verify=0.8,same=1,format=completion"
    ran = Ran(tmp_path, design(model_id, "best_of_n", "warmup", 300, (1, 6), INCREMENTS))
    assert agrees(ran.right(6), theory.best_of_n(0.4, 6, 0.8, 0.2, ties="answers"))
    assert not agrees(ran.right(6), theory.best_of_n(0.4, 6, 0.8, 0.2, ties="votes"))
    verdicts = [call for call in ran.calls if call["role"] == "verify"]
    assert len(verdicts) == 6 * len(ran.trials)


@pytest.mark.parametrize(("p", "k"), [(0.7, 2), (0.8, 4)])
def test_first_to_ahead_has_the_accuracy_and_the_votes_of_the_gamblers_ruin(p: float, k: int, tmp_path: Path) -> None:
    """64 votes decide all but one in a million of these races."""
    model_id = f"sim/solve={p},same=1,format=completion"
    ran = Ran(tmp_path, design(model_id, "first_to_ahead", "warmup", 300, (64,), INCREMENTS, {"k": k}))
    assert agrees(ran.right(), float(theory.lead_right(p, k)))
    taken = [trial["calls"] for trial in ran.trials]
    assert mean_agrees(taken, float(theory.expected_votes(p, k)))
    assert not mean_agrees(taken, k)  # as if no vote ever went against the leader
    assert k > 2 or not mean_agrees(taken, k / (2 * p - 1))  # as if a wrong lead never won
    assert min(taken) == k


def test_first_to_ahead_among_several_wrong_answers_is_at_least_as_good_as_the_formula(tmp_path: Path) -> None:
    model_id = "sim/solve=0.6,wrongs=4,format=completion"
    ran = Ran(tmp_path, design(model_id, "first_to_ahead", "warmup", 300, (64,), INCREMENTS, {"k": 2}))
    bound = float(theory.lead_right(0.6, 2))
    assert binomtest(sum(ran.right()), len(ran.trials), bound, alternative="greater").pvalue < 0.001


def test_shared_errors_defeat_a_lead(tmp_path: Path) -> None:
    model_id = "sim/solve=0.75,spread=0.4,same=1,format=completion"
    ran = Ran(tmp_path, design(model_id, "first_to_ahead", "warmup", 300, (150,), INCREMENTS, {"k": 4}))
    assert agrees(ran.right(), float(theory.lead_right(0.75, 4, 0.4)))
    assert not agrees(ran.right(), float(theory.lead_right(0.75, 4)))


def test_red_flags_raise_the_rate_of_the_votes_that_are_left_at_the_price_of_calls(tmp_path: Path) -> None:
    """Half of the wrong replies ramble on; thrown away, they leave 0.6/0.8 right at 1.25 calls a vote."""
    model_id = "sim/solve=0.6,same=1,rambles=0.5,format=completion"
    ran = Ran(tmp_path, design(model_id, "first_to_ahead", "warmup", 400, (100,), INCREMENTS, {"k": 2}))
    kept = theory.flagged(0.6, right=0.0, wrong=0.5)
    assert (kept.p, kept.calls_per_vote) == (pytest.approx(0.75), pytest.approx(1.25))
    assert agrees(ran.right(), float(theory.lead_right(kept.p, 2)))
    assert not agrees(ran.right(), float(theory.lead_right(0.6, 2)))
    taken = [trial["calls"] for trial in ran.trials]
    assert mean_agrees(taken, kept.calls_per_vote * float(theory.expected_votes(kept.p, 2)))
    assert not mean_agrees(taken, float(theory.expected_votes(kept.p, 2)))
    flags = [step["payload"]["reason"] for step in ran.steps if step["kind"] == "discard"]
    assert set(flags) <= {"cut off", "ill-formed"}
    assert mean_agrees([c["extracted"] is None or c["finish_reason"] == "length" for c in ran.calls], 0.2)


@pytest.mark.parametrize("length", [5, 12])
def test_a_chain_of_steps_is_right_with_the_rate_to_the_power_of_its_length(length: int, tmp_path: Path) -> None:
    """In a ledger each update reads the balance set before, and wrong replies are all too high: no error is undone."""
    what = design("sim/step=0.8,format=completion", "stepwise", "long_ledger", 300, (length,), {"updates": [length]})
    ran = Ran(tmp_path, what)
    assert agrees(ran.right(), float(theory.chain(0.8, length)))
    assert not agrees(ran.right(), 0.8)
    assert not agrees(ran.right(), float(theory.chain(0.9, length)))
    assert {trial["calls"] for trial in ran.trials} == {length}


def test_a_voted_chain_has_the_accuracy_and_the_votes_of_the_source(tmp_path: Path) -> None:
    """p = .75, k = 2, 8 updates: (1 + (1/3)²)^−8 = .43, and 8 times the votes of one update."""
    model_id = "sim/step=0.75,same=1,format=completion"
    knobs = {"most": 200, "temperature": 1.0}
    ran = Ran(tmp_path, design(model_id, "decompose_and_vote", "long_ledger", 100, (2,), {"updates": [8]}, knobs))
    assert agrees(ran.right(), float(theory.all_right(0.75, 2, 8)))
    assert not agrees(ran.right(), float(theory.lead_right(0.75, 2)))
    assert not agrees(ran.right(), float(theory.chain(0.75, 8)))
    assert mean_agrees([trial["calls"] for trial in ran.trials], 8 * float(theory.expected_votes(0.75, 2)))


def test_a_tower_is_built_without_an_error_at_the_least_lead_where_one_call_and_unvoted_steps_fail(
    tmp_path: Path,
) -> None:
    """Six disks, 63 moves, each right with .9: one call is right with .9^63 = .0013."""
    moves, p = theory.hanoi_steps(6), 0.9
    model_id = f"sim/step={p},solve={float(theory.chain(p, moves)):.6f},same=1,format=completion"
    lead = theory.least_lead(p, moves, 0.998)
    tower = {"disks": [6], "wanted": "whole"}
    designs = {
        "voted": design(model_id, "decompose_and_vote", "hanoi", 6, (lead,), tower, {"most": 200}),
        "single": design(model_id, "single", "hanoi", 6, (1,), tower),
        "unvoted": design(model_id, "stepwise", "hanoi", 6, (2 * moves,), tower, {"temperature": 1.0}),
    }
    ran = {name: Ran(tmp_path / name, what) for name, what in designs.items()}
    assert lead == 5
    assert ran["voted"].right() == [True] * 6
    for trial in ran["voted"].trials:  # not one vote was lost on the way: every move is that of the shortest way
        assert len(trial["answer"].split()) == moves
    assert ran["single"].right() == [False] * 6
    assert sum(ran["unvoted"].right()) < 6
    taken = sum(trial["calls"] for trial in ran["voted"].trials) / (6 * moves)
    assert abs(taken - float(theory.expected_votes(p, lead))) < 3.29 * _deviation(p, lead) / math.sqrt(6 * moves)


def _deviation(p: float, k: int) -> float:
    chances, places = theory.votes_pmf(p, k, 2000), np.arange(2001)
    return math.sqrt(float((chances * places**2).sum()) - float(theory.expected_votes(p, k)) ** 2)


def test_revisions_are_fresh_attempts_at_the_rate_of_their_role(tmp_path: Path) -> None:
    model_id = "sim/solve=0.4,revise=0.7,format=completion"
    knobs = {"temperature": 1.0}
    ran = Ran(tmp_path, design(model_id, "self_refine", "warmup", 300, (1, 2, 3), INCREMENTS, knobs))
    expected = theory.revisions(0.4, mend=0.7, spoil=0.3, number=2)
    assert expected == pytest.approx([0.4, 0.7, 0.7])
    for level, rate in enumerate(expected, start=1):
        assert agrees(ran.right(level), float(rate)), level
    assert not agrees(ran.right(3), 0.4)


def test_width_and_depth_vote_over_revised_chains(tmp_path: Path) -> None:
    """Six answers in chains of two: three chains, each ending in a revision."""
    model_id = "sim/solve=0.3,revise=0.7,wrongs=1,format=completion"
    ran = Ran(tmp_path, design(model_id, "width_depth", "warmup", 300, (1, 6), INCREMENTS, {"depth": 2}))
    assert agrees(ran.right(1), 0.3)
    assert agrees(ran.right(6), float(theory.majority_vote(0.7, 3)))
    assert not agrees(ran.right(6), float(theory.majority_vote(0.3, 6)))


def exactly(found: Sequence[bool], chances: Sequence[float]) -> bool:
    """The number right is within 3.29 standard deviations of a sum of trials that each have a chance of their own."""
    spread = math.sqrt(sum(chance * (1 - chance) for chance in chances))
    return abs(sum(found) - sum(chances)) < 3.29 * spread


def test_acting_at_a_known_rate_arrives_as_the_random_walk_does(tmp_path: Path) -> None:
    """Each maze is a Markov chain: the right door with p, the others with (1 − p)/(doors − 1), a single door always."""
    p, levels = 0.7, (2, 4, 8)
    params = {"sizes": [3], "observed": "partial", "finish": "arrive"}
    what = design(f"sim/act={p},format=completion", "act", "maze", 200, levels, params, {"temperature": 1.0})
    ran = Ran(tmp_path, what)
    arrivals = {trial["trial_id"]: _arrivals(ran.problems[trial["problem_id"]], p, max(levels)) for trial in ran.trials}
    order = list(dict.fromkeys(row["trial_id"] for row in ran.checkpoints))
    for level in levels:
        chances = [float(arrivals[trial][level]) for trial in order]
        assert exactly(ran.right(level), chances), level
    straight = [p ** ran.problems[trial["problem_id"]].difficulty for trial in ran.trials]
    assert not exactly(ran.right(), straight)  # as if nobody ever turned back


def _arrivals(problem: Problem, p: float, steps: int) -> np.ndarray:
    rooms = problem.world["rooms"]
    names = list(rooms)
    moves = np.zeros((len(names), len(names)))
    for here, doors in rooms.items():
        if here == problem.data["goal"]:
            moves[names.index(here), names.index(here)] = 1.0
            continue
        right = doors[problem.truths[f"in:{here}"]]
        for there in doors.values():
            share = 1.0 if len(doors) == 1 else p if there == right else (1 - p) / (len(doors) - 1)
            moves[names.index(here), names.index(there)] += share
    return theory.arrival(moves, names.index(problem.data["start"]), names.index(problem.data["goal"]), steps)


def test_searching_at_a_known_rate_finds_what_the_tree_of_all_readings_says(tmp_path: Path) -> None:
    """Three hops: from each passage the right name with p, any other one there with an equal share of the rest. A wrong
    hop can still lead to the right person: the chance is a little above p³, and worked out for each question."""
    p = 0.7
    what = design(
        f"sim/query={p},format=completion", "retrieve", "wikiworld", 100, (3,), {"hops": [3]}, {"temperature": 1.0}
    )
    ran = Ran(tmp_path, what)
    chances = [_found(ran.problems[trial["problem_id"]], p) for trial in ran.trials]
    assert exactly(ran.right(), chances)
    assert min(chances) >= p**3 - 1e-12
    assert not exactly(ran.right(), [p] * len(chances))
    asked = {trial["trial_id"]: ran.problems[trial["problem_id"]] for trial in ran.trials}
    first = [call for call in ran.calls if call["level"] == 1]
    wanted = [asked[call["trial_id"]].truths[f"hop:0:{asked[call['trial_id']].data['start']}"] for call in first]
    assert agrees([call["extracted"] == name for call, name in zip(first, wanted, strict=True)], p)


def _found(problem: Problem, p: float) -> float:
    task = tasks()["wikiworld"]
    steps = task.question(problem, "search", "completion").steps
    tool = task.search_tool(problem)

    def chance(state) -> float:
        if steps.done(state):
            return float(task.grade(problem, steps.answer(state)).outcome == "correct")
        prompt = steps.prompt(state, tool.search(steps.query(state), 2))
        truth = problem.truths.get(prompt.key)
        wrong = [choice for choice in prompt.choices if choice != truth]
        right = 0.0 if truth is None else p if wrong else 1.0
        others = sum(chance(steps.advance(state, each)) for each in wrong) / max(1, len(wrong))
        return right * chance(steps.advance(state, truth)) + (1 - right) * others if right else others

    return chance(steps.first())
