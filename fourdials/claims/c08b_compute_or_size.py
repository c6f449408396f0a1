"""C8b: compute at test time trades against model size, where the small model gets some problems right at all."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import polars as pl

from fourdials import theory
from fourdials.claims._judging import arms_of, begun, by_difficulty, compared, of_arm, size_of, solver
from fourdials.errors import InputError
from fourdials.estimate.crossings import common_budgets, crossover
from fourdials.estimate.differences import Difference, difference_at
from fourdials.verdict import EXPERIMENTS, SHOWN, Check, Claim, Evidence, above, not_worse, shown, untested

MARGIN = 0.03
SHARES = (0.16, 0.79, 22.0)  # tokens of use for each token of training, as in the source


def judge(evidence: Evidence) -> list[Check]:
    """At equal FLOPs the small model's votes lead the large one on the easier half of the problems; where they cross is
    shown for each difficulty, in FLOPs and in dollars.

    Where the models have one size and differ in training, that is said, and the question is whether more samples make
    up for skill on that half.
    """
    arms = _voted(evidence)
    sizes = [size_of(evidence, solver(arm)) for arm in arms]
    if min(sizes) == max(sizes):
        return _skilled(evidence, arms, sizes[0])
    order = np.argsort(sizes, kind="stable")
    first, last = int(order[0]), int(order[-1])
    names = arms[first]["arm"], arms[last]["arm"]
    tokens = evidence.points("total_tokens")
    points = _scaled(tokens, dict(zip(names, (2.0 * sizes[first], 2.0 * sizes[last]), strict=True)))
    levels = by_difficulty(points, evidence)
    half = _half(levels)
    easier = pl.concat([part for level, part in levels if level <= half])
    said = f"At equal FLOPs {names[0]} leads {names[1]} on the easier half"
    checks = [compared(above, said, easier, *names)]
    checks += [check for level, part in levels for check in _crossing(part, names, level, "FLOPs")]
    ratio = sizes[last] / sizes[first]
    for share in SHARES:
        allowed = float(theory.flop_exchange(ratio, share))
        said = f"Training counted, at {share:g} tokens of use for each of training: {names[0]} with {allowed:.3g} times"
        counted = _scaled(tokens, {names[0]: 1 / allowed, names[1]: 1.0})
        checks.append(compared(shown, f"{said} the tokens over {names[1]}", counted, *names))
    dollars = evidence.points("usd")
    for level, part in [] if dollars["spend"].null_count() else by_difficulty(dollars, evidence):
        if set(names) <= set(part["arm"]):
            checks += _crossing(part, names, level, "dollars")
    return checks


def _voted(evidence: Evidence) -> list[dict[str, Any]]:
    """Votes of several models by one strategy: that which most of them have."""
    by_strategy: dict[str, dict[str, dict[str, Any]]] = {}
    for arm in arms_of(evidence, "majority_vote", "thought_vote"):
        by_strategy.setdefault(arm["strategy"], {})[solver(arm)] = arm
    arms = list(max(by_strategy.values(), key=len).values())
    if len(arms) < 2:
        raise InputError("it has votes of one model only")
    return arms


def _scaled(points: pl.DataFrame, factors: dict[str, float]) -> pl.DataFrame:
    """The points of these arms, a token of each costing so much."""
    return pl.concat(
        of_arm(points, arm).with_columns(*(pl.col(name) * factor for name in ("spend", "max_spend")))
        for arm, factor in factors.items()
    )


def _crossing(points: pl.DataFrame, names: tuple[str, str], level: float, unit: str) -> list[Check]:
    """Who leads at the largest common spend of one difficulty, and from which spend on. Only budgets from which both
    have answered are looked at: before, the lead is of whoever is cheaper to ask at all."""
    small, large = (of_arm(points, name) for name in names)
    start = max(begun(small), begun(large))
    grid = common_budgets(small, large)
    said = f"Difficulty {level:g}: {names[0]} over {names[1]} at equal {unit}"
    checks = [compared(shown, said, points, *names)]
    found = crossover(small, large, grid[grid >= start]) if (grid >= start).sum() > 1 else None
    if found is not None and found.spend is not None and found.distinguishable:
        leader = names[0] if found.leader_after == "a" else names[1]
        said = f"Difficulty {level:g}: {leader} leads from so many {unit} on"
        checks.append(Check(said, SHOWN, found.spend, found.low, found.high, "number", found.n, found.method))
    return checks


def _skilled(evidence: Evidence, arms: list[dict[str, Any]], size: int) -> list[Check]:
    """More samples of a less trained model against one of the best trained, of the same size."""
    steps = {arm["arm"]: _steps(solver(arm), size) for arm in arms}
    order = sorted(steps, key=lambda arm: steps[arm])
    best, levels = order[-1], by_difficulty(evidence.points("total_tokens"), evidence)
    if steps[order[0]] == steps[best]:
        raise InputError("its models have one size and were trained equally long")
    half = _half(levels)
    easier = pl.concat([part for level, part in levels if level <= half])
    many, _, found = _made_up(easier, order[-2], best)
    said = f"On the easier half {many} samples of {order[-2]} make up for one of {best} (at most 3 points behind)"
    checks = [
        not_worse(said, found, MARGIN),
        untested(
            f"Size against compute: these models have one size ({size:,} parameters), so that a token of each costs "
            "the same, and differ in steps of training; whether more samples make up for skill is what is judged"
        ),
    ]
    for name in order[:-1]:
        for level, part in levels:
            many, paid, found = _made_up(part, name, best)
            said = f"Difficulty {level:g}: {many} samples of {name} over one of {best}"
            checks.append(shown(f"{said}, for {paid:.2g} times the tokens", found))
    return checks


def _made_up(points: pl.DataFrame, less: str, best: str) -> tuple[int, float, Difference]:
    """The largest vote of one arm against one sample of another: its samples, how many times the tokens it takes, and
    the difference."""
    own, other = of_arm(points, less), of_arm(points, best)
    once = other.filter(pl.col("level").is_null() | (pl.col("level") == other["level"].min()))
    found = difference_at(_ended(own), _ended(once), 1.0)
    if found is None:
        raise InputError(f"{less} and {best} share no problem")
    paid = float(own["max_spend"].to_numpy().mean()) / float(once["spend"].drop_nulls().to_numpy().mean())
    return int(own["level"].drop_nulls().to_numpy().max()), paid, found


def _half(levels: list[tuple[float, pl.DataFrame]]) -> float:
    """The difficulty up to which half of the problems lie."""
    return float(np.median([level for level, part in levels for _ in range(part["problem_id"].n_unique())]))


def _ended(points: pl.DataFrame) -> pl.DataFrame:
    """The points with all spend taken as 1, so that each unit stands at its last answer."""
    return points.with_columns(
        spend=pl.when(pl.col("spend").is_null()).then(None).otherwise(1.0), max_spend=pl.lit(1.0)
    )


def _steps(model: str, size: int) -> int:
    """Steps of training, from the model's card."""
    card = EXPERIMENTS.parent / "models" / f"{model.removeprefix('local/')}.toml"
    if not card.is_file():
        raise InputError(f"its models have one size, {size:,} parameters, and nothing says how long each was trained")
    return int(tomllib.loads(card.read_text(encoding="utf-8")).get("steps", 0))


CLAIM = Claim(
    id="C8b",
    title="Compute or size",
    headline=(
        "A small model with more compute at test time can match one M times larger, where it gets some of the "
        "problems right at all: it may spend M + 3(D_pre/D_inf)(M − 1) times the tokens."
    ),
    source="Snell et al. 2024, arXiv 2408.03314",
    scaling="external",
    counts=(
        "At equal FLOPs of use the small model with votes leads the large one on the easier half of the problems; "
        "where they cross is shown for each difficulty. Models of one size that were trained for longer or shorter "
        "can only say whether more samples make up for skill, at most 3 points behind."
    ),
    established=(
        "Doubling either size or samples doubles the FLOPs of use; pretraining is paid once and use every time."
    ),
    contested="The hardest problems, where no number of samples of a small model holds a right one.",
    untestable=(
        "The share of a model's tokens that are spent in use: a number one has to choose, not one that a run measures."
    ),
    judge=judge,
)
