"""Acting with several candidate actions per step, of which one is carried out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import with_notes
from fourdials.records import Checkpoint, Observation, Prompt, Reply
from fourdials.strategies._together import all_samples
from fourdials.strategies.interaction._choosing import action_of, among

PICK = "Several actions were proposed: {candidates}. Which of them is best? Reply with it alone."


@strategy(
    dial="interaction",
    unit="environment steps",
    levels=(1, 2, 3, 4, 5, 6),
    source="best-of-n per step as a baseline: Shen et al. 2025, arXiv 2506.07976",
    access="environment",
    parts=("solver", "verifier"),
    prompts={"pick": PICK},
    says=lambda knobs: knobs["select"] == "judge",
)
async def act_best_of_n(
    question: Question,
    ask: Ask,
    *,
    candidates: Annotated[int, Field(ge=2, le=32, description="Actions sampled at each step")] = 4,
    select: Annotated[
        Literal["judge", "vote"],
        Field(description="A verifier picks one, or the most frequent is taken"),
    ] = "judge",
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of the candidates")] = 0.8,
) -> Turns:
    """Sample several actions at each step, pick one, carry it out.

    Spends `candidates` calls per level, one more where a judge has different actions to choose from, and one
    environment step. Wins where a single wrong step is costly and good ones are easy to tell; loses to `act`, which
    takes several more steps for the same tokens, where one has to go and look before one can tell.
    """
    yield Checkpoint(0)
    seen, level = await ask.look(), 0
    while not seen.done and seen.prompt is not None:
        level += 1
        replies = await all_samples(
            ask, seen.prompt, candidates, role="act", level=level, temperature=temperature, after=None
        )
        action = await _picked(ask, seen, seen.prompt, replies, select, level)
        seen = await ask.step(action, level=level)
        yield Checkpoint(level, seen.answer, final=seen.done)


async def _picked(ask: Ask, seen: Observation, prompt: Prompt, replies: list[Reply], select: str, level: int) -> str:
    """The judge's choice among the open actions proposed; without a judge, or a choice, the most frequent one."""
    proposed = [action_of(reply) for reply in replies]
    usable = [action for action in proposed if action in seen.actions] or proposed
    distinct = tuple(dict.fromkeys(usable))
    best = max(distinct, key=usable.count)
    if select == "judge" and len(distinct) > 1:
        asked = among(with_notes(prompt, PICK.replace("{candidates}", "; ".join(distinct))), distinct)
        verdict = await ask(asked, role="judge", level=level, part="verifier")
        best = verdict.answer if verdict.answer is not None else best
    ask.note("vote", level=level, proposed={action: usable.count(action) for action in distinct}, picked=best)
    return best
