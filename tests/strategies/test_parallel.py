"""Votes and verifiers on replies written out by hand."""

import math
import re
from operator import itemgetter

import pytest

from fourdials.ask import Branch
from fourdials.journal import journals
from fourdials.records import Reply, Sample, Usage
from fourdials.strategies.parallel._voting import Votes, red_flag
from fourdials.strategies.parallel.adaptive_vote import certainty
from fourdials.strategies.parallel.best_of_n import best
from fourdials.strategies.parallel.weighted_vote import heaviest
from tests.scripted import Lines, Script, arm, capped, experiment, first_trial, journaled, model, play


@pytest.fixture
def names():
    """Three names that the first problem of a run lets one answer with: the right one and two wrong ones."""
    problem = first_trial(experiment([arm("single")], problems=1)).problem
    return problem.reference, *[name for name in problem.data["options"] if name != problem.reference][:2]


def run(folder, name, script, *, levels=None, samples=4, **knobs):
    what = experiment([arm(name, levels=levels, knobs=knobs)], problems=1, model=model(samples=samples))
    play(folder, what, script)
    return [(c["level"], c["answer"], c["score"]) for c in journaled(folder, "checkpoint")]


def test_each_sample_of_an_independent_pool_is_graded_by_itself(tmp_path, names):
    right, wrong, _ = names
    rows = run(tmp_path, "independent", Lines(right, wrong, right), levels=(3,))
    assert rows == [(1, right, 1.0), (2, wrong, 0.0), (3, right, 1.0)]


CAPITALS = ["Paris", "Paris.", "Rome", "paris", "Rome"]


def test_votes_for_the_same_answer_in_other_words_count_together_under_the_first_text():
    votes = Votes().plus(*CAPITALS, None)
    assert (votes.leader, dict(votes.counts)) == ("Paris", {"Paris": 3, "Rome": 2})
    assert votes.ranked() == ("Paris", 3, 2)
    before = Votes().plus("Rome")
    before.plus("Rome", "Oslo")
    assert dict(before.counts) == {"Rome": 1}, "what a checkpoint was given stays as it was"
    assert (Votes().leader, Votes().ranked()) == (None, (None, 0, 0))
    assert Votes().plus("b", "a", "a", "b").leader == "b", "the earliest on a tie"
    assert Votes(str).plus("A", "a", "a").leader == "a", "where case tells answers apart"
    assert heaviest(CAPITALS, [0.2, 0.2, 0.25, 0.2, 0.25]) == (
        "Paris",
        {"Paris": pytest.approx(0.6), "Rome": pytest.approx(0.5)},
    )
    assert best(CAPITALS, [1.0, 0.0, 1.0, 0.0, 0.0]) == "Paris", "equal scores are settled by all votes for the answer"


@pytest.mark.parametrize("strategy", ["majority_vote", "first_to_ahead", "adaptive_vote", "cascade", "consensus_game"])
def test_a_vote_counts_what_the_grader_takes_for_the_same_answer(tmp_path, strategy):
    table = tmp_path / "capitals.csv"
    table.write_text("question,answer\nCapital of France?,paris\n", encoding="utf-8")
    cast = ["Paris", "Rome", "Rome", "Paris.", "paris"]
    knobs = {"first_to_ahead": {"k": 5}, "adaptive_vote": {"confidence": 0.99}, "cascade": {"votes": 5}}
    levels = (1,) if strategy == "cascade" else (5,)
    what = experiment(
        [arm(strategy, levels=levels, knobs=knobs.get(strategy, {}))],
        task="dataset",
        params={"path": str(table), "shots": 0},
        problems=1,
        model=model(samples=8),
    )
    play(tmp_path / "run", what, Lines(by_role={"solve": [*cast], "verify": ["yes"]}))
    last = journaled(tmp_path / "run", "checkpoint")[-1]
    assert (last["answer"], last["score"]) == ("Paris", 1.0)
    noted = [c["ballot"] for c in journaled(tmp_path / "run", "calls") if c["role"] == "solve"]
    assert noted == ["paris", "rome", "rome", "paris", "paris"]
    if strategy == "cascade":
        assert last["detail"]["doubt"] is None, "three of five agree"
    if strategy == "consensus_game":
        asked = [c for c in journaled(tmp_path / "run", "calls") if c["role"] == "verify"]
        assert len(asked) == 2 * 4, "the same answer in other words is not judged again"


