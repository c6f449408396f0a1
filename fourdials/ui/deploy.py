"""What somebody who deploys an arm states (limits, traffic), and how the answers read. Part of Compare's Frontier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from fourdials.figures import numbers
from fourdials.ui import words

if TYPE_CHECKING:
    import polars as pl

SHOWN = 12
LATENCIES = {"modelled_s": "modelled", "critical_path_s": "realised"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked of an arm: at least a score in [0, 1], at most mean dollars and p95 seconds (None: no limit)."""

    score: float
    usd: float | None
    p95_s: float | None
    latency: str


def warn_unlike(arms: pl.DataFrame) -> None:
    """Says so where the arms weighed (rows of the query `arms`) are given different things to see."""
    from fourdials.figures import status

    if told := status.unlike(arms):
        st.warning(
            f"Not the same problem: {words.plain(told)}. This says what to deploy where each of them could be.",
            icon=":material/visibility:",
        )


def ask_limits(table: pl.DataFrame) -> Limits:
    """Four fields, kept in the URL. At first the score is one that about half of the points reach."""
    one, two, three, four = st.columns(4, vertical_alignment="bottom")
    middle = round(100 * float(table["value"].median() or 0.5))  # type: ignore[arg-type]
    score = one.number_input("Score of at least (%)", 0, 100, middle, 1, key="score", bind="query-params")
    usd = two.number_input(
        "At most USD a request",
        0.0,
        None,
        None,
        0.001,
        format="%.6g",
        key="usd",
        bind="query-params",
        placeholder="any",
    )
    p95_s = three.number_input(
        "p95 of at most (s)", 0.0, None, None, 0.1, key="p95", bind="query-params", placeholder="any"
    )
    latency = four.selectbox(
        "Seconds", list(LATENCIES), format_func=LATENCIES.__getitem__, key="latency", bind="query-params"
    )
    return Limits(score / 100, usd, p95_s, latency)


def answer(found: pl.DataFrame, asked: Limits) -> None:
    """Which point keeps the limits, how sure that is, and the others."""
    if asked.usd is not None and found["usd"].null_count() == found.height:
        st.info("No price is known for the models of this run, so no arm can be said to keep a limit in dollars.")
        return
    best = found.row(0, named=True)
    wanted = [f"{numbers.percent(asked.score)} or more"]
    wanted += [] if asked.usd is None else [f"within {numbers.usd(asked.usd)}"]
    wanted += [] if asked.p95_s is None else [f"p95 within {numbers.seconds(asked.p95_s)}"]
    limits = ", ".join(wanted)
    n = f"{best['n']} problems, {best['method']}"
    if best["probability"] < 0.5:
        st.text(f"No point is likely to keep {limits}: the nearest does in {share(best['probability'])} ({n}).")
    else:
        told = f"{best['label']} keeps {limits} in {share(best['probability'])} ({n}). "
        held = best["low"] >= asked.score
        told += f"Allowing for its being picked among {found.height} points, its score is "
        told += f"{numbers.percent(best['low'])} to {numbers.percent(best['high'])}"
        st.text(told + (": the answer holds." if held else ", so more problems would make it surer."))
    rows = [
        {
            "arm and level": row["label"],
            "keeps the limits in": numbers.percent(row["probability"]),
            "score": numbers.percent(row["value"]),
            "band": f"{numbers.percent(row['low'])} to {numbers.percent(row['high'])}",
            "USD a request": numbers.usd(row["usd"]),
            f"p95, {LATENCIES[asked.latency]}": numbers.seconds(row["p95_s"]),
        }
        for row in found.head(SHOWN).iter_rows(named=True)
    ]
    st.dataframe(rows, hide_index=True)


def share(probability: float) -> str:
    """A share of resamples: `97 % of resamples`."""
    return f"{numbers.percent(probability)} of resamples"


def ask_traffic(tasks: tuple[str, ...]) -> tuple[float, tuple[tuple[str, float], ...]]:
    """Requests a day, and the share of each task in them where there are several; no shares mean those of the run."""
    requests = st.number_input("Requests a day", 0, None, 1000, 100, key="requests", bind="query-params")
    if len(tasks) < 2:
        return float(requests), ()
    places = st.columns(min(4, len(tasks)))
    shares = [
        (
            task,
            float(places[i % len(places)].number_input(f"Share of {words.plain(task)} (%)", 0, 100, 100 // len(tasks))),
        )
        for i, task in enumerate(tasks)
    ]
    return float(requests), tuple(shares)


def bill(found: pl.DataFrame, requests: float, told: str) -> None:
    """The bill of every point, cheapest first; `told` says by which prices."""
    rows = [
        {
            "arm and level": row["label"],
            "score": numbers.percent(row["score"]),
            "USD a month": numbers.usd(row["value"]),
            "95 % interval": f"{numbers.usd(row['low'])} to {numbers.usd(row['high'])}",
            "n": row["n"],
        }
        for row in found.iter_rows(named=True)
    ]
    st.dataframe(rows, hide_index=True, height=300)
    method = found["method"][0]
    st.caption(f"{words.count(requests)} requests a day for 30.4 days {told}; {method}.")
