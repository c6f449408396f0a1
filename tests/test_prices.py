"""Prices by hand: rows by date, the list price without caching, the paid one with it, and what is unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fourdials.errors import InputError
from fourdials.models import catalogue
from fourdials.prices import add_price, drop_price, list_price, load_prices, own_prices, paid_price, price_of, shipped_prices
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


def test_a_row_with_a_misspelt_field_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[[prices]]\nmodel = "m"\nvalid_from = "2026-01-01"\ninputusd = 1.0\noutput_usd = 1.0\n')
    with pytest.raises(InputError, match="inputusd"):
        load_prices(file)
