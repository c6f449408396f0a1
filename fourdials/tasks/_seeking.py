"""How the tasks that are walks ask a completion model that words its own searches (`plugins.Lookup`).

What may be looked up is listed for the model: any name it has seen, with any turn of the question, not asked before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fourdials.plugins import Question
from fourdials.records import Problem, Prompt
from fourdials.tasks import _walking

NOTHING_YET = "nothing"


def lookup(wording: _walking.Wording, problem: Problem) -> WalkLookup:
    """The searches of a problem, which know nothing of its world and reference."""
    return WalkLookup(wording, replace(problem, reference=None, world={}, truths={}))


@dataclass(frozen=True, slots=True)
class WalkLookup:
    """Searches of one walk, asked for one at a time. Pure. Made by `lookup`."""

    wording: _walking.Wording
    problem: Problem

    @property
    def start(self) -> str:
        """Where the walk starts."""
        return str(self.problem.data["start"])

    @property
    def turns(self) -> tuple[str, ...]:
        """What to follow, hop by hop."""
        return tuple(self.problem.data["turns"])

    def query(self, found: Sequence[str], asked: Sequence[str]) -> Prompt:
        """Asks for the next name and turn to look up; `done` is open once anything was found."""
        cue = self.wording.think_cue(self.start, self.turns).removesuffix("?")
        open_now = [query for query in self._queries(found) if query not in asked]
        depth, here = self._reached(found)
        return Prompt(
            text=f"{self.wording.query_shots}{cue}: {' '.join(found) or NOTHING_YET} ->",
            choices=(*open_now, "done") if found or not open_now else tuple(open_now),
            stop=("\n",),
            max_tokens=16,
            reads="choice",
            key=query_key(depth, here),
        )

    def read(self, passages: Sequence[str], query: str) -> Prompt:
        """Asks where the turn of the query leads; any name in the passages is a choice."""
        here, cue = self._cue(query)
        return Prompt(
            text=f"{' '.join(passages[::-1])}\n{cue}",
            choices=self.wording.names(passages, but=here),
            stop=("\n",),
            max_tokens=8,
            reads="choice",
            key=f"read:{query}",
        )

    def evidence(self, query: str, reply: str) -> str:
        """The fact that the reply to `read` amounts to."""
        return f"{self._cue(query)[1]} {reply.strip()}."

    def informed(self, found: Sequence[str]) -> Question:
        """The question with these facts given. Its answer is any name in them, or any candidate if they hold none."""
        shown = _walking.question(self.wording, self.problem, "search", "completion", found)
        names = self.wording.names(found, but=self.start)
        answer = replace(shown.answer, choices=names or shown.answer.choices)
        if self._reached(found)[0] == len(self.turns) or shown.think is None:
            return replace(shown, answer=answer)
        # What follows is not in the facts, so a simulated model has no right reply to find.
        return replace(
            shown, answer=replace(answer, key="answer:unfound"), think=replace(shown.think, key="answer:unfound")
        )

    def _queries(self, seen: Sequence[str]) -> list[str]:
        """What could be looked up about the start and every name seen."""
        names = dict.fromkeys((self.start, *self.wording.names(seen)))
        return list(dict.fromkeys(self.wording.query(name, turn) for name in names for turn in self.turns))

    def _cue(self, query: str) -> tuple[str, str]:
        """The name a query is about, and the text that what it asks for would follow."""
        for name in re.findall(r"\w+", query):
            for turn in self.turns:
                if self.wording.query(name, turn) == query:
                    return name, self.wording.cue(name, turn)
        return "", query

    def _reached(self, found: Sequence[str]) -> tuple[int, str]:
        """How many turns the facts lead through, and to where."""
        names, here = self.wording.names(found), self.start
        for depth, turn in enumerate(self.turns):
            ways = [name for name in names if {*self._forms(here, turn, name)}.intersection(found)]
            if not ways:
                return depth, here
            here = ways[0]
        return len(self.turns), here

    def _forms(self, here: str, turn: str, there: str) -> tuple[str, str]:
        return f"{self.wording.cue(here, turn)} {there}.", f"{here} | {turn} | {there}"


def query_key(depth: int, here: str) -> str:
    """The prompt key of asking what to look up once `depth` turns are known to lead to a name."""
    return f"seek:{depth}:{here}"


def truths(turns: Sequence[str], follow: Mapping[str, Mapping[str, Any]], wording: _walking.Wording) -> dict[str, str]:
    """The right reply to every prompt of a `WalkLookup`: what leads on, and where it leads.

    Args:
        turns: The question's turns.
        follow: For every entity, where each turn leads.
        wording: How the task speaks.
    """
    known = {query_key(len(turns), here): "done" for here in follow}
    for here, links in follow.items():
        for depth, turn in enumerate(turns):
            if turn in links:
                query = wording.query(here, turn)
                known |= {query_key(depth, here): query, f"read:{query}": links[turn]}
    return known
