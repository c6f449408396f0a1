"""C5: a budget of searches follows the same curve of diminishing returns as a budget of thought."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from fourdials.claims._judging import (
    SATURATING,
    arms_of,
    cluster_of,
    flattening,
    holding,
    knob,
    of_arm,
    resampled,
    rising,
    solver,
)
from fourdials.errors import InputError
from fourdials.estimate import fits
from fourdials.estimate.intervals import TAILS, Array
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import (
    NOT_REPRODUCED,
    REPRODUCED,
    SHOWN,
    UNDECIDED,
    UNTESTABLE,
    Check,
    Claim,
    Evidence,
    shown,
    untested,
)

MARGIN = 0.03
TOLD_APART = 2.0  # AICc by which two descriptions have to differ
THOUGHT = ("chain_of_thought", "budget_forcing")


class Marginal(NamedTuple):
    """Score along one budget, other things equal: rows like those of the query `curve_points`, and the arm's name."""

    points: pl.DataFrame
    arm: str


def judge(evidence: Evidence) -> list[Check]:
    """Score rises with searches and with thought, levels off and does not fall back, and one family of curves serves
    both.

    Thought is varied between searches where the run has that grid; else the two budgets are spent by two arms, which
    may be two runs of one model. Shapes are compared, never heights: those who search see something else.
    """
    search = _longest(evidence, lambda arm: arm["access"] == "search" and arm["dial"] == "search")
    if search is None:
        raise InputError("it has no arm that searches, and no other run of this claim has")
    grid = _grid(evidence)
    model = solver(search[1])
    thinks = _longest(evidence, lambda arm: arm["strategy"] in THOUGHT and solver(arm) == model)
    if grid is None and thinks is None:
        raise InputError(f"neither it nor another run of this claim has an arm in which {model} thinks")
    searches = _along(*search)
    # A grid with too few lengths of thought for a fit gives way to an arm that thinks and has enough of them.
    enough = thinks is not None and len(thinks[1]["levels"]) >= fits.FEWEST
    short = grid is not None and grid[0].points["level"].n_unique() < fits.FEWEST
    thought = grid[0] if grid and not (short and enough) else _along(*thinks)  # type: ignore[misc]
    checks = [
        check
        for points, arm in (searches, thought)
        for check in (rising(points, arm), flattening(points, arm), holding(points, arm, MARGIN))
    ]
    shaped = all(check.outcome == REPRODUCED for check in checks[1::3])  # those of `flattening`
    checks.append(_alike(searches, thought, shaped))
    if grid is None:
        said = (
            "The whole grid of searches × thought, and what one is worth in the other, were not run: no two arms think "
            "between searches for different numbers of tokens"
        )
        return [*checks, Check(said, SHOWN)]
    return [*checks, grid[1]]


def _longest(evidence: Evidence, wanted: Callable[[dict[str, Any]], bool]) -> tuple[Evidence, dict[str, Any]] | None:
    """The arm of this kind with the most levels, of the run itself if it has one with enough of them for a fit."""
    held = [(each, arm) for each in (evidence, *evidence.others) for arm in arms_of(each) if wanted(arm)]
    own = [found for found in held if found[0] is evidence and len(found[1]["levels"]) >= fits.FEWEST]
    return max(own or held, key=lambda found: len(found[1]["levels"]), default=None)


def _along(evidence: Evidence, arm: dict[str, Any]) -> Marginal:
    return Marginal(of_arm(evidence.points("level"), arm["arm"]), arm["arm"])


