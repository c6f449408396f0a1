"""What is asked and answered: problems, prompts, replies, what an environment shows, checkpoints, grades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fourdials.records.words import NOTHING, Format, Outcome, Reads


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
        discouraged, bias: Words whose first token is made less likely wherever it could come, and by how much its logit
            is lowered (natural units); 0 for not at all.
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
    discouraged: tuple[str, ...] = ()
    bias: float = 0.0

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
        oracle_steps: The fewest steps that lead to the right answer: of the environment where there is one, else of the
            task's own chain; None where there is neither.
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
    oracle_steps: int | None = None


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
        closing: The open actions that would end everything, or could for all the player knows.
        place: Names where one is, the same on every return, though `text` may by then say more; empty where the text
            tells places apart. What ends everything leads to a place of its own.
    """

    text: str
    actions: tuple[str, ...] = ()
    done: bool = False
    answer: str | None = None
    prompt: Prompt | None = None
    valid: bool = True
    closing: tuple[str, ...] = ()
    place: str = ""

    @property
    def where(self) -> str:
        """What tells returns from first visits: the place, or else what is seen."""
        return self.place or self.text


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
