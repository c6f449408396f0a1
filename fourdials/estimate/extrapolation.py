"""A pool's right answers per problem → coverage at more samples than were taken, and how far to trust it.

Called by the page that shows coverage. The problems' success rates are taken to follow a beta distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, logit

from fourdials.errors import InputError
from fourdials.estimate.intervals import Array, Ints, by_cluster, percentiles, resamples
from fourdials.estimate.pool import Pool, pass_at

METHOD = "beta-binomial, refitted over clusters"
REFITS = 300  # enough for the middle 95 % of a smooth statistic: its ends then wobble by about a tenth of its width
FEWEST_CLUSTERS = 5  # fewer say nothing of other problems
FEWEST = 4  # samples a problem whose first half is worth fitting
BOUND = 12.0  # of the mean's log odds and of the logarithm of a + b

EXTRAPOLATED_SCHEMA: dict[str, type[pl.DataType]] = {
    "kind": pl.String,
    "k": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    "samples": pl.Int64,
    "extrapolated": pl.Boolean,
}


@dataclass(frozen=True, slots=True)
class Beta:
    """Success rates of problems as Beta(a, b)."""

    a: float
    b: float

    @property
    def spread(self) -> float:
        """1 / (a + b + 1): 0 if all problems are alike, 1 if each is always or never right."""
        return 1 / (self.a + self.b + 1)

    def coverage(self, k: float) -> float:
        """Chance that k samples of a problem hold a right one: 1 − B(a, b + k) / B(a, b)."""
        return float(-np.expm1(betaln(self.a, self.b + k) - betaln(self.a, self.b)))


def fit_beta(right: Ints, n: int, counts: Array | None = None, start: Beta | None = None) -> Beta:
    """Maximum-likelihood beta-binomial fit.

    Args:
        right: Right samples of each problem, from 0 to n.
        n: Samples per problem.
        counts: How often each problem counts; once by default.
        start: Where to begin.

    Raises InputError where no sample or every sample was right: any coverage would fit then.
    """
    weights = np.bincount(right, counts, minlength=n + 1).astype(np.float64)
    at = np.flatnonzero(weights)
    weights, at = weights[at], at.astype(np.float64)
    if float(weights @ at) in (0.0, float(weights.sum()) * n):
        raise InputError("no sample, or every sample, was right; nothing can be extrapolated from that: sample more")

    total = float(weights.sum())

    def loss(place: Array) -> tuple[float, Array]:
        """Minus the log likelihood and its slope, over the mean's log odds and the logarithm of a + b: these hardly
        depend on each other, so that hundreds of refits take a moment, also where all problems are alike."""
        mean, size = float(expit(place[0])), float(np.exp(place[1]))
        a, b = mean * size, (1 - mean) * size
        value = -float(weights @ betaln(at + a, n - at + b)) + total * float(betaln(a, b))
        shared = total * (digamma(size) - digamma(n + size))
        by_a = weights @ digamma(at + a) - total * digamma(a) + shared
        by_b = weights @ digamma(n - at + b) - total * digamma(b) + shared
        return value, -np.array([a * (1 - mean) * (by_a - by_b), a * by_a + b * by_b])

    share = float(weights @ at) / (total * n)
    begin = start or Beta(share, 1 - share)
    # Far out, where all problems are alike, the slope is next to nothing: a refit starts where it still tells the way.
    first = np.array([logit(begin.a / (begin.a + begin.b)), np.log(min(begin.a + begin.b, 30.0))])
    # TNC, because a step of L-BFGS-B took milliseconds on a busy machine (LOG.md).
    found = minimize(loss, first, jac=True, method="TNC", bounds=[(-BOUND, BOUND)] * 2)
    mean, size = float(expit(found.x[0])), float(np.exp(found.x[1]))
    a, b = mean * size, (1 - mean) * size
    return Beta(a, b)


def extrapolate(pool: Pool, ks: Sequence[int], seed: int = 0, refits: int = REFITS) -> pl.DataFrame:
    """Coverage at any number of samples from a beta-binomial fit.

    Args:
        pool: The samples; its size must not depend on what they were, as `pool.read` makes sure.
        ks: Numbers of samples, also beyond the pool's.
        seed: Of the bootstrap.
        refits: Replicates, each refitted on resampled clusters.

    Returns:
        Columns of `EXTRAPOLATED_SCHEMA`. The interval says what other problems would have given if success rates do
        follow a beta distribution; `held_out` shows how wrong that was on the pool itself. Replicates in which no or
        every sample was right count as coverage 0 or 1.

    Raises InputError as `fit_beta` does, and for fewer than 5 clusters of problems.
    """
    if len(pool.sizes) < FEWEST_CLUSTERS:
        raise InputError(
            f"got {len(pool.sizes)} clusters of problems; extrapolating coverage takes at least {FEWEST_CLUSTERS}"
        )
    right = pool.right.sum(axis=1).astype(np.int64)
    point = fit_beta(right, pool.samples)
    weights = resamples(len(pool.sizes), seed, refits)[:, pool.cluster]
    draws = np.stack([_refit(right, pool.samples, row.astype(np.float64), point, ks) for row in weights])
    low, high = percentiles(draws)
    value = np.array([point.coverage(k) for k in ks])
    count = len(ks)
    columns = {
        "kind": ["coverage"] * count,
        "k": list(ks),
        "value": value,
        "low": np.minimum(low, value),
        "high": np.maximum(high, value),
        "n": [len(pool.cluster)] * count,
        "clusters": [len(pool.sizes)] * count,
        "method": [METHOD] * count,
        "samples": [pool.samples] * count,
        "extrapolated": [k > pool.samples for k in ks],
    }
    return pl.DataFrame(columns, schema=EXTRAPOLATED_SCHEMA)


def held_out(pool: Pool) -> float:
    """What the fit to the first half of each problem's samples foretells for all of them, minus what they gave.

    Raises InputError as `fit_beta` does; a pool of fewer than 4 samples has no half worth fitting.
    """
    half = pool.samples // 2
    if pool.samples < FEWEST:
        raise InputError(f"got {pool.samples} samples a problem; checking an extrapolation takes at least {FEWEST}")
    foretold = fit_beta(pool.right[:, :half].sum(axis=1).astype(np.int64), half).coverage(pool.samples)
    found = pass_at(pool.right.sum(axis=1), pool.samples, pool.samples)
    sums = by_cluster(found, pool.cluster)
    return foretold - float(sums.sum() / pool.sizes.sum())


def _refit(right: Ints, n: int, counts: Array, start: Beta, ks: Sequence[int]) -> Array:
    share = float(counts @ right) / (float(counts.sum()) * n)
    if share in (0.0, 1.0):
        return np.full(len(ks), share)
    found = fit_beta(right, n, counts, start)
    return np.array([found.coverage(k) for k in ks])
