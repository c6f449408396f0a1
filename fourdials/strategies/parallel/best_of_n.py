"""Independent samples, each judged by a verifier call, and the one it likes best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from fourdials.grading import normal
from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint
from fourdials.strategies.parallel._judging import PROMPTS, Verifier, scored
from fourdials.strategies.parallel._thoughts import sampled


@strategy(
    dial="parallel",
    unit="samples",
    levels=(1, 2, 4, 8),
    source="Cobbe et al. 2021, arXiv 2110.14168",
    parts=("solver", "verifier"),
    prompts=PROMPTS,
    uses_truth=lambda knobs: knobs["verifier"] == "checker",
    wants=lambda knobs: ("think",) if knobs["thoughts"] else (),
)
async def best_of_n(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of the candidates")] = 0.8,
    thoughts: Annotated[bool, Field(description="Let each sample think before it answers")] = False,
    verifier: Annotated[
        Literal["model", "checker"], Field(description="A model judges, or a checker that knows the truth (a bound)")
    ] = "model",
    opinions: Annotated[int, Field(ge=1, le=9, description="Verdicts per candidate, averaged")] = 1,
    reliability: Annotated[
        float, Field(ge=0.5, le=1, description="How often a verdict of the checker is right; at 1 always")
    ] = 1.0,
) -> Turns:
    """Sample candidates, ask a verifier about each, keep the one judged right most often.

    Spends one sample and `opinions` verifier calls per level; the checker costs nothing, is wrong at random as often as
    its reliability says, and marks the curve as using the truth. Equally scored answers are settled by their votes,
    then by the earlier one. Wins where checking is easier than solving; loses to a plain vote where the verifier is no
    better than chance, and every candidate then costs twice.
    """
    prompt = sampled(question, thoughts)
    judge = Verifier(opinions, reliability if verifier == "checker" else None)
    granted = yield Checkpoint(0)
    answers: list[str | None] = []
    scores: list[float] = []
    while True:
        # No further than the next level asked for, so that a budget that ends leaves candidates that were judged.
        end = next((level for level in ask.levels if len(answers) < level <= granted), granted)
        levels = range(len(answers) + 1, end + 1)
        replies = await ask.samples(prompt, role="solve", levels=levels, temperature=temperature)
        levels = levels[: len(replies)]  # fewer where the budget ended
        judged = await scored(question, ask, replies, levels, judge)
        for reply, score in zip(replies, judged, strict=True):
            if isinstance(score, BaseException):
                raise score
            answers.append(reply.answer)
            scores.append(score)
            detail = {"answer": reply.answer, "verifier": score}
            granted = yield Checkpoint(len(answers), best(answers, scores, question.ballot), detail=detail)


def best(answers: Sequence[str | None], scores: Sequence[float], ballot: Callable[[str], str] = normal) -> str | None:
    """The answer with the highest score; ties go to the more frequent answer, then to the earlier one."""
    ballots = [None if answer is None else ballot(answer) for answer in answers]
    counts = Counter(ballots)
    ranked = [
        (score, counts[cast], -i)
        for i, (cast, score) in enumerate(zip(ballots, scores, strict=True))
        if cast is not None
    ]
    return answers[-max(ranked)[2]] if ranked else None
