"""A policy and its router: written from a run, and run by a Python that knows nothing of Four Dials."""

import json
import subprocess
import sys
import tomllib

import pytest

from fourdials import spec, worker
from fourdials.allocators._evidence import ahead
from fourdials.errors import InputError
from fourdials.policy import export_policy
from fourdials.store import Store
from tests.test_cli import invoke

RUN = {
    "name": "Routes",
    "seed": 2,
    "model": "sim/solve=0.5,step=0.98,format=completion",
    "tasks": [
        {"name": "wikiworld", "problems": 60, "params": {"questions_per_world": 1}},
        {"name": "graph_path", "problems": 60},
    ],
    "arms": [
        {"strategy": "majority_vote", "levels": [1, 4]},
        {"strategy": "stepwise"},
    ],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("home")
    made = worker.create(spec.load(_file(root)), root)
    worker.work(made, lambda kind, fields: None, root)
    return root, made


def _file(root):
    path = root / "routes.toml"
    path.write_text(spec.dump(RUN))
    return path


@pytest.fixture
def store(home):
    opened = Store(home[0], recorded=home[0] / "none")
    opened.ingest()
    yield opened
    opened.close()


def routed(path, *arguments, code=None):
    """What the router prints, run in isolation from everything installed."""
    command = [sys.executable, "-I", "-S", *(["-c", code] if code else [str(path), *arguments])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_router_runs_without_four_dials_and_gives_what_was_advised(home, store, tmp_path):
    file = tmp_path / "out" / "policy.toml"
    advice = export_policy(store, home[1], file, 10_000)
    data = tomllib.loads(file.read_text())
    assert data["made_from"]["experiment"] == home[1]
    assert (data["default"]["arm"], data["default"]["level"]) == advice.choice
    got = routed(file.with_suffix(".py"), "wikiworld")
    assert (got["arm"], got["level"]) == advice.choice
    assert got["lineup"] == {"solver": RUN["model"]}
    assert got["measured"]["low"] <= got["measured"]["value"] <= got["measured"]["high"]
    assert routed(file.with_suffix(".py"), "a task nobody has seen") == data["default"]
    assert "fourdials" not in file.with_suffix(".py").read_text()


def test_the_router_stops_votes_as_the_allocator_would(home, store, tmp_path):
    file = tmp_path / "policy.toml"
    export_policy(store, home[1], file, 10_000, confidence=0.9)
    pairs = [(a, b) for a in range(9) for b in range(a + 1)]
    code = (
        f"import sys, json; sys.path.insert(0, {str(tmp_path)!r}); import policy; "
        f"print(json.dumps([policy.enough({{'x': a, 'y': b}}) for a, b in {pairs!r}]))"
    )
    said = routed(file.with_suffix(".py"), code=code)
    assert said == [ahead(a, b) >= 0.9 for a, b in pairs]
    assert True in said
    assert False in said


def test_the_command_writes_both_files_and_says_what_was_chosen(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FOURDIALS_HOME", str(home[0]))
    file = tmp_path / "policy.toml"
    code, out, err = invoke(monkeypatch, capsys, "policy", home[1], file, "--budget", 10_000)
    assert (code, err) == (0, "")
    assert "problems that had no part in the choice" in out
    assert "choosing per task brings" in out
    assert file.exists()
    assert file.with_suffix(".py").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--budget", 0.5), "no arm costs at most 0.5"),
        (("--budget", 100, "--unit", "miles"), "unit must be one of"),
        (("--budget", 100, "--confidence", 0.2), "between 0.5 and 1"),
    ],
)
def test_what_cannot_be_advised_is_one_line_and_writes_nothing(home, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.setenv("FOURDIALS_HOME", str(home[0]))
    code, _, err = invoke(monkeypatch, capsys, "policy", home[1], tmp_path / "p.toml", *arguments)
    assert code == 1
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_policy_is_a_toml_file(home, store, tmp_path):
    with pytest.raises(InputError, match=r"is a \.toml file"):
        export_policy(store, home[1], tmp_path / "policy.json", 10)
