"""Search trees: which node is grown, what it costs, and that the library's dice are the trial's own."""

import numpy as np
import pytest

from fourdials import plugins
from fourdials.records import Sample, Usage
from fourdials.strategies.search._pieces import GO_ON, whole_words
from tests.scripted import Lines, Script, arm, experiment, first_trial, journaled, play

TREES = ["beam", "tree_of_thoughts", "mcts", "ab_mcts"]


@pytest.fixture
def names():
    problem = first_trial(experiment([arm("single")], problems=1)).problem
    return problem.reference, *[name for name in problem.data["options"] if name != problem.reference][:2]


def run(folder, name, script, format="chat", *, levels=(4,), **knobs):
    play(folder, experiment([arm(name, format, levels=levels, knobs=knobs)], problems=1), script)
    return [(c["level"], c["answer"], c["score"]) for c in journaled(folder, "checkpoint")]


def grown(folder):
    """The parent of each node in the order they were grown; -1 is the root."""
    return [step["payload"]["parent"] for step in journaled(folder, "step") if step["kind"] == "node"]


def test_a_tree_of_thoughts_grows_below_the_best_of_the_deepest_nodes(tmp_path, names):
    right, wrong, other = names
    script = Lines(wrong, wrong, right, other)
    rows = run(tmp_path, "tree_of_thoughts", script, levels=(5,), breadth=1, branching=2, verifier="checker")
    # one answer; two below it, of which the second is right; so the next ones stand below that one (node 2)
    assert grown(tmp_path) == [-1, 0, 0, 2, 2]
    assert rows[-1] == (5, right, 1.0)
    assert [answer for _, answer, _ in rows] == [wrong, wrong, right, right, right]


def test_a_beam_starts_wide_and_goes_deeper_from_the_best_answers_only(tmp_path, names):
    right, wrong, other = names
    script = Lines(wrong, other, right, wrong, other, wrong)
    rows = run(tmp_path, "beam", script, levels=(6,), width=1, branching=3, verifier="checker")
    assert grown(tmp_path) == [-1, -1, -1, 2, 2, 2]
    assert rows[-1] == (6, right, 1.0)


def test_a_beam_may_keep_more_answers_than_it_grows_below_each(tmp_path, names):
    right, wrong, _ = names
    run(tmp_path, "beam", Lines(wrong, right, wrong), levels=(4,), width=2, branching=1, verifier="checker")
    assert grown(tmp_path) == [-1, -1, 1, 0]


def test_monte_carlo_search_without_exploration_goes_below_what_scored_best(tmp_path, names):
    right, wrong, _ = names
    script = Lines(wrong, right, wrong)
    run(tmp_path, "mcts", script, levels=(4,), branching=2, exploration=0, verifier="checker")
    assert grown(tmp_path) == [-1, -1, 1, 1]


def test_an_improvement_shows_the_answer_it_starts_from_and_its_score(tmp_path, names):
    right, wrong, _ = names
    script = Lines(by_role={"solve": [wrong], "revise": [right], "verify": ["no", "yes"]})
    run(tmp_path, "tree_of_thoughts", script, levels=(2,))
    assert [(c["role"], c["level"]) for c in journaled(tmp_path, "calls")] == [
        ("solve", 1),
        ("verify", 1),
        ("revise", 2),
        ("verify", 2),
    ]
    shown = script.requests[2].prompt.messages
    assert shown[-2].content == wrong
    assert "gives that answer 0 out of 100" in shown[-1].content


@pytest.mark.parametrize("name", TREES)
def test_the_global_dice_are_left_alone_and_do_not_matter(tmp_path, name):
    trees = []
    for seed in (1, 2):
        np.random.seed(seed)
        before = np.random.get_state()[1].tolist()
        run(tmp_path / str(seed), name, Script(right=0.5), levels=(12,), verifier="checker", reliability=0.8)
        assert np.random.get_state()[1].tolist() == before
        trees.append(grown(tmp_path / str(seed)))
    assert trees[0] == trees[1]
    assert len(trees[0]) == 12


