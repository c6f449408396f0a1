"""Benches about many steps: voted steps and what they cost, errors that snowball, walks on a graph."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from fourdials import theory
from fourdials.bench.records import Bench, Knob, Played, lines
from fourdials.estimate import wilson
from fourdials.figures.numbers import count, percent

TRIALS = 4000


def voted(p: float, disks: float, correlation: float, target: float) -> Played:
    """How often a tower is finished without an error, by the lead a step's answer must have."""
    steps, leads = theory.hanoi_steps(int(disks)), np.arange(1, 31)
    alone, shared = theory.all_right(p, leads, steps), theory.all_right(p, leads, steps, correlation=correlation)
    frame = lines(
        ("independent errors", "line", leads, alone),
        (f"target {percent(target)}", "dash", leads[[0, -1]], [target, target]),
    )
    if correlation:
        frame = pl.concat([frame, lines((f"correlation {correlation:.2f}", "line", leads, shared))])
    one = float(theory.chain(p, steps))
    if p <= 0.5:
        return Played(frame, f"With p = {p:.3f}, not above one half, no lead helps: more votes make errors surer.")
    lead = theory.least_lead(p, steps, target)
    calls = theory.chain_cost(p, lead, steps, 1.0)
    worth = float(theory.all_right(p, lead, steps, correlation=correlation))
    sure = float(theory.all_right(p, lead, steps))
    reading = (
        f"{steps:,} steps that are each right with {p:.3f} all succeed {_tiny(one)} of the time if each is asked once. "
        f"A lead of {lead}, the least for {percent(target)}, makes it {_tiny(sure)} with independent errors, for "
        f"{count(calls)} calls ({calls / steps:.1f} a step)."
    )
    if correlation:
        reading += f" With a correlation of {correlation:.2f} the same lead gives {_tiny(worth)}: shared errors stay."
    return Played(frame, reading)


def tower(p: float, disks: float, correlation: float, target: float) -> Played:
    """Plays every step of one tower with the least lead that the formula asks for, and counts errors along the way."""
    steps = theory.hanoi_steps(int(disks))
    lead = theory.least_lead(p, steps, target) if p > 0.5 else 1
    found = theory.voted_chain(steps, p, lead, correlation=correlation, seed=0)
    frame = lines((f"lead {lead}: this tower", "points", [lead], [float(found.errors == 0)]))
    first = (
        "no error"
        if found.first_error is None
        else f"{found.errors:,} errors, the first at step {found.first_error + 1:,}"
    )
    reading = (
        f"Simulated, without any model: {steps:,} steps, each voted on until an answer is {lead} ahead: {first}, with "
        f"{found.calls:,} calls ({found.calls / steps:.2f} a step). The first two votes were both wrong in "
        f"{found.agreed_wrong:,} steps; independent errors would make it about {(1 - p) ** 2 * steps:,.0f}."
    )
    return Played(frame, reading, "Simulated, without a model: one tower, seed 0")


def snowball(strength: float, length: float, wander: float) -> Played:
    """How often the first l steps are all right: at a constant rate, with errors that snowball, and wandering."""
    steps = np.arange(int(length) + 1)
    rolled = theory.snowball(strength, int(length))
    first = float(theory.snowball_rates(strength, 1)[0])
    frame = lines(
        ("errors snowball", "line", steps, rolled),
        (f"constant rate {first:.2f}", "dash", steps, theory.chain(first, steps)),
        ("wandering", "line", steps, theory.wandering(wander, steps)),
    )
    reading = (
        f"With λ = {strength:g} the first step is right with {percent(first)}. Were that rate constant, "
        f"{int(length)} steps "
        f"would all be right {_tiny(float(theory.chain(first, int(length))))} of the time; where errors snowball it is "
        f"{_tiny(float(rolled[-1]))}. To tell the two apart in a run, look at the rate of each step, not at the "
        f"product."
    )
    return Played(frame, reading)


def vertex(length: float, scatter: float) -> Played:
    """How often the target is named on two paths, by the number of vertices queried; with points that were played."""
    edges = int(length)
    asked = np.arange(0, 2 * edges + 3)
    tried = np.unique(np.linspace(1, 2 * edges + 1, 7).round().astype(int))
    points = [theory.draw_two_paths(edges, int(q), "scatter", TRIALS) for q in tried]
    frame = lines(
        ("one walk, step after step", "line", asked, [theory.two_paths(edges, int(q)) for q in asked]),
        ("so many looks at once", "line", asked, [theory.two_paths(edges, int(q), "scatter") for q in asked]),
        ("played", "points", tried, [each.right / each.trials for each in points]),
    )
    ends = [wilson(each.right / each.trials, each.trials) for each in points]
    low = [None] * (frame.height - len(ends)) + [each.low for each in ends]
    high = [None] * (frame.height - len(ends)) + [each.high for each in ends]
    frame = frame.with_columns(pl.Series("low", low, pl.Float64), pl.Series("high", high, pl.Float64))
    spot = int(scatter)
    at = theory.two_paths(edges, spot, "scatter")
    reading = (
        f"Two paths of {edges} edges: a walk that follows its path knows the target from {edges} queries on and "
        f"tosses a coin "
        f"before. {spot} queries all at once are right {percent(at)} of the time; with fewer than {edges / 2:g} "
        f"nobody can "
        "beat one half, in whatever order."
    )
    return Played(frame, reading, f"Closed form, and {TRIALS:,} simulated graphs a point (no model), seed 0")


