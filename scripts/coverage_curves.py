"""Simulated curves and pools with a known truth → how often the intervals read off them hold it. Part of coverage.py.

Each quantity goes through the very function the dashboard calls: `estimate.curves`, `crossings.crossover`, `fits.fit`,
`pool.coverage` and `pool.selection`. Problems differ in how hard they are, and the levels of one trial share half of
their luck, as those of a nested strategy do. Where an estimator states no interval that is counted as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from scipy.special import comb

from fourdials.estimate import crossings, curves, fits, pool

SPENDS = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0)
SIZES = (50, 100, 200)
TOP, SLOPE = 0.8, 0.5  # a rising power law: value = TOP − 0.6 · (spend / 10)^−SLOPE
POWER = "power"  # the family that is true
SAMPLES, VOTES = 16, 8
EASY, EVEN, HARD = (3.0, 2.0), (1.0, 1.0), (1.0, 4.0)  # Betas of how often a problem's samples are right
TRIES = ((EASY, 1), (EASY, 2), (EVEN, 8), (HARD, 2), (HARD, 4), (EASY, 4))  # whose pass@k; the last one's is above 0.9


def power(spends: np.ndarray) -> np.ndarray:
    return np.asarray(TOP - 0.6 * (spends / SPENDS[0]) ** -SLOPE)


def points(truth: np.ndarray, n: int, rng: np.random.Generator, arm: str, luck: np.ndarray) -> pl.DataFrame:
    """Rows of `curve_points`: a problem is right at a level where its luck lies under the level's truth; half of the
    luck is the problem's own (`luck`), half is drawn anew, so that levels go together without being the same."""
    own = rng.random((n, len(truth)))
    drawn = np.where(rng.random(own.shape) < 0.5, luck[:, None], own)
    score = (drawn < truth).astype(np.float64)
    gain = np.diff(score, axis=1, prepend=0.0)
    problem = np.repeat(np.arange(n), len(truth))
    names = pl.Series("problem_id", problem).cast(pl.String)
    return pl.DataFrame(
        {
            "unit_id": problem,
            "experiment_id": ["e"] * len(problem),
            "task": ["t"] * len(problem),
            "problem_id": names,
            "cluster_id": names,
            "arm": [arm] * len(problem),
            "dial": ["parallel"] * len(problem),
            "strategy": ["s"] * len(problem),
            "access": ["given"] * len(problem),
            "level": np.tile(np.arange(1, len(truth) + 1), n),
            "spend": np.tile(SPENDS[: len(truth)], n),
            "gain": gain.ravel(),
            "answered_gain": np.tile([1] + [0] * (len(truth) - 1), n),
            "max_spend": [SPENDS[len(truth) - 1]] * len(problem),
            "finished": [True] * len(problem),
        }
    )


Held = tuple[float, float] | None  # the interval of one simulated experiment; None where none is stated
Found = dict[str, tuple[Held, float]]  # by quantity: its interval and its truth
CROSSOVER = "crossover budget"
ASYMPTOTES = ("asymptote, true family", "asymptote, family named best", "asymptote, each resample its own family")


def of_curve(n: int, rng: np.random.Generator, seed: int) -> Found:
    """The value at a spend between two levels (100: what was answered at 80 stands)."""
    row = curves(points(power(np.array(SPENDS)), n, rng, "a", rng.random(n)), [100.0], seed).row(0, named=True)
    return {"curve at a spend": ((row["low"], row["high"]), float(power(np.array([80.0]))[0]))}


def of_crossover(n: int, rng: np.random.Generator, seed: int) -> Found:
    """The budget at which a rising arm passes a level one: at 80, where it leads by 9 points after trailing by 8."""
    rising = np.array([0.1, 0.2, 0.42, 0.59, 0.68, 0.74, 0.78, 0.8])
    luck = rng.random(n)
    a, b = points(rising, n, rng, "a", luck), points(np.full(8, 0.5), n, rng, "b", luck)
    found = crossings.crossover(a, b, seed=seed)
    if found is None or not found.distinguishable or found.low is None or found.high is None:
        return {CROSSOVER: (None, 80.0)}
    return {CROSSOVER: ((found.low, found.high), 80.0)}


def of_asymptotes(n: int, rng: np.random.Generator, seed: int) -> Found:
    """What the power law tends to: by its own row, by the row of the family that is named best (where another is, its
    limit is another, or there is none), and by the interval shown, in which each resample takes its own family."""
    found = fits.fit(points(power(np.array(SPENDS)), n, rng, "a", rng.random(n)), seed=seed)
    rows = {row["family"]: row for row in found.table.iter_rows(named=True)}
    ends = [rows[family]["asymptote_low"] for family in (POWER, found.best)]
    tops = [rows[family]["asymptote_high"] for family in (POWER, found.best)]
    stated = [None if low is None else (low, high) for low, high in zip(ends, tops, strict=True)]
    stated.append((found.asymptote_low, found.asymptote_high))
    return dict(zip(ASYMPTOTES, [(held, TOP) for held in stated], strict=True))


