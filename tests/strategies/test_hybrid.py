"""Strategies that combine dials, on replies written out by hand."""

import pytest
from pydantic import ValidationError

from fourdials import plugins, routing, spec
from fourdials.errors import SpecError
from fourdials.records import Sample, Usage
from tests.scripted import Lines, Script, arm, capped, experiment, first_trial, journaled, play


@pytest.fixture
def problem():
    return first_trial(experiment([arm("single")], problems=1)).problem


@pytest.fixture
def names(problem):
    """The right answer to the first problem of a run, and two wrong ones."""
    return problem.reference, *[name for name in problem.data["options"] if name != problem.reference][:2]


def run(folder, name, script, format="completion", *, levels=None, lineup=None, **knobs):
    changes = {"lineup": lineup} if lineup else {}
    play(folder, experiment([arm(name, format, levels=levels, knobs=knobs, **changes)], problems=1), script)
    return [(c["level"], c["answer"]) for c in journaled(folder, "checkpoint")]


def calls(folder, *wanted):
    return [tuple(c[field] for field in wanted) for c in journaled(folder, "calls")]


def notes(folder, kind):
    return [step["payload"] for step in journaled(folder, "step") if step["kind"] == kind]


def test_width_and_depth_share_a_product_and_revisions_wait_for_their_own_chain_only(tmp_path, names):
    a, b, _ = names
    script = Lines(by_role={"solve": [b, b], "revise": [a, a]})
    # two chains of two: b; revised to a; then b beside it (a tie goes to the chain before); revised to a
    assert run(tmp_path, "width_depth", script, levels=(4,), depth=2) == [(1, b), (2, a), (3, a), (4, a)]
    rows = sorted(journaled(tmp_path, "calls"), key=lambda c: c["level"])
    assert [(c["level"], c["role"]) for c in rows] == [(1, "solve"), (2, "revise"), (3, "solve"), (4, "revise")]
    assert [c["parents"] for c in rows] == [[], [rows[0]["call_id"]], [], [rows[2]["call_id"]]]


def test_depth_one_is_a_plain_vote_and_full_depth_one_chain(tmp_path):
    run(tmp_path / "wide", "width_depth", Script(), levels=(4,), depth=1)
    assert calls(tmp_path / "wide", "role") == [("solve",)] * 4
    run(tmp_path / "deep", "width_depth", Script(), levels=(4,), depth=4)
    assert calls(tmp_path / "deep", "role") == [("solve",), ("revise",), ("revise",), ("revise",)]


def test_a_cascade_stops_at_the_small_model_where_it_agrees_with_itself(tmp_path, names):
    a, b, _ = names
    assert run(tmp_path, "cascade", Lines(a, a, b), votes=3, agreement=0.6) == [(1, a)]
    assert journaled(tmp_path, "trial")[0]["stop_reason"] == "finished"
    assert set(calls(tmp_path, "part")) == {("solver",)}


def test_a_cascade_escalates_a_split_vote_a_red_flag_and_a_low_score(tmp_path, names):
    a, b, c = names
    assert run(tmp_path / "split", "cascade", Lines(b, c, a, a), votes=3) == [(1, b), (2, a)]
    assert notes(tmp_path / "split", "escalate") == [{"why": "split vote: 0.33"}]
    cut = Sample(b, "length", Usage(10, 0, 0, 8, 0))
    assert run(tmp_path / "flag", "cascade", Lines(b, b, cut, a), votes=3, red_flags=True)[-1] == (2, a)
    low = Lines(by_role={"solve": [b, b, b, a], "verify": ["no"]})
    assert run(tmp_path / "low", "cascade", low, votes=3, least_score=0.5) == [(1, b), (2, a)]
    assert calls(tmp_path / "low", "part", "level")[-2:] == [("verifier", 1), ("large", 2)]


