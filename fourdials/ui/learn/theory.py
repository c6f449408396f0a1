"""Theory: closed forms and simulators with sliders, each with its formula, its source, and a run laid over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fourdials.bench import BENCHES, OVERLAYS, Bench
from fourdials.ui import controls, data, words
from fourdials.ui.learn import knobs

if TYPE_CHECKING:
    import polars as pl

ORIGINS = {"real": "real models", "scale model": "a scale model, trained on this task", "simulated": "simulated models"}


def show() -> None:
    """One bench at a time; which one is in the URL, and where its knobs stand."""
    name = controls.linked_choice(
        st.selectbox,
        "Question",
        list(BENCHES),
        param="bench",
        default=next(iter(BENCHES)),
        format_func=lambda each: f"{BENCHES[each].title}: {BENCHES[each].question}",
    )
    bench = BENCHES[name]
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.latex(bench.formula)
        st.caption(f"Source: {words.plain(bench.source)}")
        st.caption(f"Assumes: {words.plain(bench.assumes)}")
        values = knobs.turned(bench, name, {})
        over, note = _laid_over(bench) if bench.overlay else (None, "")
    with right:
        knobs.drawn(name, values, f"theory.chart.{name}", over, note)
        if bench.slow is not None:
            knobs.play(bench, values, "theory.play")


def _laid_over(bench: Bench) -> tuple[pl.DataFrame | None, str]:
    """The data of a run that the reader chose, and what the figure says of it; nothing if none was chosen."""
    assert bench.overlay is not None
    held = knobs.fitting_arms(bench)
    if held.is_empty():
        st.caption(f"A run can be laid over this figure: {OVERLAYS[bench.overlay].told}. None fits yet.")
        return None, ""
    rows = {f"{row['experiment_id']}/{row['arm']}": row for row in held.iter_rows(named=True)}
    told = {key: f"{row['name']} · {row['arm']}" for key, row in rows.items()}
    if len(set(told.values())) < len(told):  # runs of one name
        runs = controls.labels(data.frame("experiments").iter_rows(named=True))
        told = {key: f"{runs[row['experiment_id']]} · {row['arm']}" for key, row in rows.items()}
    chosen = st.selectbox(
        "Lay over my run",
        [None, *rows],
        format_func=lambda key: "none" if key is None else told[key],
        key=f"theory.over.{bench.name}",
    )
    if chosen is None:
        return None, ""
    row = rows[chosen]
    found = knobs.over_run(bench.name, row["experiment_id"], row["arm"])
    if isinstance(found, str):
        st.warning(words.plain(found))
        return None, ""
    kind = f"{'recorded run' if row['recorded'] else 'run'} of {ORIGINS[row['origin']]}"
    samples = f", {row['most']} samples a problem" if row["most"] else ""
    return found, f"points: {row['name']}, a {kind}{samples}: {OVERLAYS[bench.overlay].told}"
