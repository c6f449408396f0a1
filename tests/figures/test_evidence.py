"""Figures of allocation, difficulty and variance: what they draw are their rows, and they say what they are made of."""

import polars as pl
import pytest

from fourdials import worth
from fourdials.estimate.difficulty import BIN_SCHEMA, GUESSED_SCHEMA
from fourdials.estimate.variance import SHARE_SCHEMA
from fourdials.figures import allocation, difficulty, style, variance
from fourdials.figures.status import Status, status_line
from fourdials.replay import UNIFORM, Policy
from tests.test_worth import GREEDY, mixed

STATUS = Status((("simulated", "simulated"),), 24, False, None, "total_tokens")
POLICIES = [UNIFORM, GREEDY, Policy("oracle", "oracle")]


@pytest.fixture(scope="module")
def held():
    return worth.replays(mixed(), [480, 600, 960], POLICIES, replicates=50)


def trace(figure, start, kind="scatter"):
    return next(each for each in figure.data if each.type == kind and each.name == start)


def said(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


def test_policies_are_drawn_over_what_they_really_spent_with_their_intervals(held):
    frame = worth.worth(held)
    figure = allocation.worth_curves(frame, STATUS, "total_tokens", ["best_of_n uses the truth."])
    for policy, name in (
        ("uniform", "uniform"),
        ("greedy marginal", "greedy marginal"),
        ("oracle", "oracle (bound, uses the truth)"),
    ):
        rows = frame.filter(policy=policy).sort("spent")
        line = trace(figure, name)
        assert list(zip(line.x, line.y, strict=True)) == rows.select("spent", "value").rows()
        low, high = [each for each in figure.data if each.name == f"{name}, interval"]
        assert [list(low.y), list(high.y)] == [rows["low"].to_list(), rows["high"].to_list()]
    assert status_line(STATUS).split(" · ")[0] in said(figure)
    assert "no new calls" in said(figure)
    assert "best_of_n uses the truth" in said(figure)
    assert "oracle reaches 100 %" in allocation.worth_alt(frame, "total_tokens")


def test_guessing_crosses_what_dividing_is_worth_and_stays_within_its_scale(held):
    low = worth.worth(held).with_columns(high=pl.col("high") * 0.5)
    rows = [("chance", None, 0.25), ("constant", None, 0.95), ("greedy", "single", 0.3)]
    baselines = pl.DataFrame(rows, schema=["kind", "arm", "value"], orient="row")
    figure = allocation.worth_curves(low, STATUS, "total_tokens", baselines=baselines)
    assert [line.y0 for line in figure.layout.shapes] == [0.25, 0.95]
    assert [note.text for note in figure.layout.annotations] == ["guessing 25 %", "best constant answer 95 %"]
    assert figure.layout.yaxis.range[1] > 0.95
    assert not allocation.worth_curves(low, STATUS, "total_tokens").layout.shapes


def test_only_a_bound_is_dotted_and_only_the_baseline_is_dashed(held):
    figure = allocation.worth_curves(worth.worth(held), STATUS, "total_tokens")
    dashes = {each.name: each.line.dash for each in figure.data if each.mode == "lines+markers"}
    assert dashes == {"uniform": "dash", "greedy marginal": "solid", "oracle (bound, uses the truth)": "dot"}


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_no_dial_is_not_drawn_in_a_dials_colour(held, dark):
    rows = [("tokens", measure, 0.3, 0.2, 0.5, 80, 80, "m") for measure in variance.MEASURES]
    table = pl.DataFrame(rows, schema=SHARE_SCHEMA, orient="row")
    drawn = [
        *variance.shares(table, STATUS, "problem", dark=dark).data,
        *allocation.worth_curves(worth.worth(held), STATUS, "total_tokens", dark=dark).data,
    ]
    colours = {each.marker.color or each.line.color for each in drawn}
    assert len(colours) > 4
    assert not colours & set(style.INKS[dark].dials.values())


def test_where_the_spend_went_is_drawn_as_the_shares_of_its_rows(held):
    frame = worth.where_spent(worth.at(held, 600), "difficulty")
    figure = allocation.where(frame, STATUS, "total_tokens")
    bar, rows = trace(figure, "greedy marginal", "bar"), frame.filter(policy="greedy marginal")
    assert list(bar.x) == rows["share"].to_list()
    assert list(bar.y) == rows["group"].to_list()
    assert (pl.Series(bar.x) + pl.Series(bar.error_x.array)).to_list() == pytest.approx(rows["high"].to_list())
    assert (pl.Series(bar.x) - pl.Series(bar.error_x.arrayminus)).to_list() == pytest.approx(rows["low"].to_list())
    assert "greedy marginal: toy 0 60 %, toy 1 40 %" in allocation.where_alt(frame)


def test_dials_are_called_as_everywhere(held):
    figure = allocation.where(worth.where_spent(held, "dial"), STATUS, "total_tokens")
    assert set(figure.data[0].y) == {style.DIAL_TITLES["parallel"]}


def test_bins_of_difficulty_are_drawn_as_their_rows_and_say_what_sorted_them():
    rows = [("vote", "parallel", b, 0.2 * b, 0.2 * b - 0.1, 0.2 * b + 0.1, 9, 9, "Wilson") for b in (1, 2, 3)]
    rows += [("<b>act</b>", "interaction", 1, 0.5, 0.3, 0.6, 9, 9, "Wilson")]
    frame = pl.DataFrame(rows, schema={"arm": pl.String, "dial": pl.String, **BIN_SCHEMA}, orient="row")
    frame = frame.with_columns(access=pl.lit("given"))
    figure = difficulty.by_bin(frame, STATUS, "vote", [])
    line = trace(figure, "vote (other half of its samples)")
    assert list(line.x) == ["1 (hardest)", "2", "3 (easiest)"]
    assert list(line.y) == frame.filter(arm="vote")["value"].to_list()
    assert list(line.error_y.array) == pytest.approx([0.1] * 3)
    assert line.line.color == style.LIGHT["parallel"]
    assert figure.data[1].name == "&lt;b&gt;act&lt;/b&gt;", "names from elsewhere are shown, not read"
    assert "half of the samples of vote" in said(figure)
    assert "vote goes from 20 % (10 % to 30 %) to 60 %" in difficulty.alt_text(frame)


@pytest.fixture
def bins():
    """Bins of two arms that are given all, and of one that walks."""
    rows = [
        (arm, dial, access, b, value * b, value * b - 0.1, value * b + 0.1, 9, 9, "Wilson")
        for arm, dial, access, value in (
            ("vote", "parallel", "given", 0.2),
            ("think", "sequential", "given", 0.3),
            ("walk", "interaction", "environment", 0.4),
        )
        for b in (1, 2)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("arm", "dial", "access"), pl.String) | BIN_SCHEMA, orient="row")


