"""People's own retrievers, tools and environments: found by path, run by the engine, their faults told plainly."""

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fourdials import own, spec
from fourdials.errors import InputError, SpecError
from fourdials.forecast import forecast
from tests.scripted import Lines, journaled, play

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "data" / "experiments" / "own"


def example(name, model, folder=EXAMPLES):
    """An example experiment, on another model."""
    return spec.parse(spec.load(folder / f"{name}.toml") | {"model": model})


def written(folder, code, **params):
    """An experiment on a table of one question and this code as `mine.py` beside it."""
    (folder / "table.jsonl").write_text('{"question": "Where?", "answer": "here", "passages": ["It is here."]}\n')
    (folder / "mine.py").write_text(code)
    arm = "retrieve" if "retriever" in params else "act"
    file = {
        "name": "mine",
        "model": "sim/solve=0.5",
        "tasks": [{"name": "dataset", "problems": 1, "params": {"path": "table.jsonl", "shots": 0, **params}}],
        "arms": [{"strategy": arm, "levels": [1]}],
    }
    (folder / "mine.toml").write_text(spec.dump(file))
    return folder / "mine.toml"


def ended(folder, file):
    play(folder / "run", spec.parse(spec.load(file)), Lines("here"))
    [trial] = journaled(folder / "run", "trial")
    return trial


@pytest.mark.parametrize("model", ["sim/solve=0.9", "sim/solve=0.9,format=completion"])
@pytest.mark.parametrize("name", ["retriever", "tool", "environment"])
def test_the_examples_run_to_the_end_in_both_prompt_formats(tmp_path, name, model):
    from fourdials.models import sim
    from fourdials.records import Attempt

    class Simulated:
        async def send(self, request, record):
            return Attempt(1, time.time(), 0.1, samples=sim.samples(request))

    what = example(name, model)
    assert play(tmp_path, what, Simulated()) == "finished"
    trials = journaled(tmp_path, "trial")
    assert [trial["error"] for trial in trials] == [None] * len(trials)
    assert {trial["arm"] for trial in trials} == {arm.name for arm in what.arms}
    assert journaled(tmp_path, "step")


def test_the_retriever_of_the_example_finds_what_shares_words_and_nothing_else(tmp_path):
    what = example("retriever", "sim/solve=0.9")
    play(tmp_path, what, Lines("ferries of Kell"))
    searches = [step["payload"] for step in journaled(tmp_path, "step") if step["kind"] == "search"]
    ferries = next(found for found in searches if "ferries of Kell" in found["query"])
    assert "ferries of Kell" in ferries["passages"][0]
    search = own.OwnSearch(str(EXAMPLES / "word_overlap.py") + ":WordOverlap", ("a cat", "two dogs"))
    assert search.search("dogs and cats", 5) == ["two dogs"]


def test_a_world_that_lists_no_actions_is_explored_before_a_plan_is_made(tmp_path):
    what = example("tool", "sim/solve=0.9")
    looker = replace(
        next(arm for arm in what.arms if arm.strategy == "act"),
        strategy="explore_then_commit",
        knobs={"explore": 2, "plan_tokens": 16, "temperature": 0.0},
        levels=(3,),
    )
    script = Lines(by_role={"act": ["Action: 1 + 1", "Action: 17 * 23", "Action: answer 391"], "plan": ["answer"]})
    one = tuple(replace(task, problems=1) for task in what.tasks)
    play(tmp_path, replace(what, arms=(looker,), tasks=one), script)
    first = journaled(tmp_path, "trial")[0]["trial_id"]
    calls = [call for call in journaled(tmp_path, "calls") if call["trial_id"] == first]
    assert [(call["role"], call["level"]) for call in calls] == [("act", 1), ("act", 2), ("plan", 3), ("act", 3)]
    assert "Do not finish yet" in script.requests[0].prompt.shown


def test_the_tool_of_the_example_works_out_what_is_asked_and_an_answer_ends_it(tmp_path):
    what = example("tool", "sim/solve=0.9")
    script = Lines(by_role={"solve": ["1"], "act": ["Action: 17 * 23", "Action: answer 391"]})
    play(tmp_path, what, script)
    seen = [step["payload"] for step in journaled(tmp_path, "step") if step["kind"] == "env_step"]
    assert ("17 * 23", "391", False) in [(step["action"], step["observation"], step["done"]) for step in seen]
    right = [t for t in journaled(tmp_path, "trial") if t["problem_id"] == "s1" and t["arm"] == "act"]
    assert [(trial["answer"], trial["outcome"]) for trial in right] == [("391", "correct")]
    shown = [request.prompt.shown for request in script.requests if request.role == "act"]
    assert any("Action: 17 * 23\n391\n" in text for text in shown)  # what was done and seen stays in view


