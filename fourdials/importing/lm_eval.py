"""The sample files of lm-evaluation-harness (`samples_<task>_<time>.jsonl`) → samples. Called by `importing.read`.

The harness writes one line per problem and filter, with the replies (`resps`), what the filter made of them
(`filtered_resps`) and a column per metric. It records no tokens, and its model only in the name of the folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fourdials.errors import InputError
from fourdials.importing import samples
from fourdials.importing.samples import Found, Options, Sample

_STAMP = re.compile(r"_\d{4}-\d\d-\d\dT\d\d[-_:]\d\d[-_:]\d\d(\.\d+)?$")
_USUAL = ("exact_match", "acc", "pass@1", "pass_at_1", "em", "prompt_level_strict_acc")
_KNOWN = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
Row = Mapping[str, Any]


def read(path: Path, options: Options) -> Found:
    """The samples of one filter and one metric. Raises InputError that names the line and what is wrong with it."""
    found: list[Sample] = []
    filters: dict[str, int] = {}
    metric, seen = options.score, set[str]()
    for place, row in samples.lines(path):
        if not {"doc_id", "filtered_resps"} <= row.keys():
            raise InputError(f"{place} has no doc_id and filtered_resps, as every line of an lm-eval sample file has")
        name = samples.text(row.get("filter")) or "none"
        filters[name] = filters.get(name, 0) + 1
        if name != (options.filter or next(iter(filters))):
            continue
        metric = metric or _metric(row, place)
        seen.add(metric)
        found.append(_sample(row, metric, options, path, place))
    if filters and options.filter and options.filter not in filters:
        raise InputError(f"it has no filter {options.filter!r}; it has {', '.join(map(repr, filters))}")
    notes = [f"scores are the metric {each}" for each in seen]
    if len(filters) > 1:
        others = ", ".join(each for each in filters if each != (options.filter or next(iter(filters))))
        notes.append(f"answers are read by the filter {options.filter or next(iter(filters))}; it also has {others}")
    return Found(found, notes=notes)


def _metric(row: Row, place: str) -> str:
    listed = row.get("metrics")
    held = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    held = held or [name for name, value in row.items() if name not in _KNOWN and isinstance(value, bool | int | float)]
    for name in (*(each for each in _USUAL if each in held), *held):
        if isinstance(row.get(name), bool | int | float) and 0 <= row[name] <= 1:
            return name
    raise InputError(f"{place} has no metric with a value from 0 to 1; it has {', '.join(held) or 'none'}")


def _sample(row: Row, metric: str, options: Options, path: Path, place: str) -> Sample:
    if metric not in row:
        raise InputError(f"{place} has no metric {metric!r}")
    resps = row.get("resps")
    replies = resps[0] if isinstance(resps, list) and resps and isinstance(resps[0], list) else []
    listed = isinstance(resps, list) and len(resps) > 1  # one request per choice
    if not listed and len(replies) > 1 and all(isinstance(each, str) for each in replies):
        raise InputError(
            f"{place} has one score for {len(replies)} replies; what each was worth is not in it. Log the samples of "
            "a task without repeats, or import JSON lines with a score per sample"
        )
    kept = row["filtered_resps"]
    kept = kept[0] if isinstance(kept, list) and len(kept) == 1 else kept
    answer = _choice(row["filtered_resps"]) if listed else samples.text(kept)
    model = samples.name(options.model or _folder(path), "model", place)
    doc = row.get("doc")
    prompt = _prompt(row.get("arguments"))
    return Sample(
        problem=samples.name(row["doc_id"], "problem", place),
        task=samples.name(options.task or _STAMP.sub("", path.stem).removeprefix("samples_"), "task", place),
        model=model,
        arm=samples.name(options.arm or model, "arm", place),
        score=samples.score(row[metric], place),
        answer=answer,
        reply=replies[0] if not listed and replies and isinstance(replies[0], str) else None,
        question=_question(doc, prompt),
        prompt=prompt,
        reference=samples.text(row.get("target")),
        choices=len(resps) if listed and isinstance(resps, list) else None,
    )


def _folder(path: Path) -> str:
    """The model, from the folder the harness puts its files in: `org__model`; else not recorded."""
    return path.parent.name.replace("__", "/") if "__" in path.parent.name else samples.NOT_RECORDED


def _choice(kept: Any) -> str | None:
    """Which of the choices was likeliest, by its number from 0; None where that cannot be read."""
    try:
        chances = [float(each[0] if isinstance(each, list) else each) for each in kept]
    except (TypeError, ValueError, IndexError):
        return None
    return str(max(range(len(chances)), key=chances.__getitem__)) if chances else None


def _prompt(arguments: Any) -> tuple[tuple[str, str], ...]:
    """The first request's text: `{"gen_args_0": {"arg_0": …}}`, or a list of lists in older files."""
    first = next(iter(arguments.values()), None) if isinstance(arguments, dict) else arguments
    first = first[0] if isinstance(first, list) and first else first
    shown = first.get("arg_0") if isinstance(first, dict) else first[0] if isinstance(first, list) and first else first
    found = samples.text(shown)
    return (("text", found),) if found else ()


def _question(doc: Any, prompt: tuple[tuple[str, str], ...]) -> str:
    names = ("question", "query", "problem", "prompt", "input", "text")
    held = next((doc[name] for name in names if isinstance(doc.get(name), str)), "") if isinstance(doc, dict) else ""
    return samples.text(held) or (prompt[0][1] if prompt else "")
