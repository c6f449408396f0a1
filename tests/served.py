"""A gateway in front of a loopback server: the models it serves, and how requests to them are made and sent."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from fourdials.gateway import Gateway
from fourdials.models import catalogue
from fourdials.records import Attempt, Message, Model, ModelRequest, Prompt
from tests.loopback import Loopback

CHAT = Prompt(messages=(Message("user", "hello there, you"),))
RAW = Prompt(text="hello there, you", stop=("\n",))
PROMPTS = {"chat": CHAT, "completion": RAW}
ABLE = {"n": "yes", "logprobs": "yes", "seed": "yes", "stop": "yes", "temperature": "yes"}
FORMATS = pytest.mark.parametrize("format", ["chat", "completion"])


@contextlib.asynccontextmanager
async def opened(**settings) -> AsyncIterator[Gateway]:
    gateway = Gateway(settings.pop("prices", []), **{"backoff_s": 0.01, "timeout_s": 10, **settings})
    try:
        yield gateway
    finally:
        await gateway.close()


def served(server: Loopback, format: str = "chat", *, key_variable: str | None = None, **changes) -> Model:
    model = catalogue.resolve("openai/thing")
    changes = {"capabilities": ABLE, "samples_per_request": 8, **changes}
    return catalogue.customise(model, api_base=server.api_base, key_variable=key_variable, format=format, **changes)


def ask(model: Model, **changes) -> ModelRequest:
    return ModelRequest(
        model, **{"prompt": PROMPTS[model.format], "role": "solve", "temperature": 0.5, "seed": 5, **changes}
    )


async def send(gateway: Gateway, request: ModelRequest) -> tuple[Attempt, list[Attempt]]:
    failed: list[Attempt] = []
    return await gateway.send(request, failed.append), failed
