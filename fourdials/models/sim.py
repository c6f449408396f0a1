"""Simulated models: their parameters stand in their id, their replies follow from the request's seed.

`sim/solve=0.6,step=0.95,tokens=40` answers right with the stated probability for the role of the request, and with a
uniformly random wrong answer otherwise. Samples of one prompt are independent votes given that prompt's own rate, so
what strategies make of them has a closed form (`fourdials.theory`), and tests hold the engine against it. The gateway
serves them as a litellm provider and hands them the typed request; no real model ever sees `truth`. Read by the
catalogue too, which turns an id into a model.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from fourdials.errors import InputError
from fourdials.grading import normal
from fourdials.records import Format, Model, ModelRequest, Prompt, Role, Sample, Usage

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
PREFILL_TOKENS_PER_S = 5000.0
DECODE_TOKENS_PER_S = 50.0
_WORDS = ("so", "then", "we", "look", "at", "the", "next", "one", "and", "go", "on", "from", "there", "to", "see")


@dataclass(frozen=True, slots=True)
class Simulated:
    """Parameters of a simulated model.

    Attributes:
        solve … grade: Probability of the right reply in each role; a role without a value of its own draws at the rate
            of `solve` (a revision is then a fresh attempt).
        spread: How unlike prompts are, in [0, 1): a prompt's own probability is drawn once from a Beta distribution
            with the stated mean p and variance spread × p(1 − p), which is also the correlation between its samples.
        wrongs: Distinct wrong answers where the prompt lists no choices.
        same: Share of wrong replies that give the prompt's own favourite wrong answer; at 1 there are two answers only,
            which is what the closed forms of voting assume.
        rambles: Share of wrong replies that go on without an answer until they are cut off, for red flags to find.
        tokens: Length of a thought, its answer included.
        latency: Seconds a reply takes.
        format: Prompt format.
    """

    solve: float = 0.6
    step: float = 0.95
    revise: float | None = None
    verify: float = 0.8
    judge: float | None = None
    plan: float | None = None
    query: float = 0.95
    act: float = 0.9
    synthesise: float | None = None
    route: float | None = None
    grade: float | None = None
    spread: float = 0.0
    wrongs: int = 4
    same: float = 0.0
    rambles: float = 0.0
    tokens: int = 40
    latency: float = 0.0
    format: Format = "chat"

    def rate(self, role: Role) -> float:
        """Probability of the right reply in a role."""
        value: float | None = getattr(self, role)
        return self.solve if value is None else value


def parse(model_id: str) -> Simulated:
    """Reads the parameters out of an id. Raises InputError that names every mistake."""
    text = model_id.removeprefix("sim/")
    known = [field.name for field in fields(Simulated)]
    found: dict[str, Any] = {}
    mistakes = []
    for entry in text.split(",") if text != "default" else []:
        name, equals, value = (part.strip() for part in entry.partition("="))
        if not equals or name not in known:
            mistakes.append(f"{entry!r} is none of {', '.join(f'{each}=…' for each in known)}")
        elif name in found:
            mistakes.append(f"{name} is given twice")
        elif (read := _read(name, value)) is None:
            mistakes.append(f"{name}={value}: {_allowed(name)}")
        else:
            found[name] = read
    if mistakes:
        raise InputError(f"{model_id!r} is not a simulated model: {'; '.join(mistakes)}")
    return replace(Simulated(), **found)


def _allowed(name: str) -> str:
    if name == "format":
        return "must be chat or completion"
    if name in ("wrongs", "tokens"):
        return "must be a whole number from 1 on"
    return {"latency": "must be seconds from 0 to 600", "spread": "must be at least 0 and less than 1"}.get(
        name, "must be a probability from 0 to 1"
    )


def _read(name: str, value: str) -> Any:
    if name == "format":
        return value if value in get_args(Format) else None
    if name in ("wrongs", "tokens"):
        return int(value) if value.isdecimal() and int(value) >= 1 else None
    try:
        number = float(value)
    except ValueError:
        return None
    highest = 600.0 if name == "latency" else 1.0
    fits = 0.0 <= number <= highest and not (name == "spread" and number == 1.0)
    return number if fits else None


def model(model_id: str) -> Model:
    """The catalogue entry of a simulated model. Raises InputError if the id has mistakes."""
    stated = parse(model_id)
    return Model(
        id=model_id,
        label=f"simulated ({model_id.removeprefix('sim/')})",
        provider="sim",
        litellm_id=model_id,
        format=stated.format,
        capabilities={
            **dict.fromkeys(("n", "grammar", "logprobs", "seed", "stop", "temperature", "logit_bias"), "yes"),
            **dict.fromkeys(("effort", "prefill"), "no"),
        },
        prefill_tokens_per_s=PREFILL_TOKENS_PER_S,
        decode_tokens_per_s=DECODE_TOKENS_PER_S,
        concurrency=64,
        samples_per_request=64,
        provenance="simulated",
    )


def samples(request: ModelRequest) -> tuple[Sample, ...]:
    """The replies to a request; the same request gives the same replies, at temperature 0 whatever the seed.

    The first sample's usage holds the prompt, the others' none of it.
    """
    stated = parse(request.model.id)
    prompt_tokens = _prompt_tokens(request.prompt)
    return tuple(_sample(stated, request, place, prompt_tokens) for place in range(request.n))


def _prompt_tokens(prompt: Prompt) -> int:
    return math.ceil(len(prompt.shown) / CHARACTERS_PER_TOKEN) + TOKENS_PER_MESSAGE * len(prompt.messages)


def _sample(stated: Simulated, request: ModelRequest, place: int, prompt_tokens: int) -> Sample:
    prompt = request.prompt
    asked = f"{request.model.id}|{request.role}|{prompt.key}|{prompt.shown}"
    rng = random.Random(f"{asked}|{request.seed + place}" if request.temperature else asked)
    wrong = _wrong(stated, prompt, request.truth)
    # What is right may not be among the choices (an end while only looking around is asked for): then none of them is.
    rate = 0.0 if wrong and 1 < len(wrong) == len(prompt.choices) else _own_rate(stated, request.role, asked)
    right = request.truth is not None and (rng.random() < rate or not wrong)
    answer = request.truth if right and request.truth is not None else _pick(stated, wrong or ("nothing",), asked, rng)
    if not right and stated.rambles and rng.random() < stated.rambles:
        tokens: Sequence[str] = [f"{rng.choice(_WORDS)} " for _ in range(prompt.max_tokens + 1)]
    else:
        tokens = _tokens(stated, prompt, answer, rng)
    kept = tokens[: prompt.max_tokens]
    text = "".join(kept)
    chance = rate if right else (1 - rate) * _share(stated, wrong, answer, asked)
    return Sample(
        text=text if len(kept) < len(tokens) else text.rstrip(" "),
        finish_reason="length" if len(kept) < len(tokens) else "stop",
        usage=Usage(0 if place else prompt_tokens, 0, 0, len(kept), 0),
        tokens=tuple(kept),
        logprob=math.log(max(chance, 1e-9)),
    )


def _own_rate(stated: Simulated, role: Role, asked: str) -> float:
    mean = stated.rate(role)
    if not stated.spread or mean in (0.0, 1.0):
        return mean
    size = (1 - stated.spread) / stated.spread
    return random.Random(f"rate|{asked}").betavariate(mean * size, (1 - mean) * size)


def _favourite(wrong: Sequence[str], asked: str) -> str:
    return random.Random(f"favourite|{asked}").choice(wrong)


def _pick(stated: Simulated, wrong: Sequence[str], asked: str, rng: random.Random) -> str:
    """A wrong answer: the prompt's favourite in a share `same` of cases, else any."""
    return _favourite(wrong, asked) if stated.same and rng.random() < stated.same else rng.choice(wrong)


