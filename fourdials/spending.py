"""How a strategy spends: the protocol of the `ask` it is handed. The engine implements it in `ask`, strategies know it
as `plugins.Ask`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Protocol

from fourdials.records import Format, Observation, Prompt, Reply, Role


class Ask(Protocol):
    """How a strategy spends: every call, search and environment step goes through it and is journaled and charged.

    `level` is always the level at which a deployment would first need the call; `probe=True` marks a call that only
    reads off an answer at that one level. Calls on one `Ask` wait for each other in the order issued, unless `after`
    names the replies waited for (`after=()` for none). Branches that run side by side each use a `fork`.
    Any method may raise BudgetExhausted or a ModelError; a strategy lets both pass.

    Attributes:
        format: The prompt format of the solver.
        levels: The levels this trial is asked for, increasing.
        rng: The trial's own generator, the only source of randomness a strategy may use.
    """

    format: Format
    levels: tuple[int, ...]
    rng: random.Random

    async def __call__(
        self,
        prompt: Prompt,
        *,
        role: Role,
        level: int,
        probe: bool = False,
        temperature: float = 0.0,
        part: str = "solver",
        after: Sequence[Reply] | None = None,
        shared: int | None = None,
    ) -> Reply:
        """One call, one reply.

        `shared` marks a call that a deployment makes before it knows the question, once for so many questions (at
        least 1): the spend holds its share, the bill all of it, and no critical path waits for it. Its prompt must hold
        nothing of the question, and it may wait for nothing but other such calls."""

    async def samples(
        self,
        prompt: Prompt,
        *,
        role: Role,
        levels: Sequence[int],
        temperature: float,
        part: str = "solver",
        after: Sequence[Reply] | None = (),
    ) -> list[Reply]:
        """One independent sample for each level, in as few requests as the route allows.

        They wait for the replies named, for none by default, and with `after=None` for all that was asked so far. Where
        the budget ends on the way, the samples of the first levels only, but at least one."""

    async def thought(
        self,
        prompt: Prompt,
        *,
        role: Role,
        budgets: Sequence[int],
        temperature: float,
        levels: Sequence[int] | None = None,
    ) -> list[Reply]:
        """One generation of at most `budgets[-1]` tokens, cut at each budget (the budgets are the levels by default).

        Returns for each budget the text up to there; a reply whose `finish_reason` is not `length` was complete by
        then. Prompt tokens enter at the first level, generated ones at the level they belong to."""

    async def search(self, query: str, *, level: int, k: int) -> list[str]:
        """The best `k` passages."""

    async def size(self) -> int:
        """How many passages the store holds; free."""

    async def read(self, start: int, stop: int, *, level: int) -> list[str]:
        """The passages from place `start` (0 is the first) up to before `stop`; counts as a search."""

    async def look(self) -> Observation:
        """What the environment shows before any step; free."""

    async def step(self, action: str, *, level: int) -> Observation:
        """One environment step."""

    def check(self, answer: str, *, level: int, reliability: float = 1.0, begun: bool = False) -> bool:
        """What a checker that knows the truth says of an answer: with this probability whether it is right, else the
        opposite; with `begun`, whether the beginning of a thought is, of a task that offers `sound`. Free of tokens and
        journaled. Refused to an arm that is not declared to use the truth."""

    def offer(self, answer: str | None, *, level: int) -> None:
        """Names an answer that is paid for and still has to be judged or outvoted: what is given, the most frequent of
        all offered, should a cap end the trial before its first checkpoint with an answer. None offers nothing."""

    def able(self, feature: str, part: str = "solver") -> bool:
        """True if a part's model is known to have a capability."""

    def note(self, kind: str, *, level: int, **payload: Any) -> None:
        """Journals something worth seeing in the trace (a vote, a discard); free.

        A strategy that keeps a memory notes the kind `memory` whenever it has changed, with all its entries as `texts`:
        they are judged by the problem's facts once the trial has ended, and only then journaled."""

    def fork(self, name: str) -> Ask:
        """A branch that waits for what this one has waited for so far, and then only for its own calls."""

    def join(self, *branches: Ask) -> None:
        """From here on this one waits for all calls of the branches."""
