"""C19: compute can be moved to another time: before the question is known, into a store, or into a game afterwards."""

from __future__ import annotations

from typing import Any

import polars as pl

from fourdials import theory
from fourdials.claims._judging import arms_of, cluster_of, comparable, compared, of_arm, solver
from fourdials.errors import InputError
from fourdials.estimate.crossings import crossover
from fourdials.estimate.differences import difference_at
from fourdials.estimate.intervals import difference
from fourdials.estimate.panel import PROBLEM
from fourdials.verdict import SHOWN, UNTESTABLE, Check, Claim, Evidence, Grade, above, gains, not_worse, untested

MARGIN, LEAST = 0.03, 0.03
WEIGHTS = (1.0, 10.0)  # how many times dearer a token is while somebody waits, from 1 to what the source takes
PLAIN = ("chain_of_thought", "budget_forcing", "single")


def judge(evidence: Evidence) -> list[Check]:
    """Sleep-time compute, a recursive model and the consensus game, each by itself, from this run or another of the
    claim's; what was run nowhere is said."""
    checks = []
    parts = {
        "Sleep-time compute": (_slept, "sleep_time", PLAIN),
        "A recursive model": (_recursive, "recursive_lm", ("retrieve",)),
        "The consensus game": (_game, "consensus_game", ("majority_vote",)),
    }
    held = [each for each in (evidence, *evidence.others) if not each.arms.is_empty()]
    missing = []
    for title, (part, strategy, against) in parts.items():
        found = [run for run in held if strategy in _strategies(run) and set(against) & _strategies(run)]
        if found:
            checks += part(found[0], *_arms(found[0], strategy, against))
        else:
            missing.append(untested(f"{title}: no run has {strategy} and {' or '.join(against)} beside it"))
    if not checks:
        raise InputError(
            "it needs sleep_time beside thought when asked, recursive_lm beside retrieve, or consensus_game beside "
            "majority_vote"
        )
    # The parts stand by themselves, so what could be tested comes first.
    return sorted([*checks, *missing], key=lambda check: check.outcome == UNTESTABLE)


def _strategies(evidence: Evidence) -> set[str]:
    return set(evidence.arms["strategy"])


def _arms(evidence: Evidence, strategy: str, against: tuple[str, ...]) -> tuple[str, str]:
    """The arm of a strategy, and the one to hold it against: of the same model if there is one, first as named."""
    arm = arms_of(evidence, strategy)[0]
    others = sorted(arms_of(evidence, *against), key=lambda a: (solver(a) != solver(arm), against.index(a["strategy"])))
    return arm["arm"], others[0]["arm"]


def _slept(evidence: Evidence, sleeper: str, plain: str) -> list[Check]:
    """With half of the tokens a sleeper's answers are within 3 points of answers without sleep, and ahead at equal
    ones; a rewrite is charged by the share of it that each of its questions bears."""
    points = evidence.points("total_tokens")
    own, other = of_arm(points, sleeper), of_arm(points, plain)
    typical = own["spend"].drop_nulls().median()
    if not isinstance(typical, float):
        raise InputError(f"{sleeper} never answered")
    checks = [
        _halved(own, other, sleeper, plain, typical),
        compared(above, f"{sleeper} leads {plain} at equal tokens", points, sleeper, plain, spend=typical),
    ]
    crossed = crossover(own, other)
    if crossed is not None and crossed.spend is not None:
        leader = sleeper if crossed.leader_after == "a" else plain
        ends = crossed.spend, crossed.low, crossed.high
        said = f"{leader} leads from so many tokens a problem on"
        checks.append(Check(said, SHOWN, *ends, "number", crossed.n, crossed.method))
    return [*checks, *_shared_by(evidence, sleeper, plain)]


def _halved(own: pl.DataFrame, other: pl.DataFrame, sleeper: str, plain: str, spend: float) -> Check:
    """One arm at a spend against the other at twice as much; untested if either was not seen so far."""
    said = f"With half of the tokens {sleeper} is at most 3 points behind {plain}"
    try:
        comparable({sleeper: own}, spend)
        comparable({plain: other}, 2 * spend)
    except InputError as error:
        return untested(f"{said}: {error}")
    # The same spend is asked of both frames, so the other side's spends are halved: twice the budget for it.
    found = difference_at(own, other.with_columns(other["spend"] / 2, other["max_spend"] / 2), spend)
    if found is None:
        raise InputError(f"{sleeper} and {plain} share no problem")
    return not_worse(said, found, MARGIN)


