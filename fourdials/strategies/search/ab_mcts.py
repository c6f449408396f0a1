"""Tree search that decides at each node whether to go wider or deeper."""

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
    source="AB-MCTS: Inoue et al. 2025, arXiv 2503.04412; by treequest",
    parts=("solver", "verifier"),
    prompts=PROMPTS,
    uses_truth=lambda knobs: knobs["verifier"] == "checker",
)
async def ab_mcts(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every answer")] = 0.8,
    verifier: Annotated[
        Literal["model", "checker"], Field(description="A model judges, or a checker that knows the truth (a bound)")
    ] = "model",
    opinions: Annotated[int, Field(ge=1, le=9, description="Verdicts per node, averaged")] = 1,
    reliability: Annotated[
        float, Field(ge=0.5, le=1, description="How often a verdict of the checker is right; at 1 always")
    ] = 1.0,
) -> Turns:
    """Decide by Thompson sampling whether to sample a fresh answer or improve one that is there, one node at a time.

    Spends one answer and `opinions` verifier calls per level; the checker costs nothing and marks the curve as using
    the truth. Width and depth adapt to the scores seen. Wins where it is not known beforehand which of the two helps;
    loses to the better one of them by what it spends on finding out, and to both where the scorer is noisy.
    """

    def algorithm() -> Any:
        from treequest import ABMCTSA

        return ABMCTSA(dist_type="beta")

    judge = Verifier(opinions, reliability if verifier == "checker" else None)
    turns = grow(question, ask, algorithm, judge, temperature)
    granted = yield await anext(turns)
    while True:
        granted = yield await turns.asend(granted)
