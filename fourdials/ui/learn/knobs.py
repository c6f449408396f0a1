"""A bench as widgets: its sliders, the figure they give, a run laid over it. Called by Theory and lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from fourdials.bench import BENCHES, OVERLAYS, Bench, Knob, Played, laid_over
from fourdials.errors import InputError
from fourdials.home import home
from fourdials.ui import chart, data, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.store import Store


def turned(bench: Bench, prefix: str, start: Mapping[str, float]) -> dict[str, float]:
    """Draws a slider per knob, two in a row, and returns their values.

    They stand in the URL as `prefix.name`, so that a link shows the same setting.
    """
    at = bench.settings(start)
    values = {}
    for first in range(0, len(bench.knobs), 2):
        for knob, column in zip(bench.knobs[first : first + 2], st.columns(2), strict=False):
            with column:
                values[knob.name] = _slider(knob, f"{prefix}.{knob.name}", at[knob.name])
    return values


def _slider(knob: Knob, key: str, at: float) -> float:
    if knob.choices:
        options = [int(each) if knob.whole else each for each in knob.choices]
        chosen: float = st.select_slider(
            knob.label, options, value=at, key=key, help=knob.help or None, format_func=knob.told, bind="query-params"
        )
        return chosen
    cast = int if knob.whole else float
    found: float = st.slider(
        knob.label,
        cast(knob.low),
        cast(knob.high),
        cast(at),
        cast(knob.step),
        key=key,
        help=knob.help or None,
        format=None if knob.whole else f"%.{3 if knob.step < 0.01 else 2}f",
        bind="query-params",
    )
    return found


def drawn(
    name: str,
    values: Mapping[str, float],
    key: str,
    over: pl.DataFrame | None = None,
    note: str = "",
    own: pl.DataFrame | None = None,
) -> None:
    """The bench's figure for these values, redrawn in place, and what it says; `own` is the reader's prediction."""
    found, figure, alt = _figure(name, tuple(sorted(values.items())), over, note, own, st.context.theme.type == "dark")
    chart.live_chart(figure, key=key, alt=alt)
    st.markdown(words.plain(found.reading))


@st.cache_data(max_entries=256, show_spinner=False)
def _figure(
    name: str,
    values: tuple[tuple[str, float], ...],
    over: pl.DataFrame | None,
    note: str,
    own: pl.DataFrame | None,
    dark: bool,
) -> tuple[Played, str, str]:
    from fourdials.figures import theory

    bench = BENCHES[name]
    found = bench.play(**dict(values))
    status = f"{found.status} · {note}" if note else found.status
    figure = theory.draw(
        found.frame,
        bench.title,
        status,
        x=bench.x,
        y=bench.y,
        percent=bench.percent,
        log_x=bench.log_x,
        log_y=bench.log_y,
        over=over,
        own=own,
        dark=dark,
    )
    figure.layout.uirevision = name
    return found, figure.to_json(), theory.alt_text(found.frame, bench.x, bench.y, bench.percent)


@st.cache_data(max_entries=16, show_spinner="Playing it step by step …")
def played(name: str, values: tuple[tuple[str, float], ...]) -> str:
    """What the bench's slow simulator found, in a sentence."""
    bench = BENCHES[name]
    assert bench.slow is not None
    return bench.slow(**dict(values)).reading


def play(bench: Bench, values: Mapping[str, float], key: str) -> None:
    """A button that plays the bench step by step, and what came of it for these values."""
    wanted = tuple(sorted(values.items()))
    if st.button("Play every step of it", icon=":material/casino:", key=key, help="A simulator without any model"):
        st.session_state[f"{key}.wanted"] = wanted
    if st.session_state.get(f"{key}.wanted") == wanted:
        st.info(words.plain(played(bench.name, wanted)), icon=":material/casino:")


def laid(name: str, over: pl.DataFrame, key: str, note: str) -> None:
    """A run and the closed form at what it shows, in a bench's axes, without knobs."""
    figure, alt = _laid_figure(name, over, note, st.context.theme.type == "dark")
    chart.live_chart(figure, key=key, alt=alt)


@st.cache_data(max_entries=32, show_spinner=False)
def _laid_figure(name: str, over: pl.DataFrame, note: str, dark: bool) -> tuple[str, str]:
    from fourdials.figures import theory

    bench = BENCHES[name]
    figure = theory.over_run(over, bench.title, note, bench.x, bench.y, bench.percent, dark)
    return figure.to_json(), theory.alt_text(over, bench.x, bench.y, bench.percent)


def fitting_arms(bench: Bench) -> pl.DataFrame:
    """The arms of all runs that can be laid over a bench: experiment_id, name, origin, recorded, arm, and `most`, the
    samples of a pool (null where none is drawn from)."""
    import polars as pl

    runs = data.frame("experiments").filter(pl.col("trials_done") > 0)
    ids = runs["experiment_id"].to_list()
    if not ids or bench.overlay is None:
        return pl.DataFrame()
    opened = data.store()
    fits = OVERLAYS[bench.overlay].fits
    if fits is None:
        held = _sampled(opened, str(home()), opened.version(), tuple(ids))
    else:
        arms = data.frame("arms", experiment_ids=ids)
        chosen = [(row["experiment_id"], row["arm"], None) for row in arms.iter_rows(named=True) if fits(row)]
        held = pl.DataFrame(chosen, {"experiment_id": pl.String, "arm": pl.String, "most": pl.Int64}, orient="row")
    named = runs.select("experiment_id", "name", "origin", "recorded", "created_at")
    return held.join(named, on="experiment_id", maintain_order="left")


@st.cache_data(max_entries=4, show_spinner=False)
def _sampled(_store: Store, folder: str, version: int, ids: tuple[str, ...]) -> pl.DataFrame:
    import polars as pl

    from fourdials import query
    from fourdials.estimate import pool

    held = pool.pools(query.run(_store, "pool_samples", experiment_ids=list(ids)))
    usable = pl.col("refused").is_null() | (pl.col("ungraded") > 0)  # what is ungraded is graded when it is laid over
    return held.filter(usable & (pl.col("fewest") > 1)).select("experiment_id", "arm", pl.col("fewest").alias("most"))


def over_run(name: str, experiment_id: str, arm: str, task: str | None = None) -> pl.DataFrame | str:
    """What a run says in the bench's axes, or why it cannot."""
    opened = data.store()
    return _over(opened, str(home()), opened.version(), name, experiment_id, arm, task)


@st.cache_data(max_entries=32, show_spinner="Laying the run over it …")
def _over(
    _store: Store, folder: str, version: int, name: str, experiment_id: str, arm: str, task: str | None
) -> pl.DataFrame | str:
    try:
        return laid_over(_store, BENCHES[name], experiment_id, arm, task)
    except InputError as error:
        return str(error)
