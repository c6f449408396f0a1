"""What was spent and what may still be: budgets reserved before a call and settled after it, and the critical path.

The engine holds one `Purse` per experiment and one per trial; a trial's purse reserves from the experiment's too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from fourdials.errors import BudgetExhausted
from fourdials.records import Limits, Model, Usage

CHARS_PER_TOKEN = 3.0  # cautious: English runs at about 4, digits and names nearer to 2.5
MESSAGE_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of spend: tokens of prompt and completion together, US dollars, calls."""

    total_tokens: int = 0
    usd: float = 0.0
    calls: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.total_tokens + other.total_tokens, self.usd + other.usd, self.calls + other.calls)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.total_tokens - other.total_tokens, self.usd - other.usd, self.calls - other.calls)


@dataclass(slots=True)
class Purse:
    """A budget with what was settled and what is reserved for calls in flight.

    A reservation that does not fit waits while anything is outstanding, since settling may free some of it, and raises
    BudgetExhausted once nothing is. So a cap is exceeded by at most what the calls in flight cost above their
    reservations. `empty` is True once that has happened. One that is not `strict` refuses only what is asked for after
    the limit was reached, so that it is exceeded by at most the calls in flight: for an allocator that foresees costs
    itself and would be cut short by reservations, which assume the longest reply.
    """

    limits: Limits
    parent: Purse | None = None
    spent: Amount = field(default_factory=Amount)
    reserved: Amount = field(default_factory=Amount)
    outstanding: int = 0
    empty: bool = False
    strict: bool = True
    started: float = field(default_factory=time.monotonic)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def reserve(self, amount: Amount) -> None:
        """Sets `amount` aside here and in the parent. Raises BudgetExhausted if it can never fit."""
        async with self._changed:
            while (short := self._short(amount)) is not None:
                if self.outstanding == 0:
                    self.empty = True
                    raise BudgetExhausted(short)
                await self._changed.wait()
            self.reserved += amount
            self.outstanding += 1
        if self.parent is not None:
            try:
                await self.parent.reserve(amount)
            except BaseException:
                await self._release(amount, Amount())
                raise

    async def settle(self, reserved: Amount, spent: Amount) -> None:
        """Replaces a reservation by what was really spent."""
        await self._release(reserved, spent)
        if self.parent is not None:
            await self.parent.settle(reserved, spent)

    def charge(self, spent: Amount) -> None:
        """Counts spend that was never reserved here, and not in the parent: calls of earlier starts of the run."""
        self.spent += spent

    async def _release(self, reserved: Amount, spent: Amount) -> None:
        async with self._changed:
            self.reserved -= reserved
            self.spent += spent
            self.outstanding -= 1
            self._changed.notify_all()

    def _short(self, amount: Amount) -> str | None:
        """What is lacking for `amount`, or None if it fits."""
        planned = self.spent + self.reserved + amount if self.strict else self.spent
        for unit in ("total_tokens", "usd", "calls"):
            limit = getattr(self.limits, unit)
            reach = getattr(planned, unit)
            if limit is not None and (reach > limit or (reach == limit and not self.strict)):
                left = limit - getattr(self.spent, unit)
                return f"needs up to {getattr(amount, unit):g} {unit}, {left:g} of {limit:g} are left"
        if self.limits.seconds is not None and time.monotonic() - self.started > self.limits.seconds:
            return f"its {self.limits.seconds:g} seconds are over"
        return None


def estimate_tokens(text: str, messages: int = 0) -> int:
    """A cautious count of a prompt's tokens where no tokenizer is at hand."""
    return int(len(text) / CHARS_PER_TOKEN) + MESSAGE_TOKENS * messages + 1


def modelled_seconds(model: Model, usage: Usage) -> float | None:
    """Seconds one sample takes alone on an idle server: overhead, prefill of the whole prompt, decoding.

    None if the model has no calibrated rates or a count is unknown.
    """
    if model.prefill_tokens_per_s is None or model.decode_tokens_per_s is None:
        return None
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    prefill = usage.prompt_tokens / model.prefill_tokens_per_s
    return model.overhead_s + prefill + usage.completion_tokens / model.decode_tokens_per_s


@dataclass(slots=True)
class Paths:
    """Longest paths through a trial's calls: a call starts when all its parents have ended.

    `realised` and `modelled` hold, for each call id, the seconds of the longest chain that ends with it; None where a
    latency on the way is unknown.
    """

    realised: dict[str, float | None] = field(default_factory=dict)
    modelled: dict[str, float | None] = field(default_factory=dict)

    def add(self, call_id: str, parents: Iterable[str], seconds: float | None, modelled: float | None) -> None:
        """Adds a call behind its parents, all of which were added before."""
        parents = tuple(parents)
        self.realised[call_id] = _longest([self.realised[parent] for parent in parents], seconds)
        self.modelled[call_id] = _longest([self.modelled[parent] for parent in parents], modelled)


def _longest(before: list[float | None], own: float | None) -> float | None:
    known = [seconds for seconds in before if seconds is not None]
    if own is None or len(known) < len(before):
        return None
    return max(known, default=0.0) + own