def test_debaters_see_what_the_others_said_and_keep_their_answer_where_they_give_none(tmp_path, names):
    a, b, _ = names
    script = Lines(by_role={"solve": [b, b, a], "revise": [a, "I give up", a]})
    assert run(tmp_path, "debate", script, "chat", levels=(2,), agents=3) == [(1, b), (2, a)]
    heard = [request.prompt.messages[-1].content for request in script.requests if request.role == "revise"]
    assert f"(1) {b}; (2) {a}" in heard[0]
    assert f"(1) {b}; (2) {b}" in heard[2]
    rows = journaled(tmp_path, "calls")
    first = [c["call_id"] for c in rows if c["level"] == 1]
    assert all(c["parents"] == first for c in rows if c["level"] == 2)
    raw = Lines(b)
    run(tmp_path / "raw", "debate", raw, levels=(2,))
    assert f"You said: {b}. Others say: {b}, {b}.\n" in raw.requests[-1].prompt.text


def test_a_debater_without_words_for_it_is_not_shown_its_own_answer_as_another_s(tmp_path, names):
    a, b, _ = names
    script = Lines(by_role={"solve": [a, "nothing", b], "revise": [b]})
    run(tmp_path, "debate", script, levels=(2,), agents=3)
    texts = [request.prompt.text for request in script.requests if request.role == "revise"]
    assert f"You said: {a}. Others say: {b}.\n" in texts[0]
    assert "You said" not in texts[1]
    assert f"Others say: {a}, {b}.\n" in texts[1]
    assert f"You said: {b}. Others say: {a}.\n" in texts[2]


def test_every_step_is_decided_by_the_first_answer_that_is_ahead(tmp_path):
    what = {"problems": 1, "task": "graph_path", "params": {"lengths": (2,)}}
    problem = first_trial(experiment([arm("single")], **what)).problem
    follow = dict(fact.rstrip(".").split(" leads to ") for fact in problem.data["facts"])
    start = problem.data["start"]
    right, end = follow[start], follow[follow[start]]
    wrong = next(name for name in follow if name not in (start, right))
    # step 1, two ahead: wrong, right (1-1), right, right (3-1); step 2: a discard, then end, end
    script = Lines(wrong, right, right, right, "no name", end, end)
    play(tmp_path, experiment([arm("decompose_and_vote", levels=(2,))], **what), script)
    [checkpoint] = journaled(tmp_path, "checkpoint")
    assert (checkpoint["level"], checkpoint["answer"], checkpoint["score"]) == (2, end, 1.0)
    votes = [{key: said[key] for key in ("votes", "discarded")} for said in notes(tmp_path, "vote")]
    assert votes == [{"votes": {wrong: 1, right: 3}, "discarded": 0}, {"votes": {end: 2}, "discarded": 1}]
    assert [request.n for request in script.requests] == [2, 2, 2, 1]
    ids = [c["call_id"] for c in journaled(tmp_path, "calls")]
    assert [c["parents"] for c in journaled(tmp_path, "calls")][2:5] == [ids[:2], ids[:2], ids[2:4]]


def test_a_step_on_which_no_vote_can_be_read_ends_the_chain_at_its_limit(tmp_path):
    assert run(tmp_path, "decompose_and_vote", Lines("no name"), levels=(2,), most=5) == [(2, None)]
    assert journaled(tmp_path, "trial")[0]["calls"] == 5


def test_workers_run_side_by_side_on_the_parts_of_the_plan_and_the_lead_waits_for_all(tmp_path, names):
    right, *_ = names
    script = Lines(
        by_role={
            "plan": ["1. find the mother\n\n- find the boss\n3) find too much"],
            "solve": ["It is Ann.", "It is Bob."],
            "synthesise": [right],
        }
    )
    assert run(tmp_path, "orchestrate", script, "chat", levels=(2,)) == [(2, right)]
    assert notes(tmp_path, "assigned") == [
        {"parts": ["find the mother", "find the boss"], "workers": ["small 1", "small 1"]}
    ]
    plan, one, two, last = journaled(tmp_path, "calls")
    assert one["parents"] == two["parents"] == [plan["call_id"]]
    assert sorted(last["parents"]) == sorted([one["call_id"], two["call_id"]])
    assert [c["part"] for c in (plan, one, two, last)] == ["solver", "worker", "worker", "solver"]
    assert "- find the boss: It is Bob." in script.requests[-1].prompt.shown
    assert "find the boss" not in script.requests[1].prompt.shown


