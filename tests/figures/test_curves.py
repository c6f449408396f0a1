"""Figures of curves: they draw the rows they are given, say what they are made of, and say when there is nothing."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fourdials import estimate, query
from fourdials.estimate import CURVE_SCHEMA
from fourdials.figures import curves, style
from fourdials.figures.status import Status, status_line, status_of, warnings_of
from tests.ledger_rows import stored, two_arms

STATUS = Status((("real", "real"),), 6, False, "2026-11-01", "total_tokens")
EMPTY = pl.DataFrame(schema=CURVE_SCHEMA)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("home"), two_arms(problems=24))


@pytest.fixture(scope="module")
def curve(store):
    points = query.run(store, "curve_points", experiment_ids="exp", unit="total_tokens")
    # A wider grid than the jumps, so that one arm is drawn past where it was cut off.
    return estimate.curves(points, grid=[5, 10, 15, 20, 40])


@pytest.fixture(scope="module")
def baselines(store):
    return query.run(store, "baselines", experiment_ids="exp")


def made(arm="a", dial="parallel", values=(0.2, 0.5), spends=(10.0, 100.0), censored=None, **fields):
    size = len(values)
    columns = {
        "experiment_id": "e",
        "arm": arm,
        "dial": dial,
        "strategy": "s",
        "access": "given",
        "n": 30,
        "clusters": 30,
        "method": "Wilson",
        "unanswered": 0.0,
    } | fields
    return pl.DataFrame(
        {
            **{name: [value] * size for name, value in columns.items()},
            "spend": list(spends),
            "value": list(values),
            "low": [value - 0.1 for value in values],
            "high": [value + 0.1 for value in values],
            "censored": censored or [False] * size,
        }
    ).select(pl.col(name).cast(kind) for name, kind in CURVE_SCHEMA.items())


def drawn(figure, name):
    """The points of an arm's line, its dotted part after the solid one."""
    lines = [trace for trace in figure.data if trace.name == name and trace.mode == "lines"]
    points = [(x, y) for trace in lines for x, y in zip(trace.x, trace.y, strict=True)]
    return list(dict.fromkeys(points))


@pytest.mark.parametrize("draw", [curves.overlay, curves.panels])
def test_a_figures_numbers_equal_its_rows(curve, baselines, draw):
    figure = draw(curve, baselines, STATUS, "total_tokens")
    for arm in ("vote", "think"):
        rows = curve.filter((pl.col("arm") == arm) & (pl.col("unanswered") < 1))
        assert drawn(figure, arm) == rows.select("spend", "value").rows()
        edges = [trace for trace in figure.data if trace.name == f"{arm}, interval"]
        assert [list(edge.y) for edge in edges] == [rows["low"].to_list(), rows["high"].to_list()]
    heights = sorted({shape.y0 for shape in figure.layout.shapes})
    assert heights == sorted(baselines["value"].to_list())


def test_a_hovered_point_tells_its_interval_its_problems_and_leads_to_its_trials(curve):
    figure = curves.overlay(curve, None, STATUS, "total_tokens")
    line = next(trace for trace in figure.data if trace.name == "think" and trace.mode == "lines")
    assert tuple(line.customdata[-1]) == ("exp", "think", "40.0")
    assert line.text[-1].startswith("50 % (")
    assert "24 problems" in line.text[-1]


def test_a_censored_stretch_is_dotted_and_explained():
    frame = made(values=(0.2, 0.5, 0.5), spends=(1.0, 2.0, 3.0), censored=[False, False, True])
    figure = curves.overlay(frame, None, STATUS, "total_tokens")
    lines = [trace for trace in figure.data if trace.name == "a" and trace.mode == "lines"]
    assert [(trace.line.dash, list(trace.x)) for trace in lines] == [("solid", [1.0, 2.0]), ("dot", [2.0, 3.0])]
    assert "Dotted" in figure.layout.title.subtitle.text
    assert "Dotted" not in curves.overlay(made(), None, STATUS, "total_tokens").layout.title.subtitle.text


