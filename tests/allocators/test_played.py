"""Recorded trials played as columns against the same allocators asked for grant after grant, to the bit."""

import random

import numpy as np
import pytest
from scipy.stats import betabinom

from fourdials import plugins, replay
from fourdials.allocators._evidence import beta_binomial
from fourdials.allotment import Allotment
from fourdials.courses import Courses
from fourdials.replay import Policy
from tests.recordings import trial

KNOBS = {
    "uniform": [{"order": "levels"}, {"order": "levels", "level": 3}, {}],
    "proportional": [{}, {"pilot": 1, "batch": 3, "floor": 0.2}, {"batch": 1}],
    "greedy_marginal": [{}, {"pilot": 1, "batch": 3}, {"batch": 1}],
    "beta_stopping": [{}, {"confidence": 0.7}],
    "successive_halving": [{}, {"calibration": 0.5}],
    "oracle": [{}],
}
POLICIES = [Policy(name, name, knobs) for name in plugins.allocators() for knobs in KNOBS[name]]
BLOCKS = Policy("uniform", "uniform", {})  # grants as places come free, so what a budget reaches depends on them
LADDERS = {"votes": (1, 2, 4, 8), "weighted": (1, 3, 5), "judged": (1, 2, 4), "steps": (0, 1, 2, 3), "single": (1,)}


def each(policies):
    return pytest.mark.parametrize("policy", policies, ids=lambda policy: f"{policy.name} {dict(policy.knobs)}")


def shown(rng, kind, level):
    """The answer at a level and what an allocator may see of it."""
    answer = rng.choice(["x", "y", "z", None])
    if kind == "votes":
        return answer, {"votes": {"x": rng.randint(0, level), "y": rng.randint(0, level)}}
    if kind == "weighted":
        return answer, {"votes": {name: rng.random() * level for name in "xyz"}}
    if kind == "judged":
        return answer, {"verifier": rng.choice([0.0, 0.3, rng.random(), 1.0])} if rng.random() < 0.9 else {}
    return answer, {}


def made(rng, problem, kind, steady):
    """A trial that ends anywhere, for any reason; unless steady, with gaps, and requests that cost and share anything.

    Amounts are fractions then, so that adding them in another order would tell.
    """
    ladder = LADDERS[kind]
    last = rng.choice([*ladder, ladder[-1], ladder[-1]])
    stops = []
    for level in range(min(ladder), last + 1):
        if steady or rng.random() < 0.85:
            answer, detail = shown(rng, kind, max(level, 1))
            stops.append((level, answer, float(rng.random() < 0.5), detail))
    reason = "max_level" if last == ladder[-1] and rng.random() < 0.7 else rng.choice(["finished", "capped"])
    where = {"task": ("toy", "maze")[problem % 2], "arm": kind, "levels": ladder, "reason": reason, "block": problem}
    found = trial(problem, stops, **where)
    if steady:
        return found
    found.requests = []
    for _ in range(rng.randint(0, 3)):
        at = sorted(rng.sample(range(ladder[-1] + 1), rng.randint(1, min(3, ladder[-1] + 1))))
        paid = [rng.random() * 30 for _ in at]
        found.requests.append((at, paid, [rng.random() * each for each in paid]))
    return found


def population(seed, steady=False):
    """Some problems under every kind of arm, one of them with a trial for each of its levels."""
    rng = random.Random(seed)
    found = []
    for problem in range(rng.randint(1, 14)):
        found += [made(rng, problem, kind, steady) for kind in LADDERS]
        for level in (1, 2):
            stops = [(level, rng.choice("xy"), float(rng.random() < 0.5))]
            told = {"trial_id": f"{problem}/told/{level}", "nested": False, "max_level": level}
            told["task"] = found[-1].row["task"]
            found.append(
                trial(problem, stops, arm="told", levels=(level,), price=10.0 if steady else rng.random() * 20, **told)
            )
    rng.shuffle(found)
    return found


def budgets(trials):
    whole = float(sum(each.cost(0, each.levels[-1]) for each in trials))
    return [None, 0.0, 1.0, *(whole * part for part in (0.05, 0.2, 0.45, 0.8, 3.0))]


def asked(trials, policy, budget, seed):
    """Grant after grant as the engine does, with few places and trials that end in any order: spend by trial."""
    rng, plan = random.Random(seed), plugins.allocators()[policy.allocator]
    truth = {t.row["trial_id"]: t.stops() for t in trials} if plan.grades == "hindsight" else None
    knobs = plan.Knobs.model_validate(policy.knobs).model_dump()
    allotment = Allotment(policy.allocator, knobs, [t.view() for t in trials], budget, truth)
    places = {t.row["trial_id"]: replay.Place(t) for t in trials}
    running = {}
    while True:
        running |= {grant.trial_id: grant.up_to for grant in allotment.grants(rng.randint(1, 5))}
        if not running:
            return {name: place.passed for name, place in places.items()}
        name = rng.choice(sorted(running))
        seen, stopped = places[name].advance(running.pop(name))
        allotment.observe(name, seen, places[name].spent, stopped, places[name].score)


@each(POLICIES)
@pytest.mark.parametrize("seed", range(8))
def test_playing_columns_comes_to_the_same_rows_as_asking_for_each_grant(policy, seed):
    trials = population(seed)
    totals = budgets(trials)
    for total, played in zip(totals, Courses(trials).replays(policy, totals), strict=True):
        assert played.equals(replay.replay(trials, policy, total)), f"budget {total}"


@each([policy for policy in POLICIES if policy != BLOCKS])
def test_a_run_that_asks_with_few_places_comes_to_what_the_columns_say(policy):
    """Levels that cost what was foreseen: else the budget may be spent while a round still waits for its places."""
    trials = population(99, steady=True)
    levels = {one.row["trial_id"]: [0, *one.at()] for one in trials}
    totals = budgets(trials)[3:7]
    for total, played in zip(totals, Courses(trials).replays(policy, totals), strict=True):
        live = {name: levels[name][passed] for name, passed in asked(trials, policy, total, 1).items()}
        assert dict(played.select("trial_id", "level").iter_rows()) == live
        assert len(set(live.values())) > 1


def test_the_budgets_of_one_comparison_do_not_touch_each_other():
    trials = population(3)
    totals = budgets(trials)
    for policy in POLICIES:
        forth = Courses(trials).replays(policy, totals)
        back = Courses(trials).replays(policy, totals[::-1])[::-1]
        assert all(one.equals(other) for one, other in zip(forth, back, strict=True))


def test_no_trials_are_played_to_no_rows():
    for policy in POLICIES:
        assert [frame.height for frame in Courses([]).replays(policy, [None, 5.0])] == [0, 0]
    assert Courses([]).taken(3).is_empty()


@pytest.mark.parametrize(("a", "b", "n"), [(1, 1, 1), (3, 1, 4), (7, 5, 16), (17, 2, 30)])
def test_the_beta_binomial_is_the_one_of_scipy(a, b, n):
    won = np.arange(n + 1)
    assert np.array_equal(beta_binomial(won, n, a, b), betabinom.pmf(won, n, a, b))
