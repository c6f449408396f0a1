"""Compare in FLOPs and in dollars of other prices: offered where known, said on the figure, the same in every tab."""

import json

import pytest

from tests.estimate.test_respending import SIZE, hand_made
from tests.pages.opened import page, shown
from tests.pages.simulated import table, unfolded

MINI = "openai/gpt-4.1-mini"
PRICED = {"prices": "list", "priced": MINI, "unit": "usd"}
FIRST = (100 * 0.40 + 10 * 1.60) / 1e6  # what the first level of `hand_made` costs at these prices


def drawn(app):
    """The titles of the figures, with the lines below them."""
    figures = [json.loads(json.loads(each.proto.json)["figure"]) for each in app.get("bidi_component")]
    text = "".join(json.dumps(figure["layout"], ensure_ascii=False) for figure in figures)
    return " ".join(text.replace("\u00a0", " ").replace("<br>", " ").split())


def units(app):
    return next(each for each in app.segmented_control if each.label == "Spend in")


def test_flops_are_offered_where_every_model_has_a_known_size(home):
    hand_made(usd_paid=0.5).write(home)
    app = unfolded(page("compare", experiment="exp", unit="flops"))
    assert "FLOPs" in units(app).options
    rows = table(app, "spend", "unanswered")
    assert sorted(rows["spend"]) == [2.0 * SIZE * 110, 2.0 * SIZE * 360]
    assert not units(app).help
    assert "these are tokens" in shown(page("compare", experiment="exp", unit="flops", tab="Allocate"))


def test_flops_are_not_offered_and_it_is_said_why_where_a_size_is_unknown(filled):
    app = page("compare", unit="flops")
    assert "FLOPs" not in units(app).options
    assert units(app).value == "total_tokens"
    assert "how many parameters work at each token of sim/scripted-completion" in units(app).help.replace("\\", "")


def test_the_frontier_is_drawn_in_flops_where_every_model_has_a_known_size(home):
    hand_made(usd_paid=0.5).write(home)
    app = page("compare", experiment="exp", tab="Frontier", cost="flops")
    points = table(app, "arm", "level", "modelled_s_p95").set_index(["arm", "level"])
    assert points.loc[("small", 1)]["flops"] == 2.0 * SIZE * 110
    ends = points.loc[("small", 1)][["flops_low", "flops_high"]].to_list()
    assert ends == pytest.approx([2.0 * SIZE * 110] * 2)  # both problems took as much
    assert "FLOPs a request" in drawn(app)
    assert "queries/stop_uses.sql" in shown(app)
    tokens = page("compare", experiment="exp", tab="Frontier", cost="total_tokens")
    assert "flops" not in table(tokens, "arm", "level", "modelled_s_p95").columns


def test_the_frontier_and_reports_offer_no_flops_where_a_size_is_unknown(filled):
    app = page("compare", tab="Frontier", cost="flops")
    cost = app.selectbox(key="linked.cost")
    assert "FLOPs a request" not in cost.options
    assert cost.value == "total_tokens"
    assert "how many parameters work at each token" in cost.help
    unit = page("share").selectbox(key="linked.unit")
    assert "FLOPs" not in unit.options
    assert "how many parameters work at each token" in unit.help


def test_a_report_in_flops_is_offered_where_every_model_has_a_known_size(home):
    hand_made(usd_paid=0.5).write(home)
    app = page("share")
    app.selectbox(key="linked.unit").set_value("flops").run()
    next(button for button in app.button if "Make the report" in button.label).click().run()
    assert not app.exception, app.exception[0].message
    assert "GFLOPs" in app.session_state["share.made"][1]


def test_curves_in_dollars_take_the_prices_chosen_and_say_so(home):
    hand_made().write(home)
    asked = {"experiment": "exp", **PRICED}
    app = unfolded(page("compare", **asked))
    rows = table(app, "spend", "unanswered")
    assert rows["spend"].min() == pytest.approx(FIRST)
    assert f"list prices of {MINI} on" in drawn(app)
    then = page("compare", experiment="exp", unit="usd", prices="then")
    assert "USD is unknown for this run; choose another unit or other prices" in shown(then)
    assert "on the day" not in drawn(then)


def test_the_frontier_and_its_bill_take_the_prices_chosen(home):
    hand_made().write(home)
    app = page("compare", experiment="exp", tab="Frontier", requests="1000", **PRICED)
    points = table(app, "arm", "level", "modelled_s_p95").set_index(["arm", "level"])
    assert points.loc[("small", 1)]["usd"] == pytest.approx(FIRST)
    assert f"30.4 days in dollars list prices of {MINI} on" in shown(app)
    assert app.selectbox(key="linked.cost").value == "usd"
    assert f"list prices of {MINI} on" in drawn(app)


def test_a_difference_in_other_dollars_is_that_of_the_points_and_lists_no_flips(home):
    hand_made().write(home)
    app = page("compare", experiment="exp", tab="Differences", a="big", b="small", **PRICED)
    assert table(app, "spend", "value", "clusters")["spend"].min() == pytest.approx(FIRST)
    assert "Flipped answers are listed in tokens" in shown(app)


def test_what_was_paid_is_drawn_where_it_is_known_throughout(home):
    ledger = hand_made(usd_paid=0.5)
    for line in ledger.lines:
        for row in line.get("rows", []):
            row["usd_paid"] = row["usd_paid"] or 0.25
    ledger.write(home)
    app = unfolded(page("compare", experiment="exp", unit="usd", prices="paid"))
    assert sorted(set(table(app, "spend", "unanswered")["spend"])) == [0.25, 0.75]
    assert "as paid" in drawn(app)
