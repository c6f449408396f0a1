"""One subject's curve → which family of curves describes it, with what asymptote, and where more spend stops paying.

Points of one trial are correlated, so a fit weighs them by the bootstrap's correlations and binomial variances, and is
made again in every bootstrap replicate. All families are straight lines once one or two parameters are fixed; those lie
on a grid, so that thousands of refits are a few matrix products. Called by the page that shows curves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from fourdials.errors import InputError
from fourdials.estimate.families import Candidate, Family, families
from fourdials.estimate.intervals import TAILS, Array, Ints, drawn_means, effective_n, resamples, wilson
from fourdials.estimate.panel import panel, reach

BUDGETS = 12
FEWEST = 5  # budgets: a family of three parameters needs more than that to be told from another
# Correlations are shrunk towards none: neighbouring budgets are so alike that their matrix is nearly singular, and a
# fit that takes them at face value may run beside the whole curve, which looks, and is, wrong where no family is exact.
SHRINKAGE = 0.5
REFITS = 500  # enough for the middle 95 % of the asymptote; its ends then wobble by a few percent of its width
BEYOND = 100.0  # how many times the last budget the gain is followed

FAMILY_SCHEMA: dict[str, type[pl.DataType]] = {
    "family": pl.String,
    "parameters": pl.Int64,
    "aicc": pl.Float64,
    "wins": pl.Float64,
    "asymptote": pl.Float64,
    "asymptote_low": pl.Float64,
    "asymptote_high": pl.Float64,
    "last_error": pl.Float64,
    "last_error_low": pl.Float64,
    "last_error_high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
}
METHOD = "generalised least squares, refitted over clusters"


@dataclass(frozen=True, slots=True)
class Fitted:
    """One family fitted to many curves at once, one row each.

    Attributes:
        misfit: Generalised sum of squares of each row; infinite where no curve of the family is allowed.
        candidates: Those tried.
        chosen: Which of them fits each row best.
        coefficients: Its linear coefficients, padded with NaN.
    """

    misfit: Array
    candidates: tuple[Candidate, ...]
    chosen: Ints
    coefficients: Array

    def predict(self, spends: Array) -> Array:
        """The fitted curves: rows × spends."""
        values = np.full((len(self.misfit), len(spends)), np.nan)
        for i in np.unique(self.chosen[np.isfinite(self.misfit)]):
            rows, columns = self.chosen == i, self.candidates[i].columns(spends)
            values[rows] = self.candidates[i].base(spends) + self.coefficients[rows, : columns.shape[1]] @ columns.T
        return values

    def asymptotes(self) -> Array:
        """The value each fitted curve tends to; NaN where it tends to none."""
        values = np.full(len(self.misfit), np.nan)
        for i in np.unique(self.chosen[np.isfinite(self.misfit)]):
            rows, ends = self.chosen == i, self.candidates[i].asymptote
            if ends is not None:
                values[rows] = ends(self.coefficients[rows])
        return values


@dataclass(frozen=True, slots=True)
class Fits:
    """What fitting every family to a curve gave.

    Attributes:
        table: Columns of `FAMILY_SCHEMA`, best AICc first. `wins` is the share of replicates in which a family has
            the lowest AICc; `last_error` is what the fit to all but the last budget foretells there, less what was
            found.
        best: The family to name; `constant` means that no family beats a constant here.
        evidence: AICc of the constant minus that of the best other family; at least 2 for another one to be named.
        budgets: The spends fitted.
        value: The curve there.
        fitted: The best family's curve there.
        asymptote: What the best family's curve tends to; None where it tends to nothing.
        asymptote_low, asymptote_high: 95 % interval of where the curve levels off, by `levels`.
        stop_at: The smallest spend from which on a further unit of spend gains less than its price; None where no price
            was given, or the gain stays above it up to 100 times the last one.
        stop_low, stop_high: 95 % interval of that spend; None where more than half of the replicates have none.
        scores: Each family's AICc, on the data and then in every replicate.
    """

    table: pl.DataFrame
    best: str
    evidence: float
    budgets: Array
    value: Array
    fitted: Array
    asymptote: float | None
    asymptote_low: float
    asymptote_high: float
    stop_at: float | None
    stop_low: float | None
    stop_high: float | None
    scores: Mapping[str, Array]

    @property
    def undetermined(self) -> bool:
        """True if the interval of the asymptote holds more than three quarters of what lies above the last value."""
        last = float(self.value[-1])
        return last < 1 and self.asymptote_high - max(last, self.asymptote_low) > 0.75 * (1 - last)

    @property
    def level(self) -> tuple[float, float, float] | None:
        """The asymptote and its interval, if there is one to draw: of no constant, and not undetermined."""
        if self.asymptote is None or self.best == "constant" or self.undetermined:
            return None
        return self.asymptote, self.asymptote_low, self.asymptote_high


def fit(
    points: pl.DataFrame,
    budgets: Sequence[float] | None = None,
    price: float | None = None,
    seed: int = 0,
    replicates: int = REFITS,
    foretell: bool = True,
) -> Fits:
    """Fits every family of `families` to one subject's curve.

    Args:
        points: Rows of the query `curve_points` of one subject in one unit.
        budgets: At least 5 spends above 0; by default those of `default_budgets`.
        price: The gain in score one more unit of spend must bring to be worth it.
        seed: Of the bootstrap.
        replicates: Bootstrap replicates.
        foretell: Also fit all but the last budget, which takes as long again; else `last_error` is null.

    The last few fits are kept, since several claims ask about the same curve.

    Misfit is (y − f)ᵀ Σ⁻¹ (y − f), where Σ has variances p(1−p)/n by the effective n of each budget and the bootstrap's
    correlations, shrunk by half; AICc = misfit + 2q + 2q(q+1)/(J−q−1) for q parameters and J budgets. A replicate
    scatters twice as much about the truth as the data do, so its misfit is halved before families are compared by it.
    Raises InputError for too few budgets or problems.
    """
    grid = default_budgets(points) if budgets is None else np.unique(np.asarray(budgets, dtype=np.float64))
    if len(grid) < FEWEST or grid[0] <= 0:
        raise InputError(f"got {len(grid)} budgets; fitting a curve takes at least {FEWEST}, all above 0")
    found = panel([points], grid)
    if len(found.sizes) < FEWEST:
        raise InputError(f"got {len(found.sizes)} clusters of problems; fitting a curve takes at least {FEWEST}")
    draws = drawn_means(found.sums(0), found.sizes, resamples(len(found.sizes), seed, replicates))
    rows = np.vstack([found.values[0].mean(axis=0), draws])
    known = effective_n(found.sums(0), found.sizes)
    return _compare(_Curves(grid, rows, known), len(found.cluster), len(found.sizes), price, foretell)


def default_budgets(points: pl.DataFrame, steps: int = BUDGETS) -> Array:
    """The spends by which nine in ten stops of each level have been reached, as far as the curve is not censored.

    Between levels a curve is a staircase that no family describes. With fewer than 5 levels, even steps on a log scale
    from the spend by which half of the units have answered; with more than `steps`, those nearest to even steps.
    """
    stops, end = points.filter(pl.col("spend").is_not_null()), reach(points)
    by_level = stops.group_by("level").agg(pl.col("spend").quantile(0.9)) if "level" in stops.columns else stops
    levels = by_level.filter((pl.col("spend") > 0) & (pl.col("spend") <= end))["spend"].unique().sort().to_numpy()
    if "level" in stops.columns and len(levels) >= FEWEST:
        even = np.geomspace(levels[0], levels[-1], steps)
        nearest = np.abs(np.log(levels)[:, None] - np.log(even)).argmin(axis=0)
        return np.asarray(levels if len(levels) <= steps else np.unique(levels[nearest]), dtype=np.float64)
    first = stops.group_by("unit_id").agg(pl.col("spend").min())["spend"].median()
    start = float(first) if isinstance(first, int | float) else 0.0
    return np.geomspace(start, end, steps) if 0 < start < end else np.array([])


def fit_family(family: Family, spends: Array, rows: Array, whiten: Array) -> Fitted:
    """The curve of a family with the least misfit to each row; `whiten` is the inverse Cholesky factor of Σ."""
    if family.near is None:
        return _least(family.candidates, spends, rows, whiten)
    coarse = _least(family.candidates, spends, rows[:1], whiten)
    every = (*family.candidates, *family.near(int(coarse.chosen[0])))
    return _least(every, spends, rows, whiten)


def _least(candidates: tuple[Candidate, ...], spends: Array, rows: Array, whiten: Array) -> Fitted:
    misfit = np.full(len(rows), np.inf)
    best = np.zeros(len(rows), dtype=np.int64)
    coefficients = np.full((len(rows), 3), np.nan)
    white = rows @ whiten.T
    for i, candidate in enumerate(candidates):
        columns = whiten @ candidate.columns(spends)
        rest = white - whiten @ candidate.base(spends)
        linear = rest @ np.linalg.pinv(columns).T if columns.shape[1] else np.empty((len(rows), 0))
        left = ((rest - linear @ columns.T) ** 2).sum(axis=1)
        better = (left < misfit) & candidate.allowed(linear)
        misfit[better], best[better] = left[better], i
        coefficients[better] = np.nan
        coefficients[better, : columns.shape[1]] = linear[better]
    return Fitted(misfit, candidates, best, coefficients)


def covariance(rows: Array, n: Array | float) -> Array:
    """Σ of the first row (a curve) from its binomial variances and the correlations of the others (its replicates);
    `n` is what the variances are over, for each column or for all."""
    # Two right and two wrong more (Agresti and Coull 1998), or else a value of 0 would weigh endlessly.
    share = (rows[0] * n + 2) / (n + 4)
    spread = np.sqrt(share * (1 - share) / n)
    deviation = rows[1:] - rows[1:].mean(axis=0)
    scale = np.sqrt((deviation**2).sum(axis=0))
    unit = np.divide(deviation, scale, out=np.zeros_like(deviation), where=scale > 1e-9)
    correlation = (1 - SHRINKAGE) * (unit.T @ unit)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation * np.outer(spread, spread), dtype=np.float64)


def aicc(misfit: Array, parameters: int, count: int) -> Array:
    """Akaike's criterion corrected for few points (Hurvich and Tsai 1989); infinite where there are too few."""
    if count - parameters - 1 <= 0:
        return np.full_like(misfit, np.inf)
    return misfit + 2 * parameters + 2 * parameters * (parameters + 1) / (count - parameters - 1)


