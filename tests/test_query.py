"""Queries: a contract every file keeps, and hand-computed results."""

import re

import duckdb
import polars as pl
import pytest

from fourdials import query
from fourdials.errors import InputError
from fourdials.store import Store
from tests.ledger_rows import Ledger, stored, two_arms

NAMES = query.names()
UNITS = ["total_tokens", "usd", "completion_tokens", "calls", "modelled_s", "critical_path_s", "level"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    home = tmp_path_factory.mktemp("empty")
    return Store(home, read_only_copy=True, recorded=home / "none")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    ledger = two_arms()
    trial_id = ledger.trial_id("p0", "vote")
    ledger.add("step", trial_id=trial_id, seq=0, level=1, kind="search", payload={"query": "q"}, at=5.0)
    ledger.call(trial_id, error={"type": "Unreachable", "message": "gone"}, call_id="x!1", prompt=None, completion=None)
    return stored(tmp_path_factory.mktemp("built"), ledger)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Has rows for every query."""
    ledger = two_arms()
    trial_id, thought = ledger.trial_id("p0", "vote"), ledger.trial_id("p0", "think")
    ledger.add("step", trial_id=trial_id, seq=0, level=1, kind="search", payload={"query": "q"}, at=5.0)
    ledger.call(trial_id, error={"type": "Unreachable", "message": "gone"}, call_id="x!1", prompt=None, completion=None)
    ledger.add("step", trial_id=trial_id, seq=1, level=1, kind="assigned", payload={"parts": [], "workers": []}, at=6.0)
    ledger.call(trial_id, role="step", request={"parts": [], "truth": "A"})
    ledger.call(thought, level=9)
    ledger.checkpoint(thought, 9, 9, 1.0, detail={"consensus": "A", "vote": "B", "product": "A"})
    return stored(tmp_path_factory.mktemp("full"), ledger)


def values(name):
    """A value for every parameter a query needs, that the built ledger has rows for."""
    known = {
        "experiment_ids": ["exp"],
        "experiment_id": "exp",
        "unit": "total_tokens",
        "now": 1105.0,
        "trial_id": "exp/toy/p0/vote/0",
        "arm": "vote",
        "spend": 100.0,
    }
    return {p.name: known[p.name] for p in query.describe(name).parameters if not p.optional}


@pytest.mark.parametrize("name", NAMES)
def test_a_query_states_its_title_grain_units_and_every_parameter(name):
    described = query.describe(name)
    assert re.match(r"[A-Z].{8,90}[^.]$", described.title), described.title
    assert described.grain.endswith(".")
    assert described.units.endswith(".")
    used = duckdb.extract_statements(described.sql)[0].named_parameters
    assert {parameter.name for parameter in described.parameters} == set(used)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_gives_no_rows_of_the_same_columns_where_there_is_nothing(name, empty, full):
    nothing, something = query.run(empty, name, **values(name)), query.run(full, name, **values(name))
    assert nothing.height == 0
    assert something.height > 0
    assert nothing.schema == something.schema


@pytest.mark.parametrize("name", NAMES)
def test_a_query_gives_its_rows_in_the_same_order_every_time(name, built):
    first, second = (query.run(built, name, **values(name)) for _ in range(2))
    assert first.equals(second)


def test_picks_are_those_of_checkpoints_that_note_all_three(full):
    rows = query.run(full, "claim_picks", experiment_ids=["exp"])
    assert rows.select("arm", "problem_id", "level", "consensus", "vote", "product").rows() == [
        ("think", "p0", 9, "A", "B", "A")
    ]


def test_an_unknown_query_is_refused_with_what_exists(empty):
    with pytest.raises(InputError, match=r"no query .curves.; .*curve_points"):
        query.run(empty, "curves")


def test_an_unknown_or_missing_parameter_is_refused_with_what_exists(empty):
    with pytest.raises(InputError, match=r"takes no parameter 'trial'; it takes trial_id \(VARCHAR\)"):
        query.run(empty, "trial", trial="x")
    with pytest.raises(InputError, match="needs experiment_ids, unit"):
        query.run(empty, "curve_points")


def test_an_unknown_unit_is_refused_with_those_there_are(built):
    with pytest.raises(InputError, match="total_tokens, usd"):
        query.run(built, "curve_points", experiment_ids="exp", unit="dollars")


def test_one_experiment_may_be_given_without_a_list(built):
    assert query.run(built, "arms", experiment_ids="exp").equals(query.run(built, "arms", experiment_ids=["exp"]))


# --- the spend of stopping at a level -------------------------------------------------------------------------------


def test_spend_of_a_batch_a_probe_a_cut_thought_a_fork_and_a_failed_attempt_as_computed_by_hand(tmp_path):
    ledger = Ledger()
    ledger.arm(levels=(1, 2, 4))
    ledger.call("t", level=1, prompt=100, completion=10, path_s=3.0, modelled_path_s=1.0)  # two samples of one request:
    ledger.call("t", level=2, prompt=0, completion=20, path_s=3.0, modelled_path_s=2.0)  # the prompt is charged once
    ledger.call("t", level=1, prompt=50, completion=1, probe=True, path_s=4.0, modelled_path_s=1.5)
    ledger.call("t", level=2, prompt=60, completion=1, probe=True, path_s=5.0, modelled_path_s=2.5)
    ledger.call("t", level=4, prompt=30, completion=40, path="/b", path_s=6.0, modelled_path_s=3.0)
    ledger.call("t", level=4, prompt=0, completion=7, segment=1, path_s=7.0, modelled_path_s=4.0)
    ledger.call("t", level=2, prompt=None, completion=None, call_id="t#:9!1", error={"type": "RateLimited"})
    ledger.call("t", level=1, prompt=500, completion=500, role="grade", path_s=90.0)
    for seq, level in enumerate((1, 2, 4)):
        ledger.checkpoint("t", seq, level, 1.0)
    store = stored(tmp_path, ledger)
    rows = store.frame(
        "SELECT level, calls, prompt_tokens, completion_tokens, total_tokens, round(usd, 6) AS usd, usd_paid, "
        "critical_path_s, modelled_s FROM spend ORDER BY level"
    ).rows()
    assert rows == [
        (1, 2, 150, 11, 161, 0.161, None, 4.0, 1.5),
        (2, 3, 160, 31, 191, 0.191, None, 5.0, 2.5),
        (4, 3, 130, 77, 207, 0.207, None, 7.0, 4.0),
    ]
    assert query.run(store, "trial_checkpoints", trial_id="t")["total_tokens"].to_list() == [161, 191, 207]


def test_one_unknown_token_count_makes_what_includes_it_unknown_and_nothing_else(tmp_path):
    ledger = Ledger()
    ledger.call("t", level=1, prompt=10, completion=1)
    ledger.call("t", level=2, prompt=10, completion=None)
    for seq, level in enumerate((0, 1, 2)):
        ledger.checkpoint("t", seq, level, 1.0)
    rows = stored(tmp_path, ledger).frame("SELECT level, calls, prompt_tokens, total_tokens FROM spend ORDER BY level")
    assert rows.rows() == [(0, 0, 0, 0), (1, 1, 10, 11), (2, 2, 20, None)]


def test_a_call_made_ahead_for_several_questions_is_charged_in_parts(tmp_path):
    ledger = Ledger()
    ledger.call("t", level=1, prompt=90, completion=30, shared=4, usd=0.2, usd_paid=0.1, path_s=0.0)
    ledger.call("t", level=1, prompt=50, completion=1, probe=True, shared=None, usd=0.03, usd_paid=0.02)
    for seq, level in enumerate((0, 1)):
        ledger.checkpoint("t", seq, level, 1.0)
    rows = stored(tmp_path, ledger).frame(
        "SELECT calls, prompt_tokens, completion_tokens, total_tokens, round(usd, 9), round(usd_paid, 9) "
        "FROM spend ORDER BY level"
    )
    assert rows.rows() == [(0, 0, 0, 0, 0, 0), (1.25, 72.5, 8.5, 81, 0.08, 0.045)]


# --- curve points ---------------------------------------------------------------------------------------------------


def points(store, unit="total_tokens", **options):
    return query.run(store, "curve_points", experiment_ids="exp", unit=unit, **options)


def test_a_stop_that_a_later_level_reaches_as_cheaply_is_left_out(tmp_path):
    ledger = Ledger()
    ledger.arm(levels=(1, 2, 3, 4))
    trial_id = ledger.trial_id("p0", "vote")
    ledger.call(trial_id, level=1, prompt=0, completion=10)
    ledger.call(trial_id, level=2, prompt=0, completion=10)
    ledger.call(trial_id, level=2, prompt=0, completion=30, probe=True)  # stopping at 2 costs 50, at 3 only 30
    ledger.call(trial_id, level=3, prompt=0, completion=10)
    for seq, score in enumerate((0.25, 1.0, 0.5, 0.75)):
        ledger.checkpoint(trial_id, seq, seq + 1, score)  # level 4 costs nothing more than 3 and so replaces it
    ledger.trial("p0", "vote")
    rows = points(stored(tmp_path, ledger)).select("level", "spend", "score", "gain").rows()
    assert rows == [(1, 10.0, 0.25, 0.25), (4, 30.0, 0.75, 0.5)]


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_places_the_same_answers(built, unit):
    vote = points(built, unit).filter(pl.col("arm") == "vote")
    last = vote.group_by("problem_id").agg(pl.col("gain").sum())
    assert last["gain"].to_list() == [1.0] * 6
    spends = {"total_tokens": [10, 20], "usd": [0.01, 0.02], "completion_tokens": [10, 20], "calls": [1, 2]}
    # Every call of the built ledger ends at the same moment, so in seconds the second answer replaces the first.
    expected = spends | {"level": [1, 2], "modelled_s": [1.5], "critical_path_s": [2.0]}
    assert vote.filter(pl.col("problem_id") == "p3")["spend"].to_list() == expected[unit]


def test_a_unit_that_never_answered_has_one_row_without_a_stop(tmp_path):
    ledger = Ledger()
    ledger.arm()
    ledger.run("p0", "vote", [], stop_reason="capped", outcome="unanswered")
    row = points(stored(tmp_path, ledger)).row(0, named=True)
    assert [row[name] for name in ("level", "spend", "gain", "max_spend", "finished")] == [None, None, 0.0, 0.0, False]


def test_an_arm_that_is_not_nested_is_joined_up_over_its_trials_of_all_levels(tmp_path):
    ledger = Ledger()
    ledger.arm("effort", nested=False, levels=(0, 1, 2))  # level 0 runs no trial
    ledger.problem("p0")
    ledger.run("p0", "effort", [(1, 40, 0.0)], own_level=1, stop_reason="finished")
    ledger.run("p0", "effort", [(1, 15, 1.0), (2, 85, 1.0)], own_level=2, stop_reason="finished")
    frame = points(stored(tmp_path, ledger))
    assert frame.select("level", "spend", "gain", "max_spend", "finished").rows() == [
        (1, 40.0, 0.0, 100.0, True),
        (2, 100.0, 1.0, 100.0, True),
    ]
    assert frame["unit_id"].n_unique() == 1


def test_only_complete_blocks_count(tmp_path):
    ledger = two_arms(problems=2)
    ledger.arm("effort", nested=False, levels=(1, 2), dial="sequential")
    for level in (1, 2):
        ledger.run("p0", "effort", [(1, 5, 1.0)], block=0, own_level=level)
    ledger.run("p1", "effort", [(1, 5, 1.0)], block=1, own_level=1)  # its trial of level 2 has not ended
    store = stored(tmp_path, ledger)
    assert points(store)["problem_id"].unique().to_list() == ["p0"]
    progress = query.run(store, "progress", experiment_id="exp", now=0.0)
    assert progress.select("blocks_complete", "blocks_begun").row(0) == (1, 2)


def test_an_arm_that_does_not_fit_a_task_is_not_waited_for(tmp_path):
    ledger = two_arms(problems=2)
    ledger.arm("search", dial="search", levels=(1,), tasks=["other"])
    assert points(stored(tmp_path, ledger))["problem_id"].n_unique() == 2


@pytest.mark.parametrize("outcome", ["infra_error", "grader_error"])
def test_a_failed_trial_drops_its_block_for_all_arms_compared(tmp_path, outcome):
    ledger = two_arms(problems=3)
    ledger.trial("p1", "think", block=1, outcome=outcome, score=None, stop_reason="error")
    store = stored(tmp_path, ledger)
    frame = points(store)
    assert sorted(frame["problem_id"].unique()) == ["p0", "p2"]
    assert frame.group_by("arm").agg(pl.col("unit_id").n_unique())["unit_id"].to_list() == [2, 2]
    assert points(store, arms=["vote"])["problem_id"].n_unique() == 3
    excluded = query.run(store, "exclusions", experiment_ids="exp")
    counts = excluded.select("arm", "complete", "kept", "excluded", "excluded_own", outcome).rows()
    assert counts == [("vote", 3, 2, 1, 0, 0), ("think", 3, 2, 1, 1, 1)]


def test_a_grader_error_at_an_earlier_answer_drops_the_block_too(tmp_path):
    ledger = two_arms(problems=2)
    ledger.checkpoint(ledger.trial_id("p0", "vote"), 7, 2, None, outcome="grader_error")
    assert points(stored(tmp_path, ledger))["problem_id"].unique().to_list() == ["p1"]


def test_an_arm_of_unknown_price_leaves_the_comparison_and_one_unknown_count_drops_its_block(tmp_path):
    ledger = two_arms(problems=3)
    ledger.arm("free", dial="hybrid")
    for i in range(3):
        trial_id = ledger.trial_id(f"p{i}", "free")
        ledger.call(trial_id, usd=None)
        ledger.checkpoint(trial_id, 0, 1, 1.0)
        ledger.trial(f"p{i}", "free", block=i)
    ledger.call(ledger.trial_id("p2", "vote"), completion=None, usd=0.0)
    store = stored(tmp_path, ledger)
    assert set(points(store, "usd")["arm"]) == {"vote", "think"}
    tokens = points(store)
    assert set(tokens["arm"]) == {"vote", "think", "free"}
    assert sorted(tokens["problem_id"].unique()) == ["p0", "p1"]


def test_the_trials_behind_a_point_are_the_answers_standing_at_that_spend(built):
    at = query.run(built, "trials_at", experiment_ids="exp", arm="vote", unit="total_tokens", spend=15.0)
    assert at.select("level", "spend", "score").unique().rows() == [(1, 10.0, 0.0)]
    before = query.run(built, "trials_at", experiment_ids="exp", arm="vote", unit="total_tokens", spend=9.0)
    assert before.select("trial_id", "level", "score", "outcome").row(0) == (
        "exp/toy/p0/vote/0",
        None,
        0.0,
        "unanswered",
    )
    assert before["question"][0] == "What is p0?"
    by_level = query.run(built, "trials_at", experiment_ids="exp", arm="vote", unit="level", spend=2.0)
    assert by_level["score"].to_list() == [1.0] * 6


# --- the rest -------------------------------------------------------------------------------------------------------


def test_experiments_are_listed_newest_first_with_their_outcomes_and_spend(tmp_path):
    later = two_arms(problems=2, experiment_id="later", created_at=5000.0)
    store = stored(tmp_path, two_arms(), later, Ledger("begun", created_at=1.0))
    frame = query.run(store, "experiments")
    assert frame["experiment_id"].to_list() == ["later", "exp", "begun"]
    row = frame.row(1, named=True)
    assert (row["planned_trials"], row["trials_done"], row["correct"], row["wrong"]) == (12, 12, 9, 3)
    assert (row["calls"], row["total_tokens"], round(row["usd"], 6)) == (18, 360, 0.36)
    assert (row["dials"], row["tasks"], row["models"]) == (["parallel", "sequential"], ["toy"], ["model/a"])
    assert frame.row(2, named=True)["total_tokens"] == 0


def test_one_unpriced_call_makes_the_price_of_the_run_unknown(tmp_path):
    ledger = two_arms()
    ledger.call("t", usd=None)
    assert query.run(stored(tmp_path, ledger), "experiments")["usd"][0] is None


def test_progress_counts_calls_of_the_last_ten_seconds_and_what_is_in_flight(tmp_path):
    ledger = Ledger()
    ledger.arm()
    ledger.status("running")
    for second in (1000, 1004, 1009, 1011):
        ledger.call("t", started_at=float(second), latency_s=1.0)
    ledger.call(
        "t", error={"type": "RateLimited", "message": "slow down"}, call_id="t#:0!1", prompt=None, completion=None
    )
    ledger.add("started", call_ids=["t#:7"], trial_id="t", at=1011.0)
    store = stored(tmp_path, ledger)
    row = query.run(store, "progress", experiment_id="exp", now=1013.0).row(0, named=True)
    assert (row["calls"], row["failed_attempts"], row["total_tokens"], row["trials_done"]) == (4, 1, 60, 0)
    assert (row["calls_per_s"], row["in_flight"], row["lost_calls"]) == (0.3, 1, 0)
    errors = query.run(store, "errors", experiment_id="exp")
    assert errors.select("place", "kind", "occurrences", "message").row(0) == ("attempt", "RateLimited", 1, "slow down")


def test_calls_open_when_the_run_ended_are_lost_unless_their_trial_failed(tmp_path):
    ledger = two_arms(problems=2)
    ledger.trial("p1", "think", block=1, outcome="infra_error", score=None, stop_reason="error")
    ledger.add("started", call_ids=["a"], trial_id=ledger.trial_id("p1", "think"), at=1.0)
    ledger.add("started", call_ids=["b"], trial_id="never ended", at=1.0)
    row = query.run(stored(tmp_path, ledger), "progress", experiment_id="exp", now=0.0).row(0, named=True)
    assert (row["in_flight"], row["lost_calls"]) == (0, 1)


def test_outcomes_are_shares_of_each_arm_errors_included(tmp_path):
    ledger = two_arms(problems=4)
    ledger.trial("p0", "think", outcome="infra_error", score=None)
    frame = query.run(stored(tmp_path, ledger), "outcomes", experiment_ids="exp").filter(pl.col("arm") == "think")
    assert dict(frame.select("outcome", "share").rows()) == {"correct": 0.25, "wrong": 0.5, "infra_error": 0.25}


def test_baselines_average_over_problems_and_greedy_is_the_strategy_single(tmp_path):
    ledger = Ledger()
    ledger.arm("greedy", strategy="single", levels=(1,))
    for i, (chance, constant) in enumerate([(0.25, 1.0), (0.5, 0.0)]):
        ledger.problem(f"p{i}", chance=chance, constant_score=constant)
        for repeat in (0, 1):
            ledger.run(f"p{i}", "greedy", [(1, 10, float(i and repeat))], block=2 * i + repeat, repeat=repeat)
    frame = query.run(stored(tmp_path, ledger), "baselines", experiment_ids="exp")
    assert frame.select("kind", "value", "n").rows() == [
        ("chance", 0.375, 2),
        ("constant", 0.5, 2),
        ("greedy", 0.25, 2),
    ]
    each = query.run(stored(tmp_path, ledger), "guesses", experiment_ids="exp")
    assert each.rows() == [("toy", "p0", 0.25, 1.0), ("toy", "p1", 0.5, 0.0)]


def test_a_bill_that_its_calls_do_not_add_up_to_comes_first(tmp_path):
    ledger = two_arms(problems=2)
    assert query.run(stored(tmp_path / "right", ledger), "spend_check", experiment_ids="exp")["agrees"].all()
    ledger.trial("p1", "vote", block=1, calls=2, completion_tokens=21, usd=0.02)
    row = query.run(stored(tmp_path / "wrong", ledger), "spend_check", experiment_ids="exp").row(0, named=True)
    assert (row["trial_id"], row["agrees"]) == ("exp/toy/p1/vote/0", False)
    assert (row["billed_completion_tokens"], row["summed_completion_tokens"]) == (21, 20)


def test_a_trials_calls_come_in_order_with_their_prompts_in_full(tmp_path):
    ledger = two_arms(problems=1)
    sha = "c" * 64
    ledger.add("text", sha256=sha, text="a very long question")
    trial_id = ledger.trial_id("p0", "vote")
    ledger.call(trial_id, request={"format": "chat", "parts": [["system", "Be brief."], ["user", {"sha256": sha}]]})
    ledger.add(
        "step", trial_id=trial_id, seq=0, level=1, kind="search", payload={"passages": [{"sha256": sha}]}, at=5.0
    )
    store = stored(tmp_path, ledger)
    calls = query.run(store, "trial_calls", trial_id=trial_id)
    assert calls["seq"].to_list() == [0, 1, 2]
    assert calls["prompt"].to_list()[2] == [
        {"role": "system", "text": "Be brief."},
        {"role": "user", "text": "a very long question"},
    ]
    steps = query.run(store, "trial_steps", trial_id=trial_id)
    assert steps["texts"].to_list() == [[{"sha256": sha, "text": "a very long question"}]]