def sampled(n: int, rng: np.random.Generator, spread: tuple[float, float] = EASY) -> pool.Pool:
    """Problems whose samples are right with a chance of their own; wrong ones agree on one answer. A verifier gives a
    wrong sample an even draw and a right one the larger of two."""
    right = rng.random((n, SAMPLES)) < rng.beta(*spread, size=n)[:, None]
    names = [f"p{i}" for i in range(n)]
    problems = pl.DataFrame({"task": ["t"] * n, "problem_id": names, "cluster_id": names})
    trust = np.where(right, rng.random((2, n, SAMPLES)).max(axis=0), rng.random((n, SAMPLES)))
    return pool.Pool(problems, np.arange(n), right, right.astype(np.float64), np.where(right, 0, 1), trust)


def passes(k: int, spread: tuple[float, float] = EASY) -> float:
    """E[1 − (1 − p)^k] for p from Beta(a, b): 1 − Π (b + i) / (a + b + i)."""
    a, b = spread
    i = np.arange(k)
    return float(1 - np.prod((b + i) / (a + b + i)))


def picks(k: int) -> float:
    """E of being right by the most trusted of k: its trust is at most w with chance p w² + (1 − p) w each, and of
    density 2pw where it is right, so that ∫ k · 2pw · (p w² + (1 − p) w)^(k−1) dw is the chance of a problem."""
    a, b = EASY
    w, p = np.meshgrid(np.linspace(0, 1, 1001), np.linspace(0, 1, 1001))
    chance = np.trapezoid(k * 2 * p * w * (p * w**2 + (1 - p) * w) ** (k - 1), dx=0.001, axis=1)
    density = p[:, 0] ** (a - 1) * (1 - p[:, 0]) ** (b - 1)
    return float((density * chance).sum() / density.sum())


def majorities(k: int) -> float:
    """E of being right by a majority of k, a tie going to the answer that came first: half of the ties, by symmetry."""
    a, b = EASY
    p = np.linspace(0, 1, 20_001)[1:-1]
    density = p ** (a - 1) * (1 - p) ** (b - 1)
    density /= density.sum()
    chance = sum(comb(k, j) * p**j * (1 - p) ** (k - j) for j in range(k // 2 + 1, k + 1))
    if k % 2 == 0:  # of two equal halves the one that holds the first sample wins: it is right in half of the orders
        chance = chance + 0.5 * comb(k, k // 2) * (p * (1 - p)) ** (k // 2)
    return float((density * chance).sum())


def of_pass(n: int, rng: np.random.Generator, seed: int) -> Found:
    """pass@k from pools of 16."""
    found: Found = {}
    for spread, k in TRIES:
        row = pool.coverage(sampled(n, rng, spread), [k], seed).row(0, named=True)
        truth = passes(k, spread)
        found[f"pass@{k} of pools of 16 (truth {truth:.2f})"] = ((row["low"], row["high"]), truth)
    return found


def of_selection(n: int, rng: np.random.Generator, seed: int) -> Found:
    """maj@8 and best of 8, resampled from pools of 16, and how far the vote lies behind coverage."""
    drawn, vote = sampled(n, rng), majorities(VOTES)
    rows = {
        f"maj@{VOTES} resampled from pools of 16": (pool.selection(drawn, "majority", [VOTES], seed), vote),
        f"best of {VOTES} resampled from pools of 16": (pool.selection(drawn, "best", [VOTES], seed), BEST),
        f"coverage less maj@{VOTES}": (pool.gap(drawn, "majority", [VOTES], seed), passes(VOTES) - vote),
    }
    return {
        f"{name} (truth {truth:.2f})": ((row["low"][0], row["high"][0]), truth) for name, (row, truth) in rows.items()
    }


BEST = picks(VOTES)
# How many of the runs each gets: refitting curves takes longest.
MEASURES = {of_curve: 0.4, of_pass: 1.0, of_selection: 0.4, of_crossover: 0.2, of_asymptotes: 0.1}


def table(runs: int, seed: int, progress: Callable[[str], None]) -> Iterator[str]:
    """The section's table, a row per quantity and n."""
    yield "| quantity | problems | experiments | interval stated | holds the truth | mean width |"
    yield "|---|---|---|---|---|---|"
    for measure, part in MEASURES.items():
        for n in SIZES:
            rng, count = np.random.default_rng([seed, n]), max(20, round(runs * part))
            found = [measure(n, rng, each) for each in range(count)]
            for name in found[0]:
                row = _row(name, n, [each[name] for each in found])
                progress(row)
                yield row


def _row(name: str, n: int, found: list[tuple[Held, float]]) -> str:
    stated = [(ends, truth) for ends, truth in found if ends is not None]
    start = f"| {name} | {n} | {len(found):,} | {100 * len(stated) / len(found):.0f} % |"
    if not stated:
        return f"{start} none | |"
    held = np.mean([low <= truth <= high for (low, high), truth in stated])
    width = float(np.mean([high - low for (low, high), _ in stated]))
    shown = f"{width:.0f} tokens" if name == CROSSOVER else f"{100 * width:.0f} points"
    return f"{start} **{100 * held:.1f} %** | {shown} |"
