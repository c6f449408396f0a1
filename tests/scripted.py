"""A stand-in for the gateway that plays from a script, and small experiments to play in. No network, no litellm."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fourdials import plan, plugins
from fourdials.charges import Row
from fourdials.errors import ModelError
from fourdials.journal import History, Journal, journals, lines
from fourdials.records import Arm, Attempt, Experiment, Limits, Model, ModelRequest, Sample, TaskChoice, Usage
from fourdials.run import Job, prepare, run

CAPABLE = {
    "n": "yes",
    "seed": "yes",
    "grammar": "yes",
    "logprobs": "yes",
    "stop": "yes",
    "temperature": "yes",
    "effort": "yes",
}


def model(format: str = "completion", samples: int = 4) -> Model:
    """A model whose replies the script decides; it is given the truth, as simulated ones are."""
    return Model(
        id=f"sim/scripted-{format}",
        label="scripted",
        provider="sim",
        litellm_id="sim/scripted",
        format=format,
        capabilities=CAPABLE,
        prefill_tokens_per_s=1000.0,
        decode_tokens_per_s=100.0,
        samples_per_request=samples,
        provenance="simulated",
    )


class Script:
    """Sends nothing; replies with the truth, or a wrong choice, as the request's seed decides.

    Attributes:
        requests: Everything that was asked.
        fail: Called before each reply; may raise a ModelError (recorded as a failed attempt first).
    """

    def __init__(self, right: float = 0.7, fail: Callable[[ModelRequest], None] | None = None, delay: float = 0.0):
        self.right, self.fail, self.delay = right, fail, delay
        self.requests: list[ModelRequest] = []

    async def send(self, request: ModelRequest, record: Callable[[Attempt], None]) -> Attempt:
        await asyncio.sleep(self.delay)
        self.requests.append(request)
        started = time.time()
        if self.fail is not None:
            try:
                self.fail(request)
            except ModelError as error:
                record(Attempt(1, started, 0.1, error={"type": type(error).__name__, "message": str(error)}))
                raise
        samples = tuple(self._sample(request, i) for i in range(request.n))
        return Attempt(1, started, 0.5, samples=samples, raw_usage={"prompt_tokens": 10})

    def _sample(self, request: ModelRequest, i: int) -> Sample:
        rng = random.Random(f"{request.seed + i}" if request.temperature else request.prompt.shown)
        prompt = request.prompt
        wrong = [choice for choice in prompt.choices if choice != request.truth] or ["nonsense"]
        text = request.truth if request.truth is not None and rng.random() < self.right else rng.choice(wrong)
        if prompt.mark:
            text = f"one two three four\n{prompt.mark} {text}"
        tokens = tuple(f"{word} " for word in text.split(" "))
        kept = tokens[: prompt.max_tokens]
        finish = "length" if len(tokens) > len(kept) else "stop"
        usage = Usage(len(prompt.shown) // 4, 0, 0, len(kept), 0)
        return Sample("".join(kept).rstrip(" "), finish, usage, kept if request.token_texts else None, -1.0)


def experiment(arms: list[Arm], *, task: str = "wikiworld", problems: int = 3, params=None, **settings) -> Experiment:
    """An experiment on the scripted models the arms name."""
    module = plugins.tasks()[task]
    known = {m.id: m for m in (model("chat"), model("completion"), settings.pop("model", model()))}
    return Experiment(
        name=settings.pop("name", "scripted"),
        seed=settings.pop("seed", 11),
        tasks=(TaskChoice(task, module.Params(**(params or {})).model_dump(mode="json"), problems),),
        arms=tuple(arms),
        models={name: known[name] for arm in arms for name in arm.lineup.values()},
        spec={"name": "scripted"},
        **settings,
    )


def arm(strategy: str, format: str = "completion", levels=None, knobs=None, **changes) -> Arm:
    """An arm of a strategy with its default levels."""
    found = plugins.strategies()[strategy]
    lineup = dict.fromkeys(found.parts, f"sim/scripted-{format}")
    validated = found.Knobs(**(knobs or {})).model_dump()
    made = Arm(strategy, strategy, found.dial, found.nested, levels or found.levels, validated, lineup, found.access)
    return replace(made, **changes)


def play(folder: Path, what: Experiment, script: Script, *, stop_after: int | None = None, **settings) -> str:
    """Runs (or resumes) an experiment into a folder; `stop_after` stops it once so many trials have ended."""

    async def go() -> str:
        with Journal(folder) as journal:
            ended = 0

            def tell(kind: str, fields: Row) -> None:
                nonlocal ended
                ended += kind == "trial"
                if stop_after is not None and ended >= stop_after:
                    job.stop.set()

            job = Job(what, "run", script, journal, history, tell=tell, **settings)
            return await run(job, prepare(job))

    history = History(folder if folder.exists() else None)
    return asyncio.run(go())


def journaled(folder: Path, kind: str) -> list[Row]:
    """All lines of a kind; rows of `calls` one by one."""
    found = [line for path in journals(folder) for line in lines(path) if line["k"] == kind]
    return [row for line in found for row in line["rows"]] if kind == "calls" else found


def capped(**limits: float) -> Limits:
    """A budget."""
    return Limits(**limits)


def first_trial(what: Experiment):
    """The first trial of the plan."""
    return next(plan.trials(what, "run", plan.blocks(what, plan.problems(what))))


class Lines:
    """Sends nothing; answers the n-th sample that is asked for with the n-th text, the last one from then on.

    Attributes:
        requests: Everything that was asked.
    """

    def __init__(self, *texts: str | Sample, by_role: dict[str, list[str | Sample]] | None = None):
        self.requests: list[ModelRequest] = []
        self._texts, self._by_role = list(texts), by_role or {}

    async def send(self, request: ModelRequest, record: Callable[[Attempt], None]) -> Attempt:
        self.requests.append(request)
        samples = tuple(self._sample(request) for _ in range(request.n))
        return Attempt(1, time.time(), 0.5, samples=samples, raw_usage={"prompt_tokens": 10})

    def _sample(self, request: ModelRequest) -> Sample:
        left = self._by_role.get(request.role, self._texts)
        text = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(text, Sample):
            return text
        tokens = tuple(f"{word} " for word in text.split(" "))
        kept = tokens[: request.prompt.max_tokens]
        whole = len(kept) == len(tokens)
        usage = Usage(len(request.prompt.shown) // 4, 0, 0, len(kept), 0)
        texts = kept if request.token_texts else None
        return Sample("".join(kept).rstrip(" "), "stop" if whole else "length", usage, texts, -1.0)
