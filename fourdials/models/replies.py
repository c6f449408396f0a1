"""From a provider's response, as litellm hands it over, to samples with honest token counts. Called by the gateway.

Three habits make counting hard: a missing usage block arrives as zeros; llama.cpp's usage counts one of n choices;
other servers give one sum for all of them. What cannot be told is estimated and marked so, or None.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fourdials.errors import MalformedReply
from fourdials.records import ModelRequest, Sample, Usage

CHARACTERS_PER_TOKEN = 4
_MAY_BE_EMPTY = ("length", "content_filter")


@dataclass(frozen=True, slots=True)
class _Choice:
    text: str
    finish_reason: str
    tokens: tuple[str, ...] | None
    logprob: float | None

    @property
    def estimate(self) -> int:
        return math.ceil(len(self.text) / CHARACTERS_PER_TOKEN)

    @property
    def met_stop(self) -> bool:
        """True if a stop string ended it: the server cut its tokens off, where an end token would be listed."""
        return self.finish_reason == "stop" and not (self.tokens and self.tokens[-1] == "")


def raw_usage(response: Any) -> dict[str, Any]:
    """The usage block; empty if the provider sent none (litellm reports that as zeros)."""
    usage = getattr(response, "usage", None)
    block: dict[str, Any] = usage.model_dump(exclude_none=True) if usage is not None else {}
    return {} if not block.get("prompt_tokens") and not block.get("completion_tokens") else block


def samples(request: ModelRequest, response: Any, usage: Mapping[str, Any]) -> tuple[Sample, ...]:
    """The choices of a response in order; `usage` is its raw block. The first sample's usage holds the prompt.

    Raises MalformedReply if there are not as many choices as were asked for, or one has no content.
    """
    found = sorted(getattr(response, "choices", None) or [], key=lambda choice: getattr(choice, "index", 0) or 0)
    if len(found) != request.n:
        raise MalformedReply(f"{request.model.id} returned {len(found)} replies where {request.n} were asked for")
    choices = [_choice(request, choice) for choice in found]
    total = _positive(usage.get("completion_tokens"))
    if total is None and not any(choice.text for choice in choices):
        total = _count(usage.get("completion_tokens"))
    counts, exact = _completions(choices, total, one_choice_counted=request.model.provider == "local")
    reasoning = _count((usage.get("completion_tokens_details") or {}).get("reasoning_tokens"))
    shares = None if reasoning is None else _split(reasoning, counts)
    prompt = _positive(usage.get("prompt_tokens"))
    guessed = prompt is None or not exact or (len(choices) > 1 and bool(reasoning))
    if prompt is None:
        prompt = math.ceil(len(request.prompt.shown) / CHARACTERS_PER_TOKEN)
    cached, written = _cached(usage, prompt)
    return tuple(
        Sample(
            text=choice.text,
            finish_reason=choice.finish_reason,
            usage=Usage(
                prompt_tokens=0 if place else prompt,
                cached_tokens=0 if place else cached,
                cache_write_tokens=0 if place else written,
                completion_tokens=counts[place],
                reasoning_tokens=None if shares is None else shares[place],
                estimated=guessed,
            ),
            tokens=choice.tokens if request.token_texts else None,
            logprob=choice.logprob,
        )
        for place, choice in enumerate(choices)
    )


def _choice(request: ModelRequest, choice: Any) -> _Choice:
    finish = str(getattr(choice, "finish_reason", None) or "stop")
    message = getattr(choice, "message", None)
    text = getattr(choice, "text", None) if message is None else message.content
    refusal = getattr(message, "refusal", None)
    if text is None and refusal:
        text, finish = str(refusal), "content_filter"
    if text is None and finish not in _MAY_BE_EMPTY:
        raise MalformedReply(f"{request.model.id} returned a reply without content (finish reason {finish})")
    tokens, logprob = _tokens(getattr(choice, "logprobs", None))
    return _Choice(text or "", finish, tokens, logprob)


def _tokens(logprobs: Any) -> tuple[tuple[str, ...] | None, float | None]:
    """Texts of the generated tokens and the sum of their log-probabilities, in any of the shapes servers use."""
    content = _get(logprobs, "content")
    if content:
        known = [_get(item, "logprob") for item in content]
        return _texts(content), None if None in known else float(sum(known))
    texts, values = _get(logprobs, "tokens"), _get(logprobs, "token_logprobs")
    if texts and values and None not in values:
        return tuple(texts), float(sum(values))
    return None, None


def _get(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def _texts(content: Sequence[Any]) -> tuple[str, ...]:
    """Token texts that join to the reply: a character spread over several tokens belongs to the one that ends it."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    texts = []
    for item in content:
        raw = _get(item, "bytes")
        texts.append(_get(item, "token") or "" if raw is None else decoder.decode(bytes(raw)))
    return tuple(texts)


def _completions(choices: Sequence[_Choice], total: int | None, one_choice_counted: bool) -> tuple[list[int], bool]:
    """Tokens of each choice, and whether they are exact.

    `total` is what the server says. Where token texts are listed, a server that counted one choice only is seen
    through: its count of the first gives the tokens of the stop string, which are generated but not listed.
    """
    if len(choices) == 1 and total is not None:
        return [total], True
    lengths = [len(choice.tokens) for choice in choices if choice.tokens is not None]
    listed = len(lengths) == len(choices)
    if listed and (one_choice_counted or (total is not None and total < sum(lengths))):
        first = choices[0]
        stop = total - lengths[0] if total is not None and first.met_stop and total >= lengths[0] else 1
        return [
            length + (stop if choice.met_stop else 0) for length, choice in zip(lengths, choices, strict=True)
        ], total is not None
    weights = lengths if listed else [choice.estimate for choice in choices]
    if total is None or one_choice_counted:
        return weights, False
    return _split(total, weights), listed and sum(weights) == total


def _split(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the weights (equal ones if all are 0) that add up to the total."""
    whole = sum(weights)
    shares = [weight / whole if whole else 1 / len(weights) for weight in weights]
    ends = [round(total * sum(shares[: place + 1])) for place in range(len(shares))]
    return [end - (ends[place - 1] if place else 0) for place, end in enumerate(ends)]


def _cached(usage: Mapping[str, Any], prompt: int) -> tuple[int | None, int | None]:
    details = usage.get("prompt_tokens_details") or {}
    read = _count(details.get("cached_tokens", usage.get("cache_read_input_tokens")))
    written = _count(details.get("cache_creation_tokens", usage.get("cache_creation_input_tokens")))
    if read is not None and written is None:
        written = 0  # a provider that reports what it read from a cache charges writes only where it reports them
    return (None, None) if (read or 0) + (written or 0) > prompt else (read, written)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _positive(value: Any) -> int | None:
    return _count(value) or None
