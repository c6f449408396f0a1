"""Sums of scores by cluster → 95 % intervals of shares and of paired differences, one at a time or for many at once.

Every other estimator calls this. Clusters (a problem alone is its own cluster) are what is resampled and what variance
is counted over; repeats are averaged within a problem before. Scores lie in [0, 1]. `scripts/coverage` measures how
often these intervals hold the truth, and docs/intervals.md publishes what it found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Weights = NDArray[np.float32]

LEVEL = 0.95
Z = float(ndtri(0.5 + LEVEL / 2))
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
REPLICATES = 2000
# A percentile bootstrap holds the truth too seldom below about 200 clusters, and above that where fewer than about 50
# clusters' worth of scores differ from all-wrong or all-right: resampling few values misses the tails. There the score
# interval of Wilson is used. With scores that are not just right or wrong, or clusters of several problems, its n is
# the effective one, p(1−p) over the variance between clusters. That variance is known the worse the fewer scores make
# it up: one further cluster that is all right or all wrong (which varies as much as any can) is added to it, and where
# less than two problems' worth of scores is right (or wrong), n is at most the number of clusters.
SMALL = 200
EDGE = 50.0
RARE = 2.0
BOOTSTRAP = "bootstrap over clusters"
WILSON = "Wilson"
EFFECTIVE = "Wilson, effective n"
NEWCOMBE = "Newcombe paired"
MAX_T = "simultaneous, max-t bootstrap"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate's 95 % interval and how it was made."""

    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The estimate.
        low, high: Its interval; NaN where it has none.
        n: Problems it averages.
        clusters: Clusters they lie in.
        method: How the interval was made.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int
    method: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The intervals of several columns at once: one value, low, high and method per column."""

    value: Array
    low: Array
    high: Array
    method: list[str]


def wilson(value: float, n: float) -> Interval:
    """Wilson's score interval (1927) of a share among n: (p + z²/2n ± z√(p(1−p)/n + z²/4n²)) / (1 + z²/n)."""
    low, high = _score(np.array([value]), np.array([float(n)]), np.array([Z]))
    return Interval(float(low[0]), float(high[0]), WILSON)


def newcombe(a: float, n_a: int, b: float, n_b: int) -> Interval:
    """Newcombe's interval (1998, method 10) for a − b of two shares of different problems.

    (a − b) − √((a − l_a)² + (u_b − b)²) to (a − b) + √((u_a − a)² + (b − l_b)²), with Wilson's l and u.
    """
    for_a, for_b = wilson(a, n_a), wilson(b, n_b)
    low = a - b - math.hypot(a - for_a.low, for_b.high - b)
    return Interval(low, a - b + math.hypot(for_a.high - a, b - for_b.low), "Newcombe")


def excluded_bounds(value: float, n: int, excluded: int) -> Interval:
    """What a mean over `n` would have been had the `excluded` ones all scored 0, and all 1. NaN where both are 0."""
    if n + excluded == 0:
        return Interval(math.nan, math.nan, "worst to best")
    held = value * n if n else 0.0
    return Interval(held / (n + excluded), (held + excluded) / (n + excluded), "worst to best")


@lru_cache(maxsize=4)
def resamples(clusters: int, seed: int = 0, replicates: int = REPLICATES) -> Weights:
    """How often each cluster is drawn in each replicate: replicates × clusters; small whole numbers, so exact."""
    drawn = np.random.default_rng(seed).integers(clusters, size=(replicates, clusters))
    drawn += np.arange(replicates)[:, None] * clusters
    counts = np.bincount(drawn.ravel(), minlength=replicates * clusters)
    weights = counts.reshape(replicates, clusters).astype(np.float32)
    weights.flags.writeable = False  # the same draws serve every estimate of a page
    return weights


def by_cluster(values: ArrayLike, cluster: Ints) -> Array:
    """Sums over the problems of each cluster: problems × columns → clusters × columns (1-D stays 1-D)."""
    rows = np.asarray(values, dtype=np.float64)
    sums = np.zeros((int(cluster.max()) + 1 if len(cluster) else 0, *rows.shape[1:]))
    np.add.at(sums, cluster, rows)
    return sums


def drawn_means(sums: Array, sizes: Array, weights: Weights) -> Array:
    """The mean of each column in each replicate: replicates × columns. Replicates without any problem are left out."""
    counted = weights @ sizes.astype(np.float32)
    kept = counted > 0
    drawn = weights if kept.all() else weights[kept]
    means: Array = (drawn @ sums.astype(np.float32) / counted[kept, None]).astype(np.float64)
    return means