@pytest.mark.parametrize(
    ("plan", "parts"),
    [
        (
            "Here are the parts:\n\n1. find the mother\n2) find the boss\n\nGood luck!",
            ["find the mother", "find the boss"],
        ),
        ("Sure!\n- **Mother**: find her\n* find the boss", ["**Mother**: find her", "find the boss"]),
        ("find the mother\nfind the boss", ["find the mother", "find the boss"]),
    ],
)
def test_what_a_chat_lead_says_before_and_after_its_list_is_no_part(tmp_path, names, plan, parts):
    right, *_ = names
    script = Lines(by_role={"plan": [plan], "solve": ["It is Ann."], "synthesise": [right]})
    run(tmp_path, "orchestrate", script, "chat", levels=(4,))
    assert notes(tmp_path, "assigned")[0]["parts"] == parts


def test_a_completion_lead_goes_on_with_its_first_part_which_bears_no_number(tmp_path, names):
    right, *_ = names
    script = Lines(by_role={"plan": ["find the mother\n2. find the boss"], "solve": ["Ann."], "synthesise": [right]})
    run(tmp_path, "orchestrate", script, levels=(4,))
    assert notes(tmp_path, "assigned")[0]["parts"] == ["find the mother", "find the boss"]


def test_the_lead_gives_each_part_its_model_and_its_number_of_reports(tmp_path, names):
    right, *_ = names
    plan = ["find the mother\nfind the boss"]
    script = Lines(by_role={"plan": plan, "route": ["large 1", "small 2"], "solve": ["Ann"], "synthesise": [right]})
    run(tmp_path, "orchestrate", script, "chat", levels=(2,), assign="lead", samples=2)
    assert script.requests[1].prompt.choices == ("small 1", "small 2", "large 1", "large 2")
    assert notes(tmp_path, "assigned")[0]["workers"] == ["large 1", "small 2"]
    rows = journaled(tmp_path, "calls")
    by_branch = {branch: [c["part"] for c in rows if c["path"] == branch] for branch in ("/worker-0", "/worker-1")}
    assert by_branch == {"/worker-0": ["solver", "large"], "/worker-1": ["solver", "worker", "worker"]}
    assert "- find the boss: Ann / Ann" in script.requests[-1].prompt.shown
    assert sorted(request.temperature for request in script.requests if request.role == "solve") == [0.0, 0.7]


def test_the_reports_on_a_part_share_its_budget_of_tokens(tmp_path, names):
    right, *_ = names
    plan = ["find the mother\nfind the boss"]
    script = Lines(by_role={"plan": plan, "route": ["large 1", "small 3"], "solve": ["Ann"], "synthesise": [right]})
    budget = {"samples": 3, "part_tokens": 100}
    run(tmp_path, "orchestrate", script, "chat", levels=(2,), assign="lead", work_tokens=64, **budget)
    assert [r.prompt.max_tokens for r in script.requests if r.role == "solve"] == [64, 33]
    assert sum(r.n for r in script.requests if r.prompt.max_tokens == 33) == 3


def test_by_default_the_rule_gives_a_long_part_to_the_large_model_and_a_short_one_to_three_small_reports(
    tmp_path, names
):
    right, *_ = names
    plan = f"{'word ' * 12}\n{'word ' * 11}"
    script = Lines(by_role={"plan": [plan], "solve": ["x"], "synthesise": [right]})
    run(tmp_path, "orchestrate", script, "chat", levels=(2,), assign="rule")
    assert notes(tmp_path, "assigned")[0]["workers"] == ["large 1", "small 3"]
    assert "route" not in {request.role for request in script.requests}


