"""An Inspect log (`.eval`, a zip of JSON) → samples; its epochs are the samples of a problem. Called by `importing`.

Inspect compresses with Zstandard, which this Python's zipfile cannot read, so the parts are unpacked here, never more
than is allowed whatever the file claims.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow

from fourdials.errors import InputError
from fourdials.importing import samples
from fourdials.importing.samples import Found, Options, Sample

ZSTANDARD = 93  # the number of that method in a zip file
_LOCAL_HEADER = 30  # bytes before the name in front of each part; the two lengths that follow stand at 26
_ATTACHED = "attachment://"
Row = Mapping[str, Any]


def read(path: Path, options: Options) -> Found:
    """All samples of a log. Raises InputError that names the part and what is wrong with it."""
    header: Row = {}
    rows: list[Row] = []
    for name, row in parts(path):
        if name.startswith("samples/"):
            rows.append(_bare(row))
        elif name == "header.json" or not header:
            header = row
    task = header.get("eval")
    if not isinstance(task, dict):
        raise InputError("its header does not say what was evaluated")
    scorer = options.score
    found, notes = [], dict[str, None]()
    for row in sorted(rows, key=lambda row: (str(row.get("id")), str(row.get("epoch")).zfill(9))):
        place = f"sample {row.get('id')} of epoch {row.get('epoch')}"
        scorer = scorer or next(iter(_dict(row, "scores")), "")
        sample = _sample(row, task, scorer, options, place)
        found.append(sample)
        if len(_dict(row, "model_usage")) > 1:
            notes["tokens are those of the model evaluated; other models, such as graders, are not counted"] = None
        if row["turns"] > 1:
            notes["a sample of several turns is stored as one call with the tokens of all of them"] = None
    if header.get("status") not in ("success", None):
        notes[f"the log says it ended with {samples.text(header.get('status'))}"] = None
    if scorer:
        notes[f"scores are those of {scorer}"] = None
    return Found(found, samples.moment(task.get("created")), list(notes))


def parts(path: Path) -> Iterator[tuple[str, Row]]:
    """The JSON objects in the log that say something of samples, with their names."""
    left = samples.MOST_UNPACKED
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        infos = [each for each in archive.infolist() if _wanted(each.filename)]
        if not any(each.filename.startswith("samples/") for each in infos):
            raise InputError("it holds no samples/…, as an Inspect log does; older logs in .json can be converted")
        if len(infos) > samples.MOST_SAMPLES:
            raise InputError(f"it holds more than {samples.MOST_SAMPLES:,} samples")
        for info in infos:
            raw = _unpacked(file, archive, info, min(samples.LONGEST_LINE, left))
            left -= len(raw)
            yield info.filename, samples.parsed(raw, info.filename)


def _wanted(name: str) -> bool:
    sample = name.startswith("samples/") and name.endswith(".json")
    return sample or name in ("header.json", "_journal/start.json")


def _unpacked(file: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """A part's bytes, never more than `most` in memory."""
    if info.compress_type == ZSTANDARD:
        file.seek(info.header_offset)
        head = file.read(_LOCAL_HEADER)
        if len(head) < _LOCAL_HEADER or head[:4] != b"PK\x03\x04":
            raise InputError(f"its part {info.filename} is damaged")
        file.seek(sum(struct.unpack_from("<HH", head, 26)), io.SEEK_CUR)
        packed = file.read(min(info.compress_size, samples.LONGEST_LINE))
        try:
            with pyarrow.input_stream(io.BytesIO(packed), compression="zstd") as stream:
                data: bytes = stream.read(most + 1)
        except OSError as error:
            raise InputError(f"its part {info.filename} is damaged: {error}") from None
        if len(data) <= most and zlib.crc32(data) != info.CRC:
            raise InputError(f"its part {info.filename} is damaged: its checksum does not fit")
    else:
        with archive.open(info) as stream:
            data = stream.read(most + 1)
    if len(data) > most:
        raise InputError(f"its part {info.filename} is too large; allowed are {most:,} bytes here")
    return data


