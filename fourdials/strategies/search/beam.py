"""Several answers at once, of which the best few are improved, again and again."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns
from fourdials.strategies.search._tree import Judge, Opinions, Reliability, Temperature, Thought, grow, tree_search


@tree_search(source="beam search with a verifier: Snell et al. 2024, arXiv 2408.03314; by treequest")
def beam(
    question: Question,
    ask: Ask,
    *,
    width: Annotated[int, Field(ge=1, le=16, description="Answers kept at each depth")] = 2,
    branching: Annotated[int, Field(ge=1, le=16, description="New answers below each one kept")] = 2,
    temperature: Temperature = 0.8,
    verifier: Judge = "model",
    opinions: Opinions = 1,
    reliability: Reliability = 1.0,
    thought_tokens: Thought = 0,
) -> Turns:
    """Sample width × branching answers, keep the best ones, improve each in several ways, keep the best, and so on.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. Up to width × branching levels it is best_of_n; only then does it go deeper. With `thought_tokens` a
    level is a piece of thought instead, judged unfinished. Wins where improving a good answer, or building on a good
    beginning, beats sampling another; loses where the scorer is noisy, since what it drops never comes back.
    """
    return grow(
        question,
        ask,
        lambda: tree(width, branching),
        temperature,
        verifier,
        opinions,
        reliability,
        thought_tokens,
    )


def tree(width: int, branching: int) -> Any:
    """The library's algorithm for it."""
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
