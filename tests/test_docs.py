"""The recipes in README and CONTRIBUTING are complete, and do what the text around them says."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fourdials import handbook, plugins
from tests.scripted import Script, arm, capped, experiment, journaled, play

ROOT = Path(__file__).resolve().parent.parent


def recipe(kind: str) -> tuple[str, str]:
    """Name and code of the block marked `<!-- kind: name -->`."""
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        found = re.search(rf"<!-- {kind}: (\w+) -->\n```\w+\n(.*?)```", text, re.DOTALL)
        if found:
            return found[1], found[2]
    raise AssertionError(f"no recipe for a {kind}")


def add_module(package: ModuleType, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Saves a recipe's code as one more module of a package."""
    name, code = recipe(kind)
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    plugins.tasks.cache_clear()
    plugins.strategies.cache_clear()
    return name


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The task and the strategy of the recipes, found by discovery like any other; forgotten afterwards."""
    import fourdials.strategies.parallel
    import fourdials.tasks

    before = set(sys.modules)
    folders = [tmp_path / "tasks", tmp_path / "parallel"]
    for folder in folders:
        folder.mkdir()
    task = add_module(fourdials.tasks, "task", folders[0], monkeypatch)
    strategy = add_module(fourdials.strategies.parallel, "strategy", folders[1], monkeypatch)
    yield task, strategy
    monkeypatch.undo()
    for name in {f"fourdials.tasks.{task}", f"fourdials.strategies.parallel.{strategy}"} - before:
        sys.modules.pop(name, None)
    plugins.tasks.cache_clear()
    plugins.strategies.cache_clear()


@pytest.mark.parametrize("kind", ["retriever", "tool", "environment"])
def test_the_examples_of_own_code_are_the_files_that_the_tests_run(kind: str) -> None:
    name, code = recipe(kind)
    assert code == (ROOT / "data" / "experiments" / "own" / f"{name}.py").read_text(encoding="utf-8")
    assert f'{kind} = "{name}.py:' in (ROOT / "data" / "experiments" / "own" / f"{kind}.toml").read_text()


@pytest.mark.parametrize("page", handbook.PAGES)
def test_the_catalogue_pages_are_up_to_date(page: str) -> None:
    held = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    command = f"python -m fourdials list {page} --markdown > docs/{page}.md"
    assert command in held
    assert held == handbook.PAGES[page](), f"run `{command}`"


def test_the_strategy_of_the_readme_takes_20_lines() -> None:
    code = recipe("strategy")[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_the_recipes_are_found_and_run_to_the_end(added: tuple[str, str], format: str, tmp_path: Path) -> None:
    task, strategy = added
    what = experiment([arm(strategy, format)], task=task, problems=4)
    assert play(tmp_path / "run", what, Script(right=1.0)) == "finished"
    trials = journaled(tmp_path / "run", "trial")
    assert [(t["outcome"], t["stop_reason"], t["calls"], t["level"]) for t in trials] == [
        ("correct", "finished", 2, 2)
    ] * 4


def test_the_strategy_of_the_readme_goes_on_until_two_answers_agree(added: tuple[str, str], tmp_path: Path) -> None:
    what = experiment([arm(added[1])], problems=12)
    play(tmp_path / "run", what, Script(right=0.4))
    checkpoints = journaled(tmp_path / "run", "checkpoint")
    trials = journaled(tmp_path / "run", "trial")
    assert len({t["level"] for t in trials}) > 1
    for trial in trials:
        mine = [c for c in checkpoints if c["trial_id"] == trial["trial_id"]]
        assert [c["level"] for c in mine] == list(range(1, trial["level"] + 1))
        calls = [c["extracted"] for c in journaled(tmp_path / "run", "calls") if c["trial_id"] == trial["trial_id"]]
        most = max(calls.count(answer) for answer in calls)
        assert (most == 2) if trial["stop_reason"] == "finished" else (most < 2)


def test_the_task_recipe_keeps_the_promises_of_a_task(added: tuple[str, str]) -> None:
    task = plugins.tasks()[added[0]]
    params = task.Params(length=3)
    longer = task.problems(params, 20, seed=5)
    assert task.problems(params, 8, seed=5) == longer[:8]
    assert task.problems(params, 8, seed=6) != longer[:8]
    assert len({problem.problem_id for problem in longer}) == 20
    for problem in longer:
        total = sum(map(int, problem.problem_id.split("+")))
        assert task.grade(problem, f"{total}.0").outcome == "correct"
        assert task.grade(problem, str(total + 1)).score == 0.0
        for format in ("chat", "completion"):
            assert str(total) not in re.findall(r"\d+", task.question(problem, "given", format).answer.shown)


def test_the_allocator_recipe_divides_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fourdials.allocators

    name, code = recipe("allocator")
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(fourdials.allocators, "__path__", [*fourdials.allocators.__path__, str(tmp_path)])
    plugins.allocators.cache_clear()
    try:
        what = experiment([arm("majority_vote")], allocator=name, budget=capped(calls=12))
        assert play(tmp_path / "run", what, Script()) == "finished"
    finally:
        monkeypatch.undo()
        sys.modules.pop(f"fourdials.allocators.{name}")
        plugins.allocators.cache_clear()
    trials = journaled(tmp_path / "run", "trial")
    assert len(trials) == 3
    assert 8 <= sum(trial["calls"] for trial in trials) <= 12


def test_the_query_recipe_describes_itself_and_selects_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = pytest.importorskip("fourdials.query")
    from fourdials.store import Store

    name, sql = recipe("query")
    (tmp_path / f"{name}.sql").write_text(sql, encoding="utf-8")
    monkeypatch.setattr(query, "QUERIES", tmp_path)
    described = query.describe(name)
    assert (described.title, described.grain) == ("The slowest calls of a run", "one row per call that succeeded.")
    assert [(p.name, p.optional) for p in described.parameters] == [("experiment_id", False), ("longer_than", True)]

    play(tmp_path / "home" / "runs" / "run", experiment([arm("majority_vote")]), Script())
    store = Store(tmp_path / "home")
    store.ingest()
    every = query.run(store, name, experiment_id="run")
    assert every.columns == ["call_id", "trial_id", "role", "model", "latency_s"]
    assert set(every["latency_s"]) == {0.5}
    assert every.height == len(journaled(tmp_path / "home" / "runs" / "run", "calls"))
    assert query.run(store, name, experiment_id="run", longer_than=0.5).is_empty()
    store.close()


def test_the_page_recipe_shows_a_hint_without_runs_and_a_table_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit.testing.v1 import AppTest

    import fourdials.query

    pytest.importorskip("fourdials.ui.data")
    queries = tmp_path / "queries"
    queries.mkdir()
    name, sql = recipe("query")
    (queries / f"{name}.sql").write_text(sql, encoding="utf-8")
    for file in (ROOT / "queries").glob("*.sql"):
        (queries / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(fourdials.query, "QUERIES", queries)
    for case in ("empty", "one"):
        monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path / case))
        if case == "one":
            play(tmp_path / case / "runs" / "run", experiment([arm("majority_vote")]), Script())
        page = AppTest.from_string(recipe("page")[1], default_timeout=30).run()
        assert not page.exception
        assert page.title[0].value == "Latency"
        if case == "one":
            assert len(page.dataframe[0].value) > 0
