"""Frames of queries → estimates, each with its n, its interval and the method that made the interval.

Called by pages, the forecast and notebooks. What most of them need can be taken from here; the rest are modules of
their own (`from fourdials.estimate import pool`), so that nobody loads what they do not use.
"""

from fourdials.estimate.curves import CENSORED_SHARE, CURVE_SCHEMA, GRID_POINTS, curves
from fourdials.estimate.differences import Difference, detectable_difference, paired_difference
from fourdials.estimate.intervals import (
    BOOTSTRAP,
    EFFECTIVE,
    LEVEL,
    NEWCOMBE,
    SMALL,
    WILSON,
    Estimate,
    Interval,
    Z,
    excluded_bounds,
    wilson,
)

__all__ = [
    "BOOTSTRAP",
    "CENSORED_SHARE",
    "CURVE_SCHEMA",
    "EFFECTIVE",
    "GRID_POINTS",
    "LEVEL",
    "NEWCOMBE",
    "SMALL",
    "WILSON",
    "Difference",
    "Estimate",
    "Interval",
    "Z",
    "curves",
    "detectable_difference",
    "excluded_bounds",
    "paired_difference",
    "wilson",
]
