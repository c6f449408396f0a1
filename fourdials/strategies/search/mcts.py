"""Monte Carlo tree search over answers and their improvements."""

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
    source="UCT: Kocsis and Szepesvári 2006; over replies: Zhang et al. 2024, arXiv 2406.07394; by treequest",
    parts=("solver", "verifier"),
    prompts=PROMPTS,
    uses_truth=lambda knobs: knobs["verifier"] == "checker",
)
async def mcts(
    question: Question,
    ask: Ask,
    *,
    branching: Annotated[int, Field(ge=1, le=16, description="New answers below a node once it is chosen")] = 2,
    exploration: Annotated[float, Field(ge=0, le=10, description="Weight of what was visited little")] = 1.4,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every answer")] = 0.8,
    verifier: Annotated[
        Literal["model", "checker"], Field(description="A model judges, or a checker that knows the truth (a bound)")
    ] = "model",
    opinions: Annotated[int, Field(ge=1, le=9, description="Verdicts per node, averaged")] = 1,
    reliability: Annotated[
        float, Field(ge=0.5, le=1, description="How often a verdict of the checker is right; at 1 always")
    ] = 1.0,
) -> Turns:
    """Choose the node with the best upper confidence bound, improve its answer, score the result, pass the score up.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. Wins where scores early in the tree tell which part of it is worth more; loses to best_of_n at equal
    spend where the scorer is noisy, or where improving an answer is no better than a fresh one.
    """

    def algorithm() -> Any:
        from treequest import StandardMCTS

        return StandardMCTS(samples_per_action=branching, exploration_weight=exploration)

    judge = Verifier(opinions, reliability if verifier == "checker" else None)
    turns = grow(question, ask, algorithm, judge, temperature)
    granted = yield await anext(turns)
    while True:
        granted = yield await turns.asend(granted)
