"""Finds numbers in what people and models write, and writes them plainly.

A number is read whole or not at all: a fraction (`1/2`, `3 4/5`, `½`), a power (`10^3`, `10³`, `2 × 10^-3`) and
thousands parted by commas or spaces (`1,200`, `1 200`) are one number each. A comma that parts anything but thousands
(`3,14`) could be a decimal point or part a list, and is no number.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

_GAP = "[ \u00a0\u2009\u202f]"
# An exponent of three digits is no answer to anything, and would be written out in full.
_ONE = (
    rf"(?:(?:[1-9]\d{{0,2}}(?:(?:,\d{{3}})+|(?:{_GAP}\d{{3}})+)(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)"
    r"(?:[eE][-+]?\d{1,2}(?!\w))?"
)
# What is joined to a number, so that it must not be read without: a second number after a comma (not one of several,
# which `1,2,3` lists, nor after a label as in `b4,4`), a multiple of a power of ten, whatever a stroke leads to, and
# any exponent.
_JOINED = (
    rf"(?:(?<!\d,\d)(?<![^\W\d]\d),\d+(?![\d,]))?(?:{_GAP}?[×x*·]{_GAP}?10{_GAP}?\^{_GAP}?[-−+]?\d+)?"
    rf"(?:{_GAP}?[/^]{_GAP}?[-−+(]*\d(?:[\d.,^/()]*\d)?)*(?:\^\S*)?"
)
# A sign counts only where it cannot be a minus between two operands (`3-2`, `10 -3`) or a hyphen (`GPT-4`); commas only
# where they part thousands (`1,2,3` is three numbers). A stroke or `^` before it makes it part of something else.
_FOUND = re.compile(
    rf"(?:(?<=[^\s\d])[/^])?(?:(?<![\w.)\]%}}])(?<![\d)\]%]\s)[-−+])?(?:\d+{_GAP}\d+/\d+(?![\d/^])|{_ONE}{_JOINED})"
)
_FORM = re.compile(
    rf"(?P<sign>[-−+]?)(?:(?P<whole>\d+){_GAP}(?P<top>\d+)/(?P<bottom>\d+)|(?P<number>{_ONE})\.?(?:"
    rf"{_GAP}?/{_GAP}?(?P<under>{_ONE})|{_GAP}?\^{_GAP}?(?P<power>[-−+]?\d{{1,2}})"
    rf"|{_GAP}?[×x*·]{_GAP}?10{_GAP}?\^{_GAP}?(?P<tens>[-−+]?\d{{1,2}}))?)"
)
_LATEX = (
    (re.compile(r"(?<=\d)(?=\\[dt]?frac)"), " "),
    (re.compile(r"\\[dt]?frac\s*(?:\{(\d+)\}\s*\{(\d+)\}|(\d)\s*(\d))"), r"\1\3/\2\4"),
    (re.compile(r"\\(?:times|cdot)\b"), "×"),
    (re.compile(r"\^[{(]\s*([-−+]?\d+)\s*[})]"), r"^\1"),
)
_VULGAR = re.compile(r"(\d)?([¼-¾⅐-⅞])")
_RAISED = re.compile(r"(?<=\d)([⁻⁺]?[⁰¹²³⁴-⁹]+)")


def numbers_in(text: str) -> list[str]:
    """The numbers in a text as they are written there, each with all that is joined to it; some may not be readable.

    Fractions and powers of LaTeX and of Unicode come in plain letters."""
    return [hit.group().strip() for hit in _FOUND.finditer(spelt(text))]


def tidy_number(text: str) -> str:
    """A number as plainly as it can be written: `1,200.50` becomes `1200.5`, `+07` becomes `7`, `-0` becomes `0`, `1e3`
    and `10^3` become `1000`, `1/2` becomes `0.5` and `2/6`, which no decimal equals, `1/3`.

    Raises ValueError for a text that is no number, or one that can be read in two ways (`3,14`)."""
    form = _FORM.fullmatch(spelt(text.strip()))
    if form is None:
        raise ValueError(f"{text!r} is no number")
    try:
        value = _value(form)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} is no number") from None
    return _written(-value if form["sign"] in ("-", "−") else value)


def spelt(text: str) -> str:
    """A text whose fractions and powers of numbers in LaTeX and in Unicode are written as `1/2` and `10^3`."""
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    text = _VULGAR.sub(lambda hit: (f"{hit[1]} " if hit[1] else "") + _compatible(hit[2]), text)
    return _RAISED.sub(lambda hit: f"^{_compatible(hit[1])}", text)


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("⁄", "/")


def _value(form: re.Match[str]) -> Fraction:
    """Raises ZeroDivisionError for a division by zero, ValueError for `3 5/4`, which is no way to write a number."""
    if form["whole"]:
        whole, top, bottom = (int(form[name]) for name in ("whole", "top", "bottom"))
        if top >= bottom:
            raise ValueError(f"{form.group()!r} is no number")
        return whole + Fraction(top, bottom)
    number = _plain(form["number"])
    if form["under"]:
        return number / _plain(form["under"])
    if form["power"]:
        return Fraction(number ** _whole(form["power"]))
    return number * Fraction(10) ** _whole(form["tens"] or "0")


def _plain(text: str) -> Fraction:
    return Fraction(re.sub(rf"{_GAP}|,", "", text))


def _whole(text: str) -> int:
    return int(text.replace("−", "-"))


def _written(value: Fraction) -> str:
    """As a decimal where one equals it, else as a fraction in lowest terms."""
    places = 0
    for prime in (2, 5):
        rest, times = value.denominator, 0
        while rest % prime == 0:
            rest, times = rest // prime, times + 1
        places = max(places, times)
    scaled = value * 10**places
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    return f"{Decimal(f'{scaled.numerator}e-{places}'):f}"
