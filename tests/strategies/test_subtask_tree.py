"""A tree of subtasks: what stays in the prompt, by hand, and what that does to answers and to the longest prompt."""

import pytest

from fourdials.plugins import Recall, tasks
from fourdials.strategies.hybrid.subtask_tree import _Tree
from tests.scripted import Lines, Script, arm, experiment, first_trial, journaled, play


class Numbers:
    """Leaves 0, 1, 2, …; a branch comes to its first and last one."""

    def entry(self, state, reply):
        return str(state)

    def conclusion(self, before, after):
        return f"{before}-{after - 1}"

    def recall(self, state, transcript):
        raise NotImplementedError


def shown(count, buffer=0, branch=2):
    tree = _Tree(Numbers(), range(count + 1), [str(n) for n in range(count)], branch)
    return " ".join(tree.pruned(buffer))


@pytest.mark.parametrize(
    ("count", "none", "one", "two"),
    [
        (0, "", "", ""),
        (1, "0", "0", "0"),
        (2, "0-1", "0 1", "0 1"),
        (3, "0-1 2", "0 1 2", "0 1 2"),
        # the fourth leaf finishes 2-3 and then 0-3: the latest alone, or both, are shown in parts
        (4, "0-3", "0-1 2-3", "0-1 2 3"),
        (7, "0-3 4-5 6", "0-3 4 5 6", "0-1 2-3 4 5 6"),
        (8, "0-7", "0-3 4-7", "0-3 4-5 6-7"),
    ],
)
def test_finished_branches_are_replaced_by_their_conclusion_but_for_the_latest(count, none, one, two):
    assert [shown(count, buffer) for buffer in (0, 1, 2)] == [none, one, two]
    assert shown(count, 1000) == " ".join(map(str, range(count)))


def test_a_wider_tree_keeps_fewer_branches_and_more_leaves():
    assert shown(23, branch=4) == "0-15 16-19 20 21 22"
    assert shown(64, branch=4) == "0-63"
    assert max(len(shown(count, branch=4).split()) for count in range(200)) == 11  # 191 = 2·64 + 3·16 + 3·4 + 3


def ledger(folder, script, format="completion", *, accounts=4, updates=24, problems=1, **knobs):
    what = experiment(
        [arm("subtask_tree", format, levels=(updates,), knobs=knobs)],
        task="long_ledger",
        params={"updates": (updates,), "accounts": accounts, "reads": "any"},
        problems=problems,
    )
    play(folder, what, script)
    return what


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_conclusions_suffice_where_a_window_or_a_random_part_of_equal_size_does_not(tmp_path, format):
    scores, peaks = {}, {}
    for memory in ("prune", "full", "window", "drop"):
        ledger(tmp_path / memory, Script(right=1.0), format, memory=memory, problems=8)
        scores[memory] = sum(trial["score"] for trial in journaled(tmp_path / memory, "trial"))
        peaks[memory] = max(call["prompt_tokens"] for call in journaled(tmp_path / memory, "calls"))
    assert scores["prune"] == scores["full"] == 8
    assert max(scores["window"], scores["drop"]) < 8
    assert peaks["prune"] < 0.75 * peaks["full"]
    assert max(peaks["window"], peaks["drop"]) <= peaks["prune"]


def test_a_buffer_as_large_as_the_tree_is_the_full_transcript(tmp_path):
    asked = []
    for knobs in ({"memory": "prune", "buffer": 1000}, {"memory": "full"}, {"memory": "prune"}):
        script = Script(right=1.0)
        ledger(tmp_path / str(len(asked)), script, **knobs)
        asked.append([request.prompt.shown for request in script.requests])
    assert asked[0] == asked[1] != asked[2]


def test_a_conclusion_stands_for_the_updates_and_is_read_back_from_the_prompt(tmp_path):
    what = ledger(tmp_path, script := Script(right=1.0), accounts=2, updates=5)
    updates = first_trial(what).problem.data["updates"]
    opening = first_trial(what).problem.data["opening"]
    balances = dict(opening)
    for there, here, change in updates[:4]:
        balances[there] = balances[here] + change
    last = script.requests[-1].prompt
    order = [name for name in dict.fromkeys(update[0] for update in reversed(updates[:4]))][::-1]
    told = ", ".join(f"{name}: {balances[name]}" for name in order)
    start = ", ".join(f"{name} {balance}" for name, balance in opening)
    there, here, change = updates[4]
    formula = f"{there} = {here} {'+' if change > 0 else '-'} {abs(change)}"
    assert last.text.splitlines()[-1] == f"{start}. {told}. {formula}. {there}:"
    assert last.key == f"update:4:{balances[here]}"


def test_a_wrong_reply_is_what_the_transcript_tells_from_then_on(tmp_path):
    ledger(tmp_path, script := Lines("7", "8", "9"), "chat", accounts=2, updates=3)
    assert ": 7.\n" in script.requests[1].prompt.shown
    assert journaled(tmp_path, "checkpoint")[-1]["answer"] == "9"
    ledger(tmp_path / "unread", Lines("no idea"), updates=3)
    [ended] = journaled(tmp_path / "unread", "checkpoint")
    assert (ended["level"], ended["answer"], ended["outcome"]) == (1, None, "unparsed")


def test_what_is_dropped_is_drawn_by_the_trial_and_noted(tmp_path):
    texts = []
    for run in ("a", "b"):
        script = Script(right=1.0)
        ledger(tmp_path / run, script, memory="drop")
        texts.append([request.prompt.text for request in script.requests])
    assert texts[0] == texts[1]
    noted = [step["payload"] for step in journaled(tmp_path / "a", "step") if step["kind"] == "memory"]
    assert [note["entries"] for note in noted[:2]] == [0, 1]
    assert all(note["characters"] <= note["of"] for note in noted)
    assert noted[-1]["entries"] < 23


def test_a_task_without_a_form_of_its_own_shows_the_transcript_beside_its_state(tmp_path):
    what = experiment([arm("subtask_tree", levels=(3,), knobs={"branch": 2})], params={"hops": (3,)}, problems=1)
    play(tmp_path, what, script := Script(right=1.0))
    start, turns = (first_trial(what).problem.data[field] for field in ("start", "turns"))
    steps = tasks()["wikiworld"].question(first_trial(what).problem, "given", "completion").steps
    assert not isinstance(steps, Recall)
    one, two = (call["extracted"] for call in journaled(tmp_path, "calls")[:2])
    assert "Done so far" not in script.requests[0].prompt.text
    assert f"Done so far:\n{start}'s {turns[0]}: {one}\n" in script.requests[1].prompt.text
    assert f"Done so far:\n{one}'s {turns[1]}: {two}\n" in script.requests[2].prompt.text
    assert journaled(tmp_path, "trial")[0]["score"] == 1.0
