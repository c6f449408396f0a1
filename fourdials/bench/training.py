"""Benches about what was trained in, and the shape of refining: compositions, entropy, width against depth."""

from __future__ import annotations

import numpy as np

from fourdials import theory
from fourdials.bench.records import Bench, Knob, Played, lines
from fourdials.figures.numbers import count, percent, plain

MOST_RULES = 8  # applied in a row


def composed(rules: float, shown: float, rate: float) -> Played:
    """Right answers by the number of rules in a row, for a model that knows parts and one that knows cases by heart."""
    length = np.arange(1, MOST_RULES + 1)
    parts, cases = theory.chain(rate, length), theory.by_heart(int(rules), length, shown)
    frame = lines(
        ("composes the parts it knows", "line", length, parts), ("knows cases by heart", "dash", length, cases)
    )
    here = length[cases < 0.5]
    reading = (
        f"With {int(rules)} rules and {count(shown)} examples of each length, cases learned by heart are right "
        f"{percent(cases[0])} of the time on one rule and {_rare(float(cases[-1]))} on {MOST_RULES} in a row"
        + (f"; from {here[0]} on they fail on most" if len(here) else "")
        + f". A model that is right {percent(rate)} of the time on one rule and composes has {percent(parts[-1])} "
        "there. Up to that length the two look alike: only what lies outside of the examples tells them apart."
    )
    return Played(frame, reading)


def traded(price: float, ceiling: float, start: float, now: float) -> Played:
    """The score against the entropy that is left, from where training began."""
    begun, left = max(start, now), min(start, now)
    entropy = np.linspace(0, begun, 81)
    score = theory.entropy_reward(entropy, price, ceiling)
    at = theory.entropy_reward([begun, left], price, ceiling)
    frame = lines(
        ("score by the entropy left", "line", entropy, score),
        ("ceiling: entropy used up", "dash", [0, begun], [ceiling, ceiling]),
        ("now", "points", [left], [float(at[1])]),
    )
    room, done = ceiling - float(at[0]), float(at[1] - at[0])
    reading = (
        f"From {plain(begun)} to {plain(left)} nats the score rose from {plain(float(at[0]))} to "
        f"{plain(float(at[1]))}, "
        f"{percent(done / room) if room > 0 else 'none'} of what this law has to give. No more training of the same "
        f"kind goes beyond {plain(ceiling)}: there is no entropy left to pay with. "
        f"The law was fitted to training runs; no call shows its two numbers."
    )
    return Played(frame, reading)


def shaped(first: float, mend: float, spoil: float, total: float, correlation: float) -> Played:
    """How often a vote over chains of revisions is right, by how wide it is, at so many answers in all."""
    answers = int(total)
    width = np.array([2**i for i in range(int(np.log2(answers)) + 1)])
    shared = [theory.wide_and_deep(first, mend, spoil, answers, int(n), correlation) for n in width]
    alone = [theory.wide_and_deep(first, mend, spoil, answers, int(n)) for n in width]
    frame = lines(
        ("independent chains", "dash", width, alone),
        ("problems differ", "line", width, shared),
        ("one answer, never revised", "dash", width, np.full(len(width), first)),
    )
    best = int(np.argmax(shared))
    settled = mend / (mend + spoil) if mend + spoil else first
    reading = (
        f"Of {answers} answers, one chain of {answers} is right {percent(shared[0])} of the time and a vote over "
        f"{answers} first answers {percent(shared[-1])}; best is a width of {width[best]} ({percent(shared[best])}). "
        f"Revising tends to {percent(settled)}, "
        f"{'above' if settled > first else 'not above'} the first answer's {percent(first)}. The wide shape waits for "
        f"one answer, the deep one for {answers} one after the other."
    )
    return Played(frame, reading)


def _rare(value: float) -> str:
    return percent(value) if value >= 1e-3 or value == 0 else f"once in {count(1 / value)}"


COMPOSED = Bench(
    name="composed",
    title="Parts or cases",
    question="What does a new combination tell?",
    formula=r"\begin{gathered} \text{parts: } p^L \\ \text{by heart: } 1-\left(1-R^{-L}\right)^n \end{gathered}",
    source="Occupancy of boxes by balls; our derivation, for the claim of DataAlchemy, arXiv 2508.01191",
    assumes="Examples of each length are drawn anew, each combination as likely; a case not met is wrong.",
    knobs=(
        Knob("rules", "Rules R", 2, 26, 5, 1),
        Knob("shown", "Examples n of each length", choices=(10, 30, 100, 300, 1000, 3000, 10_000), at=300),
        Knob("rate", "One rule is right (p)", 0.5, 1.0, 0.99),
    ),
    play=composed,
    x="rules in a row (L)",
    y="right on a combination drawn anew",
)
ENTROPY = Bench(
    name="entropy",
    title="Reward bought with entropy",
    question="How far does training go?",
    formula=r"\begin{gathered} R = -a\,e^{H} + b \\ R_{\max} = b - a \text{ at } H = 0 \end{gathered}",
    source="Cui et al. 2025, arXiv 2505.22617",
    assumes="Nothing keeps the entropy up. A law fitted to training runs: nothing here can be seen by calls.",
    knobs=(
        Knob("price", "a: score paid for with entropy", 0.0, 0.3, 0.1),
        Knob("ceiling", "b − a: score without entropy", 0.1, 1.0, 0.6),
        Knob("start", "Entropy at first, nats", 0.0, 2.0, 1.2),
        Knob("now", "Entropy now, nats", 0.0, 2.0, 0.3),
    ),
    play=traded,
    x="entropy left (nats a token)",
    y="score",
    percent=False,
)
WIDTH = Bench(
    name="width",
    title="Width against depth",
    question="Side by side, or one after another?",
    formula=r"\begin{gathered} a_m = a_\infty + (a_1-a_\infty)(1-\mu-\sigma)^{m-1} \\ "
    r"a_\infty = \tfrac{\mu}{\mu+\sigma} \\ P = \mathrm{majority}(a_{T/N}, N, \rho) \end{gathered}",
    source="Two-state chain of revisions and Condorcet's vote; our derivation",
    assumes="Two answers; what a revision mends and spoils does not depend on how often it was revised before.",
    knobs=(
        Knob("first", "The first answer is right (a₁)", 0.05, 0.95, 0.6),
        Knob("mend", "A revision mends a wrong one (μ)", 0.0, 0.9, 0.1),
        Knob("spoil", "A revision spoils a right one (σ)", 0.0, 0.9, 0.2),
        Knob("total", "Answers in all (T)", choices=(4, 16, 64, 256), at=16),
        Knob("correlation", "Correlation ρ of two chains", 0.0, 0.95, 0.2),
    ),
    play=shaped,
    x="chains side by side (N)",
    y="the vote is right",
    log_x=True,
)
