"""What the arguments of a closed form may be; anything else is an InputError that says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fourdials.errors import InputError

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def numbers(name: str, values: ArrayLike, low: float, high: float, allowed: str) -> Array:
    """Numbers from `low` to `high`, both included; NaN is none."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} = {values!r} is no number; it must be {allowed}") from None
    outside = ~((found >= low) & (found <= high))
    if outside.any():
        raise InputError(f"{name} = {found[outside].flat[0]:g} must be {allowed}")
    return found


def probabilities(name: str, values: ArrayLike) -> Array:
    """Probabilities, from 0 to 1."""
    return numbers(name, values, 0.0, 1.0, "a probability from 0 to 1")


def probability(name: str, value: float) -> float:
    """One probability."""
    return single(name, probabilities(name, value))


def counts(name: str, values: ArrayLike, least: int = 0, most: int = 2**53) -> Ints:
    """Whole numbers from `least` to `most`."""
    allowed = f"a whole number from {least} " + ("on" if most == 2**53 else f"to {most}")
    found = numbers(name, values, least, most, allowed)
    if (found != np.floor(found)).any():
        raise InputError(f"{name} = {found[found != np.floor(found)].flat[0]:g} must be {allowed}")
    return found.astype(np.int64)


def count(name: str, value: float, least: int = 0, most: int = 2**53) -> int:
    """One whole number."""
    return int(single(name, counts(name, value, least, most)))


def amounts(name: str, values: ArrayLike) -> Array:
    """Finite numbers from 0 on: tokens, weights, prices."""
    return numbers(name, values, 0.0, np.finfo(np.float64).max, "a finite number from 0 on")


def single(name: str, values: Array | Ints) -> float:
    """The one number of an array; raises InputError if there are more."""
    if values.ndim:
        raise InputError(f"{name} has the shape {values.shape}; one number is wanted")
    return float(values)
