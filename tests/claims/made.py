"""Evidence made by hand: frames with the columns of the queries, from the success rates a test asks for."""

import json

import numpy as np
import polars as pl

from fourdials import verdict
from fourdials.verdict import Evidence

MANY, FEW = 600, 24
ACCESS = {"search": "search", "interaction": "environment"}


def judged(claim, made, origin="real", others=()):
    """What the judge of a claim says of a made run, with other made runs of the same claim beside it."""
    beside = tuple(other.evidence(origin) for other in others)
    return verdict.judge(verdict.claims()[claim], made.evidence(origin, beside))


def said(found):
    """What a finding's checks say, each with its outcome."""
    return {check.said: check.outcome for check in found.checks}


def rates(**by_arm):
    """A rate that depends on the arm alone."""
    return lambda name, where, level: by_arm[name]


def arm(
    name, strategy=None, dial="parallel", levels=(1,), solver="model/a", lineup=None, cost=100.0, finished=True, **knobs
):
    """An arm of `Made`; each level costs `cost` more. Unless it finished, more than its last level may be had of it."""
    row = {"arm": name, "strategy": strategy or name, "dial": dial, "levels": json.dumps(list(levels))}
    row["access"] = ACCESS.get(dial, "given")
    lineup = {"solver": solver} | (lineup or {})
    return row | {
        "knobs": json.dumps(knobs),
        "lineup": json.dumps(lineup),
        "model": lineup["solver"],
        "cost": cost,
        "finished": finished,
    }


