"""What a model can do, found out by small calls: one to see whether it answers, a few for each unknown capability.

Each probe asks for one capability as a run would, through the gateway, and judges by what came back: a refusal is a
no, and where a server might accept a setting and ignore it, only its effect is a yes. The command line runs this and
keeps the result with the person's models; the Models page shows `forecast` first and starts the command line.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from fourdials import prices
from fourdials.errors import InputError, MalformedReply, ModelError, RequestRejected, SetupError
from fourdials.ledger import estimate_tokens
from fourdials.models import catalogue
from fourdials.records import Attempt, Message, Model, ModelRequest, Prompt, Support, Usage

SAMPLES = 4  # llama.cpp serves as many by default, and refuses more
REPLY_TOKENS = 256  # room for a model that reasons first
EFFORT_TOKENS = 1024
CALL_TIMEOUT_S = 60.0
_CHAT_ONLY = ("effort", "prefill")
_WORDS = ("alpha", "beta", "omega")
_ECHO = f"Reply with exactly these three words and nothing else: {' '.join(_WORDS)}"
_INVENT = "Invent a word of twelve letters that means nothing. Reply with the word only."
_ALPHABET = "Write the English alphabet in capital letters, separated by single spaces."
_BEGUN = "A B C D E F G"
_RIDDLE = "How many of the whole numbers from 1 to 60 are divisible by 3 or by 7? Reply with the number only."
_RAW_ECHO = "alpha beta omega\nalpha beta omega\nalpha beta omega\n"
_RAW_INVENT = "Invented words of twelve letters:\n1."

Send = Callable[[ModelRequest, Callable[[Attempt], None]], Awaitable[Attempt]]
Judge = Callable[[Sequence[Attempt]], tuple[Support, str]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a test costs: calls, prompt plus reply tokens, US dollars; None where it is unknown."""

    calls: int
    tokens: int | None
    usd: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One capability after its probe, and what that rests on."""

    feature: str
    support: Support
    why: str


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test found: the first call's reply and seconds, the findings, and what all calls together used.

    `tokens` and `usd` are None where the provider did not report, or no price is known.
    """

    model: str
    reply: str
    seconds: float
    findings: tuple[Finding, ...]
    calls: int
    tokens: int | None
    usd: float | None


def unsettled(model: Model) -> tuple[str, ...]:
    """Capabilities of a model that nobody knows yet, in the order of `catalogue.FEATURES`."""
    return tuple(name for name in catalogue.FEATURES if model.capabilities.get(name) == "unknown")


def forecast(model: Model, features: Sequence[str] = ()) -> Cost:
    """The most that a test of these capabilities may cost: every reply at full length."""
    requests = [_plain(model), *(request for name in features for request in _requests(model, name))]
    usages = [
        Usage(
            prompt_tokens=estimate_tokens(each.prompt.shown, len(each.prompt.messages)),
            completion_tokens=each.n * each.prompt.max_tokens,
        )
        for each in requests
    ]
    tokens = sum((each.prompt_tokens or 0) + (each.completion_tokens or 0) for each in usages)
    paid = [prices.list_price(model.id, each, time.time()) for each in usages]
    return Cost(len(requests), tokens, None if None in paid else sum(each or 0.0 for each in paid))


async def examine(model: Model, features: Sequence[str], send: Send) -> Tested:
    """Calls a model once, then probes each capability.

    Raises ModelError if the first call fails; a probe that fails for a reason of its own leaves its capability unknown.
    """
    if unheard := [name for name in features if name not in catalogue.FEATURES]:
        raise InputError(f"{', '.join(unheard)}: capabilities are {', '.join(catalogue.FEATURES)}")
    done: list[Attempt] = []

    async def one(request: ModelRequest) -> Attempt:
        done.append(await send(request, lambda _: None))
        return done[-1]

    first = await one(_plain(model))
    findings = tuple([await _probe(model, name, one) for name in features])
    counts = [_count(attempt) for attempt in done]
    paid = [attempt.usd_paid for attempt in done]
    return Tested(
        model=model.id,
        reply=first.samples[0].text,
        seconds=first.latency_s,
        findings=findings,
        calls=len(done),
        tokens=None if None in counts else sum(count or 0 for count in counts),
        usd=None if None in paid else sum(each or 0.0 for each in paid),
    )