@pytest.mark.parametrize("draw", [curves.overlay, curves.panels])
def test_every_figure_says_its_status_and_warnings_in_lines_that_fit_a_phone(draw):
    warning = "Arms are given different information, which is a long story to tell in a single line."
    figure = draw(made(), None, STATUS, "total_tokens", [warning])
    lines = figure.layout.title.subtitle.text.split("<br>")
    told = " ".join(lines).replace("\u00a0", " ")
    assert "Real models · 6 problems · complete · total tokens · list prices of 2026-11-01" in told
    assert warning in told
    assert max(map(len, lines)) <= style.LINE_CHARACTERS
    assert figure.layout.margin.t >= 40 + style.LINE_PX * len(lines)


@pytest.mark.parametrize(("top", "kind"), [(29.0, "linear"), (31.0, "log")])
def test_a_range_of_over_thirty_times_is_drawn_on_a_log_scale(top, kind):
    figure = curves.overlay(made(spends=(1.0, top)), None, STATUS, "calls")
    assert figure.layout.xaxis.type == kind
    assert ("log scale" in figure.layout.xaxis.title.text) == (kind == "log")


def test_answers_that_cost_nothing_do_not_break_the_log_scale():
    figure = curves.overlay(made(values=(0.1, 0.2, 0.5), spends=(0.0, 1.0, 1000.0)), None, STATUS, "total_tokens")
    assert figure.layout.xaxis.type == "log"
    assert drawn(figure, "a")[0] == (0.0, 0.1)


def test_arms_of_one_dial_share_its_colour_and_differ_by_marker():
    frame = pl.concat([made("a"), made("b"), made("c", dial="search")])
    keys = [t for t in curves.overlay(frame, None, STATUS, "usd").data if t.mode == "lines+markers"]
    assert [(key.name, key.line.color, key.marker.symbol) for key in keys] == [
        ("a", style.LIGHT["parallel"], "circle"),
        ("b", style.LIGHT["parallel"], "square"),
        ("c", style.LIGHT["search"], "circle"),
    ]
    dark = [t for t in curves.overlay(frame, None, STATUS, "usd", dark=True).data if t.mode == "lines+markers"]
    assert dark[0].line.color == style.DARK["parallel"]


def test_arms_of_the_same_name_in_two_experiments_are_told_apart():
    frame = pl.concat([made(experiment_id="one"), made(experiment_id="two")])
    names = {trace.name for trace in curves.overlay(frame, None, STATUS, "usd").data if trace.mode == "lines+markers"}
    assert names == {"a (one)", "a (two)"}


def test_there_is_a_panel_for_each_dial_on_shared_axes_and_a_fifth_for_several_at_once():
    frame = pl.concat([made("a"), made("b", dial="search", spends=(10.0, 5000.0))])
    figure = curves.panels(frame, None, STATUS, "total_tokens")
    titles = [note.text for note in figure.layout.annotations]
    assert titles[:4] == ["Sample more", "Think longer", "Search more", "Act more"]
    assert titles[4:] == ["no arm turns this dial"] * 2
    axes = [figure.layout[f"xaxis{i}"] for i in ("", 2, 3, 4)]
    assert {axis.type for axis in axes} == {"log"}
    assert [axis.matches for axis in axes] == [None, "x", "x", "x"]
    assert len({tuple(figure.layout[f"yaxis{i}"].range) for i in ("", 2, 3, 4)}) == 1
    fifth = curves.panels(pl.concat([frame, made("h", dial="hybrid")]), None, STATUS, "total_tokens")
    assert fifth.layout.annotations[4].text == "Several dials"


ALIKE = [made("vote"), made("think", dial="sequential")]
LOOKS, WALKS = made("look up", dial="search", access="search"), made("walk", dial="interaction", access="environment")


def beside(figure):
    """The names of the arms drawn in each panel, by its title."""
    titles = [note.text for note in figure.layout.annotations if note.yref == "paper"]
    axes = ["x", *(f"x{i + 1}" for i in range(1, len(titles)))]
    held = {
        axis: {t.name for t in figure.data if t.mode == "lines" and t.hovertemplate and t.xaxis == axis}
        for axis in axes
    }
    return dict(zip(titles, held.values(), strict=True))