def _share(stated: Simulated, wrong: Sequence[str], answer: str, asked: str) -> float:
    """How likely a wrong reply is to give this answer."""
    favoured = bool(stated.same) and answer == _favourite(wrong or ("nothing",), asked)
    return (1 - stated.same) / max(1, len(wrong)) + stated.same * favoured


def _wrong(stated: Simulated, prompt: Prompt, truth: str | None) -> tuple[str, ...]:
    if prompt.choices:
        return tuple(choice for choice in prompt.choices if truth is None or normal(choice) != normal(truth))
    if truth is not None:
        try:
            value = float(truth.replace(",", ""))
        except ValueError:
            return tuple(f"wrong {number}" for number in range(1, stated.wrongs + 1))
        return tuple(f"{value + number:.12g}" for number in range(1, stated.wrongs + 1))
    kind = "{}" if prompt.reads == "number" else "guess {}"
    return tuple(kind.format(number) for number in range(1, stated.wrongs + 1))


def _tokens(stated: Simulated, prompt: Prompt, answer: str, rng: random.Random) -> Sequence[str]:
    """Token texts of a reply: the answer alone, or a thought that ends with the mark and the answer.

    A thought stands only where there is room for one: the prompt has a mark, or reads nothing, and lists no choices.
    Words that are made less likely, by however much, are not in it.
    """
    ending = [f"{word} " for word in (f"{prompt.mark} {answer}" if prompt.mark else answer).split(" ") if word]
    if prompt.choices or not (prompt.mark or prompt.reads == "nothing"):
        return ending
    break_line = "\n" if "\n" not in prompt.stop else ""
    words = tuple(word for word in _WORDS if word not in prompt.discouraged or not prompt.bias) or _WORDS
    thought = [f"{rng.choice(words)} " for _ in range(stated.tokens - len(ending))]
    if thought and break_line:
        thought[-1] = thought[-1].rstrip(" ") + break_line
    return [*thought, *ending]
