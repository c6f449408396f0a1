"""What a task is, and what it hands to strategies and engine: questions, chains of steps, search tools, environments.

Plug-ins import these from `plugins`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from fourdials.grading import normal
from fourdials.records import NOTHING, Access, Format, Grade, Observation, Problem, Prompt


class Steps(Protocol):
    """A task's own chain of small steps, for strategies that take one per call. Pure: a state is an opaque value.

    `evidence` is what a search returned for this step; None means the information is in the question itself.
    """

    def first(self) -> Any:
        """The state before any step."""

    def query(self, state: Any) -> str:
        """What to look up for the next step."""

    def prompt(self, state: Any, evidence: Sequence[str] | None = None) -> Prompt:
        """The prompt that asks for the next step."""

    def advance(self, state: Any, reply: str) -> Any:
        """The state after the step's answer `reply` (already extracted)."""

    def answer(self, state: Any) -> str | None:
        """The answer if the chain stopped here; None before the first step."""

    def done(self, state: Any) -> bool:
        """True if no step is left."""


@runtime_checkable
class Recall(Protocol):
    """What a chain of steps may offer besides, for strategies that decide what stays in the prompt: its steps asked
    from a transcript alone. Pure, like the rest. A chain that does not offer it shows its state in every prompt."""

    def entry(self, state: Any, reply: str) -> str:
        """The line that the step from `state` leaves in the transcript."""

    def conclusion(self, before: Any, after: Any) -> str:
        """What the steps from one state to another came to: the line that stands for all of theirs."""

    def recall(self, state: Any, transcript: Sequence[str]) -> Prompt:
        """Asks for the next step from what was given at the start and these lines; `state` only says which step."""


@runtime_checkable
class ManySteps(Steps, Protocol):
    """A chain that can also take several steps in one call; its task offers `many`."""

    def prompt_many(self, state: Any, m: int) -> Prompt:
        """The prompt that asks for the next `m` steps, or for as many as are left."""

    def advance_many(self, state: Any, reply: str, m: int) -> Any:
        """The state after the steps of a reply to `prompt_many`, at most `m`; a step that is not there ends the chain
        or leaves the state as it is, and is never made up."""


@runtime_checkable
class Told(Protocol):
    """What a chain of steps may offer besides, for strategies that have a verifier judge the way to a state. Pure."""

    def told(self, state: Any) -> str:
        """The way to this state as a thought about it would be written, which `Question.check` and `sound` can read."""


class Lookup(Protocol):
    """How a task asks, in its own form, a model that words its own searches; its question has one in `lookup`. Pure."""

    def query(self, found: Sequence[str], asked: Sequence[str]) -> Prompt:
        """Asks what to look up next, given the facts found and the queries sent; `done` for nothing more."""

    def read(self, passages: Sequence[str], query: str) -> Prompt:
        """Asks what these passages say to a query."""

    def evidence(self, query: str, reply: str) -> str:
        """The fact that the answer of a reply to `read` amounts to."""

    def informed(self, found: Sequence[str]) -> Question:
        """The question with these facts given."""


class SearchTool(Protocol):
    """Finds passages. Deterministic."""

    def search(self, query: str, k: int) -> list[str]:
        """The `k` best passages for the query, best first; fewer if the store holds fewer."""


@runtime_checkable
class Store(SearchTool, Protocol):
    """A search tool whose passages also stand in an order and can be read by place; its task offers `store`."""

    @property
    def size(self) -> int:
        """How many passages there are."""

    def read(self, start: int, stop: int) -> list[str]:
        """The passages from place `start` (0 is the first) up to before `stop`."""


