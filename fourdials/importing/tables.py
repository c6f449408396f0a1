"""Imported samples → the rows of the store's tables: a trial for each problem and arm, with a call and a checkpoint for
each sample, as the strategy `independent` leaves them.

Called by `importing.install`. Whatever the file did not say is NULL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fourdials import __version__, prices
from fourdials.importing.samples import Found, Sample
from fourdials.records import Usage

Row = dict[str, Any]
LONG_TEXT = 200  # characters from which on a prompt's text is stored once
_SUMS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "usd")
_COUNTS = ("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "reasoning_tokens")
# Columns that may be NULL throughout and then have no type of their own.
_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(_COUNTS, pl.Int64),
    **dict.fromkeys(("usd", "usd_paid", "latency_s", "queued_s", "path_s", "modelled_path_s", "logprob"), pl.Float64),
    **dict.fromkeys(("score", "constant_score", "share", "finished_at"), pl.Float64),
    **dict.fromkeys(
        ("answer", "reply", "extracted", "finish_reason", "error", "usage", "detail", "reference"), pl.String
    ),
    **dict.fromkeys(("shared", "oracle_steps"), pl.Int64),
    "uses_truth": pl.Boolean,
    "price_date": pl.String,
    "parents": pl.List(pl.String),
}


def tables(found: Found, experiment_id: str, name: str, spec: Mapping[str, Any], now: float) -> dict[str, pl.DataFrame]:
    """All rows of an imported run.

    Args:
        found: At least one sample.
        experiment_id: What the run is called in the store.
        name: What people call it.
        spec: Where it came from, with the file's name under `imported.file`.
        now: When it is imported, seconds since the epoch; stands in for times the file does not state.
    """
    grouped: dict[tuple[str, str], dict[str, list[Sample]]] = {}
    for sample in found.samples:
        grouped.setdefault((sample.task, sample.problem), {}).setdefault(sample.arm, []).append(sample)
    at = found.created_at or now
    rows: dict[str, list[Row]] = {name: [] for name in ("problems", "trials", "checkpoints", "calls")}
    texts: dict[str, str] = {}
    for block, ((task, problem), arms) in enumerate(grouped.items()):
        rows["problems"].append(_problem(experiment_id, task, problem, [each for arm in arms.values() for each in arm]))
        for arm, taken in arms.items():
            trial_id = _hash(experiment_id, task, problem, arm)
            _trial(rows, texts, trial_id, (experiment_id, arm, block, at), taken)
    rows["arms"] = _arms(experiment_id, found.samples)
    rows["texts"] = [{"sha256": key, "text": value} for key, value in texts.items()]
    rows["experiments"] = [
        {
            "experiment_id": experiment_id,
            "name": name,
            "spec": json.dumps(spec),
            "status": "finished",
            "status_detail": f"imported from {spec['imported']['file']}",
            "created_at": at,
            "finished_at": at,
            "version": __version__,
            "seed": 0,
            "provenance": "recorded",
            "origin": "real",
            "simulated": False,
            "recorded": True,
            "planned_trials": len(rows["trials"]),
            "price_date": None,
        }
    ]
    return {table: _frame(each) for table, each in rows.items() if each}


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    kinds = {name: _TYPES.get(name) for name in rows[0]}
    return pl.DataFrame(
        rows, schema_overrides={name: kind for name, kind in kinds.items() if kind}, infer_schema_length=None
    )


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _arms(experiment_id: str, found: Sequence[Sample]) -> list[Row]:
    rows: dict[str, Row] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for sample in found:
        key = (sample.arm, sample.task, sample.problem)
        counts[key] = counts.get(key, 0) + 1
    for arm in dict.fromkeys(sample.arm for sample in found):
        own = [sample for sample in found if sample.arm == arm]
        most = max(count for key, count in counts.items() if key[0] == arm)
        levels = [2**i for i in range(most.bit_length()) if 2**i < most] + [most]
        rows[arm] = {
            "experiment_id": experiment_id,
            "arm": arm,
            **_design(own[0]),
            "unit": "samples",
            "levels": json.dumps(levels),
            "share": None,
            "tasks": json.dumps(sorted({sample.task for sample in own})),
            "uses_truth": None,
        }
    return list(rows.values())


def _design(sample: Sample) -> Row:
    return {
        "strategy": "independent",
        "dial": "parallel",
        "nested": True,
        "access": "given",
        "knobs": "{}",
        "lineup": json.dumps({"solver": sample.model}),
    }


def _problem(experiment_id: str, task: str, problem: str, taken: Sequence[Sample]) -> Row:
    first = taken[0]
    question = next((sample.question for sample in taken if sample.question), "")
    reference = next((sample.reference for sample in taken if sample.reference is not None), None)
    return {
        "experiment_id": experiment_id,
        "task": task,
        "problem_id": problem,
        "cluster_id": first.cluster or problem,
        "difficulty": first.difficulty,
        "question": question,
        "reference": None if reference is None else json.dumps(reference),
        "chance": 1 / first.choices if first.choices else 0.0,
        "constant_score": None,
        "oracle_steps": None,
    }


def _trial(
    rows: dict[str, list[Row]],
    texts: dict[str, str],
    trial_id: str,
    place: tuple[str, str, int, float],
    taken: Sequence[Sample],
) -> None:
    """Adds a trial, its calls and its checkpoints."""
    experiment_id, arm, block, at = place
    graded = [sample for sample in taken if sample.error is None]
    calls = [_call(texts, trial_id, experiment_id, sample, i, at) for i, sample in enumerate(graded, 1)]
    failed = [sample for sample in taken if sample.error is not None]
    rows["calls"] += calls
    rows["calls"] += [
        _call(texts, trial_id, experiment_id, each, len(graded) + i, at) for i, each in enumerate(failed, 1)
    ]
    stops = [_checkpoint(trial_id, 0, None)] + [_checkpoint(trial_id, i, each) for i, each in enumerate(graded, 1)]
    rows["checkpoints"] += stops if graded else []
    first, last = taken[0], stops[-1]
    seconds = [sample.latency_s for sample in graded]
    starts = [sample.started_at or at for sample in taken]
    rows["trials"].append(
        {
            "trial_id": trial_id,
            "experiment_id": experiment_id,
            "task": first.task,
            "problem_id": first.problem,
            "cluster_id": first.cluster or first.problem,
            "difficulty": first.difficulty,
            "arm": arm,
            **_design(first),
            "model": first.model,
            "repeat": 0,
            "block": block,
            "max_level": max(len(graded), 1),
            "outcome": last["outcome"] if graded else "infra_error",
            "stop_reason": "max_level" if graded else "error",
            "score": last["score"] if graded else None,
            "answer": last["answer"],
            "level": len(graded),
            "calls": len(graded),
            "failed_attempts": len(failed),
            **{unit: _sum([call[unit] for call in calls]) for unit in _SUMS},
            "wall_s": _sum(seconds),
            "searches": 0,
            "env_steps": 0,
            "started_at": min(starts),
            "finished_at": max(start + (sample.latency_s or 0) for start, sample in zip(starts, taken, strict=True)),
            "error": None if graded else json.dumps({"type": "Imported", "message": failed[0].error}),
        }
    )


def _sum(values: Sequence[Any]) -> Any:
    """Their sum; None once one of them is unknown."""
    return None if any(value is None for value in values) else sum(values)


def _answer(sample: Sample, level: int) -> str:
    """The answer, or else the reply; where neither was recorded an answer of its own, which no other one equals."""
    given = sample.answer if sample.answer is not None else sample.reply
    return given if given is not None else f"(answer of sample {level} not recorded)"


def _checkpoint(trial_id: str, level: int, sample: Sample | None) -> Row:
    outcome = "unanswered" if sample is None else "correct" if sample.score == 1 else "wrong"
    answer = None if sample is None else _answer(sample, level)
    score = 0.0 if sample is None else sample.score
    kept = {"trial_id": trial_id, "seq": level, "level": level, "answer": answer, "score": score}
    return kept | {"outcome": outcome, "detail": None}


def _call(texts: dict[str, str], trial_id: str, experiment_id: str, sample: Sample, level: int, at: float) -> Row:
    started = sample.started_at or at
    turns = sample.prompt or ((("user", sample.question),) if sample.question else ())
    parts = [[role, _held(texts, content)] for role, content in turns]
    usage = Usage(prompt_tokens=sample.prompt_tokens, completion_tokens=sample.completion_tokens)
    usd = sample.usd if sample.usd is not None else prices.list_price(sample.model, usage, started)
    request = json.dumps({"format": "chat", "parts": parts})
    return {
        "call_id": f"{trial_id}#{level}",
        "experiment_id": experiment_id,
        "trial_id": trial_id,
        "seq": level - 1,
        "request_id": f"{trial_id}#{level}",
        "path": "",
        "idx": level - 1,
        "segment": 0,
        "parents": [],
        "role": "solve",
        "part": "solver",
        "model": sample.model,
        "route": "imported",
        "level": level,
        "probe": False,
        "shared": None,
        "request_hash": hashlib.sha256(request.encode()).hexdigest()[:16],
        "request": request,
        "reply": sample.reply,
        "extracted": None if sample.error else _answer(sample, level),
        "finish_reason": sample.finish_reason,
        "logprob": None,
        "attempt": 1,
        "usage": None,
        **{name: getattr(sample, name, None) for name in _COUNTS},
        "usage_estimated": False,
        "usd": usd,
        "usd_paid": sample.usd_paid,
        "started_at": started,
        "latency_s": sample.latency_s,
        "queued_s": None,
        "path_s": sample.latency_s,
        "modelled_path_s": None,
        "error": json.dumps({"type": "Imported", "message": sample.error}) if sample.error else None,
    }


def _held(texts: dict[str, str], content: str) -> str | dict[str, str]:
    """A text as a request holds it: short ones as they are, long ones by their SHA-256."""
    if len(content) <= LONG_TEXT:
        return content
    key = hashlib.sha256(content.encode()).hexdigest()
    texts[key] = content
    return {"sha256": key}
