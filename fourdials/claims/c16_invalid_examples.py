"""C16: worked examples whose reasoning is wrong help almost as much as right ones."""

from __future__ import annotations

import polars as pl

from fourdials.claims._judging import arms_of, cluster_of, mean_of, ratio, resampled, scores
from fourdials.errors import InputError
from fourdials.estimate.intervals import difference
from fourdials.verdict import SHOWN, Check, Claim, Evidence, above, shown

KEPT = 0.8
KINDS = ("answer_only", "valid", "invalid")


def judge(evidence: Evidence) -> list[Check]:
    """Wrong reasoning in the examples keeps at least 80 % of what right reasoning gains over answers alone.

    Judged is wrong − answers only − 0.8 · (right − answers only), which divides by nothing: the share itself, over a
    gain that had to be large enough to be seen, would come out too small. It is shown.
    """
    arm = arms_of(evidence, "single")[0]["arm"]
    rows = evidence.trials().filter(task="exemplars", arm=arm)
    sides = {kind: scores(rows.filter(pl.col("problem_id").str.ends_with(f"-{kind}"))) for kind in KINDS}
    wide = sides["answer_only"].select("cluster_id", "task", answer_only="score")
    for kind in KINDS[1:]:
        wide = wide.join(sides[kind].select("cluster_id", **{kind: "score"}), on="cluster_id")
    if wide.is_empty():
        raise InputError(
            "it needs word problems behind examples of three kinds: answers only, right and wrong reasoning"
        )
    plain, right, wrong = (wide[kind].to_numpy() for kind in KINDS)
    gain = difference(right, plain)
    if gain.low <= 0:
        raise InputError(
            f"right reasoning gains {100 * gain.value:+.0f} points over answers alone ({100 * gain.low:+.0f} to "
            f"{100 * gain.high:+.0f}), so there is no gain to keep"
        )
    beyond = mean_of(wrong - plain - KEPT * (right - plain), cluster_of(wide))
    checks = [above("Wrong reasoning keeps at least 80 % of the gain (what it keeps beyond that)", beyond)]
    said = "Share of the gain that it keeps"
    try:
        return [*checks, shown(said, resampled(ratio(wrong - plain, right - plain), cluster_of(wide)), "ratio")]
    except InputError as error:
        return [*checks, Check(f"{said}: {error}", SHOWN)]


CLAIM = Claim(
    id="C16",
    title="Invalid examples",
    headline="Examples whose reasoning steps are wrong keep 80 to 90 % of what right ones gain.",
    source="Schaeffer et al. 2023, arXiv 2307.10573; Wang et al. 2022, arXiv 2212.10001",
    scaling="external",
    counts=(
        "(wrong − answers only) / (right − answers only) is at least 0.8. Without a gain from right reasoning "
        "there is nothing to keep, and nothing is tested."
    ),
    established="The form of an example matters: it shows how long and in what steps to answer.",
    contested="Whether newer models, which reason without being shown how, follow wrong examples or ignore them.",
    untestable="What a model makes of the examples inside; only its answers are seen.",
    judge=judge,
)