class _Curves:
    """A curve, its replicates at some spends and by how much each is known; equal where all their numbers are."""

    def __init__(self, grid: Array, rows: Array, known_by: Array) -> None:
        self.grid, self.rows, self.known_by = grid, rows, known_by
        self._content = (rows.shape, grid.tobytes(), rows.tobytes(), known_by.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Curves) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)


@lru_cache(maxsize=32)
def _compare(curves: _Curves, n: int, clusters: int, price: float | None, foretell: bool) -> Fits:
    grid, rows = curves.grid, curves.rows
    sigma = covariance(rows, curves.known_by)
    whiten = np.linalg.inv(np.linalg.cholesky(sigma))
    known = families(grid)
    fitted = {name: fit_family(family, grid, rows, whiten) for name, family in known.items()}
    missed = _missed(known, grid, rows, sigma) if foretell else {}
    halves = np.r_[1.0, np.full(len(rows) - 1, 0.5)]
    scores = np.stack(
        [aicc(fitted[name].misfit * halves, family.parameters, len(grid)) for name, family in known.items()]
    )
    winner = scores[:, 1:].argmin(axis=0)
    entries = []
    for i, (name, family) in enumerate(known.items()):
        ends = fitted[name].asymptotes()
        entry = {"family": name, "parameters": family.parameters, "aicc": scores[i, 0], "wins": (winner == i).mean()}
        entry |= {**_ends("asymptote", ends), **_ends("last_error", missed.get(name, np.array([np.nan])))}
        entries.append(entry | {"n": n, "clusters": clusters, "method": METHOD})
    table = pl.DataFrame(entries, schema=FAMILY_SCHEMA).sort("aicc", "parameters")
    others = {name: scores[i, 0] for i, name in enumerate(known) if name != "constant"}
    evidence = float(scores[list(known).index("constant"), 0] - min(others.values()))
    best = min(others, key=lambda name: others[name]) if evidence >= 2 else "constant"
    curve = fitted[best].predict(grid)[0]
    tended = float(fitted[best].asymptotes()[0])
    low, high = levels(list(fitted.values()), winner, grid)
    if np.ptp(rows[:, -1]) < 1e-9:  # the bootstrap has nothing to go by, which is not to know exactly
        alike = wilson(float(rows[0, -1]), clusters)
        low, high = min(low, alike.low), max(high, alike.high)
    limit = None if np.isnan(tended) else tended
    low, high = float(np.fmin(low, tended)), float(np.fmax(high, tended))
    stop = _stops(fitted[best], grid, price)
    aiccs = dict(zip(known, scores, strict=True))
    return Fits(table, best, evidence, grid, rows[0], curve, limit, low, high, *stop, aiccs)


