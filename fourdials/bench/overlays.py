"""What of a run is laid over a bench: points with intervals, and the closed form at what the same run shows.

Where a form has a number to be measured, it is taken from one half of the problems (whole clusters) and the points from
the other, so that a form that fits has foretold something.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from fourdials import query, regrade, theory
from fourdials.bench.records import LINE_SCHEMA, lines
from fourdials.errors import InputError
from fourdials.estimate import pool, quality
from fourdials.estimate.extrapolation import fit_beta
from fourdials.estimate.intervals import by_cluster, drawn_means, percentiles, resamples, share
from fourdials.store import Store

PLAIN = ("chain_of_thought", "budget_forcing", "single")  # what sleeping is held against
MOST_QUESTIONS = 20
FEWEST = 8  # problems behind a point, below which it is left out


@dataclass(frozen=True, slots=True)
class Overlay:
    """A way of reading a run in a bench's axes.

    Attributes:
        name: As benches refer to it.
        fits: True for an arm that can be read so (a row of the query `arms`); None where its pool of samples decides.
        read: Store, run, arm and one of its tasks (None for all) → columns of `LINE_SCHEMA`; raises InputError where
            the run does not say enough.
        told: What the figure says of the points.
    """

    name: str
    fits: Callable[[dict[str, object]], bool] | None
    read: Callable[[Store, str, str, str | None], pl.DataFrame]
    told: str


def pooled(majority: bool) -> Callable[[Store, str, str, str | None], pl.DataFrame]:
    """Votes or coverage of a pool of samples, and the form at the rate and correlation fitted to the same samples."""

    def read(store: Store, experiment_id: str, arm: str, task: str | None) -> pl.DataFrame:
        samples = query.run(store, "pool_samples", experiment_ids=[experiment_id], **_tasks(task))
        grade = regrade.grades_without_calls(store, experiment_id)
        held = pool.read(pool.graded(samples, grade), experiment_id, arm)
        found = pool.selection(held, "majority") if majority else pool.coverage(held)
        said = "this run, majority vote" if majority else "this run, any of its samples right"
        named = found.select(line=pl.lit(said), kind=pl.lit("points"), x="k", y="value", low="low", high="high")
        measured = named.select(pl.col(name).cast(of) for name, of in LINE_SCHEMA.items())
        right = held.right.sum(axis=1)
        if right.sum() in (0, held.right.size):
            return measured  # no spread can be fitted to samples that are all alike
        fitted = fit_beta(right, held.samples)
        p, rho = fitted.a / (fitted.a + fitted.b), 1 / (fitted.a + fitted.b + 1)
        ks = list(range(1, int(measured["x"].max()) + 1))  # type: ignore[arg-type]
        form = theory.majority_vote(p, ks, rho) if majority else theory.coverage(p, ks, rho)
        return pl.concat([measured, lines((f"closed form at p = {p:.2f}, ρ = {rho:.2f}", "dash", ks, form))])

    return read


def leads(store: Store, experiment_id: str, arm: str, task: str | None) -> pl.DataFrame:
    """How often voted chains are right at every step they took, by their lead, and the formula at the rate at which
    single votes on one half of the problems are right.

    Where a task does not judge steps, chains count by their ends, and p is the s-th root of how often those of s steps
    are right at a lead of 1, where each step is a single vote; ends reached by luck then flatter both.
    """
    rows = _facts(store, experiment_id, arm, task).drop_nulls("voted_steps")
    votes = quality.judged(query.run(store, "step_truths", experiment_ids=[experiment_id], arms=[arm], **_tasks(task)))
    told = not votes.is_empty()
    if rows.is_empty() or not (told or 1 in rows["max_level"]):
        raise InputError(f"{arm} has no vote of known truth, and none at a lead of 1: either shows the rate of a vote")
    found = rows.join(quality.flawless(votes), on="trial_id", how="left", maintain_order="left")
    first, second = _halves(found.with_columns(held=pl.col("score") * pl.col("right").fill_null(1.0)))
    needed = votes.unique(["task", "problem_id"])["oracle_steps"].drop_nulls()
    per_call = _steps_per_call(store, experiment_id, arm)
    calls = float(rows["voted_steps"].median())  # type: ignore[arg-type]
    steps = round(float(needed.median()) if needed.len() else calls * per_call)  # type: ignore[arg-type]
    said = "every step right" if told else "by its ends"
    points = [
        _point(f"this run, the other half, {said}", float(part["max_level"][0]), part["held"], part)
        for part in second.sort("max_level").partition_by("max_level", maintain_order=True)
    ]
    if told:
        own = votes.drop_nulls("answer").join(first, on="trial_id", how="semi")
        p = float(own.group_by("task", "problem_id").agg(pl.col("right").mean())["right"].mean())  # type: ignore[arg-type]
    else:
        p = float(first.filter(max_level=1)["score"].mean()) ** (per_call / steps)  # type: ignore[arg-type]
    if not 0 < p < 1:
        return pl.concat(points)
    ks = np.arange(1, int(rows["max_level"].max()) + 3)  # type: ignore[arg-type]
    form = theory.all_right(p, ks, steps, per_call)
    return pl.concat([*points, lines((f"formula: p = {p:.2f} from one half, {steps} steps", "dash", ks, form))])


def _steps_per_call(store: Store, experiment_id: str, arm: str) -> int:
    """How many steps each of an arm's calls asks for; 1 where that is no knob of its strategy."""
    knobs = query.run(store, "arms", experiment_ids=[experiment_id]).filter(arm=arm)["knobs"]
    return int(json.loads(knobs[0]).get("steps_per_call") or 1) if knobs.len() else 1


