"""From the trials of a calibration run to a small table that picks a strategy for each problem; `route` follows it.

Learning sees grades, following does not: a rule looks at the task's name and at what anybody can measure on a question.
Which problems calibrate is settled by a hash, so that the rest are never looked at.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from fourdials.errors import InputError
from fourdials.plugins import Question

Feature = Literal["characters", "lines"]


class Rule(BaseModel):
    """One row of the table: this strategy for questions of the task (empty: of any) whose feature is at most so much
    (None: any). The first row that fits decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str
    task: str = ""
    feature: Feature = "characters"
    at_most: Annotated[float, Field(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What one strategy did on one calibration problem: its score in [0, 1] and what it spent, in any one unit."""

    task: str
    problem_id: str
    features: Mapping[str, float]
    strategy: str
    score: float
    cost: float = 0.0


def features(question: Question) -> dict[str, float]:
    """What a rule may look at: characters of the question, and its lines that are not empty."""
    return {
        "characters": float(len(question.text)),
        "lines": float(sum(bool(line.strip()) for line in question.text.splitlines())),
    }


def calibrates(cluster_id: str, seed: int, share: float = 0.5) -> bool:
    """True if the problems of a cluster belong to the calibration split, which holds about this share of clusters."""
    drawn = hashlib.sha256(f"calibration:{seed}:{cluster_id}".encode()).digest()[:8]
    return int.from_bytes(drawn, "big") < share * 2**64


def tried(rows: Iterable[Mapping[str, Any]], questions: Mapping[tuple[str, str], Question]) -> list[Tried]:
    """Rows of `trials` as examples; those without a score, or of other problems than the questions', are left out.

    `questions` are the calibration problems' by task and problem id. The cost is a trial's total tokens; a trial whose
    tokens are unknown is left out too.
    """
    found = []
    for row in rows:
        question = questions.get((row["task"], row["problem_id"]))
        tokens = (row["prompt_tokens"], row["completion_tokens"])
        if question is not None and row["score"] is not None and None not in tokens:
            place = row["task"], row["problem_id"], features(question)
            found.append(Tried(*place, row["strategy"], float(row["score"]), float(sum(tokens))))
    return found


def choose(rules: Sequence[Rule], question: Question) -> str:
    """The strategy of the first row that fits. Raises InputError if none does."""
    seen = features(question)
    for rule in rules:
        if rule.task in ("", question.task) and (rule.at_most is None or seen[rule.feature] <= rule.at_most):
            return rule.strategy
    raise InputError(f"no rule fits a question of {question.task} with {seen}; end the table with one for everything")


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
