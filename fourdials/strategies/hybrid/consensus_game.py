"""Sampled answers and the verdicts on them, brought to agree by a game between generator and discriminator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.prompting import yes_or_no
from fourdials.records import Checkpoint, Reply
from fourdials.strategies._together import all_samples, together
from fourdials.strategies.parallel._judging import CHAT, COMPLETION
from fourdials.strategies.parallel._voting import Votes

Policy = NDArray[np.float64]  # 2 × candidates; the first row is for `correct`, the second for `incorrect`


@strategy(
    dial="hybrid",
    unit="candidates",
    levels=(1, 2, 4, 8),
    source="equilibrium-ranking: Jacob et al. 2023, arXiv 2310.09139",
    parts=("solver", "verifier"),
    prompts={"opinion (chat)": CHAT, "opinion (completion)": COMPLETION},
    abilities=lambda knobs: ("grammar", "logprobs") if knobs["belief"] == "logprobs" else (),
)
async def consensus_game(
    question: Question,
    ask: Ask,
    *,
    temperature: Annotated[float, Field(gt=0, le=2, description="Sampling temperature of the candidates")] = 0.8,
    belief: Annotated[
        Literal["votes", "logprobs"],
        Field(description="How sure the verifier is: repeated votes, or the log-probabilities of yes and of no"),
    ] = "votes",
    opinions: Annotated[int, Field(ge=1, le=32, description="Verdicts per distinct answer, with votes")] = 4,
    ranks: Annotated[
        Literal["generator", "discriminator"], Field(description="Whose equilibrium policy picks the answer")
    ] = "discriminator",
    stiffness: Annotated[float, Field(gt=0, le=10, description="λ: how firmly each holds to its first policy")] = 0.1,
    rate: Annotated[float, Field(gt=0, le=100, description="η: learning rate of the no-regret updates")] = 0.1,
    rounds: Annotated[int, Field(ge=1, le=5000, description="Updates of each policy")] = 1000,
) -> Turns:
    """Let the shares of sampled answers and the verdicts on them settle in equilibrium, and take the answer agreed on.

    Spends one sample per level, and with it `opinions` verdicts (or one forced yes and one forced no) where its answer
    is new; the game itself is arithmetic. The generator starts from the share of samples for each answer, told
    `correct`, and from no preference, told `incorrect` (the source asks for a wrong answer instead, which would double
    the samples). The checkpoint's detail holds what a vote and the product of share and verdict pick from the same
    calls. Wins where samples and verdicts err apart from each other; loses to a plain vote at equal spend where the
    verifier is at chance, and to best_of_n where it is excellent.
    """
    granted = yield Checkpoint(0)
    votes, taken = Votes(question.ballot), 0
    beliefs: dict[str, float] = {}  # by ballot
    count = opinions if belief == "votes" else None
    while True:
        end = next((level for level in ask.levels if taken < level <= granted), granted)
        levels = range(taken + 1, end + 1)
        replies = await ask.samples(question.answer, role="solve", levels=levels, temperature=temperature)
        fresh: dict[str, tuple[int, Reply]] = {}
        for level, reply in zip(levels, replies, strict=False):  # fewer replies where the budget ended
            if reply.answer is not None and (cast := question.ballot(reply.answer)) not in beliefs:
                fresh.setdefault(cast, (level, reply))
            ask.offer(reply.answer, level=level)
        branches = [ask.fork(f"verify-{level}") for level, _ in fresh.values()]
        judged = await together(
            [
                _believed(question, branch, reply, level, count)
                for branch, (level, reply) in zip(branches, fresh.values(), strict=True)
            ]
        )
        if branches:
            ask.join(*branches)
        beliefs |= dict(zip(fresh, judged, strict=True))
        for reply in replies:
            taken, votes = taken + 1, votes.plus(reply.answer)
            sure = {name: beliefs[question.ballot(name)] for name in votes.counts}
            picks = _picks(votes.counts, sure, ranks, stiffness, rate, rounds)
            granted = yield Checkpoint(taken, picks.get("consensus"), detail=picks)


def _picks(
    votes: Mapping[str, int], beliefs: Mapping[str, float], ranks: str, stiffness: float, rate: float, rounds: int
) -> dict[str, Any]:
    """What the game, a vote, and the product of share and verdict pick; empty without an answer. Ties go to the
    answer with more votes, then to the earlier one."""
    if not votes:
        return {}
    names = sorted(votes, key=lambda name: -votes[name])  # stable: the earlier answer stays in front
    shares = [votes[name] / sum(votes.values()) for name in names]
    sure = [beliefs[name] for name in names]
    generator, discriminator = equilibrium(shares, sure, stiffness, rate, rounds)
    found = (generator if ranks == "generator" else discriminator)[0]
    product = [share * right for share, right in zip(shares, sure, strict=True)]
    return {
        "consensus": names[int(np.argmax(np.round(found, 9)))],
        "vote": names[0],
        "product": names[int(np.argmax(product))],
        "policy": {name: round(float(value), 6) for name, value in zip(names, found, strict=True)},
    }


def equilibrium(
    shares: Sequence[float], beliefs: Sequence[float], stiffness: float, rate: float, rounds: int
) -> tuple[Policy, Policy]:
    """Both policies after so many piKL updates: the generator's π(y | v) and the discriminator's π(v | y), 2 × n each.

    With u = ½ Σ_v Σ_y π_G(y|v) π_D(v|y) for both players, each keeps Q_t, half the average of the other's policies so
    far, and moves to π_(t+1) ∝ exp((Q_t + λ log π_1) / (1/(η t) + λ)), the generator normalised over answers y, the
    discriminator over v ∈ {correct, incorrect} (Jacob et al. 2023, arXiv 2310.09139, section 2). The discriminator's
    first policy is P(v|y) / Σ_y P(v|y), normalised over v, as there.

    Args:
        shares: The generator's share of each answer, told `correct`; positive. Told `incorrect` it starts uniform.
        beliefs: The discriminator's probability that each answer is right, in (0, 1).
        stiffness: λ.
        rate: η.
        rounds: Updates, at least 1.
    """
    right: Policy = np.asarray(beliefs, dtype=np.float64)
    first_g = np.stack([np.asarray(shares, dtype=np.float64), np.full(len(shares), 1 / len(shares))])
    first_g /= first_g.sum(axis=1, keepdims=True)
    first_d = np.stack([right, 1 - right])
    first_d /= first_d.sum(axis=1, keepdims=True)
    first_d /= first_d.sum(axis=0, keepdims=True)
    generator, discriminator = first_g, first_d
    sum_g, sum_d = np.zeros_like(first_g), np.zeros_like(first_d)
    for t in range(1, rounds + 1):
        sum_g, sum_d = sum_g + generator, sum_d + discriminator
        sharpness = 1 / (1 / (rate * t) + stiffness)
        generator = _softmax((sum_d / (2 * t) + stiffness * np.log(first_g)) * sharpness, axis=1)
        discriminator = _softmax((sum_g / (2 * t) + stiffness * np.log(first_d)) * sharpness, axis=0)
    return generator, discriminator


def _softmax(values: Policy, axis: int) -> Policy:
    raised: Policy = np.exp(values - values.max(axis=axis, keepdims=True))
    scaled: Policy = raised / raised.sum(axis=axis, keepdims=True)
    return scaled


async def _believed(question: Question, ask: Ask, reply: Reply, level: int, opinions: int | None) -> float:
    """The verifier's probability that an answer is right, never 0 or 1.

    From votes (1 + yes) / (2 + opinions), Laplace's rule; else the probability of a forced `yes` over that of a forced
    `yes` and a forced `no`, which needs no assumption about what else a model would have said.
    """
    assert reply.answer is not None
    prompt = yes_or_no(question, reply.answer, CHAT, COMPLETION)
    if opinions is not None:
        verdicts = await all_samples(
            ask, prompt, opinions, role="verify", level=level, temperature=1.0, part="verifier", after=[reply]
        )
        return (1 + sum(verdict.answer == "yes" for verdict in verdicts)) / (2 + opinions)
    forced = [
        await ask(replace(prompt, choices=(word,)), role="verify", level=level, part="verifier", after=[reply])
        for word in ("yes", "no")
    ]
    if any(said.logprob is None for said in forced):
        return 0.5  # the route gave none after all: the verifier then says nothing
    yes, no = (said.logprob or 0.0 for said in forced)
    return min(max(1 / (1 + math.exp(min(no - yes, 700.0))), 1e-6), 1 - 1e-6)
