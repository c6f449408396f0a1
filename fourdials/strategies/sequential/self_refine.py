"""An answer, a critique of it, an improved answer, and so on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import ask_again, follow_up
from fourdials.records import Checkpoint

CRITIQUE = "Look for mistakes in that answer. Say in one or two sentences what is wrong, or that nothing is."
CRITIQUE_COMPLETION = "Check of that answer:"
IMPROVE = "With that in mind, answer the question again, in the form asked for."


@strategy(
    dial="sequential",
    unit="revisions",
    levels=(1, 2, 3),
    source="Madaan et al. 2023, arXiv 2303.17651",
    prompts={"critique (chat)": CRITIQUE, "critique (completion)": CRITIQUE_COMPLETION, "improve (chat)": IMPROVE},
)
async def self_refine(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
    critique_tokens: Annotated[int, Field(ge=8, le=2048, description="Longest critique, in tokens")] = 96,
) -> Turns:
    """Answer, criticise the answer, answer again.

    Level 1 is the first answer; each further level spends a critique and a new answer. Each critique sees only the
    last answer. Wins where a model recognises its own mistakes; loses where it does not, as small models mostly do, and
    talks itself out of a right answer.
    """
    yield Checkpoint(0)
    reply = await ask(question.answer, role="solve", level=1, temperature=temperature)
    answer, level = reply.answer, 1
    wording = CRITIQUE if question.format == "chat" else CRITIQUE_COMPLETION
    while True:
        yield Checkpoint(level, answer)
        level += 1
        prompt = follow_up(question.answer, reply.text, wording, max_tokens=critique_tokens)
        critique = await ask(prompt, role="judge", level=level, temperature=temperature)
        again = ask_again(question, prompt, critique.text, IMPROVE)
        reply = await ask(again, role="revise", level=level, temperature=temperature)
        answer = reply.answer if reply.answer is not None else answer
