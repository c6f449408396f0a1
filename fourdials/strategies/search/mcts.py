"""Monte Carlo tree search over answers and their improvements."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns
from fourdials.strategies.search._tree import Judge, Opinions, Reliability, Temperature, Thought, grow, tree_search


@tree_search(source="UCT: Kocsis and Szepesvári 2006; over replies: Zhang et al. 2024, arXiv 2406.07394; by treequest")
def mcts(
    question: Question,
    ask: Ask,
    *,
    branching: Annotated[int, Field(ge=1, le=16, description="New answers below a node once it is chosen")] = 2,
    exploration: Annotated[float, Field(ge=0, le=10, description="Weight of what was visited little")] = 1.4,
    temperature: Temperature = 0.8,
    verifier: Judge = "model",
    opinions: Opinions = 1,
    reliability: Reliability = 1.0,
    thought_tokens: Thought = 0,
) -> Turns:
    """Choose the node with the best upper confidence bound, improve its answer, score the result, pass the score up.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. With `thought_tokens` a level is a piece of thought instead, judged unfinished. Wins where scores early
    in the tree tell which part of it is worth more; loses to best_of_n at equal spend where the scorer is noisy, or
    where improving an answer is no better than a fresh one.
    """
    return grow(
        question,
        ask,
        lambda: tree(branching, exploration),
        temperature,
        verifier,
        opinions,
        reliability,
        thought_tokens,
    )


def tree(branching: int, exploration: float) -> Any:
    """The library's algorithm for it."""
    from treequest import StandardMCTS

    return StandardMCTS(samples_per_action=branching, exploration_weight=exploration)
