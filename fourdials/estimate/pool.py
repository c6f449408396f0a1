"""Stored samples of one prompt → what taking k of them would have given: coverage, votes, best of k. Sample once.

Rows come from the query `pool_samples`. Everything here but coverage subsamples the pool, and says so. A pool whose
size depended on what was in it (votes that stopped early, an allocator that stopped) is refused: its easy problems have
few samples and its hard ones many, which makes pass@k and difficulty wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import gammaln

from fourdials import theory
from fourdials.errors import InputError
from fourdials.estimate.intervals import (
    REPLICATES,
    Array,
    Ints,
    Weights,
    by_cluster,
    difference_bounds,
    resamples,
    share_bounds,
)
from fourdials.estimate.panel import PROBLEM
from fourdials.grading import normal

Selection = Literal["majority", "weighted", "best"]
SELECTIONS: tuple[Selection, ...] = ("majority", "weighted", "best")
# Subsamples are spread over the problems, at least 40 each, so that their own error stays under 0.5 / √50,000 = 0.2
# points.
SUBSAMPLES = 50_000
FEWEST_SUBSAMPLES = 40

SELECTED_SCHEMA: dict[str, type[pl.DataType]] = {
    "kind": pl.String,
    "k": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
    "samples": pl.Int64,
    "resampled": pl.Boolean,
    "ties": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Pool:
    """The samples of one arm, a row per problem, the same number for each.

    Attributes:
        problems: Columns task, problem_id, cluster_id.
        cluster: Number of each problem's cluster, from 0.
        right: problems × samples; True where the sample is fully right.
        score: problems × samples, in [0, 1].
        answer: problems × samples; equal numbers are votes for the same answer within a problem, -1 is no answer.
        weight: problems × samples, in [0, 1]: a verifier's score or the probability per token; None if not stored.
    """

    problems: pl.DataFrame
    cluster: Ints
    right: NDArray[np.bool_]
    score: Array
    answer: Ints
    weight: Array | None

    @property
    def samples(self) -> int:
        """Samples per problem."""
        return int(self.right.shape[1])

    @property
    def sizes(self) -> Array:
        """Problems in each cluster."""
        return by_cluster(np.ones(len(self.cluster)), self.cluster)


def pools(samples: pl.DataFrame) -> pl.DataFrame:
    """What pools there are, and which of them may be used.

    Args:
        samples: Rows of the query `pool_samples`.

    Returns:
        One row per experiment and arm: problems, the fewest and most `samples` of a problem, how many are `ungraded`,
        whether all are `weighted`, and why the pool is `refused` (None if it is not).
    """
    counted = samples.group_by("experiment_id", "arm", *PROBLEM).agg(
        pl.len().alias("held"),
        pl.col("score").is_null().sum().alias("ungraded"),
        pl.col("weight").is_not_null().all().alias("weighted"),
        pl.col("adaptive").any().alias("adaptive"),
        pl.col("cut").any().alias("cut"),
    )
    found = counted.group_by("experiment_id", "arm").agg(
        pl.len().alias("problems"),
        pl.col("held").min().alias("fewest"),
        pl.col("held").max().alias("most"),
        pl.col("ungraded").sum(),
        pl.col("weighted").all(),
        pl.col("adaptive").any(),
        pl.col("cut").any(),
    )
    reason = (
        pl.when("adaptive")
        .then(pl.lit("it stopped adaptively, so how many samples a problem has depends on what they were"))
        .when("cut")
        .then(pl.lit("a cap or an error cut some of its trials short"))
        .when(pl.col("ungraded") > 0)
        .then(pl.lit("some of its samples were never graded; grade them first"))
        .when(pl.col("fewest") < 2)
        .then(pl.lit("one sample a problem cannot be subsampled"))
    )
    ordered = found.with_columns(refused=reason).sort("experiment_id", "arm")
    return ordered.drop("adaptive", "cut")


def graded(samples: pl.DataFrame, grade: Callable[[str, str, str], float | None]) -> pl.DataFrame:
    """The samples with every missing score filled in; `grade(task, problem_id, answer)` gives it, in [0, 1], or None
    where it cannot.

    Each distinct answer of a problem is graded once; no answer scores 0.
    """
    keys = [*PROBLEM, "answer"]
    missing = samples.filter(pl.col("score").is_null())
    asked = missing.filter(pl.col("answer").is_not_null()).select(keys).unique().sort(keys)
    found = asked.with_columns(found=pl.Series([grade(*row) for row in asked.rows()], dtype=pl.Float64))
    nothing = pl.when(pl.col("answer").is_null()).then(0.0)
    joined = samples.join(found, on=keys, how="left", maintain_order="left")
    return joined.with_columns(score=pl.coalesce("score", "found", nothing)).drop("found")


def read(samples: pl.DataFrame, experiment_id: str, arm: str) -> Pool:
    """One arm's pool, all repeats together; a problem with more samples than the others lends its first ones.

    Raises InputError, saying why, for a pool that is refused (see `pools`) or not there.
    """
    mine = samples.filter((pl.col("experiment_id") == experiment_id) & (pl.col("arm") == arm))
    if mine.is_empty():
        raise InputError(f"{arm} of {experiment_id} has no stored samples; choose an arm that samples independently")
    row = pools(mine).row(0, named=True)
    if row["refused"]:
        raise InputError(f"the samples of {arm} cannot serve as a pool: {row['refused']}")
    ordered = mine.sort(*PROBLEM, "repeat", "sample")
    held = ordered.filter(pl.int_range(pl.len()).over(PROBLEM) < row["fewest"])
    held = held.with_columns(_ballots(held))
    codes = (pl.col("ballot").rank("dense").over(PROBLEM) - 1).fill_null(-1).cast(pl.Int64)
    shape = (row["problems"], row["fewest"])
    problems = held.select(*PROBLEM, "cluster_id").unique(PROBLEM, keep="first", maintain_order=True)
    cluster = problems.select(pl.struct("task", "cluster_id").rank("dense") - 1).to_series()
    score = held["score"].to_numpy().reshape(shape)
    weight = held["weight"].to_numpy().reshape(shape) if row["weighted"] else None
    answer = held.select(codes).to_series().to_numpy().reshape(shape)
    return Pool(problems, cluster.to_numpy().astype(np.int64), score >= 1, score, answer, weight)


def _ballots(samples: pl.DataFrame) -> pl.Series:
    """What each sample votes for: its ballot, or its answer, plainly written, of problems for which an older run noted
    none for some of the answers: two ways of telling answers apart must not meet in one vote."""
    plain = pl.Series("ballot", [None if answer is None else normal(answer) for answer in samples["answer"]], pl.String)
    if "ballot" not in samples.columns:
        return plain
    lacks = (pl.col("answer").is_not_null() & pl.col("ballot").is_null()).any().over(PROBLEM)
    return samples.select(pl.when(lacks).then(plain).otherwise(pl.col("ballot")).alias("ballot"))["ballot"]


def pass_at(right: Ints, n: int, k: int) -> Array:
    """Unbiased chance that k of n samples hold a right one: 1 − C(n−c, k) / C(n, k) (Chen et al. 2021, 2107.03374).

    Args:
        right: How many of each problem's n samples are right.
        n: Samples per problem.
        k: Samples taken, at most n.
    """
    if not 1 <= k <= n:
        raise InputError(f"got k = {k}; a pool of {n} samples serves k from 1 to {n}")
    wrong = n - np.asarray(right, dtype=np.int64)
    enough = wrong >= k
    left = np.maximum(wrong, k)
    missed = gammaln(left + 1) - gammaln(left - k + 1) - gammaln(n + 1) + gammaln(n - k + 1)
    return np.asarray(1.0 - np.where(enough, np.exp(missed), 0.0), dtype=np.float64).round(12)


def sizes_of(samples: int) -> list[int]:
    """1, 2, 4, … up to a number of samples, and that number."""
    powers = [2**i for i in range(samples.bit_length()) if 2**i < samples]
    return [*powers, samples] if samples > 0 else []


def coverage(pool: Pool, ks: Sequence[int] | None = None, seed: int = 0, replicates: int = REPLICATES) -> pl.DataFrame:
    """pass@k: how often at least one of k samples is right. Columns of `SELECTED_SCHEMA`; k goes up to all samples."""
    chosen = list(ks) if ks is not None else sizes_of(pool.samples)
    scores = np.stack([pass_at(pool.right.sum(axis=1), pool.samples, k) for k in chosen], axis=1)
    return _frame(pool, "coverage", chosen, scores, None, resamples(len(pool.sizes), seed, replicates))


def guessed(pool: Pool, guesses: pl.DataFrame, ks: Sequence[int]) -> pl.DataFrame:
    """How often at least one of k blind guesses is right: the mean over problems of 1 − (1 − c)^k, c each one's chance.

    This is pass@k of independent samples that are right with probability c (Chen et al. 2021, arXiv 2107.03374), here
    of uniform guesses among the answers a problem lists.

    Args:
        pool: Its problems are averaged over.
        guesses: Rows of the query `guesses`.
        ks: Numbers of guesses, from 1 on.

    Returns:
        k, value in [0, 1] and n, the problems; no rows where answers cannot be listed, so that all chances are 0, or
        where a problem has no row.
    """
    chance = pool.problems.join(guesses, on=PROBLEM, how="left", maintain_order="left")["chance"]
    if chance.null_count() or not chance.sum():
        ks = ()
    means = [float(theory.coverage(chance.to_numpy(), k).mean()) for k in ks]
    schema = {"k": pl.Int64, "value": pl.Float64, "n": pl.Int64}
    return pl.DataFrame({"k": list(ks), "value": means, "n": [len(chance)] * len(means)}, schema=schema)


def selection(
    pool: Pool,
    how: Selection,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> pl.DataFrame:
    """The score of the answer that a way of choosing takes from k samples.

    Args:
        pool: The samples.
        how: `majority` (the most frequent answer), `weighted` (the largest sum of weights) or `best` (the largest
            weight, then the more frequent answer); what is still tied goes to the one sampled first, as the strategies
            do it, and samples without an answer cast no vote.
        ks: Sizes, at most half of the pool: larger subsamples of one pool are too alike to tell anything.
        seed: Of the subsamples and the bootstrap.
        replicates: Bootstrap replicates.

    Returns:
        Columns of `SELECTED_SCHEMA`; `ties` is the share of subsamples whose winner was decided by who came first.
        Subsamples are drawn without replacement. The interval is over problems, for this pool's subsamples.
    """
    chosen = list(ks) if ks is not None else sizes_of(pool.samples // 2)
    scores, ties = selected_scores(pool, how, chosen, seed)
    return _frame(pool, how, chosen, scores, ties.mean(axis=0), resamples(len(pool.sizes), seed, replicates))


def gap(
    pool: Pool, how: Selection, ks: Sequence[int] | None = None, seed: int = 0, replicates: int = REPLICATES
) -> pl.DataFrame:
    """The verifier gap: coverage minus what a selection scores, with a paired interval. Arguments as in `selection`.

    Columns of `SELECTED_SCHEMA` with the kind `gap: <how>`. Scores between 0 and 1 count in full for the selection and
    only from 1 on for coverage, so with partial credit the gap can be below 0.
    """
    chosen = list(ks) if ks is not None else sizes_of(pool.samples // 2)
    picked, ties = selected_scores(pool, how, chosen, seed)
    covered = np.stack([pass_at(pool.right.sum(axis=1), pool.samples, k) for k in chosen], axis=1)
    weights = resamples(len(pool.sizes), seed, replicates)
    first, second = by_cluster(covered, pool.cluster), by_cluster(picked, pool.cluster)
    bounds = difference_bounds(first, second, pool.sizes, weights)
    parts = {"value": bounds.value, "low": bounds.low, "high": bounds.high, "method": bounds.method}
    return _rows(pool, f"gap: {how}", chosen, parts, ties.mean(axis=0))


def selected_scores(pool: Pool, how: Selection, ks: Sequence[int], seed: int = 0) -> tuple[Array, Array]:
    """Each problem's mean score of what is selected from k samples, and its share of ties: two problems × ks arrays.

    Raises InputError for a k above half of the pool, or where the way of choosing needs weights that were not stored.
    """
    if how not in SELECTIONS:
        raise InputError(f"got {how!r}; a selection is one of {', '.join(SELECTIONS)}")
    if how != "majority" and pool.weight is None:
        raise InputError(f"{how} needs a verifier's score or log-probability of every sample; this pool stores none")
    most = pool.samples // 2
    if any(not 1 <= k <= most for k in ks):
        raise InputError(f"got k = {max(ks)}; a pool of {pool.samples} samples serves votes of 1 to {most}")
    problems = len(pool.cluster)
    repeats = max(FEWEST_SUBSAMPLES, -(-SUBSAMPLES // max(1, problems)))
    scores, ties = np.zeros((problems, len(ks))), np.zeros((problems, len(ks)))
    batch = max(1, 4 * SUBSAMPLES // repeats)
    rng = np.random.default_rng(seed)
    for start in range(0, problems, batch):
        rows = np.repeat(np.arange(start, min(start + batch, problems)), repeats)
        order = rng.random((len(rows), pool.samples)).argsort(axis=1)[:, :most]
        for column, k in enumerate(ks):
            found, tied = _select(pool, how, rows, order[:, :k])
            scores[start : start + batch, column] = found.reshape(-1, repeats).mean(axis=1)
            ties[start : start + batch, column] = tied.reshape(-1, repeats).mean(axis=1)
        if 1 in ks:  # there is nothing to select from: known exactly, so that the gap at 1 is exactly 0
            place = list(ks).index(1)
            scores[start : start + batch, place] = pool.score[start : start + batch].mean(axis=1)
    return scores, ties


def _select(pool: Pool, how: Selection, rows: Ints, order: Ints) -> tuple[Array, NDArray[np.bool_]]:
    """For each subsample the score of what is selected, and whether another answer was as good by the rule."""
    at = rows[:, None]
    answer, k = pool.answer[at, order], order.shape[1]
    votes = answer >= 0
    if how == "majority" or pool.weight is None:
        rank = _sum_by_answer(answer, votes.astype(np.float64))
    else:
        trust = np.where(votes, pool.weight[at, order], 0.0)
        plain = _sum_by_answer(answer, votes.astype(np.float64))
        if how == "weighted":
            sums = _sum_by_answer(answer, trust)
            rank = np.where((trust.sum(axis=1) > 0)[:, None], sums, plain)
        else:
            rank = trust * (k + 1) * 1e6 + plain
    rank = np.where(votes, rank.round(9), -1.0)  # rounded so that equal sums are equal however they were added
    first = rank.argmax(axis=1)  # the earliest of the best
    line = np.arange(len(rows))
    best = rank[line, first]
    tied = ((rank == best[:, None]) & (answer != answer[line, first][:, None]) & votes).any(axis=1)
    score = np.where(best >= 0, pool.score[rows, order[line, first]], 0.0)
    return score, tied


def _sum_by_answer(answer: Ints, amounts: Array) -> Array:
    """For each sample of each row, the row's total over the samples with the same answer."""
    groups = int(answer.max(initial=0)) + 1
    cell = np.arange(len(answer))[:, None] * groups + np.maximum(answer, 0)
    totals = np.bincount(cell.ravel(), amounts.ravel(), minlength=len(answer) * groups)
    return np.asarray(totals[cell], dtype=np.float64)


def _frame(
    pool: Pool, kind: str, ks: Sequence[int], scores: Array, ties: Array | None, weights: Weights
) -> pl.DataFrame:
    bounds = share_bounds(by_cluster(scores, pool.cluster), pool.sizes, weights)
    parts = {"value": bounds.value, "low": bounds.low, "high": bounds.high, "method": bounds.method}
    return _rows(pool, kind, ks, parts, ties)


def _rows(pool: Pool, kind: str, ks: Sequence[int], parts: dict[str, object], ties: Array | None) -> pl.DataFrame:
    count = len(ks)
    columns = {
        "kind": [kind] * count,
        "k": list(ks),
        "n": [len(pool.cluster)] * count,
        "clusters": [len(pool.sizes)] * count,
        "samples": [pool.samples] * count,
        "resampled": [kind != "coverage"] * count,
        "ties": [None] * count if ties is None else ties,
        **parts,
    }
    return pl.DataFrame(columns, schema_overrides=SELECTED_SCHEMA).select(*SELECTED_SCHEMA)
