"""Acting, step by step, in a graph whose way is known."""

import pytest

from fourdials import plugins, query
from fourdials.store import Store
from tests.scripted import Lines, Script, arm, experiment, first_trial, journaled, play

SET_UP = {"task": "graph_path", "problems": 1, "params": {"lengths": (2,)}}


@pytest.fixture
def way():
    """The names on the way from the start to the answer of the first problem."""
    problem = first_trial(experiment([arm("single")], **SET_UP)).problem
    follow = dict(fact.rstrip(".").split(" leads to ") for fact in problem.data["facts"])
    start = problem.data["start"]
    return start, follow[start], follow[follow[start]]


def run(folder, name, script, format="chat", *, levels=None, **knobs):
    play(folder, experiment([arm(name, format, levels=levels, knobs=knobs)], **SET_UP), script)
    return [(c["level"], c["answer"], c["score"]) for c in journaled(folder, "checkpoint")]


def payloads(folder, kind):
    return [step["payload"] for step in journaled(folder, "step") if step["kind"] == kind]


def test_an_environment_says_which_actions_would_end_it(way):
    start, middle, end = way
    problem = first_trial(experiment([arm("single")], **SET_UP)).problem
    world = plugins.tasks()["graph_path"].environment(problem, "chat")
    assert all(action.startswith("answer ") for action in world.start().closing)
    assert f"answer {start}" in world.start().closing
    bare = plugins.tasks()["graph_path"].environment(problem, "completion")
    assert bare.start().closing == ()
    seen = bare.step(middle)
    assert end in seen.closing
    assert set(seen.actions) - set(seen.closing) == {"back"}


def test_a_judge_picks_among_different_candidate_actions_and_is_not_asked_about_equal_ones(tmp_path, way):
    start, middle, end = way
    script = Lines(
        by_role={
            "act": [f"Action: answer {start}", *[f"Action: go to {middle}"] * 3, *[f"Action: answer {end}"] * 2],
            "judge": [f"Action: go to {middle}"],
        }
    )
    rows = run(tmp_path, "act_best_of_n", script, levels=(6,), candidates=2)
    assert rows[-1] == (3, end, 1.0)
    judged = [request for request in script.requests if request.role == "judge"]
    assert len(judged) == 1
    assert set(judged[0].prompt.choices) == {f"answer {start}", f"go to {middle}"}
    calls = journaled(tmp_path, "calls")
    assert len(calls) == 3 * 2 + 1
    second = [c for c in calls if c["role"] == "act" and c["level"] == 2]
    verdict = next(c for c in calls if c["role"] == "judge")
    assert all(verdict["call_id"] in c["parents"] for c in second), "later steps wait for earlier ones"


def test_without_a_judge_the_most_frequent_candidate_is_carried_out(tmp_path, way):
    start, middle, _ = way
    script = Lines(f"Action: answer {start}", *[f"Action: go to {middle}"] * 2)
    run(tmp_path, "act_best_of_n", script, levels=(1,), candidates=3, select="vote")
    assert [step["action"] for step in payloads(tmp_path, "env_step")] == [f"go to {middle}"]
    assert payloads(tmp_path, "vote")[0]["proposed"] == {f"answer {start}": 1, f"go to {middle}": 2}


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_a_thought_comes_before_every_action_and_is_cut_at_its_budget(tmp_path, way, format):
    _, middle, end = way
    said = (f"Action: go to {middle}", f"Action: go to {end}") if format == "chat" else (middle, end)
    script = Lines(by_role={"plan": ["I wonder where to go now, a b c d e f g h i"], "act": list(said)})
    run(tmp_path, "act_think_longer", script, format, levels=(2,), tokens=8)
    calls = journaled(tmp_path, "calls")
    assert [(c["role"], c["level"]) for c in calls] == [("plan", 1), ("act", 1), ("plan", 2), ("act", 2)]
    assert calls[0]["completion_tokens"] == 8
    assert "I wonder where to go" in script.requests[1].prompt.shown
    assert [step["valid"] for step in payloads(tmp_path, "env_step")] == [True, True]


