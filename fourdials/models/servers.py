"""Model servers already running on this computer: who answers at the ports Ollama, vLLM and llama.cpp use.

Only loopback is asked, for the list of models and for a moment. Called by the Models page and the command line.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException

PORTS = (11434, 8000, 8080, 1234)
OLLAMA_PORT = 11434
WITHIN_S = 0.6
MOST_BYTES = 500_000
MOST_MODELS = 100
_OWNERS = {"vllm": "vLLM", "llamacpp": "llama.cpp", "library": "Ollama"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that speaks OpenAI's protocol: its base URL, what it seems to be, and the ids of its models."""

    api_base: str
    kind: str
    models: tuple[str, ...]


def find(ports: Sequence[int] = PORTS) -> list[Server]:
    """The servers that answer now, in the order of the ports; empty if none does."""
    with ThreadPoolExecutor(max_workers=len(ports) or 1) as pool:
        return [server for server in pool.map(_look, ports) if server is not None]


def _look(port: int) -> Server | None:
    api_base = f"http://127.0.0.1:{port}/v1"
    # no proxy and no redirect: the question is what runs here, and nothing may be led elsewhere
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)
    try:
        with opener.open(f"{api_base}/models", timeout=WITHIN_S) as answer:
            listed = json.loads(answer.read(MOST_BYTES))
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ValueError, RecursionError):
        return None
    entries = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        return None
    found = [entry for entry in entries[:MOST_MODELS] if isinstance(entry, dict) and _usable(entry.get("id"))]
    owner = next((str(entry.get("owned_by")) for entry in found), "")
    kind = "Ollama" if port == OLLAMA_PORT else _OWNERS.get(owner, "a server")
    return Server(api_base, kind, tuple(entry["id"] for entry in found))


def _usable(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 200 and name.isprintable() and not any(map(str.isspace, name))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def entry(server: Server, model: str) -> dict[str, str]:
    """The entry that adds one of its models to the person's own, as `catalogue.add` takes it."""
    if server.kind == "Ollama":
        return {"id": f"ollama_chat/{model}", "label": f"{model} in Ollama on this computer"[:120]}
    label = f"{model} from {server.kind} on this computer"[:120]
    return {"id": f"hosted_vllm/{model}", "api_base": server.api_base, "label": label}
