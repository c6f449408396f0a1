"""From a model's id to where it is, how it is called and what it can do.

`data/models.toml` names some, and `models.toml` in the home those a person added, with their limits and what test
calls found out. Local GGUF files, simulated models and any other litellm id are understood too. Called by specs, pages
and the command line; never imports litellm.
"""

from __future__ import annotations

import difflib
import importlib.util
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args
from urllib.parse import urlsplit

from fourdials.errors import InputError
from fourdials.models import added, sim, weights
from fourdials.models.gguf import read_gguf
from fourdials.records import Format, Model, Support

MODELS = Path(__file__).resolve().parent.parent.parent / "data" / "models.toml"
FEATURES = ("n", "grammar", "logprobs", "seed", "stop", "temperature", "effort", "prefill", "logit_bias")
UNKNOWN: Mapping[str, Support] = MappingProxyType(dict.fromkeys(FEATURES, "unknown"))
DEFAULT_LOCAL = "local/smollm2-135m"
SLOTS = 16  # choices the local server decodes side by side; more take memory and are no faster on two threads
SLOT_TOKENS = 1536
_OWN_SERVERS = frozenset({"hosted_vllm", "llamafile", "lm_studio", "ollama", "ollama_chat"})
OPENAI_LIKE = _OWN_SERVERS | {"openai"}
_CUSTOM = OPENAI_LIKE | {"anthropic"}
_OLLAMA = "http://localhost:11434/v1"
_CHANGES = frozenset(
    {"format", "label", "context_tokens", "parameters", "prefill_tokens_per_s", "decode_tokens_per_s", "overhead_s"}
    | {"concurrency", "samples_per_request", "hidden_tokens", "requests_per_minute", "tokens_per_minute"}
)
_TAKES_RAW_PROMPTS = frozenset({"hosted_vllm", "text-completion-openai"})
# litellm counts every OpenAI model with one vocabulary; these are the models whose own it is.
_KNOWN_TOKENS = re.compile(r"openai/gpt-(3\.5-turbo|4|4-turbo)(-[a-z0-9-]+)?")
_ID = re.compile(r"[a-z0-9_-]+/\S+")


@cache
def _file() -> tuple[dict[str, str], dict[str, Mapping[str, Any]]]:
    held = tomllib.loads(MODELS.read_text(encoding="utf-8"))
    return held["providers"], {entry["id"]: entry for entry in held["models"]}


@cache
def providers() -> tuple[str, ...]:
    """All providers that litellm knows, those of `data/models.toml` with a key or server of their own first."""
    return (*_file()[0], *tomllib.loads(MODELS.read_text(encoding="utf-8"))["further_providers"])


def catalogue() -> dict[str, Model]:
    """The models of `data/models.toml`, then the person's own, by id in the order of the files.

    Those that cannot be resolved are left out; `troubles` says why.
    """
    return _resolved()[0]


def troubles() -> list[str]:
    """What is wrong with the person's own file or one of its entries, one message each; empty if nothing is."""
    return _resolved()[1]


def _resolved() -> tuple[dict[str, Model], list[str]]:
    try:
        ids = dict.fromkeys((*_file()[1], *added.held().models))
    except InputError:
        ids = dict.fromkeys(_file()[1])  # each hosted one is refused below, with that reason
    found: dict[str, Model] = {}
    reasons: dict[str, None] = {}
    for model_id in ids:
        try:
            found[model_id] = resolve(model_id)
        except InputError as error:
            reasons[str(error)] = None
    return found, list(reasons)


def resolve(model_id: str) -> Model:
    """The model an id means.

    An id is one of the catalogue, `local:/path/to/file.gguf`, `sim/` with parameters, or a litellm id
    `provider/model`, whose capabilities are then unknown. Raises InputError for anything else, and for all but the
    default local model and simulated ones if the person's own file cannot be used: it may say where they are.
    """
    model = _named(model_id)
    return model if model.provider == "sim" or model.id == DEFAULT_LOCAL else _configured(model, added.held())


def lane(model: Model) -> str:
    """What shares a provider's limits with this model: its address, or its provider."""
    return model.api_base or model.provider


def in_process(model: Model) -> bool:
    """True if the worker itself answers for it: simulated models, and recursive nets, which no server knows."""
    return model.litellm_id.split("/", 1)[0] in ("sim", "recursive")


def default_keys() -> dict[str, str]:
    """The environment variable that holds each known provider's key."""
    return {provider: variable for provider, variable in _file()[0].items() if variable}