def percentiles(draws: Array) -> tuple[Array, Array]:
    """Low and high end of the middle 95 % of the draws of each column."""
    low, high = np.quantile(draws, TAILS, axis=0)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def bca(value: float, draws: Array, left_out: Array) -> Interval:
    """Efron's bias-corrected and accelerated interval (1987) of any statistic.

    Args:
        value: The statistic on all the data.
        draws: Its bootstrap replicates.
        left_out: Its values with one cluster left out at a time, for the acceleration.

    For statistics that are no share (ratios, fitted parameters), whose bootstrap distribution may be skewed. Where all
    replicates lie on one side of the value the percentiles are given instead, under that name.
    """
    below = float(np.mean(draws < value) + 0.5 * np.mean(draws == value))
    if not 0 < below < 1:
        low, high = np.quantile(draws, TAILS)
        return Interval(float(low), float(high), "percentile bootstrap")
    shift = float(ndtri(below))
    pull = left_out.mean() - left_out
    spread = float((pull**2).sum()) ** 1.5
    bend = float((pull**3).sum()) / (6 * spread) if spread else 0.0
    ends = [ndtr(shift + (shift + z) / (1 - bend * (shift + z))) for z in (-Z, Z)]
    low, high = np.quantile(draws, ends)
    return Interval(float(low), float(high), "BCa bootstrap")


def share_bounds(sums: Array, sizes: Array, weights: Weights | None = None) -> Bounds:
    """Intervals of shares, a column each.

    Args:
        sums: Scores summed over the problems of each cluster: clusters × columns.
        sizes: Problems in each cluster; clusters without any add nothing.
        weights: Of `resamples`, over the same clusters; drawn here if there are enough clusters to need them.

    Bootstrap over clusters from 200 clusters on; Wilson below, near 0 and 1, and where few clusters make up the
    variance or none does (see `SMALL`, `EDGE`).
    """
    total, held = float(sizes.sum()), int(np.count_nonzero(sizes))
    value = (sums.sum(axis=0) / total).clip(0, 1)
    plain = _right_or_wrong(sums, sizes)
    n = _effective(sums, sizes, value, plain)
    low, high = _score(value, n, np.full(len(value), Z))
    method = np.where(plain, WILSON, EFFECTIVE)
    known = _degrees(sums - value * sizes[:, None], held)
    resampled = (np.minimum(np.minimum(value, 1 - value) * n, known) >= EDGE) & (held >= SMALL)
    if resampled.any():
        if weights is None:
            weights = resamples(len(sizes))
        low[resampled], high[resampled] = percentiles(drawn_means(sums[:, resampled], sizes, weights))
        method = np.where(resampled, BOOTSTRAP, method)
    return Bounds(value, np.minimum(low, value).clip(0, 1), np.maximum(high, value).clip(0, 1), method.tolist())


def difference_bounds(first: Array, second: Array, sizes: Array, weights: Weights | None = None) -> Bounds:
    """Intervals of paired differences, first minus second, a column each; arguments as in `share_bounds`.

    Newcombe's paired interval (1998, method 10), which combines the Wilson intervals of both and their correlation r:
    d − √(x² − 2rxy + y²) with x = a − l_a and y = u_b − b, and the mirror image above. With clusters, or scores between
    0 and 1, the Wilson intervals take their effective n, and r is the correlation between clusters. His continuity
    correction, 1 / 2n√(a(1 − a)b(1 − b)) off a positive r, is left without its divisor, as 1 / 2m for m clusters: with
    it the interval holds the truth too often near 0 and 1, without any correction too seldom for few clusters. Where no
    cluster differs, that shrinks faster than the data allow, so the ends are then at least z² / (m + z²) away, as
    Tango's score interval (1998) is. From 200 clusters on, of which at least 50 differ, and not all by as much,
    bootstrap over clusters.
    """
    total, held = float(sizes.sum()), int(np.count_nonzero(sizes))
    a, b = (first.sum(axis=0) / total).clip(0, 1), (second.sum(axis=0) / total).clip(0, 1)
    value = a - b
    z = np.full(len(value), Z)
    limits = [_score(p, _effective(x, sizes, p, _right_or_wrong(x, sizes)), z) for x, p in ((first, a), (second, b))]
    r = _correlation(first - a * sizes[:, None], second - b * sizes[:, None])
    r = np.where(r > 0, np.maximum(0.0, r - 0.5 / max(1, held)), r)
    gaps = first - second
    least = np.where(np.any(np.abs(gaps) > 1e-9, axis=0), 0.0, Z**2 / (held + Z**2))
    low = value - np.maximum(_reach(a - limits[0][0], limits[1][1] - b, r), least)
    high = value + np.maximum(_reach(limits[0][1] - a, b - limits[1][0], r), least)
    method = [NEWCOMBE] * len(value)
    known = _degrees(gaps - value * sizes[:, None], held)
    resampled = (np.minimum(np.count_nonzero(gaps, axis=0), known) >= EDGE) & (held >= SMALL)
    if resampled.any():
        if weights is None:
            weights = resamples(len(sizes))
        low[resampled], high[resampled] = percentiles(drawn_means(gaps[:, resampled], sizes, weights))
        method = [BOOTSTRAP if yes else NEWCOMBE for yes in resampled]
    return Bounds(value, np.minimum(low, value).clip(-1, 1), np.maximum(high, value).clip(-1, 1), method)