def levels(fitted: Sequence[Fitted], chosen: Ints, grid: Array) -> tuple[float, float]:
    """The 95 % interval of where a curve levels off, when each replicate takes the family that fits it best.

    Args:
        fitted: Every family fitted to the data (row 0) and its replicates.
        chosen: Which family each replicate takes, from row 1 on.
        grid: The spends fitted, increasing.

    A family's own interval takes that family to be the true one, which few data can tell. A replicate whose family has
    an asymptote speaks for that value. One without speaks for all between its value at the last spend and the one at
    its turning point or, as it has none up to there, at 100 times the last spend: the lower of both counts for the low
    end of the interval, the higher for the high one. The ends are 2.5 and 97.5 % quantiles over replicates.
    """
    ends = np.full((2, len(chosen)), np.nan)
    for i in np.unique(chosen):
        rows = np.flatnonzero(chosen == i) + 1
        ends[:, rows - 1] = fitted[i].asymptotes()[rows]
        if np.isnan(ends[:, rows - 1]).any():
            path = fitted[i].predict(np.geomspace(grid[0], grid[-1] * BEYOND, 240))[rows]
            steps = np.diff(path, axis=1)
            same = np.cumprod(steps * steps[:, :1] > 0, axis=1)
            reached = path[:, 0] + (steps * same).sum(axis=1)
            ends[:, rows - 1] = np.sort([fitted[i].predict(grid[-1:])[rows, 0], reached], axis=0)
    return float(np.quantile(ends[0].clip(0, 1), TAILS[0])), float(np.quantile(ends[1].clip(0, 1), TAILS[1]))


