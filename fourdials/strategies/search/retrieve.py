"""One agent with a search tool: query, passages, then the next query or an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Steps, Turns, strategy
from fourdials.records import Checkpoint, Message, Prompt

SEARCH = (
    "You can look things up before answering. Facts found so far:\n{facts}\n\n"
    "Write the next search query, one line, nothing else. If the facts are enough, write: done"
)
ANSWER = "Facts found so far:\n{facts}\n\nAnswer the question from these facts, in the form asked for."
NO_FACTS = "(none yet)"


@strategy(
    dial="search",
    unit="searches",
    levels=(1, 2, 3, 4),
    source="interleaved retrieval: Trivedi et al. 2022, arXiv 2212.10509",
    access="search",
    prompts={"next query (chat)": SEARCH, "answer (chat)": ANSWER},
)
async def retrieve(
    question: Question,
    ask: Ask,
    *,
    passages: Annotated[int, Field(ge=1, le=20, description="Passages returned by each search")] = 2,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Search, read, and search again with what was found; one more search per level.

    Spends one search and one or two calls per level: chat models write their own queries and are asked for an answer
    after each search (a probe); completion models follow the task's steps, where what is read off the passages is both
    the next thing to look up and the answer if stopped there. Wins where the facts are not in the prompt; loses where
    a wrong passage sends all later queries astray.
    """
    if question.format == "completion" and question.steps is not None:
        turns = _by_steps(question.steps, ask, passages, temperature)
    else:
        turns = _by_queries(question, ask, passages, temperature)
    granted = yield await anext(turns)
    while True:
        try:
            granted = yield await turns.asend(granted)
        except StopAsyncIteration:
            return


async def _by_steps(steps: Steps, ask: Ask, passages: int, temperature: float) -> Turns:
    yield Checkpoint(0)
    state, level = steps.first(), 0
    while not steps.done(state):
        level += 1
        found = await ask.search(steps.query(state), level=level, k=passages)
        reply = await ask(steps.prompt(state, found), role="query", level=level, temperature=temperature)
        if reply.answer is None:
            yield Checkpoint(level, None, final=True)
            return
        state = steps.advance(state, reply.answer)
        yield Checkpoint(level, steps.answer(state), final=steps.done(state))


async def _by_queries(question: Question, ask: Ask, passages: int, temperature: float) -> Turns:
    yield Checkpoint(0)
    facts: list[str] = []
    level, finished = 0, False
    while not finished:
        level += 1
        query = await ask(_request(question, SEARCH, facts), role="query", level=level, temperature=temperature)
        wanted = next((line.strip() for line in query.text.splitlines() if line.strip()), "")
        finished = wanted.casefold().strip(".") == "done"
        if wanted and not finished:
            facts += [fact for fact in await ask.search(wanted, level=level, k=passages) if fact not in facts]
        prompt = _request(question, ANSWER, facts)
        reply = await ask(prompt, role="synthesise", level=level, probe=True, temperature=temperature)
        yield Checkpoint(level, reply.answer, final=finished)


def _request(question: Question, template: str, facts: list[str]) -> Prompt:
    text = template.replace("{facts}", "\n".join(f"- {fact}" for fact in facts) or NO_FACTS)
    turns = (*question.answer.messages, Message("user", text))
    if template is ANSWER:
        return replace(question.answer, messages=turns)
    return Prompt(messages=turns, max_tokens=64, key="free")
