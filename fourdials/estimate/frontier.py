"""What arms reach at each level, what it costs and how long it takes → which are worth having, and which to deploy.

Rows come from the query `operating_points`; an operating point is an arm at a level. All points are compared on the
problems every one of them has. The best of many points is picked here, so accuracies have simultaneous bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fourdials.errors import InputError
from fourdials.estimate.intervals import (
    MAX_T,
    REPLICATES,
    TAILS,
    Array,
    Ints,
    Weights,
    by_cluster,
    drawn_means,
    max_t,
    percentiles,
    resamples,
    simultaneous_bounds,
)
from fourdials.estimate.panel import PROBLEM, shared

Bools = NDArray[np.bool_]

POINT = ["experiment_id", "arm", "level"]
MEANS = ("usd", "total_tokens", "flops")
COSTS = (*MEANS, "modelled_s", "critical_path_s")
LATENCIES = ("modelled_s", "critical_path_s")
QUANTILES = {"p50": 0.5, "p95": 0.95}
# What points may be compared by: a mean over problems, or of a latency the median or what 95 % of requests stay within.
PRICES = (*COSTS, *(f"{kind}_{p}" for kind in LATENCIES for p in QUANTILES))
DAYS_A_MONTH = 365.25 / 12

FRONTIER_SCHEMA: dict[str, type[pl.DataType]] = {
    "experiment_id": pl.String,
    "arm": pl.String,
    "level": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    **{f"{cost}{end}": pl.Float64 for cost in MEANS for end in ("", "_low", "_high")},
    **{f"{kind}_{p}{end}": pl.Float64 for kind in LATENCIES for p in ("p50", "p95") for end in ("", "_low", "_high")},
}


@dataclass(frozen=True, slots=True)
class Points:
    """Operating points on shared problems.

    Attributes:
        names: Columns experiment_id, arm, level; one row per point.
        cluster: Number of each problem's cluster, from 0.
        score: points × problems, repeats averaged.
        costs: For each of `COSTS` the same; a point of which any value is unknown is NaN throughout.
        weights: Bootstrap draws of clusters.
    """

    names: pl.DataFrame
    cluster: Ints
    score: Array
    costs: Mapping[str, Array]
    weights: Weights

    @property
    def sizes(self) -> Array:
        """Problems in each cluster."""
        return by_cluster(np.ones(len(self.cluster)), self.cluster)


def read(rows: pl.DataFrame, seed: int = 0, replicates: int = REPLICATES) -> Points:
    """Lines the operating points of the query up on the problems they share.

    `flops`, which the database does not hold, may be a column (see `units.operating_points`); without it they are
    unknown. Raises InputError if there is nothing, or no problem is shared.
    """
    if "flops" not in rows.columns:
        rows = rows.with_columns(flops=pl.lit(None, pl.Float64))
    groups = rows.partition_by(POINT, maintain_order=True)
    problems = shared(groups) if groups else pl.DataFrame()
    if problems.is_empty():
        raise InputError("the arms share no problem of a complete block; choose arms of the same tasks that have run")
    stacks: dict[str, list[Array]] = {name: [] for name in ("score", *COSTS)}
    for group in groups:
        means = group.group_by(PROBLEM).agg(
            pl.when(pl.col(name).is_null().any()).then(None).otherwise(pl.col(name).mean()).alias(name)
            for name in stacks
        )
        ordered = problems.join(means, on=PROBLEM, how="left", maintain_order="left")
        for name, found in stacks.items():
            column = ordered[name].fill_null(float("nan")).to_numpy().astype(np.float64)
            found.append(np.full_like(column, np.nan) if np.isnan(column).any() else column)
    cluster = problems["cluster"].to_numpy().astype(np.int64)
    names = pl.concat([group.select(POINT).head(1) for group in groups])
    arrays = {name: np.stack(found) for name, found in stacks.items()}
    weights = resamples(int(cluster.max()) + 1, seed, replicates)
    return Points(names, cluster, arrays["score"], {name: arrays[name] for name in COSTS}, weights)


def operating_points(points: Points) -> pl.DataFrame:
    """Every point with its accuracy and what it costs.

    Columns of `FRONTIER_SCHEMA`: accuracy with a band that holds for all points at once; mean dollars, tokens and
    FLOPs with bootstrap intervals; p50 and p95 of latency over problems with order-statistic intervals, widened where
    problems share clusters. NULL where a cost is unknown.
    """
    sizes = points.sizes
    band = simultaneous_bounds(by_cluster(points.score.T, points.cluster), sizes, points.weights)
    columns: dict[str, Any] = {"value": band.value, "low": band.low, "high": band.high, "method": band.method}
    columns |= {"n": [len(points.cluster)] * len(band.value), "clusters": [len(sizes)] * len(band.value)}
    for cost in MEANS:
        means = drawn_means(by_cluster(points.costs[cost].T, points.cluster), sizes, points.weights)
        low, high = percentiles(means)
        columns |= {cost: points.costs[cost].mean(axis=1), f"{cost}_low": low, f"{cost}_high": high}
    for kind in LATENCIES:
        for name, share in QUANTILES.items():
            ends = [quantile_interval(row, share, len(sizes)) for row in points.costs[kind]]
            for i, end in enumerate(("", "_low", "_high")):
                columns[f"{kind}_{name}{end}"] = [row[i] for row in ends]
    frame = points.names.with_columns(pl.Series(name, values) for name, values in columns.items())
    typed = frame.select(pl.col(name).cast(kind) for name, kind in FRONTIER_SCHEMA.items())
    return typed.with_columns(pl.selectors.float().fill_nan(None))


def quantile_interval(values: Array, share: float, clusters: int) -> tuple[float, float, float]:
    """A quantile with its 95 % interval between two of the ordered values; NaN where any value is unknown.

    The places come from the binomial distribution of how many values lie below the true quantile (David and Nagaraja
    2003, 7.1), with clusters in the place of n, which errs on the wide side. An end beyond the largest value is that
    value.
    """
    if not len(values) or np.isnan(values).any():
        return (float("nan"),) * 3
    from scipy.stats import binom  # slow to import, and the page that plans a run does without

    ordered, n = np.sort(values), len(values)
    below, above = binom.ppf(TAILS[0], clusters, share) - 1, binom.ppf(TAILS[1], clusters, share)
    low, high = (int(np.clip(np.floor(place / clusters * n), 0, n - 1)) for place in (below, above))
    middle = float(np.quantile(ordered, share, method="inverted_cdf"))
    return middle, min(middle, float(ordered[low])), max(middle, float(ordered[high]))


def pareto(points: Points, cost: str = "usd", sees: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Which operating points no other one beats: as good or better for as much or less, and one of the two strictly.

    Args:
        points: Of `read`.
        cost: One of `PRICES`: the mean over problems of one of `COSTS`, or `_p50` or `_p95` of a latency.
        sees: Arm → what it is given to see. Arms that see different things are at different problems: none beats
            another, and there is a set for each. None where all see the same.

    Returns:
        experiment_id, arm, level, `cost`, `value` with its simultaneous `low` and `high`, `n`, `clusters`,
        `method`; `on_front`; `probability` of being on the front, the share of replicates; and `beaten`, true where
        some cheaper or equal point is better even by simultaneous bands of the paired differences. Points of unknown
        cost are left out. Cheapest first.
    """
    if cost not in PRICES:
        raise InputError(f"got {cost!r}; the cost is one of {', '.join(PRICES)}")
    base, quantile = (cost, None) if cost in COSTS else (cost[:-4], QUANTILES[cost[-3:]])
    known = np.flatnonzero(~np.isnan(points.costs[base]).any(axis=1))
    sizes = points.sizes
    sums = by_cluster(points.score[known].T, points.cluster)
    band = simultaneous_bounds(sums, sizes, points.weights)
    scores = drawn_means(sums, sizes, points.weights)
    price, prices = _prices(points, points.costs[base][known], quantile)
    seen = np.array([(sees or {}).get(arm, "") for arm in points.names["arm"]])[known]
    rivals = seen[:, None] == seen[None, :]
    front = _on_front(band.value[None, :], price[None, :], rivals)[0]
    columns = {"cost": price, "value": band.value, "low": band.low, "high": band.high, "on_front": front}
    columns |= {"probability": _on_front(scores, prices, rivals).mean(axis=0)}
    columns |= {"beaten": _beaten(band.value, scores, price, rivals)}
    chosen = points.names[known.tolist()].with_columns(pl.Series(name, values) for name, values in columns.items())
    counts = {"n": len(points.cluster), "clusters": len(sizes), "method": MAX_T}
    return chosen.with_columns(pl.lit(value).alias(name) for name, value in counts.items()).sort("cost", *POINT)