def _missed(known: Mapping[str, Family], grid: Array, rows: Array, sigma: Array) -> dict[str, Array]:
    """By how much each family, fitted to all but the last budget, misses what was found there."""
    before = np.linalg.inv(np.linalg.cholesky(sigma[:-1, :-1]))
    earlier = {name: fit_family(family, grid[:-1], rows[:, :-1], before) for name, family in known.items()}
    return {name: fitted.predict(grid[-1:])[:, 0] - rows[:, -1] for name, fitted in earlier.items()}


def _ends(name: str, values: Array) -> Mapping[str, float | None]:
    """The first row's value with the middle 95 % of the others; None where there is none."""
    held = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or not len(held):
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, high = np.quantile(held, TAILS)
    return {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}


def _stops(fitted: Fitted, grid: Array, price: float | None) -> tuple[float | None, float | None, float | None]:
    if price is None:
        return None, None, None
    if price <= 0:
        raise InputError(f"got a price of {price}; the gain a unit of spend must bring is above 0")
    ahead = np.geomspace(grid[0], grid[-1] * BEYOND, 240)
    gain = np.diff(fitted.predict(ahead), axis=1) / np.diff(ahead)
    pays = gain >= price
    last = np.where(pays.any(axis=1), gain.shape[1] - np.argmax(pays[:, ::-1], axis=1), 0)
    ends = np.where(last < gain.shape[1], ahead[last], np.nan)
    if not np.isfinite(ends[0]):
        return None, None, None
    held = ends[1:][np.isfinite(ends[1:])]
    if len(held) < 0.5 * (len(ends) - 1):
        return float(ends[0]), None, None
    low, high = np.quantile(held, TAILS)
    return float(ends[0]), float(low), float(high)
