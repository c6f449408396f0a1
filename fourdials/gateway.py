"""The only way to a model: one typed request in, one attempt with samples and honest counts out, through litellm.

The worker opens a gateway with the models of its experiment, the engine sends requests through it and is told of every
failed attempt. Provider errors become `ModelError`s here and nowhere else, without keys in their messages.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from fourdials import prices as pricing
from fourdials.errors import (
    AuthenticationFailed,
    ModelError,
    SetupError,
    Unreachable,
)
from fourdials.models import catalogue, local, recursive, refusals, replies, sim, tokens
from fourdials.models.lanes import Lane
from fourdials.records import NOTHING, Attempt, Model, ModelRequest, Price, Sample

NO_KEY = "no-key-needed"  # sent where no key belongs, so that litellm does not fall back to one from the environment
LONGEST_WAIT_S = 120.0
PATIENCE_TOKENS, MOST_PATIENCE = 512, 15
_PLAIN_SAMPLING = {
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "samplers": ["temperature"],
}  # llama.cpp would cut the distribution off by default
_SEEDS = 2**31


@dataclass(slots=True)
class _Pending:
    """One request on its way: attempts so far, since when it waits, and how long the provider asked it to."""

    request: ModelRequest
    record: Callable[[Attempt], None]
    since: float
    number: int = 0
    retry_after_s: float = 0.0


class Gateway:
    """Sends requests. Opened and closed by the worker, used from one event loop.

    Args:
        prices: Rows paid prices are computed from.
        timeout_s: Longest time one attempt at a short reply may take. One that may have 512 tokens has twice as long,
            and so on, up to 15 times: a slow computer's own model, or a long thought, is no dead connection.
        max_attempts: Most attempts at one request; only errors known to pass are tried again.
        backoff_s: First wait before another attempt; it doubles, with jitter, unless the provider asks for longer.
    """

    def __init__(
        self, prices: Sequence[Price], timeout_s: float = 120, max_attempts: int = 4, backoff_s: float = 0.5
    ) -> None:
        self._prices = prices
        self._timeout_s = timeout_s
        self._max_attempts = max_attempts
        self._backoff = wait_exponential_jitter(multiplier=backoff_s, max=30, jitter=backoff_s)
        self._litellm: Any = None
        self._lanes: dict[str, Lane] = {}
        self._servers: dict[str, local.LocalServer] = {}
        self._tokens: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        self._clients: dict[tuple[str | None, str | None], Any] = {}

    async def open(self, models: Sequence[Model]) -> None:
        """Loads litellm and starts a server for each local model. Raises SetupError if one does not come up."""
        await self._load()
        groups: dict[str, list[Model]] = {}
        for model in models:
            groups.setdefault(_lane_name(model), []).append(model)
        self._lanes |= {name: Lane(name, group) for name, group in groups.items() if name not in self._lanes}
        for model in models:
            if model.provider == "local" and not catalogue.in_process(model) and model.file not in self._servers:
                self._servers[model.file or ""] = await local.start(model)

    async def close(self) -> None:
        """Closes connections; a second call does nothing. Local servers end with the process."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()
        self._servers.clear()
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()
            self._litellm = None

    def check(self, models: Iterable[Model], needs: Iterable[str] = ()) -> list[str]:
        """What keeps these models from being used, one line each: something missing, or a need they cannot meet.

        `needs` are capabilities every model must not be known to lack.
        """
        problems = []
        for model in models:
            if (reason := catalogue.missing(model)) is not None:
                problems.append(f"{model.id}: {reason}")
            problems += [
                f"{model.id} cannot do {need}, which this experiment needs; choose another model"
                for need in needs
                if model.capabilities.get(need) == "no"
            ]
        return problems

    def mapped_prices(self, models: Iterable[Model]) -> list[Price]:
        """Rows from litellm's own price map for the models that `prices` has none for; undated, their source named.

        Empty before the gateway is open.
        """
        known = {row.model for row in self._prices}
        found = [
            self._mapped_price(model.id) for model in models if model.id not in known and model.provider != "local"
        ]
        return [price for price in found if price is not None]

    async def send(self, request: ModelRequest, record: Callable[[Attempt], None]) -> Attempt:
        """Sends one request and returns the attempt that succeeded; `record` is told of each one that failed.

        Raises:
            ModelError: The last attempt's error, or at once if the model cannot do what is asked.
        """
        refusals.refuse_what_cannot_be(request)
        await self._load()
        pending = _Pending(request, record, time.monotonic())

        def wait_s(state: RetryCallState) -> float:
            return max(float(self._backoff(state)), pending.retry_after_s)

        def again(error: BaseException) -> bool:
            return isinstance(error, ModelError) and error.transient and pending.retry_after_s <= LONGEST_WAIT_S

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._max_attempts), wait=wait_s, retry=retry_if_exception(again), reraise=True
        )
        return await retrying(self._attempt, pending)

    async def _attempt(self, pending: _Pending) -> Attempt:
        request = pending.request
        lane = self._lane(request.model)
        lane.check()
        pending.number += 1
        size = len(request.prompt.shown) // replies.CHARACTERS_PER_TOKEN + request.n * request.reply_tokens
        async with lane.turn(request.n, size):
            lane.check()
            began, started_at = time.monotonic(), time.time()
            attempt = Attempt(pending.number, started_at, 0.0, queued_s=began - pending.since)
            try:
                samples, usage = await self._call(pending)
            except ModelError as error:
                pending.since = time.monotonic()
                fault = {"type": type(error).__name__, "message": str(error)}
                pending.record(replace(attempt, latency_s=pending.since - began, error=fault))
                if isinstance(error, AuthenticationFailed):
                    lane.refused(str(error))
                raise
            latency_s = time.monotonic() - began
        lane.accepted()
        whole = replace(samples[0].usage, completion_tokens=sum(each.usage.completion_tokens or 0 for each in samples))
        paid = pricing.paid_price(request.model.id, whole, started_at, self._prices, self._mapped_price)
        return replace(attempt, latency_s=latency_s, samples=samples, raw_usage=usage, usd_paid=paid)

    async def _call(self, pending: _Pending) -> tuple[tuple[Sample, ...], dict[str, Any]]:
        request = pending.request
        pending.retry_after_s = 0.0
        patience_s = self._patience_s(request)
        try:
            async with asyncio.timeout(patience_s):
                if catalogue.in_process(request.model):
                    return await self._serve(request)
                arguments = self._arguments(request, await self._biases(request))
                if request.prompt.format == "chat":
                    response = await self._litellm.acompletion(**arguments)
                else:
                    response = await self._litellm.atext_completion(**arguments)
        except TimeoutError:
            raise Unreachable(f"{request.model.id} did not answer within {patience_s:.3g} s") from None
        except self._litellm.exceptions.openai.OpenAIError as error:
            pending.retry_after_s = refusals.retry_after_s(error)
            raise refusals.translated(request.model, error) from None  # the provider's text may hold the key
        usage = replies.raw_usage(response)
        return replies.samples(request, response, usage), usage

    def _patience_s(self, request: ModelRequest) -> float:
        return self._timeout_s * min(MOST_PATIENCE, 1 + request.reply_tokens / PATIENCE_TOKENS)

    async def _serve(self, request: ModelRequest) -> tuple[tuple[Sample, ...], dict[str, Any]]:
        """Simulated models and recursive nets, which answer in this process, as providers of litellm's."""
        served: list[Sample] = []
        response = await self._litellm.acompletion(
            model=request.model.litellm_id,
            messages=[{"role": "user", "content": request.prompt.shown}],
            metadata={"request": request, "served": served},
        )
        kept = served if request.token_texts else [replace(sample, tokens=None) for sample in served]
        return tuple(kept), replies.raw_usage(response)

    async def _biases(self, request: ModelRequest) -> dict[str, float]:
        """What to add to the logit of which token; empty where nothing is discouraged."""
        model, prompt = request.model, request.prompt
        if not prompt.bias or not prompt.discouraged:
            return {}
        place = model.id, prompt.discouraged
        if place not in self._tokens:
            address = self._address(model)["api_base"]
            self._tokens[place] = await tokens.first_tokens(model, prompt.discouraged, address, self._litellm)
        return {str(token): -prompt.bias for token in self._tokens[place]}

    def _arguments(self, request: ModelRequest, biases: Mapping[str, float] = NOTHING) -> dict[str, Any]:
        """What litellm is called with; a capability that is not known to be there is left out or tried as it is."""
        model, prompt, able = request.model, request.prompt, request.model.capabilities
        extra: dict[str, Any] = dict(_PLAIN_SAMPLING) if model.provider == "local" else {}
        if prompt.choices and able.get("grammar") == "yes":
            extra["grammar"] = local.grammar(prompt.choices)
        elif model.alphabet and model.provider == "local":
            extra["grammar"] = local.spelling(model.alphabet)
        if biases and model.provider == "local":
            extra["logit_bias"] = [[int(token), by] for token, by in biases.items()]
        chat = prompt.format == "chat"
        address = self._address(model)
        wanted: dict[str, Any] = {
            "n": request.n if request.n > 1 else None,
            "temperature": request.temperature if able.get("temperature") != "no" else None,
            "stop": list(prompt.stop) or None,
            "seed": request.seed % _SEEDS if able.get("seed") == "yes" else None,
            "logprobs": (chat or 1) if able.get("logprobs") == "yes" else None,
            "top_logprobs": 1 if chat and able.get("logprobs") == "yes" else None,
            "extra_body": extra or None,
            "logit_bias": dict(biases) if biases and model.provider != "local" else None,
            "reasoning_effort": prompt.effort if prompt.effort.isalpha() else None,
            "thinking": {"type": "enabled", "budget_tokens": int(prompt.effort)} if prompt.effort.isdigit() else None,
            **address,
        }
        shown: dict[str, Any] = {"messages": [asdict(message) for message in prompt.messages]}
        if not chat:
            shown = {"prompt": prompt.text, "client": self._client(**address)}
        return {
            "model": _route(model),
            **shown,
            **{name: value for name, value in wanted.items() if value is not None},
            "max_tokens": request.reply_tokens,
            "timeout": self._patience_s(request),
            "num_retries": 0,
            "max_retries": 0,
        }

    def _address(self, model: Model) -> dict[str, str | None]:
        """Base URL and key. A custom address gets the key named for it or none, never the provider's."""
        if model.provider == "local":
            if model.file not in self._servers:
                raise SetupError(f"{model.id} is not being served; open the gateway with it first")
            return {"api_base": self._servers[model.file].api_base, "api_key": NO_KEY}
        key = os.environ.get(model.key_variable) if model.key_variable else None
        return {"api_base": model.api_base, "api_key": key or (NO_KEY if model.api_base else None)}

    def _client(self, api_base: str | None, api_key: str | None) -> Any:
        """One pooled client for each address that takes raw prompts; litellm would open a new one for every call."""
        if (api_base, api_key) not in self._clients:
            from litellm.llms.openai.common_utils import BaseOpenAILLM

            client = self._litellm.exceptions.openai.AsyncOpenAI(
                api_key=api_key, base_url=api_base, max_retries=0, http_client=BaseOpenAILLM._get_async_http_client()
            )
            if api_base is not None:  # these come from the environment and are nobody else's business
                client.organization = client.project = None
            self._clients[api_base, api_key] = client
        return self._clients[api_base, api_key]

    def _lane(self, model: Model) -> Lane:
        name = _lane_name(model)
        if name not in self._lanes:
            self._lanes[name] = Lane(name, [model])
        return self._lanes[name]

    async def _load(self) -> None:
        if self._litellm is None:
            self._litellm = await asyncio.to_thread(_load_litellm)

    def _mapped_price(self, model_id: str) -> Price | None:
        entry = self._litellm.model_cost.get(model_id) if self._litellm is not None else None
        if entry is None and self._litellm is not None and model_id.startswith(("openai/", "anthropic/")):
            entry = self._litellm.model_cost.get(model_id.split("/", 1)[1])
        if not entry or entry.get("input_cost_per_token") is None or entry.get("output_cost_per_token") is None:
            return None
        if not entry["input_cost_per_token"] and not entry["output_cost_per_token"]:
            return None  # free on one's own machine: its cost is unknown, not 0
        rates = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")
        per_million: list[Any] = [
            None if entry.get(name) is None else entry[name] * pricing.MILLION
            for name in (*rates, "cache_creation_input_token_cost")
        ]
        return Price(
            model_id, "", per_million[0], per_million[1], per_million[2], per_million[3], "litellm's price map"
        )