def compounding(store: Store, experiment_id: str, arm: str, task: str | None) -> pl.DataFrame:
    """How often the first steps of chains are all right, and what a constant rate per step would give."""
    given = query.run(store, "step_truths", experiment_ids=[experiment_id], arms=[arm], **_tasks(task))
    if given.is_empty():
        raise InputError(f"of the steps of {arm} it is not stored what would have been right")
    once = quality.judged(given).group_by("trial_id", "step", maintain_order=True).first().sort("trial_id", "step")
    once = once.with_columns(sofar=pl.col("right").cum_min().over("trial_id"))
    first, second = _halves(once)
    rate = float(first["right"].mean())  # type: ignore[arg-type]
    points = [
        _point("this run, the other half", float(part["step"][0]), part["sofar"], part)
        for part in second.sort("step").partition_by("step", maintain_order=True)
        if part["cluster_id"].n_unique() >= FEWEST
    ]
    if not points:
        raise InputError(f"{arm} has fewer than {FEWEST} problems in each half")
    along = np.arange(0, int(max(point["x"][0] for point in points)) + 1)
    return pl.concat([*points, lines((f"constant rate {rate:.2f}, from one half", "dash", along, rate**along))])


def slept(store: Store, experiment_id: str, arm: str, task: str | None) -> pl.DataFrame:
    """Tokens a context took in all with and without sleep, and the lines that one half of the contexts foretells."""
    rows = query.run(store, "trial_facts", experiment_ids=[experiment_id], **_tasks(task)).drop_nulls("asked_tokens")
    strategies = dict(query.run(store, "arms", experiment_ids=[experiment_id]).select("arm", "strategy").iter_rows())
    others = [name for plain in PLAIN for name, strategy in strategies.items() if strategy == plain]
    slept_on = rows.filter(arm=arm).drop_nulls("questions")
    if slept_on.is_empty() or not others:
        raise InputError(f"{arm} made no call ahead, or there is no arm of {' or '.join(PLAIN)} beside it")
    top = slept_on.filter(max_level=slept_on["max_level"].max())
    plain = rows.filter(arm=others[0])
    plain = plain.filter(max_level=plain["max_level"].max())
    shared = round(float(top["questions"].median()))  # type: ignore[arg-type]
    (top_a, top_b), (plain_a, plain_b) = _halves(top), _halves(plain)
    test, sleep, awake = (
        float(part[name].mean())  # type: ignore[arg-type]
        for part, name in ((top_a, "asked_tokens"), (top_a, "ahead_tokens"), (plain_a, "asked_tokens"))
    )
    asked = np.arange(0, MOST_QUESTIONS + 1)
    return pl.concat(
        [
            _mean("this run, with sleep", shared, top_b["asked_tokens"] * shared + top_b["ahead_tokens"], top_b),
            _mean(f"this run, {others[0]}", shared, plain_b["asked_tokens"] * shared, plain_b),
            lines(
                ("with sleep, from one half", "dash", asked, theory.sleep_cost(test, asked, sleep)),
                (f"{others[0]}, from one half", "dash", asked, theory.sleep_cost(awake, asked, 0.0)),
            ),
        ]
    )