def _grid(evidence: Evidence) -> tuple[Marginal, Check] | None:
    """Arms that search alike and think between searches for different numbers of tokens: the curve over those tokens at
    the largest number of searches, and how many doublings of thought a doubling of searches is worth."""
    groups: dict[tuple[str, str, str, str], dict[int, dict[str, Any]]] = {}
    for arm in arms_of(evidence):
        for name in arm["knobs"] if arm["access"] == "search" else ():
            tokens, rest = knob(arm, name), {key: value for key, value in arm["knobs"].items() if key != name}
            if name.endswith("tokens") and isinstance(tokens, int) and tokens > 0:
                alike = arm["strategy"], solver(arm), json.dumps(rest, sort_keys=True), name
                groups.setdefault(alike, {})[tokens] = arm
    groups = {key: held for key, held in groups.items() if len(held) > 1}
    if not groups:
        return None
    (_, _, _, name), arms = max(groups.items(), key=lambda item: len(item[1]))
    points = evidence.points("level")
    ends = [
        of_arm(points, arm["arm"])
        .group_by(*PROBLEM, "cluster_id", "repeat")
        .agg(pl.col("gain").sum().alias("score"))
        .with_columns(level=pl.lit(tokens))
        for tokens, arm in sorted(arms.items())
    ]
    rows = pl.concat(ends).sort(*PROBLEM, "repeat", "level")
    unit = [*PROBLEM, "repeat"]
    title = f"thought between searches ({name})"
    rows = rows.with_columns(
        arm=pl.lit(title),
        unit_id=pl.struct(unit).rank("dense").cast(pl.Int64),
        spend=pl.col("level").cast(pl.Float64),
        max_spend=pl.lit(float(max(arms))),
        gain=pl.col("score") - pl.col("score").shift(1).over(unit).fill_null(0.0),
        finished=pl.lit(value=True),
    )
    return Marginal(rows, title), _exchange(points, arms)


def _exchange(points: pl.DataFrame, arms: dict[int, dict[str, Any]]) -> Check:
    """Slope over the logarithm of searches against that over the logarithm of tokens, by least squares on both."""
    stops = [
        of_arm(points, arm["arm"]).drop_nulls("level").with_columns(tokens=pl.lit(float(tokens)))
        for tokens, arm in arms.items()
    ]
    rows = pl.concat(stops)
    design = np.stack([np.ones(rows.height), rows["level"].log(2).to_numpy(), rows["tokens"].log(2).to_numpy()], axis=1)
    score = rows["score"].to_numpy().astype(float)

    def worth(w: Array) -> float:
        slopes = np.linalg.lstsq(design * w[:, None] ** 0.5, score * w**0.5, rcond=None)[0]
        return float(slopes[1] / slopes[2]) if slopes[2] > 1e-9 else np.nan

    said = "Doublings of thought that a doubling of searches is worth"
    try:
        return shown(said, resampled(worth, cluster_of(rows), rows.select(PROBLEM).n_unique()), "ratio")
    except InputError as error:
        return untested(f"{said}: {error}")


def _alike(searches: Marginal, thought: Marginal, shaped: bool) -> Check:
    """One family for both curves is no worse, by the sum of AICc, than one for each; all of them level off. It takes
    95 % of the refits to say so, or to say the contrary; and it is not said of curves that are not known to be `shaped`
    so, as a handful of problems fits the simplest family whatever they are."""
    said = "One family that levels off describes both (AICc lost against a family for each)"
    if any(points["level"].drop_nulls().n_unique() < fits.FEWEST for points, _ in (searches, thought)):
        return Check(f"{said}: one of the two has fewer than {fits.FEWEST} levels", UNTESTABLE)
    both = [fits.fit(of_arm(points, arm), foretell=False) for points, arm in (searches, thought)]
    # A row for each family: first on the data, then in each refit.
    one, other = (np.stack([found.scores[name] for name in SATURATING]) for found in both)
    lost = (one + other).min(axis=0) - one.min(axis=0) - other.min(axis=0)
    family = SATURATING[int((one + other)[:, 0].argmin())]
    low, high = (float(end) for end in np.quantile(lost[1:], TAILS))
    low, high = min(low, float(lost[0])), max(high, float(lost[0]))
    alike = shaped and high <= TOLD_APART
    outcome = REPRODUCED if alike else NOT_REPRODUCED if low > TOLD_APART else UNDECIDED
    n, method = min(int(found.table["n"][0]) for found in both), str(both[0].table["method"][0])
    return Check(f"{said}: {family}", outcome, float(lost[0]), low, high, "number", n, method)


CLAIM = Claim(
    id="C5",
    title="Searches and thought",
    headline="Searching more pays like thinking more: each further search gains less than the one before.",
    source="Position papers: arXiv 2506.18959; BrowseComp, arXiv 2504.12516. Against it: arXiv 2604.22750",
    scaling="external",
    counts=(
        "Score rises with searches and with thought, does not fall back by the end, and a family of curves that levels "
        "off beats a straight line in the logarithm for both; one family for both is not rejected by AICc."
    ),
    established=(
        "Some curve of diminishing returns fits most published results; no equation was fitted in the source."
    ),
    contested=(
        "Whether accuracy only flattens: later work finds that it often peaks at a middling cost and then declines."
    ),
    untestable="One law for all: two curves of the same family on one task are no law.",
    judge=judge,
)
