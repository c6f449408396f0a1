"""What was trained in: compositions learned by heart or made of parts, and reward that is bought with entropy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fourdials.theory.ranges import Array, amounts, count, counts, numbers, probability


def by_heart(rules: int, length: ArrayLike, shown: float) -> Array:
    """The share of compositions that were met in training: 1 − (1 − R^−L)^n.

    There are R^L ways to apply one of R rules L times; n examples were drawn, each way as likely. A model that only
    knows what it was shown is right so often on a composition drawn anew. The occupancy of boxes by balls.

    Args:
        rules: R, from 1 on.
        length: L, rules applied one after the other; from 0 to 100.
        shown: n, examples; from 0 on.
    """
    each, number = count("rules", rules, least=1, most=1000), amounts("shown", shown)
    ways = np.float64(each) ** counts("length", length, most=100)
    with np.errstate(divide="ignore", invalid="ignore"):
        missed = np.where(number == 0, 1.0, np.exp(number * np.log1p(-1 / ways)))
    return np.asarray(1 - missed, dtype=np.float64)


def entropy_reward(entropy: ArrayLike, price: float, ceiling: float) -> Array:
    """The score of a policy by the entropy it has left: R = −a·e^H + b, so that R = b − a once nothing is left.

    A law fitted to training runs (Cui et al. 2025, arXiv 2505.22617); its two numbers belong to a model and its data.

    Args:
        entropy: H in nats per token, from 0 on.
        price: a, what entropy is exchanged for; from 0 on.
        ceiling: The score b − a at which entropy is used up, from 0 to 1.
    """
    left, a = numbers("entropy", entropy, 0.0, 50.0, "a number from 0 to 50"), float(amounts("price", price))
    return np.asarray(probability("ceiling", ceiling) + a - a * np.exp(left), dtype=np.float64)
