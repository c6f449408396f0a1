"""Points in units worked out of tokens: the database's own rows where it knows the unit, and sums made by hand."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fourdials import query, report, units
from fourdials.errors import InputError
from fourdials.estimate import frontier, respending
from fourdials.models import catalogue
from fourdials.store import Store
from tests.ledger_rows import Ledger, stored
from tests.scripted import Script, arm, experiment, play

SMALL = "local/smollm2-135m"
SIZE = catalogue.resolve(SMALL).parameters
ARMS = ("single", "majority_vote", "adaptive_vote", "chain_of_thought", "retrieve", "handoff", "sleep_time")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with probes, samples of one request, trials of one level each, and calls made for several questions."""
    home = tmp_path_factory.mktemp("home")
    what = experiment([arm(name) for name in ARMS], task="wikiworld", problems=6)
    assert play(home / "runs" / "run", what, Script()) == "finished"
    store = Store(home, recorded=home / "none")
    store.ingest()
    yield store
    store.close()


def test_points_worked_out_of_tokens_are_the_databases_own(run):
    """At a rate of 1 for every token the unit is total tokens; at 0 and 1 it is generated tokens."""
    uses = query.run(run, "stop_uses", experiment_ids=["run"])
    by_level = query.run(run, "curve_points", experiment_ids=["run"], unit="level")
    for unit, rates in (("total_tokens", (1.0, 1.0)), ("completion_tokens", (0.0, 1.0))):
        known = query.run(run, "curve_points", experiment_ids=["run"], unit=unit)
        table = dict.fromkeys(uses["model"].drop_nulls().unique(), rates)
        found = respending.respent(by_level, respending._summed(uses, table))
        assert found["arm"].n_unique() == len(ARMS)
        order = ["unit_id", "level"]
        assert_frame_equal(found.sort(order), known.sort(order), check_dtypes=False)


def hand_made(**changes):
    """Two arms on two problems; `big` asks a hosted model beside the small one."""
    ledger = Ledger()
    for name in ("small", "big"):
        ledger.arm(name, levels=(1, 2), lineup={"solver": SMALL})
    for problem in ("p0", "p1"):
        ledger.problem(problem)
    for block, problem in enumerate(("p0", "p1")):
        for name in ("small", "big"):
            trial_id = ledger.trial_id(problem, name)
            ledger.call(trial_id, level=1, prompt=100, completion=10, model=SMALL, usd=None)
            ledger.checkpoint(trial_id, 0, 1, 0.0)
            other = "openai/gpt-4.1-mini" if name == "big" else SMALL
            ledger.call(trial_id, level=2, prompt=200, completion=50, model=other, **changes)
            ledger.checkpoint(trial_id, 1, 2, 1.0)
            ledger.trial(problem, name, block=block, score=1.0)
    ledger.status("finished")
    return ledger


def test_flops_are_two_for_each_parameter_and_token_and_unknown_without_a_size(tmp_path):
    points = units.points(stored(tmp_path, hand_made()), ["exp"], "flops")
    assert set(points["arm"]) == {"small"}
    spends = points.filter(problem_id="p0").sort("level")
    assert spends["spend"].to_list() == [2.0 * SIZE * 110, 2.0 * SIZE * 360]
    assert spends["gain"].to_list() == [0.0, 1.0]
    assert spends["max_spend"].to_list() == [2.0 * SIZE * 360] * 2


def test_dollars_are_counted_by_the_prices_chosen_and_as_paid(tmp_path):
    store = stored(tmp_path, hand_made(usd_paid=0.5))
    taken = units.PriceList("2026-11-22", "openai/gpt-4.1-mini")
    points = units.points(store, ["exp"], "usd", arms=["big"], price_list=taken).filter(problem_id="p0").sort("level")
    first = (100 * 0.40 + 10 * 1.60) / 1e6
    assert points["spend"].to_list() == pytest.approx([first, first + (200 * 0.40 + 50 * 1.60) / 1e6])
    own = units.points(store, ["exp"], "usd", price_list=units.PriceList("2026-11-22"))
    assert own.is_empty()  # the small model has no price, and unknown is not 0
    early = units.points(store, ["exp"], "usd", price_list=units.PriceList("2020-01-01", "openai/gpt-4.1-mini"))
    assert early.is_empty()
    assert units.points(store, ["exp"], "usd", price_list=units.PriceList()).is_empty()
    with pytest.raises(InputError, match="write it as 2026-11-22"):
        units.points(store, ["exp"], "usd", price_list=units.PriceList("today"))


def test_operating_points_take_the_prices_chosen(tmp_path):
    store = stored(tmp_path, hand_made())
    rows = units.operating_points(store, ["exp"], price_list=units.PriceList("2026-11-22", "openai/gpt-4.1-mini"))
    first = (100 * 0.40 + 10 * 1.60) / 1e6
    assert rows.filter(level=1)["usd"].to_list() == pytest.approx([first] * 4)
    assert units.operating_points(store, ["exp"]).filter(level=1)["usd"].null_count() == 4


