"""Sample once, choose later: what k of an arm's stored samples give, chosen by vote or verifier, and beyond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import access, chart, controls, curves, data, tables, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.store import Store

FARTHEST = (1, 4, 16, 64)  # how many times the pool coverage may be extrapolated to
WAYS = {"majority": "a majority vote", "weighted": "a weighted vote", "best": "the best of k"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a pool gives: rows of `estimate.pool` and `estimate.extrapolation`, and what could not be worked out."""

    selected: pl.DataFrame
    gaps: pl.DataFrame
    beyond: pl.DataFrame
    guessed: pl.DataFrame
    held_out: float | None
    why_not_beyond: str | None


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The pools there are, the chosen one's figure and reading, and the numbers behind them."""
    opened, folder, may_grade = data.store(), str(home()), access.allowed()
    with st.spinner("Looking through the stored samples …"):
        pools = _pools(opened, folder, opened.version(), view, may_grade)
    if pools.is_empty():
        st.info(
            "No arm of this choice samples one prompt side by side. Add independent samples, a majority vote or a best "
            "of n to the run; one pool of them serves every smaller number of samples."
        )
        return
    usable = pools.filter(pools["refused"].is_null())["arm"].to_list()
    for row in pools.filter(pools["refused"].is_not_null()).iter_rows(named=True):
        st.caption(f":material/block: {words.plain(row['arm'])} cannot serve as a pool: {words.plain(row['refused'])}.")
    if why := _samples(opened, folder, opened.version(), view, may_grade)[1]:
        st.caption(words.plain(why))
    if not usable:
        return
    one, two = st.columns(2)
    with one:
        arm = controls.linked_choice(st.selectbox, "Samples of", usable, param="pool", default=usable[0])
    with two:
        far = controls.linked_choice(
            st.segmented_control,
            "Extrapolate coverage to",
            [str(times) for times in FARTHEST],
            param="far",
            default="4",
            format_func=lambda times: "the pool" if times == "1" else f"{times} times the pool",
            required=True,
            wrap=True,
        )
    found = _found(opened, folder, opened.version(), view, arm, int(far), may_grade)
    _draw(view, found)
    _read(found)
    if found.gaps["kind"].n_unique() > 1:
        st.caption(_trust(view, arm))
    with st.expander("Numbers behind the figure", icon=":material/table:"):
        import polars as pl

        told = (
            "Each row is a number of samples k: coverage, the score of what is chosen, the gap between the two, or the "
            "coverage of blind guesses."
        )
        beyond = found.beyond.with_columns(kind=pl.lit("coverage, extrapolated"))
        guessed = found.guessed.with_columns(kind=pl.lit("guesses"))
        every = pl.concat([found.selected, found.gaps, beyond, guessed], how="diagonal")
        tables.sources(every, ("pool_samples", "guesses"), told, "samples")


@st.cache_data(max_entries=16, show_spinner=False)
def _samples(_store: Store, folder: str, version: int, view: curves.View, may_grade: bool) -> tuple[pl.DataFrame, str]:
    """Rows of `pool_samples`; those no checkpoint stood at are graded by the run's own tasks where that needs no call.
    With them why some could not be, or nothing.

    A snapshot's problems are not made again: what it asks for may take long, and its reader did not choose it.
    """
    from fourdials import query, regrade
    from fourdials.estimate import pool

    samples = query.run(_store, "pool_samples", experiment_ids=[view.experiment_id], **view.chosen)
    if not samples["score"].null_count():
        return samples, ""
    if not may_grade:
        return samples, "Whoever may start runs here also sees the samples no checkpoint stood at graded."
    try:
        samples = pool.graded(samples, regrade.grades_without_calls(_store, view.experiment_id))
    except InputError as error:
        return samples, f"The run's problems cannot be made again to grade them: {error}."
    left = samples["score"].null_count()
    return samples, f"{words.plural(left, 'sample')} could not be graded without a call." if left else ""


