"""Samples of problems → bins of difficulty made from one half of them, and what the other half scores in each.

Sorting problems by the samples that are then scored makes the hard ones look harder and the easy ones easier than they
are. So bins and scores come from different halves; another arm's scores, whose samples played no part, are used whole.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fourdials.errors import InputError
from fourdials.estimate.intervals import share
from fourdials.estimate.panel import PROBLEM
from fourdials.estimate.pool import Pool

BIN_SCHEMA: dict[str, type[pl.DataType]] = {
    "bin": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
}

GUESSED_SCHEMA: dict[str, type[pl.DataType]] = {"kind": pl.String, "bin": pl.Int64, "value": pl.Float64, "n": pl.Int64}


def bins(pool: Pool, count: int = 5, seed: int = 0) -> pl.DataFrame:
    """Sorts problems into bins of about equal size by a random half of their samples; bin 1 is the hardest.

    Args:
        pool: Of `pool.read`, which refuses pools that stopped adaptively.
        count: Bins, from 2 up to the number of problems.
        seed: Of the halves, and of the order of problems with equal scores.

    Returns:
        Columns of the pool's problems, `cluster` (numbered from 0), `bin`, `binned_on` (mean score of the half that was
        sorted by) and `score` (mean of the other half).
    """
    problems = len(pool.cluster)
    if not 2 <= count <= problems:
        raise InputError(f"got {count} bins; {problems} problems can be put into 2 to {problems}")
    rng = np.random.default_rng(seed)
    order = rng.random(pool.score.shape).argsort(axis=1)
    half = pool.samples // 2
    mixed = np.take_along_axis(pool.score, order, axis=1)
    sorted_by, held_out = mixed[:, :half].mean(axis=1), mixed[:, half:].mean(axis=1)
    rank = np.lexsort((rng.random(problems), sorted_by)).argsort()
    return pool.problems.with_columns(
        pl.Series("cluster", pool.cluster),
        pl.Series("bin", rank * count // problems + 1),
        pl.Series("binned_on", sorted_by),
        pl.Series("score", held_out),
    )


def by_bin(binned: pl.DataFrame, scores: pl.DataFrame | None = None) -> pl.DataFrame:
    """The mean score of each bin.

    Args:
        binned: Of `bins`.
        scores: Columns task, problem_id and score (one row per trial or problem) of an arm whose samples made no bins;
            by default the half of the samples that was held out.

    Returns:
        Columns of `BIN_SCHEMA`, hardest bin first. Problems without a bin, or without a score, are left out.
    """
    chosen = binned
    if scores is not None:
        means = scores.group_by(PROBLEM).agg(pl.col("score").mean())
        chosen = binned.drop("score").join(means, on=PROBLEM).drop_nulls("score")
    rows = []
    for part in chosen.sort("bin", *PROBLEM).partition_by("bin", maintain_order=True):
        cluster = part["cluster"].rank("dense").to_numpy().astype(np.int64) - 1
        found = share(part["score"].to_numpy(), cluster)
        ends = {"value": found.value, "low": found.low, "high": found.high, "method": found.method}
        rows.append({"bin": part["bin"][0], "n": found.n, "clusters": found.clusters, **ends})
    return pl.DataFrame(rows, schema=BIN_SCHEMA)


def guessed(binned: pl.DataFrame, guesses: pl.DataFrame) -> pl.DataFrame:
    """What guessing and the best constant answer score in each bin.

    Args:
        binned: Of `bins`.
        guesses: Rows of the query `guesses`.

    Returns:
        Columns of `GUESSED_SCHEMA`, kinds `chance` and `constant`, hardest bin first; n counts problems. As in the
        query `baselines`, no rows of chance where answers cannot be listed, and none of a constant that some problem
        lacks.
    """
    held = binned.select("bin", *PROBLEM).join(guesses, on=PROBLEM, maintain_order="left")
    kinds = {"chance": "chance"} if held["chance"].sum() > 0 else {}
    kinds |= {"constant": "constant_score"} if not held["constant_score"].null_count() else {}
    rows = [pl.DataFrame(schema=GUESSED_SCHEMA)]
    for kind, column in kinds.items():
        means = held.group_by("bin").agg(pl.col(column).mean().alias("value"), pl.len().cast(pl.Int64).alias("n"))
        rows.append(means.sort("bin").select(pl.lit(kind).alias("kind"), pl.all()))
    return pl.concat(rows)
