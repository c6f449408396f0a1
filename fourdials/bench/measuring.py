"""Benches about reading results: a range of budgets, a share of a gain, families of curves, what a score hides."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from fourdials import theory
from fourdials.bench.records import LINE_SCHEMA, Bench, Knob, Played, lines
from fourdials.figures.numbers import count, percent, plain

STUDIES = 200  # drawn for each point of the bench of ranges
_RATE = 0.5  # mean score there: where chance is largest


def ranged(slope: float, spread: float, problems: float, configurations: float) -> Played:
    """How much of the variance tokens explain, by the range of budgets that was tried; with studies that were drawn."""
    ratio, n, many = np.geomspace(1, 1000, 61), int(problems), int(configurations)
    found = theory.explained(ratio, slope, spread, _RATE, n)
    tried = np.array([2.0, 10.0, 100.0, 1000.0])
    drawn = [theory.draw_explained(each, slope, spread, _RATE, n, many, STUDIES) for each in tried]
    frame = lines(
        ("tokens explain", "line", ratio, found.spend),
        ("the arrangement explains", "dash", ratio, found.arrangement),
        ("left to chance", "dash", ratio, found.chance),
    )
    points = pl.DataFrame(
        {
            "line": ["studies drawn: tokens, middle 95 %"] * len(tried),
            "kind": ["points"] * len(tried),
            "x": tried.tolist(),
            "y": [float(each.mean()) for each in drawn],
            "low": [float(np.quantile(each, 0.025)) for each in drawn],
            "high": [float(np.quantile(each, 0.975)) for each in drawn],
        },
        LINE_SCHEMA,
    )
    at = theory.explained([2.0, 100.0], slope, spread, _RATE, n)
    reading = (
        f"The same {many} configurations: with budgets up to twice the smallest, tokens explain "
        f"{percent(at.spend[0])} of the variance, with budgets up to a hundred times {percent(at.spend[1])}. Nothing "
        f"about the agents has changed. "
        f"Averages over {n} problems leave {percent(at.chance[1])} of it to chance there."
    )
    status = f"Closed form, and {STUDIES} simulated studies a point (no model), seed 0"
    return Played(pl.concat([frame, points]), reading, status)


def kept(gain: float, share: float, base: float, correlation: float) -> Played:
    """The interval to expect for the share of a gain that is kept, by the number of problems."""
    most = min(gain, 1 - base)
    number = np.unique(np.geomspace(20, 20_000, 60).round().astype(int))
    ends = [theory.share_kept(base, most, share, int(n), correlation) for n in number]
    told = np.array([math.isfinite(each.low) and each.high <= 3 and each.low >= -2 for each in ends])
    frame = lines(
        ("the share in truth", "dash", number[[0, -1]], [share, share]),
        ("counts as kept from 80 % on", "dash", number[[0, -1]], [0.8, 0.8]),
        (
            "interval, upper end",
            "line",
            number[told],
            [each.high for each, fits in zip(ends, told, strict=True) if fits],
        ),
        (
            "interval, lower end",
            "line",
            number[told],
            [each.low for each, fits in zip(ends, told, strict=True) if fits],
        ),
    )
    settled = [n for n, each in zip(number, ends, strict=True) if each.low > 0.8]
    begins = [n for n, each in zip(number, ends, strict=True) if math.isfinite(each.low)]
    reading = (
        f"A gain of {percent(most)} over {percent(base)}, of which {percent(share)} is kept: "
        + (
            f"below about {count(begins[0])} problems the gain itself cannot be told from none, and a share of it says "
            f"nothing. "
            if begins
            else "with 20,000 problems the gain itself cannot be told from none, and a share of it says nothing. "
        )
        + (
            f"That at least 80 % is kept is shown from about {count(settled[0])} problems on."
            if settled
            else "That at least 80 % is kept is not shown with 20,000 problems either."
        )
    )
    return Played(frame, reading)


def families(truth: float, levels: float, most: float) -> Played:
    """How often each family of curves wins, by the problems behind each point of a drawn curve."""
    place, many = int(truth), int(levels)
    number = np.unique(np.geomspace(10, int(most), 7).round().astype(int))
    won = theory.family_wins(place, many, number, 300)
    frame = lines(
        *(
            (f"{name} (true)" if i == place else name, "line" if i == place else "dash", number, won[:, i])
            for i, name in enumerate(theory.FAMILIES)
        )
    )
    near = int(np.abs(number - 60).argmin())
    best = int(won[near].argmax())
    reading = (
        f"The curve is {theory.FAMILIES[place]}, measured at {many} budgets. With {number[near]} problems a point the "
        f"family that wins most often is {theory.FAMILIES[best]} ({percent(won[near, best])}), and the true one wins "
        f"{percent(won[near, place])} of the time; with {count(number[-1])} problems {percent(won[-1, place])}."
    )
    if many <= 4:
        reading += " With four budgets no family of three numbers can win: a curve of three bends through any four."
    return Played(frame, reading, "Simulated, without a model: 300 studies a point, seed 0")


def hidden(success: float, other: float, loops: float, invalid: float) -> Played:
    """What two agents' successes are worth by the length of the way, one of them with loops and invalid actions."""
    detour = np.linspace(1, 6, 101)
    straight, messy = (
        theory.trajectory_quality(success, detour),
        theory.trajectory_quality(other, detour, loops, invalid),
    )
    frame = lines(
        (f"clean, success {percent(success)}", "dash", detour, straight),
        (f"loops and invalid actions, success {percent(other)}", "line", detour, messy),
    )
    worth = float(messy[0])
    longer = success / worth if worth > 0 else math.inf
    reading = (
        f"Success {percent(other)} on the shortest way, with {percent(loops)} of the steps in loops and "
        f"{percent(invalid)} invalid, is worth {percent(worth)}. "
    )
    reading += (
        f"A clean agent of success {percent(success)} falls to that on a way {plain(longer)} times as long as needed."
        if math.isfinite(longer) and longer >= 1
        else "That is more than the clean agent has on any way."
        if math.isfinite(longer)
        else "No success is worth nothing."
    )
    return Played(frame, reading, "A declared formula: nothing here was measured")