def test_the_environment_of_the_example_lets_only_open_actions_through():
    env = own.OwnEnvironment(own.load(f"{EXAMPLES / 'drawers.py'}:Drawers")("where is a key?"), "where?", "chat")
    start = env.start()
    assert start.prompt.choices == start.actions == ("top drawer", "middle drawer", "bottom drawer")
    assert env.step("attic").valid is False
    assert env.step("Top drawer.").actions == ("middle drawer", "bottom drawer")
    end = env.step("bottom drawer")
    assert (end.done, end.answer, end.prompt, env.step("middle drawer").valid) == (True, "bottom drawer", None, False)
    again = env.start()
    assert again == start


def test_files_are_looked_for_beside_the_experiment_file_and_named_in_full_from_then_on(tmp_path, monkeypatch):
    file = written(tmp_path, "class Mine:\n    pass\n", environment="mine.py:Mine")
    monkeypatch.chdir("/")
    data = spec.load(file)
    params = data["tasks"][0]["params"]
    code = f"{tmp_path / 'mine.py'}:Mine"
    assert (params["environment"], params["path"]) == (code, str(tmp_path / "table.jsonl"))
    assert spec.code(data) == [code]
    assert spec.parse(data).name == "mine"


@pytest.mark.parametrize(
    ("code", "named", "message"),
    [
        ("class Mine: pass", "absent.py:Mine", r"there is no file 'absent\.py'"),
        ("class Mine: pass", "mine.py:Yours", r"mine\.py defines no 'Yours'; it defines Mine"),
        ("class Mine(", "mine.py:Mine", r"mine\.py is not Python: '\(' was never closed"),
        ("class Mine: pass", "mine.py", "write the file and the name in it, as my_search"),
    ],
)
def test_what_cannot_be_found_is_a_mistake_of_the_experiment(tmp_path, code, named, message):
    with pytest.raises(SpecError, match=message) as told:
        spec.parse(spec.load(written(tmp_path, code, retriever=named)))
    assert str(told.value).count("got ") == 1


def test_reading_an_experiment_runs_nothing_of_its_code_and_an_untrusted_one_is_refused(tmp_path):
    ran = tmp_path / "ran"
    file = written(tmp_path, f"open({str(ran)!r}, 'w')\nclass Mine: pass\n", retriever="mine.py:Mine")
    data = spec.load(file)
    spec.parse(data)
    with pytest.raises(SpecError, match="comes from elsewhere and would run this code"):
        spec.parse(data, trusted=False)
    assert not ran.exists()
    plain = {**data, "tasks": [{"name": "dataset", "problems": 1}], "arms": [{"strategy": "single"}]}
    assert spec.parse(plain, trusted=False).name == "mine"


