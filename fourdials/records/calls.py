"""Models, and what a call to one is made of: the request, its samples and usage, an attempt, a price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fourdials.records.dialogue import Prompt
from fourdials.records.words import NOTHING, Format, Provenance, Role, Support


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be called: an entry of `data/models.toml`, a local file, or a simulated model.

    Attributes:
        id, label: The name people use, such as `local/smollm2-135m`, and one line that says what it is.
        provider: `local`, `sim`, or the litellm provider.
        litellm_id: The id litellm is called with, without a base URL.
        format: The prompt format tasks render for.
        key_variable: Name of the environment variable that holds its key; None if it needs none.
        api_base, file: Base URL, if not the provider's own; path of the GGUF file of a local model.
        context_tokens, parameters: Longest prompt plus reply, and number of parameters; None if unknown.
        capabilities: Support for `n`, `seed`, `grammar`, `logprobs`, `stop`, `temperature`, …
        prefill_tokens_per_s, decode_tokens_per_s: Calibrated rates behind modelled latency; None if unknown.
        overhead_s: Fixed seconds a call takes in modelled latency.
        concurrency: Most calls in flight at once.
        samples_per_request: Most samples one request may return.
        hidden_tokens: Tokens it may think unseen before a reply; they count against the limit a provider is given, so
            every reply is given so many more.
        requests_per_minute, tokens_per_minute: Provider limits; None if none is set.
        provenance: What figures made with it must say.
        alphabet: The only characters it can read; empty for any.
        tasks: The only tasks it was trained on and is offered for; empty for any.
    """

    id: str
    label: str
    provider: str
    litellm_id: str
    format: Format
    key_variable: str | None = None
    api_base: str | None = None
    file: str | None = None
    context_tokens: int | None = None
    parameters: int | None = None
    capabilities: Mapping[str, Support] = field(default_factory=lambda: NOTHING)
    prefill_tokens_per_s: float | None = None
    decode_tokens_per_s: float | None = None
    overhead_s: float = 0.0
    concurrency: int = 8
    samples_per_request: int = 1
    hidden_tokens: int = 0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    provenance: Provenance = "real"
    alphabet: str = ""
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request to a model, as the engine hands it to the gateway.

    Attributes:
        model, prompt, role: Where it goes, what is shown, why it is made.
        n: Samples wanted in this one request, at most `model.samples_per_request`.
        temperature: Sampling temperature; 0 is greedy.
        seed: Seed of the first sample, derived from the trial; samples of one batch use seed, seed+1, ….
        token_texts: True if the text of each generated token is needed (a thought that will be cut).
        truth: The right reply, given to simulated models only.
    """

    model: Model
    prompt: Prompt
    role: Role
    n: int = 1
    temperature: float = 0.0
    seed: int = 0
    token_texts: bool = False
    truth: str | None = None

    @property
    def reply_tokens(self) -> int:
        """The most tokens a sample may take, those it thinks unseen included."""
        return self.prompt.max_tokens + self.model.hidden_tokens


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one sample; None is unknown. `prompt_tokens` includes cached and cache-write tokens, and
    `completion_tokens` includes reasoning tokens. `estimated` is True if the counts are ours, not the provider's."""

    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One choice of a provider's response. `tokens` are the texts of its tokens, if asked for and given."""

    text: str
    finish_reason: str
    usage: Usage
    tokens: tuple[str, ...] | None = None
    logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt at a request gave: samples, or an error to be journaled.

    Attributes:
        number: 1 for the first attempt.
        started_at: Seconds since the epoch.
        latency_s: Seconds from sending to the last byte.
        queued_s: Seconds spent waiting for a slot, a rate limit or a back-off before sending.
        samples: The choices returned; empty on error.
        raw_usage: The provider's usage block exactly as given.
        error: Type and redacted message if the attempt failed.
        usd_paid: What the provider's usage costs with its cache discounts; None if unknown.
    """

    number: int
    started_at: float
    latency_s: float
    queued_s: float = 0.0
    samples: tuple[Sample, ...] = ()
    raw_usage: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    error: Mapping[str, str] | None = None
    usd_paid: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens of one model from a day on. `source` is where the figure was read."""

    model: str
    valid_from: str
    input_usd: float
    output_usd: float
    cached_usd: float | None = None
    cache_write_usd: float | None = None
    source: str = ""
