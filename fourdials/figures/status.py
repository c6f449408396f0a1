"""What every figure says of itself: where its data comes from, how many problems, how far along, which prices.

Pages build a `Status` from rows of the query `experiments`; figures print it under their title.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fourdials.figures.numbers import UNITS

UNBROKEN = "\u00a0"  # a space that does not break
_PROVENANCE = {
    "real": "Real models",
    "scale model": "Scale model, trained on this task",
    "simulated": "Simulated models",
    "recorded": "Recorded run",
    "imported": "Imported samples",
}
_ORIGIN = {
    "real": "of real models",
    "scale model": "of a scale model, trained on this task",
    "simulated": "of simulated models",
}
_ACCESS = {
    "given": "can read all of it in the question",
    "search": "must look it up",
    "environment": "acts in it",
}
# What the arms of a panel see, as its title says it; in the order of panels.
SEES = {"given": "all in the question", "search": "seen by looking it up", "environment": "by acting in it"}


@dataclass(frozen=True, slots=True)
class Status:
    """Where a figure's data comes from.

    Attributes:
        sources: (provenance, origin) of each experiment shown; of imported samples the provenance is `imported`.
        n: Problems behind the estimates; None if they differ between arms or there are none.
        interim: True while trials are still to come.
        price_date: Day of the newest price used; None if no price was.
        unit: Unit of spend; None for figures without one.
        priced: By which prices dollars were counted afresh, such as `as paid`; it takes the place of `price_date`.
        calibrated: Problems of which an allocator was shown a grade.
    """

    sources: tuple[tuple[str, str], ...]
    n: int | None
    interim: bool
    price_date: str | None = None
    unit: str | None = None
    priced: str | None = None
    calibrated: int = 0


def status_of(experiments: pl.DataFrame, curve: pl.DataFrame, unit: str | None) -> Status:
    """The status of a figure of these experiments (rows of the query `experiments`) and curves."""
    counts = curve["n"].unique().to_list() if "n" in curve.columns else []
    return Status(
        sources=tuple(dict.fromkeys(experiments.select(_source(experiments), "origin").rows())),
        n=counts[0] if len(counts) == 1 else None,
        interim=bool((experiments["trials_done"] < experiments["planned_trials"]).any()),
        price_date=max(experiments["price_date"].drop_nulls().to_list(), default=None),
        unit=unit,
        calibrated=int(experiments["calibrated"].sum()) if "calibrated" in experiments.columns else 0,
    )


def _source(experiments: pl.DataFrame) -> pl.Expr:
    """The provenance, or that the samples were imported."""
    if "imported" not in experiments.columns:
        return pl.col("provenance")
    return pl.when(pl.col("imported").is_null()).then("provenance").otherwise(pl.lit("imported")).alias("provenance")


def status_line(status: Status) -> str:
    """The status in one line, such as `Real models · 40 problems · complete · total tokens`."""
    kinds = []
    for provenance, origin in status.sources:
        kinds.append(
            _PROVENANCE[provenance] + (f" {_ORIGIN[origin]}" if provenance in ("recorded", "imported") else "")
        )
    parts = [" and ".join(dict.fromkeys(kinds)) or "No data"]
    if status.n is not None:
        parts.append("1 problem" if status.n == 1 else f"{status.n} problems")
    parts.append("interim" if status.interim else "complete")
    if status.unit is not None:
        parts.append(UNITS[status.unit])
    if status.priced is not None:
        parts.append(f"dollars: {status.priced}")
    elif status.price_date is not None:
        parts.append(f"list prices of {status.price_date}")
    return " · ".join(part.replace(" ", UNBROKEN) for part in parts)  # lines break between parts only


def left_out(status: Status) -> list[str]:
    """What curves, and all that is read off them, leave out: a line where an allocator chose by grades, else none."""
    if not status.calibrated:
        return []
    noun = "1 problem" if status.calibrated == 1 else f"{status.calibrated} problems"
    return [f"Left out: {noun} whose grades the allocator chose by; their cost is under Allocate."]


def unlike(arms: pl.DataFrame) -> str | None:
    """Why two or more arms (columns arm and access) are not at the same problem; None if all see the same."""
    if arms["access"].n_unique() < 2:
        return None
    groups = arms.group_by("access").agg(pl.col("arm").unique().sort()).sort("access")
    return "; ".join(f"{', '.join(names)} {_ACCESS[access]}" for access, names in groups.rows())


def different_information(arms: pl.DataFrame) -> list[str]:
    """A warning where two or more arms (columns arm and access) are not at the same problem, else none."""
    told = unlike(arms)
    return [f"Arms are given different information: {told}."] if told else []


def warnings_of(experiments: pl.DataFrame, curve: pl.DataFrame, arms: pl.DataFrame | None = None) -> list[str]:
    """What makes arms in one figure hard to compare: mixed provenance, different information given, other problems, a
    checker that knows the truth (told by `arms`, rows of the query of that name)."""
    found = []
    if arms is not None:
        peeking = arms.filter(pl.col("uses_truth") & pl.col("arm").is_in(curve["arm"].unique().to_list()))
        if names := sorted(peeking["arm"].unique()):
            verb = "uses" if len(names) == 1 else "use"
            found.append(f"{', '.join(names)} {verb} the truth: a bound, not something one could deploy.")
    if "regraded" in experiments.columns:
        again = experiments.filter(pl.col("regraded").list.len() > 0)
        found += [
            f"“{name}” was graded again: {'; '.join(by)}." for name, by in again.select("name", "regraded").rows()
        ]
    if experiments["origin"].n_unique() > 1:
        kinds = ", ".join(sorted(experiments["origin"].unique()))
        found.append(f"Not comparable as they stand: data of different kinds ({kinds}).")
    found += different_information(curve)
    if curve["n"].n_unique() > 1:
        found.append("Arms were run on different numbers of problems.")
    return found
