"""A lesson as one HTML file: complete, loads nothing, escapes everything, draws the numbers of the theory."""

import json
import re

from fourdials import handout, verdict
from fourdials.lessons import lessons
from fourdials.verdict import NOT_RUN, Finding


def page(claim, **changes):
    lesson = lessons()[claim].model_copy(update=changes)
    found = {origin: Finding(claim, origin, NOT_RUN) for origin in verdict.ORIGINS}
    return handout.html_of(lesson, found)


def test_a_page_loads_nothing_and_holds_the_lesson():
    text = page("C20")
    assert "default-src 'none'" in text
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text)
    for said in ("Your prediction", "What is known", "Three questions", "no run", "none is made up"):
        assert said in text
    assert text.count("<details>") == 1 + 3


def test_names_and_texts_are_escaped():
    text = page("C23", question="<script>alert(1)</script>", story="**bold** <b>raw</b>")
    assert "<script>alert(1)" not in text
    assert "&lt;b&gt;raw&lt;/b&gt;" in text
    assert "<b>bold</b>" in text


def test_the_figure_starts_at_the_lessons_setting_and_its_slider_shows_the_others():
    text = page("C11")
    drawn = re.findall(r'Plotly\.newPlot\(\s*"[^"]+",\s*(\[.*?\]),\s*\{"', text, re.S)
    assert len(drawn) == 2  # the picture under the story, and the theory
    data = json.loads(drawn[1])
    lesson = lessons()["C11"]
    wanted = lesson.of_bench.play(**lesson.of_bench.settings(lesson.knobs)).frame
    shown = [trace for trace in data if trace["visible"]]
    assert [trace["name"] for trace in shown] == wanted["line"].unique(maintain_order=True).to_list()
    assert len(data) > 10 * len(shown)


def test_a_lesson_without_theory_needs_no_figure():
    assert "Plotly.newPlot" not in page("C23", bench="")


def test_the_drawing_script_stands_in_a_page_once_and_before_the_first_figure():
    for claim in ("C11", "C21"):
        text = page(claim)
        first = text.index("Plotly.newPlot(")
        assert text.count("plotly.js v") == 1
        assert text.index("plotly.js v") < first


def test_a_picture_is_told_in_words_for_those_who_do_not_see_it():
    assert 'aria-label="6 steps, each a path of right minus wrong votes' in page("C11")
