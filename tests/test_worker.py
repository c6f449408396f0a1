"""The worker as a process of its own: killed and resumed, stopped, never two at once, queued for the local model."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fourdials import worker
from fourdials.errors import HomeBusy, InputError, SetupError
from fourdials.home import run_folder
from tests.scripted import journaled

SLOW = {
    "name": "Slow",
    "seed": 5,
    "concurrency": 4,
    "model": "sim/solve=0.6,step=0.9,query=0.9,act=0.9,verify=0.8,latency=0.02,format=completion",
    "tasks": [{"name": "wikiworld", "problems": 12}],
    "arms": [{"strategy": name} for name in ("majority_vote", "stepwise", "retrieve", "act")],
}
FAST = {**SLOW, "model": SLOW["model"].replace("0.02", "0")}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    return tmp_path


def wait(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited too long")
        time.sleep(0.02)


def trials(home, experiment_id):
    return journaled(run_folder(experiment_id, home), "trial")


def kill_half_way(home, experiment_id):
    wait(lambda: len(trials(home, experiment_id)) >= 10)
    pid = json.loads((run_folder(experiment_id, home) / "worker.lock").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    wait(lambda: not worker.state(experiment_id, home).alive)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_worker_killed_half_way_resumes_with_no_finished_call_made_twice(home):
    experiment_id = worker.launch(SLOW, home)
    kill_half_way(home, experiment_id)
    ended = {t["trial_id"] for t in trials(home, experiment_id)}
    assert 10 <= len(ended) < 48
    worker.resume(experiment_id, home)
    wait(lambda: journaled(run_folder(experiment_id, home), "status")[-1]["status"] == "finished")
    folder = run_folder(experiment_id, home)
    assert len([t["trial_id"] for t in trials(home, experiment_id)]) == 48
    assert len({t["trial_id"] for t in trials(home, experiment_id)}) == 48
    calls = [c["call_id"] for c in journaled(folder, "calls") if c["error"] is None]
    assert len(calls) == len(set(calls))
    whole = worker.create(SLOW, home)
    worker.work(whole, lambda kind, fields: None, home)

    def answers(run):
        return {t["trial_id"].split("/", 1)[1]: (t["answer"], t["score"], t["calls"]) for t in trials(home, run)}

    assert answers(experiment_id) == answers(whole)


def test_two_workers_never_run_one_experiment(home):
    experiment_id = worker.launch(SLOW, home)
    wait(lambda: worker.state(experiment_id, home).alive)
    with pytest.raises(HomeBusy, match="already"):
        worker.work(experiment_id, lambda kind, fields: None, home)
    with pytest.raises(HomeBusy, match="already running"):
        worker.resume(experiment_id, home)
    worker.stop(experiment_id, home)
    wait(lambda: not worker.state(experiment_id, home).alive)
    assert journaled(run_folder(experiment_id, home), "status")[-1]["status"] == "stopped"


def test_a_lock_left_by_a_dead_process_is_taken_over(home):
    experiment_id = worker.create(FAST, home)
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    lock = run_folder(experiment_id, home) / "worker.lock"
    lock.write_text(json.dumps({"pid": gone.pid, "create_time": 0.0}))
    assert worker.work(experiment_id, lambda kind, fields: None, home) == "finished"
    assert not lock.exists()


def test_a_run_that_does_not_exist_is_named(home):
    with pytest.raises(InputError, match="no run called 'nothing'"):
        worker.resume("nothing", home)


def test_earlier_runs_of_a_spec_are_found_by_its_content(home):
    assert worker.earlier_runs(FAST, home) == (None, None)
    experiment_id = worker.create(FAST, home)
    assert worker.earlier_runs(FAST, home) == (experiment_id, None)
    worker.work(experiment_id, lambda kind, fields: None, home)
    assert worker.earlier_runs(FAST, home) == (None, experiment_id)
    assert worker.earlier_runs(SLOW, home) == (None, None)


def test_a_bigger_budget_is_kept_in_the_spec_of_the_run(home):
    small = {**FAST, "budget": {"calls": 20}}
    experiment_id = worker.create(small, home)
    worker.work(experiment_id, lambda kind, fields: None, home)
    before = len(trials(home, experiment_id))
    options = worker.Options(budget={"calls": 100_000})
    worker.work(experiment_id, lambda kind, fields: None, home, options)
    assert before < 48
    assert len({t["trial_id"] for t in trials(home, experiment_id)}) == 48
    assert worker.read_spec(experiment_id, home)["budget"] == {"calls": 100_000}


def test_the_queue_counts_the_living_only(home):
    queue = home / "queue"
    queue.mkdir()
    (queue / "1~dead.json").write_text(json.dumps({"pid": 2**22 + 1, "create_time": 0.0}))
    mine = {"pid": os.getpid(), "create_time": __import__("psutil").Process().create_time()}
    (queue / "2~living.json").write_text(json.dumps(mine))
    assert [path.name for path in worker._queue(home)] == ["2~living.json"]
    assert not (queue / "1~dead.json").exists()


def test_no_worker_means_not_alive(home):
    experiment_id = worker.create(FAST, home)
    assert worker.state(experiment_id, home) == worker.WorkerState(False, None, None)
    assert (Path(run_folder(experiment_id, home)) / "spec.toml").is_file()


async def test_a_run_whose_folder_is_gone_stops(tmp_path, capsys):
    stopped = asyncio.Event()
    await asyncio.wait_for(worker._beat(tmp_path / "gone", stopped), 5)
    assert stopped.is_set()
    assert "cannot be written" in capsys.readouterr().err


def test_a_stop_asked_for_while_the_worker_is_still_starting_is_heard(home):
    experiment_id = worker.launch(SLOW, home)
    worker.stop(experiment_id, home)
    assert worker._started[-1].wait(60) == 0
    assert journaled(run_folder(experiment_id, home), "status")[-1]["status"] == "stopped"


def test_a_stop_left_from_before_does_not_end_a_run_that_is_taken_up_again(home):
    experiment_id = worker.create(FAST, home)
    worker.stop(experiment_id, home)
    assert worker.work(experiment_id, lambda kind, fields: None, home) == "finished"


def test_of_two_that_find_the_lock_of_a_dead_process_one_gets_it(home, monkeypatch):
    lock = home / "worker.lock"
    lock.write_text(json.dumps({"pid": 2**22 + 1, "create_time": 0.0}))
    living = worker._living

    def quicker(path):
        monkeypatch.setattr(worker, "_living", living)
        found = living(path)
        lock.unlink()
        lock.write_text(json.dumps(worker._identity()))
        return found

    monkeypatch.setattr(worker, "_living", quicker)
    with pytest.raises(HomeBusy, match="already runs"):
        worker._claim(lock)
    assert json.loads(lock.read_text()) == worker._identity()
    assert list(home.iterdir()) == [lock]


def test_an_entry_of_the_queue_is_never_seen_half_written(home, monkeypatch):
    whole = Path.write_text

    def slowly(path, *args, **kwargs):
        path.touch()
        worker._queue(home)
        return whole(path, *args, **kwargs)

    async def queued():
        async with worker._turn(job, home):
            return len(worker._queue(home))

    (home / "queue").mkdir()
    job = SimpleNamespace(experiment_id="x", stop=asyncio.Event())
    seen = []

    def remembering(root, real=worker._queue):
        seen.append([path.name for path in real(root)])
        return real(root)

    monkeypatch.setattr(worker, "_queue", remembering)
    monkeypatch.setattr(Path, "write_text", slowly)
    assert asyncio.run(queued()) == 1
    assert seen[0] == []


def test_a_budget_in_dollars_needs_a_price(home):
    for part in ("budget", "trial_budget"):
        experiment_id = worker.create({**FAST, part: {"usd": 0.001}}, home)
        with pytest.raises(SetupError, match=r"no price is known for sim/.*total_tokens or calls"):
            worker.work(experiment_id, lambda kind, fields: None, home)
        assert journaled(run_folder(experiment_id, home), "status")[-1]["status"] == "failed"
        assert journaled(run_folder(experiment_id, home), "calls") == []