def test_a_claimed_finish_is_challenged_and_counts_once_it_is_claimed_again(tmp_path, way):
    start, middle, end = way
    finish = f"Action: answer {end}"
    script = Lines(f"Action: answer {start}", f"Action: go to {middle}", f"Action: go to {end}", finish, finish)
    rows = run(tmp_path, "check_again", script, levels=(6,))
    assert rows[-1] == (3, end, 1.0)
    assert payloads(tmp_path, "challenge") == [
        {"claimed": f"answer {start}", "then": f"go to {middle}"},
        {"claimed": f"answer {end}", "then": f"answer {end}"},
    ]
    assert [c["level"] for c in journaled(tmp_path, "calls")] == [1, 1, 2, 3, 3]
    assert f"finish with: answer {start}" in script.requests[1].prompt.shown


def test_exploring_never_finishes_and_a_plan_that_leads_in_circles_is_made_anew(tmp_path, way):
    _, middle, end = way
    script = Lines(
        by_role={
            "act": [
                f"Action: go to {middle}",  # exploring: finishing is not among the choices
                "Action: back",  # committed: back where exploring began, which is no circle of this plan
                f"Action: go to {middle}",
                "Action: answer nobody",  # not open: the plan is made anew
                f"Action: go to {end}",
                f"Action: answer {end}",
            ],
            "plan": ["go on"],
        }
    )
    rows = run(tmp_path, "explore_then_commit", script, levels=(10,), explore=1)
    assert rows[-1] == (6, end, 1.0)
    first = script.requests[0].prompt
    assert not any(choice.startswith("answer ") for choice in first.choices)
    assert "answer " not in first.shown
    assert all(choice in first.shown for choice in first.choices)
    plans = [c["level"] for c in journaled(tmp_path, "calls") if c["role"] == "plan"]
    assert plans == [2, 4, 5]
    assert "Plan: go on" in script.requests[-1].prompt.shown


def back_and_forth(problem):
    """Through the first door of a maze, back, and through it again."""
    rooms, start = problem.world["rooms"], problem.data["start"]
    way, there = next(iter(rooms[start].items()))
    return way, next(out for out, room in rooms[there].items() if room == start)


def test_a_return_to_a_room_whose_doors_are_known_by_now_is_a_return(tmp_path):
    what = experiment([arm("explore_then_commit", "chat", levels=(5,), knobs={"explore": 1})], task="maze", problems=1)
    problem = first_trial(what).problem
    out, back = back_and_forth(problem)
    script = Lines(by_role={"act": [f"Action: {way}" for way in (out, back, out, back, "stop")], "plan": ["go on"]})
    folder = tmp_path / "runs" / "run"
    play(folder, what, script)
    plans = [c["level"] for c in journaled(folder, "calls") if c["role"] == "plan"]
    assert plans == [2, 4], "back in the other room for the first time, it plans anew"
    [judged] = payloads(folder, "judged")
    assert judged["entries"] == 2
    assert f"{back} {problem.data['start']}" in judged["memory"][1], "the note says where the door led"
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    [row] = query.run(store, "trajectories", experiment_ids="run").to_dicts()
    store.close()
    assert (row["steps"], row["loops"]) == (5, 3), "back, out and back again; to stop is no return"


@pytest.mark.parametrize("task", ["maze", "note_house", "graph_path", "wikiworld"])
def test_while_exploring_a_prompt_lists_the_actions_it_allows_and_no_others(tmp_path, task):
    what = experiment([arm("explore_then_commit", "chat", levels=(1,))], task=task, problems=1)
    script = Script()
    play(tmp_path, what, script)
    [request] = script.requests
    listed = request.prompt.shown.split("open to you:")[1].split("End with")[0].strip().rstrip(".")
    assert [each.strip() for each in listed.replace(",", "\n").split("\n")] == list(request.prompt.choices)


@pytest.mark.parametrize("task", ["maze", "note_house"])
def test_a_finish_is_challenged_in_mazes_and_houses(tmp_path, task):
    what = experiment([arm("check_again", levels=(12,))], task=task, problems=1)
    truths = first_trial(what).problem.truths
    actions = ["stop"] if task == "maze" else [truths["key:0"], truths["key:1"], truths["key:2"]]
    script = Lines(*actions, actions[-1])
    play(tmp_path, what, script)
    assert payloads(tmp_path, "challenge") == [{"claimed": actions[-1], "then": actions[-1]}]
    assert [step["action"] for step in payloads(tmp_path, "env_step")] == actions
    assert len(script.requests) == len(actions) + 1
