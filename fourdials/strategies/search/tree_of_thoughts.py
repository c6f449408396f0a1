"""A tree of answers, widened level by level from its best nodes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns
from fourdials.strategies.search._tree import Judge, Opinions, Reliability, Temperature, Thought, grow, tree_search


@tree_search(source="Yao et al. 2023, arXiv 2305.10601; by treequest")
def tree_of_thoughts(
    question: Question,
    ask: Ask,
    *,
    breadth: Annotated[int, Field(ge=1, le=16, description="Nodes kept at each depth")] = 2,
    branching: Annotated[int, Field(ge=1, le=16, description="New answers below each; at least the breadth")] = 3,
    temperature: Temperature = 0.8,
    verifier: Judge = "model",
    opinions: Opinions = 1,
    reliability: Reliability = 1.0,
    thought_tokens: Thought = 0,
) -> Turns:
    """Answer, improve the answer in several ways, keep the best few, improve those, and so on.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. With `thought_tokens` a level is a piece of thought instead, judged unfinished. The tree starts from a
    single answer, so it is deep rather than wide. Wins where the scorer is good and answers can be improved; loses to
    best_of_n at equal spend where revisions do not help, since all its nodes descend from one first attempt.
    """

    def algorithm() -> Any:
        from treequest import TreeOfThoughtsBFSAlgo

        return TreeOfThoughtsBFSAlgo(breadth_limit=breadth, size_limit=max(branching, breadth))

    return grow(question, ask, algorithm, temperature, verifier, opinions, reliability, thought_tokens)
