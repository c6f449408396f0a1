"""Independent samples, each an answer of its own: the pool that pass@k and resampled votes are computed from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint
from fourdials.strategies.parallel._thoughts import sampled


@strategy(
    dial="parallel",
    unit="samples",
    levels=(1, 2, 4, 8, 16),
    source="repeated sampling: Brown et al. 2024, arXiv 2407.21787",
    wants=lambda knobs: ("think",) if knobs["thoughts"] else (),
)
async def independent(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every sample")] = 0.8,
    thoughts: Annotated[bool, Field(description="Let each sample think before it answers")] = False,
) -> Turns:
    """Sample again and again, and grade each sample by itself.

    Spends one call per level, all of which can run at once. The answer at a level is that level's own sample, so the
    curve stays flat on average and its points tell how often one sample is right: coverage (pass@k) and votes of any
    size are worked out from them. Wins nothing by itself and loses to every strategy that selects among its samples.
    """
    prompt = sampled(question, thoughts)
    granted = yield Checkpoint(0)
    taken = 0
    while True:
        levels = range(taken + 1, granted + 1)
        replies = await ask.samples(prompt, role="solve", levels=levels, temperature=temperature)
        for reply in replies:
            taken += 1
            granted = yield Checkpoint(taken, reply.answer, detail={"logprob": reply.logprob})
