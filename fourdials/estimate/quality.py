"""How trials went about their problems → measures one success rate hides, and arms that tie on it and differ there.

Rows come from the query `trajectories`. The formulas are this project's own, after the agenda of Gu 2026 (2605.26112).
Measures of arms have intervals over problems; where a trial has nothing to measure (no step, no note) it is left out.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from fourdials.errors import InputError
from fourdials.estimate.intervals import Z, difference, mean_amount, share
from fourdials.estimate.panel import PROBLEM, shared
from fourdials.grading import normal

# Each lies between 0 and 1; more is better but for rates and costs.
MEASURES: dict[str, pl.Expr] = {
    "success": pl.col("score"),
    "loop_rate": pl.col("loops") / pl.col("steps"),
    "invalid_rate": pl.col("invalid") / pl.col("steps"),
    "trajectory_quality": (
        pl.col("score")
        * (pl.col("oracle_steps") / pl.col("steps")).clip(upper_bound=1.0)  # stays NULL where either is unknown
        * (1 - pl.col("loops") / pl.col("steps"))
        * (1 - pl.col("invalid") / pl.col("steps"))
    ),
    "memory_hygiene": pl.when(pl.col("notes") > 0).then(
        1 - (pl.col("notes_stale") + pl.col("notes_contradicted") + pl.col("notes_duplicate")) / pl.col("notes")
    ),
    "context_efficiency": pl.col("used_tokens") / pl.col("prompt_tokens"),
    "verification_cost": pl.col("verify_tokens") / (pl.col("prompt_tokens") + pl.col("completion_tokens")),
    "planning_cost": pl.col("plan_tokens") / (pl.col("plan_tokens") + pl.col("execute_tokens")),
}
OPTIONAL = {"oracle_steps": pl.Float64, "used_tokens": pl.Float64}
TIE = 0.05
# Amounts a trial, and whether one trial of which it is unknown makes the mean unknown; else such trials are left out.
AMOUNTS = {
    "peak_context": True,
    "plan_tokens": True,
    "execute_tokens": True,
    "verify_tokens": True,
    "steps": True,
    "switches": False,
    "notes": True,
}

QUALITY_SCHEMA: dict[str, type[pl.DataType]] = {
    "experiment_id": pl.String,
    "arm": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "clusters": pl.Int64,
    "method": pl.String,
}


def measured(trials: pl.DataFrame) -> pl.DataFrame:
    """Adds the measures of every trial as columns; NULL where a trial has nothing to measure.

    Args:
        trials: Rows of the query `trajectories`; optionally with `oracle_steps` (fewest steps that solve the problem)
            and `used_tokens` (prompt tokens of passages and notes the answer made use of). Without them the measures
            that need them are NULL.

    - trajectory quality = success × min(1, oracle steps / steps) × (1 − loop rate) × (1 − invalid rate), where a loop
      is a step to where the trial had been before, and both rates are per step
    - memory hygiene = 1 − (stale + contradicted + duplicate) / entries, at least 0
    - context efficiency = used tokens / prompt tokens
    - verification cost = tokens of the roles verify and judge / all tokens
    - planning cost = tokens of the roles plan and route / those and the tokens that execute
    """
    missing = [pl.lit(None, kind).alias(name) for name, kind in OPTIONAL.items() if name not in trials.columns]
    ready = trials.with_columns(missing)
    found = ready.with_columns(expression.cast(pl.Float64).alias(name) for name, expression in MEASURES.items())
    return found.with_columns(pl.col(name).fill_nan(None).clip(0, 1) for name in MEASURES)


def quality(trials: pl.DataFrame) -> pl.DataFrame:
    """Every measure of every arm: columns of `QUALITY_SCHEMA`; measures no trial of an arm has are left out.

    Means over problems, repeats averaged within a problem first.
    """
    rows = []
    for arm in measured(trials).partition_by("experiment_id", "arm", maintain_order=True):
        for name in MEASURES:
            if arm[name].null_count() == arm.height:
                continue
            row = {"experiment_id": arm["experiment_id"][0], "arm": arm["arm"][0], "measure": name}
            rows.append(row | _mean(arm, name))
    return pl.DataFrame(rows, schema=QUALITY_SCHEMA)


def amounts(trials: pl.DataFrame) -> pl.DataFrame:
    """What a trial of every arm takes on average: a row of `QUALITY_SCHEMA` for each of `AMOUNTS` known.

    Args:
        trials: Rows of the query `trajectories`.

    Means over trials with intervals over clusters of problems; `n` counts problems.
    """
    rows = []
    for arm in trials.partition_by("experiment_id", "arm", maintain_order=True):
        names = {"experiment_id": arm["experiment_id"][0], "arm": arm["arm"][0]}
        for name, whole in AMOUNTS.items():
            known = arm.drop_nulls(name)
            if known.is_empty() or (whole and known.height < arm.height):
                continue
            problems = known.group_by(*PROBLEM, "cluster_id", maintain_order=True).agg(
                pl.col(name).cast(pl.Float64).sum(), pl.len().alias("trials")
            )
            places = problems.select(pl.struct("task", "cluster_id").rank("dense") - 1).to_series().to_numpy()
            found = mean_amount(problems[name].to_numpy(), problems["trials"].to_numpy(), places.astype(np.int64))
            rows.append({**names, "measure": name, **asdict(found)})
    return pl.DataFrame(rows, schema=QUALITY_SCHEMA).with_columns(pl.col("low", "high").fill_nan(None))


def ties(trials: pl.DataFrame, margin: float = TIE) -> pl.DataFrame:
    """Pairs of arms whose success cannot differ by much, and which differ elsewhere for sure.

    Args:
        trials: Rows of the query `trajectories`.
        margin: Success is a tie if the interval of the paired difference lies within ± this.

    Returns:
        arm_a, arm_b, `success` (difference, with `success_low`, `success_high`), `measure`, and its difference `value`
        with `low`, `high`, `n`, `clusters`, `method`. Many measures are compared, so each interval is widened to
        1 − 0.05 / their number (Bonferroni, through the normal approximation). Arms of one experiment are compared on
        shared problems.
    """
    if not 0 < margin <= 1:
        raise InputError(f"got a margin of {margin}; it must lie above 0 and up to 1")
    arms = measured(trials).partition_by("experiment_id", "arm", maintain_order=True)
    others = [name for name in MEASURES if name != "success"]
    rows = []
    for i, a in enumerate(arms):
        for b in arms[i + 1 :]:
            if a["experiment_id"][0] != b["experiment_id"][0]:
                continue
            tie = paired(a, b, "success")
            if tie is None or tie["low"] < -margin or tie["high"] > margin:
                continue
            names = {"arm_a": a["arm"][0], "arm_b": b["arm"][0]}
            found = {"success": tie["value"], "success_low": tie["low"], "success_high": tie["high"]}
            for name in others:
                gap = paired(a, b, name, len(others))
                if gap is not None and (gap["low"] > 0 or gap["high"] < 0):
                    rows.append(names | found | {"measure": name} | gap)
    numbers = dict.fromkeys(("success", "success_low", "success_high"), pl.Float64)
    ends = {name: QUALITY_SCHEMA[name] for name in ("measure", "value", "low", "high", "n", "clusters", "method")}
    return pl.DataFrame(rows, schema={"arm_a": pl.String, "arm_b": pl.String, **numbers, **ends})


def step_correctness(steps: pl.DataFrame) -> pl.DataFrame:
    """How often a step is right, by its place in the chain: a steady rate compounds, a falling one snowballs.

    Args:
        steps: Columns task, problem_id, cluster_id, step (from 1) and right (0 to 1); one row per step of each trial.

    Returns:
        `step`, `value`, `low`, `high`, `n`, `clusters`, `method`. Later steps are reached by fewer problems, and by
        easier ones where a wrong step ends a chain: mind `n`.
    """
    rows = []
    for part in steps.sort("step").partition_by("step", maintain_order=True):
        rows.append({"step": part["step"][0], **_mean(part.with_columns(pl.col("right").cast(pl.Float64)), "right")})
    names = ("value", "low", "high", "n", "clusters", "method")
    return pl.DataFrame(rows, schema={"step": pl.Int64, **{name: QUALITY_SCHEMA[name] for name in names}})


def judged(steps: pl.DataFrame) -> pl.DataFrame:
    """Rows of the query `step_truths` with `right`: 1 where answer and truth are the same text, apart from case, spaces
    and surrounding punctuation, else 0; a step whose answer could not be read is wrong."""
    pairs = steps.select("answer", "truth").unique()
    equal = [answer is not None and normal(answer) == normal(truth) for answer, truth in pairs.rows()]
    found = pairs.with_columns(right=pl.Series(equal, dtype=pl.Float64))
    return steps.join(found, on=["answer", "truth"], how="left", nulls_equal=True, maintain_order="left")


def flawless(steps: pl.DataFrame) -> pl.DataFrame:
    """Which trials took no wrong step: `trial_id`, and `right`, 1 or 0.

    Args:
        steps: What `judged` gives, in the order of the votes.

    The step taken is the answer with most votes, the earliest on a tie, so that a wrong vote that lost the step is no
    wrong step; one of which no vote could be read is wrong. Steps of which no truth is known are not judged.
    """
    step = ["trial_id", "step"]
    votes = pl.col("answer").count()  # what could not be read is no vote
    counted = steps.group_by(*step, "answer", maintain_order=True).agg(pl.col("right").first(), votes.alias("votes"))
    taken = counted.sort("votes", descending=True, maintain_order=True).group_by(step, maintain_order=True).first()
    return taken.group_by("trial_id", maintain_order=True).agg(pl.col("right").min())


def shared_errors(steps: pl.DataFrame) -> pl.DataFrame:
    """How often the first two votes on a step are both wrong, against what independent errors would give.

    Args:
        steps: What `judged` gives, in the order of the votes. A vote that could not be read does not count as one, and
            steps with fewer than two are left out.

    Returns:
        One row per arm: `arm`; `wrong`, the share of wrong votes among these; `both` with `low` and `high`, the share
        of steps where both are, over problems; `independent`, the product of the shares of wrong first and second
        votes, which is what the formulas of voting assume (Meyerson et al. 2025, arXiv 2511.09030); `steps`, `n`,
        `clusters`, `method`. Steps of unlike difficulty have errors in common, too: the two are not told apart.
    """
    place = ("task", "problem_id", "cluster_id", "trial_id", "step")
    rows = []
    for arm in steps.drop_nulls("answer").partition_by("experiment_id", "arm", maintain_order=True):
        votes = arm.group_by(*place, maintain_order=True).agg(wrong=1 - pl.col("right").head(2))
        pairs = votes.filter(pl.col("wrong").list.len() == 2).with_columns(
            first=pl.col("wrong").list.first(), second=pl.col("wrong").list.last(), both=pl.col("wrong").list.min()
        )
        if pairs.is_empty():
            continue
        first, second = (float(pairs[name].mean()) for name in ("first", "second"))  # type: ignore[arg-type]
        found = _mean(pairs, "both")
        shares = {"wrong": (first + second) / 2, "both": found.pop("value"), "independent": first * second}
        rows.append({"arm": arm["arm"][0], **shares, "steps": pairs.height, **found})
    numbers = dict.fromkeys(("wrong", "both", "low", "high", "independent"), pl.Float64)
    counts = dict.fromkeys(("steps", "n", "clusters"), pl.Int64)
    return pl.DataFrame(rows, schema={"arm": pl.String, **numbers, **counts, "method": pl.String})


def underthinking_of(thoughts: pl.DataFrame) -> pl.DataFrame:
    """The underthinking score ξ of every arm over its problems with wrong replies: columns of `QUALITY_SCHEMA`.

    Args:
        thoughts: Rows of the query `thoughts`; see `underthinking`. Arms without wrong replies have no row.
    """
    wrong = thoughts.filter((pl.col("score") < 1) & (pl.col("tokens") > 0))
    reached = pl.coalesce("right_by", "tokens").clip(upper_bound=pl.col("tokens")) / pl.col("tokens")
    measure = "underthinking"
    found = [
        {"experiment_id": arm["experiment_id"][0], "arm": arm["arm"][0], "measure": measure, **_mean(arm, measure)}
        for arm in wrong.with_columns((1 - reached).alias(measure)).partition_by(
            "experiment_id", "arm", maintain_order=True
        )
    ]
    return pl.DataFrame(found, schema=QUALITY_SCHEMA)


def underthinking(thoughts: pl.DataFrame) -> float | None:
    """The underthinking score ξ = mean over wrong replies of 1 − T̂ / T (Wang et al. 2025, arXiv 2501.18585).

    Args:
        thoughts: Columns score, tokens (T, of the whole reply) and right_by (T̂, tokens up to the end of the first
            thought that was right; NULL if none was, which counts as T). Rows without tokens are left out.

    High where models had a right thought early and left it. None where no reply is wrong.
    """
    wrong = thoughts.filter((pl.col("score") < 1) & (pl.col("tokens") > 0))
    reached = pl.coalesce("right_by", "tokens").clip(upper_bound=pl.col("tokens")) / pl.col("tokens")
    found = wrong.select((1 - reached).mean()).item() if wrong.height else None
    return None if found is None else float(found)


def _mean(rows: pl.DataFrame, name: str) -> dict[str, Any]:
    """The mean of a column over problems, repeats averaged within a problem first, with its interval by cluster."""
    means = rows.group_by(*PROBLEM, "cluster_id").agg(pl.col(name).mean()).drop_nulls(name).sort(PROBLEM)
    places = means.select(pl.struct("task", "cluster_id").rank("dense") - 1).to_series().to_numpy()
    found = share(means[name].to_numpy(), places.astype(np.int64))
    ends = {"value": found.value, "low": found.low, "high": found.high, "method": found.method}
    return {**ends, "n": found.n, "clusters": found.clusters}


def paired(a: pl.DataFrame, b: pl.DataFrame, name: str, among: int = 1) -> dict[str, Any] | None:
    """The paired difference of a measure over problems both have it for; None if there is none.

    Args:
        a: Trials of one arm with their measures, as `measured` gives them.
        b: The same of the other.
        name: One of `MEASURES`.
        among: How many such differences are looked at: the interval is widened to 1 − 0.05 / their number.

    Returns:
        `value`, `low`, `high`, `n`, `clusters`, `method`.
    """
    sides = [side.drop_nulls(name) for side in (a, b)]
    if any(side.is_empty() for side in sides):
        return None
    problems = shared(sides)
    if problems.is_empty():
        return None
    means = [side.group_by(PROBLEM).agg(pl.col(name).mean()) for side in sides]
    values = [problems.join(side, on=PROBLEM, maintain_order="left")[name].to_numpy() for side in means]
    found = difference(values[0], values[1], problems["cluster"].to_numpy().astype(np.int64))
    stretch = float(ndtri(1 - 0.05 / (2 * among))) / Z
    low = found.value - stretch * (found.value - found.low)
    high = found.value + stretch * (found.high - found.value)
    ends = {"value": found.value, "low": low, "high": high, "method": found.method}
    return {**ends, "n": found.n, "clusters": found.clusters}
