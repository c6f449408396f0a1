"""Builds small journals by hand: experiments, arms, trials, calls and checkpoints with made-up but complete rows."""

from pathlib import Path

import orjson

from fourdials.store import Store


class Ledger:
    """Lines of one experiment's journal, in the order they are added."""

    def __init__(self, experiment_id="exp", created_at=1000.0, **fields):
        self.experiment_id = experiment_id
        self.lines = []
        self._arms, self._seqs = {}, {}
        self.add(
            "experiment",
            **{
                "experiment_id": experiment_id,
                "name": "By hand",
                "spec": {"name": "By hand", "arms": [1, 2]},
                "created_at": created_at,
                "version": "0",
                "seed": 1,
                "provenance": "real",
                "simulated": False,
                "planned_trials": 4,
                "price_date": "2026-11-01",
            }
            | fields,
        )

    def add(self, k, **fields):
        self.lines.append({"k": k, **fields})

    def status(self, status, at=2000.0, detail=None):
        self.add("status", experiment_id=self.experiment_id, status=status, detail=detail, at=at)

    def arm(self, arm="vote", strategy="majority_vote", dial="parallel", nested=True, levels=(1, 2), **fields):
        row = {
            "strategy": strategy,
            "dial": dial,
            "unit": "samples",
            "nested": nested,
            "access": "given",
            "levels": list(levels),
            "knobs": {"temperature": 0.8},
            "lineup": {"solver": "model/a"},
            "share": None,
        } | fields
        self._arms[arm] = row
        self.add("arm", experiment_id=self.experiment_id, arm=arm, **row)

    def problem(self, problem_id="p1", task="toy", cluster_id=None, chance=0.25, constant_score=0.0, **more):
        self.add(
            "problem",
            experiment_id=self.experiment_id,
            task=task,
            problem_id=problem_id,
            cluster_id=cluster_id or problem_id,
            difficulty=1,
            question=f"What is {problem_id}?",
            reference={"answer": "A"},
            chance=chance,
            constant_score=constant_score,
            **more,
        )

    def trial_id(self, problem_id, arm, repeat=0, level=None):
        place = f"{self.experiment_id}/toy/{problem_id}/{arm}/{repeat}"
        return place if level is None else f"{place}/{level}"

    def call(self, trial_id, level=1, prompt=10, completion=5, probe=False, error=None, call_id=None, **fields):
        """One `calls` line of one row; returns its id. `usd` defaults to a thousandth of the tokens."""
        seq = self._seqs[trial_id] = self._seqs.get(trial_id, -1) + 1
        row = {
            "call_id": call_id or f"{trial_id}#:{seq}",
            "experiment_id": self.experiment_id,
            "trial_id": trial_id,
            "seq": seq,
            "request_id": f"{trial_id}#:{seq}",
            "path": "",
            "idx": seq,
            "segment": 0,
            "parents": [],
            "role": "solve",
            "part": "solver",
            "model": "model/a",
            "route": "local",
            "level": level,
            "probe": probe,
            "request_hash": "h",
            "request": {"format": "chat", "parts": [["user", "What?"]], "temperature": 0.8},
            "reply": "A",
            "extracted": "A",
            "finish_reason": "stop",
            "logprob": None,
            "attempt": 1,
            "usage": {"prompt_tokens": prompt},
            "prompt_tokens": prompt,
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "completion_tokens": completion,
            "reasoning_tokens": 0,
            "usage_estimated": False,
            "usd": None if prompt is None or completion is None else (prompt + completion) / 1000,
            "usd_paid": None,
            "started_at": 1100.0,
            "latency_s": 2,
            "queued_s": 0.0,
            "path_s": 2.0,
            "modelled_path_s": 1.5,
            "error": error,
        } | fields
        self.add("calls", rows=[row])
        return row["call_id"]

    def checkpoint(self, trial_id, seq, level, score, outcome=None, answer="A", detail=None):
        self.add(
            "checkpoint",
            trial_id=trial_id,
            seq=seq,
            level=level,
            answer=answer,
            score=score,
            outcome=outcome or ("correct" if score == 1 else "wrong"),
            detail=detail or {"votes": {"A": 1}},
        )

    def trial(self, problem_id, arm, repeat=0, block=0, level=1, own_level=None, score=1.0, **fields):
        """A `trial` line; `own_level` is set for arms that are not nested. The bill is zero unless given."""
        row = {key: value for key, value in self._arms[arm].items() if key not in ("unit", "levels", "share", "tasks")}
        self.add(
            "trial",
            **{
                "trial_id": self.trial_id(problem_id, arm, repeat, own_level),
                "experiment_id": self.experiment_id,
                "task": "toy",
                "problem_id": problem_id,
                "cluster_id": problem_id,
                "difficulty": 1.0,
                "arm": arm,
                **row,
                "model": "model/a",
                "repeat": repeat,
                "block": block,
                "max_level": own_level or max(self._arms[arm]["levels"]),
                "outcome": "correct" if score == 1 else "wrong",
                "stop_reason": "max_level",
                "score": score,
                "answer": "A",
                "level": level,
                "calls": 0,
                "failed_attempts": 0,
                "prompt_tokens": 0,
                "cached_tokens": 0,
                "completion_tokens": 0,
                "reasoning_tokens": 0,
                "usd": 0.0,
                "wall_s": 3.0,
                "searches": 0,
                "env_steps": 0,
                "started_at": 1100.0,
                "finished_at": 1103.0,
                "error": None,
            }
            | fields,
        )

    def run(self, problem_id, arm, stops, repeat=0, block=0, own_level=None, **fields):
        """A whole trial from its stops, each (level, tokens it adds, score): one call and one checkpoint a stop."""
        trial_id = self.trial_id(problem_id, arm, repeat, own_level)
        for seq, (level, tokens, score) in enumerate(stops):
            self.call(trial_id, level=level, prompt=0, completion=tokens)
            self.checkpoint(trial_id, seq, level, score)
        last = stops[-1] if stops else (0, 0, 0.0)
        ended = {"level": last[0], "score": last[2]} | fields
        self.trial(problem_id, arm, repeat, block, own_level=own_level, **ended)

    def text(self):
        return b"".join(orjson.dumps(line) + b"\n" for line in self.lines)

    def write(self, home: Path, number=1) -> Path:
        path = home / "runs" / self.experiment_id / f"journal-{number}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.text())
        return path


def stored(home: Path, *ledgers: Ledger) -> Store:
    """An in-memory store of these ledgers and no recorded runs."""
    for ledger in ledgers:
        ledger.write(home)
    return Store(home, read_only_copy=True, recorded=home / "no recordings")


def two_arms(problems=6, **fields) -> Ledger:
    """A finished run of two nested arms over some problems, one block each: `vote` is right at level 2, `think` at once
    on even problems."""
    ledger = Ledger(planned_trials=2 * problems, **fields)
    ledger.arm("vote", levels=(1, 2))
    ledger.arm("think", strategy="chain_of_thought", dial="sequential", levels=(64,))
    for i in range(problems):
        ledger.problem(f"p{i}")
    ledger.status("running")
    for i in range(problems):
        ledger.run(f"p{i}", "vote", [(1, 10, 0.0), (2, 10, 1.0)], block=i, calls=2, completion_tokens=20, usd=0.02)
        right = float(i % 2 == 0)
        fields_of = {"calls": 1, "completion_tokens": 40, "usd": 0.04, "stop_reason": "finished"}
        ledger.run(f"p{i}", "think", [(64, 40, right)], block=i, **fields_of)
    ledger.status("finished", at=3000.0)
    return ledger
