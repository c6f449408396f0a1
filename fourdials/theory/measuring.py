"""What a measurement can tell: how much of a variance spend explains, a ratio of two gains, which family of curves
wins, and what a score leaves out. The numbers behind lessons about reading results with care.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from fourdials.errors import InputError
from fourdials.theory.ranges import Array, amounts, count, counts, numbers, probabilities, probability

Z = 1.959963984540054  # of a 95 % interval
FAMILIES = ("a straight line in log spend", "a power law to a limit", "an exponential approach", "an S in log spend")
_PARAMETERS = (2, 3, 2, 3)


@dataclass(frozen=True, slots=True)
class Explained:
    """Shares of a variance: by spend, by the arrangement, and what is left to chance; together 1."""

    spend: Array
    arrangement: Array
    chance: Array


def explained(range_ratio: ArrayLike, slope: float, spread: float, rate: float, problems: int) -> Explained:
    """How much of the variance between configurations their spend explains, by the range of budgets tried.

    Score = c + β·log2(spend) + arrangement + chance, with spend even on a log scale over a range of ratio ρ, so that
    Var(log2 spend) = (log2 ρ)²/12; the arrangement has the standard deviation `spread`, and a mean over n problems at a
    rate p the variance p(1 − p)/n. R² of spend = β²(log2 ρ)²/12 over the sum of the three. Variances of a uniform
    distribution and of a share; the sum is our model.

    Args:
        range_ratio: ρ, the largest budget over the smallest; from 1 on.
        slope: β, points of score (as a share of 1) for each doubling; from 0 on.
        spread: Standard deviation of what arrangements are worth at equal spend.
        rate: p, the mean score.
        problems: n, behind each configuration; 1 for single answers.

    Raises:
        InputError: Nothing varies at all.
    """
    ratio = numbers("range_ratio", range_ratio, 1.0, 1e12, "a number from 1 on")
    mean = probability("rate", rate)
    spend = amounts("slope", slope) ** 2 * np.log2(ratio) ** 2 / 12
    arranged = np.broadcast_to(amounts("spread", spread) ** 2, ratio.shape)
    chance = np.broadcast_to(mean * (1 - mean) / count("problems", problems, least=1), ratio.shape)
    total = spend + arranged + chance
    if (total == 0).any():
        raise InputError("nothing varies: raise slope, spread or range_ratio, or let the rate lie between 0 and 1")
    return Explained(spend / total, arranged / total, chance / total)


def draw_explained(
    range_ratio: float,
    slope: float,
    spread: float,
    rate: float,
    problems: int,
    configurations: int = 40,
    trials: int = 200,
    seed: int = 0,
) -> Array:
    """Plays `explained`: R² of a straight line in log spend, once for each of `trials` drawn studies.

    Each study has so many configurations with budgets even on a log scale, an arrangement each, and normal chance.
    """
    rng, many = np.random.default_rng(seed), count("configurations", configurations, least=3, most=10_000)
    size = (count("trials", trials, least=1, most=100_000), many)
    mean = probability("rate", rate)
    doublings = rng.random(size) * math.log2(numbers("range_ratio", range_ratio, 1.0, 1e12, "a number from 1 on"))
    noise = math.sqrt(mean * (1 - mean) / count("problems", problems, least=1))
    score = slope * doublings + rng.normal(0, 1, size) * spread + rng.normal(0, 1, size) * noise
    x, y = (each - each.mean(axis=1, keepdims=True) for each in (doublings, score))
    both = (x**2).sum(axis=1) * (y**2).sum(axis=1)
    return np.asarray(np.where(both > 0, (x * y).sum(axis=1) ** 2 / np.where(both > 0, both, 1.0), 0.0))


@dataclass(frozen=True, slots=True)
class Kept:
    """The 95 % interval of a ratio of gains, infinite where the gain below cannot be told from none."""

    low: float
    high: float


def share_kept(base: float, gain: float, kept: float, problems: int, correlation: float = 0.0) -> Kept:
    """The 95 % interval to expect for a share of a gain that is kept, θ = (invalid − base)/(valid − base).

    All θ with (D_i − θD_v)² ≤ z²(V_i − 2θC + θ²V_v)/n (Fieller 1954), with the differences as they are in truth. It is
    bounded only where the gain itself is told from none, D_v² > z²V_v/n; else a share of it says nothing. Each problem
    is asked in all three ways, 0 or 1 each, any two with the same correlation r: V_v = σ_v² + σ_b² − 2rσ_vσ_b, and
    C = σ_b² − r(σ_bσ_v + σ_bσ_i − σ_vσ_i).

    Args:
        base: Rate with answers only.
        gain: What right examples add to it.
        kept: θ, the share of it that wrong ones keep.
        problems: n, from 1 on.
        correlation: r, from 0 to 1, between two ways on one problem.
    """
    b = probability("base", base)
    v = probability("base plus gain", b + gain)
    i = probability("base plus the gain kept", b + kept * gain)
    n, r = count("problems", problems, least=1), probability("correlation", correlation)
    sb, sv, si = (math.sqrt(each * (1 - each)) for each in (b, v, i))
    var_v, var_i = sv**2 + sb**2 - 2 * r * sv * sb, si**2 + sb**2 - 2 * r * si * sb
    both = sb**2 - r * (sb * sv + sb * si - sv * si)
    d_v, d_i, q = v - b, i - b, Z**2 / n
    a = d_v**2 - q * var_v
    if a <= 0:
        return Kept(-math.inf, math.inf)
    half = d_v * d_i - q * both
    root = math.sqrt(max(half**2 - a * (d_i**2 - q * var_i), 0.0))
    return Kept((half - root) / a, (half + root) / a)


def trajectory_quality(
    success: ArrayLike, detour: ArrayLike, loops: ArrayLike = 0.0, invalid: ArrayLike = 0.0
) -> Array:
    """What a success is worth by the way it was come by: success × 1/detour × (1 − loop rate) × (1 − invalid rate).

    The project's declared formula (after the agenda of Gu 2026, arXiv 2605.26112, which gives none), for one rate each.

    Args:
        success: Share of trials that succeed.
        detour: Steps taken over the fewest possible; from 1 on.
        loops: Share of steps that come back to where one was.
        invalid: Share of steps that cannot be done.
    """
    longer = numbers("detour", detour, 1.0, 1e12, "a number from 1 on")
    lost = (1 - probabilities("loops", loops)) * (1 - probabilities("invalid", invalid))
    return np.asarray(probabilities("success", success) / longer * lost, dtype=np.float64)


def rising(family: int, spend: ArrayLike) -> Array:
    """A curve of each of `FAMILIES`, from at most .2 at a spend of 1 to .6 at 100, at spends from 1 to 100."""
    x = np.log(numbers("spend", spend, 1.0, 100.0, "a number from 1 to 100"))
    shapes = (
        0.2 + 0.4 * x / math.log(100),
        0.65 - 0.45 * np.exp(-0.5 * x),
        0.6 * (1 - np.exp(-np.exp(x) / 2.466)),
        0.62 * expit((x - 2) / 0.8),
    )
    return np.asarray(shapes[count("family", family, most=len(shapes) - 1)], dtype=np.float64)


def family_wins(family: int, levels: int, problems: ArrayLike, trials: int = 400, seed: int = 0) -> Array:
    """How often each of `FAMILIES` describes a drawn curve best, by the problems behind each point.

    A study measures `rising` at so many spends, even on a log scale from 1 to 100, with a binomial error. Every family
    is fitted by weighted least squares (its shape on a grid, its height and slope exactly); the least AICc wins,
    χ² + 2k + 2k(k + 1)/(L − k − 1) for k parameters (Hurvich and Tsai 1989). A family with too many parameters for the
    levels cannot win. Points are drawn apart from one another here; those of a real run share their problems.

    Args:
        family: The place in `FAMILIES` of the one that is true.
        levels: L, from 4 to 50.
        problems: n behind each point, from 1 on; several give several rows.
        trials: Studies drawn for each.
        seed: The same seed gives the same studies.

    Returns:
        Problems × families, rows that add up to 1.
    """
    many, drawn = count("levels", levels, least=4, most=50), count("trials", trials, least=1, most=100_000)
    spend = np.geomspace(1, 100, many)
    truth, rng = rising(family, spend), np.random.default_rng(seed)
    found = []
    for n in np.atleast_1d(counts("problems", problems, least=1)).tolist():
        seen = rng.binomial(n, truth, (drawn, many)) / n
        weight = np.sqrt(n / np.maximum(truth * (1 - truth), 1e-9))
        scores = np.full((drawn, len(FAMILIES)), np.inf)
        for place, k in enumerate(_PARAMETERS):
            if many - k - 1 > 0:
                scores[:, place] = _misfit(place, spend, seen, weight) + 2 * k + 2 * k * (k + 1) / (many - k - 1)
        found.append(np.bincount(scores.argmin(axis=1), minlength=len(FAMILIES)) / drawn)
    return np.asarray(found, dtype=np.float64)


def _misfit(family: int, spend: Array, seen: Array, weight: Array) -> Array:
    """The least weighted sum of squares of each study over a family's grid of shapes."""
    best = np.full(len(seen), np.inf)
    scaled = seen * weight
    for shape in _shapes(family, np.log(spend)):
        inside, _ = np.linalg.qr(shape * weight[:, None])
        left = (scaled**2).sum(axis=1) - ((scaled @ inside) ** 2).sum(axis=1)
        best = np.minimum(best, left)
    return best


def _shapes(family: int, x: Array) -> list[Array]:
    """The columns whose multiples a family's curves are, for each setting of what is not linear in it."""
    one = np.ones_like(x)
    if family == 0:
        return [np.column_stack([one, x])]
    if family == 1:
        return [np.column_stack([one, np.exp(-g * x)]) for g in np.geomspace(0.03, 4, 25)]
    if family == 2:
        return [(1 - np.exp(-np.exp(x) / tau))[:, None] for tau in np.geomspace(0.2, 300, 40)]
    places, widths = np.linspace(-2, 6, 17), np.geomspace(0.2, 4, 12)
    return [expit((x - place) / width)[:, None] for place in places for width in widths]
