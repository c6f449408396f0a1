"""What a tab of Compare shows of a run → the figures, whole tables, methods and queries that a report prints.

One function a tab, from the same estimates and figures as the tab itself. Called by `report`.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from fourdials import advise, estimate, query, replay, units, worth
from fourdials.errors import InputError
from fourdials.estimate import crossings, differences, fits, frontier, panel, quality
from fourdials.figures import allocation, curves, numbers, status
from fourdials.figures import differences as difference_figures
from fourdials.figures import fits as fit_figures
from fourdials.figures import frontier as frontier_figures
from fourdials.figures import quality as quality_figures
from fourdials.store import Store

BUDGETS = 5  # replayed for Allocate
PRICED = ("prices", "priced_on", "priced")
SAID = ("a", "b", "against", "budget", "cost", "curve", "worth", "replay", "advise", "truth", *PRICED)
DIVISIBLE = ("total_tokens", "usd", "calls")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at: a run, tasks and arms of it (None for all), the unit of spend, and what the address of the tab
    says besides (`SAID`): `a`, `b`, `against`, `budget`, `cost`, `curve`, `worth`, `replay`, `advise`, `truth`, and by
    which prices dollars are counted: `prices` (then, paid or list), `priced_on`, `priced`."""

    store: Store
    experiment_id: str
    unit: str = "total_tokens"
    tasks: Sequence[str] | None = None
    arms: Sequence[str] | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def points(self, unit: str | None = None, arms: Sequence[str] | None = None) -> pl.DataFrame:
        """Rows of `curve_points`."""
        wanted = self.arms if arms is None else arms
        return self.points_of(self.experiment_id, wanted, unit)

    def points_of(self, run: str, arms: Sequence[str] | None, unit: str | None = None) -> pl.DataFrame:
        """Rows of `curve_points` of any run, in these tasks and prices."""
        return units.points(self.store, [run], unit or self.unit, self.tasks, arms, self.price_list)

    @property
    def price_list(self) -> units.PriceList | None:
        """By which prices dollars are counted; None for the list prices of the day of each call."""
        kind = self.more.get("prices", "then")
        if kind not in ("then", "paid", "list"):
            raise InputError(f"got prices={kind!r}; wanted is then, paid or list")
        if kind == "list":
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            return units.PriceList(self.more.get("priced_on", today), self.more.get("priced"))
        return units.PriceList() if kind == "paid" else None

    def queries(self, *names: str, dollars: bool | None = None) -> tuple[str, ...]:
        """The queries a view rests on, with the one that prices what the database does not; `dollars` is True where the
        view holds some whatever the unit."""
        repriced = self.price_list is not None and (self.unit == "usd" or bool(dollars))
        return (*names, "stop_uses") if repriced or self.unit == units.FLOPS else names

    def rows(self, name: str) -> pl.DataFrame:
        """The rows of a query that takes tasks and arms."""
        given = {"tasks": self.tasks, "arms": self.arms}
        chosen = {key: list(value) for key, value in given.items() if value is not None}
        return query.run(self.store, name, experiment_ids=[self.experiment_id], **chosen)

    @property
    def runs(self) -> pl.DataFrame:
        """The run's row of the query `experiments`."""
        return query.run(self.store, "experiments").filter(experiment_id=self.experiment_id)

    @property
    def described(self) -> pl.DataFrame:
        """Rows of the query `arms`."""
        every = query.run(self.store, "arms", experiment_ids=[self.experiment_id])
        return every if self.arms is None else every.filter(pl.col("arm").is_in(list(self.arms)))

    def said(self, frame: pl.DataFrame, unit: str | None) -> status.Status:
        """What a figure of this frame says of itself."""
        return self.priced(status.status_of(self.runs, frame, unit))

    def priced(self, said: status.Status) -> status.Status:
        """The same, with the prices that were chosen."""
        chosen = self.price_list
        return said if chosen is None else replace(said, priced=chosen.told)


