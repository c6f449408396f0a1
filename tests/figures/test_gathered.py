"""Figures of predictions: every prediction is drawn at its height, and the truth only when it is given."""

import math

from fourdials.bench import BENCHES
from fourdials.figures import gathered, style
from fourdials.figures.gathered import Spot

SPOT = Spot("What the class expects", 16, 1, 16, "candidates", "right answers", log_x=True)


def trace(figure, name):
    return next(each for each in figure.data if each.name == name)


def test_every_prediction_is_a_dot_at_its_height_and_none_covers_another():
    given = [70] * 6 + [71, 20, 100, 0]
    dots = trace(gathered.points(SPOT, given, "10 predictions"), "the class")
    assert sorted(round(100 * y) for y in dots.y) == sorted(given)
    places = list(zip(dots.x, dots.y, strict=True))
    for i, (x, y) in enumerate(places):
        for other_x, other_y in places[i + 1 :]:
            assert abs(x - other_x) > 0.015 or abs(y - other_y) > 0.025
    assert all(0 < x < SPOT.across for x in dots.x)  # the line stands at the right end, so they lie left of it


def test_four_hundred_equal_predictions_stay_in_the_figure():
    dots = trace(gathered.points(SPOT, [50] * 400, ""), "the class")
    assert len(dots.x) == 400
    assert 0 <= min(dots.x) <= max(dots.x) <= 1


def test_on_a_logarithmic_axis_the_line_stands_where_its_value_is():
    spot = Spot("", 4, 1, 16, "", "", log_x=True)
    assert math.isclose(spot.across, 0.5)
    low, high = Spot("", 3, 1, 5, "", "").ends
    assert math.isclose(low, 1 - 0.24)
    assert math.isclose(high, 5 + 0.24)


def test_the_truth_is_not_in_a_figure_that_was_given_none():
    bench = BENCHES["verifier"]
    truth = bench.play(**bench.settings({"p": 0.28, "most": 16})).frame.filter(line="a right one is among them")
    before, after = gathered.points(SPOT, [50], ""), gathered.points(SPOT, [50], "", truth=truth)
    assert [each.name for each in before.data] == ["the class"]
    assert list(trace(after, "a right one is among them").y) == truth["y"].to_list()


def test_a_click_can_name_every_whole_percent_and_only_where_it_is_asked_for():
    asked = gathered.points(SPOT, [], "", clickable=True)
    told = [(round(100 * y), data[0]) for y, data in zip(asked.data[-1].y, asked.data[-1].customdata, strict=True)]
    assert told == [(percent, str(percent)) for percent in range(101)]
    assert asked.layout.hoverdistance == -1
    assert all(each.customdata is None for each in gathered.points(SPOT, [40], "", own=40).data)


def test_bars_count_the_choices_and_mark_the_right_one_once_it_may_be_seen():
    texts = ["about 10", "<b>many</b>"]
    before = gathered.choices("", texts, [3, 1], "", own=1)
    after = gathered.choices("", texts, [3, 1], "", own=1, right=0)
    assert list(before.data[0].x) == [3, 1]
    assert len(set(before.data[0].marker.color)) == 1
    assert len(set(after.data[0].marker.color)) == 2
    assert [each.text for each in before.layout.annotations] == ["about 10: 3", "&lt;b&gt;many&lt;/b&gt; (yours): 1"]
    assert after.layout.annotations[0].text == "✓ about 10: 3"


def test_the_alternative_texts_say_what_is_drawn():
    truth = BENCHES["verifier"].play(**BENCHES["verifier"].settings({"p": 0.5, "most": 16})).frame
    truth = truth.filter(line="a right one is among them")
    said = gathered.alt_text(SPOT, [20, 60], 60, truth)
    assert "where candidates is 16; your prediction: 60 %; 2 of the class: from 20 % to 60 %" in said
    assert "the truth: a right one is among them over 99.9 %" in said
    assert gathered.alt_text(SPOT, [], None, None) == "right answers, where candidates is 16."
    assert gathered.alt_of_choices(["a", "b"], [1, 0], 0, 1) == "a: 1; b: 0. Yours: a. Right: b."


def test_what_a_class_predicts_has_the_colour_of_no_dial():
    dials = set(style.LIGHT.values())
    drawn = gathered.points(Spot("A", 4, 1, 8, "x", "y"), [20, 30], "said", own=40)
    assert not {each.marker.color for each in drawn.data} & dials
    bars = gathered.choices("A", ["one", "two"], [1, 2], "said", own=0, right=1).data[0].marker.color
    assert not set(bars) & dials
    assert "rgba(20,48,140" not in str(bars)
