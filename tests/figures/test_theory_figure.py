"""Figures of theory: their numbers are the rows of their frame, and one slider shows several of them."""

import polars as pl
import pytest

from fourdials.bench import BENCHES
from fourdials.bench.records import lines
from fourdials.figures import style, theory


def drawn(name, over=None, **knobs):
    bench = BENCHES[name]
    frame = bench.play(**bench.settings(knobs)).frame
    figure = theory.draw(frame, bench.title, "a <status>", x=bench.x, y=bench.y, percent=bench.percent, over=over)
    return frame, figure


def test_lines_and_intervals_are_the_rows_of_the_frame():
    frame, figure = drawn("vertex", length=6)
    for trace in figure.data:
        rows = frame.filter(line=trace.name)
        assert list(trace.x) == rows["x"].to_list()
        assert list(trace.y) == rows["y"].to_list()
    points = frame.filter(kind="points")
    assert list(figure.data[-1].error_y.array) == (points["high"] - points["y"]).to_list()
    assert figure.layout.title.subtitle.text == "a &lt;status&gt;"


def test_what_is_laid_over_comes_last_and_is_drawn_apart():
    frame, _ = drawn("vertex", length=6)
    _, figure = drawn("vertex", over=frame.filter(kind="points"), length=4)
    assert figure.data[-1].mode == "markers"
    assert figure.data[-1].marker.symbol != figure.data[-2].marker.symbol


def test_the_readers_own_prediction_comes_after_everything_and_is_larger():
    frame, _ = drawn("vertex", length=6)
    points = frame.filter(kind="points")
    own = points.head(1).with_columns(line=pl.lit("your prediction"))
    bench = BENCHES["vertex"]
    figure = theory.draw(frame, bench.title, "", x=bench.x, y=bench.y, over=points, own=own)
    assert figure.data[-1].name == "your prediction"
    assert list(figure.data[-1].y) == own["y"].to_list()
    assert figure.data[-1].marker.size > figure.data[-2].marker.size
    assert figure.data[-1].marker.color not in {each.marker.color for each in figure.data[:-1]}


def test_a_slider_shows_the_lines_of_one_stop_at_a_time():
    figures = [drawn("votes", p=p)[1] for p in (0.4, 0.6, 0.8)]
    joined = theory.with_slider(figures, ["0.4", "0.6", "0.8"], 1, "One vote is right")
    assert [trace.visible for trace in joined.data] == [False] * 3 + [True] * 3 + [False] * 3
    steps = joined.layout.sliders[0].steps
    assert list(steps[2].args[0]["visible"]) == [False] * 6 + [True] * 3


def test_the_alternative_text_gives_both_ends_of_every_line():
    frame, _ = drawn("votes", p=0.6, correlation=0.2, most=5)
    said = theory.alt_text(frame, "votes", "the majority is right")
    assert "independent votes: 60 % at 1, 68 % at 5" in said
    assert theory.alt_text(frame.clear(), "x", "y") == "An empty chart."


def test_small_numbers_keep_their_decimals_on_the_axis_and_large_ones_are_shortened():
    for height, wanted in ((0.5, "~g"), (25_000.0, "~s")):
        frame = lines(("theory", "line", [0, 1], [0.0, height]))
        figure = theory.draw(frame, "T", "S", x="x", y="y", percent=False)
        assert figure.layout.yaxis.tickformat == wanted


def test_a_run_alone_is_drawn_with_its_points_and_solid_forms():
    frame = pl.concat([lines(("this run", "points", [1], [0.5])), lines(("form", "dash", [0, 2], [0.2, 0.8]))])
    figure = theory.over_run(frame, "T", "S", "x", "y")
    assert [(each.name, each.mode) for each in figure.data] == [("form", "lines"), ("this run", "markers")]
    assert figure.data[0].line.dash == "solid"


@pytest.mark.parametrize("dark", [False, True])
def test_theory_has_the_colour_of_no_dial_and_each_line_a_look_of_its_own(dark):
    ink = style.INKS[dark]
    for bench in BENCHES.values():
        frame = bench.play(**bench.settings({})).frame
        own = lines(("your prediction", "points", [frame["x"][0]], [0.5]))
        figure = theory.draw(frame, "A", "by theory", x="x", y="y", own=own, dark=dark)
        used = {colour for each in figure.data for colour in (each.line.color, each.marker.color)}
        assert not used & set(ink.dials.values()), bench.name
        looks = [(each.line.color, each.line.dash, each.mode) for each in figure.data]
        assert len(set(looks)) == len(looks), bench.name
        assert figure.data[-1].marker.color not in {each.marker.color for each in figure.data[:-1]}