def simultaneous_bounds(sums: Array, sizes: Array, weights: Weights) -> Bounds:
    """Intervals of shares that hold all at once with 95 %, so that the best of the columns may be picked by looking.

    The critical value is the 95 % quantile over replicates of the largest |mean* − mean| / standard error among the
    columns (max-t, Romano and Wolf 2005), which takes their correlation into account; it replaces z in Wilson's
    interval. For few clusters it is stretched by the ratio of Student's to the normal quantile.
    """
    value = (sums.sum(axis=0) / float(sizes.sum())).clip(0, 1)
    n = _effective(sums, sizes, value, _right_or_wrong(sums, sizes))
    critical = max_t(drawn_means(sums, sizes, weights), value) * _stretch(int(np.count_nonzero(sizes)))
    low, high = _score(value, n, np.full(len(value), critical))
    return Bounds(value, low, high, [MAX_T] * len(value))


def max_t(draws: Array, value: Array) -> float:
    """95 % quantile over replicates of the largest |draw − value| / standard error; at least the z of one column."""
    spread = draws.std(axis=0)
    varies = spread > 1e-12
    if not varies.any():
        return Z
    largest = (np.abs(draws[:, varies] - value[varies]) / spread[varies]).max(axis=1)
    return max(Z, float(np.quantile(largest, LEVEL)))


def share(scores: ArrayLike, cluster: Ints | None = None, weights: Weights | None = None) -> Estimate:
    """The mean of problems' scores in [0, 1] with its interval; `cluster` numbers each problem's cluster from 0.

    NaN with n = 0 where there are no scores.
    """
    values = np.asarray(scores, dtype=np.float64)
    if not len(values):
        return Estimate(math.nan, math.nan, math.nan, 0, 0, "nothing to average")
    places = np.arange(len(values)) if cluster is None else cluster
    sums, sizes = by_cluster(values, places), by_cluster(np.ones(len(values)), places)
    return first_of(share_bounds(sums[:, None], sizes, weights), sizes)