def test_who_does_which_part_is_learned_from_trials_that_treated_all_parts_alike_and_then_followed(
    tmp_path, problem, names
):
    right, wrong, _ = names
    tables = {who: [{"strategy": who}] for who in ("small 2", "large 1")}
    examples = []
    for who, wins in (("small 2", "find it"), ("large 1", "find the mother of the boss")):
        for part in ("find it", "find the mother of the boss"):
            folder = tmp_path / who / part
            answer = right if part == wins else wrong
            script = Lines(by_role={"plan": [part], "solve": ["x"], "synthesise": [answer]})
            run(folder, "orchestrate", script, "chat", levels=(1,), assign="rule", rules=tables[who])
            trials, steps = journaled(folder, "trial"), journaled(folder, "step")
            place = {"task": problem.task, "problem_id": problem.problem_id}
            rows = [t | place | {"total_tokens": t["prompt_tokens"] + t["completion_tokens"]} for t in trials]
            examples += routing.tried_parts(rows, steps, {(problem.task, problem.problem_id)})
            assert routing.tried_parts(rows, steps, {("wikiworld", "another")}) == []
    assert {example.cost for example in examples if example.strategy == "small 2"} != {0.0}
    rules = routing.learn(examples, least=1)
    assert [(rule.strategy, rule.at_most) for rule in rules[:2]] == [("small 2", 7.0), ("large 1", None)]

    script = Lines(by_role={"plan": ["seek\nfind the boss of the mother"], "solve": ["x"], "synthesise": [right]})
    run(tmp_path / "follow", "orchestrate", script, "chat", levels=(2,), assign="rule", rules=rules)
    assert notes(tmp_path / "follow", "assigned")[0]["workers"] == ["small 2", "large 1"]


@pytest.mark.parametrize(
    "rules", [[], [{"strategy": "small"}], [{"strategy": "large 17"}], [{"strategy": "small 1", "at_most": 3}]]
)
def test_a_table_that_does_not_say_who_does_every_part_is_refused(rules):
    with pytest.raises(ValidationError):
        plugins.strategies()["orchestrate"].Knobs.model_validate({"rules": rules})


