"""A text outside the prompt: which tools are offered, what they bring, and that no prompt holds the whole of it."""

import pytest

from fourdials import plugins
from fourdials.strategies.hybrid.recursive_lm import Slice
from tests.scripted import Lines, Script, arm, experiment, first_trial, journaled, play

TASK = {"task": "long_context", "problems": 1, "params": {"sizes": (13,), "kinds": ("needle",)}}


def run(folder, script, format="completion", *, levels=(4,), **knobs):
    play(folder, experiment([arm("recursive_lm", format, levels=levels, knobs=knobs)], **TASK), script)
    return [(c["level"], c["answer"]) for c in journaled(folder, "checkpoint")]


def test_slices_are_cut_evenly_and_lose_no_line():
    assert Slice(0, 10).cut(4) == [(0, 2), (2, 5), (5, 7), (7, 10)]
    assert Slice(3, 5).cut(4) == [(3, 4), (4, 5)]
    assert Slice(0, 0).cut(4) == []
    assert Slice(0, 30).name == "lines 1 to 30"


def test_no_prompt_holds_the_text_and_every_look_at_it_is_journaled(tmp_path):
    script = Script(right=0.5)
    run(tmp_path, script, slice_lines=20)
    record = first_trial(experiment([arm("recursive_lm")], **TASK)).problem.world["record"]
    longest = max(sum(line in request.prompt.shown for line in record) for request in script.requests)
    assert longest <= 20 < len(record)
    assert journaled(tmp_path, "trial")[0]["searches"] >= 1


def test_a_part_too_long_for_one_call_is_read_in_pieces_side_by_side(tmp_path):
    script = Lines(by_role={"plan": ["ask 2", "answer"], "solve": ["11", "22", "33"], "synthesise": ["33"]})
    record = first_trial(experiment([arm("recursive_lm")], **TASK)).problem.world["record"]
    part = Slice(0, len(record)).cut(3)[1]
    assert run(tmp_path, script, parts=3, slice_lines=part.lines - 1) == [(1, "33"), (2, "33")]
    calls = journaled(tmp_path, "calls")
    assert [(c["role"], c["part"], c["level"], c["probe"]) for c in calls] == [
        ("plan", "solver", 1, False),
        *[("solve", "sub", 1, False)] * 3,
        ("synthesise", "sub", 1, False),
        ("synthesise", "solver", 1, True),
        ("plan", "solver", 2, False),
        ("synthesise", "solver", 2, True),
    ]
    assert all(c["parents"] == [calls[0]["call_id"]] for c in calls[1:4])
    assert sorted(calls[4]["parents"]) == sorted(c["call_id"] for c in calls[1:4])
    pieces = [request.prompt.shown for request in script.requests if request.role == "solve"]
    held = [[line for line in record if line in piece] for piece in pieces]
    assert [line for lines in held for line in lines] == list(record[part.start : part.stop])
    assert f"From {part.name}: 33" in script.requests[6].prompt.shown


def test_a_tool_is_not_offered_twice_and_an_answer_only_once_something_is_known(tmp_path):
    script = Lines(by_role={"plan": ["peek 1", "split 2", "search"], "synthesise": ["7"]})
    run(tmp_path, script, levels=(3,), peeked=2)
    offered = [request.prompt.choices for request in script.requests if request.role == "plan"]
    assert "answer" not in offered[0]
    assert "peek 1" not in offered[1]
    assert offered[1][-1] == "answer"
    assert "peek 1" in offered[2], "part 1 of the new view is another part"
    searches = [step["payload"] for step in journaled(tmp_path, "step") if step["kind"] == "search"]
    assert searches[0]["query"] == "lines 1 to 2"


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_where_there_is_no_text_it_searches_or_answers(tmp_path, monkeypatch, format):
    class Empty:
        size = 0

        def search(self, query, k):
            return []

        def read(self, start, stop):
            return []

    monkeypatch.setattr(plugins.tasks()["long_context"], "search_tool", lambda problem: Empty())
    script = Lines(by_role={"plan": ["search", "answer"], "query": ["day 3"], "synthesise": ["7"]})
    assert run(tmp_path, script, format) == [(1, "7"), (2, "7")]
    offered = [request.prompt.choices for request in script.requests if request.role == "plan"]
    assert offered == [("search", "answer"), ("answer",)]
    assert journaled(tmp_path, "trial")[0]["error"] is None


def test_a_chat_model_words_its_own_search(tmp_path):
    script = Lines(by_role={"plan": ["search", "answer"], "query": ["day 3\nplease"], "synthesise": ["7"]})
    assert run(tmp_path, script, "chat")[-1] == (2, "7")
    [search] = [step["payload"] for step in journaled(tmp_path, "step") if step["kind"] == "search"]
    assert (search["query"], len(search["passages"])) == ("day 3", 3)
