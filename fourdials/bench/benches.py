"""All benches in the order they are shown, and what of a run can be laid over them."""

from __future__ import annotations

import polars as pl

from fourdials.bench.exchange import EXCHANGE, SLEEP
from fourdials.bench.measuring import FAMILY, HIDDEN, KEPT, RANGE
from fourdials.bench.overlays import OVERLAYS
from fourdials.bench.records import Bench
from fourdials.bench.sampling import ALLOCATION, VERIFIED, VOTES
from fourdials.bench.seeing import APART, LOOKS, NOTES, PRUNED, SEARCHES
from fourdials.bench.steps import BRIDGE, SNOWBALL, VERTEX, VOTED
from fourdials.bench.training import COMPOSED, ENTROPY, WIDTH
from fourdials.errors import InputError
from fourdials.store import Store

_ALL = (
    *(VOTES, VERIFIED, VOTED, SNOWBALL, VERTEX, BRIDGE, WIDTH, LOOKS, SEARCHES, NOTES, APART, PRUNED),
    *(ALLOCATION, SLEEP, EXCHANGE, RANGE, KEPT, FAMILY, HIDDEN, COMPOSED, ENTROPY),
)
BENCHES: dict[str, Bench] = {bench.name: bench for bench in _ALL}


def laid_over(store: Store, bench: Bench, experiment_id: str, arm: str, task: str | None = None) -> pl.DataFrame:
    """What a run says, in the bench's axes.

    Args:
        store: Where the run is.
        bench: One with an `overlay`.
        experiment_id: The run.
        arm: An arm that fits it.
        task: One of its tasks; None for all.

    Returns:
        Columns of `LINE_SCHEMA`: the points measured, with intervals over problems, and the bench's closed form at what
        the run itself shows, or with nothing fitted.

    Raises:
        InputError: The bench takes no data, or the run does not say enough.
    """
    if bench.overlay is None:
        raise InputError(f"no run's data can be laid over {bench.title}; choose another bench")
    return OVERLAYS[bench.overlay].read(store, experiment_id, arm, task)
