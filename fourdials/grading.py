"""Reads answers off replies, and compares plain answers. Tasks grade with it, the engine extracts with it."""

from __future__ import annotations

import re

from fourdials.records import Prompt

# A sign counts only where it cannot be a minus between two operands (`3-2`) or a hyphen (`GPT-4`, `10 - 3`).
_NUMBER = re.compile(
    r"(?:(?<![\w.)\]%])(?<![\w.)\]%]\s)[-−+])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+"
)


def extract(prompt: Prompt, text: str) -> str | None:
    """The answer in a reply, or None if none can be read.

    What stands after the last `prompt.mark` counts (the mark is matched whatever its case), or the whole reply if
    there is no mark in it. `choice` reads the one choice that is named there (the last line that names any decides;
    None if that line names several), `number` the last number, or the first after a mark, `text` the first line that
    is not empty, `block` all of it, and `nothing` always gives None. A reply of several lines that lacks its mark has
    no `text` answer: it is a thought that never came to its end.
    """
    rest = _after_mark(text, prompt.mark)
    body = text if rest is None else rest
    if prompt.reads == "number":
        numbers: list[str] = _NUMBER.findall(body)
        return tidy_number(numbers[-1] if rest is None else numbers[0]) if numbers else None
    if prompt.reads == "choice":
        return named(body, prompt.choices)
    if prompt.reads == "text":
        lines = [line.strip() for line in body.splitlines() if line.strip()]
        if prompt.mark and rest is None and len(lines) > 1:
            return None
        return lines[0] if lines else None
    if prompt.reads == "block":
        return body.strip() or None
    return None


def _after_mark(text: str, mark: str) -> str | None:
    """What follows the last mark, searched in the text itself: casefolding may change its length (`ß`, `İ`)."""
    if not mark:
        return None
    found = list(re.finditer(re.escape(mark), text, re.IGNORECASE))
    return text[found[-1].end() :] if found else None


def named(text: str, choices: tuple[str, ...]) -> str | None:
    """The one choice named in a text: the text itself, or the only one in the last line that names any; else None.

    A choice counts as named where it stands as whole words; one inside a longer one that is named there (`back` in
    `go back`) does not count."""
    plain = {normal(choice): choice for choice in choices}
    if normal(text) in plain:
        return plain[normal(text)]
    for line in reversed(text.splitlines()):
        found = _spans(line, choices)
        outer = {
            choice
            for start, end, choice in found
            if not any(a <= start and end <= b and b - a > end - start for a, b, _ in found)
        }
        if outer:
            return outer.pop() if len(outer) == 1 else None
    return None


def _spans(line: str, choices: tuple[str, ...]) -> list[tuple[int, int, str]]:
    return [
        (hit.start(), hit.end(), choice)
        for choice in choices
        if choice.strip()
        for hit in re.finditer(rf"(?<!\w){re.escape(choice.strip())}(?!\w)", line, re.IGNORECASE)
    ]


def tidy_number(text: str) -> str:
    """A number without plus sign, thousands separators, trailing zeros or a trailing point: `1,200.50` becomes
    `1200.5`, `-0` becomes `0`."""
    plain = text.strip().replace(",", "").replace("−", "-").removeprefix("+")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    whole, point, part = digits.partition(".")
    digits = (whole.lstrip("0") or "0") + point + part
    return digits if digits == "0" else sign + digits


def normal(text: str) -> str:
    """Casefolded, single-spaced, without surrounding punctuation: what two equal plain answers share."""
    return " ".join(text.split()).strip(" .,;:!?\"'`*()[]").casefold()
