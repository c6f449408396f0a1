"""One agent with a search tool: query, passages, then the next query or an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from fourdials.plugins import Ask, Question, Steps, Turns, strategy
from fourdials.records import Checkpoint, Message, Prompt
from fourdials.strategies.search._seeking import QUERY_COMPLETION, in_reading_order, informed, next_query, wanted
from fourdials.strategies.sequential._thinking import FORCE, probed

SEARCH = (
    "You can look things up before answering. Facts found so far:\n{facts}\n\n"
    "Write the next search query, one line, nothing else. If the facts are enough, write: done"
)
ANSWER = "Facts found so far:\n{facts}\n\nAnswer the question from these facts, in the form asked for."
NO_FACTS = "(none yet)"
QUERY_TOKENS = 64


def _wants(knobs: Mapping[str, Any]) -> tuple[str, ...]:
    who = {"own": ("queries",), "chain": ("steps",)}.get(knobs["queries"], ())
    return (*who, "think") if knobs["thought_tokens"] else who


@strategy(
    dial="search",
    unit="searches",
    levels=(1, 2, 3, 4),
    source="interleaved retrieval: Trivedi et al. 2022, arXiv 2212.10509",
    access="search",
    prompts={
        "next query (chat)": SEARCH,
        "answer (chat)": ANSWER,
        "next query (completion)": QUERY_COMPLETION,
        "forced answer (chat)": FORCE,
    },
    wants=_wants,
    says=lambda knobs: knobs["queries"] == "own",
)
async def retrieve(
    question: Question,
    ask: Ask,
    *,
    passages: Annotated[int, Field(ge=1, le=20, description="Passages returned by each search")] = 2,
    queries: Annotated[
        Literal["usual", "own", "chain"],
        Field(
            description="Who words the queries: the model (own) or the task's chain of steps (chain); usual is own for "
            "chat models and chain for completion models"
        ),
    ] = "usual",
    thought_tokens: Annotated[
        int,
        Field(ge=0, le=32_000, description="Longest thought before each answer, where queries are own; 0: none"),
    ] = 0,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of every call")] = 0.0,
) -> Turns:
    """Search, read, and search again with what was found; one more search per level.

    Spends one search and one call per level. Where the model words its own queries, it is also asked for an answer at
    the levels asked for and where it ends, at once or after a thought of `thought_tokens` (a probe); it may say that it
    knows enough. Led
    along the task's chain, what is read off the passages is both the next thing to look up and the answer if stopped
    there. Wins where the facts are not in the prompt; loses where a wrong passage sends all later queries astray. Small
    models word poor queries: the task then lists what could be looked up, if it has a form for that.
    """
    own = queries == "own" or (queries == "usual" and question.format == "chat")
    if own or question.steps is None:
        turns = _by_queries(question, ask, passages, thought_tokens, temperature)
    else:
        turns = _by_steps(question.steps, ask, passages, temperature)
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


async def _by_queries(question: Question, ask: Ask, passages: int, thought_tokens: int, temperature: float) -> Turns:
    granted = yield Checkpoint(0)
    facts: list[str] = []
    asked: list[str] = []
    level, finished = 0, False
    while not finished:
        level += 1
        query = await ask(_query(question, facts, asked), role="query", level=level, temperature=temperature)
        words = wanted(query)
        finished = words is None
        if words:
            asked.append(words)
            found = await ask.search(words, level=level, k=passages)
            facts += [fact for fact in in_reading_order(question, found) if fact not in facts]
        if not finished and level < granted and level not in ask.levels:
            continue  # nobody stops here, so no answer is paid for
        answer = await probed(
            _informed(question, facts),
            ask,
            role="synthesise",
            level=level,
            thought_tokens=thought_tokens,
            temperature=temperature,
        )
        granted = yield Checkpoint(level, answer, final=finished)


def _query(question: Question, facts: Sequence[str], asked: Sequence[str]) -> Prompt:
    if question.format == "completion":
        return next_query(question, facts, asked, QUERY_TOKENS)
    return Prompt(messages=_told(question.answer, SEARCH, facts), max_tokens=QUERY_TOKENS, key="free")


def _informed(question: Question, facts: Sequence[str]) -> Question:
    if question.format == "completion":
        return informed(question, facts)
    answer = replace(question.answer, messages=_told(question.answer, ANSWER, facts))
    think = question.think and replace(question.think, messages=_told(question.think, ANSWER, facts))
    return replace(question, answer=answer, think=think)


def _told(prompt: Prompt, template: str, facts: Sequence[str]) -> tuple[Message, ...]:
    text = template.replace("{facts}", "\n".join(f"- {fact}" for fact in facts) or NO_FACTS)
    return (*prompt.messages, Message("user", text))
