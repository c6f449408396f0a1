"""Independent samples whose votes count by how much they are trusted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from fourdials.grading import normal
from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint, Reply
from fourdials.strategies.parallel._judging import PROMPTS, Verifier, scored


@strategy(
    dial="parallel",
    unit="samples",
    levels=(1, 2, 4, 8, 16),
    source="by a verifier: Li et al. 2022, arXiv 2206.02336; by probability: Wang et al. 2022, arXiv 2203.11171",
    parts=("solver", "verifier"),
    prompts=PROMPTS,
    abilities=lambda knobs: ("logprobs",) if knobs["weights"] == "probability" else (),
)
async def weighted_vote(
    question: Question,
    ask: Ask,
    *,
    weights: Annotated[
        Literal["verifier", "probability"],
        Field(description="A vote counts by a verifier's score, or by the reply's probability per token"),
    ] = "verifier",
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature; more makes votes differ")] = 0.8,
    opinions: Annotated[int, Field(ge=1, le=9, description="Verifier calls per vote, averaged")] = 1,
) -> Turns:
    """Sample many answers, weigh each vote, take the answer with the largest sum of weights.

    Spends one sample per level, and with a verifier `opinions` calls more. Where all weights are 0 the plain vote
    decides; a tie goes to the answer seen first. Wins over the plain vote where the weights know something, and over
    the single best candidate where the verifier is noisy; loses where a model is as sure of its errors as of the rest,
    since the verifier's calls would have bought twice the votes.
    """
    granted = yield Checkpoint(0)
    votes: list[str | None] = []
    trust: list[float] = []
    while True:
        # No further than the next level asked for, so that a budget that ends leaves votes that were weighed.
        end = next((level for level in ask.levels if len(votes) < level <= granted), granted)
        levels = range(len(votes) + 1, end + 1)
        replies = await ask.samples(question.answer, role="solve", levels=levels, temperature=temperature)
        scores: Sequence[float | BaseException] = [probability(reply) for reply in replies]
        if weights == "verifier":
            scores = await scored(question, ask, replies, levels[: len(replies)], Verifier(opinions))
        for reply, score in zip(replies, scores, strict=True):
            if isinstance(score, BaseException):
                raise score
            votes.append(reply.answer)
            trust.append(score)
            winner, sums = heaviest(votes, trust, question.ballot)
            granted = yield Checkpoint(len(votes), winner, detail={"votes": sums, "weight": score})


def probability(reply: Reply) -> float:
    """The reply's probability per token, exp(log p / tokens), in [0, 1]; 0 if its log-probability is unknown."""
    if reply.logprob is None:
        return 0.0
    return math.exp(reply.logprob / max(1, reply.completion_tokens or 1))


def heaviest(
    votes: Sequence[str | None], trust: Sequence[float], ballot: Callable[[str], str] = normal
) -> tuple[str | None, dict[str, float]]:
    """The answer with the largest sum of weights, and all sums; by plain counts where no vote weighs anything.

    Answers with the same ballot are weighed together, under the text that was cast first."""
    if not any(weight for vote, weight in zip(votes, trust, strict=True) if vote is not None):
        trust = [1.0] * len(votes)
    texts: dict[str, str] = {}
    sums: dict[str, float] = defaultdict(float)  # keeps the order of first appearance
    for vote, weight in zip(votes, trust, strict=True):
        if vote is not None:
            sums[texts.setdefault(ballot(vote), vote)] += weight
    return max(sums, key=lambda answer: sums[answer], default=None), dict(sums)
