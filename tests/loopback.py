"""An OpenAI-like server on loopback that does what it is told: replies, delays and every kind of failure.

Tests use it as `async with Loopback() as server`; the benchmark runs it alone: `python tests/loopback.py --port 8765`.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PROMPT_TOKENS = 7


@dataclass(frozen=True, slots=True)
class Fault:
    """What one request meets instead of a reply, or done to its reply.

    Kinds: `status` (an error status with `message`), `hang`, `echo key` (401 that repeats the key it was sent),
    `empty choices`, `null content`, `few choices`, `no usage`, `usage` (this block instead of the true one), `garbage`.
    """

    kind: str
    status: int = 500
    retry_after: str | None = None
    message: str = "told to fail"
    usage: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(slots=True)
class Loopback:
    """The server; change its fields at any time.

    Attributes:
        latency_s: Delay before each reply.
        faults: Met by the next requests, first come first served; None stands for a plain reply.
        forever: Met by every request once `faults` is empty.
        one_choice_counted: True if its usage counts the first choice only, as llama.cpp does.
        text: The reply; `{seed}` and `{index}` are filled in.
        say: If given, makes the reply of a request's body and the choice's index instead.
        refuses: Settings whose presence in a request is answered with status 400.
        models: What it lists at `GET /v1/models`.
        seen: All requests so far.
    """

    port: int = 0
    latency_s: float = 0.0
    faults: deque[Fault | None] = field(default_factory=deque)
    forever: Fault | None = None
    one_choice_counted: bool = False
    text: str = "reply {seed} of choice {index}"
    say: Callable[[Mapping[str, Any], int], str] | None = None
    refuses: frozenset[str] = frozenset()
    models: Sequence[Mapping[str, Any]] = ()
    seen: list[Seen] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    _runner: web.AppRunner | None = None

    @property
    def api_base(self) -> str:
        """Base URL, ready for an OpenAI client."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Loopback:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._answer)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": list(self.models)})

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.seen.append(Seen(request.path, dict(request.headers), body))
        fault = self.faults.popleft() if self.faults else self.forever
        if unwanted := self.refuses & {name for name, value in body.items() if value is not None}:
            fault = Fault("status", 400, message=f"Unrecognized request argument: {min(unwanted)}")
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(3600 if fault and fault.kind == "hang" else self.latency_s)
        finally:
            self.in_flight -= 1
        return self._failure(request, fault) or web.json_response(self._reply(request.path, body, fault))

    def _failure(self, request: web.Request, fault: Fault | None) -> web.Response | None:
        if fault is None:
            return None
        if fault.kind == "garbage":
            return web.Response(text="<html>not what you want</html>", content_type="text/html")
        if fault.kind == "echo key":
            sent = request.headers.get("Authorization", "") + request.headers.get("x-api-key", "")
            return _error(401, f"Incorrect API key provided: {sent}")
        if fault.kind == "status":
            return _error(fault.status, fault.message, fault.retry_after)
        return None

    def _reply(self, path: str, body: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
        kind = fault.kind if fault else ""
        chat = path.endswith("/chat/completions")
        say = self.say or (lambda body, index: self.text.format(seed=body.get("seed"), index=index))
        texts = [say(body, index) for index in range(body.get("n") or 1)]
        choices = [_choice(index, text, chat, body) for index, text in enumerate(texts)]
        counted = texts[:1] if self.one_choice_counted else texts
        completion = sum(len(_tokens(text)) for text in counted)
        usage: Any = {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": completion,
            "total_tokens": PROMPT_TOKENS + completion,
        }
        if kind == "null content":
            choices[0]["message" if chat else "text"] = {"role": "assistant", "content": None} if chat else None
        if kind == "empty choices":
            choices = []
        if kind == "few choices":
            choices = choices[:-1]
        if fault is not None and fault.usage is not None:
            usage = dict(fault.usage)
        reply = {"id": "x", "created": 1, "model": body["model"], "choices": choices, "usage": usage}
        reply["object"] = "chat.completion" if chat else "text_completion"
        if kind == "no usage":
            del reply["usage"]
        return reply


def _tokens(text: str) -> list[str]:
    words = text.split(" ")
    return [word if place == 0 else f" {word}" for place, word in enumerate(words)]


def _choice(index: int, text: str, chat: bool, body: Mapping[str, Any]) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": index, "finish_reason": "stop", "logprobs": None}
    choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    if body.get("logprobs"):
        listed = [{"token": token, "bytes": list(token.encode()), "logprob": -0.5} for token in _tokens(text)]
        choice["logprobs"] = {"content": [token | {"top_logprobs": []} for token in listed]}
    return choice


def _error(status: int, message: str, retry_after: str | None = None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    body = {"error": {"message": message, "type": "told", "code": str(status)}}
    return web.json_response(body, status=status, headers=headers)


async def _serve(port: int, latency_s: float) -> None:
    async with Loopback(port=port, latency_s=latency_s) as server:
        print(server.api_base, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8765)
    options.add_argument("--latency", type=float, default=0.05, help="seconds before each reply")
    given = options.parse_args()
    asyncio.run(_serve(given.port, given.latency))
