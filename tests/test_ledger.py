"""Budgets hold with calls in flight, and the critical path is the longest one."""

import asyncio

import pytest

from fourdials.errors import BudgetExhausted
from fourdials.ledger import Amount, Paths, Purse, modelled_seconds
from fourdials.records import Limits, Usage
from tests.scripted import model


async def test_a_reservation_beyond_the_limit_is_refused_when_nothing_is_outstanding():
    purse = Purse(Limits(total_tokens=100))
    await purse.reserve(Amount(60))
    await purse.settle(Amount(60), Amount(50))
    with pytest.raises(BudgetExhausted, match="needs up to 51 total_tokens, 50 of 100 are left"):
        await purse.reserve(Amount(51))
    assert purse.empty
    await purse.reserve(Amount(50))


async def test_a_reservation_waits_for_calls_in_flight_that_may_free_some():
    purse = Purse(Limits(total_tokens=100))
    await purse.reserve(Amount(80))
    waiting = asyncio.create_task(purse.reserve(Amount(60)))
    await asyncio.sleep(0)
    assert not waiting.done()
    await purse.settle(Amount(80), Amount(30))
    await asyncio.wait_for(waiting, 1)
    assert (purse.spent.total_tokens, purse.reserved.total_tokens) == (30, 60)


async def test_a_trial_is_refused_when_the_experiment_is_spent_and_keeps_nothing_reserved():
    whole = Purse(Limits(calls=1))
    trial = Purse(Limits(), parent=whole)
    await trial.reserve(Amount(calls=1))
    await trial.settle(Amount(calls=1), Amount(calls=1))
    with pytest.raises(BudgetExhausted):
        await trial.reserve(Amount(calls=1))
    assert trial.outstanding == whole.outstanding == 0
    assert trial.reserved == Amount()
    assert not trial.empty
    assert whole.empty


async def test_a_cap_is_exceeded_by_at_most_the_calls_in_flight():
    purse = Purse(Limits(total_tokens=1000))
    in_flight = 8

    async def spend() -> None:
        for _ in range(50):
            try:
                await purse.reserve(Amount(30))
            except BudgetExhausted:
                return
            await asyncio.sleep(0)
            await purse.settle(Amount(30), Amount(40))  # every call costs more than was reserved

    await asyncio.gather(*(spend() for _ in range(in_flight)))
    assert 1000 - 40 <= purse.spent.total_tokens <= 1000 + in_flight * 10
    assert purse.reserved == Amount()


async def test_usd_and_seconds_are_limits_too():
    with pytest.raises(BudgetExhausted, match="usd"):
        await Purse(Limits(usd=0.01)).reserve(Amount(usd=0.02))
    late = Purse(Limits(seconds=0.001))
    await asyncio.sleep(0.01)
    with pytest.raises(BudgetExhausted, match="seconds are over"):
        await late.reserve(Amount(1))


def test_the_critical_path_is_the_longest_chain_not_the_sum():
    paths = Paths()
    paths.add("plan", [], 2.0, 1.0)
    paths.add("left", ["plan"], 5.0, 1.0)
    paths.add("right", ["plan"], 1.0, 7.0)
    paths.add("join", ["left", "right"], 1.0, 1.0)
    assert paths.realised["join"] == 2 + 5 + 1
    assert paths.modelled["join"] == 1 + 7 + 1


def test_a_path_through_an_unknown_latency_is_unknown():
    paths = Paths()
    paths.add("a", [], None, 1.0)
    paths.add("b", ["a"], 1.0, 1.0)
    assert paths.realised["b"] is None
    assert paths.modelled["b"] == 2.0


def test_modelled_seconds_are_prefill_plus_decoding():
    assert modelled_seconds(model(), Usage(500, completion_tokens=20)) == pytest.approx(0.5 + 0.2)
    assert modelled_seconds(model(), Usage(None, completion_tokens=20)) is None