@st.cache_data(max_entries=32, show_spinner=False)
def _pools(_store: Store, folder: str, version: int, view: curves.View, may_grade: bool) -> pl.DataFrame:
    from fourdials.estimate import pool

    return pool.pools(_samples(_store, folder, version, view, may_grade)[0])


@st.cache_data(max_entries=32, show_spinner=False)
def _found(_store: Store, folder: str, version: int, view: curves.View, arm: str, far: int, may_grade: bool) -> Found:
    import polars as pl

    from fourdials import query
    from fourdials.estimate import extrapolation, pool

    held = pool.read(_samples(_store, folder, version, view, may_grade)[0], view.experiment_id, arm)
    ways = [way for way in pool.SELECTIONS if way == "majority" or held.weight is not None]
    selected = pl.concat([pool.coverage(held), *(pool.selection(held, way) for way in ways)])
    gaps = pl.concat([pool.gap(held, way) for way in ways])
    beyond, missed, why = pl.DataFrame(schema=extrapolation.EXTRAPOLATED_SCHEMA), None, None
    if far > 1:
        try:
            beyond = extrapolation.extrapolate(held, pool.sizes_of(held.samples * far))
            missed = extrapolation.held_out(held) if held.samples >= extrapolation.FEWEST else None
        except InputError as error:
            why = str(error)
    tasks = {name: value for name, value in view.chosen.items() if name == "tasks"}
    guesses = query.run(_store, "guesses", experiment_ids=[view.experiment_id], **tasks)
    guessed = pool.guessed(held, guesses, sorted({*selected["k"], *beyond["k"]}))
    return Found(selected, gaps, beyond, guessed, missed, why)


def _draw(view: curves.View, found: Found) -> None:
    from fourdials.figures import samples, status

    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    said = status.status_of(runs, found.selected, None)
    dark = st.context.theme.type == "dark"
    figure = samples.samples(found.selected, found.beyond, found.gaps, said, guessed=found.guessed, dark=dark)
    figure.update_xaxes(automargin=True)  # the legend wraps on narrow pages and needs room below the title
    chart.live_chart(figure.to_json(), key="compare.samples", alt=samples.alt_text(found.selected, found.guessed))


def _trust(view: curves.View, arm: str) -> str:
    """What weighted votes and the best of k go by."""
    arms = data.frame("arms", experiment_ids=[view.experiment_id]).filter(arm=arm)
    verified = arms["strategy"][0] in ("best_of_n", "weighted_vote")
    by = "the verifier's stored scores" if verified else "the probability per token that the model gave its own answers"
    return f"The gap is coverage minus the score of what is chosen. Weighted votes and the best of k go by {by}."


def _read(found: Found) -> None:
    """The largest gap's reading, and how far the extrapolation may be trusted."""
    last = found.gaps.filter(found.gaps["k"] == found.gaps["k"].max()).sort("value").row(0, named=True)
    k, way = last["k"], last["kind"].removeprefix("gap: ")
    ends = f"{numbers.difference(last['low'])} to {numbers.difference(last['high'])}"
    told = f"Of {k} samples, {WAYS[way]} chooses best, and still leaves {numbers.difference(last['value'])} "
    told += f"({ends}, {last['method']}, {last['n']} problems) of what at least one sample had right."
    if last["low"] <= 0:
        told = f"At {k} samples {WAYS[way]} cannot be told from coverage ({ends}, {last['n']} problems)."
    st.text(told)
    if found.why_not_beyond:
        st.caption(f"No extrapolation: {words.plain(found.why_not_beyond)}.")
    if not found.beyond.is_empty():
        row = found.beyond.row(-1, named=True)
        ends = f"{numbers.percent(row['low'])} to {numbers.percent(row['high'])}"
        told = f"Were success rates beta-distributed, {words.plural(row['k'], 'sample')} would cover "
        told += f"{numbers.percent(row['value'])} ({ends}) of problems like these."
        if found.held_out is not None:
            told += " Fitted to half of each pool, the same curve misses what all of it gave by "
            told += f"{numbers.difference(found.held_out)}."
        st.text(told)
