"""Pictures of the deep lessons: told in words, drawn by the rules, the same each time, and not measured."""

import json

import pytest

from fourdials import theory
from fourdials.figures.sketches import SKETCHES
from fourdials.lessons import lessons


def test_each_deep_lesson_has_a_picture_and_every_picture_a_lesson():
    named = {claim: lesson.sketch for claim, lesson in lessons().items() if lesson.sketch}
    assert sorted(named) == sorted(claim for claim, lesson in lessons().items() if lesson.deep)
    assert sorted(named.values()) == sorted(SKETCHES)


@pytest.mark.parametrize("name", SKETCHES)
def test_a_picture_says_that_nothing_was_measured_and_is_the_same_each_time(name):
    light, again, dark = SKETCHES[name](False), SKETCHES[name](False), SKETCHES[name](True)
    assert light.figure.to_json() == again.figure.to_json()
    assert light.alt == dark.alt
    assert light.alt.endswith(".")
    said = light.figure.layout.title.subtitle.text.replace("<br>", " ")
    assert "no model" in said or "nothing here was measured" in said
    assert light.figure.layout.paper_bgcolor != dark.figure.layout.paper_bgcolor


def test_the_shares_drawn_are_those_of_the_rule():
    drawn = json.loads(SKETCHES["shares"](False).figure.to_json())["data"][1]
    rates = [0.98, 0.9, 0.75, 0.6, 0.45, 0.3, 0.2, 0.12, 0.06, 0.02, 0.005, 0.0]
    told = SKETCHES["shares"](False).alt
    assert ", ".join(map(str, theory.greedy_shares(rates, 96))) in told
    assert drawn["name"] == "where the next sample gains most"


def test_every_ladder_ends_where_its_lead_is_three():
    figure = SKETCHES["ladder"](False).figure
    for walk in figure.data:
        assert walk.y[0] == 0
        assert abs(walk.y[-1]) == 3
        assert max(map(abs, walk.y[:-1])) < 3


def test_what_the_picture_of_samples_counts_is_what_it_draws():
    sketch = SKETCHES["samples"](False)
    right = sketch.figure.data[0]
    rows = {y: list(right.y).count(y) for y in set(right.y)}
    assert f"among them for {len(rows)} problems" in sketch.alt
    assert f"majority is right for {sum(count > 4 for count in rows.values())}" in sketch.alt