def test_an_adaptive_tree_goes_both_wider_and_deeper(tmp_path):
    what = experiment([arm("ab_mcts", "chat", levels=(12,), knobs={"verifier": "checker"})], problems=3)
    play(tmp_path, what, Script(right=0.3))
    parents = grown(tmp_path)
    assert parents.count(-1) > 3, "more fresh samples than the first of each of three trees"
    assert any(parent >= 0 for parent in parents)


def test_nodes_that_do_not_depend_on_each_other_s_scores_run_side_by_side(tmp_path):
    run(tmp_path / "beam", "beam", Script(right=0.5), levels=(8,), width=2, branching=2, verifier="checker")
    parents = {c["level"]: c["parents"] for c in journaled(tmp_path / "beam", "calls")}
    ids = {c["level"]: c["call_id"] for c in journaled(tmp_path / "beam", "calls")}
    assert [parents[level] for level in (1, 2, 3, 4)] == [[]] * 4
    assert all(sorted(parents[level]) == sorted(ids[n] for n in (1, 2, 3, 4)) for level in (5, 6, 7, 8))
    run(tmp_path / "adaptive", "ab_mcts", Script(right=0.5), levels=(3,), verifier="checker")
    chain = [(c["call_id"], c["parents"]) for c in journaled(tmp_path / "adaptive", "calls")]
    assert [waits for _, waits in chain] == [[], [chain[0][0]], [chain[1][0]]], "each choice needs every score"


@pytest.mark.parametrize("name", TREES)
def test_a_tree_is_the_same_however_much_is_granted_at_once(tmp_path, name):
    settings = {"verifier": "checker", "reliability": 0.8}
    run(tmp_path / "whole", name, Script(right=0.5), levels=(9,), **settings)
    run(tmp_path / "bits", name, Script(right=0.5), levels=tuple(range(1, 10)), **settings)
    assert grown(tmp_path / "whole") == grown(tmp_path / "bits")


def river():
    """A map on which the script plays, and its way from the start: `abcd2`."""
    what = experiment([arm("beam")], task="rivers", params=RIVERS, problems=1)
    problem = first_trial(what).problem
    course = next(course for course in problem.world["courses"] if course[0] == problem.data["start"])
    return problem, course


RIVERS = {"hops": [4], "rivers": 2, "forks": 1}


def pieces(folder, name, *said, levels, by_role=None, **knobs):
    """A tree of thoughts on that map: each text is a piece, cut unless it ends with `;`."""

    def sample(text):
        usage = Usage(10, 0, 0, len(text), 0)
        return Sample(text.rstrip(";"), "stop" if text.endswith(";") else "length", usage, None, -1.0)

    roles = {role: [sample(text) for text in texts] for role, texts in (by_role or {}).items()}
    script = Lines(*(sample(text) for text in said), by_role=roles)
    knobs = {"thought_tokens": 2, "verifier": "checker", **knobs}
    made = arm(name, levels=levels, knobs=knobs)
    play(folder, experiment([made], task="rivers", params=RIVERS, problems=1), script)
    return script, [(c["level"], c["answer"]) for c in journaled(folder, "checkpoint")]


def test_a_thought_grows_piece_by_piece_below_the_beginnings_judged_sound(tmp_path):
    problem, (start, *way) = river()
    flag = problem.reference
    other = next(course for course in problem.world["courses"] if course[0] != start)
    first, second, lost = "".join(way[:2]), "".join(way[2:4]), other[1:3]
    said = [first, lost, second, lost, f"={flag};", "=9;"]
    script, rows = pieces(tmp_path, "beam", *said, levels=(6,), width=1, branching=2)
    asked = [request.prompt.text.partition(">")[2] for request in script.requests]
    assert asked == [start, start, start + first, start + first, start + first + second, start + first + second]
    assert grown(tmp_path) == [-1, -1, 0, 0, 2, 2]
    assert rows == [(6, flag)], "no checkpoint where nobody stops, so that no answer is forced there"


