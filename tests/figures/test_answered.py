"""The strip below curves: the share answered, drawn where it tells something, on the axes of its panel."""

import polars as pl
import pytest

from fourdials.figures import curves
from tests.figures.test_curves import STATUS, made

SLOW = [
    pl.Series("unanswered", [1.0, 0.75, 0.0]),
    pl.Series("censored", [False, False, True]),
]


def slow(arm="slow", **fields):
    """An arm that has answered nothing at 5, a quarter at 10 and all at 100, where it is cut off."""
    return made(arm, values=(0.0, 0.2, 0.5), spends=(5.0, 10.0, 100.0), **fields).with_columns(SLOW)


def strips(figure):
    """The axes of each arm's strip, by the name of its line."""
    return {trace.name: (trace.xaxis, trace.yaxis) for trace in figure.data if str(trace.name).endswith(", answered")}


@pytest.mark.parametrize("draw", [curves.overlay, curves.panels])
def test_a_strip_below_shows_one_minus_the_unanswered_share_of_its_rows(draw):
    frame = pl.concat([slow(), made("quick")])
    figure = draw(frame, None, STATUS, "total_tokens")
    found = [trace for trace in figure.data if trace.name == "slow, answered"]
    assert [list(zip(trace.x, trace.y, strict=True)) for trace in found] == [
        [(10.0, 0.25)],
        [(10.0, 0.25), (100.0, 1.0)],  # the stretch that is cut off begins where the solid one ends
    ]
    assert [trace.line.dash for trace in found] == ["solid", "dot"]
    assert found[0].text[0] == "25 % of 30 problems"
    line = next(trace for trace in figure.data if trace.name == "slow" and trace.mode == "lines")
    assert (found[0].xaxis, found[0].legendgroup) == (line.xaxis, line.legendgroup)
    strip, panel = (figure.layout[axis.replace("y", "yaxis")] for axis in (found[0].yaxis, line.yaxis))
    assert strip.domain[1] < panel.domain[0]
    assert figure.layout[line.xaxis.replace("x", "xaxis")].anchor == found[0].yaxis


@pytest.mark.parametrize("draw", [curves.overlay, curves.panels])
def test_no_strip_is_drawn_where_all_problems_of_an_arm_are_answered_at_once(draw):
    at_once = made(values=(0.0, 0.5), spends=(5.0, 10.0)).with_columns(pl.Series("unanswered", [1.0, 0.0]))
    figure = draw(at_once, None, STATUS, "level")
    assert not strips(figure)
    assert "answered" not in curves.alt_text(at_once, "level")


@pytest.mark.parametrize("draw", [curves.overlay, curves.panels])
def test_panels_and_strips_have_the_same_axes_where_there_is_little_room(draw):
    frame = pl.concat([slow("a"), slow("b", dial="search", access="search"), slow("c", dial="hybrid")])
    wide, narrow = (draw(frame, None, STATUS, "total_tokens", columns=columns) for columns in (4, 1))
    assert strips(wide)
    assert strips(wide) == strips(narrow)
    assert {key for key in wide.layout.to_plotly_json() if "axis" in key} == {
        key for key in narrow.layout.to_plotly_json() if "axis" in key
    }
    scales = {wide.layout[own.replace("y", "yaxis")].matches for _, own in strips(wide).values()}
    assert len(scales - {None}) == 1


def test_the_alternative_text_tells_which_arms_have_not_answered_all():
    frame = made("slow", values=(0.2, 0.5), spends=(10.0, 100.0), unanswered=0.25)
    told = curves.alt_text(pl.concat([frame, made("quick")]), "total_tokens")
    assert told.endswith("A strip below shows the share of problems answered: by then slow has answered 75 %.")
    done = frame.with_columns(pl.Series("unanswered", [0.25, 0.0]))
    assert curves.alt_text(done, "total_tokens").endswith("by then every arm has answered all.")
