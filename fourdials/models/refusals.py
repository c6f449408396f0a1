"""What a model cannot do, and what a provider's error means: requests refused beforehand, errors as our own family.

The gateway is the only caller.
"""

from __future__ import annotations

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
from fourdials.models import recursive
from fourdials.models.redaction import redacted
from fourdials.records import Model, ModelRequest

# What litellm says in the message only, then what it says by the class of the error.
_SIGNS: tuple[tuple[str, type[ModelError]], ...] = (
    ("insufficient_quota", RequestRejected),
    ("content_policy_violation", ContentRefused),
    ("Unable to get json response", MalformedReply),
    ("Invalid response object", MalformedReply),
    ("validation error for", MalformedReply),
    ("has no attribute 'model_dump'", MalformedReply),
)
_KINDS: tuple[tuple[str, type[ModelError]], ...] = (
    ("ContextWindowExceededError", ContextTooLong),
    ("ContentPolicyViolationError", ContentRefused),
    ("RateLimitError", RateLimited),
    ("Timeout", Unreachable),
    ("APIConnectionError", Unreachable),
)


def refuse_what_cannot_be(request: ModelRequest) -> None:
    """Raises RequestRejected for what the model is known not to do; nothing is dropped in silence."""
    model, able = request.model, request.model.capabilities
    most = model.samples_per_request if able.get("n") == "yes" else 1
    if not 1 <= request.n <= most:
        raise RequestRejected(f"{model.id} returns at most {most} samples for a request, not {request.n}")
    if request.prompt.stop and able.get("stop") == "no":
        raise RequestRejected(f"{model.id} cannot stop at {request.prompt.stop!r}; choose another model for this task")
    if request.prompt.effort and able.get("effort") != "yes":
        raise RequestRejected(f"{model.id} is not known to have a reasoning setting; choose another model")
    if request.prompt.bias and able.get("logit_bias") != "yes":
        raise RequestRejected(f"{model.id} is not known to take a logit bias; choose a local model")
    if able.get("temperature") == "no" and request.temperature != 1.0:
        raise RequestRejected(f"{model.id} samples at temperature 1 only, not {request.temperature:g}")
    if model.alphabet and (strange := sorted(set(request.prompt.shown) - set(model.alphabet))):
        raise RequestRejected(f"{model.id} cannot read {strange[0]!r}; it knows {model.alphabet} and nothing else")
    if model.litellm_id.startswith("recursive/"):
        recursive.asked(request)
    if request.prompt.format != model.format and model.provider not in ("local", "sim"):
        raise RequestRejected(f"{model.id} takes {model.format} prompts, not {request.prompt.format} ones")


def translated(model: Model, error: Exception) -> ModelError:
    """The error of our family for one of litellm's, its message free of keys."""
    said = " ".join(str(error).split()).split(" Traceback (most recent call last)")[0]
    if "Connection error" in said:
        said = f"{model.api_base or model.provider} could not be reached; is there a network? ({said})"
    message = redacted(f"{model.id}: {said}", model.key_variable)[:1000]
    for sign, kind in _SIGNS:
        if sign in said:
            return kind(message)
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return AuthenticationFailed(message)
    names = [kind.__name__ for kind in type(error).__mro__]
    for name, kind in _KINDS:
        if name in names:
            return kind(message)
    return Unreachable(message) if isinstance(status, int) and status >= 500 else RequestRejected(message)


def retry_after_s(error: Exception) -> float:
    """Seconds the provider asks to wait; 0 if it does not say (or gives a date)."""
    places = [
        getattr(getattr(error, "response", None), "headers", None),
        getattr(error, "litellm_response_headers", None),
    ]
    for headers in places:
        value = (headers or {}).get("retry-after", "")
        if value.replace(".", "", 1).isdigit():
            return float(value)
    return 0.0