def which_arm(
    points: Points,
    accuracy: float,
    usd: float | None = None,
    p95_s: float | None = None,
    latency: str = "modelled_s",
) -> pl.DataFrame:
    """Which operating points reach an accuracy within limits, and how sure that is.

    Args:
        points: Of `read`.
        accuracy: Least mean score wanted.
        usd: Most mean dollars a request; None for no limit.
        p95_s: Most seconds that 95 % of requests take; None for no limit.
        latency: `modelled_s` or `critical_path_s`.

    Returns:
        experiment_id, arm, level, `value`, `usd`, `p95_s`, `n`, `clusters`, `method`, and `probability`: the share of
        bootstrap replicates in which the point keeps every limit. Surest first, then cheapest. A limit on something
        unknown is not kept. With many points some seem sure by luck; the bands of `operating_points` allow for it.
    """
    if latency not in LATENCIES:
        raise InputError(f"got {latency!r}; latency is one of {', '.join(LATENCIES)}")
    sizes = points.sizes
    kept = drawn_means(by_cluster(points.score.T, points.cluster), sizes, points.weights) >= accuracy - 1e-6
    means = points.costs["usd"].mean(axis=1)
    if usd is not None:
        spent = drawn_means(by_cluster(points.costs["usd"].T, points.cluster), sizes, points.weights)
        kept &= spent <= usd * (1 + 1e-6)  # draws are single precision; unknown is NaN, which keeps no limit
    seconds = points.costs[latency]
    if p95_s is not None:
        kept &= np.stack([_drawn_quantile(row, points) for row in seconds], axis=1) <= p95_s
    columns = {"value": points.score.mean(axis=1), "usd": means, "probability": kept.mean(axis=0)}
    columns["p95_s"] = np.array([quantile_interval(row, 0.95, len(sizes))[0] for row in seconds])
    frame = points.names.with_columns(pl.Series(name, values).fill_nan(None) for name, values in columns.items())
    counts = {"n": len(points.cluster), "clusters": len(sizes), "method": "bootstrap over clusters"}
    counted = frame.with_columns(pl.lit(value).alias(name) for name, value in counts.items())
    return counted.sort(["probability", "usd", *POINT], descending=[True, False, *[False] * 3], nulls_last=True)