RANGE = Bench(
    name="range",
    title="R² and the range of budgets",
    question="How much do tokens explain?",
    formula=r"\begin{gathered} R^2 = \frac{B}{B + \sigma^2 + p(1-p)/n} \\ "
    r"B = \beta^2(\log_2\rho)^2/12, \quad p = \tfrac12 \end{gathered}",
    source="Variance of a uniform distribution and of a share; our derivation, for the post of June 2025",
    assumes="Score rises by β a doubling; budgets are even on a log scale; arrangements differ by σ at equal spend.",
    knobs=(
        Knob("slope", "Score gained a doubling of spend (β)", 0.0, 0.15, 0.04, 0.005),
        Knob("spread", "Arrangements differ by (σ)", 0.005, 0.2, 0.05, 0.005),
        Knob("problems", "Problems behind a configuration", choices=(1, 10, 30, 100, 300, 1000), at=100),
        Knob("configurations", "Configurations", 5, 100, 20, 1),
    ),
    play=ranged,
    x="largest budget over the smallest",
    y="share of the variance",
    log_x=True,
)
KEPT = Bench(
    name="kept",
    title="A share of a gain",
    question="How much of the gain is kept, and who can tell?",
    formula=r"\begin{gathered} \theta = D_i/D_v \\ (D_i - \theta D_v)^2 \le \\ "
    r"\tfrac{z^2}{n}\left(V_i - 2\theta C + \theta^2 V_v\right) \end{gathered}",
    source="Fieller 1954, Some problems in interval estimation",
    assumes="Each problem is asked in all three ways; the interval stands where the truth is, without luck.",
    knobs=(
        Knob("gain", "Gain of right examples", 0.01, 0.6, 0.2),
        Knob("share", "Share kept by wrong ones, in truth", 0.0, 1.0, 0.9),
        Knob("base", "Right with answers only", 0.05, 0.9, 0.3),
        Knob("correlation", "Correlation of two ways on a problem", 0.0, 0.9, 0.3),
    ),
    play=kept,
    x="problems",
    y="share of the gain kept",
    percent=False,
    log_x=True,
)
FAMILY = Bench(
    name="family",
    title="Which curve wins",
    question="How often is the true family named?",
    formula=r"\mathrm{AICc} = \chi^2 + 2k + \frac{2k(k+1)}{L-k-1}",
    source="Hurvich and Tsai 1989; the curves are ours",
    assumes="Binomial errors, apart from one another; budgets over two decades; each family fitted at its best.",
    knobs=(
        Knob("truth", "The true curve", choices=(0, 1, 2, 3), at=2, named=("line", "power law", "exponential", "S")),
        Knob("levels", "Budgets measured", 4, 16, 5, 1),
        Knob("most", "Problems a point, at most", choices=(300, 1000, 3000, 10_000), at=1000),
    ),
    play=families,
    x="problems behind each point",
    y="studies in which it wins",
    log_x=True,
)
HIDDEN = Bench(
    name="hidden",
    title="What a score hides",
    question="What is a success worth by the way it was come by?",
    formula=r"\begin{gathered} \text{success} \times \frac{\text{fewest steps}}{\text{steps}} \\ "
    r"{} \times (1-\text{loop rate}) \\ {} \times (1-\text{invalid rate}) \end{gathered}",
    source="Declared by this project; the agenda is Gu 2026, arXiv 2605.26112, which gives no formula",
    assumes="One rate for all trials; that a detour, a loop and an invalid action are bad in this proportion.",
    knobs=(
        Knob("success", "Success of the clean agent", 0.0, 1.0, 0.5),
        Knob("other", "Success of the other", 0.0, 1.0, 0.5),
        Knob("loops", "Its steps in loops", 0.0, 0.9, 0.2),
        Knob("invalid", "Its invalid steps", 0.0, 0.9, 0.1),
    ),
    play=hidden,
    x="steps taken, times the fewest possible",
    y="trajectory quality",
)