def test_bins_of_arms_that_see_different_things_have_a_panel_each(bins):
    figure = difficulty.by_bin(bins, STATUS, "vote", [])
    assert figure.layout.title.text == "Score by difficulty, by what is seen"
    assert [note.text for note in figure.layout.annotations] == ["all in the question", "by acting in it"]
    held = {axis: [each.name for each in figure.data if each.xaxis == axis] for axis in ("x", "x2")}
    assert held == {"x": ["vote (other half of its samples)", "think"], "x2": ["walk"]}
    assert len({each.marker.symbol for each in figure.data}) == 3, "one legend serves all panels"
    assert list(figure.layout.xaxis.ticktext) == ["1", "2"]
    narrow = difficulty.by_bin(bins, STATUS, "vote", [], columns=1).layout
    assert list(narrow.xaxis2.ticktext) == ["1 (hardest)", "2 (easiest)"]
    assert narrow.height > figure.layout.height
    assert "walk (by acting in it) goes from 40 %" in difficulty.alt_text(bins)
    alone = difficulty.by_bin(bins.filter(access="given"), STATUS, "vote", [])
    assert alone.layout.title.text == "Score by difficulty"
    assert not alone.layout.annotations


def test_guessing_is_drawn_in_every_panel_of_bins_and_as_steps_where_bins_differ_in_it(bins):
    rows = [("chance", 1, 0.25, 9), ("chance", 2, 0.5, 9), ("constant", 1, 0.3, 9), ("constant", 2, 0.3, 9)]
    guessed = pl.DataFrame(rows, schema=GUESSED_SCHEMA, orient="row")
    figure = difficulty.by_bin(bins, STATUS, "vote", [], guessed)
    drawn = {(line.xref, line.x0, line.x1, line.y0) for line in figure.layout.shapes}
    steps = [(-0.5, 0.5, 0.25), (0.5, 1.5, 0.5), (-0.5, 1.5, 0.3)]
    assert drawn == {(axis, *step) for axis in ("x", "x2") for step in steps}
    labels = [note.text for note in figure.layout.annotations if note.yref != "paper"]
    assert labels == ["guessing 25 % to 50 %", "best constant answer 30 %"]


def test_explained_variance_is_drawn_as_its_rows():
    rows = [(f, "alone", 0.3, 0.2, 0.5, 80, 80, "m") for f in ("tokens", "tool calls", "model", "architecture")]
    rows += [("architecture", "partial", 0.05, 0.0, 0.1, 80, 80, "m"), ("all", "full", 0.6, 0.5, 0.7, 80, 80, "m")]
    table = pl.DataFrame(rows, schema=SHARE_SCHEMA, orient="row")
    figure = variance.shares(table, STATUS, "problem", ["R² is flattered."])
    alone = trace(figure, variance.MEASURES["alone"])
    assert list(alone.x) == [0.3] * 4
    assert list(alone.y) == ["tokens", "tool calls", "model", "architecture"]
    assert list(alone.error_x.array) == pytest.approx([0.2] * 4)
    assert list(trace(figure, variance.MEASURES["full"]).x) == [0.6]
    assert "flattered" in said(figure)
    assert "architecture: partial R², given tokens 5 % (0 % to 10 %)" in variance.alt_text(table)


def test_the_range_of_budgets_is_drawn_as_its_rows():
    frame = pl.DataFrame({"ratio": [2.0, 9.0], "trials": [30, 80], "value": [0.1, 0.4], "low": [0.0, 0.3]})
    frame = frame.with_columns(high=pl.col("value") + 0.1, n=80, clusters=80, method=pl.lit("m"))
    [line] = variance.by_range(frame, STATUS).data
    assert list(zip(line.x, line.y, strict=True)) == frame.select("ratio", "value").rows()
    assert "30 trials" in line.text[0]
