"""Every error Four Dials raises on purpose.

FourDialsError
├── InputError             what a person gave cannot be used (spec, option, file); the message says what to do
│   └── SpecError          all mistakes of one experiment file at once
├── ModelError             a call failed; raised by the gateway only, after its retries
│   ├── AuthenticationFailed   the key is missing or refused
│   ├── RateLimited            transient: the provider asks us to slow down
│   ├── Unreachable            transient: no connection, a time-out, or the server is overloaded
│   ├── MalformedReply         transient: the provider answered with something that is no reply
│   ├── ContextTooLong         the prompt and reply do not fit the model
│   ├── ContentRefused         the provider refused the content
│   └── RequestRejected        the provider rejects the request as it stands
├── GraderError            a grader failed or timed out; never the same as a wrong answer
├── BudgetExhausted        a reservation cannot be met any more; the trial is capped
├── Diverged               a replayed trial asks something else than it did before
├── HomeBusy               another process holds the database or runs the experiment
└── SetupError             weights, a server or a library cannot be had
"""

from __future__ import annotations

from dataclasses import dataclass


class FourDialsError(Exception):
    """Base of the family; catching it catches all that is raised on purpose."""


class InputError(FourDialsError):
    """What a person gave cannot be used. The message says what was received, what is allowed and what to do."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in an experiment file: the path of the value, the value, and what is allowed there."""

    path: str
    value: object
    allowed: str

    def __str__(self) -> str:
        got = f"got {self.value!r}; "  # what is allowed may come from a message that says so itself
        return f"{self.path}: {got}{self.allowed.removeprefix(got)}"


class SpecError(InputError):
    """An experiment file has mistakes; `mistakes` holds all of them."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(f"{count} in the experiment:\n" + "\n".join(f"  {mistake}" for mistake in mistakes))


class ModelError(FourDialsError):
    """A model call failed. `transient` errors were retried before this was raised."""

    transient = False


class AuthenticationFailed(ModelError):
    """The provider refused the key, or none is set."""


class RateLimited(ModelError):
    """The provider asked to slow down, and kept asking."""

    transient = True


class Unreachable(ModelError):
    """No connection, a time-out, or a server error."""

    transient = True


class MalformedReply(ModelError):
    """The provider answered successfully with something that holds no reply."""

    transient = True


class ContextTooLong(ModelError):
    """Prompt and reply together do not fit the model's context."""


class ContentRefused(ModelError):
    """The provider refused to answer this content."""


class RequestRejected(ModelError):
    """The provider rejects the request; sending it again would not help."""


class GraderError(FourDialsError):
    """A grader failed or timed out."""


class BudgetExhausted(FourDialsError):
    """A reservation exceeds what is left and nothing outstanding could free any; the trial is capped."""


class Diverged(FourDialsError):
    """On replay a trial asked something else than the journal holds (its prompt or code was edited)."""


class HomeBusy(FourDialsError):
    """Another process holds the database, or already runs this experiment."""


class SetupError(FourDialsError):
    """Weights, a server or a library cannot be had; the message says what to do."""
