"""The set-up scripts: what they install, what they say when something is missing."""

from __future__ import annotations

import importlib.util
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
posix_only = pytest.mark.skipif(os.name == "nt", reason="the shell scripts are for POSIX")


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fourdials_setup", ROOT / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fourdials_setup", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path)
    return module


def test_the_one_requirement_that_compiles_is_set_apart_and_nothing_is_lost(setup: ModuleType) -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    everyone, compiled = setup.split_requirements(text)
    assert compiled.startswith("pycosat==")
    assert compiled.count("==") == 1
    assert "pycosat" not in everyone
    assert sorted((everyone + "\n" + compiled).split()) == sorted(text.split())


def test_an_unchanged_requirements_file_is_not_installed_again(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []

    def pip(requirements: str) -> subprocess.CompletedProcess[str]:
        installed.append(requirements)
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(setup, "pip_install", pip)
    setup.install("requirements-dev.txt")
    setup.install("requirements-dev.txt")
    assert len(installed) == 1
    (setup.VENV / "installed-requirements-dev.txt").write_text("another file's hash")
    setup.install("requirements-dev.txt")
    assert len(installed) == 2


def test_without_a_compiler_the_rest_is_installed_and_the_loss_is_named(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pip(requirements: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], int(requirements.startswith("pycosat")), "gcc: not found", "")

    monkeypatch.setattr(setup, "pip_install", pip)
    setup.install("requirements.txt")
    assert "zebra_puzzles" in capsys.readouterr().out
    assert (setup.VENV / "installed-requirements.txt").exists()


def test_a_failed_installation_stops_with_the_reason_and_is_tried_again_next_time(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "no matching distribution", "")
    monkeypatch.setattr(setup, "pip_install", lambda requirements: failed)
    with pytest.raises(SystemExit, match="no matching distribution"):
        setup.install("requirements.txt")
    assert not (setup.VENV / "installed-requirements.txt").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ("127.0.0.1", 8501)),
        (["--server.port", "8600"], ("127.0.0.1", 8600)),
        (["--server.port=8601", "--server.address=0.0.0.0"], ("0.0.0.0", 8601)),
    ],
)
def test_the_port_is_read_from_the_options(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, options: list[str], expected: tuple[str, int]
) -> None:
    monkeypatch.delenv("STREAMLIT_SERVER_PORT", raising=False)
    monkeypatch.delenv("STREAMLIT_SERVER_ADDRESS", raising=False)
    assert setup.address(options) == expected


def test_a_class_is_served_by_the_part_that_makes_its_password_and_on_the_network(setup: ModuleType) -> None:
    assert setup.serving(["--class", "--server.port", "8600"]) == (
        ["fourdials.invitation"],
        ["--server.address=0.0.0.0", "--server.port", "8600"],
    )
    assert setup.serving(["--server.address", "10.0.0.2", "--class"])[1] == ["--server.address", "10.0.0.2"]
    assert setup.serving(["--server.port", "8600"]) == (["fourdials.ui.launch"], ["--server.port", "8600"])


def test_a_port_that_is_no_number_is_refused(setup: ModuleType) -> None:
    with pytest.raises(SystemExit, match="'abc' is not a port"):
        setup.address(["--server.port", "abc"])


def test_a_port_in_use_is_explained_with_a_way_out(setup: ModuleType) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"in use.*\n.*--server.port {port + 1}"):
            setup.check_port_is_free(["--server.port", str(port)])


@posix_only
def test_an_old_python_is_named_and_a_way_to_a_newer_one_is_given(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$2" in *sys.exit*) exit 1;; *) echo 3.9.2;; esac\n')
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run(
        ["/bin/sh", "-c", ". scripts/python.sh"], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "python3 (3.9.2)" in done.stderr
    assert "python3-venv" in done.stderr


@posix_only
@pytest.mark.parametrize("name", ["scripts/start", "scripts/test", "scripts/check", "scripts/lock", ".ci/run"])
def test_a_script_can_be_run_and_parses(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    shell = (ROOT / name).read_text().splitlines()[0].removeprefix("#!")
    assert subprocess.run([shell, "-n", ROOT / name], capture_output=True, text=True).stderr == ""


def test_reasoning_gym_works_without_the_package_that_needs_a_compiler() -> None:
    code = (
        "import sys; sys.modules['pycosat'] = None\n"
        "from fourdials import plugins\n"
        "task = plugins.tasks()['reasoning_gym']\n"
        "print(len(task.problems(task.Params(), 3, 1)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "3", done.stderr[-500:]
