"""Technical words are defined where they are used."""

from fourdials.ui import glossary
from fourdials.ui.compare import TABS
from tests.pages.opened import page


def test_every_tab_of_compare_has_its_words_and_every_word_its_tab():
    assert set(glossary.BY_TAB) == set(TABS.values())
    assert {word for words in glossary.BY_TAB.values() for word in words} == set(glossary.TERMS)


def test_no_definition_is_longer_than_a_glance():
    assert max(len(told) for told in glossary.TERMS.values()) < 320
    assert all(told.endswith(".") for told in glossary.TERMS.values())


def test_a_tab_shows_the_definitions_of_its_words_on_hover(filled):
    app = page("compare", tab="Frontier")
    told = {each.value: each.proto.help for each in app.caption}
    assert told["Pareto set"] == glossary.TERMS["Pareto set"]
    assert "AICc" not in told