class Environment(Protocol):
    """A text world with a state of its own. Deterministic, so that a resumed trial can play its actions again."""

    def start(self) -> Observation:
        """What is seen before any action."""

    def step(self, action: str) -> Observation:
        """What is seen after an action; an action that is not open changes nothing and comes back `valid=False`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A problem as a strategy sees it, rendered for one access and one prompt format. It holds no reference.

    Attributes:
        text: The question with all the information this access gives.
        answer: Asks for the answer straight away.
        think: Asks for a thought that ends with `answer_mark` and the answer; None if the task has no such rendering.
        answer_mark: What stands before the answer at the end of a thought.
        steps: The task's chain of steps; None if it has none.
        context: What is known before the question, as it stands word for word in `answer` and `think`: another text can
            be put in its place (`prompting.in_context`). Empty unless the task offers `context`.
        sharing: Questions of the task that have this same context, this one included.
        tight: True if texts are joined to a prompt as they are, for models whose alphabet has no space or line break.
        lookup: How to ask for searches in the task's own form, which a small completion model needs; None where
            strategies ask in words of their own.
        check: Asks for a verdict on a whole reply in the task's own form, its first choice meaning that it is right;
            None where strategies ask in words of their own. Passages that were found can be given besides.
        ballot: What an answer says as a vote: answers with the same ballot are one in other words. Filled in by the
            engine, from the task.
    """

    problem_id: str
    task: str
    access: Access
    format: Format
    text: str
    answer: Prompt
    think: Prompt | None = None
    answer_mark: str = "Answer:"
    steps: Steps | None = None
    context: str = ""
    sharing: int = 1
    tight: bool = False
    check: Callable[..., Prompt] | None = None
    lookup: Lookup | None = None
    ballot: Callable[[str], str] = normal


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts of a problem, by which a trial's notes and prompts are judged once it has ended; no strategy sees them.

    Attributes:
        path: The lines that lead to the right answer, word for word as prompts show them; none where that varies.
        facts: What is true of each subject: its value, or all that it ever held where the problem changes it.
        read: What a text states, as pairs of a subject and a value; nothing where that cannot be read off.
    """

    path: tuple[str, ...]
    facts: Mapping[str, tuple[str, ...]]
    read: Callable[[str], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What people and the planner need to know of a task.

    Attributes:
        title: A few words.
        summary: One or two sentences: what is asked, what makes it hard.
        offers: For each prompt format, what the task can be used with: accesses (`given`, `search`, `environment`),
            renderings (`steps`, `think`, `check`, `context`), `many` (steps that can be taken several at once), `sound`
            (it is known whether the beginning of a thought is right), `queries` (a model of this format can word its
            own searches) and `store` (a search tool whose passages can be read by place).
        difficulty: What `Problem.difficulty` counts.
        context_tokens: An upper estimate of the longest prompt at default parameters.
        searched_tokens: The same where the information is searched and not in the prompt; None if it is no shorter.
        aside: True if grading, searching or acting may take long: the engine then does it in a thread beside its loop.
    """

    title: str
    summary: str
    offers: Mapping[Format, frozenset[str]]
    difficulty: str
    context_tokens: int = 2000
    searched_tokens: int | None = None
    aside: bool = False

    def tokens(self, access: Access) -> int:
        """The estimate for one access."""
        return self.context_tokens if access != "search" else self.searched_tokens or self.context_tokens


@runtime_checkable
class Task(Protocol):
    """A module under `tasks/`.

    These functions may be left out: `ballot(problem, answer)`, what an answer says as a vote, where answers that the
    grader takes for one differ in more than case, spaces and surrounding marks (else `grading.normal`): it is shown no
    reference, and answers with the same ballot must score alike; `evidence(problem)`, the problem's `Evidence`;
    `sound(problem, thought)`, whether the beginning of a thought can be built on, of tasks that offer `sound`;
    `offers(params, format)` where what is offered depends on the parameters (else `INFO.offers`), and with it
    `lacking(params, missing)`, what to do about what is not; `judged(params)`, true where a model grades, and with it
    `examination(problem, answer, format)`, the prompt that asks that model, and `verdict(problem, text)`, the grade its
    reply amounts to (GraderError if none).
    """

    INFO: TaskInfo
    Params: type[BaseModel]

    def problems(self, params: Any, count: int, seed: int) -> list[Problem]:
        """`count` distinct problems, the same for the same parameters and seed; a longer list begins with a shorter.

        Raises InputError if so many distinct ones do not exist."""

    def question(self, problem: Problem, access: Access, format: Format) -> Question:
        """The problem rendered without its reference."""

    def grade(self, problem: Problem, answer: str) -> Grade:
        """Scores an answer; raises GraderError if it cannot."""

    def chance(self, problem: Problem) -> float:
        """Success rate of a uniform guess among the possible answers; 0.0 where they cannot be listed."""

    def constant(self, problems: Sequence[Problem]) -> str:
        """The single answer that would be right most often on these problems (the constant-answer baseline)."""

    def search_tool(self, problem: Problem) -> SearchTool:
        """The search tool of this problem's world; raises InputError if the task offers none."""

    def environment(self, problem: Problem, format: Format) -> Environment:
        """A fresh environment; raises InputError if the task offers none."""


def ballot_of(task: Any, problem: Problem) -> Callable[[str], str]:
    """What an answer to this problem says as a vote: the task's `ballot`, or the plain answer (`grading.normal`).

    The task is shown the problem without reference, world and right replies, so that a vote cannot know the truth."""
    if not hasattr(task, "ballot"):
        return normal
    blind = replace(problem, reference=None, world=NOTHING, truths=NOTHING)

    def ballot(answer: str) -> str:
        said: str = task.ballot(blind, answer)
        return said

    return ballot