def _bare(row: Row) -> Row:
    """What is used of a sample; its events and messages, which are most of it, are let go."""
    names = ("id", "epoch", "input", "choices", "target", "output", "scores", "model_usage", "started_at")
    kept = {name: row.get(name) for name in (*names, "working_time", "total_time", "error", "limit")}
    messages = row.get("messages")
    said = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    kept["turns"] = sum(each.get("role") == "assistant" for each in said)
    attached = _dict(row, "attachments")
    held = {name: attached.get(name) for name in attached if len(attached) < 10_000}
    kept["prompt"] = [(_role(each), _shown(each, held)) for each in _asked(row.get("input"))]
    return kept


def _asked(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _role(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    return role if role in ("system", "user", "assistant", "tool") else "user"


def _shown(message: Any, attached: Row) -> str:
    """A message's text; what Inspect stored apart is put back in its place."""
    content = message.get("content") if isinstance(message, dict) else message
    if isinstance(content, list):
        content = "\n".join(str(each.get("text") or "") for each in content if isinstance(each, dict))
    found = samples.text(content) or ""
    if found.startswith(_ATTACHED):
        return samples.text(attached.get(found.removeprefix(_ATTACHED))) or found
    return found


def _dict(row: Row, name: str) -> dict[str, Any]:
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def _sample(row: Row, task: Row, scorer: str, options: Options, place: str) -> Sample:
    output = _dict(row, "output")
    choice = next((each for each in output.get("choices") or [] if isinstance(each, dict)), {})
    given = _dict(row, "scores").get(scorer)
    error = _error(row, given, scorer)
    model = samples.name(task.get("model"), "model", place, options.model or samples.NOT_RECORDED)
    usage = _dict(_dict(row, "model_usage"), model)
    asked = [content for role, content in row["prompt"] if role == "user"]
    choices = row.get("choices")
    return Sample(
        problem=samples.name(row.get("id"), "problem", place),
        task=samples.name(options.task or task.get("task"), "task", place),
        model=model,
        arm=samples.name(options.arm or model, "arm", place),
        score=None if error or given is None else samples.score(given.get("value"), f"{place}, {scorer}"),
        answer=samples.text(given.get("answer")) if given else None,
        reply=samples.text(output.get("completion")) or _shown(choice.get("message"), {}) or None,
        question=asked[-1] if asked else "",
        prompt=row["prompt"],
        reference=samples.text(row.get("target")),
        prompt_tokens=_tokens(usage, place, "input_tokens", "input_tokens_cache_read", "input_tokens_cache_write"),
        cached_tokens=_tokens(usage, place, "input_tokens_cache_read"),
        completion_tokens=_tokens(usage, place, "output_tokens"),
        reasoning_tokens=_tokens(usage, place, "reasoning_tokens"),
        latency_s=samples.amount(row.get("working_time") or row.get("total_time"), "working_time", place),
        started_at=samples.moment(row.get("started_at")),
        finish_reason=samples.text(choice.get("stop_reason")),
        choices=len(choices) if isinstance(choices, list) and choices else None,
        error=error,
    )


def _error(row: Row, given: Any, scorer: str) -> str | None:
    """Why a sample counts nowhere; None if it was graded."""
    error = row.get("error")
    if error:
        return samples.text(error.get("message") if isinstance(error, dict) else error) or "failed"
    if not isinstance(given, dict):
        return f"it has no score of {scorer or 'any scorer'}"
    return None


def _tokens(usage: Row, place: str, *names: str) -> int | None:
    """The sum of some counts; None if the first is unknown. Inspect's input tokens leave out the cached ones."""
    counts = [samples.whole(usage.get(name), name, place) for name in names]
    return None if counts[0] is None else sum(count or 0 for count in counts)
