"""Numbers as people read them: tables of expected strings."""

import math

import pytest

from fourdials.figures import numbers

COUNTS = [
    (None, "unknown"),
    (math.nan, "unknown"),
    (0, "0"),
    (7, "7"),
    (2.5, "2.5"),
    (3.0, "3"),
    (99.95, "100"),
    (950, "950"),
    (999.4, "999"),
    (999.6, "1k"),
    (1234, "1.2k"),
    (9949, "9.9k"),
    (9951, "10k"),
    (35_400, "35k"),
    (999_600, "1M"),
    (1_250_000, "1.2M"),
    (3e9, "3B"),
    (-1234, "-1.2k"),
]
DOLLARS = [
    (None, "unknown"),
    (0, "$0"),
    (0.00004, "$4e-05"),
    (0.0004, "$0.0004"),
    (0.0346, "$0.035"),
    (0.0996, "$0.10"),
    (1.2, "$1.20"),
    (12.345, "$12.35"),
    (1234.5, "$1,234"),
    (-2, "-$2.00"),
]
SECONDS = [
    (None, "unknown"),
    (0, "0 s"),
    (0.042, "0.04 s"),
    (0.999, "1 s"),
    (5.25, "5.2 s"),
    (9.96, "10 s"),
    (52.4, "52 s"),
    (59.7, "1 min"),
    (200, "3 min 20 s"),
    (7500, "2 h 5 min"),
]
SHARES = [
    (None, "unknown"),
    (0, "0 %"),
    (0.0004, "under 0.1 %"),
    (0.004, "0.4 %"),
    (0.374, "37 %"),
    (0.5, "50 %"),
    (0.996, "99.6 %"),
    (0.9999, "over 99.9 %"),
    (1, "100 %"),
]
DIFFERENCES = [(None, "unknown"), (0.123, "+12 points"), (-0.03, "−3 points"), (0.001, "0 points")]

TIMES = [(None, "unknown"), (0.244, "0.24"), (2.8, "2.80"), (9.996, "10.0"), (14.24, "14.2"), (350, "350")]
TIMES += [(12_345, "12k"), (math.inf, "no limit")]
P_VALUES = [
    (None, "unknown"),
    (0.0004, "under 0.001"),
    (0.031, "0.031"),
    (0.5, "0.5"),
    (0.998, "over 0.99"),
    (1.0, "1"),
]
EVIDENCE = [(math.nan, "unknown"), (0.44, "0.4"), (12.66, "12.7"), (350.4, "350"), (-3, "-3.0")]
PLAIN = [(None, "unknown"), (0.01234, "0.0123"), (4.2, "4.2"), (999.6, "1k"), (1234, "1.2k"), (math.inf, "no limit")]


@pytest.mark.parametrize(
    ("formatter", "value", "text"),
    [
        (formatter, value, text)
        for formatter, table in (
            (numbers.count, COUNTS),
            (numbers.usd, DOLLARS),
            (numbers.seconds, SECONDS),
            (numbers.percent, SHARES),
            (numbers.difference, DIFFERENCES),
            (numbers.times, TIMES),
            (numbers.p_value, P_VALUES),
            (numbers.evidence, EVIDENCE),
            (numbers.plain, PLAIN),
        )
        for value, text in table
    ],
)
def test_a_number_reads_as_expected(formatter, value, text):
    assert formatter(value) == text


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("total_tokens", 1200, "1.2k total tokens"),
        ("usd", 0.1, "$0.10"),
        ("modelled_s", 52, "52 s"),
        ("level", 4.0, "level 4"),
        ("calls", 3, "3 model calls"),
        ("usd", None, "unknown"),
    ],
)
def test_a_budget_reads_with_its_unit(unit, value, text):
    assert numbers.budget(unit, value) == text


@pytest.mark.parametrize(
    ("unit", "value", "low", "high", "text"),
    [
        ("points", None, None, None, ""),
        ("points", 0.12, 0.03, 0.2, "+12 points (+3 to +20)"),
        ("points", -0.03, None, 0.2, "−3 points"),
        ("share", 0.37, 0.3, 0.44, "37 % (30 % to 44 %)"),
        ("ratio", 2.1, 1.4, 3.0, "2.1 (1.4 to 3)"),
        ("number", 12345.0, 999.4, 0.03123, "12k (999 to 0.031)"),
        ("number", 0.00454, 9.43e-06, 0.0994, "0.005 (0 to 0.099)"),
    ],
)
def test_an_estimate_is_written_with_its_interval(unit, value, low, high, text):
    assert numbers.interval(unit, value, low, high) == text


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        (20, 1, "20"),
        (8000, 500, "8,000"),
        (0.96, 0.001, "0.960"),
        (2.6, 0.1, "2.6"),
        (0.375, 0.01, "0.38"),
        (7.5, 1, "7.5"),
    ],
)
def test_a_knob_is_written_with_the_decimals_of_its_step(value, step, text):
    assert numbers.setting(value, step) == text
