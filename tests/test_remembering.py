"""What a trial kept in mind is judged by the facts of its problem, after it has ended and by hand-made examples."""

import json
from dataclasses import replace

import pytest

from fourdials import query
from fourdials.estimate import quality
from fourdials.plugins import strategies, tasks
from fourdials.records import Prompt
from fourdials.remembering import Remembered, hygiene
from fourdials.store import Store
from fourdials.tasking import Evidence
from tests.scripted import Lines, Script, arm, experiment, journaled, play

FACTS = {"Sue's boss": ("Rob",), "Rob's town": ("Lyon",), "purse": ("3", "5", "9")}


def read(text):
    subject, _, value = text.rstrip(".").partition(" is ")
    return [(subject, value)] if value else []


EVIDENCE = Evidence(("Sue's boss is Rob.", "Rob's town is Lyon."), FACTS, read)


def problem_of(name, params=None, nth=0):
    module = tasks()[name]
    return module, module.problems(module.Params(**(params or {})), nth + 1, 4)[nth]


def test_each_entry_of_a_memory_is_counted_once_by_what_is_wrong_with_it():
    memory = [
        "Sue's boss is Rob.",
        "sue's boss is rob",  # word for word, but for case and the full stop
        "Rob's town is Paris.",  # never held
        "purse is 3.",  # held once, and a later entry says 9
        "purse is 9.",
        "The weather is nice.",  # of nothing the task knows
        "Nothing to see here",
        "nothing to see here.",
    ]
    assert hygiene(memory, EVIDENCE) == {"duplicate": 2, "contradicted": 1, "stale": 1}
    assert hygiene(memory, None) == {"duplicate": 2, "contradicted": None, "stale": None}
    assert hygiene([], EVIDENCE) == {"duplicate": 0, "contradicted": 0, "stale": 0}


def test_a_value_that_comes_back_is_no_duplicate_and_the_one_between_is_stale():
    memory = ["purse is 3.", "purse is 5.", "purse is 3."]
    assert hygiene(memory, EVIDENCE) == {"duplicate": 1, "contradicted": 0, "stale": 1}
    longer = ["purse is 3", "purse is 5", "so far: purse is 3"]
    assert hygiene(longer, replace(EVIDENCE, read=lambda t: read(t.removeprefix("so far: "))))["duplicate"] == 0


def test_facts_on_the_path_count_once_however_often_they_are_shown():
    held = Remembered(EVIDENCE)
    held.shown(Prompt(text="Sue's boss is Rob. Who is Rob?"), 2)
    held.shown(Prompt(text="Sue's boss is Rob."), 1)
    found = held.judged()
    assert (found["used_characters"], found["prompt_characters"]) == (len("Sue's boss is Rob."), 2 * 30 + 18)
    assert "entries" not in found
    assert Remembered(None).judged() is None


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("wikiworld", {}),
        ("wikiworld", {"stores": "both"}),
        ("graph_path", {}),
        ("long_context", {"kinds": ["needle"]}),
        ("long_context", {"kinds": ["count"]}),
        ("long_context", {"kinds": ["pair"]}),
        ("long_ledger", {}),
    ],
)
def test_a_tasks_own_facts_contradict_nothing_and_its_path_stands_in_what_it_gives(name, params):
    module, problem = problem_of(name, params)
    evidence = module.evidence(problem)
    assert hygiene(evidence.path, evidence) == {"duplicate": 0, "contradicted": 0, "stale": 0}
    text = module.question(problem, "given", "chat").text
    assert all(line in text for line in evidence.path)
    assert evidence.facts
    assert evidence.path or name == "long_ledger"
    for line in evidence.path:
        [(subject, value)] = evidence.read(line)
        assert value in evidence.facts[subject]
        wrong = line.replace(value, f"{value}x")
        assert hygiene([wrong], evidence)["contradicted"] == 1


def test_the_path_of_a_walk_ends_at_the_reference_and_that_of_a_needle_holds_it():
    for name in ("wikiworld", "graph_path"):
        module, problem = problem_of(name, nth=2)
        evidence = module.evidence(problem)
        assert evidence.read(evidence.path[-1])[0][1] == problem.reference
        assert len(evidence.path) == problem.difficulty
    module, problem = problem_of("long_context", {"kinds": ["needle"]})
    [line] = module.evidence(problem).path
    assert f"for {problem.reference} coins" in line


def test_the_balances_a_ledger_ever_held_are_its_facts():
    module, problem = problem_of("long_ledger")
    asked = problem.data["asked"]
    assert module.evidence(problem).facts[asked][-1] == problem.reference


