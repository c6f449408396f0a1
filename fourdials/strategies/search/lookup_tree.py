"""A tree over what is looked up: places that look promising are gone on from, others are left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from fourdials.plugins import Ask, Question, Steps, Told, Turns, strategy
from fourdials.strategies.parallel._judging import BEGINNINGS, PROMPTS, Verifier
from fourdials.strategies.search import beam as _beam
from fourdials.strategies.search import mcts as _mcts
from fourdials.strategies.search._pieces import Node
from fourdials.strategies.search._tree import Judge, Opinions, Reliability, Temperature, grown


@strategy(
    dial="search",
    unit="places looked up",
    levels=(2, 4, 8, 16),
    source="trees over tool calls: Koh et al. 2024, arXiv 2407.01476; by treequest",
    access="search",
    needs=("steps",),
    parts=("solver", "verifier"),
    prompts={**PROMPTS, **BEGINNINGS},
    uses_truth=lambda knobs: knobs["verifier"] == "checker",
    wants=lambda knobs: ("sound",) if knobs["verifier"] == "checker" else (),
)
def lookup_tree(
    question: Question,
    ask: Ask,
    *,
    algorithm: Annotated[
        Literal["beam", "mcts"], Field(description="Keep the best places of each depth, or Monte Carlo tree search")
    ] = "beam",
    width: Annotated[int, Field(ge=1, le=16, description="beam: places kept at each depth")] = 2,
    branching: Annotated[int, Field(ge=1, le=16, description="New places below each one gone on from")] = 2,
    exploration: Annotated[float, Field(ge=0, le=10, description="mcts: weight of what was visited little")] = 0.3,
    passages: Annotated[int, Field(ge=1, le=20, description="Passages returned by each search")] = 4,
    temperature: Temperature = 0.8,
    verifier: Judge = "model",
    opinions: Opinions = 1,
    reliability: Reliability = 1.0,
) -> Turns:
    """Take a step, look up where it leads, have the way there judged, and go on where it is judged best.

    Steps are those of the task's chain. Spends one call, one search and `opinions` verifier calls per level; below the
    root a second search, for the start. The checker costs nothing and marks the curve as using the truth. The answer is
    that of the ends reached which is judged best; before one is reached there is none. Wins where ways fork and the
    scorer can tell a dead one; loses to `retrieve`, which follows one way and turns back by itself, where the scorer
    cannot or ways do not fork.
    """
    assert question.steps is not None
    judge = Verifier(opinions, reliability if verifier == "checker" else None)
    tree = partial(_mcts.tree, branching, exploration) if algorithm == "mcts" else partial(_beam.tree, width, branching)
    return grown(question, ask, tree, _Lookups(question.steps, judge, passages, temperature))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a way has come to: the chain's state, what was found there and on the way, the replies that led there."""

    state: Any
    here: tuple[str, ...]
    found: tuple[str, ...]
    replies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lookups:
    """Makes nodes by looking up."""

    steps: Steps
    verifier: Verifier
    passages: int
    temperature: float

    @property
    def unfinished(self) -> bool:
        """False: out of a way under way no answer is forced, since what it lacks is information."""
        return False

    async def node(self, question: Question, ask: Ask, parent: Node | None, level: int) -> Node:
        """One step further than a node, or than the start; below an end, another step from where that one was taken."""
        place = parent.place if parent else await self._look(ask, _Place(self.steps.first(), (), ()), level)
        prompt = self.steps.prompt(place.state, place.here)
        reply = await ask(prompt, role="query", level=level, temperature=self.temperature)
        if reply.answer is None:
            return Node(reply, 0.0, place=place)
        replies = (*place.replies, reply.answer)
        after = replace(place, state=self.steps.advance(place.state, reply.answer), replies=replies)
        ended = self.steps.done(after.state)
        if not ended:
            after = await self._look(ask, after, level)
        written = replace(reply, text=self._written(after), answer=self.steps.answer(after.state) if ended else None)
        judge = self.verifier.score if ended else self.verifier.promise
        score = await judge(_informed(question, after.found), ask, written, level)
        return Node(written, score, place=place if ended else after)

    async def _look(self, ask: Ask, place: _Place, level: int) -> _Place:
        here = tuple(await ask.search(self.steps.query(place.state), level=level, k=self.passages))
        return replace(place, here=here, found=tuple(dict.fromkeys((*place.found, *here))))

    def _written(self, place: _Place) -> str:
        """The way to a place as a verdict on it is asked for."""
        return self.steps.told(place.state) if isinstance(self.steps, Told) else "; ".join(place.replies)


def _informed(question: Question, found: tuple[str, ...]) -> Question:
    """The question with what was found before it, for a verdict."""
    check = question.check and partial(question.check, found=found)
    return replace(question, text="\n".join((*found, question.text)), check=check)