class Made:
    """A run whose score of an arm at a level of a problem is right with probability `rate(arm, problem, level)`.

    `problems` are dicts with `problem_id`, `cluster_id`, `difficulty`, `task`; by default so many plain ones. A problem
    has one luck throughout an arm, so that a higher level is never worse where its rate is higher. `frames` are the
    rows of further queries, by name; `name` is the run's id; a guess is right at the rate `chance`.
    """

    def __init__(
        self,
        arms,
        rate,
        problems=400,
        steps=lambda arm, problem, score: {},
        pool=16,
        spec=None,
        frames=None,
        name="run",
        chance=0.0,
    ):
        self.arms, self.roles, self.frames, self.name = arms, ("query", "synthesise"), frames or {}, name
        plain = isinstance(problems, int)
        self.problems = [problem(i) for i in range(problems)] if plain else problems
        self.rate, self.notes, self.pool, self.spec = rate, steps, pool, spec or {}
        self.chance = chance
        luck = np.random.default_rng(5).random((len(arms), len(self.problems)))
        self.score = {
            (each["arm"], row["problem_id"], level): float(luck[i, j] < rate(each["arm"], row, level))
            for i, each in enumerate(arms)
            for j, row in enumerate(self.problems)
            for level in json.loads(each["levels"])
        }

    def evidence(self, origin="real", others=(), grade=None):
        def read(name, **params):
            if name in self.frames:
                return self.frames[name]
            return getattr(self, {"arms": "arms_frame", "spec": "spec_frame"}.get(name, name))(**params)

        return Evidence(self.name, origin, read, lambda: grade, others)

    def arms_frame(self, **_):
        return pl.DataFrame(self.arms).with_columns(experiment_id=pl.lit(self.name))

    def curve_points(self, unit, **_):
        rows, unit_id = [], 0
        for each in self.arms:
            levels = json.loads(each["levels"])
            for where in self.problems:
                unit_id += 1
                before = 0.0
                top = float(levels[-1]) if unit == "level" else levels[-1] * each["cost"]
                for level in levels:
                    score = self.score[each["arm"], where["problem_id"], level]
                    spend = float(level) if unit == "level" else level * each["cost"]
                    rows.append(
                        {
                            "unit_id": unit_id,
                            "experiment_id": self.name,
                            **{key: where[key] for key in ("task", "problem_id", "cluster_id")},
                            **{key: each[key] for key in ("arm", "dial", "strategy")},
                            "access": each["access"],
                            "repeat": 0,
                            "level": level,
                            "score": score,
                            "spend": spend,
                            "gain": score - before,
                            "answered_gain": float(level == levels[0]),
                            "max_spend": top,
                            "finished": each["finished"],
                        }
                    )
                    before = score
        return pl.DataFrame(rows)

    def _stops(self, last_only):
        rows = []
        for each in self.arms:
            levels = json.loads(each["levels"])
            for where in self.problems:
                once = last_only and each["strategy"] != "decompose_and_vote"  # there each level is a trial of its own
                for level in levels[-1:] if once else levels:
                    score = self.score[each["arm"], where["problem_id"], level]
                    rows.append(
                        {
                            "experiment_id": self.name,
                            **where,
                            **{key: each[key] for key in ("arm", "strategy", "dial", "model")},
                            "repeat": 0,
                            "trial_id": f"{each['arm']}/{where['problem_id']}/{level}",
                            "max_level": level,
                            "level": level,
                            "score": score,
                            "total_tokens": level * each["cost"],
                            "usd": level * each["cost"] / 1e6,
                            "modelled_s": level * each["cost"] / 100,
                            "critical_path_s": level * each["cost"] / 100,
                            "tool_calls": 0,
                            **self.notes(each["arm"], where, score),
                            **({} if last_only else {"level": level}),  # only a trial has an answer it ended with
                        }
                    )
        return pl.DataFrame(rows)

    def trial_spends(self, **_):
        return self._stops(last_only=True)

    def operating_points(self, **_):
        return self._stops(last_only=False).drop("model", "max_level", "tool_calls")

    def claim_steps(self, **_):
        return self._stops(last_only=False)

    def pool_samples(self, **_):
        rng, rows = np.random.default_rng(2), []
        for each, where in ((each, where) for each in self.arms for where in self.problems):
            right = rng.random(self.pool) < self.rate(each["arm"], where, 1)
            for sample in range(self.pool):
                answer = "right" if right[sample] else f"wrong {rng.integers(3)}"
                rows.append(
                    {
                        "experiment_id": self.name,
                        **{key: each[key] for key in ("arm", "strategy")},
                        **{key: where[key] for key in ("task", "problem_id", "cluster_id")},
                        "repeat": 0,
                        "trial_id": where["problem_id"],
                        "sample": sample + 1,
                        "answer": answer,
                        "score": float(right[sample]),
                        "weight": None,
                        "adaptive": False,
                        "cut": False,
                    }
                )
        return pl.DataFrame(rows, schema_overrides={"weight": pl.Float64})

    def baselines(self, **_):
        rows = [{"kind": "chance", "value": self.chance}] if self.chance else []
        return pl.DataFrame(rows, schema={"kind": pl.String, "value": pl.Float64})

    def step_truths(self, **_):
        names = ("arm", "task", "problem_id", "cluster_id", "trial_id", "answer", "truth")
        return pl.DataFrame(schema={**dict.fromkeys(names, pl.String), "step": pl.Int64, "oracle_steps": pl.Int64})

    def thoughts(self, **_):
        names = ("experiment_id", "arm", "task", "problem_id", "cluster_id", "trial_id")
        numbers = {"score": pl.Float64, "tokens": pl.Int64, "right_by": pl.Int64}
        return pl.DataFrame(schema={**dict.fromkeys(names, pl.String), **numbers})

    def claim_picks(self, **_):
        return pl.DataFrame(schema={"arm": pl.String, "trial_id": pl.String, "level": pl.Int64})

    def priced_tokens(self, **_):
        rows = [
            {"arm": each["arm"], "model": each["model"], "prompt_tokens": int(each["cost"]), "completion_tokens": 0}
            for each in self.arms
        ]
        return pl.DataFrame(rows)

    def role_tokens(self, **_):
        rows = [
            {"arm": each["arm"], "role": role, "prompt_tokens": 100, "completion_tokens": 0, "trials": 1}
            for each in self.arms
            for role in self.roles
        ]
        return pl.DataFrame(rows)

    def spec_frame(self, **_):
        return pl.DataFrame({"spec": [json.dumps(self.spec)]})


def problem(i, difficulty=None, task="toy", name=None, cluster=None):
    """A plain problem; difficulties go round 1 to 4."""
    return {
        "task": task,
        "problem_id": name or f"p{i}",
        "cluster_id": cluster or name or f"p{i}",
        "difficulty": float(1 + i % 4 if difficulty is None else difficulty),
    }
