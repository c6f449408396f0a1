"""The figures of Quality and Prices draw exactly their frames, and say what they show."""

import polars as pl

from fourdials.figures import prices, quality
from fourdials.figures.status import Status

SAID = Status(sources=(("real", "real"),), n=5, interim=True)
DIALS = {"vote": "parallel", "<b>act</b>": "interaction"}
ROWS = pl.DataFrame(
    {
        "arm": ["vote", "vote", "<b>act</b>"],
        "measure": ["success", "verification_cost", "success"],
        "value": [0.5, 0.25, 0.75],
        "low": [0.25, 0.125, 0.5],
        "high": [1.0, 0.5, 0.875],
        "n": [5, 5, 4],
    }
)


def test_measures_are_the_rows_with_their_intervals():
    figure = quality.measures(ROWS, DIALS, SAID)
    vote, act = figure.data
    assert list(vote.x) == [0.5, 0.25]
    assert (list(vote.error_x.array), list(vote.error_x.arrayminus)) == ([0.5, 0.25], [0.25, 0.125])
    assert list(act.x) == [0.75]
    assert act.name == "&lt;b&gt;act&lt;/b&gt;"
    assert list(figure.layout.yaxis.ticktext) == ["success", "verification cost"]
    assert "interim" in figure.layout.title.subtitle.text
    assert "n 4" in quality.alt_text(ROWS)


def test_steps_are_a_line_an_arm():
    rows = pl.DataFrame(
        {"arm": ["vote"] * 2, "step": [1, 2], "value": [1.0, 0.5], "low": [0.5, 0.25], "high": [1.0, 0.75]}
    )
    rows = rows.with_columns(n=pl.Series([5, 3]))
    (line,) = quality.steps(rows, DIALS, SAID).data
    assert (list(line.x), list(line.y)) == ([1, 2], [1.0, 0.5])
    assert "50 % at step 2 (n 3)" in quality.steps_alt_text(rows)


def test_roles_are_stacked_in_the_order_of_their_tokens():
    rows = pl.DataFrame({"arm": ["vote", "vote"], "role": ["verify", "solve"], "tokens": [10.0, 90.0]})
    assert [(bar.name, list(bar.x)) for bar in quality.roles(rows, DIALS, SAID).data] == [
        ("solve", [90.0]),
        ("verify", [10.0]),
    ]


def test_roles_are_told_from_their_rows_to_who_does_not_see_them():
    rows = pl.DataFrame({"arm": ["vote", "vote"], "role": ["verify", "solve"], "tokens": [10.0, 90.0]})
    assert quality.roles_alt_text(rows) == "Tokens a trial by role. vote: solve 90, verify 10."
    assert quality.roles_alt_text(rows.clear()) == "An empty chart."


def test_an_unknown_price_has_no_bar():
    rows = pl.DataFrame(
        {
            "arm": ["vote", "<b>act</b>"],
            "dial": ["parallel", "interaction"],
            "usd": [0.5, None],
            "usd_paid": [None, None],
        },
        schema_overrides={"usd_paid": pl.Float64},
    ).with_columns(new_usd=pl.Series([0.25, 1.0]))
    ends = {"arm": ["vote"], "what": ["usd"], "value": [0.5], "low": [0.25], "high": [1.0], "n": [5]}
    bounds = pl.DataFrame(ends)
    figure = prices.costs(rows, bounds, SAID, "list prices of x")
    assert (list(figure.data[0].error_x.array), list(figure.data[0].error_x.arrayminus)) == ([0.5], [0.25])
    assert figure.data[0].text == ("$0.50 ($0.25 to $1.00) a trial, 5 problems",)
    assert [(bar.name, list(bar.x)) for bar in figure.data] == [
        ("list price then", [0.5]),
        ("list price chosen", [0.25, 1.0]),
    ]
    assert list(figure.data[1].y) == ["vote", "&lt;b&gt;act&lt;/b&gt;"]
    assert "paid unknown" in prices.alt_text(rows, bounds)
    assert "list price then $0.50 ($0.25 to $1.00)" in prices.alt_text(rows, bounds)
