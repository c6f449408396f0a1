"""Several answers at once, of which the best few are improved, again and again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.strategies.parallel._judging import Verifier
from fourdials.strategies.search._tree import PROMPTS, grow


@strategy(
    dial="search",
    unit="expansions",
    levels=(1, 2, 4, 8),
    source="beam search with a verifier: Snell et al. 2024, arXiv 2408.03314; by treequest",
    parts=("solver", "verifier"),
    prompts=PROMPTS,
    uses_truth=lambda knobs: knobs["verifier"] == "checker",
)
async def beam(
    question: Question,
    ask: Ask,
    *,
    width: Annotated[int, Field(ge=1, le=16, description="Answers kept at each depth")] = 2,
    branching: Annotated[int, Field(ge=1, le=16, description="New answers below each one kept")] = 2,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every answer")] = 0.8,
    verifier: Annotated[
        Literal["model", "checker"], Field(description="A model judges, or a checker that knows the truth (a bound)")
    ] = "model",
    opinions: Annotated[int, Field(ge=1, le=9, description="Verdicts per node, averaged")] = 1,
    reliability: Annotated[
        float, Field(ge=0.5, le=1, description="How often a verdict of the checker is right; at 1 always")
    ] = 1.0,
) -> Turns:
    """Sample width × branching answers, keep the best ones, improve each in several ways, keep the best, and so on.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. Up to width × branching levels it is best_of_n; only then does it go deeper. Wins where improving a good
    answer beats sampling another; loses where the scorer is noisy, since what it drops never comes back.
    """
    judge = Verifier(opinions, reliability if verifier == "checker" else None)
    turns = grow(question, ask, lambda: _algorithm(width, branching), judge, temperature)
    granted = yield await anext(turns)
    while True:
        granted = yield await turns.asend(granted)


def _algorithm(width: int, branching: int) -> Any:
    from treequest import TreeOfThoughtsBFSAlgo

    class Beam(TreeOfThoughtsBFSAlgo[Any]):
        """The library's breadth-first tree, which starts from one answer, started from as many as each depth has."""

        def ask_batch(self, state: Any, batch_size: int, actions: list[str]) -> Any:
            if state.trial_store.is_queue_empty() and not state.tree.root.children:
                state.trial_store.fill_nodes_queue([(state.tree.root, actions[0])] * (width * branching))
            return super().ask_batch(state, batch_size, actions)

    searcher = Beam(breadth_limit=width, size_limit=max(width, branching))
    searcher.size_limit = branching  # set afterwards, as the library refuses fewer than the breadth
    return searcher
