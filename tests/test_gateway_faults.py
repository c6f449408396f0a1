"""The gateway against a loopback server that fails: what it tries again, when it gives up; and no key leaves it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from fourdials.errors import (
    AuthenticationFailed,
    ContentRefused,
    ContextTooLong,
    MalformedReply,
    ModelError,
    RateLimited,
    RequestRejected,
    Unreachable,
)
from fourdials.models import catalogue
from fourdials.records import Attempt
from tests.loopback import Fault, Loopback
from tests.served import FORMATS, ask, opened, send, served


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with Loopback() as running:
        yield running


@FORMATS
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", 500), Unreachable),
        (Fault("status", 503), Unreachable),
        (Fault("status", 429), RateLimited),
        (Fault("garbage"), MalformedReply),
        (Fault("empty choices"), MalformedReply),
        (Fault("null content"), MalformedReply),
        (Fault("few choices"), MalformedReply),
    ],
    ids=["500", "503", "429", "garbage", "empty choices", "null content", "few choices"],
)
async def test_what_may_pass_is_tried_again_and_every_attempt_recorded(server, format, fault, kind) -> None:
    server.faults.extend([fault, fault])
    async with opened() as gateway:
        attempt, failed = await send(gateway, ask(served(server, format)))
    assert attempt.number == 3
    assert [each.number for each in failed] == [1, 2]
    assert [each.error["type"] for each in failed] == [kind.__name__] * 2
    assert len(server.seen) == 3  # nobody else retries in secret


@FORMATS
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", 400), RequestRejected),
        (Fault("status", 404), RequestRejected),
        (Fault("status", 403), AuthenticationFailed),
        (Fault("echo key"), AuthenticationFailed),
        (Fault("status", 429, message="insufficient_quota: no credit"), RequestRejected),
        (Fault("status", 400, message="This model's maximum context length is 10 tokens"), ContextTooLong),
        (Fault("status", 400, message="content_policy_violation"), ContentRefused),
    ],
    ids=["400", "404", "403", "401", "no credit", "context", "content"],
)
async def test_what_cannot_pass_is_sent_once(server: Loopback, format: str, fault: Fault, kind: type) -> None:
    server.forever = fault
    failed: list[Attempt] = []
    async with opened() as gateway:
        with pytest.raises(ModelError) as caught:
            await gateway.send(ask(served(server, format)), failed.append)
    assert type(caught.value) is kind
    assert len(server.seen) == len(failed) == 1


async def test_attempts_are_bounded(server: Loopback) -> None:
    server.forever = Fault("status", 500)
    failed: list[Attempt] = []
    async with opened(max_attempts=3) as gateway:
        with pytest.raises(Unreachable):
            await gateway.send(ask(served(server)), failed.append)
    assert len(server.seen) == len(failed) == 3


@FORMATS
async def test_a_wait_the_provider_asks_for_is_kept_and_counted_as_queueing(server: Loopback, format: str) -> None:
    server.faults.append(Fault("status", 429, retry_after="0.6"))
    async with opened() as gateway:
        attempt, failed = await send(gateway, ask(served(server, format)))
    assert attempt.queued_s >= 0.6
    assert failed[0].queued_s < 0.3
    assert attempt.started_at - failed[0].started_at >= 0.6


async def test_a_wait_longer_than_the_longest_ends_the_request(server: Loopback) -> None:
    server.forever = Fault("status", 429, retry_after="3600")
    async with opened() as gateway:
        with pytest.raises(RateLimited):
            await send(gateway, ask(served(server)))
    assert len(server.seen) == 1


async def test_a_server_that_hangs_is_given_up_after_the_time_out(server: Loopback) -> None:
    server.faults.append(Fault("hang"))
    async with opened(timeout_s=1.0) as gateway:
        await gateway.open([served(server)])
        request = ask(served(server))
        short = replace(request, prompt=replace(request.prompt, max_tokens=64))
        attempt, failed = await send(gateway, short)
    assert attempt.number == 2
    assert failed[0].error == {"type": "Unreachable", "message": "openai/thing did not answer within 1.12 s"}
    assert 0.9 < failed[0].latency_s < 3


async def test_a_reply_that_may_be_long_is_waited_for_longer(server: Loopback) -> None:
    server.faults.append(Fault("hang"))
    async with opened(timeout_s=0.2) as gateway:
        await gateway.open([served(server)])
        request = ask(served(server))
        _, failed = await send(gateway, replace(request, prompt=replace(request.prompt, max_tokens=2048)))
        server.faults.append(Fault("hang"))
        _, huge = await send(gateway, replace(request, prompt=replace(request.prompt, max_tokens=10**9)))
    assert failed[0].error["message"].endswith("within 1 s"), "five times as long for four times 512 tokens"
    assert huge[0].error["message"].endswith("within 3 s"), "at most 15 times"


async def test_a_provider_that_refuses_the_key_three_times_is_not_called_again(server: Loopback) -> None:
    server.forever = Fault("echo key")
    failed: list[Attempt] = []
    async with opened() as gateway:
        for _ in range(3):
            with pytest.raises(AuthenticationFailed):
                await gateway.send(ask(served(server)), failed.append)
        with pytest.raises(AuthenticationFailed, match="3 times in a row"):
            await gateway.send(ask(served(server)), failed.append)
    assert len(server.seen) == len(failed) == 3


async def test_refusals_that_are_not_in_a_row_do_not_stop_the_provider(server: Loopback) -> None:
    server.faults.extend([Fault("echo key"), Fault("echo key"), None, Fault("echo key"), None])
    good = 0
    async with opened() as gateway:
        for _ in range(5):
            with contextlib.suppress(AuthenticationFailed):
                good += (await send(gateway, ask(served(server))))[0].number
    assert good == 2


@FORMATS
async def test_a_key_the_provider_echoes_is_removed_from_messages_and_tracebacks(server, format, monkeypatch) -> None:
    secret = "plain-looking-0123456789"
    monkeypatch.setenv("THEIR_KEY", secret)
    server.forever = Fault("echo key")
    failed: list[Attempt] = []
    async with opened() as gateway:
        with pytest.raises(AuthenticationFailed) as caught:
            await gateway.send(ask(served(server, format, key_variable="THEIR_KEY")), failed.append)
    assert secret in str(server.seen[0].headers)
    assert secret not in str(failed[0])
    assert "Incorrect API key provided" in str(caught.value)
    error: BaseException | None = caught.value
    assert error.__suppress_context__
    assert secret not in str(error)


PROVIDER_KEYS = {
    "OPENAI_API_KEY": "sk-provider-0001",
    "OPENAI_ORGANIZATION": "org-secret-0002",
    "OPENAI_ORG_ID": "org-secret-0012",
    "OPENAI_PROJECT_ID": "project-secret-0022",
    "ANTHROPIC_API_KEY": "sk-ant-provider-0003",
    "ANTHROPIC_AUTH_TOKEN": "ant-token-0004",
    "HOSTED_VLLM_API_KEY": "vllm-secret-0005",
    "OLLAMA_API_KEY": "ollama-secret-0006",
    "LM_STUDIO_API_KEY": "studio-secret-0007",
    "LLAMAFILE_API_KEY": "llamafile-secret-0008",
}


@pytest.mark.parametrize(
    ("model_id", "format"),
    [
        ("openai/gpt-4.1-mini", "chat"),
        ("openai/gpt-4.1-mini", "completion"),
        ("openai/thing", "completion"),
        ("anthropic/claude-haiku-4-5", "chat"),
        ("hosted_vllm/thing", "chat"),
        ("hosted_vllm/thing", "completion"),
        ("lm_studio/thing", "chat"),
        ("llamafile/thing", "chat"),
        ("ollama_chat/thing", "chat"),
        ("ollama/thing", "chat"),
    ],
)
@pytest.mark.parametrize("key_variable", [None, "THEIR_KEY"])
async def test_a_custom_address_never_gets_the_provider_s_own_key(
    server: Loopback, model_id: str, format: str, key_variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, secret in PROVIDER_KEYS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("THEIR_KEY", "theirs-0009")
    base = server.api_base.removesuffix("/v1") if model_id.startswith("anthropic") else server.api_base
    changes = {"format": format} if format == "completion" else {}
    model = catalogue.customise(catalogue.resolve(model_id), api_base=base, key_variable=key_variable, **changes)
    async with opened(max_attempts=1) as gateway:
        with contextlib.suppress(ModelError):  # the server speaks one protocol only; what it was sent is what counts
            await gateway.send(ask(model), lambda _: None)
    assert server.seen
    sent = str([(seen.headers, seen.body) for seen in server.seen])
    assert not [name for name, secret in PROVIDER_KEYS.items() if secret in sent]
    assert ("theirs-0009" in sent) == (key_variable is not None)
