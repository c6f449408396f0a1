"""Search trees: which node is grown, what it costs, and that the library's dice are the trial's own."""

import numpy as np
import pytest

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
