"""Rules on rows of letters in 32 signs: what the scale models of `letter_shift` read and write, one token a character.

    ABCD|st=     CDEB;           the answer at once
    ABCD|st>     BCDE=CDEB;      the row after each rule but the last, `>` between them, then `=` and the answer
    st|ABCD>     the same in the other format, which they were not taught

`s` is the rule `shift`, `t` is `turn`.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

LETTERS = string.ascii_uppercase
SIGNS = {"shift": "s", "turn": "t"}
ALPHABET = LETTERS + "".join(SIGNS.values()) + "|>=;"
END = ";"


def apply(rule: str, row: str, shift: int, turn: int) -> str:
    """A row after one rule; characters that are no capital letters are dropped."""
    letters = [letter for letter in row if letter in LETTERS]
    if rule == "shift":
        return "".join(LETTERS[(LETTERS.index(letter) + shift) % len(LETTERS)] for letter in letters)
    cut = turn % len(letters) if letters else 0
    return "".join(letters[cut:] + letters[:cut])


def rows(rules: Sequence[str], row: str, shift: int, turn: int) -> list[str]:
    """The row after each of the rules in turn; empty for no rules."""
    found = []
    for rule in rules:
        row = apply(rule, row, shift, turn)
        found.append(row)
    return found


def asked(row: str, rules: Sequence[str], other_format: bool = False) -> str:
    """A question without its last sign: `ABCD|st`, or `st|ABCD` in the other format."""
    signs = "".join(SIGNS[rule] for rule in rules)
    return f"{signs}|{row}" if other_format else f"{row}|{signs}"


def thought(found: Sequence[str]) -> str:
    """What is replied to a question that ends with `>`; `found` are the rows after each rule, at least one."""
    return f"{'>'.join(found[:-1])}={found[-1]}{END}"
