"""Tables learned from a stored run: what is learned on, what it is held against, and what can be pasted."""

import tomllib

import pytest

from fourdials import calibrating, plugins, query
from fourdials.errors import InputError
from fourdials.routing import Rule, calibrates
from fourdials.store import Store
from fourdials.worker import create, work

TASKS = [
    {"name": "warmup", "problems": 40, "params": {"kind": "category"}},
    {"name": "graph_path", "problems": 40, "params": {"lengths": [3]}},
]


def store_of(home, arms, **settings):
    """A finished simulated run of these arms, in a store, and its id."""
    spec = {"name": "calibration", "seed": 4, "model": "sim/solve=0.3,step=1.0", "tasks": TASKS, "arms": arms}
    run = create({**spec, **settings}, home)
    assert work(run, lambda kind, fields: None, home) == "finished"
    store = Store(home, recorded=home / "none")
    store.ingest()
    return store, run


def test_a_table_is_learned_on_half_of_the_problems_and_its_gain_is_that_on_the_others(tmp_path):
    store, run = store_of(tmp_path, [{"strategy": "single"}, {"strategy": "stepwise", "levels": [1, 2, 3]}])
    found = calibrating.learned(store, run, seed=2)
    rows = query.run(store, "trial_spends", experiment_ids=[run])
    split = {row["problem_id"] for row in rows.iter_rows(named=True) if calibrates(row["cluster_id"], 2)}
    assert (found.strategy, found.problems) == ("route", len(split))
    assert found.rules[0] == Rule(strategy="stepwise", task="graph_path")  # each step is sure, a whole path is not
    assert found.gain.n == 80 - len(split)
    held = rows.filter(~rows["problem_id"].is_in(list(split)))
    by_hand = {
        name: held.filter(strategy=name).sort("task", "problem_id")["score"].to_list()
        for name in ("single", "stepwise")
    }
    tasks = held.filter(strategy="single").sort("task", "problem_id")["task"]
    picks = {rule.task: rule.strategy for rule in found.rules if rule.at_most is None}
    routed = [by_hand[picks[task]][at] for at, task in enumerate(tasks)]
    if all(rule.at_most is None for rule in found.rules):
        assert found.gain.value == pytest.approx(sum(routed) / len(routed) - sum(by_hand[found.single]) / len(routed))
    pasted = tomllib.loads(calibrating.toml(found))["arms"][0]
    knobs = plugins.strategies()["route"].Knobs.model_validate(pasted["knobs"])
    assert (pasted["strategy"], knobs.rules) == ("route", found.rules)
    store.close()


def test_who_does_a_part_is_learned_from_arms_that_give_all_parts_to_the_same_worker(tmp_path):
    arms = [
        {
            "strategy": "orchestrate",
            "name": who,
            "levels": [2],
            "knobs": {"assign": "rule", "rules": [{"strategy": who}]},
        }
        for who in ("small 1", "large 1")
    ]
    store, run = store_of(tmp_path, arms, model="sim/solve=0.8,format=chat", tasks=TASKS[1:])
    found = calibrating.learned(store, run)
    assert (found.strategy, found.single, found.gain) == ("orchestrate", "", None)
    knobs = tomllib.loads(calibrating.toml(found))["arms"][0]["knobs"]
    assert knobs["assign"] == "rule"
    assert plugins.strategies()["orchestrate"].Knobs.model_validate(knobs).rules == found.rules
    store.close()


def test_what_cannot_be_learned_from_is_refused_by_name(tmp_path):
    arms = [{"strategy": "single"}, {"strategy": "majority_vote"}, {"strategy": "majority_vote", "name": "again"}]
    store, run = store_of(tmp_path, arms, tasks=[TASKS[0] | {"problems": 3}])
    with pytest.raises(InputError, match=r"got the arms single, majority_vote, again.*each of another strategy"):
        calibrating.learned(store, run)
    with pytest.raises(InputError, match="got the arm 'other'; the run has single, majority_vote, again"):
        calibrating.learned(store, run, ["other"])
    with pytest.raises(InputError, match="holds no such run"):
        calibrating.learned(store, "nowhere")
    with pytest.raises(InputError, match="got a share of 1"):
        calibrating.learned(store, run, ["single", "again"], share=1)
    store.close()