def test_operating_points_have_flops_if_asked_for_and_unknown_ones_where_a_size_is(tmp_path):
    store = stored(tmp_path, hand_made())
    rows = units.operating_points(store, ["exp"], flops=True)
    at = {arm: set(rows.filter(arm=arm, level=1)["flops"]) for arm in rows["arm"].unique()}
    assert at["small"] == {2.0 * SIZE * 110}
    assert "flops" not in units.operating_points(store, ["exp"]).columns
    found = frontier.operating_points(frontier.read(rows)).filter(arm="small", level=1)
    assert found.select("flops", "flops_low", "flops_high").row(0) == pytest.approx((2.0 * SIZE * 110,) * 3)
    unsized = rows.with_columns(flops=pl.lit(None, pl.Float64))
    assert (
        frontier.operating_points(frontier.read(unsized))["flops"].null_count()
        == rows.select("arm", "level").n_unique()
    )


def test_the_models_whose_size_is_unknown_are_named(tmp_path):
    store = stored(tmp_path, hand_made())
    arms = query.run(store, "arms", experiment_ids=["exp"])
    assert units.unsized(arms) == []
    other = arms.with_columns(lineup=arms["lineup"].str.replace(SMALL, "sim/solve=0.6"))
    assert units.unsized(other) == ["sim/solve=0.6"]
    # A token of a recursive net is a pass over all cells: what it takes is not 2 · parameters.
    assert units.sizes([SMALL, "local/sudoku4-plain"]) == {SMALL: SIZE, "local/sudoku4-plain": None}
    assert units.PriceList("2026-11-22", "a/b").told == "list prices of a/b on 2026-11-22"
    assert (units.PriceList("2026-11-22").told, units.PriceList().told) == ("list prices of 2026-11-22", "as paid")


def test_a_report_can_be_drawn_in_flops(tmp_path):
    text = report.html_of(stored(tmp_path, hand_made()), "exp", unit="flops")
    assert "GFLOPs" in text
    assert "stop_uses.sql" in text


def test_a_report_counts_dollars_by_the_prices_of_the_address_and_says_so(tmp_path):
    store = stored(tmp_path, hand_made(usd_paid=0.5))
    more = {"prices": "list", "priced_on": "2026-11-22", "priced": "openai/gpt-4.1-mini"}
    text = report.html_of(store, "exp", unit="usd", more=more)
    told = "list prices of openai/gpt-4.1-mini on 2026-11-22"
    assert text.replace("\xa0", " ").count(told) == 2  # above the figure and among the methods
    assert "stop_uses.sql" in text
    points = units.points(store, ["exp"], "usd", price_list=units.PriceList("2026-11-22", "openai/gpt-4.1-mini"))
    spends = points["spend"].unique()
    assert spends.len() == 2
    assert all(f">{spend:.4g}</td>" in text for spend in spends)
    assert "list prices of openai" not in report.html_of(store, "exp", unit="calls")
    with pytest.raises(InputError, match="got prices='free'; wanted is then, paid or list"):
        report.html_of(store, "exp", unit="usd", more={"prices": "free"})


def test_what_never_answered_and_what_was_cut_short_have_paid_for_the_calls_they_made(tmp_path):
    ledger = Ledger()
    ledger.arm("vote", levels=(1, 2), lineup={"solver": SMALL})
    for block, problem in enumerate(("silent", "short", "whole")):
        ledger.problem(problem)
        trial_id = ledger.trial_id(problem, "vote")
        ledger.call(trial_id, level=1, prompt=100, completion=10, model=SMALL, usd=1.0)
        if problem != "silent":
            ledger.call(trial_id, level=1, prompt=5, completion=1, model=SMALL, usd=0.5, probe=True)
            ledger.checkpoint(trial_id, 0, 1, 1.0)
        if problem != "whole":
            ledger.call(trial_id, level=2, prompt=300, completion=20, model=SMALL, usd=4.0)
        outcome = {"outcome": "unanswered", "score": 0.0} if problem == "silent" else {"score": 1.0}
        stop = "finished" if problem == "whole" else "capped"
        ledger.trial(problem, "vote", block=block, stop_reason=stop, level=2, **outcome)
    ledger.status("finished")
    store = stored(tmp_path, ledger)
    rows = units.operating_points(store, ["exp"], flops=True).sort("problem_id", "level")
    assert rows.select("problem_id", "level", "stop_level", "cut", "usd", "total_tokens").rows() == [
        ("short", 1, 1, False, 1.5, 116.0),
        ("short", 2, 1, True, 5.5, 436.0),
        ("silent", 1, None, True, 5.0, 430.0),
        ("silent", 2, None, True, 5.0, 430.0),
        ("whole", 1, 1, False, 1.5, 116.0),
        ("whole", 2, 1, False, 1.5, 116.0),
    ]
    assert rows["flops"].to_list() == pytest.approx([2.0 * SIZE * tokens for tokens in rows["total_tokens"]])
    silent = units.points(store, ["exp"], "usd").filter(problem_id="silent")
    assert silent.select("spend", "gain", "max_spend").rows() == [(None, 0.0, 5.0)]
