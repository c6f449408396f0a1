"""The gateway against a loopback server: what it sends, what it counts, what it retries, and what never leaves it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from fourdials.charges import reservation
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
from fourdials.gateway import Gateway
from fourdials.models import catalogue
from fourdials.prices import list_price
from fourdials.records import Attempt, Message, Model, ModelRequest, Price, Prompt, Usage
from tests.loopback import PROMPT_TOKENS, Fault, Loopback

CHAT = Prompt(messages=(Message("user", "hello there, you"),))
RAW = Prompt(text="hello there, you", stop=("\n",))
PROMPTS = {"chat": CHAT, "completion": RAW}
ABLE = {"n": "yes", "logprobs": "yes", "seed": "yes", "stop": "yes", "temperature": "yes"}
FORMATS = pytest.mark.parametrize("format", ["chat", "completion"])


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with Loopback() as running:
        yield running


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


async def test_a_model_that_thinks_unseen_is_given_room_for_it(server: Loopback) -> None:
    thinker = replace(served(server, "chat"), hidden_tokens=1000)
    async with opened() as gateway:
        await send(gateway, ask(thinker))
    assert server.seen[0].body["max_tokens"] == 1256
    assert reservation(ask(thinker, n=2), ()).total_tokens >= 2 * 1256


@FORMATS
async def test_samples_of_one_prompt_are_one_request_with_every_setting(server: Loopback, format: str) -> None:
    async with opened() as gateway:
        attempt, failed = await send(gateway, ask(served(server, format), n=3, token_texts=True))
    [seen] = server.seen
    assert seen.path == ("/v1/chat/completions" if format == "chat" else "/v1/completions")
    assert (seen.body["n"], seen.body["seed"], seen.body["temperature"], seen.body["max_tokens"]) == (3, 5, 0.5, 256)
    assert (seen.body.get("prompt") or seen.body["messages"][0]["content"]) == "hello there, you"
    assert [sample.text for sample in attempt.samples] == [f"reply 5 of choice {index}" for index in range(3)]
    assert attempt.samples[0].tokens == ("reply", " 5", " of", " choice", " 0")
    assert attempt.samples[0].logprob == -2.5
    assert not failed


@FORMATS
async def test_the_prompt_is_counted_once_and_each_sample_for_itself(server: Loopback, format: str) -> None:
    async with opened() as gateway:
        attempt, _ = await send(gateway, ask(served(server, format), n=3))
    assert attempt.raw_usage["completion_tokens"] == 15
    assert [sample.usage.completion_tokens for sample in attempt.samples] == [5, 5, 5]
    assert [sample.usage.prompt_tokens for sample in attempt.samples] == [PROMPT_TOKENS, 0, 0]
    assert not attempt.samples[0].usage.estimated


async def test_a_server_that_counts_one_choice_only_is_seen_through(server: Loopback) -> None:
    server.one_choice_counted = True
    async with opened() as gateway:
        attempt, _ = await send(gateway, ask(served(server), n=4))
    assert attempt.raw_usage["completion_tokens"] == 5
    assert [sample.usage.completion_tokens for sample in attempt.samples] == [5, 5, 5, 5]


async def test_a_sum_over_choices_without_token_lists_is_shared_out_and_marked_estimated(server: Loopback) -> None:
    model = served(server, capabilities={**ABLE, "logprobs": "no"})
    async with opened() as gateway:
        attempt, _ = await send(gateway, ask(model, n=2))
    assert "logprobs" not in server.seen[0].body
    assert [sample.usage.completion_tokens for sample in attempt.samples] == [5, 5]
    assert all(sample.usage.estimated for sample in attempt.samples)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("no usage"),
        Fault("usage", usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
        Fault("usage", usage={"prompt_tokens": -3, "completion_tokens": -5, "total_tokens": -8}),
    ],
    ids=["missing", "zeros", "negative"],
)
async def test_a_usage_that_cannot_be_true_is_replaced_by_an_estimate_that_says_so(server, fault: Fault) -> None:
    server.faults.append(fault)
    async with opened() as gateway:
        attempt, _ = await send(gateway, ask(served(server, capabilities={**ABLE, "logprobs": "no"})))
    usage = attempt.samples[0].usage
    assert usage.estimated
    assert usage.prompt_tokens == 4  # 16 characters
    assert usage.completion_tokens == 5  # 19 characters
    assert usage.cached_tokens is None
    assert attempt.raw_usage.get("completion_tokens") == (
        -5 if "negative" in str(fault) or "-5" in str(fault) else None
    )


async def test_cached_and_reasoning_tokens_are_read_and_priced(server: Loopback) -> None:
    block = {
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "total_tokens": 1050,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    server.faults.append(Fault("usage", usage=block))
    row = Price("openai/thing", "2020-01-01", 2.0, 10.0, cached_usd=0.5)
    async with opened(prices=[row]) as gateway:
        attempt, _ = await send(gateway, ask(served(server)))
    assert attempt.samples[0].usage == Usage(1000, 400, 0, 50, 30)
    assert attempt.usd_paid == pytest.approx((600 * 2.0 + 400 * 0.5 + 50 * 10.0) / 1e6)
    assert list_price("openai/thing", attempt.samples[0].usage, time.time(), [row]) == pytest.approx(0.0025)
    assert attempt.raw_usage["prompt_tokens_details"]["cached_tokens"] == 400


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
        attempt, failed = await send(gateway, ask(served(server)))
    assert attempt.number == 2
    assert failed[0].error == {"type": "Unreachable", "message": "openai/thing did not answer within 1 s"}
    assert 0.9 < failed[0].latency_s < 3


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


async def test_no_more_calls_are_in_flight_than_the_model_allows_and_waiting_is_told_apart(server: Loopback) -> None:
    server.latency_s = 0.2
    model = served(server, concurrency=2)
    async with opened() as gateway:
        await gateway.open([model])
        await send(gateway, ask(model))
        attempts = await asyncio.gather(*(send(gateway, ask(model, seed=seed)) for seed in range(6)))
    assert server.most_in_flight == 2
    assert max(attempt.queued_s for attempt, _ in attempts) >= 0.35
    assert all(attempt.latency_s >= 0.19 for attempt, _ in attempts)


async def test_requests_per_minute_are_kept(server: Loopback) -> None:
    model = served(server, requests_per_minute=3)
    async with opened() as gateway:
        await gateway.open([model])
        tasks = [asyncio.create_task(send(gateway, ask(model, seed=seed))) for seed in range(4)]
        done, waiting = await asyncio.wait(tasks, timeout=4)
        assert (len(done), len(waiting)) == (3, 1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("changes", "asked", "said"),
    [
        ({"capabilities": {**ABLE, "n": "no"}}, {"n": 2}, "at most 1 samples"),
        ({"capabilities": {**ABLE, "n": "unknown"}}, {"n": 2}, "at most 1 samples"),
        ({}, {"n": 9}, "at most 8 samples"),
        ({"capabilities": {**ABLE, "temperature": "no"}}, {"temperature": 0.5}, "temperature 1 only"),
        ({"capabilities": {**ABLE, "stop": "no"}}, {"prompt": replace(CHAT, stop=("\n",))}, "cannot stop at"),
        ({}, {"prompt": RAW}, "takes chat prompts"),
        ({}, {"prompt": replace(CHAT, effort="low")}, "reasoning setting"),
        ({}, {"prompt": replace(CHAT, discouraged=("red",), bias=3.0)}, "logit bias"),
    ],
)
async def test_what_a_model_cannot_do_is_an_error_and_never_dropped(server, changes, asked, said) -> None:
    async with opened() as gateway:
        with pytest.raises(RequestRejected, match=said):
            await send(gateway, ask(served(server, **changes), **asked))
    assert not server.seen


async def test_a_model_with_one_temperature_is_sent_none(server: Loopback) -> None:
    async with opened() as gateway:
        await send(gateway, ask(served(server, capabilities={**ABLE, "temperature": "no"}), temperature=1.0))
    assert "temperature" not in server.seen[0].body


@pytest.mark.parametrize(
    ("effort", "field", "value"),
    [("high", "reasoning_effort", "high"), ("2048", "thinking", {"type": "enabled", "budget_tokens": 2048})],
)
async def test_a_reasoning_setting_reaches_the_provider(effort: str, field: str, value: object) -> None:
    model = catalogue.customise(catalogue.resolve("openai/thing"), capabilities={"effort": "yes"})
    arguments = Gateway([])._arguments(ask(model, prompt=replace(CHAT, effort=effort)))
    assert arguments[field] == value
    assert len({"reasoning_effort", "thinking"} & arguments.keys()) == 1


async def test_discouraged_words_become_biases_on_the_tokens_they_begin_with() -> None:
    model = catalogue.customise(catalogue.resolve("openai/gpt-4-turbo"), capabilities={"logit_bias": "yes"})
    request = ask(model, prompt=replace(CHAT, discouraged=("red",), bias=3.0))
    async with opened() as gateway:
        await gateway.open([model])
        biases = await gateway._biases(request)
        assert gateway._arguments(request, biases)["logit_bias"] == biases
        assert await gateway._biases(ask(model, prompt=CHAT)) == {}
    assert biases == {"1171": -3.0, "2579": -3.0}, "`red` and ` red` in the vocabulary cl100k_base"


async def test_choices_become_a_grammar_only_where_grammars_are_known_to_work(server: Loopback) -> None:
    prompt = replace(RAW, choices=("red", 'a "b"'))
    async with opened() as gateway:
        for has in ("yes", "no"):
            model = served(server, "completion", capabilities={**ABLE, "grammar": has})
            await send(gateway, ask(model, prompt=prompt))
    assert [seen.body.get("grammar") for seen in server.seen] == ['root ::= " "? ("red" | "a \\"b\\"")', None]


def test_problems_are_found_before_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    ids = ["openai/gpt-4.1-mini", "local/smollm2-135m", "sim/default", "ollama_chat/llama3.2"]
    problems = Gateway([]).check([catalogue.resolve(model_id) for model_id in ids], needs=["logprobs"])
    assert len(problems) == 3
    assert "OPENAI_API_KEY" in problems[0]
    assert "fourdials.models.weights" in problems[1]
    assert "ollama_chat/llama3.2 cannot do logprobs" in problems[2]


async def test_a_price_nobody_wrote_down_is_looked_up_in_litellm_s_map_and_else_unknown() -> None:
    usage = Usage(1_000_000, 0, 0, 0, 0)
    names = ("openai/gpt-4o-mini", "sim/default", "openai/nobody-knows-this", "ollama_chat/llama3.2")
    models = [catalogue.resolve(name) for name in names]
    async with opened() as gateway:
        await gateway.open([])
        rows = gateway.mapped_prices(models)
    assert [row.model for row in rows] == ["openai/gpt-4o-mini"]
    assert rows[0].source == "litellm's price map"
    prices = [list_price(name, usage, time.time(), rows) for name in names]
    assert prices == [pytest.approx(0.15), None, None, None]


async def test_a_simulated_model_goes_through_litellm_and_is_given_the_truth() -> None:
    model = catalogue.resolve("sim/solve=1,latency=0.2")
    prompt = Prompt(messages=(Message("user", "Which?"),), choices=("Oslo", "Rome"), reads="choice", mark="Answer:")
    async with opened() as gateway:
        attempt, failed = await send(gateway, ask(model, prompt=prompt, n=3, truth="Rome"))
    assert [sample.text for sample in attempt.samples] == ["Answer: Rome"] * 3
    assert attempt.raw_usage == {"prompt_tokens": 6, "completion_tokens": 6, "total_tokens": 12}
    assert attempt.latency_s >= 0.2
    assert attempt.usd_paid is None
    assert not failed