def add(values: Mapping[str, Any]) -> Model:
    """Adds a model to the person's own, or changes the fields of one. Returns it as it is from now on.

    Args:
        values: The `id` and any other field of `added.Entry`; None takes a field away.

    Raises:
        InputError: No such model can be; nothing is changed then.
    """
    model_id = str(values.get("id", ""))
    model, before = _named(model_id), added.held().models.get(model_id)
    if model.provider == "sim" or model.id == DEFAULT_LOCAL:
        raise InputError(f"{model.id} is always there and needs no entry")
    merged = {**(before.model_dump(exclude_unset=True) if before else {}), **values}
    entry = added.entry({name: value for name, value in merged.items() if value is not None})
    _configured(model, added.Held({entry.id: entry}, {}))
    added.put(values)
    return resolve(entry.id)


def _configured(model: Model, held: added.Held) -> Model:
    """A model as the person's own entry for it and the limits of its lane say."""
    entry = held.models.get(model.id)
    if entry is not None:
        if entry.litellm_id:
            if entry.litellm_id.split("/", 1)[0] != model.id.split("/", 1)[0]:
                raise InputError(f"{model.id}: its litellm_id {entry.litellm_id} names another provider")
            model = replace(model, litellm_id=entry.litellm_id)
        model = customise(model, **entry.changes)
    rates = held.limits.get(lane(model))
    if rates is None or model.provider == "local":
        return model
    own_rates = entry.model_fields_set if entry else ()
    stated = rates.model_dump(exclude_none=True).items()
    return replace(model, **{name: value for name, value in stated if name not in own_rates})


def _named(model_id: str) -> Model:
    keys, entries = _file()
    if model_id.startswith("sim/"):
        return sim.model(model_id)
    if model_id.startswith("local:"):
        return _local_file(model_id)
    if model_id in entries:
        return _entry(keys, dict(entries[model_id]))
    if model_id.startswith("local/") or not _ID.fullmatch(model_id):
        raise InputError(
            f"no model is called {model_id!r}; there are: {', '.join(entries)}, any litellm id (provider/model), "
            "a file (local:/path/to/file.gguf) and simulated models (sim/solve=0.6)"
        )
    provider = model_id.split("/", 1)[0]
    if provider not in providers():
        near = difflib.get_close_matches(provider, providers(), n=3, cutoff=0.75)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise InputError(
            f"no model is called {model_id!r}, and litellm knows no provider {provider!r}{hint}; before the / goes one "
            f"of {', '.join(keys)}, or another that litellm's documentation names. A server of your own that speaks "
            "OpenAI's protocol is openai/… with an api_base"
        )
    return _entry(keys, {"id": model_id, "label": model_id, "format": "chat", "capabilities": UNKNOWN})


def _entry(keys: Mapping[str, str], entry: dict[str, Any]) -> Model:
    provider = entry.setdefault("provider", entry["id"].split("/", 1)[0])
    entry.setdefault("litellm_id", entry["id"])
    entry["capabilities"] = MappingProxyType({**UNKNOWN, **entry["capabilities"]})
    entry["tasks"] = tuple(entry.get("tasks", ()))
    if provider == "local":
        shipped = entry.pop("file", None)
        return Model(**entry, file=str(MODELS.parent / shipped if shipped else weights.path()))
    if provider in ("ollama", "ollama_chat"):
        entry["api_base"] = _OLLAMA
    # litellm's own convention serves for providers the file does not name
    return Model(**entry, key_variable=keys.get(provider, f"{provider.upper().replace('-', '_')}_API_KEY") or None)


def _local_file(model_id: str) -> Model:
    path = Path(model_id.removeprefix("local:")).expanduser()
    header = read_gguf(path)
    return Model(
        id=model_id,
        label=f"{header.name} ({header.parameters / 1e6:.0f} M parameters), on this machine",
        provider="local",
        litellm_id=f"hosted_vllm/{path.stem}",
        format="chat" if header.chat else "completion",
        file=str(path.resolve()),
        context_tokens=min(SLOT_TOKENS, header.context_tokens or SLOT_TOKENS),
        parameters=header.parameters or None,
        capabilities=MappingProxyType(dict.fromkeys(FEATURES, "yes")),
        concurrency=SLOTS,
        samples_per_request=SLOTS,
    )


