"""Finds the sentences of a small store by BM25; the search tool of the tasks whose world is text."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

# A word is a run of letters and digits, if only one of them (`day 7`, `vitamin C`). Chinese and Japanese are written
# without spaces: each of their characters is a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
_WORD = rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+"


class SentenceSearch:
    """BM25 over a fixed list of sentences. Equal scores keep the order of the list, so results are deterministic."""

    def __init__(self, sentences: Sequence[str]) -> None:
        # Imported here: it costs a quarter of a second, which listing the tasks should not pay.
        bm25s: Any = importlib.import_module("bm25s")

        self._sentences = tuple(sentences)
        self._split: Callable[[str], list[str]] = lambda text: bm25s.tokenize(
            text, stopwords=None, return_ids=False, show_progress=False, token_pattern=_WORD
        )[0]
        self._index: Any = None  # stays None where no sentence holds a word, which bm25s cannot index
        words = [self._split(line) for line in self._sentences]
        if any(words):
            self._index = bm25s.BM25()
            self._index.index(words, show_progress=False)

    @property
    def size(self) -> int:
        """How many sentences there are."""
        return len(self._sentences)

    def read(self, start: int, stop: int) -> list[str]:
        """The sentences from place `start` up to before `stop`."""
        return list(self._sentences[max(0, start) : max(0, stop)])

    def search(self, query: str, k: int) -> list[str]:
        """The `k` best sentences, best first; those that share no word with the query come last.

        A query that shares no word with any of them, or holds none (`?`), thus gets the first `k` of the list: a store
        always answers with what it has."""
        words = self._split(query)
        scores = self._index.get_scores(words) if words and self._index is not None else [0.0] * len(self._sentences)
        ranked = sorted(range(len(self._sentences)), key=lambda place: (-float(scores[place]), place))
        return [self._sentences[place] for place in ranked[:k]]


class StoreSearch:
    """Several stores behind one search. A query that starts with a store's name and a colon asks that store alone; any
    other asks all of them, and their best come in turns, in the order of the stores. Read by
    place, one follows another.
    """

    def __init__(self, stores: Mapping[str, Sequence[str]]) -> None:
        self._stores = {name: SentenceSearch(sentences) for name, sentences in stores.items() if sentences}
        self._names = frozenset(stores)
        self._sentences = tuple(chain.from_iterable(stores.values()))

    @property
    def size(self) -> int:
        """How many sentences there are in all stores."""
        return len(self._sentences)

    def read(self, start: int, stop: int) -> list[str]:
        """The sentences from place `start` up to before `stop`, store after store."""
        return list(self._sentences[max(0, start) : max(0, stop)])

    def search(self, query: str, k: int) -> list[str]:
        """The `k` best sentences; none from a store that is empty."""
        name, colon, rest = query.partition(":")
        name = name.strip().casefold()
        if colon and name in self._names:
            return self._stores[name].search(rest, k) if name in self._stores else []
        found = [store.search(query, k) for store in self._stores.values()]
        return [line for line in chain.from_iterable(zip_longest(*found)) if line is not None][:k]
