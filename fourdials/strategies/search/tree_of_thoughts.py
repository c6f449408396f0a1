"""A tree of answers, widened level by level from its best nodes."""

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
    source="Yao et al. 2023, arXiv 2305.10601; by treequest",
    parts=("solver", "verifier"),
    prompts=PROMPTS,
    uses_truth=lambda knobs: knobs["verifier"] == "checker",
)
async def tree_of_thoughts(
    question: Question,
    ask: Ask,
    *,
    breadth: Annotated[int, Field(ge=1, le=16, description="Nodes kept at each depth")] = 2,
    branching: Annotated[int, Field(ge=1, le=16, description="New answers below each; at least the breadth")] = 3,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every answer")] = 0.8,
    verifier: Annotated[
        Literal["model", "checker"], Field(description="A model judges, or a checker that knows the truth (a bound)")
    ] = "model",
    opinions: Annotated[int, Field(ge=1, le=9, description="Verdicts per node, averaged")] = 1,
    reliability: Annotated[
        float, Field(ge=0.5, le=1, description="How often a verdict of the checker is right; at 1 always")
    ] = 1.0,
) -> Turns:
    """Answer, improve the answer in several ways, keep the best few, improve those, and so on.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. The tree starts from a single answer, so it is deep rather than wide. Wins where the scorer is good and
    answers can be improved; loses to best_of_n at equal spend where revisions do not help, since all its nodes descend
    from one first attempt.
    """

    def algorithm() -> Any:
        from treequest import TreeOfThoughtsBFSAlgo

        return TreeOfThoughtsBFSAlgo(breadth_limit=breadth, size_limit=max(branching, breadth))

    judge = Verifier(opinions, reliability if verifier == "checker" else None)
    turns = grow(question, ask, algorithm, judge, temperature)
    granted = yield await anext(turns)
    while True:
        granted = yield await turns.asend(granted)