def _load_litellm() -> Any:
    """Imports litellm (seconds, hundreds of megabytes) and makes it quiet, offline and strict."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.num_retries = 0
    litellm.custom_provider_map = [
        {"provider": "sim", "custom_handler": _handler(litellm, _simulated)},
        {"provider": "recursive", "custom_handler": _handler(litellm, _recursive)},
    ]
    return litellm


async def _simulated(request: ModelRequest) -> tuple[Sample, ...]:
    await asyncio.sleep(sim.parse(request.model.id).latency)
    return sim.samples(request)


async def _recursive(request: ModelRequest) -> tuple[Sample, ...]:
    # Not in a thread: a run is thousands of small steps of NumPy, for which threads would fight over the interpreter.
    return recursive.samples(request)


def _handler(litellm: Any, answer: Callable[[ModelRequest], Awaitable[tuple[Sample, ...]]]) -> Any:
    class InProcess(litellm.CustomLLM):  # type: ignore[misc]
        """Serves a model in this process: the typed request comes, and the samples go, in the call's metadata."""

        async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
            call = kwargs["litellm_params"]["metadata"]
            request: ModelRequest = call["request"]
            call["served"].extend(await answer(request))
            prompt_tokens = call["served"][0].usage.prompt_tokens
            completion_tokens = sum(sample.usage.completion_tokens for sample in call["served"])
            return litellm.ModelResponse(
                model=request.model.id,
                choices=[
                    {"index": place, "finish_reason": sample.finish_reason, "message": {"content": sample.text}}
                    for place, sample in enumerate(call["served"])
                ],
                usage={
                    "prompt_tokens": prompt_tokens,
                    "completion_tokens": completion_tokens,
                    "total_tokens": prompt_tokens + completion_tokens,
                },
            )

    return InProcess()


def _lane_name(model: Model) -> str:
    return model.api_base or model.file or model.provider


def _route(model: Model) -> str:
    """The litellm id. Servers that speak OpenAI's protocol at an address of their own go by `hosted_vllm/`.

    It takes raw prompts, n, grammars and log-probabilities, is faster than `openai/`, and sends no key or organisation
    of its own. (litellm's Ollama route blocks the event loop after each call, to ask the server about the model.)
    """
    if model.api_base and model.provider in catalogue.OPENAI_LIKE:
        return f"hosted_vllm/{model.litellm_id.split('/', 1)[1]}"
    return model.litellm_id
