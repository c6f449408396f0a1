"""What judges share: picking arms, differences at equal spend, statistics with an interval over clusters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fourdials.errors import InputError
from fourdials.estimate import Estimate, fits
from fourdials.estimate.curves import CENSORED_SHARE
from fourdials.estimate.differences import Difference, difference_at
from fourdials.estimate.fits import default_budgets
from fourdials.estimate.intervals import Array, Ints, bca, difference, drawn_means, max_t, resamples, wilson
from fourdials.estimate.panel import PROBLEM, Panel, panel, ran_out, reach
from fourdials.models import catalogue
from fourdials.verdict import NOT_REPRODUCED, REPRODUCED, SHOWN, UNDECIDED, UNTESTABLE, Check, Evidence, above, shown

REPLICATES = 1000
FEWEST = 10  # clusters: a bootstrap of fewer says nothing


def arms_of(evidence: Evidence, *strategies: str, **knobs: Any) -> list[dict[str, Any]]:
    """The arms with one of these strategies (any if none is named) and these knobs, with `knobs`, `levels` and `lineup`
    read. Raises InputError if there is none."""
    found = []
    for row in evidence.arms.iter_rows(named=True):
        if strategies and row["strategy"] not in strategies:
            continue
        read = {name: json.loads(row[name]) for name in ("knobs", "levels", "lineup")}
        if all(read["knobs"].get(name) == value for name, value in knobs.items()):
            found.append(row | read)
    if not found:
        wanted = " or ".join(strategies) + (f" with {knobs}" if knobs else "")
        raise InputError(f"it has no arm that runs {wanted}")
    return found


def solver(arm: Mapping[str, Any]) -> str:
    """The model that solves in an arm."""
    return str(arm["lineup"]["solver"])


def size_of(evidence: Evidence, model: str) -> int:
    """A model's parameters, by the catalogue or by the experiment file; raises InputError if neither says."""
    text = evidence.read("spec", experiment_id=evidence.experiment_id)["spec"][0]
    stated = json.loads(text).get("models", {}).get(model, {}).get("parameters")
    found = stated or catalogue.resolve(model).parameters
    if found is None:
        raise InputError(f"the size of {model} is unknown; state `parameters` in the file")
    return int(found)


def one_arm(evidence: Evidence, *strategies: str, **knobs: Any) -> str:
    """The name of the first such arm."""
    return str(arms_of(evidence, *strategies, **knobs)[0]["arm"])


def of_arm(points: pl.DataFrame, arm: str) -> pl.DataFrame:
    """One arm's rows; raises InputError if no block of it is complete."""
    found = points.filter(pl.col("arm") == arm)
    if found.is_empty():
        raise InputError(f"{arm} has no complete block whose spend is known")
    return found


def ahead(points: pl.DataFrame, a: str, b: str, spend: float | None = None) -> Difference:
    """Arm a minus arm b at equal spend: by default the largest that both curves reach. Raises InputError without a
    shared problem, and where the two cannot be compared at that spend (see `comparable`)."""
    subjects = {arm: of_arm(points, arm) for arm in (a, b)}
    first, second = subjects.values()
    at = min(reach(first), reach(second)) if spend is None else spend
    comparable(subjects, at)
    return _difference(first, second, at, a, b)


def at_ends(points: pl.DataFrame, a: str, b: str) -> Difference:
    """Arm a minus arm b as each was run, at its last answer, whatever it spent. Raises InputError without a shared
    problem."""
    return _difference(of_arm(points, a), of_arm(points, b), np.inf, a, b)


def _difference(first: pl.DataFrame, second: pl.DataFrame, at: float, a: str, b: str) -> Difference:
    found = difference_at(first, second, at)
    if found is None:
        raise InputError(f"{a} and {b} share no problem")
    return found


def compared(
    rule: Callable[..., Check],
    said: str,
    points: pl.DataFrame,
    a: str,
    b: str,
    *line: float,
    spend: float | None = None,
) -> Check:
    """What a rule (`above`, `within`, `shown`, …) with its line says of arm a against arm b at equal spend (`ahead`);
    where they cannot be compared the check says why, and the rest of the claim is judged without it."""
    try:
        found = ahead(points, a, b, spend)
    except InputError as error:
        return Check(f"{said}: {error}", SHOWN if rule is shown else UNTESTABLE)
    return rule(said, found, *line)


def begun(points: pl.DataFrame) -> float:
    """The spend by which an arm has begun to answer: all of its units that ever answer have, but for as many as may be
    cut off (5 %). Infinite if none answers."""
    firsts = np.sort(points.drop_nulls("spend").group_by("unit_id").agg(pl.col("spend").min())["spend"].to_numpy())
    return float(firsts[len(firsts) - 1 - int(CENSORED_SHARE * len(firsts))]) if len(firsts) else np.inf


