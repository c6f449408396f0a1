"""Small calls find out what a model can do: a refusal is a no, an effect a yes, what shows neither stays open."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from fourdials import capabilities
from fourdials.errors import AuthenticationFailed, InputError
from fourdials.gateway import Gateway
from fourdials.models import added, catalogue
from tests.loopback import Fault, Loopback

WORDS = "alpha beta omega"
EVERYTHING = ("n", "grammar", "logprobs", "seed", "stop", "temperature", "effort", "prefill", "logit_bias")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
async def server():
    async with Loopback() as running:
        yield running


def capable(body: Mapping[str, Any], index: int) -> str:
    """What a model says that honours every setting."""
    last = body["messages"][-1] if "messages" in body else {"role": "user", "content": body["prompt"]}
    if body.get("grammar"):
        return "south"
    if last["role"] == "assistant":
        return "H I J K"
    if "twelve" in last["content"]:
        return f"word{body.get('seed')}{index}"
    return "alpha beta " if body.get("stop") else WORDS


def deaf(body: Mapping[str, Any], index: int) -> str:
    """What a model says whose server takes every setting and heeds none."""
    last = body["messages"][-1]
    if last["role"] == "assistant":
        return "A B C D"
    return f"word{id(body)}" if "twelve" in last["content"] else WORDS


async def settled(server, features=EVERYTHING, **changes):
    model = catalogue.add({"id": "openai/mine", "api_base": server.api_base, **changes})
    gateway = Gateway([], backoff_s=0.01, timeout_s=10, max_attempts=1)
    try:
        tested = await capabilities.examine(model, features, gateway.send)
    finally:
        await gateway.close()
    return model, tested, {each.feature: each.support for each in tested.findings}


async def test_a_model_that_heeds_everything_is_found_to(server):
    server.say = capable
    _, tested, support = await settled(server)
    assert support == {**dict.fromkeys(EVERYTHING, "yes"), "effort": "unknown", "logit_bias": "no"}
    assert tested.reply == WORDS
    assert tested.calls == len(server.seen) == capabilities.forecast(catalogue.resolve("openai/mine"), EVERYTHING).calls


async def test_a_server_that_takes_settings_and_ignores_them_is_seen_through(server):
    server.say = deaf
    _, _, support = await settled(server)
    assert {name for name, has in support.items() if has == "yes"} == {"temperature", "logprobs"}
    assert (support["stop"], support["grammar"], support["prefill"]) == ("no", "no", "no")
    assert support["n"] == "unknown"  # four replies, all the same


async def test_what_is_refused_is_a_no_and_the_reason_is_kept(server):
    server.say = capable
    server.refuses = frozenset({"n", "seed", "stop", "logprobs", "temperature", "grammar"})
    # a temperature is sent with every request that may have one, so it is refused there only
    model = catalogue.add({"id": "openai/mine", "api_base": server.api_base})
    features = ("n", "seed", "stop", "logprobs", "grammar")
    gateway = Gateway([], backoff_s=0.01, timeout_s=10, max_attempts=1)
    tested = await capabilities.examine(model, (*features, "temperature"), gateway.send)
    await gateway.close()
    assert {each.support for each in tested.findings} == {"no"}
    assert all("Unrecognized request argument" in each.why for each in tested.findings)


async def test_fewer_replies_than_asked_for_are_no_support_of_several(server):
    server.say = capable
    server.faults.extend([None, Fault("few choices")])
    _, _, support = await settled(server, ("n",))
    assert support == {"n": "no"}


async def test_a_probe_that_fails_for_another_reason_leaves_the_question_open(server):
    server.say = capable
    server.faults.extend([None, Fault("status", 503)])
    _, tested, support = await settled(server, ("seed", "temperature"))
    assert support == {"seed": "unknown", "temperature": "yes"}
    assert "could not be asked" in tested.findings[0].why


async def test_reasoning_counts_only_where_the_provider_reports_it(server):
    usage = {"prompt_tokens": 9, "completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 31}}
    server.faults.extend([None, Fault("usage", usage=usage)])
    _, tested, support = await settled(server, ("effort",))
    assert support == {"effort": "yes"}
    assert "31 reasoning tokens" in tested.findings[0].why
    assert server.seen[1].body["reasoning_effort"] == "medium"


async def test_a_first_call_that_fails_ends_the_test(server):
    server.faults.append(Fault("status", 401, message="who are you"))
    with pytest.raises(AuthenticationFailed):
        await settled(server)
    assert len(server.seen) == 1


async def test_a_completion_model_is_asked_with_raw_text_and_not_for_what_needs_turns(server):
    server.say = capable
    _, _, support = await settled(server, format="completion")
    assert {seen.path for seen in server.seen} == {"/v1/completions"}
    assert (support["effort"], support["prefill"], support["stop"]) == ("no", "no", "yes")


async def test_what_is_settled_is_kept_with_its_day_and_used_from_then_on(server):
    server.say = capable
    model, tested, _ = await settled(server)
    kept = capabilities.keep(model, tested)
    assert kept == catalogue.resolve("openai/mine")
    assert (kept.capabilities["n"], kept.samples_per_request) == ("yes", capabilities.SAMPLES)
    assert kept.capabilities["effort"] == "unknown"  # what stayed open is not stored
    assert "effort" not in added.held().models["openai/mine"].capabilities
    assert added.held().models["openai/mine"].tested
    assert capabilities.unsettled(kept) == ("effort",)


async def test_the_forecast_bounds_what_the_calls_use(server):
    server.say = capable
    model, tested, _ = await settled(server)
    bound = capabilities.forecast(model, EVERYTHING)
    assert 0 < tested.tokens <= bound.tokens
    assert bound.usd is None  # no price is known for it
    assert capabilities.forecast(catalogue.resolve("openai/gpt-4.1-mini")).usd > 0


async def test_a_capability_nobody_knows_is_refused(server):
    with pytest.raises(InputError, match="magic"):
        await settled(server, ("magic",))


def run(home, *arguments):
    command = [sys.executable, "-m", "fourdials", "models", "test", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


async def test_the_command_tests_keeps_and_prints(server, home):
    import asyncio

    server.say = capable
    catalogue.add({"id": "openai/mine", "api_base": server.api_base})
    dry = await asyncio.to_thread(run, home, "openai/mine", "--settle", "--dry-run", "--json")
    assert json.loads(dry.stdout)["calls"] == 12
    assert server.seen == []
    done = await asyncio.to_thread(run, home, "openai/mine", "--settle", "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["reply"] == WORDS
    assert {each["feature"]: each["support"] for each in printed["findings"]}["seed"] == "yes"
    assert catalogue.resolve("openai/mine").capabilities["seed"] == "yes"


def test_the_command_says_in_one_line_what_is_missing(home, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = run(home, "openai/gpt-4.1-mini")
    assert done.returncode == 1
    assert done.stderr.startswith("error: openai/gpt-4.1-mini: set the environment variable OPENAI_API_KEY")
    assert done.stderr.count("\n") == 1
