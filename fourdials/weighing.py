"""Runs in the database → a verdict on each claim of the literature, with its reasons. Called by Learn.

A run counts for the claims that its experiment file names (a run of a file as it was before it named any, for those it
names now); real models and scale models are judged apart, simulated ones never. Where several runs of a kind name a
claim the one with the most problems speaks, the newer one where they are level, and the others are listed: a choice
that does not look at outcomes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import polars as pl

from fourdials import query, regrade, spec
from fourdials.errors import InputError
from fourdials.store import Store
from fourdials.verdict import EXPERIMENTS, ORIGINS, Claim, Evidence, Finding, Grade, claims, of_runs


def findings(store: Store) -> dict[str, dict[str, Finding]]:
    """The verdict on every claim: claim id → origin → finding, from the runs in the database alone."""
    weigh = weigher(store)
    return {claim: weigh(claim) for claim in claims()}


def weigher(store: Store) -> Callable[[str], dict[str, Finding]]:
    """What gives the verdict on a claim by its id: origin → finding, from the runs in the database as they are now.

    What several claims ask of a run is read once, and a verdict is found once.
    """
    runs = runs_by_claim(store)
    kept: dict[str, pl.DataFrame] = {}
    found: dict[str, dict[str, Finding]] = {}

    def read(name: str, **params: Any) -> pl.DataFrame:
        asked = f"{name} {json.dumps(params, sort_keys=True)}"
        frame = kept.get(asked)
        if frame is None:
            frame = kept[asked] = query.run(store, name, **params)
        return frame

    @cache
    def grader(experiment_id: str) -> Grade | None:
        try:
            return regrade.grades_without_calls(store, experiment_id)
        except InputError:  # its file cannot be read any more: samples that were graded then still count
            return None

    def of(claim: Claim, origin: str) -> Finding:
        own = [run for run in runs[claim.id] if run["origin"] == origin]
        return of_runs(claim, origin, own, lambda run: Evidence(run, origin, read, partial(grader, run)))

    def weigh(claim: str) -> dict[str, Finding]:
        if claim not in found:
            found[claim] = {origin: of(claims()[claim], origin) for origin in ORIGINS}
        if len(found) == len(claims()):
            kept.clear()  # nobody will ask again
            grader.cache_clear()
        return found[claim]

    return weigh


def runs_by_claim(store: Store) -> dict[str, list[dict[str, Any]]]:
    """For each claim the runs that count for it, rows of the query `claim_runs`, the one that speaks first."""
    rows = query.run(store, "claim_runs").to_dicts()
    named = {_same(data): data["claims"] for data in map(spec.load, EXPERIMENTS.glob("*.toml")) if "claims" in data}
    found: dict[str, list[dict[str, Any]]] = {claim: [] for claim in claims()}
    for row in rows:
        for claim in row["claims"] or named.get(_same(json.loads(row["spec"])), []):
            found.get(claim, []).append(row)
    return found


def _same(data: Mapping[str, Any]) -> str:
    """What two experiments have in common that ask the same: everything but claims, model, seed, repeats and budget."""
    left_out = ("claims", "model", "seed", "repeats", "budget")
    return spec.digest({key: value for key, value in data.items() if key not in left_out})