def remembered(tmp_path, name, model="completion", script=None, **settings):
    """The measured trials of one arm and what its trace says, run on scripted replies."""
    what = experiment([arm(name, model, **settings.pop("of", {}))], **settings)
    folder = tmp_path / "runs" / "run"
    assert play(folder, what, script or Script()) == "finished"
    store = Store(tmp_path, recorded=tmp_path / "none")
    store.ingest()
    frame = quality.measured(query.run(store, "trajectories", experiment_ids="run"))
    store.close()
    return frame, [row["payload"] for row in journaled(folder, "step") if row["kind"] == "judged"]


def test_a_transcript_kept_in_full_goes_stale_where_a_pruned_one_does_not(tmp_path):
    """Right replies only: nothing is contradicted, but accounts are set again and again."""
    settings = {"task": "long_ledger", "problems": 4, "params": {"updates": [16], "accounts": 3, "reads": "any"}}
    found = {}
    for memory in ("full", "prune"):
        of = {"levels": (16,), "knobs": {"memory": memory, "branch": 4}}
        trials, judged = remembered(tmp_path / memory, "subtask_tree", script=Script(right=1.0), of=of, **settings)
        assert [payload["contradicted"] for payload in judged] == [0] * 4
        assert all(len(payload["memory"]) == payload["entries"] for payload in judged)
        assert trials["score"].to_list() == [1.0] * 4
        found[memory] = trials["memory_hygiene"].mean()
    assert 0 < found["full"] < found["prune"] <= 1


def test_a_chain_that_goes_wrong_writes_what_never_held(tmp_path):
    settings = {"task": "graph_path", "problems": 12, "params": {"lengths": [3]}}
    trials, judged = remembered(tmp_path, "subtask_tree", script=Script(right=0.3), of={"levels": (3,)}, **settings)
    assert sum(payload["contradicted"] for payload in judged) > 0
    assert trials["memory_hygiene"].min() < 1
    assert trials["used_tokens"].null_count() == 0


def test_a_rewrite_is_judged_sentence_by_sentence(tmp_path):
    _, problem = problem_of("wikiworld", {"hops": [2]})
    fact = tasks()["wikiworld"].evidence(problem).path[0]
    subject = fact.split(" is ")[0]
    script = Lines(f"{fact} {subject} is Nobody. {fact} It rains.", by_role={"solve": ["x"]})
    what = {"problems": 1, "params": {"hops": [2]}, "seed": 4}
    [row] = remembered(tmp_path, "sleep_time", "chat", script, of={"levels": (1,)}, **what)[0].to_dicts()
    # Of four: the second never held, the third repeats the first's words.
    assert (row["notes"], row["notes_contradicted"], row["notes_duplicate"], row["notes_stale"]) == (4, 1, 1, 0)
    assert row["memory_hygiene"] == 0.5


def test_context_efficiency_is_higher_where_only_what_matters_is_looked_up(tmp_path):
    settings = {"task": "wikiworld", "problems": 6, "params": {"hops": [2], "passages": 30}}
    given, _ = remembered(tmp_path / "given", "single", "chat", of={"levels": (1,)}, **settings)
    module, problem = problem_of("wikiworld", {"hops": [2], "passages": 30})
    shown = module.question(problem, "given", "chat").answer.shown
    path = module.evidence(problem).path
    expected = sum(map(len, path)) / len(shown)
    assert given["context_efficiency"].mean() == pytest.approx(expected, rel=0.25)
    assert given["memory_hygiene"].null_count() == given.height


def test_only_strategies_that_say_so_keep_a_memory():
    found = {name for name, strategy in strategies().items() if strategy.memory}
    assert {"subtask_tree", "orchestrate", "handoff", "recursive_lm", "sleep_time"} <= found
    assert "majority_vote" not in found


def test_a_memory_is_journaled_once_and_never_beside_the_question(tmp_path):
    """The trace of a long transcript holds its length at every step, and its words at the end alone."""
    settings = {"task": "long_ledger", "problems": 1, "params": {"updates": [16]}}
    of = {"levels": (16,), "knobs": {"memory": "full"}}
    remembered(tmp_path, "subtask_tree", script=Script(right=1.0), of=of, **settings)
    steps = journaled(tmp_path / "runs" / "run", "step")
    assert [row["payload"]["entries"] for row in steps if row["kind"] == "memory"] == list(range(16))
    assert all("texts" not in json.dumps(row) for row in steps)
    assert sum(row["kind"] == "judged" for row in steps) == 1
