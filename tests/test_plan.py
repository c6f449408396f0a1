"""Which trials an experiment is planned as."""

from dataclasses import replace

from fourdials import plan
from tests.scripted import arm, experiment


def test_a_stroke_in_a_name_makes_no_two_trials_one():
    what = experiment([replace(arm("single"), name=name) for name in ("x", "b/x", "b%2Fx")], problems=2)
    one, other = plan.problems(what)["wikiworld"]
    found = {"wikiworld": [replace(one, problem_id="a"), replace(other, problem_id="a/b")]}
    ids = [trial.trial_id for trial in plan.trials(what, "run", plan.blocks(what, found))]
    assert len(set(ids)) == len(ids) == 6
    assert {"run/wikiworld/a/x/0", "run/wikiworld/a/b/x/0"} < set(ids)