@dataclass(frozen=True, slots=True)
class Viewed:
    """A tab for a report: figures with their alternative texts, tables with a sentence on their rows, how it was done,
    and the queries it rests on."""

    figures: tuple[tuple[Any, str], ...]
    tables: tuple[tuple[str, pl.DataFrame], ...]
    methods: str
    queries: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def _curves(asked: Asked) -> Viewed:
    curve = estimate.curves(asked.points())
    shown = asked.described.filter(pl.col("arm").is_in(curve["arm"].unique().implode()))
    said, warnings = asked.said(curve, asked.unit), status.warnings_of(asked.runs, curve, shown)
    # Where each dial sees in a way of its own, panels by what is seen would be those by dial once more.
    drawings = [curves.panels] if curves.split_alike(curve) else [curves.overlay, curves.panels]
    baselines = asked.rows("baselines")
    figures = tuple(draw(curve, baselines, said, asked.unit, warnings) for draw in drawings)
    first, methods = curve.row(0, named=True), ", ".join(sorted(curve["method"].unique()))
    told = (
        "The score within a budget is the mean, over problems, of the score of the last answer that costs at most that "
        f"many {numbers.UNITS[asked.unit]}; it is 0 before the first answer. Intervals are 95 % ({methods}) over "
        f"{first['clusters']} clusters of {first['n']} problems, paired across arms; repeats of a problem are averaged "
        "first. A curve is dotted where more than 5 % of trials were cut off."
    )
    rows = f"Each row is an arm at a budget in {numbers.UNITS[asked.unit]}: its score, 95 % interval, and n."
    return Viewed(
        tuple((figure, curves.alt_text(curve, asked.unit)) for figure in figures),
        ((rows, curve.drop("experiment_id")),),
        told,
        asked.queries("curve_points", "baselines"),
        tuple(warnings),
    )