def walked(store: Store, experiment_id: str, arm: str, task: str | None) -> pl.DataFrame:
    """How often a thought of so many tokens is right, for the shortest and the longest way, and the walk of one hop a
    token: chance until it arrives, and right from there on. Nothing in it is fitted."""
    facts = _facts(store, experiment_id, arm, task)
    stops = query.run(store, "curve_points", experiment_ids=[experiment_id], unit="level", **_tasks(task))
    stops = stops.filter(arm=arm).drop_nulls("level")
    levels = sorted(stops["level"].unique().to_list())
    if facts.is_empty() or facts["chance"].null_count() or len(levels) < 2:
        raise InputError(f"{arm} has one length of thought only, or what chance gives on its problems is unknown")
    drawn, along = [], np.arange(0, int(levels[-1]) + 1)
    lengths = [float(each) for each in facts["difficulty"].unique().sort()]
    for hops in sorted({lengths[0], lengths[-1]}):
        own = facts.filter(difficulty=hops)
        chance = float(own["chance"].mean())  # type: ignore[arg-type]
        for level in levels:
            gained = stops.filter(pl.col("level") <= level).group_by("trial_id").agg(right=pl.col("gain").sum())
            held = own.join(gained, on="trial_id", how="left").with_columns(pl.col("right").fill_null(0.0))
            drawn.append(_point(f"this run, {hops:g} hops", float(level), held["right"], held))
        drawn.append(lines((f"a walk of {hops:g} hops", "dash", along, np.where(along >= hops, 1.0, chance))))
    return pl.concat(sorted(drawn, key=lambda part: part["kind"][0] != "points"))


def _tasks(task: str | None) -> dict[str, list[str]]:
    return {} if task is None else {"tasks": [task]}


def _facts(store: Store, experiment_id: str, arm: str, task: str | None) -> pl.DataFrame:
    return query.run(store, "trial_facts", experiment_ids=[experiment_id], **_tasks(task)).filter(arm=arm)


def _halves(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of every other cluster, in the order of their names, and the rest."""
    names = rows["cluster_id"].unique().sort()
    first = names.gather_every(2).to_list()
    if names.len() < 2 * FEWEST:
        raise InputError(f"{names.len()} problems are too few to take a rate from one half and test it on the other")
    inside = pl.col("cluster_id").is_in(first)
    return rows.filter(inside), rows.filter(~inside)


def _clusters(rows: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.unique(rows["cluster_id"].to_numpy(), return_inverse=True)[1].astype(np.int64)


def _point(line: str, x: float, scores: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """A measured share with its interval over problems."""
    found = share(scores.to_numpy().astype(np.float64), _clusters(rows))
    return lines((line, "points", [x], [found.value])).with_columns(low=pl.lit(found.low), high=pl.lit(found.high))


def _mean(line: str, x: float, amounts: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """A measured mean with its interval, by drawing problems anew."""
    values, cluster = amounts.to_numpy().astype(np.float64), _clusters(rows)
    sums, sizes = by_cluster(values[:, None], cluster), by_cluster(np.ones(len(values)), cluster)
    low, high = percentiles(drawn_means(sums, sizes, resamples(len(sizes))))
    ends = {"low": float(np.ravel(low)[0]), "high": float(np.ravel(high)[0])}
    return lines((line, "points", [x], [float(values.mean())])).with_columns(
        pl.lit(end, pl.Float64).alias(name) for name, end in ends.items()
    )


OVERLAYS: dict[str, Overlay] = {
    each.name: each
    for each in (
        Overlay("majority", None, pooled(True), "votes resampled from its stored samples"),
        Overlay("coverage", None, pooled(False), "coverage of its stored samples"),
        Overlay(
            "leads",
            lambda arm: arm["strategy"] == "decompose_and_vote",
            leads,
            "chains voted on step by step; the rate of a single vote is from the other half of the problems",
        ),
        Overlay(
            "compounding",
            lambda arm: arm["strategy"] == "stepwise",
            compounding,
            "chains right so far; the rate of a step is from the other half of the problems",
        ),
        Overlay(
            "slept",
            lambda arm: arm["strategy"] == "sleep_time",
            slept,
            "tokens a context; the lines are from the other half of the contexts, unweighted",
        ),
        Overlay(
            "walked",
            lambda arm: arm["strategy"] == "chain_of_thought" and len(arm["levels"]) > 1,  # type: ignore[arg-type]
            walked,
            "thoughts by their tokens, a hop a token; nothing is fitted",
        ),
    )
}