@pytest.mark.parametrize(("task", "params"), [("hanoi", {"disks": (3,)}), ("long_ledger", {"updates": (5,)})])
@pytest.mark.parametrize("format", ["chat", "completion"])
def test_several_steps_go_into_one_call_and_are_decided_by_one_vote(tmp_path, task, params, format):
    scores = {}
    for m in (1, 3):
        what = experiment(
            [arm("decompose_and_vote", format, levels=(1,), knobs={"steps_per_call": m})],
            task=task,
            params=params,
            problems=1,
        )
        play(tmp_path / str(m), what, Script(right=1.0))
        scores[m] = journaled(tmp_path / str(m), "checkpoint")[-1]["score"], len(journaled(tmp_path / str(m), "calls"))
    steps = {"hanoi": 7, "long_ledger": 5}[task]
    assert scores == {1: (1.0, steps), 3: (1.0, -(-steps // 3))}


def test_a_task_that_takes_one_step_per_call_refuses_more_before_the_run():
    file = {
        "name": "many",
        "model": "sim/solve=0.6",
        "tasks": [{"name": "graph_path"}],
        "arms": [{"strategy": "decompose_and_vote", "knobs": {"steps_per_call": 2}}],
    }
    with pytest.raises(SpecError, match="needs many, which this task does not offer"):
        spec.parse(file)
    file["tasks"] = [{"name": "hanoi"}]
    assert spec.parse(file).arms[0].knobs["steps_per_call"] == 2


@pytest.mark.parametrize("form", ["short", "structured"])
def test_the_words_that_ask_a_completion_model_for_a_note_are_shown_to_people(tmp_path, names, form):
    script = Lines("a thought", "a note", names[0])
    run(tmp_path, "handoff", script, levels=(16,), form=form)
    asked = script.requests[1].prompt.text.splitlines()[-1]
    assert asked in plugins.strategies()["handoff"].prompts.values()


@pytest.mark.parametrize(
    ("form", "roles"),
    [
        ("full", ["solve", "synthesise"]),
        ("short", ["solve", "synthesise", "synthesise"]),
        ("structured", ["solve", "synthesise", "synthesise"]),
        ("none", ["synthesise"]),
    ],
)
def test_what_is_handed_over_is_no_longer_than_its_level(tmp_path, names, form, roles):
    right, *_ = names
    long = " ".join(f"word{n}" for n in range(40))
    script = Lines(*[long] * (len(roles) - 1), right) if len(roles) > 1 else Lines(right)
    assert run(tmp_path, "handoff", script, "chat", levels=(16,), form=form) == [(16, right)]
    assert calls(tmp_path, "role") == [(role,) for role in roles]
    handed = [note["tokens"] for note in notes(tmp_path, "handoff")]
    assert handed == ([] if form == "none" else [16])
    shown = script.requests[-1].prompt.shown
    assert ("word15" in shown, "word16" in shown) == (form != "none", False)


def test_a_planner_never_sees_a_passage_and_the_answer_rests_on_evidence(tmp_path, names, problem):
    right, *_ = names
    page = next(iter(problem.world["pages"].values()))[0]
    script = Lines(
        by_role={
            "plan": [page.split(" is ")[0], "done"],
            "query": ["Evidence one."],
            "synthesise": ["unknown", right],
        }
    )
    assert run(tmp_path, "plan_and_retrieve", script, "chat", levels=(4,)) == [(1, None), (2, right)]
    assert calls(tmp_path, "role", "part", "level", "probe") == [
        ("plan", "planner", 1, False),
        ("query", "searcher", 1, False),
        ("synthesise", "solver", 1, True),
        ("plan", "planner", 2, False),
        ("synthesise", "solver", 2, True),
    ]
    plans = [request.prompt.shown for request in script.requests if request.role == "plan"]
    assert "- Evidence one." in plans[1]
    assert page not in "".join(plans)
    assert page in script.requests[1].prompt.shown
    trial = journaled(tmp_path, "trial")[0]
    assert (trial["searches"], trial["stop_reason"]) == (1, "finished")


def test_a_budget_that_ends_leaves_the_answers_that_were_whole(tmp_path, names):
    right, *_ = names
    what = experiment([arm("width_depth", levels=(8,), knobs={"depth": 2})], problems=1, trial_budget=capped(calls=5))
    play(tmp_path / "wide", what, Lines(right))
    reached = [c["level"] for c in journaled(tmp_path / "wide", "checkpoint")]
    assert journaled(tmp_path / "wide", "trial")[0]["stop_reason"] == "capped"
    assert reached == [1, 2, 3], "four first answers and one revision, which is the first chain's"
    few = experiment([arm("cascade", knobs={"votes": 3})], problems=1, trial_budget=capped(calls=2))
    play(tmp_path / "few", few, Lines(right))
    [answered] = journaled(tmp_path / "few", "checkpoint")
    assert (answered["level"], answered["answer"]) == (1, right)
    assert answered["detail"] == {"at the cap": "not judged"}, "two votes are no vote of three"


def test_votes_that_were_weighed_count_where_the_budget_ends(tmp_path, names):
    right, *_ = names
    what = experiment([arm("weighted_vote", levels=(4,))], problems=1, trial_budget=capped(calls=6))
    play(tmp_path, what, Lines(by_role={"solve": [right], "verify": ["yes"]}))
    assert [c["level"] for c in journaled(tmp_path, "checkpoint")] == [1, 2]
    assert journaled(tmp_path, "trial")[0]["stop_reason"] == "capped"
