"""Thinking step by step under a token budget, cut at every budget with a forced answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import force
from fourdials.records import Checkpoint, Reply
from fourdials.strategies.sequential._thinking import FORCE


@strategy(
    dial="sequential",
    unit="thought tokens",
    levels=(16, 32, 64, 128, 256),
    source="Wei et al. 2022, arXiv 2201.11903; budgets: Muennighoff et al. 2025, arXiv 2501.19393",
    needs=("think",),
    prompts={"forced answer (chat)": FORCE},
)
async def chain_of_thought(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of the thought")] = 0.0,
) -> Turns:
    """Let the model think aloud, cut the thought at each token budget and force an answer there.

    The thought is generated once, up to the last level granted; an allocator that grants level by level has it thought
    anew at each grant, since a thought that was cut cannot go on by itself. A level pays its prompt, its tokens up to
    the budget and, if the thought was cut, one forced answer. A thought that ended by itself needs none, and the dial
    has then finished. Wins where intermediate results have to be kept; loses where the model wanders, or answers better
    at first sight.
    """
    assert question.think is not None
    granted = yield Checkpoint(0)
    done = 0
    while budgets := [level for level in ask.levels if done < level <= granted]:
        thoughts = await ask.thought(question.think, role="solve", budgets=budgets, temperature=temperature)
        for level, thought in zip(budgets, thoughts, strict=True):
            done = level
            ended = thought.finish_reason != "length"
            answer = thought.answer if ended else None
            if answer is None:
                answer = (await _forced(question, ask, thought, level)).answer
            granted = yield Checkpoint(level, answer, final=ended)
            if ended:
                return


async def _forced(question: Question, ask: Ask, thought: Reply, level: int) -> Reply:
    prompt = force(question, thought.text, FORCE)
    return await ask(prompt, role="solve", level=level, probe=True, after=[thought])
