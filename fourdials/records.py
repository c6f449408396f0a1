"""The data that flows through Four Dials, as frozen records.

Problems and prompts come from tasks, replies and checkpoints pass between strategies and the engine, and arms, trials
and budgets describe an experiment. Everything here is plain data without behaviour beyond small derived properties;
every other module imports from this one, and it imports none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Format = Literal["chat", "completion"]
Access = Literal["given", "search", "environment"]
Dial = Literal["parallel", "sequential", "search", "interaction", "hybrid"]
Role = Literal["solve", "step", "revise", "verify", "judge", "plan", "query", "act", "synthesise", "route", "grade"]
Outcome = Literal["correct", "wrong", "unparsed", "truncated", "refused", "unanswered", "infra_error", "grader_error"]
StopReason = Literal["finished", "max_level", "capped", "error", "stopped", "diverged"]
Provenance = Literal["real", "scale model", "simulated", "recorded"]
Reads = Literal["choice", "number", "text", "block", "nothing"]
Support = Literal["yes", "no", "unknown"]

DIALS: tuple[Dial, ...] = ("parallel", "sequential", "search", "interaction", "hybrid")
EXCLUDED_OUTCOMES: tuple[Outcome, ...] = ("infra_error", "grader_error")
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is shown, and how its reply is read.

    Exactly one of `messages` (chat format) and `text` (completion format) is filled.

    Attributes:
        messages: The chat turns.
        text: The raw text a completion model continues.
        choices: If not empty, the only replies allowed. A route with grammars enforces them; elsewhere the prompt lists
            them and the reply is matched against them.
        stop: Strings that end the reply; they are not part of it.
        max_tokens: The most tokens the reply may take.
        reads: How the answer is read off the reply (see `grading.extract`); `nothing` for free text.
        mark: If not empty, the answer is what follows the last occurrence of this text in the reply.
        key: A stable label of what is being asked (`answer`, or a state such as `hop:2:Ann`). Simulated models look the
            right reply up by it in `Problem.truths`; real ones never see it.
        effort: The provider's setting for how long to reason: `low`, `medium`, `high`, or a number of thinking tokens;
            empty to leave it alone.
    """

    messages: tuple[Message, ...] = ()
    text: str = ""
    choices: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    max_tokens: int = 256
    reads: Reads = "nothing"
    mark: str = ""
    key: str = "answer"
    effort: str = ""

    @property
    def format(self) -> Format:
        """`chat` if the prompt has messages, else `completion`."""
        return "chat" if self.messages else "completion"

    @property
    def shown(self) -> str:
        """Everything the model is shown, as one text."""
        return self.text or "\n".join(message.content for message in self.messages)


@dataclass(frozen=True, slots=True)
class Problem:
    """One instance of a task, with what strategies must never see.

    Attributes:
        task: Name of the task it belongs to.
        problem_id: Stable within the task, its parameters and seed.
        cluster_id: Problems that share a world or context share this; intervals resample clusters.
        difficulty: Orders the problems of one task; larger is harder.
        text: The question as a person reads it.
        reference: The right answer. Only grading, oracles and simulated models read it.
        data: What the task needs to render the question; public.
        world: What the search tool or environment holds; reachable by a strategy only through `ask`.
        truths: The right reply for each `Prompt.key` that has one; read by simulated models and oracles only.
    """

    task: str
    problem_id: str
    cluster_id: str
    difficulty: float
    text: str
    reference: Any
    data: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    world: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    truths: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Grade:
    """What a task's grader says of one answer: a score in [0, 1], its outcome, and evidence for the curious."""

    score: float
    outcome: Outcome
    evidence: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Observation:
    """What an environment shows after an action.

    Attributes:
        text: What is seen.
        actions, done: The actions open now; none once nothing more can be done.
        answer: The answer given, if the environment takes answers as actions, or the answer a walker who stopped here
            would stand on; None if there is none.
        prompt: The ready prompt that asks a model of the question's format for the next action, history included.
            None when `done`.
        valid: False if the last action was not among those open; it still counts as a step.
        closing: The open actions that would end everything.
    """

    text: str
    actions: tuple[str, ...] = ()
    done: bool = False
    answer: str | None = None
    prompt: Prompt | None = None
    valid: bool = True
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One sampled reply of a model, as a strategy sees it.

    Attributes:
        answer: What `grading.extract` read off it, None if nothing could be read.
        call_id: Its row in `calls`.
        finish_reason: `stop`, `length`, `content_filter` or what the provider said.
        completion_tokens: Tokens generated; None if unknown.
        logprob: Sum of the tokens' log-probabilities (natural log); None if the route gives none.
    """

    text: str
    answer: str | None
    call_id: str
    finish_reason: str = "stop"
    completion_tokens: int | None = None
    logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The answer a strategy would give if its dial stopped at this level.

    Attributes:
        level: Notches of the dial turned so far; 0 before anything was spent.
        answer: The answer so far; None if there is none.
        final: True if turning the dial further could not change anything (the strategy has finished).
        detail: What an allocator may see besides the answer: vote counts, verifier scores. JSON values.
    """

    level: int
    answer: str | None = None
    final: bool = False
    detail: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


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
        requests_per_minute, tokens_per_minute: Provider limits; None if none is set.
        provenance: What figures made with it must say.
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
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    provenance: Provenance = "real"


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