def keep(model: Model, tested: Tested) -> Model:
    """Stores what was settled with the person's models, dated; the catalogue uses it from then on."""
    settled = {each.feature: each.support for each in tested.findings if each.support != "unknown"}
    if not settled:
        return model
    values: dict[str, Any] = {"id": model.id, "capabilities": settled, "tested": datetime.date.today().isoformat()}
    if settled.get("n") == "yes" and model.samples_per_request == 1:
        values["samples_per_request"] = SAMPLES
    return catalogue.add(values)


def report(model_id: str, *, settle: bool, dry_run: bool = False, as_json: bool = False) -> str:
    """Tests a model, keeps what was settled, and says so, as text or JSON: the work of `models test`.

    With `dry_run` only the forecast is said. Raises InputError for an id that means nothing, SetupError if the model
    cannot be used now, ModelError if its first call fails.
    """
    model = catalogue.resolve(model_id)
    features = unsettled(model) if settle else ()
    if dry_run:
        cost = forecast(model, features)
        return json.dumps(asdict(cost)) if as_json else _told(cost)
    if reason := catalogue.missing(model):
        raise SetupError(f"{model.id}: {reason}")
    tested = asyncio.run(_examined(model, features))
    keep(model, tested)
    if as_json:
        return json.dumps(asdict(tested))
    lines = [f"{model.id} answered in {tested.seconds:.1f} s: {tested.reply[:200]!r}"]
    lines += [f"{each.feature}: {each.support} ({each.why})" for each in tested.findings]
    return "\n".join([*lines, f"used: {_told(Cost(tested.calls, tested.tokens, tested.usd))}"])


def _told(cost: Cost) -> str:
    tokens = "an unknown number of" if cost.tokens is None else cost.tokens
    usd = "dollars unknown" if cost.usd is None else f"${cost.usd:.6f}"
    return f"{cost.calls} calls, {tokens} tokens, {usd}"


async def _examined(model: Model, features: Sequence[str]) -> Tested:
    from fourdials.gateway import Gateway  # only a process that calls models needs it

    gateway = Gateway(prices.load_prices(), timeout_s=CALL_TIMEOUT_S, max_attempts=2)
    try:
        await gateway.open([model])
        return await examine(model, features, gateway.send)
    finally:
        await gateway.close()


async def _probe(model: Model, name: str, one: Callable[[ModelRequest], Awaitable[Attempt]]) -> Finding:
    if model.format == "completion" and name in _CHAT_ONLY:
        return Finding(name, "no", "for chat models only")
    if name == "logit_bias" and not catalogue.knows_tokens(model):
        return Finding(name, "no", "the ids of its tokens are not known")
    try:
        answered = [await one(request) for request in _requests(model, name)]
    except RequestRejected as error:
        return Finding(name, "no", f"refused: {error}")
    except MalformedReply as error:
        return Finding(name, "no" if name == "n" else "unknown", str(error))
    except ModelError as error:
        return Finding(name, "unknown", f"could not be asked: {error}")
    return Finding(name, *_JUDGES[name](answered))


def _count(attempt: Attempt) -> int | None:
    """Tokens of one attempt as the provider counted them; None if it did not."""
    prompt, completion = attempt.raw_usage.get("prompt_tokens"), attempt.raw_usage.get("completion_tokens")
    return None if prompt is None or completion is None else int(prompt) + int(completion)


def _plain(model: Model) -> ModelRequest:
    """The first call: nothing asked for that a model might not have."""
    bare = model if model.provider in ("local", "sim") else replace(model, capabilities=_only())
    return _ask(bare, _prompt(model, _ECHO, _RAW_ECHO))


def _only(*names: str) -> dict[str, Support]:
    return {feature: "yes" if feature in names else "no" for feature in catalogue.FEATURES}


def _ask(model: Model, prompt: Prompt, **changes: Any) -> ModelRequest:
    return ModelRequest(model, prompt, **{"role": "solve", "temperature": 1.0, "seed": 11, **changes})