def test_a_level_that_is_asked_for_forces_an_answer_out_of_the_best_beginning_as_a_probe(tmp_path):
    problem, (start, *way) = river()
    first, wrong = "".join(way[:2]), next(f for f in problem.data["flags"] if f != problem.reference)
    said = [first, f"{wrong};", "".join(way[2:4]), f"{problem.reference};"]
    script, rows = pieces(tmp_path, "beam", *said, levels=(1, 2), width=1, branching=1)
    assert rows == [(1, wrong), (2, problem.reference)]
    calls = journaled(tmp_path, "calls")
    assert [(c["level"], c["probe"]) for c in calls] == [(1, False), (1, True), (2, False), (2, True)]
    assert script.requests[1].prompt.text.endswith(f">{start}{first}=")


def test_below_a_thought_that_has_ended_its_last_piece_is_sampled_anew(tmp_path):
    _, (start, *way) = river()
    first, end = "".join(way[:2]), f"{''.join(way[2:])}={way[-1]};"
    script, _ = pieces(tmp_path, "beam", first, end, end, levels=(3,), width=1, branching=1)
    assert [request.prompt.text.partition(">")[2] for request in script.requests][1:] == [start + first] * 2
    assert grown(tmp_path) == [-1, 0, 1]


def test_a_learned_verifier_is_asked_about_the_beginning_as_it_stands(tmp_path):
    _, (start, *way) = river()
    first = "".join(way[:2])
    roles = {"solve": [first, f"{way[-1]};"], "verify": ["+"]}
    script, _ = pieces(tmp_path, "mcts", "", levels=(1,), by_role=roles, verifier="model")
    assert script.requests[1].prompt.text.endswith(f"?{start}!{start}{first}")
    [node] = [step["payload"] for step in journaled(tmp_path, "step") if step["kind"] == "node"]
    assert (node["score"], node["answer"]) == (1.0, None)


def test_a_thought_into_a_dead_end_has_no_answer_and_scores_nothing(tmp_path):
    pieces(tmp_path, "beam", "x<;", levels=(1,), width=1, branching=1)
    [node] = [step["payload"] for step in journaled(tmp_path, "step") if step["kind"] == "node"]
    assert (node["score"], node["answer"]) == (0.0, None)


def test_a_thought_may_take_no_more_tokens_in_all_than_the_task_allows(tmp_path):
    script, _ = pieces(tmp_path, "beam", "ab", levels=(20,), width=1, branching=1, thought_tokens=10)
    assert [request.prompt.max_tokens for request in script.requests[:4]] == [10, 10, 4, 4]


def test_a_checker_of_beginnings_is_refused_where_a_task_does_not_know_them():
    plan = plugins.strategies()["beam"]
    knobs = plan.Knobs(thought_tokens=8, verifier="checker").model_dump()
    told = plugins.misfit(plan, plugins.tasks()["graph_path"], "chat", knobs=knobs)
    assert told is not None
    assert "sound" in told
    assert plugins.misfit(plan, plugins.tasks()["rivers"], "completion", knobs=knobs) is None


def test_a_chat_model_is_asked_to_go_on_and_its_beginning_is_judged_in_words(tmp_path):
    made = arm("beam", "chat", levels=(2,), knobs={"thought_tokens": 3, "width": 1, "branching": 1})
    script = Lines(by_role={"solve": ["one two three four", "five\nAnswer: b"], "verify": ["yes"]})
    play(tmp_path, experiment([made], task="graph_path", problems=1), script)
    roles = [request.role for request in script.requests]
    assert roles == ["solve", "verify", "solve", "verify"]
    assert "Beginning: one two\n" in script.requests[1].prompt.messages[-1].content
    assert [turn.content for turn in script.requests[2].prompt.messages][-2:] == [
        "one two",
        GO_ON,
    ]  # the last word may be half a word


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        ("so we walk to the nor", "so we walk to the"),
        ("so we walk north.", "so we walk north."),
        ("one,\ntwo thr", "one,\ntwo"),
        ("one two ", "one two "),
        ("unbreakab", "unbreakab"),
        (" unbreakab", " unbreakab"),
        ("", ""),
    ],
)
def test_a_piece_ends_with_a_whole_word_where_there_is_one(cut, kept):
    assert whole_words(cut) == kept
