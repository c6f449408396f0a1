"""From the trials of a calibration run to a small table that picks a strategy for each problem, which `route` follows,
or who does each part of a problem and how often, which `orchestrate` follows.

Learning sees grades, following does not: a rule looks at the task's name and at what anybody can measure on a text.
Which problems calibrate is settled by a hash, so that the rest are never looked at.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from fourdials.errors import InputError
from fourdials.plugins import Question

Feature = Literal["characters", "lines", "words"]


class Rule(BaseModel):
    """One row of the table: this strategy for questions of the task (empty: of any) whose feature is at most so much
    (None: any). The first row that fits decides. For the parts of `orchestrate` a strategy is who does the part and how
    many reports are asked for, such as `small 3`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str
    task: str = ""
    feature: Feature = "characters"
    at_most: Annotated[float, Field(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What one strategy did on one calibration problem, or on a part of one: its score in [0, 1] and what it spent, in
    any one unit."""

    task: str
    problem_id: str
    features: Mapping[str, float]
    strategy: str
    score: float
    cost: float = 0.0


def features(text: str) -> dict[str, float]:
    """What a rule may look at: characters of a question or a part of it, its lines that are not empty, its words."""
    return {
        "characters": float(len(text)),
        "lines": float(sum(bool(line.strip()) for line in text.splitlines())),
        "words": float(len(text.split())),
    }


def calibrates(cluster_id: str, seed: int, share: float = 0.5) -> bool:
    """True if the problems of a cluster belong to the calibration split, which holds about this share of clusters."""
    drawn = hashlib.sha256(f"calibration:{seed}:{cluster_id}".encode()).digest()[:8]
    return int.from_bytes(drawn, "big") < share * 2**64


def tried(rows: Iterable[Mapping[str, Any]], questions: Mapping[tuple[str, str], Question]) -> list[Tried]:
    """Rows of the query `trial_spends` as examples; those of other problems than the questions' are left out.

    `questions` are the calibration problems' by task and problem id. The cost is a trial's total tokens; a trial whose
    tokens are unknown is left out too.
    """
    found = []
    for row in rows:
        question = questions.get((row["task"], row["problem_id"]))
        if question is not None and None not in (row["score"], row["total_tokens"]):
            place = row["task"], row["problem_id"], features(question.text)
            found.append(Tried(*place, row["strategy"], float(row["score"]), float(row["total_tokens"])))
    return found


def tried_parts(
    trials: Iterable[Mapping[str, Any]], steps: Iterable[Mapping[str, Any]], calibration: Collection[tuple[str, str]]
) -> list[Tried]:
    """The parts of `orchestrate`'s trials as examples: who did a part is its strategy, the part's words its place.

    A part is credited with the score of its whole trial and charged an even share of the trial's tokens, since nobody
    grades parts; so calibrate with arms that treat all parts alike, at temperature 0, where the plans are the same.
    Rows are those of the queries `trial_spends` and `assigned`; only problems of the calibration split count, by task
    and problem id, and only trials whose tokens are known.
    """
    graded = {
        row["trial_id"]: row
        for row in trials
        if (row["task"], row["problem_id"]) in calibration and None not in (row["score"], row["total_tokens"])
    }
    found = []
    for step in steps:
        row = graded.get(step["trial_id"])
        if row is None or step["kind"] != "assigned":
            continue
        parts, workers = step["payload"]["parts"], step["payload"]["workers"]
        cost = row["total_tokens"] / len(parts)
        for part, worker in zip(parts, workers, strict=True):
            place = row["task"], f"{row['problem_id']}: {part}", features(part)
            found.append(Tried(*place, worker, float(row["score"]), cost))
    return found


def choose(rules: Sequence[Rule], task: str, text: str) -> str:
    """The strategy of the first row that fits a question, or a part of one. Raises InputError if none does."""
    seen = features(text)
    for rule in rules:
        if rule.task in ("", task) and (rule.at_most is None or seen[rule.feature] <= rule.at_most):
            return rule.strategy
    raise InputError(f"no rule fits a text of {task} with {seen}; end the table with one for everything")


def learn(examples: Sequence[Tried], price: float = 0.0, least: int = 5) -> tuple[Rule, ...]:
    """The table with the best mean value on these examples: for each task one strategy, or one up to a threshold of one
    feature and another beyond, and a last row for everything else. A value is the score less `price` × cost.

    Only problems that every strategy was tried on count, and each side of a threshold holds at least `least` of them.
    A threshold must beat the best single strategy; equal ones go to the first in the alphabet.

    Raises InputError if no problem was tried with every strategy.
    """
    values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seen: dict[tuple[str, str], Mapping[str, float]] = {}
    for each in examples:
        place = each.task, each.problem_id
        values[place][each.strategy].append(each.score - price * each.cost)
        seen[place] = each.features
    names = sorted({each.strategy for each in examples})
    means = {
        place: {name: fmean(found[name]) for name in names}
        for place, found in values.items()
        if found.keys() == set(names)
    }
    if not means:
        raise InputError(f"no calibration problem was tried with each of {', '.join(names) or 'no strategies'}")
    rules: list[Rule] = []
    for task in sorted({place[0] for place in means}):
        rules += _rules(task, [(seen[place], means[place]) for place in means if place[0] == task], least)
    return (*rules, Rule(strategy=_best(list(means.values()))))


def _best(problems: Sequence[Mapping[str, float]]) -> str:
    return min(problems[0], key=lambda name: (-fmean(each[name] for each in problems), name))


def _rules(task: str, known: Sequence[tuple[Mapping[str, float], Mapping[str, float]]], least: int) -> list[Rule]:
    single = _best([means for _, means in known])
    most, rules = sum(means[single] for _, means in known), [Rule(strategy=single, task=task)]
    for feature in get_args(Feature):
        for cut in sorted({seen[feature] for seen, _ in known}):
            low = [means for seen, means in known if seen[feature] <= cut]
            high = [means for seen, means in known if seen[feature] > cut]
            if min(len(low), len(high)) < least:
                continue
            below, above = _best(low), _best(high)
            value = sum(means[below] for means in low) + sum(means[above] for means in high)
            if value > most + 1e-9:
                first = Rule(strategy=below, task=task, feature=feature, at_most=cut)
                most, rules = value, [first, Rule(strategy=above, task=task)]
    return rules
