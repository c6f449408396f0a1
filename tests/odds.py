"""What tests of closed forms share: rates to draw, and whether a Monte Carlo count is plausible.

Monte Carlo comparisons accept an exact two-sided binomial p-value above .001 at a fixed seed: right code fails once in
a thousand seeds, and each says how far off a wrong one would have to be to slip through.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from scipy.stats import binomtest

rates = st.floats(0.01, 0.99)
settings.register_profile("untimed", deadline=None)  # nothing timed is asserted: the machine may be busy
settings.load_profile("untimed")


def plausible(right: int, trials: int, expected: float) -> bool:
    """True if so many successes are no surprise (p > .001) at the expected rate."""
    return binomtest(right, trials, min(1.0, max(0.0, expected))).pvalue > 0.001
