"""A small model first, a large one only where the small one is not to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint, Reply
from fourdials.strategies._together import all_samples
from fourdials.strategies.parallel._judging import PROMPTS, Verifier
from fourdials.strategies.parallel._voting import Votes, red_flag


@strategy(
    dial="hybrid",
    unit="models asked",
    levels=(1, 2),
    source="FrugalGPT: Chen et al. 2023, arXiv 2305.05176; small models first: Belcak et al. 2025, arXiv 2506.02153",
    parts=("solver", "large", "verifier"),
    prompts=PROMPTS,
)
async def cascade(
    question: Question,
    ask: Ask,
    *,
    votes: Annotated[int, Field(ge=1, le=64, description="Samples of the small model")] = 3,
    agreement: Annotated[
        float, Field(ge=0, le=1, description="Escalate if the leader has less than this share of the votes")
    ] = 0.6,
    red_flags: Annotated[bool, Field(description="Escalate if any reply is ill-formed or cut off")] = False,
    least_score: Annotated[
        float, Field(ge=0, le=1, description="Escalate if the verifier's score is below this; 0 asks no verifier")
    ] = 0.0,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of the small model")] = 0.8,
) -> Turns:
    """Let the small model (`solver`) vote; ask the large one if the vote is split, flagged or scored low.

    Level 1 spends `votes` small calls, and one of the verifier if a score is asked for; level 2 one call of the large
    model, on the problems that are escalated only. Wins where the small model knows what it does not know; loses to
    the large model alone where nearly everything is escalated, and to the small one where it agrees on its errors.
    """
    yield Checkpoint(0)
    replies = await all_samples(ask, question.answer, votes, role="solve", level=1, temperature=temperature)
    answer, most, _ = Votes(question.ballot).plus(*(reply.answer for reply in replies)).ranked()
    doubt = _doubt(replies, most, agreement, red_flags)
    if doubt is None and least_score:
        voter = next(reply for reply in replies if reply.answer == answer)
        score = await Verifier().score(question, ask, voter, 1)
        doubt = f"score {score:g}" if score < least_score else None
    yield Checkpoint(1, answer, final=doubt is None, detail={"doubt": doubt})
    ask.note("escalate", level=2, why=doubt)
    reply = await ask(question.answer, role="solve", level=2, part="large")
    yield Checkpoint(2, reply.answer if reply.answer is not None else answer, final=True)


def _doubt(replies: Sequence[Reply], most: int, agreement: float, red_flags: bool) -> str | None:
    """Why a vote whose leader has so many votes is not to be trusted; None if it is."""
    if not most:
        return "no answer"
    flags = [flag for reply in replies if (flag := red_flag(reply, 0)) is not None]
    if red_flags and flags:
        return f"red flag: {flags[0]}"
    share = most / len(replies)
    return f"split vote: {share:.2f}" if share < agreement else None