def comparable(subjects: Mapping[str, pl.DataFrame], spend: float) -> None:
    """Raises InputError if arms (name → points) cannot be compared at a spend: one was not seen so far, so that what it
    would have answered is unknown, or one has not begun to answer, so that nothing would be compared with something."""
    for arm, points in subjects.items():
        if not ran_out(points) and (seen := reach(points)) < spend * (1 - 1e-9):
            raise InputError(f"they would be compared at {spend:,.4g}, and {arm} was seen up to {seen:,.4g} only")
    late = {arm: first for arm, points in subjects.items() if (first := begun(points)) > spend}
    if late:
        arm = max(late, key=lambda name: late[name])
        since = f"answers from {late[arm]:,.4g} on" if np.isfinite(late[arm]) else "never answered"
        raise InputError(f"at {spend:,.4g}, as far as all were seen, there is nothing to compare: {arm} {since}")


def values_at(points: pl.DataFrame, arms: Sequence[str], spend: float | None = None) -> pl.DataFrame:
    """Each problem's score under each arm at equal spend: task, problem_id, cluster_id, and a column `v0`, `v1`, … per
    arm. By default at the largest spend that all reach. Raises InputError as `ahead` does."""
    subjects = {arm: of_arm(points, arm) for arm in arms}
    at = min(reach(subject) for subject in subjects.values()) if spend is None else spend
    comparable(subjects, at)
    found = panel(list(subjects.values()), [at])
    if not found.problems.height:
        raise InputError(f"{', '.join(arms)} share no problem")
    columns = {f"v{i}": found.values[i, :, 0] for i in range(len(arms))}
    return found.problems.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def with_difficulty(frame: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """The frame with each problem's `difficulty`."""
    known = evidence.trials().select(*PROBLEM, "difficulty").unique(PROBLEM)
    return frame.join(known, on=PROBLEM, maintain_order="left")


def by_difficulty(points: pl.DataFrame, evidence: Evidence) -> list[tuple[float, pl.DataFrame]]:
    """The points of each difficulty, easiest first."""
    parts = with_difficulty(points, evidence).drop_nulls("difficulty").partition_by("difficulty", as_dict=True)
    return [(float(difficulty), part) for (difficulty,), part in sorted(parts.items())]


def change(leads: pl.DataFrame, first: str, second: str) -> Estimate:
    """The mean of one column of differences minus another, with its paired interval; one row per problem.

    Differences of scores lie in [-1, 1], so they are halved for an interval of scores, and the result is doubled.
    """
    halves = [(1 + leads[name].to_numpy().astype(float)) / 2 for name in (first, second)]
    found = difference(halves[0], halves[1], cluster_of(leads))
    return Estimate(2 * found.value, 2 * found.low, 2 * found.high, found.n, found.clusters, found.method)


def cluster_of(frame: pl.DataFrame) -> Ints:
    """Number of each row's cluster, from 0."""
    places = frame.select(pl.struct("task", "cluster_id").rank("dense") - 1).to_series()
    return places.to_numpy().astype(np.int64)


def resampled(statistic: Callable[[Array], float], cluster: Ints, n: int | None = None) -> Estimate:
    """Any statistic of rows with its interval over clusters (BCa).

    Args:
        statistic: How often each row counts → the statistic; NaN where it has none.
        cluster: Number of each row's cluster.
        n: Problems, where rows are not problems.

    Raises InputError for fewer than 10 clusters, or where the statistic does not exist.
    """
    count = int(cluster.max()) + 1 if len(cluster) else 0
    if count < FEWEST:
        raise InputError(f"it has {count} clusters of problems; {FEWEST} are the fewest")
    whole = statistic(np.ones(len(cluster)))
    weights = resamples(count, 0, REPLICATES)[:, cluster].astype(np.float64)
    draws = np.array([statistic(row) for row in weights])
    spared = np.array([statistic((cluster != left).astype(np.float64)) for left in range(count)])
    draws, spared = draws[np.isfinite(draws)], spared[np.isfinite(spared)]
    if not np.isfinite(whole) or len(draws) < 0.9 * REPLICATES or not len(spared):
        raise InputError("too few of its problems differ for an estimate to have an interval")
    ends = bca(whole, draws, spared)
    low, high = min(ends.low, whole), max(ends.high, whole)
    return Estimate(whole, low, high, n or len(cluster), count, ends.method)


def mean_of(values: Array, cluster: Ints) -> Estimate:
    """The mean of any numbers, a row per problem."""
    return resampled(lambda w: float((w * values).sum() / w.sum()) if w.sum() else np.nan, cluster)


def slope_of(values: Array, along: Array, cluster: Ints) -> Estimate:
    """By how much values rise for each unit of `along` (least squares)."""
    if np.ptp(along) == 0:
        raise InputError("all its problems are equally difficult")

    def slope(w: Array) -> float:
        middle = (w * along).sum() / w.sum() if w.sum() else np.nan
        apart = along - middle
        spread = float((w * apart**2).sum())
        return float((w * apart * values).sum()) / spread if spread > 0 else np.nan

    return resampled(slope, cluster)


def scores(frame: pl.DataFrame, **where: Any) -> pl.DataFrame:
    """Mean score per problem of the rows with these values, repeats averaged: task, problem_id, cluster_id, score."""
    kept = frame.filter(**where) if where else frame
    return kept.group_by(*PROBLEM, "cluster_id").agg(pl.col("score").mean()).sort(*PROBLEM)


SATURATING = ("power", "exponential", "logistic")


def rising(points: pl.DataFrame, arm: str) -> Check:
    """The arm's score at its largest spend lies above that of its cheapest answers."""
    own = of_arm(points, arm)
    grid = default_budgets(own)
    if len(grid) < 2:
        raise InputError(f"{arm} has one budget only")
    found = panel([own], [grid[0], grid[-1]])
    return above(f"{arm} gains something from its first budget to its last", gain_of(found))


def gain_of(found: Panel) -> Estimate:
    """What the first subject's score gains from the first budget of a panel to the last."""
    return difference(found.values[0, :, -1], found.values[0, :, 0], found.cluster)


def holding(points: pl.DataFrame, arm: str, margin: float) -> Check:
    """No earlier budget of the arm is better than its last: a test for decline.

    It fails if one is for sure, and holds if none can be better by more than a margin; the intervals of all budgets
    hold at once (max-t), as the best of them is picked here. Where hardly any problem changes between two budgets the
    bootstrap sees no spread at all, so an interval is at least as wide as Wilson's of none among so many clusters; of
    fewer than 10 clusters nothing is decided.
    """
    own = of_arm(points, arm)
    grid = default_budgets(own)
    if len(grid) < 2:
        raise InputError(f"{arm} has one budget only")
    found = panel([own], grid)
    gaps = found.sums(0)[:, :-1] - found.sums(0)[:, -1:]
    draws = drawn_means(gaps, found.sizes, resamples(len(found.sizes), 0, REPLICATES))
    value = gaps.sum(axis=0) / found.sizes.sum()
    clusters = int(np.count_nonzero(found.sizes))
    half = np.maximum(max_t(draws, value) * draws.std(axis=0), wilson(0.0, clusters).high)
    low, high, best = value - half, value + half, int(value.argmax())
    outcome = NOT_REPRODUCED if (low > 1e-9).any() else REPRODUCED if (high < margin).all() else UNDECIDED
    if clusters < FEWEST:
        outcome = UNDECIDED
    ends = float(value[best]), float(low[best]), float(high[best])
    said = f"{arm} does not fall back (its best earlier budget, {grid[best]:.3g}, minus its last)"
    return Check(said, outcome, *ends, "points", len(found.cluster), "simultaneous, max-t bootstrap")


def flattening(points: pl.DataFrame, arm: str) -> Check:
    """A family of curves that levels off describes the arm better than a straight line in the logarithm of spend, a
    parabola or a constant do: the best of all by AICc, and in 95 % of the replicates."""
    own = of_arm(points, arm)
    levels = own["level"].drop_nulls().n_unique()
    if levels < fits.FEWEST:
        said = f"{arm} levels off: it has {levels} levels, and telling families of curves apart takes {fits.FEWEST}"
        return Check(said, UNTESTABLE)
    found = fits.fit(own, foretell=False)
    share = float(found.table.filter(pl.col("family").is_in(SATURATING))["wins"].sum())
    best, row = found.best, found.table.row(0, named=True)
    said = f"{arm} levels off (best family: {best}; share of refits in which one that levels off wins)"
    if best == "constant":
        outcome = UNDECIDED
    else:
        outcome = REPRODUCED if share >= 0.95 else NOT_REPRODUCED if share <= 0.05 else UNDECIDED
    return Check(said, outcome, share, unit="share", n=row["n"], method=row["method"])


def ratio(part: Array, whole: Array) -> Callable[[Array], float]:
    """The statistic Σw·part / Σw·whole; NaN where the whole is not above 0."""

    def statistic(w: Array) -> float:
        below = float((w * whole).sum())
        return float((w * part).sum()) / below if below > 1e-12 else np.nan

    return statistic


def contrast(w: Array, values: Array, chosen: NDArray[np.bool_]) -> float:
    """Mean over the chosen rows minus mean over the others; NaN without both."""
    sides = [w * chosen, w * ~chosen]
    if any(not side.sum() for side in sides):
        return float("nan")
    return float(sides[0] @ values / sides[0].sum() - sides[1] @ values / sides[1].sum())


def knob(arm: Mapping[str, Any], name: str) -> Any:
    """A knob of an arm; None where it has none of that name."""
    return arm["knobs"].get(name)
