"""Benches about many samples of one prompt: votes with shared errors, a verifier, shares of a budget."""

from __future__ import annotations

import numpy as np

from fourdials import theory
from fourdials.bench.records import Bench, Knob, Played, lines
from fourdials.figures.numbers import percent

PROBLEMS = 200  # of a spread of rates, where shares of a budget are drawn


def votes(p: float, correlation: float, most: float) -> Played:
    """What a majority of up to `most` votes between two answers is worth."""
    n = np.arange(1, int(most) + 1, 2)
    alone = theory.majority_vote(p, n)
    spread = theory.majority_vote(p, n, correlation)
    common = theory.common_cause_vote(p, n, correlation)
    frame = lines(
        ("independent votes", "dash", n, alone),
        ("problems differ (Beta)", "line", n, spread),
        ("one cause now and then", "line", n, common),
    )
    reading = (
        f"{n[-1]} independent votes that are each right {percent(p)} of the time are right {percent(alone[-1])} of the "
        f"time. With a correlation of {correlation:.2f} it is {percent(spread[-1])} where problems differ in "
        f"difficulty and "
        f"{percent(common[-1])} where now and then all votes repeat one: the correlation alone does not say what a "
        f"vote is "
        "worth."
    )
    return Played(frame, reading)


def verified(p: float, hit: float, false_alarm: float, most: float) -> Played:
    """How far a verifier of stated reliability takes the best of n."""
    n = np.unique(np.geomspace(1, int(most), 60).round().astype(int))
    chosen = [theory.best_of_n(p, int(k), hit, false_alarm) for k in n]
    covered = theory.coverage(p, n)
    liked = p * hit + (1 - p) * false_alarm
    limit = p * hit / liked if liked else p
    frame = lines(
        ("a right one is among them", "dash", n, covered),
        ("the one the verifier takes", "line", n, chosen),
        ("limit: how often a yes is right", "dash", n, np.full(len(n), limit)),
    )
    reading = (
        f"Among {n[-1]} candidates a right one is found {percent(float(covered[-1]))} of the time, and taken "
        f"{percent(chosen[-1])} of the time. However many there are, it is never more than {percent(limit)}, which "
        f"is how "
        "often a yes of this verifier is right."
    )
    return Played(frame, reading)


def rates_of(rate: float, spread: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Success rates of 200 problems: evenly spaced quantiles of a Beta distribution with this mean and correlation."""
    from scipy.stats import beta

    places = (np.arange(PROBLEMS) + 0.5) / PROBLEMS
    size = (1 - spread) / spread
    return np.asarray(beta.ppf(places, rate * size, (1 - rate) * size), dtype=np.float64)


def shared_out(rate: float, spread: float, pilot: float, most: float) -> Played:
    """Coverage when a budget is shared out evenly, by what a pilot shows, and with the rates known."""
    rates = rates_of(rate, spread)
    per_problem = np.unique(np.geomspace(1, int(most), 24).round().astype(int))
    tried = int(pilot)
    seen = np.random.default_rng(0).binomial(tried, rates)
    prior = (1 - spread) / spread
    expected = (rate * prior + seen) / (prior + tried) if tried else np.full(PROBLEMS, rate)
    found = theory.allocation_curves(rates, per_problem * PROBLEMS, expected, tried)
    frame = lines(
        ("the same for each", "dash", per_problem, found.uniform),
        (f"after a pilot of {tried}, paid for", "line", per_problem, found.greedy),
        ("rates known beforehand", "line", per_problem, found.oracle),
    ).filter(~np.isnan(np.concatenate([found.uniform, found.greedy, found.oracle])))
    middle = len(per_problem) // 2
    at, goal = per_problem[middle], found.oracle[middle]
    needed = float(np.interp(goal, found.uniform, per_problem))
    reading = (
        f"Who knows the rates solves {percent(float(goal))} with {at} samples a problem; sharing out evenly takes "
        f"{needed:.1f} for that ({needed / at:.1f} times as many). What a pilot of {tried} leaves of this is the "
        f"middle line."
    )
    return Played(frame, reading)


VOTES = Bench(
    name="votes",
    title="Votes whose errors are shared",
    question="What is one more vote worth?",
    formula=r"\begin{gathered} P(X > n/2) + \tfrac12 P(X = n/2) \\ "
    r"X \sim \mathrm{BetaBin}\left(n, p\tfrac{1-\rho}{\rho}, (1-p)\tfrac{1-\rho}{\rho}\right) \end{gathered}",
    source="Condorcet 1785; correlated: beta-binomial",
    assumes="Two answers; any two votes on a problem have correlation ρ; ties go to the answer seen first.",
    knobs=(
        Knob("p", "One vote is right", 0.05, 0.95, 0.6),
        Knob("correlation", "Correlation ρ of two votes", 0.0, 0.95, 0.2),
        Knob("most", "Votes, at most", 3, 101, 41, 2),
    ),
    play=votes,
    x="votes",
    y="the majority is right",
    overlay="majority",
)
VERIFIED = Bench(
    name="verifier",
    title="Best of n with a verifier",
    question="How far does a verifier of stated reliability take the best of n?",
    formula=r"\begin{gathered} \left(1-(1-y)^n\right)\tfrac{p\,h}{y} + (1-y)^{n-1}\,p\,(1-h) \\ "
    r"y = p\,h + (1-p)\,f \end{gathered}",
    source="Our derivation; limits of imperfect verifiers: Stroebl et al. 2024, arXiv 2411.17501",
    assumes="Verdicts of yes or no, independent of one another; the first candidate with a yes is taken.",
    knobs=(
        Knob("p", "One candidate is right", 0.01, 0.95, 0.2),
        Knob("hit", "A right one gets a yes (h)", 0.0, 1.0, 0.8),
        Knob("false_alarm", "A wrong one gets a yes (f)", 0.0, 1.0, 0.2),
        Knob("most", "Candidates, at most", choices=(4, 16, 64, 256, 1024, 4096), at=256),
    ),
    play=verified,
    x="candidates",
    y="right answers",
    log_x=True,
    overlay="coverage",
)
ALLOCATION = Bench(
    name="allocation",
    title="Sharing out a budget",
    question="What is gained by spending where it counts?",
    formula=r"\Delta_{ij} = \lambda_i (1-\lambda_i)^{j-1}",
    source="Damani et al. 2024, arXiv 2410.04707",
    assumes="A problem is solved if any sample is right; shares are set by expected rates before the rest is drawn; "
    "200 problems whose rates follow a Beta distribution.",
    knobs=(
        Knob("rate", "Mean success rate", 0.02, 0.9, 0.3),
        Knob("spread", "How much problems differ", 0.02, 0.9, 0.5),
        Knob("pilot", "Samples of the pilot, each problem", 0, 16, 2, 1),
        Knob("most", "Samples a problem, at most", choices=(8, 16, 32, 64, 128), at=32),
    ),
    play=shared_out,
    x="samples a problem, on average",
    y="problems solved",
    log_x=True,
    overlay="coverage",
)