def test_arms_that_see_different_things_are_never_laid_over_one_another():
    figure = curves.overlay(pl.concat([*ALIKE, LOOKS, WALKS]), None, STATUS, "total_tokens")
    assert beside(figure) == {
        "all in the question": {"vote", "think"},
        "seen by looking it up": {"look up"},
        "by acting in it": {"walk"},
    }
    assert figure.layout.title.text == "Score within a budget, by what is seen"
    assert [figure.layout[f"xaxis{i}"].matches for i in ("", 2, 3)] == [None, "x", "x"]
    assert len({tuple(figure.layout[f"yaxis{i}"].range) for i in ("", 2, 3)}) == 1
    below = curves.overlay(pl.concat([*ALIKE, LOOKS, WALKS]), None, STATUS, "total_tokens", columns=1)
    assert below.layout.height > figure.layout.height
    alone = curves.overlay(pl.concat(ALIKE), None, STATUS, "total_tokens")
    assert not [note for note in alone.layout.annotations if note.yref == "paper"]


def test_a_dial_whose_arms_see_different_things_has_a_panel_for_each():
    beam = made("beam", dial="search")
    figure = curves.panels(pl.concat([*ALIKE, beam, LOOKS]), None, STATUS, "total_tokens")
    assert beside(figure) == {
        "Sample more<br>all in the question": {"vote"},
        "Think longer<br>all in the question": {"think"},
        "Search more<br>all in the question": {"beam"},
        "Search more<br>seen by looking it up": {"look up"},
        "Act more": set(),
    }
    narrow = curves.panels(pl.concat([*ALIKE, beam, LOOKS]), None, STATUS, "total_tokens", columns=1)
    assert "Search more: seen by looking it up" in beside(narrow)
    keys = [t.marker.symbol for t in figure.data if t.mode == "lines+markers" and t.name in ("beam", "look up")]
    assert len(set(keys)) == 2  # one legend serves all panels


def test_a_greedy_sample_stands_only_beside_arms_that_were_given_what_it_was():
    baselines = pl.DataFrame(
        [
            {"kind": "chance", "arm": None, "value": 0.25},
            {"kind": "greedy", "arm": "single", "value": 0.4},
        ]
    )
    frame = pl.concat([made("single", values=(0.4,), spends=(10.0,)), LOOKS])
    drawn = [(shape.xref, shape.y0) for shape in curves.overlay(frame, baselines, STATUS, "usd").layout.shapes]
    assert drawn == [("x domain", 0.25), ("x domain", 0.4), ("x2 domain", 0.25)]
    same = curves.overlay(pl.concat(ALIKE), baselines, STATUS, "usd").layout.shapes
    assert [shape.y0 for shape in same] == [0.25, 0.4]


def test_panels_by_dial_serve_where_each_dial_sees_in_a_way_of_its_own():
    assert curves.split_alike(pl.concat([ALIKE[0], LOOKS, WALKS]))
    assert not curves.split_alike(pl.concat([*ALIKE, LOOKS]))
    assert not curves.split_alike(pl.concat(ALIKE))
    assert not curves.split_alike(pl.concat([LOOKS, made("beam", dial="search")]))


def test_the_alternative_text_says_what_each_arm_sees_where_that_differs():
    told = curves.alt_text(pl.concat([ALIKE[0], WALKS]), "total_tokens")
    assert "vote (all in the question) reaches" in told
    assert "walk (by acting in it) reaches" in told
    assert "(all in" not in curves.alt_text(pl.concat(ALIKE), "total_tokens")


@pytest.mark.parametrize("draw", [curves.overlay, curves.panels])
def test_nothing_to_draw_says_so(draw):
    figure = draw(EMPTY, None, Status((), None, True), "usd")
    assert "o complete block" in " ".join(note.text for note in figure.layout.annotations)
    assert figure.layout.title.subtitle.text == "No\u00a0data · interim"
    assert curves.alt_text(EMPTY, "usd").startswith("An empty chart")


