"""Benches about when and on which model to spend: sleep-time compute, and FLOPs of a small against a large model."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from fourdials import theory
from fourdials.bench.records import Bench, Knob, Played, lines
from fourdials.figures.numbers import count

SHARES = (0.16, 0.79, 22.0)  # tokens of use for each of training, in the source


def asleep(plain: float, test: float, sleep: float, weight: float) -> Played:
    """What a context costs in all, by the number of questions asked about it."""
    questions = np.arange(0, 21)
    awake, slept = theory.sleep_cost(plain, questions, 0.0, weight), theory.sleep_cost(test, questions, sleep, weight)
    even = theory.sleep_break_even(plain, test, sleep, weight)
    frame = lines(("thinking when asked", "dash", questions, awake), ("thinking beforehand", "line", questions, slept))
    if math.isinf(even):
        return Played(frame, "Each question takes as many tokens as without sleep, so sleeping never pays.")
    reading = (
        f"Thinking beforehand is cheaper from {math.floor(even) + 1} questions on one context on. With ten questions "
        f"it "
        f"costs {slept[10] / awake[10]:.2f} times as much as thinking when asked, at the accuracy you assumed to be "
        f"equal."
    )
    return Played(frame, reading)


def exchange(size: float, share: float) -> Played:
    """How many times the large model's tokens a small one may spend at equal FLOPs, by the ratio of sizes."""
    ratios = np.geomspace(1, 100, 80)
    frame = pl.concat(
        [
            *(lines((f"R = {each:g} (source)", "dash", ratios, theory.flop_exchange(ratios, each))) for each in SHARES),
            lines((f"your R = {share:g}", "line", ratios, theory.flop_exchange(ratios, share))),
        ]
    )
    found = float(theory.flop_exchange(size, share))
    reading = (
        f"A model {size:g} times smaller may spend {count(found)} times the tokens of the large one, where {share:g} "
        f"tokens "
        "are used for each token of training. The more a model is used, the closer this comes to the plain ratio of "
        "sizes."
    )
    return Played(frame, reading)


SLEEP = Bench(
    name="sleep",
    title="Sleep-time compute",
    question="From how many questions on does thinking beforehand pay?",
    formula=r"\begin{gathered} \mathrm{total} = w \cdot \mathrm{test} \cdot Q + \mathrm{sleep} \\ "
    r"Q^* = \tfrac{\mathrm{sleep}}{w(\mathrm{plain} - \mathrm{test})} \end{gathered}",
    source="Lin et al. 2025, arXiv 2504.13171",
    assumes="The same accuracy with and without sleep, which only a run can show.",
    knobs=(
        Knob("plain", "Tokens a question without sleep", 50, 5000, 1000, 50),
        Knob("test", "Tokens a question with sleep", 0, 5000, 200, 50),
        Knob("sleep", "Tokens of sleep, once", 0, 50000, 8000, 500),
        Knob("weight", "Times dearer while somebody waits (w)", 1, 10, 10, 1),
    ),
    play=asleep,
    x="questions on one context (Q)",
    y="tokens in all, weighted",
    percent=False,
    overlay="slept",
)
EXCHANGE = Bench(
    name="flops",
    title="Compute or size",
    question="How much more may a small model spend?",
    formula=r"\begin{gathered} M + 3\,\tfrac{D_{\mathrm{pre}}}{D_{\mathrm{inf}}}\,(M-1) \\ "
    r"R = D_{\mathrm{inf}} / D_{\mathrm{pre}} \end{gathered}",
    source="Snell et al. 2024, arXiv 2408.03314",
    assumes="6 FLOPs per parameter and token of training, 2 of use; both models trained on as many tokens.",
    knobs=(
        Knob("size", "M: times larger the large model is", 1, 100, 14, 1),
        Knob("share", "R: tokens of use per token of training", 0.05, 50.0, 0.79),
    ),
    play=exchange,
    x="ratio of sizes M",
    y="times the large model's tokens",
    percent=False,
    log_x=True,
    log_y=True,
)