@pytest.mark.parametrize(
    ("code", "params", "kind", "message"),
    [
        ("raise OSError('no index')", {"tool": "mine.py:f"}, "InputError", "defines no 'f'"),
        ("import nowhere_at_all\ndef f(text): pass", {"tool": "mine.py:f"}, "ModuleNotFoundError", "nowhere_at_all"),
        ("def f(text): return 1 / 0", {"tool": "mine.py:f"}, "ZeroDivisionError", r"line 1 of mine\.py"),
        ("def f(text): return 3", {"tool": "mine.py:f"}, "InputError", "a tool must give a text; it gave 3"),
        (
            "class R:\n    def __init__(self, passages): pass\n    def search(self, query, k): return 'text'",
            {"retriever": "mine.py:R"},
            "InputError",
            "search must return a list of texts; it gave 'text'",
        ),
        (
            "class W:\n    def __init__(self, q): pass\n    def start(self): pass\n    def step(self, did): pass",
            {"environment": "mine.py:W"},
            "InputError",
            "environment W: start and step must give an Observation or a text; they gave None",
        ),
        (
            "class R:\n    def __init__(self, passages): pass\n    def search(self, query, k): return None",
            {"retriever": "mine.py:R"},
            "InputError",
            r"retriever = '.*mine\.py:R': search must return a list of texts; it gave None",
        ),
        (
            "class R:\n    def __init__(self, passages): pass\n    def search(self, query, k): return [1]",
            {"retriever": "mine.py:R"},
            "InputError",
            r"search must return a list of texts; it gave \[1\]",
        ),
        ("x = 5", {"retriever": "mine.py:x"}, "InputError", r"retriever = '.*mine\.py:x' is 5; it must be a class"),
        (
            "x = 5",
            {"tool": "mine.py:x"},
            "InputError",
            r"tool = '.*mine\.py:x' is 5; it must be a function of one text",
        ),
        ("def f(): pass", {"tool": "mine.py:f"}, "InputError", r"tool = '.*' cannot be called \(too many positional"),
        (
            "class R:\n    def __init__(self): pass",
            {"retriever": "mine.py:R"},
            "InputError",
            r"retriever = '.*mine\.py:R' cannot be called \(too many positional .*a class made from one argument",
        ),
        (
            "class W:\n    def __init__(self, q): pass\n    def start(self): return ''",
            {"environment": "mine.py:W"},
            "InputError",
            r"environment = '.*mine\.py:W' makes <.*W object at .*>, which has no method step",
        ),
        (
            "from fourdials.records import Observation\nclass W:\n    def __init__(self, q): pass\n"
            "    def start(self): return Observation('here', actions='go')\n    def step(self, did): pass",
            {"environment": "mine.py:W"},
            "InputError",
            "environment W: start and step must give an Observation whose actions are a list of texts; they gave 'go'",
        ),
    ],
)
def test_a_fault_in_their_code_is_an_infrastructure_error_that_says_where(tmp_path, code, params, kind, message):
    file = written(tmp_path, code, **params)
    if "defines no" in message:
        with pytest.raises(SpecError, match=message):
            spec.parse(spec.load(file))
        return
    trial = ended(tmp_path, file)
    assert (trial["outcome"], trial["score"], trial["error"]["type"]) == ("infra_error", None, kind)
    assert trial["error"]["boundary"] == "plug-in"
    assert re.search(message, trial["error"]["message"])
    if kind == "InputError":
        with pytest.raises(InputError, match=message):
            forecast(spec.parse(spec.load(file)))


def test_a_world_may_give_plain_texts_and_a_changed_file_is_run_anew(tmp_path):
    code = "class W:\n def __init__(self, q): pass\n def start(self): return '{0}'\n def step(self, did): return did"
    file = written(tmp_path, code.format("one"), environment="mine.py:W")
    assert ended(tmp_path, file)["error"] is None
    first = own.OwnEnvironment(own.load(f"{tmp_path}/mine.py:W")("?"), "?", "completion").start()
    (tmp_path / "mine.py").write_text(code.format("another"))
    second = own.OwnEnvironment(own.load(f"{tmp_path}/mine.py:W")("?"), "?", "completion").start()
    assert (first.text, second.text) == ("one", "another")
    assert second.prompt.text == "?\nanother\nAction:"


def test_a_world_may_name_its_places_and_one_that_does_not_is_told_by_its_text(tmp_path):
    code = """from fourdials.records import Observation
class W:
    def __init__(self, q): self.steps = 0
    def start(self): return Observation("Hall", place="hall")
    def step(self, did):
        self.steps += 1
        return Observation(f"Hall, {self.steps} minutes later", place="hall")
"""
    trial = ended(tmp_path, written(tmp_path, code, environment="mine.py:W"))
    assert trial["error"] is None
    world = own.OwnEnvironment(own.load(f"{tmp_path}/mine.py:W")("?"), "?", "chat")
    assert (world.start().where, world.step("wait").where) == ("hall", "hall")
    bare = own.OwnEnvironment(own.ToolWorld(str.upper), "?", "chat").start()
    assert (bare.place, bare.where) == ("", bare.text)


def test_acting_is_offered_only_where_there_is_something_to_act_in(tmp_path):
    plain = {
        "name": "x",
        "model": "sim/solve=0.5",
        "tasks": [{"name": "dataset", "problems": 1}],
        "arms": [{"strategy": "act"}],
    }
    with pytest.raises(SpecError, match="act needs environment"):
        spec.parse(plain)
    tasks = [{"name": "dataset", "problems": 1, "params": {"tool": "a.py:b", "environment": "c.py:d"}}]
    with pytest.raises(SpecError, match="a tool or an environment, not both"):
        spec.parse({**plain, "tasks": tasks})


def test_the_protocols_are_a_dozen_lines_each():
    for name in ("word_overlap", "calculator", "drawers"):
        code = (EXAMPLES / f"{name}.py").read_text().splitlines()
        assert len([line for line in code if line.strip()]) <= 20
