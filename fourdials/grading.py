"""Reads answers off replies, and compares plain answers. Tasks grade with it, the engine extracts with it."""

from __future__ import annotations

import re

from fourdials.records import Prompt

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def extract(prompt: Prompt, text: str) -> str | None:
    """The answer in a reply, or None if none can be read.

    What stands after the last `prompt.mark` counts, or the whole reply if there is no mark in it. `choice` reads the
    one choice that is named there (the last one, if several are named on different lines; None if the last such line
    names several), `number` the last number, `text` the first line that is not empty, `nothing` always gives None.
    """
    if prompt.mark and prompt.mark.casefold() in text.casefold():
        text = text[text.casefold().rindex(prompt.mark.casefold()) + len(prompt.mark) :]
    if prompt.reads == "number":
        numbers: list[str] = _NUMBER.findall(text)
        return tidy_number(numbers[-1]) if numbers else None
    if prompt.reads == "choice":
        return _choice(text, prompt.choices)
    if prompt.reads == "text":
        return next((line.strip() for line in text.splitlines() if line.strip()), None)
    return None


def _choice(text: str, choices: tuple[str, ...]) -> str | None:
    plain = {normal(choice): choice for choice in choices}
    if normal(text) in plain:
        return plain[normal(text)]
    for line in reversed(text.splitlines()):
        named = [choice for choice in choices if re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", line, re.IGNORECASE)]
        longest = [c for c in named if not any(c != other and c.casefold() in other.casefold() for other in named)]
        if longest:
            return longest[0] if len(longest) == 1 else None
    return None


def tidy_number(text: str) -> str:
    """A number without thousands separators, trailing zeros or a trailing point: `1,200.50` becomes `1200.5`."""
    plain = text.replace(",", "")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def normal(text: str) -> str:
    """Casefolded, single-spaced, without surrounding punctuation: what two equal plain answers share."""
    return " ".join(text.split()).strip(" .,;:!?\"'`*()[]").casefold()
