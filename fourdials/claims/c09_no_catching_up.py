"""C9: models that were not trained to reason do not catch up with those that were, at any budget."""

from __future__ import annotations

from fourdials.claims._judging import arms_of, compared, knob, of_arm
from fourdials.errors import InputError
from fourdials.estimate import Estimate, fits
from fourdials.estimate.intervals import share
from fourdials.estimate.panel import panel
from fourdials.verdict import UNDECIDED, Check, Claim, Evidence, below, shown


def judge(evidence: Evidence) -> list[Check]:
    """Where each instruct curve levels off lies below one sample of the reasoning model; what a checker that knows the
    truth picks from its samples is coverage and no way to choose, so it is only shown."""
    points = evidence.points("completion_tokens")
    asked = [arm for arm in arms_of(evidence, "single", "thought_vote") if max(arm["levels"]) == 1]
    if not asked:
        raise InputError("it has no arm that asks a model once, with trained thinking")
    once = asked[0]
    top = of_arm(points, once["arm"])
    found = panel([top], [float(top["max_spend"].max())])  # type: ignore[arg-type]
    goal = share(found.values[0, :, 0], found.cluster)
    others = [arm for arm in arms_of(evidence) if arm["lineup"]["solver"] != once["lineup"]["solver"]]
    if not others:
        raise InputError("it has no arm of another model than the one that is asked once")
    chosen = [arm for arm in others if knob(arm, "verifier") != "checker"]
    if not chosen:
        raise InputError("all its arms of the other model are chosen by a checker that knows the truth")
    checks = [_against(arm["arm"], fits.fit(of_arm(points, arm["arm"]), foretell=False), goal) for arm in chosen]
    for arm in others:
        if arm not in chosen:
            said = f"{arm['arm']} (knows the truth) over {once['arm']} at equal generated tokens"
            checks.append(compared(shown, said, points, arm["arm"], once["arm"]))
    return checks


def _against(arm: str, fitted: fits.Fits, goal: Estimate) -> Check:
    row = fitted.table.filter(family=fitted.best).row(0, named=True)
    said = f"{arm} levels off below one sample of the reasoning model (best family: {fitted.best})"
    if fitted.asymptote is None:
        return Check(said, UNDECIDED, n=goal.n, method=row["method"])
    # Ends of both intervals are combined as if the errors were as unlucky as possible: too wide rather than too narrow.
    gap = Estimate(
        fitted.asymptote - goal.value,
        fitted.asymptote_low - goal.high,
        fitted.asymptote_high - goal.low,
        goal.n,
        goal.clusters,
        row["method"],
    )
    return below(said, gap, 0.0)


CLAIM = Claim(
    id="C9",
    title="No catching up",
    headline=(
        "Whatever is spent on samples, judges and revisions, models that were not trained to reason stay below "
        "those that were."
    ),
    source="Wang et al. 2025, arXiv 2504.14047; against it, at equal tokens: arXiv 2504.09858",
    scaling="both",
    counts=(
        "The upper end of the interval of where the instruct model's curves level off lies below one sample with "
        "trained thinking."
    ),
    established=(
        "Coverage of many samples is often far above what selection gets out of them, so that the limit is in choosing."
    ),
    contested=(
        "Whether the comparison is fair at equal tokens: skipping the thought and sampling more can come close."
    ),
    untestable="Any budget at all: an asymptote is an extrapolation from the budgets that were run.",
    judge=judge,
)
