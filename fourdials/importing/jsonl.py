"""JSON lines with named columns → samples. A line is one sample, or one problem with a list of them.

Common names of columns are known; others are given by the person. Called by `importing.read`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fourdials.errors import InputError
from fourdials.grading import normal
from fourdials.importing import samples
from fourdials.importing.samples import Found, Options, Sample

# Field → the column names it goes by, the first found in the file is taken.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "problem": ("problem", "problem_id", "question_id", "doc_id", "sample_id", "id", "idx"),
    "score": ("score", "correct", "is_correct", "passed", "acc", "accuracy", "exact_match", "reward"),
    "answer": ("answer", "extracted", "extracted_answer", "prediction", "pred"),
    "reply": ("reply", "response", "completion", "output", "generation"),
    "samples": ("samples", "generations", "responses", "completions"),
    "question": ("question", "prompt", "input"),
    "reference": ("reference", "target", "gold", "expected", "solution", "ground_truth"),
    "task": ("task", "task_name", "dataset", "benchmark"),
    "model": ("model", "model_id", "model_name"),
    "arm": ("arm", "method", "strategy", "config"),
    "cluster": ("cluster", "cluster_id"),
    "difficulty": ("difficulty",),
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "cached_tokens": ("cached_tokens", "input_tokens_cache_read"),
    "completion_tokens": ("completion_tokens", "output_tokens", "generated_tokens"),
    "reasoning_tokens": ("reasoning_tokens",),
    "usd": ("usd", "usd_list"),
    "usd_paid": ("usd_paid", "cost", "cost_usd"),
    "latency_s": ("latency_s", "latency", "seconds"),
    "started_at": ("started_at", "timestamp"),
    "finish_reason": ("finish_reason", "stop_reason"),
    "error": ("error",),
}
# Fields that may differ between the samples of one line; the others hold for all of them.
_OWN = (
    *("score", "answer", "reply", "finish_reason", "error", "latency_s", "started_at", "usd", "usd_paid"),
    *("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens"),
)
_SUMS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "usd", "usd_paid", "latency_s")
Row = Mapping[str, Any]


def read(path: Path, options: Options) -> Found:
    """The samples of a file of JSON lines. Raises InputError that names the line and what is wrong with it."""
    if unknown := sorted(set(options.columns) - set(ALIASES)):
        raise InputError(f"there is no field {unknown[0]!r}; columns can be named for {', '.join(ALIASES)}")
    found, seen = [], set[str]()
    compared = 0
    for place, row in samples.lines(path):
        seen |= row.keys()
        if len(seen) > 1000:
            raise InputError(f"{place} brings more than 1,000 different columns; wanted is the same few in every line")
        fields = {field: _value(row, field, options.columns) for field in ALIASES}
        for own in _each(fields, options.columns, place):
            sample, graded_here = _sample(own, options, path, place)
            compared += graded_here
            found.append(sample)
            if len(found) > samples.MOST_SAMPLES:
                raise InputError(f"{place} brings more than {samples.MOST_SAMPLES:,} samples")
    if missing := sorted(set(options.columns.values()) - seen):
        raise InputError(f"it has no column {missing[0]!r}; it has {', '.join(sorted(seen)[:40]) or 'none'}")
    notes = [f"{compared:,} samples came without a score and were graded by comparing text"] if compared else []
    return Found(found, notes=notes)


def columns(path: Path) -> list[str]:
    """The columns of the first line, for a person to choose from; empty if it holds none."""
    return next((list(row) for _, row in samples.lines(path)), [])


def _value(row: Row, field: str, chosen: Mapping[str, str]) -> Any:
    if field in chosen:
        return row.get(chosen[field])
    taken = set(chosen.values())
    return next((row[name] for name in ALIASES[field] if name not in taken and row.get(name) is not None), None)


def _each(fields: dict[str, Any], chosen: Mapping[str, str], place: str) -> Iterator[dict[str, Any]]:
    """The samples of one line, each with the line's fields and its own.

    A list under `samples`, or lists of one length under the fields a sample has of its own, are several samples. What a
    line says once of several samples (tokens, dollars, seconds) is not theirs to share out: it is unknown.
    """
    listed = {name: value for name, value in fields.items() if name in _OWN and isinstance(value, list)}
    several = fields["samples"]
    if several is not None and not isinstance(several, list):
        raise InputError(f"{place} has {samples.kind(several)} under samples; wanted is a list")
    if several is None and not listed:
        yield fields
        return
    shared = {name: None if name in _SUMS else value for name, value in fields.items()} | {"samples": None}
    if several is not None:
        shared |= dict.fromkeys(("score", "answer", "reply"))
        listed = {name: value for name, value in listed.items() if len(value) == len(several)}
    lengths = {len(value) for value in listed.values()} | ({len(several)} if several is not None else set())
    if len(lengths) > 1:
        raise InputError(f"{place} has lists of different lengths: {', '.join(map(str, sorted(lengths)))}")
    for i in range(lengths.pop()):
        own = {name: value[i] for name, value in listed.items()}
        yield shared | (_inner(several[i], chosen) if several is not None else {}) | own


def _inner(value: Any, chosen: Mapping[str, str]) -> dict[str, Any]:
    """One element of `samples`: an object with fields of its own, a truth value (its score), or an answer."""
    if isinstance(value, dict):
        inner = {name: column for name, column in chosen.items() if column in value}
        found = {name: _value(value, name, inner) for name in _OWN}
        return {name: each for name, each in found.items() if each is not None}
    return {"score": value} if isinstance(value, bool) else {"answer": value}


def _sample(fields: Row, options: Options, path: Path, place: str) -> tuple[Sample, bool]:
    """A sample of its fields, and whether it had to be graded here."""
    error = samples.text(fields["error"]) or None
    answer, reply, reference = (samples.text(fields[name]) for name in ("answer", "reply", "reference"))
    compared, grade = False, None
    if error is None and fields["score"] is not None:
        grade = samples.score(fields["score"], place)
    elif error is None:
        given = answer if answer is not None else reply
        if given is None or reference is None:
            raise InputError(
                f"{place} has no score; wanted is a column of scores, or of answers and of references to compare them "
                f"with. Its columns can be named, as score=COLUMN for one of {', '.join(_named(fields)) or 'them'}"
            )
        grade, compared = float(normal(given) == normal(reference)), True
    model = samples.name(fields["model"], "model", place, options.model or samples.NOT_RECORDED)
    sample = Sample(
        problem=samples.name(fields["problem"], "problem", place),
        task=samples.name(fields["task"], "task", place, options.task or path.stem),
        model=model,
        arm=samples.name(fields["arm"], "arm", place, options.arm or model),
        score=grade,
        answer=answer,
        reply=reply,
        question=samples.text(fields["question"]) or "",
        reference=reference,
        prompt_tokens=samples.whole(fields["prompt_tokens"], "prompt_tokens", place),
        cached_tokens=samples.whole(fields["cached_tokens"], "cached_tokens", place),
        completion_tokens=samples.whole(fields["completion_tokens"], "completion_tokens", place),
        reasoning_tokens=samples.whole(fields["reasoning_tokens"], "reasoning_tokens", place),
        usd=samples.amount(fields["usd"], "usd", place),
        usd_paid=samples.amount(fields["usd_paid"], "usd_paid", place),
        latency_s=samples.amount(fields["latency_s"], "latency_s", place),
        started_at=samples.moment(fields["started_at"]),
        finish_reason=samples.text(fields["finish_reason"]),
        cluster=samples.text(fields["cluster"]) or "",
        difficulty=samples.amount(fields["difficulty"], "difficulty", place) or 0.0,
        error=error,
    )
    return sample, compared


def _named(fields: Row) -> list[str]:
    return [name for name, value in fields.items() if value is not None]