def _shared_by(evidence: Evidence, sleeper: str, plain: str) -> list[Check]:
    """From how many questions on one context sleeping costs less than the plain arm as it was run."""
    rows = evidence.read("role_tokens", experiment_ids=[evidence.experiment_id]).filter(
        pl.col("arm").is_in([sleeper, plain])
    )
    rows = rows.with_columns(tokens=(pl.col("prompt_tokens") + pl.col("completion_tokens")) / pl.col("trials"))
    if rows.is_empty() or rows["tokens"].null_count():
        return [Check("From how many questions on sleeping is cheaper cannot be said: tokens are unknown", SHOWN)]
    asked = float(rows.filter(arm=plain)["tokens"].sum())
    asleep = float(rows.filter(arm=sleeper, role="revise")["tokens"].sum())
    test = float(rows.filter(pl.col("role") != "revise", arm=sleeper)["tokens"].sum())
    told = []
    for weight in WEIGHTS:
        number = theory.sleep_break_even(asked, test, asleep, weight)
        told.append(f"{number:.3g}" if number < float("inf") else "no number")
    said = f"{sleeper} is cheaper than {plain} from {told[0]} questions a context on, or from {told[1]} where a token"
    return [Check(f"{said} costs 10 times as much while somebody waits", SHOWN)]


def _recursive(evidence: Evidence, recursive: str, search: str) -> list[Check]:
    said = f"{recursive}, which calls itself on parts of a text, leads {search} at equal tokens"
    return [compared(above, said, evidence.points("total_tokens"), recursive, search)]


def _game(evidence: Evidence, game: str, vote: str) -> list[Check]:
    """The game leads a vote at equal calls, and what a vote and the product pick from the very same calls."""
    checks = [compared(above, f"{game} leads {vote} at equal calls", evidence.points("calls"), game, vote)]
    picks = evidence.read("claim_picks", experiment_ids=[evidence.experiment_id]).filter(arm=game)
    grade = evidence.grade
    if grade is None or picks.is_empty():
        return [*checks, Check("What a vote and the product pick from the same calls cannot be graded here", SHOWN)]
    last = picks.filter(pl.col("level") == pl.col("level").max().over("trial_id"))
    for rule, name in (("vote", "a vote"), ("product", "the product of share and verdict")):
        graded = _graded(grade, last, rule)
        found = difference(graded["consensus"].to_numpy(), graded[rule].to_numpy(), cluster_of(graded))
        checks.append(gains(f"{game} picks better than {name} does from the same calls", found, LEAST))
    return checks


def _graded(grade: Grade, picks: pl.DataFrame, rule: str) -> pl.DataFrame:
    """Mean score per problem of the game's picks and of another rule's."""
    rows: list[dict[str, Any]] = []
    for row in picks.to_dicts():
        both = [grade(row["task"], row["problem_id"], row[name]) for name in ("consensus", rule)]
        if None not in both:
            rows.append({name: row[name] for name in (*PROBLEM, "cluster_id")} | {"consensus": both[0], rule: both[1]})
    if not rows:
        raise InputError("none of its picks can be graded without a call")
    return pl.DataFrame(rows).group_by(*PROBLEM, "cluster_id").agg(pl.col("consensus", rule).mean()).sort(*PROBLEM)


CLAIM = Claim(
    id="C19",
    title="When compute happens",
    headline=(
        "Thinking about a context before the question comes takes about 5 times less compute at test time, and is "
        "2.5 times cheaper per question with ten questions on one context."
    ),
    source=(
        "Sleep-time compute: Lin et al. 2025, arXiv 2504.13171; recursive models 2512.24601; consensus "
        "2310.09139; post-completion 2507.20252"
    ),
    scaling="both",
    counts=(
        "With the rewrite charged to the questions that share it, half of the tokens suffice for the same score, "
        "and equal tokens give more; a recursive model leads plain search at equal tokens; the consensus game leads a "
        "vote at equal calls, and picks better than a vote or a product does from the same calls. Each by itself."
    ),
    established="The arithmetic: what is worked out once and used Q times costs a Q-th each.",
    contested="How often one can foresee what will be asked; replications of recursive models are mixed.",
    untestable="Learning after completion, which is training.",
    judge=judge,
)