def _pair(asked: Asked) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two sides, each a run and an arm of it."""
    mine = asked.described["arm"].to_list()
    against = asked.more.get("against", asked.experiment_id)
    theirs = query.run(asked.store, "arms", experiment_ids=[against])["arm"].to_list()
    a = asked.more.get("a") or next((arm for arm in mine if arm != "single"), mine[0])
    others = [arm for arm in theirs if against != asked.experiment_id or arm != a]
    b = asked.more.get("b") or next((arm for arm in (a, "single") if arm in others), (others or [""])[0])
    if a not in mine or b not in others:
        raise InputError(f"a difference is between two arms; got {a!r} and {b!r}, of {', '.join(mine)}")
    return (asked.experiment_id, a), (against, b)


def _differences(asked: Asked) -> Viewed:
    pair = _pair(asked)
    sides: list[pl.DataFrame] = []
    for run, arm in pair:  # two arms of one run are asked for together: both then keep the same blocks
        together = sorted({one for each, one in pair if each == run})
        sides.append(asked.points_of(run, together).filter(arm=arm))
    left, right = sides
    budgets = crossings.common_budgets(left, right)
    curve, crossing = differences.difference_curve(left, right, budgets), crossings.crossover(left, right, budgets)
    if curve.is_empty():
        raise InputError("these two arms share no problem of a complete block, or their spend in this unit is unknown")
    known = [f"{each:.9g}" for each in curve["spend"]]
    spend = float(curve["spend"][known.index(asked.more["budget"]) if asked.more.get("budget") in known else -1])
    at = differences.difference_at(left, right, spend)
    names = (
        (pair[0][1], pair[1][1])
        if pair[0][0] == pair[1][0]
        else (" of ".join(pair[0][::-1]), " of ".join(pair[1][::-1]))
    )
    ids = list(dict.fromkeys(run for run, _ in pair))
    runs = query.run(asked.store, "experiments").filter(pl.col("experiment_id").is_in(ids))
    described = query.run(asked.store, "arms", experiment_ids=ids)
    shown = pl.concat([described.filter(experiment_id=run, arm=arm).select("arm", "access") for run, arm in pair])
    unlike = status.unlike(shown)
    said = asked.priced(status.status_of(runs, shown.with_columns(n=pl.lit(curve["n"][0])), asked.unit))
    band = None
    if crossing is not None and crossing.distinguishable and crossing.spend and crossing.low and crossing.high:
        band = (crossing.spend, crossing.low, crossing.high)
    warnings = (f"Not the same problem: {unlike}.",) if unlike else ()
    figure = difference_figures.difference(curve, names, said, asked.unit, spend, band, warnings, alike=unlike is None)
    tables = [("Each row is a budget: the first arm minus the second over n shared problems.", curve)]
    if at is not None:
        one = pl.DataFrame([{name: getattr(at, name) for name in DIFFERENCE}])
        tables.insert(0, (f"{names[0]} minus {names[1]} at {numbers.budget(asked.unit, spend)} a problem.", one))
    told = (
        f"{names[0]} minus {names[1]} on the problems both were tried with, paired; intervals are 95 %, each for its "
        "budget alone."
    )
    alt = difference_figures.alt_text(curve, names, asked.unit)
    return Viewed(((figure, alt),), tuple(tables), told, asked.queries("curve_points", "answers_at"), warnings)


DIFFERENCE = ("value", "low", "high", "n", "clusters", "a_better", "b_better", "p", "test", "method", "n_needed")


def _frontier(asked: Asked) -> Viewed:
    counted = asked.more.get("cost") == units.FLOPS
    rows = units.operating_points(
        asked.store, [asked.experiment_id], asked.tasks, asked.arms, asked.price_list, counted
    )
    points = frontier.read(rows)
    table = frontier.operating_points(points)
    if not counted:
        table = table.drop("flops", "flops_low", "flops_high")
    priced = table["usd"].null_count() < table.height
    cost = asked.more.get("cost", "usd" if priced else "total_tokens")
    if cost not in frontier_figures.COSTS:
        raise InputError(f"got cost {cost!r}; wanted is one of {', '.join(frontier_figures.COSTS)}")
    arms = asked.described.select("arm", "dial", "unit", "access")
    label = pl.format("{}, {}: {}", "arm", "unit", "level").alias("label")
    sees = dict(arms.select("arm", "access").rows())
    front = frontier.pareto(points, cost, sees).join(arms, on="arm", how="left", maintain_order="left")
    front = front.with_columns(label)
    if front.is_empty():
        raise InputError(f"{frontier_figures.COSTS[cost]} is unknown for the models of this run; choose another cost")
    warnings = status.warnings_of(asked.runs, front, asked.described)
    figure = frontier_figures.frontier(front, cost, asked.said(front, None), warnings, asked.rows("baselines"))
    other = "other that sees the same" if status.unlike(front) else "other"
    told = (
        f"A point is in the Pareto set if no {other} scores at least as much for at most the cost; its probability is "
        "the share of resamples in which that holds. The bands of the table hold for all its rows at once. "
        f"{frontier_figures.reading(front)}"
    )
    tables = (
        ("Each row is a point of the figure.", front.drop("experiment_id", strict=False)),
        ("Each row is an arm at a level of its dial, with all its costs.", table.drop("experiment_id")),
    )
    alt = frontier_figures.alt_text(front, cost)
    return Viewed(
        ((figure, alt),), tables, told, asked.queries("operating_points", "baselines", dollars=True), tuple(warnings)
    )


def _fits(asked: Asked) -> Viewed:
    long = [row["arm"] for row in asked.described.iter_rows(named=True) if len(json.loads(row["levels"])) >= 3]
    arm = asked.more.get("curve") or (long or [""])[0]
    if arm not in long:
        raise InputError(f"a curve can be fitted to an arm with at least 3 levels; got {arm!r}")
    mine = asked.points().filter(arm=arm)
    points = _above_0(asked.more.get("worth", "1"), "worth", "percentage points")
    found = fits.fit(mine, price=points / 100 / fit_figures.STEPS[asked.unit])
    values = estimate.curves(mine, grid=list(found.budgets)).select("spend", "value", "low", "high", "n", "method")
    fitted = values.with_columns(fitted=pl.Series(found.fitted[: values.height]))
    own = asked.described.filter(arm=arm)
    over = panel.ran_out(mine)
    level = None if over else found.level
    stop = None
    if found.stop_at is not None and found.stop_low is not None and found.stop_high is not None:
        stop = (found.stop_at, found.stop_low, found.stop_high)
    stop = None if found.best == "constant" else stop
    shown = own.select("arm", "access").with_columns(n=fitted["n"][:1])
    warnings = status.warnings_of(asked.runs, shown, own)
    said = asked.said(fitted, asked.unit)
    blind = asked.rows("baselines")
    figure = fit_figures.fit(fitted, found.best, own["dial"][0], said, asked.unit, level, stop, warnings, blind)
    told = (
        f"{fit_figures.reading(found, asked.unit, points, over)} "
        f"Families of curves fitted to {arm} by generalised least squares with the bootstrap's covariance; a family "
        f"wins a resample where it has the lowest AICc. More spend is worth it here while "
        f"{fit_figures.step(asked.unit)} at least {fit_figures.worth(points)}."
    )
    tables = (("Each row is a family.", found.table), ("Each row is a budget and the fitted curve there.", fitted))
    alt = fit_figures.alt_text(fitted, found.best, asked.unit)
    return Viewed(((figure, alt),), tables, told, asked.queries("curve_points", "baselines"), tuple(warnings))


def _above_0(text: str, name: str, what: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise InputError(f"got {name}={text!r}; wanted are {what}, a number above 0")
    return amount


def _allocate(asked: Asked) -> Viewed:
    unit = asked.unit if asked.unit in DIVISIBLE else DIVISIBLE[0]
    several = [row["arm"] for row in asked.described.iter_rows(named=True) if len(json.loads(row["levels"])) > 1]
    if not several:
        raise InputError("no arm of this selection has several levels, so there is no budget to divide")
    wanted = asked.more.get("replay") or next((arm for arm in several if "vote" in arm), several[0])
    divided = [wanted] if wanted in several else asked.described["arm"].to_list()
    trials = replay.recorded(asked.store, [asked.experiment_id], unit, asked.tasks, divided)
    grid = worth.budgets(trials, BUDGETS)
    if not grid:
        raise InputError(
            f"nothing was spent in {numbers.UNITS[unit]}, so there is no budget to divide; choose another unit"
        )
    held = worth.replays(trials, grid, list(replay.POLICIES))
    frame, savings = worth.worth(held), worth.savings(held)
    shown = asked.described.filter(pl.col("arm").is_in(divided))
    said = asked.said(frame.drop_nulls("value"), unit)
    warnings = status.warnings_of(asked.runs, shown.with_columns(n=pl.lit(said.n)), shown)
    figure = allocation.worth_curves(frame, said, unit, warnings, asked.rows("baselines"))
    every = replay.recorded(asked.store, [asked.experiment_id], unit, asked.tasks, asked.arms)
    budget = (
        _above_0(asked.more["advise"], "advise", "the units of a budget a problem")
        if asked.more.get("advise")
        else advise.most(every)
    )
    advice = advise.advise(every, budget, truth=asked.more.get("truth") == "yes")
    chose = f"{advice.choice[0]} at level {advice.choice[1]}" if advice.choice else f"nothing ({advice.reason})"
    told = (
        f"One budget divided over the problems of {', '.join(divided)} in several ways, replayed over the recorded "
        "answers without a call; a saving is how much more uniform allocation would spend for the same score. To "
        f"deploy for {numbers.budget(unit, budget)} a problem: {chose}; chosen on one half of the problems, "
        "reported on the other."
    )
    weighed = pl.col("arm").is_in(advice.table["arm"].unique().implode())
    if unlike := status.unlike(asked.described.filter(weighed)):
        told += f" Not the same problem: {unlike}. The advice says what to deploy where each of them could be."
    if unit == "usd" and asked.price_list is not None:
        told += " Dollars here are list prices of the day of each call, whatever prices are chosen elsewhere."
    tables = (
        ("Each row is a policy at a budget in all: what it really spent and its score over n problems.", frame),
        ("Each row is what a policy saves at a budget.", savings),
        ("Each row is an arm at a level that the advice weighed.", advice.table),
    )
    alt = allocation.worth_alt(frame, unit)
    return Viewed(((figure, alt),), tables, told, ("replay_stops", "replay_pieces", "baselines"), tuple(warnings))


def _quality(asked: Asked) -> Viewed:
    trials, roles = asked.rows("trajectories"), asked.rows("role_tokens")
    if trials.is_empty():
        raise InputError("no trial of a complete block has ended yet")
    rows = pl.concat([quality.quality(trials), quality.underthinking_of(asked.rows("thoughts"))]).drop("experiment_id")
    unused = pl.col("measure").is_in(["verification_cost", "planning_cost"]) & (pl.col("value") == 0)
    rows = rows.filter(~unused)
    dials = dict(trials.select("arm", "dial").unique().rows())
    said = asked.said(rows.filter(measure="success"), None)
    tokens = (pl.col("prompt_tokens") + pl.col("completion_tokens")) / pl.col("trials")
    per_trial = roles.with_columns(tokens=tokens).drop("experiment_id")
    known = per_trial.drop_nulls("tokens")
    shown = asked.described.filter(pl.col("arm").is_in(rows["arm"].unique().implode()))
    warnings = status.different_information(shown)
    figures = [(quality_figures.measures(rows, dials, said, warnings=warnings), quality_figures.alt_text(rows))]
    if not known.is_empty():
        figures.append((quality_figures.roles(known, dials, said), quality_figures.roles_alt_text(known)))
    chains = quality.judged(asked.rows("step_truths")).partition_by("arm", maintain_order=True)
    tables = [("Each row is a measure of an arm: the mean over n problems with its 95 % interval.", rows)]
    if chains:
        right = [quality.step_correctness(part).with_columns(arm=pl.lit(part["arm"][0])) for part in chains]
        steps = pl.concat(right)
        chained = shown.filter(pl.col("arm").is_in(steps["arm"].unique().implode()))
        figure = quality_figures.steps(steps, dials, said, warnings=status.different_information(chained))
        figures.insert(1, (figure, quality_figures.steps_alt_text(steps)))
        tables.append(
            (
                "Each row is a step of an arm's chains: how often it was right, over the n problems that got so far.",
                steps,
            )
        )
    tables.append(("Each row is a role of an arm's calls: tokens summed over its trials, and a trial each.", per_trial))
    told = "Measures of how trials went, a mean over problems each; intervals are 95 %, by the method its row names."
    queries = ("trajectories", "thoughts", "step_truths", "role_tokens")
    return Viewed(tuple(figures), tuple(tables), told, queries, tuple(warnings))


# The tabs of Compare that a report can hold, by their titles.
VIEWS: dict[str, Callable[[Asked], Viewed]] = {
    "Curves": _curves,
    "Fits": _fits,
    "Differences": _differences,
    "Frontier": _frontier,
    "Allocate": _allocate,
    "Quality": _quality,
}


def viewed(view: str, asked: Asked) -> Viewed:
    """A view of a run. Raises InputError for a view no report can hold, or one that has nothing to show."""
    if view not in VIEWS:
        raise InputError(f"got view {view!r}; a report can hold {', '.join(VIEWS)}")
    return VIEWS[view](asked)
