"""The command line: help for every command, one clear line on bad input, results a pipe can read."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fourdials import spec, worker
from fourdials.cli import app, main

COMMANDS = ["run", "resume", "regrade", "list", "query", "export", "policy", "import", "snapshot", "report"]
TINY = {
    "name": "Tiny",
    "seed": 1,
    "model": "sim/solve=0.6,step=0.9,format=completion",
    "tasks": [{"name": "wikiworld", "problems": 4}],
    "arms": [{"strategy": "majority_vote", "levels": [1, 4]}, {"strategy": "stepwise"}],
}


@pytest.fixture
def spec_file(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path / "home"))
    path = tmp_path / "tiny.toml"
    path.write_text(spec.dump(TINY))
    return path


def invoke(monkeypatch, capsys, *arguments):
    """Exit code, standard output and error of a command."""
    monkeypatch.setattr(sys, "argv", ["fourdials", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    out = capsys.readouterr()
    return ended.value.code or 0, out.out, out.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_does_not_import_what_only_the_worker_needs():
    heavy = "{'litellm', 'streamlit', 'duckdb', 'polars'}"
    code = f"import sys\nfrom fourdials.cli import app\nprint({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_run_finishes_is_listed_queried_and_exported(spec_file, tmp_path, monkeypatch, capsys):
    code, out, _ = invoke(monkeypatch, capsys, "run", spec_file)
    assert code == 0
    assert ": finished" in out
    experiment_id = out.strip().splitlines()[-1].split(":")[0]
    code, out, _ = invoke(monkeypatch, capsys, "run", spec_file)
    assert (code, f"already finished as {experiment_id}" in out) == (0, True)
    code, out, _ = invoke(monkeypatch, capsys, "list", "experiments", "--json")
    [row] = [row for row in json.loads(out) if not row["recorded"]]
    assert (row["experiment_id"], row["status"]) == (experiment_id, "finished")
    code, out, _ = invoke(monkeypatch, capsys, "query", "arms", f'experiment_ids=["{experiment_id}"]')
    assert code == 0, out
    assert "majority_vote" in out
    code, out, err = invoke(monkeypatch, capsys, "query", "experiments")
    assert (code, err, '"[""wikiworld""]"' in out) == (0, "", True), out  # lists are JSON, and nothing else is printed
    code, _, _ = invoke(monkeypatch, capsys, "export", experiment_id, tmp_path / "out")
    assert code == 0
    assert (tmp_path / "out" / "trials.parquet").is_file()


def test_a_dry_run_prints_the_forecast_and_runs_nothing(spec_file, tmp_path, monkeypatch, capsys):
    code, out, _ = invoke(monkeypatch, capsys, "run", spec_file, "--dry-run")
    assert code == 0
    assert "8 trials in 4 blocks" in out
    assert "calls: 24\n" in out
    other = ("--model", "sim/solve=1,format=completion", "--problems", "3")
    assert "6 trials in 3 blocks" in invoke(monkeypatch, capsys, "run", spec_file, "--dry-run", *other)[1]
    assert not (tmp_path / "home" / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "absent.toml"], "cannot read the experiment file absent.toml"),
        (["resume", "absent"], "no run called 'absent'"),
        (["query", "absent"], "absent"),
        (["query", "arms", "experiment"], "NAME=VALUE"),
        (["export", "absent", "x"], "absent"),
    ],
)
def test_bad_input_ends_in_one_clear_line(arguments, message, spec_file, monkeypatch, capsys):
    code, _, err = invoke(monkeypatch, capsys, *arguments)
    assert code != 0
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("what", ["strategies", "tasks", "models", "queries"])
def test_lists_print_a_line_for_each_and_json(what, spec_file, monkeypatch, capsys):
    _, plain, _ = invoke(monkeypatch, capsys, "list", what)
    _, raw, _ = invoke(monkeypatch, capsys, "list", what, "--json")
    header, *lines = plain.strip().splitlines()
    assert len(json.loads(raw)) == len(lines) > 2
    assert header.split("\t") == list(json.loads(raw)[0])


def test_the_pages_of_strategies_and_tasks_are_printed_as_markdown_and_no_others(spec_file, monkeypatch, capsys):
    code, out, _ = invoke(monkeypatch, capsys, "list", "--json")
    assert {"name", "dial", "unit", "source"} <= json.loads(out)["strategies"][0].keys()
    assert set(json.loads(out)) == {"strategies", "tasks", "models"}
    code, out, _ = invoke(monkeypatch, capsys, "list", "strategies", "--markdown")
    assert (code, "## majority_vote" in out, "| `temperature` |" in out) == (0, True, True)
    code, _, err = invoke(monkeypatch, capsys, "list", "models", "--markdown")
    assert (code, "there are pages of strategies and tasks" in err) == (1, True)


def test_a_new_budget_is_in_the_unit_of_the_old_one_or_in_the_one_that_is_named(spec_file, monkeypatch, capsys):
    spec_file.write_text(spec.dump({**TINY, "budget": {"calls": 3}}))
    _, out, _ = invoke(monkeypatch, capsys, "run", spec_file)
    experiment_id = out.strip().splitlines()[-1].split(":")[0]
    assert "budget is spent" in out
    _, out, _ = invoke(monkeypatch, capsys, "resume", experiment_id, "--budget", "5")
    assert "budget is spent" in out
    assert worker.read_spec(experiment_id)["budget"] == {"calls": 5}
    _, out, _ = invoke(monkeypatch, capsys, "resume", experiment_id, "--budget", "total_tokens=1e6")
    assert worker.read_spec(experiment_id)["budget"] == {"calls": 5, "total_tokens": 1_000_000}
    code, _, err = invoke(monkeypatch, capsys, "resume", experiment_id, "--budget", "5000")
    assert (code, "calls and total_tokens; name one" in err) == (1, True)
    for wrong in ("much", "nan", "calls=inf", "-5", "calls=2.5", "euro=3"):
        code, _, err = invoke(monkeypatch, capsys, "resume", experiment_id, f"--budget={wrong}")
        assert (code, err.startswith("error: ")) == (1, True), wrong
    _, out, _ = invoke(monkeypatch, capsys, "resume", experiment_id, "--budget", "calls=1000")
    assert f"{experiment_id}: finished\n" in out


@pytest.mark.skipif(sys.platform == "win32", reason="files have no size limit there")
def test_a_full_disk_ends_a_run_in_one_line_and_the_run_goes_on_once_there_is_room(spec_file, monkeypatch, capsys):
    full = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        f"sys.argv = ['fourdials', 'run', {str(spec_file)!r}]; from fourdials.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", full], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: [Errno 27]")
    code, out, _ = invoke(monkeypatch, capsys, "run", spec_file)
    assert (code, "going on with" in out, ": finished" in out) == (0, True, True)


def test_a_file_where_a_folder_is_meant_and_the_reverse_are_told_apart(tmp_path, monkeypatch, capsys):
    file = tmp_path / "file"
    file.touch()
    code, _, err = invoke(monkeypatch, capsys, "export", "any", file)
    assert (code, "name a folder" in err) == (1, True)
    code, _, err = invoke(monkeypatch, capsys, "run", tmp_path)
    assert (code, "name an experiment file" in err) == (1, True)