@dataclass(frozen=True, slots=True)
class Limits:
    """A budget: None in a unit means no limit in it. `seconds` is wall-clock time since the start."""

    total_tokens: int | None = None
    usd: float | None = None
    calls: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A task as an experiment uses it: its name, validated parameters and number of problems."""

    name: str
    params: Mapping[str, Any]
    problems: int


@dataclass(frozen=True, slots=True)
class Arm:
    """A strategy with its knobs, levels and line-up.

    Attributes:
        name: Unique within the experiment; what figures call it.
        strategy, dial: Names of the strategy and of the dial it turns.
        nested: True if one trial to the largest level holds all smaller ones.
        levels: The levels wanted, increasing.
        knobs: Validated keyword arguments of the strategy.
        lineup: Model id for each part the strategy uses; `solver` is always one.
        access: What information the strategy is given.
        share: Part of the experiment's budget this arm may use, in (0, 1]; None if the budget is not split.
    """

    name: str
    strategy: str
    dial: Dial
    nested: bool
    levels: tuple[int, ...]
    knobs: Mapping[str, Any]
    lineup: Mapping[str, str]
    access: Access
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """A validated experiment: which tasks, arms and models, how many repeats, and what may be spent.

    `models` maps every model id of the line-ups to its catalogue entry; `spec` is the plain data it was read from.
    """

    name: str
    seed: int
    tasks: tuple[TaskChoice, ...]
    arms: tuple[Arm, ...]
    models: Mapping[str, Model]
    repeats: int = 1
    concurrency: int = 8
    allocator: str = "uniform"
    budget: Limits = field(default_factory=Limits)
    trial_budget: Limits = field(default_factory=Limits)
    spec: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @property
    def simulated(self) -> bool:
        """True if any model of the experiment is simulated."""
        return any(model.provenance == "simulated" for model in self.models.values())

    @property
    def provenance(self) -> Provenance:
        """What its figures must say: simulated beats scale model beats real."""
        kinds = {model.provenance for model in self.models.values()}
        return next((kind for kind in ("simulated", "scale model") if kind in kinds), "real")


@dataclass(frozen=True, slots=True)
class Trial:
    """One problem under one arm, once: what the engine runs.

    Attributes:
        trial_id: Stable: experiment, arm, problem, repeat and, for arms that are not nested, the level.
        block: Number of its block (a problem, all arms, a repeat) in the random order of the run.
        max_level: The level it stops at.
        levels: The levels it is asked for, up to `max_level`.
        limits: The cap of this trial.
    """

    trial_id: str
    experiment_id: str
    problem: Problem
    arm: Arm
    repeat: int
    block: int
    max_level: int
    levels: tuple[int, ...]
    limits: Limits
