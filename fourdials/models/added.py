"""The models a person added and the limits they set, in `models.toml` of the home: its shape, and changes to it.

The catalogue reads it on top of the models that come along, checks what an entry means, and is the only caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fourdials import settings
from fourdials.errors import InputError

FILE = "models.toml"
_Positive = Annotated[int, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rates(_Table):
    """What one provider or address allows: `[limits.NAME]`."""

    concurrency: _Positive | None = None
    requests_per_minute: _Positive | None = None
    tokens_per_minute: _Positive | None = None


class Endpoint(Rates):
    """Changes to one model: where it is served, which key that address may use, what it can do."""

    api_base: str | None = None
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    format: Annotated[str, Field(pattern="^(chat|completion)$")] | None = None
    context_tokens: _Positive | None = None
    parameters: _Positive | None = None
    prefill_tokens_per_s: Annotated[float, Field(gt=0)] | None = None
    decode_tokens_per_s: Annotated[float, Field(gt=0)] | None = None
    samples_per_request: Annotated[int, Field(gt=0, le=128)] | None = None
    hidden_tokens: Annotated[int, Field(ge=0, le=200_000)] | None = None
    capabilities: dict[str, Annotated[str, Field(pattern="^(yes|no|unknown)$")]] = {}


class Entry(Endpoint):
    """One `[[models]]` of the file. `tested` is the day its capabilities were settled by calls."""

    id: Annotated[str, Field(min_length=3, max_length=300)]
    litellm_id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+/\S+$")] | None = None
    label: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    tested: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """What it says of the model, as `catalogue.customise` takes it."""
        return self.model_dump(exclude_none=True, exclude={"id", "litellm_id", "tested"})


class _File(_Table):
    models: list[Entry] = []
    limits: dict[str, Rates] = {}


@dataclass(frozen=True, slots=True)
class Held:
    """The file's content: entries by id, limits by provider or address."""

    models: Mapping[str, Entry]
    limits: Mapping[str, Rates]


def held() -> Held:
    """What the file holds now. Raises InputError, naming the place, if it cannot be used."""
    return _checked(settings.read(FILE))


def _checked(data: Mapping[str, Any]) -> Held:
    try:
        found = _File.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{settings.path(FILE)}: {place} is {first['input']!r}: {first['msg'].lower()}; "
            "correct the file, or move it away to go on without it"
        ) from None
    ids = [entry.id for entry in found.models]
    if twice := next((each for each in ids if ids.count(each) > 1), None):
        raise InputError(f"{settings.path(FILE)} has {twice!r} twice; keep one of them")
    return Held(dict(zip(ids, found.models, strict=True)), found.limits)


def entry(values: Mapping[str, Any]) -> Entry:
    """One entry from its fields. Raises InputError that names the field that is wrong."""
    try:
        return Entry.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{place}: got {first['input']!r}; {first['msg'].lower()}") from None


def put(values: Mapping[str, Any]) -> None:
    """Adds an entry, or changes the fields given of the one with its `id`; None takes a field away."""
    import tomlkit

    with settings.changing(FILE, _checked) as document:
        tables = document.setdefault("models", tomlkit.aot())
        entry = next((each for each in tables if each.get("id") == values["id"]), None)
        if entry is None:
            tables.append(tomlkit.table())
            entry = tables[-1]
        for name, value in values.items():
            if isinstance(value, Mapping):
                inline = tomlkit.inline_table()
                inline.update({**entry.get(name, {}), **value})
                entry[name] = inline
            elif value is not None:
                entry[name] = value
            else:
                entry.pop(name, None)


def drop(model_id: str) -> None:
    """Takes an entry away. Raises InputError if there is none."""
    with settings.changing(FILE, _checked) as document:
        tables = document.get("models", [])
        place = next((i for i, each in enumerate(tables) if each.get("id") == model_id), None)
        if place is None:
            raise InputError(f"{settings.path(FILE)} has no entry {model_id!r}")
        del tables[place]


def limit(name: str, rates: Mapping[str, int | None]) -> None:
    """Sets the limits of a provider or address; without any number its table goes."""
    kept = {key: value for key, value in rates.items() if value is not None}
    with settings.changing(FILE, _checked) as document:
        tables = document.setdefault("limits", {})
        tables.pop(name, None)
        if kept:
            tables[name] = kept
