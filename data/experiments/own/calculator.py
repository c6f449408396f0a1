"""A tool of one's own: it works out sums such as `12 * 34`."""

import re

SUM = re.compile(r"\s*(-?\d{1,9})\s*([-+*])\s*(-?\d{1,9})\s*")


def calculate(text: str) -> str:
    """A calculator works out one sum of two whole numbers at a time.

    Action: 12 * 34
    408
    """
    found = SUM.fullmatch(text)
    if found is None:
        return "That is no sum of two numbers."
    left, sign, right = int(found[1]), found[2], int(found[3])
    return str({"+": left + right, "-": left - right, "*": left * right}[sign])
