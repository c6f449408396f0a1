"""Places are given in turn, whatever a call takes and however it ends; keys out of texts; replies out of odd shapes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from fourdials.errors import MalformedReply
from fourdials.models import catalogue, replies
from fourdials.models.lanes import Lane, Places
from fourdials.models.redaction import redacted
from fourdials.records import Message, ModelRequest, Prompt


async def test_a_large_call_is_not_overtaken_by_small_ones_that_came_later() -> None:
    places, order = Places(4), []

    async def call(name: str, count: int) -> None:
        await places.take(count)
        order.append(name)
        await asyncio.sleep(0.01)
        places.give(count)

    await asyncio.gather(call("a", 3), call("large", 4), call("small", 1))
    assert order == ["a", "large", "small"]


async def test_a_cancelled_wait_gives_way_and_loses_no_place() -> None:
    places = Places(2)
    await places.take(2)
    waiting = asyncio.create_task(places.take(2))
    behind = asyncio.create_task(places.take(1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    places.give(2)
    await asyncio.wait_for(behind, 1)
    places.give(1)
    await asyncio.wait_for(places.take(2), 1)


async def test_a_place_granted_to_a_call_that_is_cancelled_at_that_moment_is_given_back() -> None:
    places = Places(1)
    await places.take(1)
    waiting = asyncio.create_task(places.take(1))
    await asyncio.sleep(0)
    places.give(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(places.take(1), 1)


async def test_samples_on_the_local_server_take_a_place_each_and_elsewhere_one_together() -> None:
    for model_id, room in (("local/smollm2-135m", False), ("sim/default", True)):
        model = catalogue.resolve(model_id)
        lane = Lane("x", [model])
        async with lane.turn(model.concurrency, 1):
            second = asyncio.create_task(lane.turn(1, 1).__aenter__())
            await asyncio.sleep(0.01)
            assert second.done() is room
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Incorrect API key: my-hidden-value!", "Incorrect API key: [removed]!"),
        ("key sk-abc123DEF456 refused", "key [removed] refused"),
        ("key sk-proj-ab***********yz refused", "key [removed] refused"),
        ("Authorization: Bearer abcdefghij", "Authorization: Bearer [removed]"),
        ("AIzaSyA1234567890abcdef is bad", "[removed] is bad"),
        ("risk-taking task-oriented 503 error", "risk-taking task-oriented 503 error"),
    ],
)
def test_keys_are_taken_out_and_words_are_left(text: str, left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "my-hidden-value")
    monkeypatch.setenv("A_TOKEN", "")
    assert redacted(text) == left


def test_the_key_of_a_call_is_taken_out_whatever_its_variable_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_ACCESS", 'plain-word"5')
    assert redacted('you sent plain-word"5', "MY_ACCESS") == "you sent [removed]"
    assert redacted("nothing is set", "NOT_SET") == "nothing is set"


def response(content: str | None, finish: str = "stop", **message) -> SimpleNamespace:
    told = SimpleNamespace(content=content, **message)
    return SimpleNamespace(choices=[SimpleNamespace(index=0, finish_reason=finish, message=told, logprobs=None)])


REQUEST = ModelRequest(catalogue.resolve("openai/x"), Prompt(messages=(Message("user", "hi"),)), "solve")


@pytest.mark.parametrize(
    ("given", "text", "finish"),
    [
        (response("", "stop"), "", "stop"),
        (response(None, "length"), "", "length"),
        (response(None, "content_filter"), "", "content_filter"),
        (response(None, "stop", refusal="I will not"), "I will not", "content_filter"),
    ],
    ids=["empty", "all thought", "filtered", "refused"],
)
def test_an_empty_reply_with_a_reason_is_a_reply(given: SimpleNamespace, text: str, finish: str) -> None:
    [sample] = replies.samples(REQUEST, given, {"prompt_tokens": 3, "completion_tokens": 0})
    assert (sample.text, sample.finish_reason) == (text, finish)


def test_null_content_without_a_reason_is_malformed() -> None:
    with pytest.raises(MalformedReply, match="without content"):
        replies.samples(REQUEST, response(None), {})


def test_a_character_spread_over_tokens_belongs_to_the_token_that_ends_it() -> None:
    given = response("é!")
    listed = [([0xC3], -1.0), ([0xA9], -1.0), ([0x21], -0.5)]
    given.choices[0].logprobs = {"content": [{"token": "?", "bytes": raw, "logprob": p} for raw, p in listed]}
    request = ModelRequest(REQUEST.model, REQUEST.prompt, "solve", token_texts=True)
    [sample] = replies.samples(request, given, {"prompt_tokens": 3, "completion_tokens": 3})
    assert sample.tokens == ("", "é", "!")
    assert sample.logprob == -2.5


def test_more_cached_tokens_than_there_were_are_unknown() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}
    [sample] = replies.samples(REQUEST, response("x"), usage)
    assert sample.usage.cached_tokens is None


async def test_a_waiting_call_that_was_passed_over_can_still_be_cancelled():
    places = Places(1)
    await places.take(1)
    waiting = [asyncio.create_task(places.take(1)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    places.give(1)  # passes over those whose wait was cancelled but who have not noticed yet
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in ended] == [asyncio.CancelledError] * 3
    await asyncio.wait_for(places.take(1), 1)