def test_thoughts_that_show_other_paths_vote_for_the_vertex_they_end_at(tmp_path):
    what = experiment([arm("thought_vote", levels=(5,))], task="bridge_graph", problems=1)
    problem = first_trial(what).problem
    start, right = problem.data["start"], problem.reference
    wrong = next(target for target in problem.data["targets"] if target != right)
    thoughts = [f"Answer: {way}" for way in (f"{start} - 5 - {right}", f"{start} - 7 - {right}", f"{start}-{right}")]
    play(tmp_path, what, Lines(f"Answer: {wrong}", *thoughts, f"Answer: {wrong}"))
    last = journaled(tmp_path, "checkpoint")[-1]
    assert (last["answer"], last["score"]) == (f"{start} - 5 - {right}", 1.0)
    assert last["detail"]["votes"] == {wrong: 2, f"{start} - 5 - {right}": 3}
    assert {c["ballot"] for c in journaled(tmp_path, "calls")} == {right, wrong}


def test_the_heaviest_answer_wins_over_the_more_frequent_one():
    assert heaviest(["a", "b", "b", None], [0.9, 0.3, 0.4, 1.0]) == ("a", {"a": 0.9, "b": pytest.approx(0.7)})
    assert heaviest(["a", "b", "b"], [0.0, 0.0, 0.0])[0] == "b", "without any weight the plain vote decides"
    assert heaviest([None], [0.0]) == (None, {})


def test_a_verifier_weighs_votes(tmp_path, names):
    right, wrong, _ = names
    script = Lines(by_role={"solve": [wrong, wrong, right], "verify": ["no", "no", "yes"]})
    assert run(tmp_path, "weighted_vote", script, levels=(3,))[-1] == (3, right, 1.0)
    assert [c["role"] for c in journaled(tmp_path, "calls")].count("verify") == 3


def test_a_vote_weighs_its_probability_per_token(tmp_path, names):
    right, wrong, _ = names
    # exp(-4/2) = 0.135 each for two wrong votes of two tokens, exp(-0.5/1) = 0.607 for the right one
    sure = Sample(right, "stop", Usage(10, 0, 0, 1, 0), None, -0.5)
    unsure = Sample(wrong, "stop", Usage(10, 0, 0, 2, 0), None, -4.0)
    rows = run(tmp_path, "weighted_vote", Lines(unsure, unsure, sure), levels=(3,), weights="probability")
    assert rows[-1] == (3, right, 1.0)
    votes = journaled(tmp_path, "checkpoint")[-1]["detail"]["votes"]
    assert votes == {wrong: pytest.approx(2 * math.exp(-2)), right: pytest.approx(math.exp(-0.5))}


def test_the_first_answer_k_ahead_ends_the_vote_and_no_vote_is_bought_in_vain(tmp_path, names):
    a, b, _ = names
    script = Lines(a, b, a, a, b)
    rows = run(tmp_path, "first_to_ahead", script, levels=(1, 16), k=2)
    assert [answer for _, answer, _ in rows] == [a, a, a, a]
    assert [request.n for request in script.requests] == [2, 2], "two could settle it; then two more could"
    [trial] = journaled(tmp_path, "trial")
    assert (trial["stop_reason"], trial["calls"]) == ("finished", 4)


def test_a_red_flagged_reply_is_paid_for_and_does_not_vote(tmp_path, names):
    a, b, _ = names
    long = Sample(b, "stop", Usage(10, 0, 0, 9, 0))
    cut = Sample(b, "length", Usage(10, 0, 0, 8, 0))
    script = Lines("no name here", long, cut, a)
    rows = run(tmp_path, "first_to_ahead", script, levels=(8,), k=1, longest=8)
    assert [answer for _, answer, _ in rows] == [None, None, None, a]
    flags = [step["payload"]["reason"] for step in journaled(tmp_path, "step") if step["kind"] == "discard"]
    assert flags == ["ill-formed", "over-long", "cut off"]
    assert journaled(tmp_path, "trial")[0]["calls"] == 4
    rows = run(tmp_path / "without", "first_to_ahead", Lines(long), levels=(8,), k=1, longest=8, red_flags=False)
    assert rows == [(1, b, 0.0)]


