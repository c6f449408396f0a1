"""Serves a GGUF file with llama.cpp inside this process, on loopback, for the worker's gateway.

The server samples up to `slots` replies side by side, each with a context of its own. It cannot be stopped: its threads
and memory go with the process, which is why only a worker process starts one.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fourdials.errors import SetupError
from fourdials.models.catalogue import SLOT_TOKENS
from fourdials.records import Model

READY_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server: its base URL (`…/v1`) and the object that keeps it alive."""

    api_base: str
    handle: Any


async def start(model: Model) -> LocalServer:
    """Starts a server for a local model and waits until it answers. Raises SetupError if it does not."""
    return await asyncio.to_thread(_start, model)


def _start(model: Model) -> LocalServer:
    try:
        import xllamacpp
    except ImportError as error:
        raise SetupError(f"local models need the library xllamacpp: {error}; install the requirements again") from error
    params = xllamacpp.CommonParams()
    params.model.path = model.file or ""
    params.n_parallel = model.samples_per_request
    params.n_ctx = model.samples_per_request * (model.context_tokens or SLOT_TOKENS)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads()
    params.cache_ram_mib = 0  # no second copy of finished prompts
    params.ui = False
    params.verbosity = 0
    try:
        handle = xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise SetupError(f"llama.cpp cannot serve {model.file}: {error}") from error
    _bypass_proxies()
    _await_health(handle.listening_address, model)
    return LocalServer(f"{handle.listening_address}/v1", handle)


def threads() -> int:
    """All processors this process may use but one.

    llama.cpp's threads wait for each other at every layer; when any of them has to share its processor (with a browser,
    or this worker itself) all of them wait, and two threads on two busy processors are several times slower than one.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable - 1)


def _bypass_proxies() -> None:
    for name in ("NO_PROXY", "no_proxy"):
        listed = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*listed, "127.0.0.1", "localhost"]))


def _await_health(address: str, model: Model) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
    raise SetupError(f"llama.cpp did not get {model.id} ready within {READY_WITHIN_S:.0f} s; is there memory left?")


def grammar(choices: Sequence[str]) -> str:
    """A GBNF grammar that allows exactly these replies, with or without one space before them.

    The space lets the model use the token that usually follows a colon or a full stop.
    """
    return 'root ::= " "? (' + " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices) + ")"


def spelling(alphabet: str) -> str:
    """A GBNF grammar that allows any reply in these characters.

    llama.cpp needs a token for each byte, which a model with an alphabet of its own was never taught; together they
    would draw a good part of what it says at raised temperatures.
    """
    signs = "".join(f"\\x{ord(character):02X}" for character in alphabet)
    return f"root ::= [{signs}]*"