def bridge(depth: float, room: float) -> Played:
    """Votes of short walks needed for two thirds, by the depth of the graph, next to one walk that is long enough."""
    depths = np.arange(1, int(depth) + 1)

    def needed(d: int, steps: int) -> float:
        found = theory.bridge_votes(d, steps)
        return found if math.isfinite(found) else math.nan

    shortest = [needed(int(d), int(d) * 1 + 1 + int(room)) for d in depths]
    frame = lines(
        ("votes of short walks", "line", depths, shortest),
        ("one walk, long enough", "dash", depths, np.ones(len(depths))),
    ).drop_nans("y")
    right = theory.bridge_accuracy(int(depth), int(depth) + 1 + int(room))
    reading = (
        f"A walk with {int(room)} edges to spare on a graph of {int(depth)} cycles names the right target "
        f"{percent(right)} of the time, so {count(shortest[-1])} votes are needed for two thirds. On a logarithmic "
        f"axis that "
        "is about a straight line: exponential in the depth."
    )
    return Played(frame, reading)


def _tiny(value: float) -> str:
    """A share of 1; a very small one as a power of ten."""
    if value >= 1e-3:
        return percent(value)
    return f"1 in 10^{-math.log10(value):.0f}" if value > 1e-300 else "practically none"


VOTED = Bench(
    name="ahead",
    title="A million voted steps",
    question="What does a vote at every step buy, and at what price?",
    formula=r"\begin{gathered} p_{\mathrm{full}} = \left(1+r^k\right)^{-s}, \quad r = \tfrac{1-p}{p} \\ "
    r"\mathbb{E}[\mathrm{votes}] = \tfrac{k}{2p-1}\cdot\tfrac{1-r^k}{1+r^k} \end{gathered}",
    source="Meyerson et al. 2025, arXiv 2511.09030; votes per step: our derivation (gambler's ruin)",
    assumes="Wrong votes all agree, which is the worst case; steps are independent given their rates.",
    knobs=(
        Knob("p", "One reply is right", 0.45, 0.999, 0.96, 0.001),
        Knob("disks", "Disks of the tower", 3, 20, 20, 1),
        Knob("correlation", "Correlation of two votes on a step", 0.0, 0.5, 0.0),
        Knob("target", "Chance wanted for the whole tower", 0.5, 0.999, 0.95, 0.001),
    ),
    play=voted,
    x="lead k that an answer must have",
    y="all steps are right",
    overlay="leads",
    slow=tower,
)
SNOWBALL = Bench(
    name="snowball",
    title="Errors that snowball",
    question="When do many steps all succeed?",
    formula=r"\begin{gathered} P(\text{step } l) = \min(\lambda e^{-l}, 1) \\ "
    r"P(\text{all } L) \le \lambda^L e^{-L(L+1)/2} \\ \text{wandering: } (1 - p_w/2)^d \end{gathered}",
    source="Gan et al. 2025, arXiv 2501.15602; wandering: our form for Lu et al. 2025, arXiv 2505.20296",
    assumes="No error is undone.",
    knobs=(
        Knob("strength", "λ", 0.1, 20.0, 2.6, 0.1),
        Knob("length", "Steps", 2, 30, 10, 1),
        Knob("wander", "Chance to wander at a step", 0.0, 1.0, 0.2),
    ),
    play=snowball,
    x="steps",
    y="all right so far",
    overlay="compounding",
)
VERTEX = Bench(
    name="vertex",
    title="Queries on a graph",
    question="One long walk or many looks at once?",
    formula=r"\begin{gathered} \text{walk: } P = 1 \text{ for } q \ge L, \text{ else } \tfrac12 \\ "
    r"q < L/2 \Rightarrow P = \tfrac12 \text{ in any order} \end{gathered}",
    source="Vertex-query model of Mirtaheri et al. 2025, arXiv 2505.21825; counts: our derivation",
    assumes="A query shows a vertex's neighbours; labels tell nothing; who does not know tosses a coin.",
    knobs=(
        Knob("length", "Edges L of each path", 2, 60, 20, 1),
        Knob("scatter", "Queries all at once", 0, 120, 20, 1),
    ),
    play=vertex,
    x="vertices queried",
    y="the target is named",
    overlay="walked",
)
BRIDGE = Bench(
    name="bridge",
    title="Votes that make up for shortness",
    question="How many short walks replace a long one?",
    formula=r"\begin{gathered} P = \tfrac12 + e^{-\Omega(d)} \\ "
    r"\Rightarrow \text{votes for } \tfrac23 = e^{\Omega(d)} \end{gathered}",
    source="Mirtaheri et al. 2025, arXiv 2505.21825; exact reach: our computation",
    assumes="Cycles with a short arm of 1 edge, a long one of 3 and a dead end of 2; each way is as likely.",
    knobs=(
        Knob("depth", "Cycles in a row", 2, 14, 8, 1),
        Knob("room", "Edges to spare beyond the shortest way", 0, 8, 0, 1),
    ),
    play=bridge,
    x="cycles of the graph",
    y="votes needed for two thirds",
    percent=False,
    log_y=True,
)
