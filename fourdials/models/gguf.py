"""Reads what Four Dials needs to know of a GGUF file from its header, without loading the weights.

Called by the catalogue for `local:/path/to/file.gguf`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fourdials.errors import InputError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, slots=True)
class Gguf:
    """Name, chat template (True if there is one), training context and number of parameters of a GGUF file."""

    name: str
    chat: bool
    context_tokens: int | None
    parameters: int


def read_gguf(path: Path) -> Gguf:
    """Reads a header. Raises InputError if there is no such file or it is no GGUF file of version 2 or 3."""
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of a GGUF file")
    try:
        with path.open("rb") as file:
            return _read(file, path)
    except (struct.error, UnicodeDecodeError, KeyError, MemoryError) as error:
        raise InputError(f"{path} is damaged: its GGUF header ends early or holds unknown types") from error


def _read(file: BinaryIO, path: Path) -> Gguf:
    if file.read(4) != b"GGUF":
        raise InputError(f"{path} is not a GGUF file; convert the model to GGUF first")
    version, tensors, entries = struct.unpack("<IQQ", file.read(20))
    if version not in (2, 3):
        raise InputError(f"{path} is GGUF version {version}; versions 2 and 3 can be read")
    held = {}
    for _ in range(entries):
        key = _string(file)
        held[key] = _value(file, _scalar(file, "I"))
    parameters = 0
    for _ in range(tensors):
        _string(file)
        shape = [_scalar(file, "Q") for _ in range(_scalar(file, "I"))]
        parameters += math.prod(shape)
        file.seek(12, 1)  # its type and offset
    context = held.get(f"{held.get('general.architecture')}.context_length")
    return Gguf(
        name=str(held.get("general.name") or path.stem),
        chat=bool(held.get("tokenizer.chat_template")),
        context_tokens=int(context) if context is not None else None,
        parameters=parameters,
    )


def _scalar(file: BinaryIO, code: str) -> Any:
    return struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0]


def _string(file: BinaryIO) -> str:
    length = _scalar(file, "Q")
    text = file.read(length)
    if len(text) != length:
        raise struct.error("the text ends early")
    return text.decode()


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _scalar(file, _SCALARS[kind])
    item, count = _scalar(file, "I"), _scalar(file, "Q")
    if item in _SCALARS:
        file.seek(count * struct.calcsize(f"<{_SCALARS[item]}"), 1)
    else:
        for _ in range(count):
            _value(file, item)
    return None
