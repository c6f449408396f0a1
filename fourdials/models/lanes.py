"""How fast one provider may be called: calls in flight, requests and tokens a minute, and a stop once keys are refused.

The gateway holds one lane for each provider, custom address or local server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence

from aiolimiter import AsyncLimiter

from fourdials.errors import AuthenticationFailed
from fourdials.records import Model

REFUSALS = 3
_MINUTE_S = 60.0


class Places:
    """A first-come first-served semaphore of which one call may take several places: its samples run side by side."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    async def take(self, count: int) -> None:
        """Waits until `count` places are free for this call."""
        if not self._waiting and self._free >= count:
            self._free -= count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, count))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(count)
            elif (turn, count) in self._waiting:  # else somebody who gave places back has passed it over already
                self._waiting.remove((turn, count))
                self._wake()
            raise

    def give(self, count: int) -> None:
        """Gives places back."""
        self._free += count
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._free >= self._waiting[0][1]:
            turn, count = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= count
                turn.set_result(None)


class Lane:
    """The limits of one provider and how its keys fare.

    Of several models that share a lane the strictest limit holds.
    """

    def __init__(self, name: str, models: Sequence[Model]) -> None:
        self.name = name
        self._by_sample = all(model.provider == "local" for model in models)
        self._places = Places(min(model.concurrency for model in models))
        self._requests = _limiter([model.requests_per_minute for model in models])
        self._tokens = _limiter([model.tokens_per_minute for model in models])
        self._refusals = 0
        self._refusal = ""

    @contextlib.asynccontextmanager
    async def turn(self, samples: int, tokens: int) -> AsyncIterator[None]:
        """Waits for a place and the rate limits; `tokens` is what the call may use at most."""
        count = min(samples, self._places.size) if self._by_sample else 1
        await self._places.take(count)
        try:
            if self._requests is not None:
                await self._requests.acquire()
            if self._tokens is not None:
                await self._tokens.acquire(min(tokens, self._tokens.max_rate))
            yield
        finally:
            self._places.give(count)

    def check(self) -> None:
        """Raises AuthenticationFailed without a call once the key was refused several times in a row."""
        if self._refusals >= REFUSALS:
            raise AuthenticationFailed(
                f"{self.name} refused the key {self._refusals} times in a row and is not called any more: "
                f"{self._refusal}"
            )

    def refused(self, message: str) -> None:
        """Notes that the key was refused."""
        self._refusals += 1
        self._refusal = message

    def accepted(self) -> None:
        """Notes that the key was accepted."""
        self._refusals = 0


def _limiter(limits: Sequence[int | None]) -> AsyncLimiter | None:
    known = [limit for limit in limits if limit is not None]
    return AsyncLimiter(min(known), _MINUTE_S) if known else None