def test_the_alternative_text_tells_each_arms_last_sound_value():
    frame = pl.concat(
        [made("a", values=(0.2, 0.5, 0.9), spends=(10, 1000, 2000), censored=[False, False, True]), made("b")]
    )
    assert curves.alt_text(frame, "total_tokens") == (
        "Score within a budget over 30 problems, with 95 % intervals. "
        "a reaches 50 % (40 % to 60 %) at 1k total tokens; "
        "b reaches 50 % (40 % to 60 %) at 100 total tokens."
    )


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ((("real", "real"),), "Real models"),
        ((("scale model", "scale model"),), "Scale model, trained on this task"),
        ((("simulated", "simulated"),), "Simulated models"),
        ((("recorded", "scale model"),), "Recorded run of a scale model, trained on this task"),
        ((("real", "real"), ("simulated", "simulated")), "Real models and Simulated models"),
    ],
)
def test_the_status_line_says_where_the_data_comes_from(sources, words):
    line = status_line(Status(sources, 1, True)).replace("\u00a0", " ")
    assert line == f"{words} · 1 problem · interim"


@pytest.mark.parametrize("draw", [curves.overlay, curves.panels])
def test_a_figure_says_how_many_problems_an_allocator_was_shown_and_leaves_out(draw):
    said = replace(STATUS, calibrated=12)
    told = draw(made(), None, said, "total_tokens").layout.title.subtitle.text.replace("<br>", " ")
    assert "Left out: 12 problems whose grades the allocator chose by" in told
    assert "Left out" not in draw(made(), None, STATUS, "total_tokens").layout.title.subtitle.text


def test_the_status_of_stored_experiments_is_read_off_their_rows(store, curve):
    experiments = query.run(store, "experiments")
    assert status_of(experiments, curve, "usd") == Status((("real", "real"),), 24, False, "2026-11-01", "usd")
    later = experiments.with_columns(planned_trials=pl.col("planned_trials") + 1)
    assert status_of(later, EMPTY, None) == Status((("real", "real"),), None, True, "2026-11-01", None)


def test_a_run_that_was_graded_again_says_by_what(store):
    experiments = query.run(store, "experiments").with_columns(regraded=pl.lit(["grader number instead of exact"]))
    name = experiments["name"][0]
    assert f"“{name}” was graded again: grader number instead of exact." in warnings_of(experiments, made())


def test_mixed_provenance_information_or_problems_are_warned_of(store):
    experiments = query.run(store, "experiments")
    assert warnings_of(experiments, made()) == []
    mixed = pl.concat([experiments, experiments.with_columns(origin=pl.lit("simulated"))])
    frame = pl.concat([made("a"), made("b", access="search", n=12)])
    kinds, access, problems = warnings_of(mixed, frame)
    assert "(real, simulated)" in kinds
    assert access == "Arms are given different information: a can read all of it in the question; b must look it up."
    assert "different numbers of problems" in problems


def test_an_arm_that_uses_the_truth_says_so_where_it_is_drawn(store):
    experiments = query.run(store, "experiments")
    arms = pl.DataFrame({"arm": ["a", "b", "c"], "uses_truth": [False, True, True]})
    [said] = warnings_of(experiments, pl.concat([made("a"), made("b")]), arms)
    assert said == "b uses the truth: a bound, not something one could deploy."
    assert warnings_of(experiments, made("a"), arms) == []


def test_the_vertical_scale_starts_at_zero_and_holds_everything_drawn():
    baselines = pl.DataFrame({"kind": ["chance"], "experiment_id": [None], "arm": [None], "value": [0.72], "n": [1]})
    low, high = curves.overlay(made(), baselines, STATUS, "usd").layout.yaxis.range
    assert low == 0
    assert 0.72 < high < 0.9
    top = curves.overlay(made(values=(0.9, 0.9)), None, STATUS, "usd").layout.yaxis.range[1]
    assert np.isclose(top, 1.03)


def test_a_log_axis_is_labelled_at_round_numbers_within_its_range():
    assert curves._log_places(20.0, 900.0) == [20, 50, 100, 200, 500]
    assert curves._log_places(3.0, 45_000.0) == [10, 100, 1000, 10000]
    assert curves._log_places(0.002, 0.09) == [0.002, 0.005, 0.01, 0.02, 0.05]
