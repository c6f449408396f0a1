"""Chains of revisions side by side, and a vote over their last answers: width times depth at a fixed product."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import ask_again
from fourdials.records import Checkpoint, Reply
from fourdials.strategies.parallel._voting import Votes

AGAIN = "Look for mistakes in that answer, then answer the question again, in the form asked for."


@strategy(
    dial="hybrid",
    unit="answers (samples × revisions)",
    levels=(1, 2, 4, 8, 16),
    source="width against depth: Baek et al. 2026, arXiv 2605.19376; Snell et al. 2024, arXiv 2408.03314",
    prompts={"again (chat)": AGAIN},
)
async def width_depth(
    question: Question,
    ask: Ask,
    *,
    depth: Annotated[int, Field(ge=1, le=64, description="Answers in one chain: a sample and its revisions")] = 2,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every call")] = 0.8,
) -> Turns:
    """Sample, revise each sample until its chain is `depth` answers long, and vote over the chains.

    Spends one call per level, so a level is the product of width and depth: at 16 and depth 1 a plain vote over 16
    samples, at depth 16 one chain of 15 revisions. A chain is finished before the next one counts. Width wins where
    attempts are independent and time is short, depth where a second look helps; depth loses where models talk
    themselves out of right answers, width where all err in the same way.
    """
    granted = yield Checkpoint(0)
    chains: list[list[Reply]] = []
    finished, done = Votes(question.ballot), 0
    while True:
        begun, width = len(chains), -(-granted // depth)
        starts = range(begun * depth + 1, width * depth + 1, depth)
        if starts:
            firsts = await ask.samples(question.answer, role="solve", levels=starts, temperature=temperature)
            chains += [[reply] for reply in firsts]
        ends = await asyncio.gather(
            *(
                _revise(question, ask, chain, number, min(depth, granted - number * depth), depth, temperature)
                for number, chain in enumerate(chains)
            ),
            return_exceptions=True,  # what was answered before the budget ended counts
        )
        wanted = granted
        while done < granted and done // depth < len(chains) and done % depth < len(chains[done // depth]):
            length = done % depth + 1  # of the chain that this answer belongs to; those before it are finished
            votes = finished.plus(_last(chains[done // depth][:length]))
            done += 1
            if length == depth:
                finished = votes
            wanted = yield Checkpoint(done, votes.leader, detail={"votes": votes.counts})
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        granted = wanted


async def _revise(
    question: Question, ask: Ask, chain: list[Reply], number: int, length: int, depth: int, temperature: float
) -> None:
    """Makes a chain `length` answers long; each revision waits for its own chain only."""
    while len(chain) < length:
        branch = ask.fork(f"chain-{number}-{len(chain)}")
        prompt = ask_again(question, question.answer, chain[-1].text, AGAIN)
        level = number * depth + len(chain) + 1
        chain.append(await branch(prompt, role="revise", level=level, temperature=temperature, after=[chain[-1]]))


def _last(chain: Sequence[Reply]) -> str | None:
    return next((reply.answer for reply in reversed(chain) if reply.answer is not None), None)