def mean_amount(
    amounts: ArrayLike, trials: ArrayLike, cluster: Ints, seed: int = 0, replicates: int = REPLICATES
) -> Estimate:
    """The mean of an amount of any size (tokens, steps, dollars) a trial, with its interval over clusters of problems.

    Args:
        amounts: Summed over the trials of each problem.
        trials: How many those are.
        cluster: Number of each problem's cluster, from 0.
        seed: Of the bootstrap.
        replicates: Bootstrap replicates.

    The value is Σ amounts / Σ trials; the interval is that of `bca`, since amounts are often skewed. Where all clusters
    are alike it has no width. NaN ends for fewer than two clusters, NaN with n = 0 for no problem.
    """
    values, counts = np.asarray(amounts, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if not len(values):
        return Estimate(math.nan, math.nan, math.nan, 0, 0, "nothing to average")
    sums, sizes = by_cluster(values, cluster), by_cluster(counts, cluster)
    value, clusters = float(values.sum() / counts.sum()), len(sizes)
    if clusters < 2:
        return Estimate(value, math.nan, math.nan, len(values), clusters, "one cluster has no interval")
    weights = resamples(clusters, seed, replicates)
    draws = (weights @ sums) / (weights @ sizes)
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    if np.ptp(left_out) <= 1e-12 * abs(value):
        return Estimate(value, value, value, len(values), clusters, "all clusters alike")
    found = bca(value, draws, left_out)
    return Estimate(value, min(found.low, value), max(found.high, value), len(values), clusters, found.method)


def difference(
    first: ArrayLike, second: ArrayLike, cluster: Ints | None = None, weights: Weights | None = None
) -> Estimate:
    """The mean of first − second over the same problems with its paired interval; arguments as in `share`."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if not len(a):
        return Estimate(math.nan, math.nan, math.nan, 0, 0, "nothing to average")
    places = np.arange(len(a)) if cluster is None else cluster
    sizes = by_cluster(np.ones(len(a)), places)
    bounds = difference_bounds(by_cluster(a, places)[:, None], by_cluster(b, places)[:, None], sizes, weights)
    return first_of(bounds, sizes)


def first_of(bounds: Bounds, sizes: Array, column: int = 0) -> Estimate:
    """One column of `Bounds` as an estimate."""
    return Estimate(
        float(bounds.value[column]),
        float(bounds.low[column]),
        float(bounds.high[column]),
        round(float(sizes.sum())),
        int(np.count_nonzero(sizes)),
        bounds.method[column],
    )


def effective_n(sums: Array, sizes: Array) -> Array:
    """How many right-or-wrong problems alone would know each column's mean as well; arguments as in `share_bounds`."""
    value = (sums.sum(axis=0) / float(sizes.sum())).clip(0, 1)
    return _effective(sums, sizes, value, _right_or_wrong(sums, sizes))


def _right_or_wrong(sums: Array, sizes: Array) -> NDArray[np.bool_]:
    """Columns in which each cluster is one problem that scored 0 or 1."""
    # A little slack, since gains of a third added up are not quite 1.
    whole = np.all(np.minimum(np.abs(sums), np.abs(sums - 1)) < 1e-9, axis=0)
    return np.asarray(whole & np.all((sizes == 0) | (sizes == 1)))


def _degrees(apart: Array, held: int) -> Array:
    """Degrees of freedom of each column's variance over m clusters: about 2m / (κ − 1), at most m − 1, where κ is the
    kurtosis (Satterthwaite 1946 by the variance of a sample variance); 0 where nothing varies."""
    square = (apart**2).sum(axis=0)
    kurtosis = np.divide(
        held * (apart**4).sum(axis=0), square**2, out=np.full_like(square, np.inf), where=square > 1e-9
    )
    degrees: Array = np.minimum(held - 1, 2 * held / np.maximum(kurtosis - 1, 1e-9))
    return degrees


def _effective(sums: Array, sizes: Array, value: Array, plain: NDArray[np.bool_]) -> Array:
    """The n of each column that gives its variance between clusters, as well as that is known: by its degrees of
    freedom, to which the variance p(1 − p) / m of clusters that are each all right or all wrong adds one."""
    held = int(np.count_nonzero(sizes))
    apart = sums - value * sizes[:, None]
    degrees = _degrees(apart, held)
    variance = held / max(1, held - 1) * (apart**2).sum(axis=0) / float(sizes.sum()) ** 2
    most = value * (1 - value)
    inverse = np.divide(variance, most, out=np.zeros_like(variance), where=most > 1e-15)
    n = (degrees + 1) / (degrees * inverse + 1 / max(1, held))
    guess = float(sizes.sum()) * np.minimum(value, 1 - value) < RARE
    return np.where(plain | (guess & (n > held)), float(held), n)


def _stretch(clusters: int) -> float:
    """Student's quantile over the normal one, for a variance known from so many clusters."""
    return float(stdtrit(max(1, clusters - 1), TAILS[1])) / Z


def _score(value: Array, n: Array, z: Array) -> tuple[Array, Array]:
    centre = value + z**2 / (2 * n)
    half = z * np.sqrt(np.maximum(0.0, value * (1 - value)) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return np.maximum(0.0, (centre - half) / scale), np.minimum(1.0, (centre + half) / scale)


def _correlation(first: Array, second: Array) -> Array:
    spread = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    together = (first * second).sum(axis=0)
    r: Array = np.divide(together, spread, out=np.zeros_like(spread), where=spread > 1e-12)
    return r


def _reach(x: Array, y: Array, r: Array) -> Array:
    reach: Array = np.sqrt(np.maximum(0.0, x * x - 2 * r * x * y + y * y))
    return reach