def monthly_bill(
    rows: pl.DataFrame, requests_a_day: float, mix: Mapping[str, float] | None = None, seed: int = 0
) -> pl.DataFrame:
    """What each operating point would cost a month at list price.

    Args:
        rows: Of the query `operating_points`.
        requests_a_day: Requests a day, at least 0.
        mix: Share of requests that go to each task, in any units; by default the mix of the problems run.
        seed: Of the bootstrap.

    Returns:
        experiment_id, arm, level, `value` (dollars in a month of 30.4 days) with `low` and `high`, `n`, `clusters`,
        `method`. NULL where a price is unknown. Raises InputError for a mix with tasks that were not run.
    """
    if requests_a_day < 0:
        raise InputError(f"got {requests_a_day} requests a day; they cannot be fewer than 0")
    tasks = sorted(rows["task"].unique())
    shares = mix or {task: float(rows.filter(pl.col("task") == task)["problem_id"].n_unique()) for task in tasks}
    if unknown := sorted(set(shares) - set(tasks)):
        raise InputError(f"no problem of {', '.join(unknown)} was run; there are: {', '.join(tasks)}")
    if not sum(shares.values()) > 0 or min(shares.values()) < 0:
        raise InputError("the shares of tasks must be 0 or more, and one of them above 0")
    total: dict[str, Any] = {"value": 0.0, "draws": 0.0, "n": 0, "clusters": 0}
    names = None
    for i, (task, share) in enumerate(sorted(shares.items())):
        # Draws of their own for each task: drawn alike, tasks of as many problems would go up and down together.
        points = read(rows.filter(pl.col("task") == task), seed + 1000 * i)
        if names is not None and not names.equals(points.names):
            raise InputError("not every arm has run on every task of this mix; choose arms that have, or another mix")
        names = points.names
        scale = requests_a_day * DAYS_A_MONTH * share / sum(shares.values())
        spent = by_cluster(points.costs["usd"].T, points.cluster)
        total["value"] = total["value"] + scale * points.costs["usd"].mean(axis=1)
        total["draws"] = total["draws"] + scale * drawn_means(spent, points.sizes, points.weights)
        total["n"] += len(points.cluster)
        total["clusters"] += len(points.sizes)
    if names is None:
        raise InputError("nothing was run that a bill could be worked out from")
    low, high = percentiles(np.asarray(total["draws"]))
    columns = {"value": np.asarray(total["value"]), "low": low, "high": high}
    frame = names.with_columns(pl.Series(name, values).fill_nan(None) for name, values in columns.items())
    return frame.with_columns(
        pl.lit(total["n"]).alias("n"),
        pl.lit(total["clusters"]).alias("clusters"),
        pl.lit("bootstrap over clusters within tasks").alias("method"),
    )


