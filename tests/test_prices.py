"""Prices by hand: rows by date, the list price without caching, the paid one with it, and what is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fourdials.errors import InputError
from fourdials.models import catalogue
from fourdials.prices import (
    add_price,
    drop_price,
    list_price,
    load_prices,
    own_prices,
    paid_price,
    price_of,
    shipped_prices,
)
from fourdials.records import Price, Usage

OLD = Price("m", "2026-01-01", input_usd=2.0, output_usd=10.0, cached_usd=0.5, cache_write_usd=2.5)
NEW = Price("m", "2026-06-01", input_usd=1.0, output_usd=4.0)
USAGE = Usage(
    prompt_tokens=10_000, cached_tokens=6_000, cache_write_tokens=1_000, completion_tokens=200, reasoning_tokens=50
)


def at(day: str) -> float:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()


def test_the_list_price_takes_every_prompt_token_at_the_fresh_rate() -> None:
    # 10,000 × 2 + 200 × 10 = 22,000 millionths
    assert list_price("m", USAGE, at("2026-02-01"), [OLD, NEW]) == pytest.approx(0.022)


def test_the_paid_price_takes_cache_discounts_and_cache_writes() -> None:
    # 3,000 fresh × 2 + 6,000 cached × 0.5 + 1,000 written × 2.5 + 200 × 10 = 13,500 millionths
    assert paid_price("m", USAGE, at("2026-02-01"), [OLD, NEW]) == pytest.approx(0.0135)


def test_without_cache_rates_the_paid_price_is_the_list_price() -> None:
    assert paid_price("m", USAGE, at("2026-07-01"), [OLD, NEW]) == pytest.approx(0.0108)
    assert list_price("m", USAGE, at("2026-07-01"), [OLD, NEW]) == pytest.approx(0.0108)


@pytest.mark.parametrize(
    ("day", "row"), [("2025-12-31", None), ("2026-01-01", OLD), ("2026-05-31", OLD), ("2026-06-01", NEW)]
)
def test_the_row_of_the_day_holds(day: str, row: Price | None) -> None:
    assert price_of("m", at(day), [NEW, OLD]) is row


@pytest.mark.parametrize("usage", [Usage(None, 0, 0, 5), Usage(5, 0, 0, None)])
def test_an_unknown_count_makes_both_prices_unknown_and_not_zero(usage: Usage) -> None:
    assert list_price("m", usage, at("2026-02-01"), [OLD]) is None
    assert paid_price("m", usage, at("2026-02-01"), [OLD]) is None


@pytest.mark.parametrize("usage", [Usage(5, None, 0, 5), Usage(5, 0, None, 5)])
def test_an_unknown_cache_count_makes_only_the_paid_price_unknown(usage: Usage) -> None:
    assert list_price("m", usage, at("2026-02-01"), [OLD]) == pytest.approx(0.00006)
    assert paid_price("m", usage, at("2026-02-01"), [OLD]) is None


@pytest.mark.parametrize("model_id", ["local/smollm2-135m", "sim/default", "nobody/knows"])
def test_a_model_without_a_row_has_no_price(model_id: str) -> None:
    assert list_price(model_id, USAGE, at("2027-01-01")) is None


def test_a_lookup_is_asked_only_for_models_without_any_row() -> None:
    other = Price("other", "", 1.0, 1.0)
    assert price_of("other", at("2026-01-01"), [OLD], lambda _: other) is other
    assert price_of("m", at("2025-01-01"), [OLD], lambda _: other) is None


def test_every_row_names_a_model_of_the_catalogue_a_day_and_a_source() -> None:
    rows = shipped_prices()
    assert {row.model for row in rows} <= catalogue.catalogue().keys()
    for row in rows:
        assert date.fromisoformat(row.valid_from) <= datetime.now(UTC).date()
        assert "read 20" in row.source
        assert 0 < row.input_usd < row.output_usd
        assert row.cached_usd is None or row.cached_usd < row.input_usd


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    return tmp_path


MINE = Price("openai/gpt-4.1-mini", "2026-11-22", 0.3, 1.2, cached_usd=0.1, source="my contract, read 2026-11-22")


def test_one_s_own_row_holds_from_its_day_on_and_the_shipped_one_before(home: Path) -> None:
    add_price(MINE)
    assert own_prices() == (MINE,)
    assert price_of(MINE.model, at("2026-11-22"), load_prices()) == MINE
    assert price_of(MINE.model, at("2026-11-21"), load_prices()).input_usd == 0.40
    drop_price(MINE.model, MINE.valid_from)
    assert own_prices() == ()


def test_of_the_same_day_one_s_own_row_holds_and_a_new_one_replaces_it(home: Path) -> None:
    add_price(replace(MINE, valid_from="2026-11-21"))
    add_price(replace(MINE, valid_from="2026-11-21", input_usd=0.2))
    assert len(own_prices()) == 1
    assert price_of(MINE.model, at("2026-11-21"), load_prices()).input_usd == 0.2


def test_a_price_that_nobody_named_a_source_for_is_refused(home: Path) -> None:
    with pytest.raises(InputError, match="needs its source"):
        add_price(replace(MINE, source=" "))
    assert not (home / "prices.toml").exists()


@pytest.mark.parametrize("change", [{"input_usd": -1.0}, {"valid_from": "last week"}, {"model": ""}])
def test_a_row_that_cannot_be_is_refused_and_leaves_the_file_alone(home: Path, change: dict) -> None:
    add_price(MINE)
    with pytest.raises(InputError, match=next(iter(change))):
        add_price(replace(MINE, **change))
    assert own_prices() == (MINE,)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[[prices]]\nmodel = 'm'\ninputusd = 1\n", "prices.0"), ("prices = 3\n", "prices"), ("=", "cannot")],
)
def test_a_bad_file_is_named_with_the_place(home: Path, text: str, said: str) -> None:
    (home / "prices.toml").write_text(text)
    with pytest.raises(InputError, match=r"prices\.toml") as caught:
        load_prices()
    assert said in str(caught.value)
    with pytest.raises(InputError):
        add_price(MINE)
    assert (home / "prices.toml").read_text() == text