@pytest.mark.parametrize(
    ("answer", "finish", "tokens", "longest", "flag"),
    [
        ("4", "length", 1, 0, None),  # one token was all that was asked for
        ("4", "stop", 1, 1, None),
        (None, "length", 1, 0, "ill-formed"),
        ("4", "length", 2, 0, "cut off"),
        ("4", "length", None, 0, "cut off"),
        ("4", "stop", 2, 1, "over-long"),
        ("4", "stop", None, 1, None),
    ],
)
def test_a_reply_of_one_token_that_reads_as_an_answer_is_whole(answer, finish, tokens, longest, flag):
    assert red_flag(Reply("4", answer, "call", finish, tokens), longest) == flag


def test_votes_of_one_token_count_though_they_end_at_their_limit(tmp_path, names):
    a, _, _ = names
    short = Sample(a, "length", Usage(10, 0, 0, 1, 0))
    rows = run(tmp_path, "first_to_ahead", Lines(short, short), levels=(4,), k=2)
    assert rows[-1][:2] == (2, a)
    assert [step for step in journaled(tmp_path, "step") if step["kind"] == "discard"] == []
    assert journaled(tmp_path, "trial")[0]["calls"] == 2


def test_certainty_is_the_beta_posterior_of_the_top_two():
    assert certainty(0, 0) == pytest.approx(0.5)
    assert certainty(4, 0) == pytest.approx(1 - 0.5**5)
    assert certainty(2, 1) == pytest.approx(11 / 16)  # P(Beta(3, 2) > 1/2)


def test_an_adaptive_vote_stops_once_it_is_sure(tmp_path, names):
    a, b, _ = names
    script = Lines(a)
    rows = run(tmp_path, "adaptive_vote", script, levels=(16,), confidence=0.95, samples=8)
    assert rows[-1][:2] == (4, a), "1 - 1/2^5 = 0.969 is the first above 0.95"
    assert [request.n for request in script.requests] == [4]
    script = Lines(a, b, a)
    run(tmp_path / "split", "adaptive_vote", script, levels=(8,), confidence=0.95, samples=8)
    # after 3 to 1 three more are the fewest that settle it: 1 - 9/2^8 = 0.965, with two more 1 - 8/2^7 = 0.938
    assert [request.n for request in script.requests] == [4, 3]
    assert journaled(tmp_path / "split", "trial")[0]["stop_reason"] == "finished"


def test_a_perfect_checker_finds_the_one_right_candidate_and_the_arm_says_it_uses_the_truth(tmp_path, names):
    right, wrong, other = names
    script = Lines(wrong, wrong, other, right)
    rows = run(tmp_path, "best_of_n", script, levels=(4,), verifier="checker")
    assert rows[-1] == (4, right, 1.0)
    assert {c["role"] for c in journaled(tmp_path, "calls")} == {"solve"}
    assert [row["uses_truth"] for row in journaled(tmp_path, "arm")] == [True]
    checks = [step["payload"] for step in journaled(tmp_path, "step") if step["kind"] == "check"]
    assert [check["says_right"] for check in checks] == [False, False, False, True]


def test_a_checker_is_wrong_as_often_as_its_reliability_says(tmp_path):
    what = experiment([arm("best_of_n", levels=(8,), knobs={"verifier": "checker", "reliability": 0.7})], problems=40)
    play(tmp_path, what, Script(right=1.0))
    said = [s["payload"]["says_right"] for s in journaled(tmp_path, "step") if s["kind"] == "check"]
    assert len(said) == 320
    assert abs(sum(said) / 320 - 0.7) < 3.3 * math.sqrt(0.21 / 320)


def test_a_strategy_that_is_not_declared_to_use_the_truth_is_refused_the_checker(tmp_path, monkeypatch):
    real = Branch.samples

    async def peeking(self, *args, **kwargs):
        self.check("anything", level=1)
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(Branch, "samples", peeking)
    run(tmp_path, "majority_vote", Script())
    [trial] = journaled(tmp_path, "trial")
    assert trial["outcome"] == "infra_error"
    assert "knows the truth" in trial["error"]["message"]


@pytest.mark.parametrize("name", ["first_to_ahead", "adaptive_vote"])
def test_votes_asked_for_because_of_earlier_ones_wait_for_them(name, tmp_path):
    play(tmp_path, experiment([arm(name, levels=(16,))], problems=4), Script(right=0.5))
    waited = 0
    for trial in journaled(tmp_path, "trial"):
        own = [call for call in journaled(tmp_path, "calls") if call["trial_id"] == trial["trial_id"]]
        calls = sorted(own, key=itemgetter("idx"))
        ids = [call["call_id"] for call in calls]
        for place, call in enumerate(calls):
            assert set(call["parents"]) <= set(ids[:place])
            waited += bool(call["parents"])
        assert calls[0]["parents"] == []
    assert waited > 0


