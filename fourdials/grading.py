"""Reads answers off replies, and compares plain answers. Tasks grade with it, the engine extracts with it."""

from __future__ import annotations

import re
from functools import lru_cache

from fourdials.numerals import numbers_in, tidy_number
from fourdials.records import Prompt

__all__ = ["extract", "named", "normal", "tidy_number"]  # the last for tasks, which need not know where it is from

_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)


def extract(prompt: Prompt, text: str) -> str | None:
    """The answer in a reply, or None if none can be read.

    What stands after the last `prompt.mark` counts (the mark is matched whatever its case), or the whole reply if
    there is no mark in it. `choice` reads the one choice that is named there (the last line that names any decides;
    None if that line names several), `number` the last number, or the first after a mark (None
    if that is part of something else, as in `3,14` or `x^2`; see `numerals`), `text` the first line that
    is not empty, `block` all of it, and `nothing` always gives None. A reply of several lines that lacks its mark has
    no `text` answer: it is a thought that never came to its end.
    """
    rest = _after_mark(text, prompt.mark)
    body = text if rest is None else rest
    if prompt.reads == "number":
        return _number(body, first=rest is not None)
    if prompt.reads == "choice":
        return named(body, prompt.choices)
    if prompt.reads == "text":
        lines = [plain for line in body.splitlines() if (plain := _unmarked(line))]
        if prompt.mark and rest is None and len(lines) > 1:
            return None
        return lines[0] if lines else None
    if prompt.reads == "block":
        return _unmarked(_FENCE.sub("", body)) or None
    return None


def _number(text: str, first: bool) -> str | None:
    """The last number of a text; or the first of its first line with any, after the last `=` there. None if that one
    cannot be read whole."""
    if first:
        text = next((line for line in text.splitlines() if numbers_in(line)), "")
        after = text[text.rindex("=") + 1 :] if "=" in text else text
        text = after if numbers_in(after) else text
    found = numbers_in(text)
    try:
        return tidy_number(found[0 if first else -1]) if found else None
    except ValueError:
        return None


def _unmarked(text: str) -> str:
    """Without surrounding space and the marks of bold type or code (`**Ann**`, or `** Ann` after `**Answer:`)."""
    return text.strip().removeprefix("**").removesuffix("**").strip().removeprefix("`").removesuffix("`").strip()


def _after_mark(text: str, mark: str) -> str | None:
    """What follows the last mark, searched in the text itself: casefolding may change its length (`ß`, `İ`)."""
    if not mark:
        return None
    found = list(re.finditer(re.escape(mark), text, re.IGNORECASE))
    return text[found[-1].end() :] if found else None


def named(text: str, choices: tuple[str, ...]) -> str | None:
    """The one choice named in a text: the text itself, or the only one in the last line that names any; else None.

    A choice counts as named where it stands as whole words or a whole number; one inside a longer one that is named
    there (`back` in `go back`) does not count. Case matters only where it helps to tell choices apart."""
    if text.strip() in choices:
        return text.strip()
    same = {choice for choice in choices if normal(choice) and normal(choice) == normal(text)}
    if same:
        return same.pop() if len(same) == 1 else None
    for line in reversed(text.splitlines()):
        found = _outermost(line, choices, re.NOFLAG) or _outermost(line, choices, re.IGNORECASE)
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _outermost(line: str, choices: tuple[str, ...], flags: re.RegexFlag) -> set[str]:
    spans = [
        (hit.start(), hit.end(), choice)
        for choice in choices
        if choice.strip()
        for hit in _whole(choice.strip(), flags).finditer(line)
    ]
    return {
        choice
        for start, end, choice in spans
        if not any(a <= start and end <= b and b - a > end - start for a, b, _ in spans)
    }


@lru_cache(maxsize=4096)  # the same few choices are looked for in every sample
def _whole(choice: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """The pattern of a choice that is not part of a longer word; a number also not of `-3`, `3.5` or `1,300`."""
    before = r"(?<![\w-])(?<!\d[.,])" if choice[0].isdigit() else r"(?<!\w)"
    after = r"(?!\w)(?![.,]\d)" if choice[-1].isdigit() else r"(?!\w)"
    return re.compile(before + re.escape(choice) + after, flags)


def normal(text: str) -> str:
    """Casefolded, single-spaced, without surrounding punctuation: what two equal plain answers share."""
    return " ".join(text.split()).strip(" .,;:!?\"'`*()[]").casefold()