def customise(
    model: Model,
    *,
    api_base: str | None = None,
    key_variable: str | None = None,
    capabilities: Mapping[str, str] | None = None,
    **changes: Any,
) -> Model:
    """A model with the changes of a spec's `[models."id"]` table.

    With a base URL of its own a model uses the key variable named beside it and no other, so that a provider's key is
    never sent to somebody else's address. `changes` are fields of `Model`.

    Raises:
        InputError: A change that does not exist or is not allowed.
    """
    mistakes = [f"{name} cannot be changed" for name in changes if name not in _CHANGES]
    if changes.get("format", "chat") not in get_args(Format):
        mistakes.append("format must be chat or completion")
    unknown = [name for name in capabilities or {} if name not in FEATURES]
    if unknown:
        mistakes.append(f"{', '.join(unknown)}: capabilities are {', '.join(FEATURES)}")
    unclear = [name for name, has in (capabilities or {}).items() if has not in get_args(Support)]
    if unclear:
        mistakes.append(f"{', '.join(unclear)}: must be yes, no or unknown")
    if api_base is not None:
        mistakes += _address_mistakes(model, api_base, key_variable)
    elif (key_variable is not None or "format" in changes) and model.provider in ("local", "sim"):
        mistakes.append(f"a {model.provider} model has no key and a format of its own")
    speaks_raw = model.provider in _TAKES_RAW_PROMPTS or (model.provider == "openai" and api_base is not None)
    if changes.get("format") == "completion" and not speaks_raw:
        mistakes.append(
            "format: raw prompts go to openai/… or hosted_vllm/… with an api_base, or text-completion-openai/…"
        )
    if (capabilities or {}).get("logit_bias") == "yes" and not knows_tokens(replace(model, api_base=api_base)):
        mistakes.append(
            "logit_bias: the ids of its tokens are not known; they are for local models and for OpenAI's gpt-4, "
            "gpt-4-turbo and gpt-3.5-turbo"
        )
    if mistakes:
        raise InputError(f"{model.id}: {'; '.join(mistakes)}")
    if api_base is not None:
        address = api_base.rstrip("/")
        rates = added.held().limits.get(address, added.Rates()).model_dump(exclude_none=True)
        provider_s = dict.fromkeys(("requests_per_minute", "tokens_per_minute"))  # not this address's
        changes = {**provider_s, **rates, **changes, "api_base": address, "key_variable": key_variable}
    elif key_variable is not None:
        changes["key_variable"] = key_variable
    if capabilities:
        changes["capabilities"] = MappingProxyType({**model.capabilities, **capabilities})
    return replace(model, **changes)


def _address_mistakes(model: Model, api_base: str, key_variable: str | None) -> list[str]:
    if model.provider not in _CUSTOM:
        return [
            f"{model.provider} models cannot be sent to an address of their own; "
            f"call it openai/… if {api_base} speaks that protocol (allowed: {', '.join(sorted(_CUSTOM))})"
        ]
    try:
        parts = urlsplit(api_base)
        whole = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
        if parts.username or parts.password:
            return ["api_base must not hold a user name or password; name a key_variable instead"]
    except ValueError:
        whole = False
    if not whole:
        return [f"api_base {api_base!r} is no address; give one such as http://localhost:8000/v1"]
    if key_variable and key_variable in {model.key_variable, *default_keys().values()}:
        return [f"{key_variable} belongs to a provider; name a variable of its own for the key of {api_base}"]
    if key_variable and parts.scheme == "http" and not is_loopback(api_base):
        return [f"a key would go to {api_base} unencrypted; use https"]
    return []


def knows_tokens(model: Model) -> bool:
    """True if words can be turned into ids of the model's own tokens."""
    return model.provider == "local" or (model.api_base is None and bool(_KNOWN_TOKENS.fullmatch(model.id)))


def is_loopback(address: str) -> bool:
    """True if a URL points to this machine."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def missing(model: Model) -> str | None:
    """What keeps a model from being used now (weights, a library, a key, an address); None if nothing does."""
    if model.provider == "sim":
        return None
    if model.provider == "local":
        return _missing_locally(model)
    key = os.environ.get(model.key_variable) if model.key_variable else None
    if model.key_variable and not key:
        return f"set the environment variable {model.key_variable} to a key for {model.api_base or model.provider}"
    if key and not re.fullmatch(r"[!-~]+", key):
        return f"set {model.key_variable} again: it holds a space, a line break or a letter that no key has"
    if model.provider in _OWN_SERVERS and model.api_base is None:
        return f'name its address: on the Models page, or api_base under [models."{model.id}"] in the experiment'
    return None


def _missing_locally(model: Model) -> str | None:
    if not in_process(model) and importlib.util.find_spec("xllamacpp") is None:
        return "install the requirements again: the library xllamacpp is missing"
    if model.id == DEFAULT_LOCAL:
        return None if weights.present() else "fetch its weights: python -m fourdials.models.weights"
    return None if model.file and Path(model.file).is_file() else f"the file {model.file} is gone"
