"""The families of curves a score may follow over spend, each as straight lines on a grid of its other parameters.

Called by `fits`, which chooses among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fourdials.estimate.intervals import Array


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family with its non-linear parameters fixed: value = base(T) + X(T) · b, and which b are allowed.

    `asymptote` gives the value at endless spend from b; None where the family has none.
    """

    base: Callable[[Array], Array]
    columns: Callable[[Array], Array]
    allowed: Callable[[Array], NDArray[np.bool_]]
    asymptote: Callable[[Array], Array] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A family: its name, its number of free parameters, its candidates, and finer ones around the best of those."""

    name: str
    parameters: int
    candidates: tuple[Candidate, ...]
    near: Callable[[int], tuple[Candidate, ...]] | None = None


def families(spends: Array) -> dict[str, Family]:
    """The families, for spends of this range; values stay between 0 and 1 where the family has an asymptote.

    constant: A · logarithm: a + b ln T · power: A − B T^−γ · exponential: A (1 − e^(−T/τ)) ·
    logistic: A / (1 + e^(−(ln T − m)/s)) · quadratic: a + b ln T + c (ln T)², which can decline.
    """
    low, high = float(np.log(spends[0])), float(np.log(spends[-1]))
    span, scale = high - low, float(np.exp((low + high) / 2))
    powers = [_power(gamma, scale) for gamma in np.geomspace(0.02, 8, 80)]
    rates = [_rising(tau) for tau in np.geomspace(spends[0] / 20, spends[-1] * 20, 160)]
    places = [(m, w) for m in np.linspace(low - 0.5 * span, high + span, 30) for w in np.geomspace(0.03, 2, 16) * span]

    def near(i: int) -> tuple[Candidate, ...]:
        middle, width = places[i // 2]
        middles, widths = middle + np.linspace(-0.05, 0.05, 9) * span, width * np.geomspace(0.78, 1.28, 7)
        return tuple(c for m in middles for w in widths for c in _logistic(m, w))

    found = [
        Family("constant", 1, (_line(0, scale),)),
        Family("logarithm", 2, (_line(1, scale),)),
        Family("power", 3, tuple(c for both in powers for c in both)),
        Family("exponential", 2, tuple(c for both in rates for c in both)),
        Family("logistic", 3, tuple(c for place in places for c in _logistic(*place)), near),
        Family("quadratic", 3, (_line(2, scale),)),
    ]
    return {family.name: family for family in found}


def _line(degree: int, scale: float) -> Candidate:
    def columns(t: Array) -> Array:
        return np.stack([np.log(t / scale) ** i for i in range(degree + 1)], axis=1)

    ends = (lambda b: b[:, 0]) if degree == 0 else None
    return Candidate(_nothing, columns, lambda b: np.ones(len(b), dtype=bool), ends)


def _power(gamma: float, scale: float) -> tuple[Candidate, Candidate]:
    """A − B (T/scale)^−γ with A free, and with A = 1."""

    def falling(t: Array) -> Array:
        return -((t / scale) ** -gamma)

    free = Candidate(
        _nothing,
        lambda t: np.stack([np.ones_like(t), falling(t)], axis=1),
        lambda b: (b[:, 0] >= 0) & (b[:, 0] <= 1) & (b[:, 1] >= 0),
        lambda b: b[:, 0],
    )
    full = Candidate(np.ones_like, lambda t: falling(t)[:, None], lambda b: b[:, 0] >= 0, lambda b: np.ones(len(b)))
    return free, full


def _rising(tau: float) -> tuple[Candidate, Candidate]:
    """A (1 − e^(−T/τ)) with A free, and with A = 1."""
    return _scaled(lambda t: -np.expm1(-t / tau))


def _logistic(middle: float, width: float) -> tuple[Candidate, Candidate]:
    """A / (1 + e^(−(ln T − m)/s)) with A free, and with A = 1."""
    return _scaled(lambda t: 1 / (1 + np.exp(-(np.log(t) - middle) / width)))


def _scaled(shape: Callable[[Array], Array]) -> tuple[Candidate, Candidate]:
    free = Candidate(
        _nothing, lambda t: shape(t)[:, None], lambda b: (b[:, 0] >= 0) & (b[:, 0] <= 1), lambda b: b[:, 0]
    )
    full = Candidate(
        shape, lambda t: np.empty((len(t), 0)), lambda b: np.ones(len(b), dtype=bool), lambda b: np.ones(len(b))
    )
    return free, full


def _nothing(t: Array) -> Array:
    return np.zeros_like(t)