def _prompt(model: Model, chat: str, raw: str, **changes: Any) -> Prompt:
    if model.format == "chat":
        return Prompt(messages=(Message("user", chat),), **{"max_tokens": REPLY_TOKENS, **changes})
    return Prompt(text=raw, **{"max_tokens": 16, **changes})


def _requests(model: Model, name: str) -> list[ModelRequest]:
    """What is asked to find out about one capability, at most."""
    able = replace(model, capabilities=_only(name), samples_per_request=SAMPLES)
    echo, invent = _prompt(model, _ECHO, _RAW_ECHO), _prompt(model, _INVENT, _RAW_INVENT)
    if name in _CHAT_ONLY and model.format == "completion":
        return []
    if name == "n":
        return [_ask(able, invent, n=SAMPLES)]
    if name == "seed":
        return [_ask(able, invent, seed=seed) for seed in (11, 11, 12)]
    if name == "temperature":
        return [_ask(able, echo, temperature=0.5)]
    if name == "logit_bias":
        return [_ask(able, replace(echo, discouraged=_WORDS, bias=100.0))] if catalogue.knows_tokens(model) else []
    if name == "prefill":
        begun = Prompt(messages=(Message("user", _ALPHABET), Message("assistant", _BEGUN)), max_tokens=REPLY_TOKENS)
        return [_ask(able, begun)]
    if name == "effort":
        return [_ask(able, _prompt(model, _RIDDLE, "", effort="medium", max_tokens=EFFORT_TOKENS))]
    if name == "grammar":
        return [_ask(able, replace(echo, choices=("north", "south")))]
    if name == "stop":  # once without, since a model that never says the word tells nothing
        return [_ask(able, echo), _ask(able, replace(echo, stop=(_WORDS[-1],)))]
    return [_ask(able, echo)]


def _texts(attempts: Sequence[Attempt]) -> list[str]:
    return [sample.text.strip().lower() for attempt in attempts for sample in attempt.samples]


def _taken(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    return "yes", "accepted"


def _several(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    distinct = len(set(_texts(attempts)))
    if distinct == 1:
        return "unknown", f"{SAMPLES} replies came, all the same: they may be copies"
    return "yes", f"{SAMPLES} replies came, {distinct} of them distinct"


def _repeatable(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    first, again, other = _texts(attempts)
    if first != again:
        return "no", "the same seed gave two different replies"
    if first == other:
        return "unknown", "every seed gave the same reply"
    return "yes", "the same seed gave the same reply, another seed another"


def _stopped(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    free, cut = _texts(attempts)
    if _WORDS[-1] in cut:
        return "no", "accepted, but the reply went past the stop"
    if _WORDS[-1] not in free:
        return "unknown", "the model never wrote the word to stop at"
    return "yes", "the reply ended at the stop"


def _weighed(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    if attempts[0].samples[0].logprob is None:
        return "no", "accepted, but none came back"
    return "yes", "came with the reply"


def _reasoned(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    tokens = attempts[0].samples[0].usage.reasoning_tokens
    if not tokens:
        return "unknown", "accepted, but no reasoning was reported"
    return "yes", f"{tokens} reasoning tokens were reported"


def _constrained(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    if _texts(attempts)[0] in ("north", "south"):
        return "yes", "the reply was one of the two allowed"
    return "no", "accepted, but the reply was free"


def _continued(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    text = _texts(attempts)[0]
    if text.startswith("h"):
        return "yes", "the reply went on where its beginning ended"
    return ("no", "the reply began anew") if text.startswith("a") else ("unknown", "the reply shows neither")


def _avoided(attempts: Sequence[Attempt]) -> tuple[Support, str]:
    said = [word for word in _WORDS if word in _texts(attempts)[0]]
    return ("no", "accepted, but without effect") if said else ("yes", "the words told to avoid did not come")


_JUDGES: dict[str, Judge] = {
    "n": _several,
    "grammar": _constrained,
    "logprobs": _weighed,
    "seed": _repeatable,
    "stop": _stopped,
    "temperature": _taken,
    "effort": _reasoned,
    "prefill": _continued,
    "logit_bias": _avoided,
}