def _prices(points: Points, spent: Array, quantile: float | None) -> tuple[Array, Array]:
    """The price of each point, and in each replicate."""
    if quantile is None:
        return spent.mean(axis=1), drawn_means(by_cluster(spent.T, points.cluster), points.sizes, points.weights)
    price = np.array([quantile_interval(row, quantile, len(points.sizes))[0] for row in spent])
    return price, np.stack([_drawn_quantile(row, points, quantile) for row in spent], axis=1)


def _on_front(scores: Array, prices: Array, rivals: Bools) -> Bools:
    """For each row, which points none of their rivals (points × points) beats."""
    beaten = np.zeros(scores.shape, dtype=bool)
    for i in range(scores.shape[1]):
        one, price = scores[:, i : i + 1], prices[:, i : i + 1]
        as_good = (one >= scores) & (price <= prices) & ((one > scores) | (price < prices))
        as_good[:, i] = False
        beaten |= as_good & rivals[i]
    return ~beaten


def _beaten(value: Array, scores: Array, price: Array, rivals: Bools) -> Bools:
    """Points to which some cheaper or equal rival is superior by a max-t test over all such pairs."""
    better, worse = np.nonzero((price[:, None] <= price[None, :]) & rivals)
    apart = better != worse
    better, worse = better[apart], worse[apart]
    found = np.zeros(len(value), dtype=bool)
    if len(better):
        gaps, draws = value[better] - value[worse], scores[:, better] - scores[:, worse]
        sure = gaps > max_t(draws, gaps) * draws.std(axis=0) + 1e-9
        found[worse[sure]] = True
    return found


def _drawn_quantile(values: Array, points: Points, share: float = 0.95) -> Array:
    """A quantile of one point's values in each replicate."""
    order = np.argsort(values)
    counts = points.weights[:, points.cluster[order]].cumsum(axis=1)
    place = (counts < share * counts[:, -1:] - 1e-6).sum(axis=1)
    drawn: Array = values[order][np.minimum(place, len(values) - 1)]
    return drawn
