"""The search by BM25 answers every query over every store, whatever they are made of."""

import pytest

from fourdials.tasks._lookup import SentenceSearch, StoreSearch

LINES = ("A fox sleeps.", "Day 17: a rug.", "Day 7: a mug.", "Vitamin C is sour.", "猫がいる", "東 京")


@pytest.mark.parametrize("query", ["", "?", "5", "2+2=?", "Z", "zebra", "犬", "!!! ..."])
def test_a_query_that_shares_no_word_with_any_sentence_gets_the_first_ones(query):
    assert SentenceSearch(LINES).search(query, 2) == list(LINES[:2])


@pytest.mark.parametrize(
    ("query", "place"), [("day 7", 2), ("7", 2), ("vitamin C", 3), ("C", 3), ("猫", 4), ("京", 5), ("東京", 5)]
)
def test_a_word_of_one_character_is_found(query, place):
    assert SentenceSearch(LINES).search(query, 1) == [LINES[place]]


def test_a_store_without_a_word_still_answers():
    assert SentenceSearch(("?", "!")).search("fox", 1) == ["?"]
    assert SentenceSearch(()).search("fox", 1) == []
    assert StoreSearch({"signs": ("?",), "words": LINES}).search("7", 2) == ["?", LINES[2]]
    assert StoreSearch({"signs": ("?",), "words": LINES}).search("words:", 1) == [LINES[0]]