def test_thoughts_are_cut_at_their_length_forced_to_an_answer_and_counted(tmp_path):
    script = Lines("one two three four five six seven eight nine", "Answer: Zed", "Zed", "Zed")
    what = experiment([arm("thought_vote", "chat", levels=(2,), knobs={"tokens": 8})], problems=1)
    play(tmp_path, what, script)
    thoughts = [request for request in script.requests if request.prompt.max_tokens == 8]
    assert sum(request.n for request in thoughts) == 2
    calls = journaled(tmp_path, "calls")
    cut = [call for call in calls if call["finish_reason"] == "length"]
    assert cut, "the first thought is longer than 8 tokens"
    assert any(cut[0]["call_id"] in call["parents"] for call in calls), "its answer is forced"
    assert not any(call["probe"] for call in calls), "a vote counts at every later level"
    assert [checkpoint["level"] for checkpoint in journaled(tmp_path, "checkpoint")] == [1, 2]


def test_votes_before_a_thought_that_could_not_be_forced_count(tmp_path, names):
    right, _, _ = names
    cut = "one two three four five six seven eight nine"
    script = Lines(*[f"Answer: {right}"] * 3, cut)  # the third and the fourth are of one round
    made = arm("thought_vote", "chat", levels=(4,), knobs={"tokens": 8})
    play(tmp_path, experiment([made], problems=1, trial_budget=capped(calls=4)), script)
    [trial] = journaled(tmp_path, "trial")
    assert (trial["stop_reason"], trial["level"], trial["answer"]) == ("capped", 3, right)


def test_a_cap_that_ends_before_all_thoughts_are_forced_leaves_an_answer(tmp_path, names):
    right, _, _ = names
    cut = "one two three four five six seven eight nine"
    made = arm("thought_vote", "chat", levels=(8,), knobs={"tokens": 8})
    script = Lines(cut, right, cut, right, cut)
    play(tmp_path, experiment([made], problems=1, trial_budget=capped(calls=8)), script)
    [trial] = journaled(tmp_path, "trial")
    assert (trial["stop_reason"], trial["answer"]) == ("capped", right)
    assert trial["level"] >= 2


def test_a_pool_of_thoughts_reads_each_answer_off_the_end_of_its_thought(tmp_path, names):
    right, wrong, _ = names
    script = Lines(f"Hm. Answer: {right}", f"Well. Answer: {wrong}")
    rows = run(tmp_path, "independent", script, levels=(2,), thoughts=True)
    assert rows == [(1, right, 1.0), (2, wrong, 0.0)]


def test_a_verdict_is_asked_for_in_the_task_s_own_form_where_it_has_one(tmp_path):
    what = experiment(
        [arm("best_of_n", levels=(2,), knobs={"thoughts": True})],
        task="rivers",
        problems=1,
        params={"hops": [2]},
        model=model(samples=2),
    )
    way = {"b2=2": "-", "c1=1": "+"}
    play(tmp_path, what, Lines(by_role={"solve": list(way), "verify": list(way.values())}))
    asked = [c["request"]["parts"][0][1] for c in journaled(tmp_path, "calls") if c["role"] == "verify"]
    assert sorted(text.rpartition("!")[2][1:] for text in asked) == sorted(way)
    assert [c["answer"] for c in journaled(tmp_path, "checkpoint")][-1] == "1"


def test_a_run_from_before_ballots_were_noted_is_resumed_as_it_stands(tmp_path):
    what = experiment([arm("majority_vote", levels=(2, 4))], problems=4)
    play(tmp_path, what, Script(), stop_after=1)
    [journal] = journals(tmp_path)
    journal.write_text(re.sub(r'"ballot":("[^"]*"|null),', "", journal.read_text()))
    assert not any("ballot" in call for call in journaled(tmp_path, "calls"))
    play(tmp_path, what, Script())
    assert [trial["stop_reason"] for trial in journaled(tmp_path, "trial")] == ["max_level"] * 4
    counted = [sum(c["detail"]["votes"].values()) for c in journaled(tmp_path, "checkpoint")]
    assert sorted(set(counted)) == [1, 2, 3, 4]
