"""C10: at equal compute best-of-n and tree search end up alike; what counts is how reliable the scorer is."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import polars as pl

from fourdials.claims._judging import arms_of, cluster_of, compared, knob, resampled, slope_of, solver, values_at
from fourdials.errors import InputError
from fourdials.estimate import quality
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import Check, Claim, Evidence, above, shown, untested, within

MARGIN = 0.03
ALGORITHMS = ("best_of_n", "beam", "mcts", "tree_of_thoughts", "ab_mcts")
Scorer = tuple[str, str, float]


def scorer(arm: dict[str, Any]) -> Scorer:
    """Who scores in an arm: the kind, the model if it is one, and how often a checker is right."""
    kind = str(knob(arm, "verifier") or "model")
    if kind != "checker":
        return kind, str(arm["lineup"].get("verifier", solver(arm))), 1.0
    reliability = knob(arm, "reliability")
    return kind, "", 1.0 if reliability is None else float(reliability)


def judge(evidence: Evidence) -> list[Check]:
    """With one scorer for all the algorithms are within 3 points of one another, and the scorer's reliability moves
    scores by more than the algorithm does; how often a step is right along the chain is shown."""
    points = evidence.points("completion_tokens")
    arms = [arm for arm in arms_of(evidence) if arm["strategy"] in ALGORITHMS]
    checks = [*_alike(points, arms), *_reliable(points, arms)] if arms else []
    checks += [check for each in (evidence, *evidence.others) for check in _steps(each)]
    if not checks:
        raise InputError("it needs arms that choose by a scorer, or chains of which each step can be judged")
    return checks


def _alike(points: pl.DataFrame, arms: list[dict[str, Any]]) -> list[Check]:
    """Each pair of algorithms that share a model and a scorer, at equal generated tokens."""
    checks = []
    for a, b in itertools.combinations(arms, 2):
        if a["strategy"] != b["strategy"] and scorer(a) == scorer(b) and solver(a) == solver(b):
            said = f"{a['arm']} and {b['arm']} are within 3 points at equal generated tokens"
            checks.append(compared(within, said, points, a["arm"], b["arm"], MARGIN))
    kinds = ", ".join(sorted({arm["strategy"] for arm in arms}))
    reason = f"no two algorithms share a scorer here (only {kinds} was run)"
    return checks or [untested(f"Best-of-n and tree search end up alike: {reason}")]


def _reliable(points: pl.DataFrame, arms: list[dict[str, Any]]) -> list[Check]:
    """From the least to the most reliable checker scores move by more than between algorithms, or, where there is one
    algorithm only, by more than the 3 points by which those may differ."""
    table = {(scorer(arm)[2], arm["strategy"]): arm["arm"] for arm in arms if scorer(arm)[0] == "checker"}
    grades = sorted({grade for grade, _ in table})
    kinds = [kind for kind in ALGORITHMS if all((grade, kind) in table for grade in grades)] if table else []
    if len(grades) < 2 or not kinds:
        return [untested("Reliability moves scores more than the algorithm: only one reliability of a scorer was run")]
    beyond = "the choice of algorithm does" if len(kinds) > 1 else "the 3 points that algorithms may differ by"
    said = f"Reliability from {100 * grades[0]:.0f} to {100 * grades[-1]:.0f} % moves scores by more than {beyond}"
    try:
        ends = values_at(points, [table[grade, kind] for grade in (grades[0], grades[-1]) for kind in kinds])
    except InputError as error:
        return [untested(f"{said}: {error}")]
    values = ends.select(f"v{i}" for i in range(2 * len(kinds))).to_numpy()

    def more(w: np.typing.NDArray[np.float64]) -> float:
        if not w.sum():
            return np.nan
        means = ((w @ values) / w.sum()).reshape(2, len(kinds))
        apart = float(np.ptp(means.mean(axis=0))) if len(kinds) > 1 else MARGIN
        return float(means[1].mean() - means[0].mean()) - apart

    checks = [above(said, resampled(more, cluster_of(ends)))]
    modelled = [arm for arm in arms if scorer(arm)[0] == "model"]
    for arm in modelled:
        for grade in grades:
            other = table.get((grade, arm["strategy"]))
            if other is not None:
                checks.append(compared(shown, f"{arm['arm']} over {other}", points, arm["arm"], other))
    return checks


def _steps(evidence: Evidence) -> list[Check]:
    """By how much the share of right steps changes with each place in the chain: 0 where a constant rate compounds,
    below 0 where errors snowball."""
    rows = evidence.read("step_truths", experiment_ids=[evidence.experiment_id])
    checks = []
    for arm in quality.judged(rows).partition_by("arm", maintain_order=True):
        means = arm.group_by(*PROBLEM, "cluster_id", "step").agg(pl.col("right").mean()).sort(*PROBLEM, "step")
        if means["step"].n_unique() < 3:
            continue
        right, step = (means[name].to_numpy().astype(float) for name in ("right", "step"))
        rise = slope_of(right, step, cluster_of(means))
        said = f"{arm['arm'][0]}: change in the share of right steps from one step to the next"
        checks.append(shown(said + " (below 0 errors snowball, at 0 a constant rate compounds)", rise))
    return checks


CLAIM = Claim(
    id="C10",
    title="Search against samples",
    headline=(
        "Best-of-n and tree search converge at equal compute. Errors snowball from step to step, and trying k "
        "candidates helps only where the chance of choosing right exceeds 1/k."
    ),
    source="Gan et al. 2025, arXiv 2501.15602",
    scaling="external",
    counts=(
        "With one scorer for all, the algorithms are within 3 points of one another by an equivalence test "
        "(thousands of problems), and the scorer's reliability moves scores more than the algorithm does. Whether a "
        "step is right less often the later it comes is shown where steps can be judged."
    ),
    established="Nothing that selects can do better than its scorer tells right from wrong.",
    contested="Whether search pays where a scorer can judge unfinished work; it then spends on better beginnings.",
    untestable=(
        "Large learned reward models. A checker here knows the truth and is made unreliable on purpose, so its curves "
        "are bounds; the one scorer that was learned is a scale model's."
    ),
    judge=judge,
)
