"""The experiment files of the claims: one for each, they plan, say what they are about, and run to their end.

They run on a simulated model here: plumbing only, no verdict.
"""

import re
from pathlib import Path

import polars as pl
import pytest

from fourdials import plan, query, spec, worker
from fourdials.estimate import quality
from fourdials.home import run_folder
from fourdials.models import catalogue
from fourdials.store import Store
from tests.scripted import journaled

EXPERIMENTS = Path(__file__).resolve().parents[1] / "data" / "experiments"
FILES = sorted(EXPERIMENTS.glob("c[0-9]*.toml"))
OTHERS = sorted(set(EXPERIMENTS.glob("*.toml")) - set(FILES))  # warm-ups and scale models: these plan
each_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def test_every_claim_that_calls_can_test_has_a_file():
    wanted = {f"c{number:02}" for number in (*range(1, 20), 21, 22)} | {"c08b"}
    assert wanted <= {path.stem.split("_")[0] for path in FILES}


@pytest.mark.parametrize("path", OTHERS, ids=[path.stem for path in OTHERS])
def test_an_experiment_file_plans_all_its_problems_and_has_an_arm_for_each_task(path):
    experiment = spec.parse(spec.load(path))
    problems = plan.problems(experiment)
    assert all(len(problems[task.name]) == task.problems for task in experiment.tasks)
    assert all(plan.fitting_arms(experiment, task) for task in experiment.tasks)
    assert f"data/experiments/{path.name}" in path.read_text(encoding="utf-8"), "says how it is run"


@each_file
def test_a_file_says_what_is_claimed_by_whom_what_is_run_and_what_would_count(path):
    said = " ".join(
        line.removeprefix("# ") for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"
    )
    assert re.match(r"C\d+b?[.,]", said)
    assert all(part in said for part in ("Source:", "Run:", "Reproduced:"))
    assert f"python -m fourdials run data/experiments/{path.name}" in said
    claim = path.stem.split("_")[0].removeprefix("c").lstrip("0")
    assert spec.load(path)["name"].startswith(f"C{claim}: ")


def test_a_model_that_thinks_out_of_sight_has_room_for_it():
    # a reply's limit counts hidden thought, and a task allows its answers few tokens
    arms = [arm for path in FILES for arm in spec.parse(spec.load(path)).arms]
    thinking = [arm for arm in arms if any("reasoner" in model for model in arm.lineup.values())]
    assert thinking
    assert all(arm.knobs.get("tokens", 0) >= 8000 for arm in thinking)


@each_file
def test_a_file_says_so_where_an_agent_is_led_by_the_task_instead_of_by_its_own_queries(path):
    experiment = spec.parse(spec.load(path))
    led = [
        arm
        for arm in experiment.arms
        if (arm.strategy, arm.knobs.get("queries")) == ("retrieve", "usual")
        and experiment.models[arm.lineup["solver"]].format == "completion"
    ]
    assert not led or "task's own chain" in path.read_text(encoding="utf-8").replace("\n# ", " ")


@each_file
def test_a_file_plans_with_the_models_it_names(path):
    experiment = spec.parse(spec.load(path))
    problems = plan.problems(experiment)
    assert all(len(problems[task.name]) == task.problems for task in experiment.tasks)
    assert all(plan.fitting_arms(experiment, task) for task in experiment.tasks)
    hosted = {name for name, model in experiment.models.items() if model.provider != "local"}
    assert hosted or set(experiment.models) == {catalogue.DEFAULT_LOCAL}
    assert not hosted or experiment.budget.total_tokens, "what costs money has a cap"


@each_file
def test_a_file_runs_to_its_end_on_a_simulated_model(path, tmp_path):
    data = spec.load(path)
    local = data.get("model") == catalogue.DEFAULT_LOCAL
    model = f"sim/solve=0.7,format={'completion' if local else 'chat'}"
    small = {**spec.adapted(data, model=model, problems=2), "repeats": 1}
    experiment_id = worker.create(small, tmp_path)
    assert worker.work(experiment_id, lambda kind, fields: None, tmp_path) == "finished"
    folder = run_folder(experiment_id, tmp_path)
    trials = journaled(folder, "trial")
    assert len(trials) == journaled(folder, "experiment")[-1]["planned_trials"] > 0
    assert {trial["outcome"] for trial in trials} <= {"correct", "wrong", "unparsed", "truncated", "unanswered"}
    drawn = {"capped"} if spec.parse(small).random_cap else set()  # caps that are drawn are meant to end trials
    assert {trial["stop_reason"] for trial in trials} <= {"finished", "max_level"} | drawn
    assert {trial["arm"] for trial in trials} == {arm.name for arm in spec.parse(small).arms}


def test_the_file_of_c18_measures_what_it_says_it_does(tmp_path):
    data = spec.load(EXPERIMENTS / "c18_beyond_one_score.toml")
    model = "sim/act=0.5,judge=0.7,format=completion"
    experiment_id = worker.create(spec.adapted(data, model=model, problems=6), tmp_path)
    assert worker.work(experiment_id, lambda kind, fields: None, tmp_path) == "finished"
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    measured = quality.measured(query.run(store, "trajectories", experiment_ids=experiment_id))
    store.close()
    names = ("trajectory_quality", "context_efficiency", "memory_hygiene", "verification_cost")
    means = {row["arm"]: row for row in measured.group_by("arm").agg(pl.col(names).mean()).iter_rows(named=True)}
    assert len(means) == 5
    assert all(row["trajectory_quality"] is not None and 0 < row["context_efficiency"] < 1 for row in means.values())
    assert [arm for arm, row in means.items() if row["memory_hygiene"] is not None] == ["explore_then_commit"]
    assert [arm for arm, row in means.items() if row["verification_cost"]] == ["a judge at each step"]
    assert means["explore_then_commit"]["memory_hygiene"] < 1, "notes of keys that were found are stale"
