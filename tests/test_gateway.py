"""The gateway against a loopback server: what it sends, what it counts, and what it refuses or holds back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from fourdials.charges import reservation
from fourdials.errors import (
    RequestRejected,
)
from fourdials.gateway import Gateway
from fourdials.models import catalogue
from fourdials.prices import list_price
from fourdials.records import Message, Price, Prompt, Usage
from tests.loopback import PROMPT_TOKENS, Fault, Loopback
from tests.served import ABLE, CHAT, FORMATS, RAW, ask, opened, send, served


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with Loopback() as running:
        yield running


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
