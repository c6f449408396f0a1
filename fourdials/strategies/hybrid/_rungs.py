"""Lets one strategy run another: the levels of the inner one become rungs, the outer one's levels. For `route`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from fourdials.plugins import Ask
from fourdials.records import Format, Observation, Prompt, Reply, Role


def rung_of(level: int, rungs: Sequence[int]) -> int:
    """The first rung, counted from 1, that reaches a level; the last one if none does."""
    return next((number for number, reached in enumerate(rungs, 1) if reached >= level), len(rungs))


class Rungs:
    """The `ask` of the strategy that was picked: its levels are rungs to everybody else, and all waits for the pick.

    A probe at a level between two rungs is one that nobody who stops at a rung would make: it enters at level 0, which
    no spend of a rung counts, and stays on the bill.
    """

    def __init__(self, ask: Ask, rungs: Sequence[int], first: Reply | None) -> None:
        self.format: Format = ask.format
        self.levels: tuple[int, ...] = tuple(rungs)
        self.rng: random.Random = ask.rng
        self._ask, self._rungs, self._first = ask, rungs, first

    def _rung(self, level: int, probe: bool = False) -> int:
        return 0 if probe and level not in self._rungs else rung_of(level, self._rungs)

    def _after(self, after: Sequence[Reply] | None) -> Sequence[Reply] | None:
        return after if after is None or after or self._first is None else (self._first,)

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
        """See `plugins.Ask`."""
        return await self._ask(
            prompt,
            role=role,
            level=self._rung(level, probe),
            probe=probe,
            temperature=temperature,
            part=part,
            after=self._after(after),
            shared=shared,
        )

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
        """See `plugins.Ask`."""
        entered = [self._rung(level) for level in levels]
        return await self._ask.samples(
            prompt, role=role, levels=entered, temperature=temperature, part=part, after=self._after(after)
        )

    async def thought(
        self,
        prompt: Prompt,
        *,
        role: Role,
        budgets: Sequence[int],
        temperature: float,
        levels: Sequence[int] | None = None,
    ) -> list[Reply]:
        """See `plugins.Ask`."""
        entered = [self._rung(level) for level in levels or budgets]
        return await self._ask.thought(prompt, role=role, budgets=budgets, temperature=temperature, levels=entered)

    async def search(self, query: str, *, level: int, k: int) -> list[str]:
        """See `plugins.Ask`."""
        return await self._ask.search(query, level=self._rung(level), k=k)

    async def size(self) -> int:
        """See `plugins.Ask`."""
        return await self._ask.size()

    async def read(self, start: int, stop: int, *, level: int) -> list[str]:
        """See `plugins.Ask`."""
        return await self._ask.read(start, stop, level=self._rung(level))

    async def look(self) -> Observation:
        """See `plugins.Ask`."""
        return await self._ask.look()

    async def step(self, action: str, *, level: int) -> Observation:
        """See `plugins.Ask`."""
        return await self._ask.step(action, level=self._rung(level))

    def check(self, answer: str, *, level: int, reliability: float = 1.0, begun: bool = False) -> bool:
        """See `plugins.Ask`."""
        return self._ask.check(answer, level=self._rung(level), reliability=reliability, begun=begun)

    def offer(self, answer: str | None, *, level: int) -> None:
        """See `plugins.Ask`."""
        self._ask.offer(answer, level=self._rung(level))

    def able(self, feature: str, part: str = "solver") -> bool:
        """See `plugins.Ask`."""
        return self._ask.able(feature, part)

    def note(self, kind: str, *, level: int, **payload: Any) -> None:
        """See `plugins.Ask`."""
        self._ask.note(kind, level=self._rung(level), **payload)

    def fork(self, name: str) -> Rungs:
        """See `plugins.Ask`."""
        return Rungs(self._ask.fork(name), self._rungs, self._first)

    def join(self, *branches: Any) -> None:
        """See `plugins.Ask`."""
        self._ask.join(*(branch._ask for branch in branches))
