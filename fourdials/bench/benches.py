"""All benches in the order they are shown, and what of a run can be laid over them."""

from __future__ import annotations

import polars as pl

from fourdials import query, regrade, theory
from fourdials.bench.exchange import EXCHANGE, SLEEP
from fourdials.bench.measuring import FAMILY, HIDDEN, KEPT, RANGE
from fourdials.bench.records import LINE_SCHEMA, Bench, lines
from fourdials.bench.sampling import ALLOCATION, VERIFIED, VOTES
from fourdials.bench.seeing import APART, LOOKS, NOTES, PRUNED, SEARCHES
from fourdials.bench.steps import BRIDGE, SNOWBALL, VERTEX, VOTED
from fourdials.bench.training import COMPOSED, ENTROPY, WIDTH
from fourdials.errors import InputError
from fourdials.estimate import pool
from fourdials.estimate.extrapolation import fit_beta
from fourdials.store import Store

_ALL = (
    *(VOTES, VERIFIED, VOTED, SNOWBALL, VERTEX, BRIDGE, WIDTH, LOOKS, SEARCHES, NOTES, APART, PRUNED),
    *(ALLOCATION, SLEEP, EXCHANGE, RANGE, KEPT, FAMILY, HIDDEN, COMPOSED, ENTROPY),
)
BENCHES: dict[str, Bench] = {bench.name: bench for bench in _ALL}


def laid_over(store: Store, bench: Bench, experiment_id: str, arm: str, task: str | None = None) -> pl.DataFrame:
    """What a run's stored samples say, in the bench's axes.

    Args:
        store: Where the run is.
        bench: One with an `overlay`.
        experiment_id: The run.
        arm: An arm that samples side by side.
        task: One of its tasks; None for all.

    Returns:
        Columns of `LINE_SCHEMA`: the points measured, with intervals over problems, and the bench's closed form at the
        rate and the correlation fitted to the same samples.

    Raises:
        InputError: The bench takes no data, or the arm has no pool that may be used.
    """
    if bench.overlay is None:
        raise InputError(f"no run's data can be laid over {bench.title}; choose another bench")
    tasks = {} if task is None else {"tasks": [task]}
    samples = query.run(store, "pool_samples", experiment_ids=[experiment_id], **tasks)
    grade = regrade.grades_without_calls(store, experiment_id)
    held = pool.read(pool.graded(samples, grade), experiment_id, arm)
    majority = bench.overlay == "majority"
    found = pool.selection(held, "majority") if majority else pool.coverage(held)
    said = "this run, majority vote" if majority else "this run, any of its samples right"
    measured = found.select(line=pl.lit(said), kind=pl.lit("points"), x="k", y="value", low="low", high="high").select(
        pl.col(name).cast(of) for name, of in LINE_SCHEMA.items()
    )
    right = held.right.sum(axis=1)
    if right.sum() in (0, held.right.size):
        return measured  # no spread can be fitted to samples that are all alike
    fitted = fit_beta(right, held.samples)
    p, rho = fitted.a / (fitted.a + fitted.b), 1 / (fitted.a + fitted.b + 1)
    ks = list(range(1, int(measured["x"].max()) + 1))  # type: ignore[arg-type]
    form = theory.majority_vote(p, ks, rho) if majority else theory.coverage(p, ks, rho)
    return pl.concat([measured, lines((f"closed form at p = {p:.2f}, ρ = {rho:.2f}", "dash", ks, form))])
