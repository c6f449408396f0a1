"""Figures of the tabs that compare: they draw the rows they are given and say what they are made of."""

import polars as pl
import pytest

from fourdials.estimate.differences import DIFFERENCE_CURVE_SCHEMA
from fourdials.estimate.extrapolation import EXTRAPOLATED_SCHEMA
from fourdials.estimate.pool import SELECTED_SCHEMA
from fourdials.figures import differences, fits, frontier, samples, style
from fourdials.figures.status import Status

STATUS = Status((("simulated", "simulated"),), 40, True, None, "total_tokens")


def subtitle(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ").replace("\u00a0", " ")


def points(trace):
    return list(zip(trace.x, trace.y, strict=True))


def bars(trace):
    """The ends of a trace's error bars."""
    return [
        (pytest.approx(y - minus), pytest.approx(y + plus))
        for y, minus, plus in zip(trace.y, trace.error_y.arrayminus, trace.error_y.array, strict=True)
    ]


@pytest.fixture
def curve():
    rows = [(10.0, -0.1, -0.2, 0.0), (20.0, 0.05, -0.05, 0.15), (900.0, 0.3, 0.2, 0.4)]
    frame = pl.DataFrame(rows, schema=["spend", "value", "low", "high"], orient="row")
    return frame.with_columns(n=40, clusters=40, method=pl.lit("Newcombe paired")).select(*DIFFERENCE_CURVE_SCHEMA)


def test_a_difference_is_drawn_as_its_rows_with_the_chosen_budget_and_the_crossing(curve):
    figure = differences.difference(curve, ("a", "b"), STATUS, "total_tokens", 20.0, (15.0, 12.0, 22.0))
    named = {trace.name: trace for trace in figure.data}
    for column, name in (("value", "difference"), ("low", "low"), ("high", "high")):
        assert points(named[name]) == curve.select("spend", column).rows()
    assert points(named["chosen budget"]) == [(20.0, 0.05)]
    assert {(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.yref == "y domain"} == {
        (12.0, 22.0),
        (15.0, 15.0),
    }
    assert "interim" in subtitle(figure)
    assert "Simulated models" in subtitle(figure)
    assert figure.layout.yaxis.range[0] < -0.2
    assert figure.layout.yaxis.range[1] > 0.4


def test_a_difference_between_two_that_see_different_things_is_titled_as_another_problem(curve):
    alike, unlike = (differences.difference(curve, ("a", "b"), STATUS, "calls", alike=yes) for yes in (True, False))
    assert alike.layout.title.text == "Who is ahead at equal spend"
    assert "not the same problem" in unlike.layout.title.text


def test_names_in_a_difference_are_shown_as_they_are_and_no_budget_is_marked_that_is_not_a_row(curve):
    figure = differences.difference(curve, ("<b>a</b>", "b"), STATUS, "calls", 21.0)
    assert "above 0: &lt;b&gt;a&lt;/b&gt; is ahead" in {note.text for note in figure.layout.annotations}
    assert "chosen budget" not in {trace.name for trace in figure.data}
    told = differences.alt_text(curve, ("a", "b"), "calls")
    assert "+30 points (+20 points to +40 points) at 900 model calls" in told
    assert "no problem" in differences.alt_text(curve.clear(), ("a", "b"), "calls")


def selected(kind, values, resampled=True):
    rows = [(kind, k, value, value - 0.1, value + 0.1) for k, value in values]
    frame = pl.DataFrame(rows, schema=["kind", "k", "value", "low", "high"], orient="row")
    rest = {"n": 40, "clusters": 40, "samples": 16, "resampled": resampled, "ties": 0.25 if resampled else None}
    full = frame.with_columns(pl.lit(value).alias(name) for name, value in rest.items())
    return full.with_columns(method=pl.lit("Wilson")).select(pl.col(c).cast(t) for c, t in SELECTED_SCHEMA.items())


def test_a_pool_is_drawn_as_its_rows_and_says_that_it_is_resampled():
    chosen = pl.concat([selected("coverage", [(1, 0.3), (2, 0.5)], False), selected("majority", [(1, 0.3), (2, 0.35)])])
    gaps = selected("gap: majority", [(1, 0.0), (2, 0.15)])
    beyond = pl.DataFrame(
        [("coverage", 64, 0.9, 0.8, 0.95, 40, 40, "beta-binomial", 16, True)], schema=EXTRAPOLATED_SCHEMA, orient="row"
    )
    figure = samples.samples(chosen, beyond, gaps, STATUS)
    named = {(trace.name, trace.yaxis): trace for trace in figure.data}
    vote = named["majority vote", "y"]
    assert points(vote) == [(1, 0.3), (2, 0.35)]
    assert bars(vote) == [(0.2, 0.4), (0.25, 0.45)]
    assert points(named["pass@k: at least one is right", "y"]) == [(1, 0.3), (2, 0.5)]
    assert points(named["majority vote", "y2"]) == [(1, 0.0), (2, 0.15)]
    assert points(named["pass@k, extrapolated", "y"]) == [(64, 0.9)]
    assert named["pass@k: at least one is right", "y"].line.dash == "solid" != vote.line.dash
    assert "decided by who came first: 25 %" in vote.text[0]
    assert "Resampled: broken lines are subsamples of one stored pool of 16 samples" in subtitle(figure)
    assert "extrapolated by a beta-binomial fit" in subtitle(figure)
    assert "majority vote reaches 35 %" in samples.alt_text(chosen)


def test_coverage_alone_is_not_called_resampled():
    alone = selected("coverage", [(1, 0.3)], False)
    figure = samples.samples(alone, pl.DataFrame(schema=EXTRAPOLATED_SCHEMA), alone.clear(), STATUS)
    assert "Resampled" not in subtitle(figure)
    assert "no pool" in samples.alt_text(alone.clear())


def test_a_frontier_fills_the_pareto_set_and_joins_it_in_order_of_cost():
    rows = [
        ("vote", 1, "parallel", 1.0, 0.4, 0.3, 0.5, True, 0.99, False),
        ("vote", 2, "parallel", 9.0, 0.5, 0.4, 0.6, False, 0.2, True),
        ("look <b>", 1, "search", 4.0, 0.7, 0.6, 0.8, True, 0.9, False),
    ]
    names = ["arm", "level", "dial", "cost", "value", "low", "high", "on_front", "probability", "beaten"]
    front = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        n=40, access=pl.lit("given"), label=pl.format("{}, samples: {}", "arm", "level")
    )
    figure = frontier.frontier(front, "total_tokens", STATUS)
    assert figure.layout.title.text == "What a score costs"
    named = {trace.name: trace for trace in figure.data}
    assert points(named["Pareto set"]) == [(1.0, 0.4), (4.0, 0.7)]
    assert points(named["vote"]) == [(1.0, 0.4), (9.0, 0.5)]
    assert bars(named["vote"]) == [(0.3, 0.5), (0.4, 0.6)]
    assert list(named["vote"].marker.color) == [style.LIGHT["parallel"], style.INKS[False].paper]
    assert named["look &lt;b&gt;"].marker.line.color == style.LIGHT["search"]
    assert "surely beaten" in named["vote"].text[1]
    assert "surely beaten" not in named["vote"].text[0]
    assert "Bars hold for all points at once" in subtitle(figure)
    assert "vote, samples: 1: 40 % at 1; look <b>, samples: 1: 70 % at 4" in frontier.alt_text(front, "total_tokens")
    assert "known for no arm" in frontier.alt_text(front.clear(), "usd")


BLIND = pl.DataFrame(
    [("chance", None, 0.25), ("constant", None, 0.85), ("greedy", "single", 0.4)],
    schema=["kind", "arm", "value"],
    orient="row",
)


def crossings(figure):
    """Each panel's lines across it: axis, height, dash."""
    return {(shape.xref, shape.y0, shape.line.dash) for shape in figure.layout.shapes if shape.xref.endswith("domain")}


def labels(figure):
    return {note.text for note in figure.layout.annotations if note.yref != "paper"}


@pytest.fixture
def seen():
    """Points of a frontier of arms that see three different things; the cheapest of each is in its set."""
    rows = [
        ("vote", "parallel", "given", 9.0, 0.5, True, 0.99),
        ("think", "sequential", "given", 12.0, 0.4, False, 0.01),
        ("look", "search", "search", 4.0, 0.7, True, 1.0),
        ("walk", "interaction", "environment", 5.0, 0.6, True, 0.5),
    ]
    names = ["arm", "dial", "access", "cost", "value", "on_front", "probability"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        level=pl.lit(1), n=pl.lit(40), label="arm", beaten=pl.col("arm") == "think"
    )
    return frame.with_columns(low=pl.col("value") - 0.1, high=pl.col("value") + 0.1)


def test_a_frontier_has_a_panel_and_a_set_for_each_kind_of_things_arms_see(seen):
    figure = frontier.frontier(seen, "total_tokens", STATUS)
    assert figure.layout.title.text == "What a score costs, by what is seen"
    titles = [note.text for note in figure.layout.annotations if note.yref == "paper"]
    assert titles == ["all in the question", "seen by looking it up", "by acting in it"]
    held = {axis: {t.name: points(t) for t in figure.data if t.xaxis == axis} for axis in ("x", "x2", "x3")}
    assert held == {
        "x": {"Pareto set": [(9.0, 0.5)], "vote": [(9.0, 0.5)], "think": [(12.0, 0.4)]},
        "x2": {"Pareto set": [(4.0, 0.7)], "look": [(4.0, 0.7)]},
        "x3": {"Pareto set": [(5.0, 0.6)], "walk": [(5.0, 0.6)]},
    }
    assert [trace.showlegend for trace in figure.data if trace.name == "Pareto set"] == [True, False, False]
    assert "no other point of its panel" in subtitle(figure)
    wide = seen.with_columns(cost=pl.col("cost") ** 4)
    named = [frontier.frontier(wide, "modelled_s_p50", STATUS, columns=most).layout.xaxis for most in (3, 1)]
    assert [axis.title.text.split("(p50)")[1] for axis in named] == ["<br>(log scale)", " (log scale)"]
    below = frontier.frontier(seen, "total_tokens", STATUS, columns=1)
    assert below.layout.height > figure.layout.height
    assert {figure.layout[f"xaxis{i}"].matches for i in (2, 3)} == {"x"}


def test_a_frontier_is_read_for_each_kind_of_things_arms_see_apart(seen):
    told = frontier.reading(seen)
    assert "All in the question: 1 of 2 points are in the Pareto set. " in told
    assert "stay in it: vote. 1 is surely beaten" in told
    assert "By acting in it: 1 of 1 points are in the Pareto set. None of them is sure to be in it." in told
    assert frontier.reading(seen.filter(access="given")).startswith("1 of 2 points")
    alt = frontier.alt_text(seen, "total_tokens")
    assert "Seen by looking it up: the Pareto set is look: 70 % at 4." in alt
    assert "question:" not in frontier.alt_text(seen.filter(access="given"), "total_tokens")


def test_a_frontier_draws_guessing_and_the_best_constant_answer_in_every_panel_and_labels_them_once(seen):
    figure = frontier.frontier(seen, "total_tokens", STATUS, baselines=BLIND)
    across = {(f"x{i} domain", height, "longdashdot") for i in ("", 2, 3) for height in (0.25, 0.85)}
    assert crossings(figure) == across
    assert labels(figure) == {"guessing 25 %", "best constant answer 85 %"}
    assert not frontier.frontier(seen, "total_tokens", STATUS).layout.shapes


def test_a_fit_is_drawn_over_the_values_with_its_asymptote_and_the_spend_to_stop_at():
    rows = [(1.0, 0.2, 0.1, 0.3, 0.22), (2.0, 0.4, 0.3, 0.5, 0.38)]
    frame = pl.DataFrame(rows, schema=["spend", "value", "low", "high", "fitted"], orient="row")
    fitted = frame.with_columns(n=40, method=pl.lit("Wilson"))
    figure = fits.fit(fitted, "power", "search", STATUS, "calls", (0.6, 0.5, 0.8), (3.0, 2.5, 4.0))
    named = {trace.name: trace for trace in figure.data}
    assert points(named["found"]) == [(1.0, 0.2), (2.0, 0.4)]
    assert bars(named["found"]) == [(0.1, 0.3), (0.3, 0.5)]
    assert points(named["fitted: power"]) == [(1.0, 0.22), (2.0, 0.38)]
    spans = {(s.x0, s.x1, s.y0, s.y1) for s in figure.layout.shapes}
    assert spans == {(0, 1, 0.5, 0.8), (0, 1, 0.6, 0.6), (2.5, 4.0, 0, 1), (3.0, 3.0, 0, 1)}
    assert "Dashed" in subtitle(figure)
    bare = fits.fit(fitted, "power", "search", STATUS, "calls")
    assert not bare.layout.shapes
    assert "Dashed" not in subtitle(bare)
    assert "from 20 % at 1 model calls to 40 % at 2 model calls" in fits.alt_text(fitted, "power", "calls")


def test_a_fit_draws_guessing_and_the_best_constant_answer_within_its_scale():
    frame = pl.DataFrame({"spend": [1.0, 2.0], "value": [0.2, 0.4], "low": [0.1, 0.3], "high": [0.3, 0.5]})
    fitted = frame.with_columns(fitted="value", n=40, method=pl.lit("Wilson"))
    figure = fits.fit(fitted, "power", "search", STATUS, "calls", baselines=BLIND)
    assert crossings(figure) == {("x domain", 0.25, "longdashdot"), ("x domain", 0.85, "longdashdot")}
    assert labels(figure) == {"guessing 25 %", "best constant answer 85 %"}
    assert figure.layout.yaxis.range[1] > 0.85


def test_a_pool_is_drawn_beside_what_as_many_guesses_would_cover():
    chosen = selected("coverage", [(1, 0.3), (2, 0.5)], False)
    none = pl.DataFrame(schema=EXTRAPOLATED_SCHEMA)
    guessed = pl.DataFrame({"k": [1, 2], "value": [0.25, 0.4375], "n": [40, 40]})
    figure = samples.samples(chosen, none, chosen.clear(), STATUS, guessed=guessed)
    line = next(trace for trace in figure.data if trace.name.startswith("guesses"))
    assert (points(line), line.line.dash, line.yaxis) == ([(1, 0.25), (2, 0.4375)], "longdashdot", "y")
    assert "as many blind guesses hold a right one in 44 %" in samples.alt_text(chosen, guessed)
    bare = samples.samples(chosen, none, chosen.clear(), STATUS, guessed=guessed.clear())
    assert not [trace for trace in bare.data if trace.name.startswith("guesses")]
    assert "guesses" not in samples.alt_text(chosen, guessed.clear())
