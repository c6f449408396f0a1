"""Files as other programs write them: Inspect logs, lm-eval samples, JSON lines."""

import json
import struct
import zipfile
import zlib

import pyarrow


def json_lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lm_eval_row(doc_id, reply="It is 4.", answer="4", score=1.0, filter="strict-match", **fields):
    return {
        "doc_id": doc_id,
        "doc": {"question": f"What is {doc_id} + 2?", "answer": "4"},
        "target": "4",
        "arguments": {"gen_args_0": {"arg_0": f"Q: What is {doc_id} + 2?\nA:", "arg_1": {"until": ["Q:"]}}},
        "resps": [[reply]],
        "filtered_resps": [answer],
        "filter": filter,
        "metrics": ["exact_match"],
        "doc_hash": "d",
        "prompt_hash": "p",
        "target_hash": "t",
        "exact_match": score,
    } | fields


def inspect_sample(name, epoch, value="C", **fields):
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 17, "input_tokens_cache_read": 2}
    return {
        "id": name,
        "epoch": epoch,
        "input": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "attachment://abc"}],
        "target": "4",
        "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "4"}],
        "output": {
            "model": "openai/some-model",
            "choices": [{"message": {"role": "assistant", "content": "ANSWER: 4"}, "stop_reason": "stop"}],
            "completion": "ANSWER: 4",
            "usage": usage,
        },
        "scores": {"match": {"value": value, "answer": "4"}, "half": {"value": 0.5, "answer": "4"}},
        "model_usage": {"openai/some-model": usage},
        "started_at": "2026-11-22T02:43:06+00:00",
        "working_time": 1.5,
        "attachments": {"abc": "What is 2 + 2? " * 20},
    } | fields


def inspect_log(path, *samples, zstandard=True):
    """A log laid out like Inspect's; its parts packed with Zstandard as by today's Inspect, or deflated as before."""
    header = {
        "version": 2,
        "status": "success",
        "eval": {"task": "adds", "model": "openai/some-model", "created": "2026-11-22T02:43:00+00:00"},
    }
    parts = {"header.json": header, "summaries.json": {}}
    parts |= {f"samples/{each['id']}_epoch_{each['epoch']}.json": each for each in samples}
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in parts.items():
            data = json.dumps(value).encode()
            if zstandard:
                archive.writestr(name, bytes(pyarrow.Codec("zstd").compress(data)))
            else:
                archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    if zstandard:
        _relabel(path, {name: json.dumps(value).encode() for name, value in parts.items()})
    return path


def _relabel(path, contents):
    """Says of stored parts that they are packed with method 93, which this Python's zipfile cannot write."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        central = archive.start_dir
    raw = bytearray(path.read_bytes())
    for info in infos:
        told = (zlib.crc32(contents[info.filename]), info.compress_size, len(contents[info.filename]))
        struct.pack_into("<H", raw, info.header_offset + 8, 93)
        struct.pack_into("<III", raw, info.header_offset + 14, *told)
        struct.pack_into("<H", raw, central + 10, 93)
        struct.pack_into("<III", raw, central + 16, *told)
        lengths = struct.unpack_from("<HHH", raw, central + 28)
        central += 46 + sum(lengths)
    path.write_bytes(raw)
