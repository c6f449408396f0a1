"""Answers that a scorer of reasoning-gym would run as code, let through only where they cannot be any.

Some scorers hand an answer to Python's or SymPy's evaluation. What a model wrote is never run: such an answer has to be
a plain list or a plain formula, or it counts as one that cannot be read.
"""

from __future__ import annotations

import re

_LISTS = frozenset({"string_insertion", "spiral_matrix", "binary_matrix", "n_queens"})
_SUMS = frozenset({"countdown", "puzzle24"})
_FORMULAS = frozenset({"simple_integration", "intermediate_integration", "polynomial_multiplication"})
EVALUATED = _LISTS | _SUMS | _FORMULAS

# Without the brackets of a call, dots, braces or underscores in words there is nothing to call and nothing to reach;
# without towers of powers nothing takes forever.
_LIST = re.compile(r"(?:[\[\],'\"\s-]|\d{1,9}(?!\d)|\b[A-Za-z]{1,400}\b|(?<![\w.])_(?![\w.]))*")
_SUM = re.compile(r"(?!.*\*\s*\*)(?!.*/\s*/)(?:[-+*/()\s]|\d{1,9}(?:\.\d{1,6})?(?![\d.]))*", re.DOTALL)
_NAMES = "exp|log|ln|sqrt|sin|cos|tan|sec|csc|cot|asin|acos|atan|sinh|cosh|tanh|pi|Abs|[A-Za-z]"
_POWER = r"\*\*\s*(?:[A-Za-z]|-?\d{1,2}|\(\s*-?\d{1,2}\s*(?:/\s*\d{1,2}\s*)?\))(?![\w.(]|\s*\*\*)"
_FORMULA = re.compile(rf"(?:{_POWER}|(?!\*\s*\*)[-+*/()\s]|\d{{1,9}}(?:\.\d{{1,6}})?(?![\w.])|\b(?:{_NAMES})\b)*")
_LONGEST = 2000  # characters


def may_be_scored(generator: str, answer: str) -> bool:
    """True if the generator's scorer does not evaluate answers, or if this one is a plain list or formula."""
    shape = _LIST if generator in _LISTS else _SUM if generator in _SUMS else _FORMULA
    if generator not in EVALUATED:
        return True
    return len(answer) <= _LONGEST and shape.fullmatch(answer) is not None
