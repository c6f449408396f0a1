"""Problems sorted by half of one arm's samples; how every arm does from the hardest bin to the easiest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.home import home
from fourdials.ui import access, chart, controls, curves, data, tables, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.store import Store

BINS = (2, 3, 4, 5)
QUERIES = ("pool_samples", "trial_spends", "guesses")


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The choice of the arm that sorts and of the number of bins, the figure, and how to read it."""
    opened, folder, may_grade = data.store(), str(home()), access.allowed()
    with st.spinner("Reading the samples …"):
        samples = _samples(opened, folder, opened.version(), view, may_grade)
    if samples.is_empty():
        st.info(
            "Sorting problems takes an arm that samples each of them several times, side by side (a majority vote, "
            "best of n), on complete blocks. This view has none yet."
        )
        return
    usable = _usable(samples)
    if not usable:
        return
    one, two = st.columns([3, 2], vertical_alignment="bottom")
    with one:
        largest = max(usable, key=lambda arm: usable[arm])
        arm = controls.linked_choice(
            st.selectbox,
            "Sort problems by the samples of",
            list(usable),
            param="sort",
            default=largest,
            format_func=lambda each: f"{each} ({usable[each]} samples a problem)",
        )
    with two:
        count = controls.linked_choice(
            st.segmented_control,
            "Bins",
            [str(each) for each in BINS],
            param="bins",
            default=str(BINS[-1]),
            required=True,
        )
    try:
        frame = _binned(opened, folder, opened.version(), view, arm, int(count), may_grade)
    except InputError as error:
        st.info(words.plain(str(error)))
        return
    _draw(view, frame, _guessed(opened, folder, opened.version(), view, arm, int(count), may_grade), arm)
    st.text(_reading(frame, arm))
    with st.expander("Numbers behind the figure", icon=":material/table:", key="difficulty.numbers"):
        told = (
            "Each row is an arm in a bin of problems: the mean score over n problems with its 95 % interval. The arm "
        )
        told += (
            "that sorts is scored by the other half of its samples, one sample each; the others by their final answers."
        )
        tables.sources(frame, QUERIES, told, "difficulty")


@st.cache_data(max_entries=16, show_spinner=False)
def _samples(_store: Store, folder: str, version: int, view: curves.View, may_grade: bool) -> pl.DataFrame:
    """Rows of `pool_samples`, those that no checkpoint stood at graded by the run's own tasks."""
    from fourdials import query, regrade
    from fourdials.estimate import pool

    samples = query.run(_store, "pool_samples", experiment_ids=[view.experiment_id], **view.chosen)
    if may_grade and samples["score"].null_count():
        try:
            return pool.graded(samples, regrade.grades_without_calls(_store, view.experiment_id))
        except InputError:
            return samples  # the run can no longer be read; its pools then say that they lack grades
    return samples


def _usable(samples: pl.DataFrame) -> dict[str, int]:
    """Arms whose samples may sort problems, and how many each problem has; says why the others may not."""
    from fourdials.estimate import pool

    found = {}
    for row in pool.pools(samples).iter_rows(named=True):
        if row["refused"] is None:
            found[row["arm"]] = row["fewest"]
        elif row["refused"] and row["most"] > 1:
            st.caption(words.plain(f"{row['arm']} cannot sort problems: {row['refused']}."))
    if not found:
        st.info("No arm here has samples by which problems could be sorted.")
    return found


@st.cache_data(max_entries=32, show_spinner=False)
def _binned(
    _store: Store, folder: str, version: int, view: curves.View, arm: str, count: int, may_grade: bool
) -> pl.DataFrame:
    """Columns arm, dial, access and those of `difficulty.BIN_SCHEMA`; the arm that sorts first."""
    import polars as pl

    from fourdials import query
    from fourdials.estimate import difficulty

    binned = _bins(_store, folder, version, view, arm, count, may_grade)
    trials = query.run(_store, "trial_spends", experiment_ids=[view.experiment_id], **view.chosen)
    last = trials.filter(pl.col("max_level") == pl.col("max_level").max().over("arm"))
    dials = dict(trials.select("arm", "dial").unique().rows())
    parts = [(arm, difficulty.by_bin(binned))]
    for other in sorted(set(dials) - {arm}):
        parts.append((other, difficulty.by_bin(binned, last.filter(pl.col("arm") == other))))
    sees = dict(query.run(_store, "arms", experiment_ids=[view.experiment_id]).select("arm", "access").rows())
    return pl.concat(
        frame.with_columns(arm=pl.lit(name), dial=pl.lit(dials[name]), access=pl.lit(sees[name])).select(
            "arm", "dial", "access", *frame.columns
        )
        for name, frame in parts
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _guessed(
    _store: Store, folder: str, version: int, view: curves.View, arm: str, count: int, may_grade: bool
) -> pl.DataFrame:
    from fourdials import query
    from fourdials.estimate import difficulty

    tasks = {name: value for name, value in view.chosen.items() if name == "tasks"}
    guesses = query.run(_store, "guesses", experiment_ids=[view.experiment_id], **tasks)
    return difficulty.guessed(_bins(_store, folder, version, view, arm, count, may_grade), guesses)


@st.cache_data(max_entries=32, show_spinner=False)
def _bins(
    _store: Store, folder: str, version: int, view: curves.View, arm: str, count: int, may_grade: bool
) -> pl.DataFrame:
    from fourdials.estimate import difficulty, pool

    held = pool.read(_samples(_store, folder, version, view, may_grade), view.experiment_id, arm)
    return difficulty.bins(held, count)


def _draw(view: curves.View, frame: pl.DataFrame, guessed: pl.DataFrame, arm: str) -> None:
    from fourdials.figures import difficulty, status

    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    total = frame.filter(frame["arm"] == arm)["n"].sum()
    shown = arms.filter(arms["arm"].is_in(frame["arm"].unique().to_list())).with_columns(n=total)
    said, warnings = status.status_of(runs, shown, None), status.warnings_of(runs, shown, arms)
    dark = st.context.theme.type == "dark"
    wide, narrow = (difficulty.by_bin(frame, said, arm, warnings, guessed, dark, columns=columns) for columns in (4, 1))
    alt = difficulty.alt_text(frame)
    chart.live_chart(wide.to_json(), key="difficulty.bins", alt=alt, narrow=chart.layout_of(narrow))


def _reading(frame: pl.DataFrame, arm: str) -> str:
    """Who does best in the hardest bin and who in the easiest, as far as the intervals say so; for each kind of things
    to see apart where arms differ in that."""
    from fourdials.figures import facets

    told = [(title, best) for title, own in facets.parts(frame) if (best := _best(own, arm))]
    said = [f"{title.capitalize()}: {best}. " if title else f"{best[:1].upper()}{best[1:]}. " for title, best in told]
    several = any(" scores most," in best for _, best in told)
    return (
        f"{''.join(said)}Sorting and scoring use different samples; had they used the same, hard problems would look "
        "harder and easy ones easier than they are."
        + (" The best of several arms looks better than it is." if several else "")
    )


def _best(frame: pl.DataFrame, arm: str) -> str:
    """The best arm of these in the hardest and in the easiest bin, the one that sorts aside; empty if that is all."""
    from fourdials.figures import numbers

    others = frame.filter(frame["arm"] != arm)
    most, told = " most," if others["arm"].n_unique() > 1 else "", []
    for place, name in ((frame["bin"].min(), "hardest"), (frame["bin"].max(), "easiest")):
        rows = others.filter(others["bin"] == place).sort("value", descending=True)
        if rows.is_empty():
            continue
        best = rows.row(0, named=True)
        ends = f"{numbers.percent(best['low'])} to {numbers.percent(best['high'])}, {best['n']} problems"
        told.append(f"in the {name} bin {best['arm']} scores{most} {numbers.percent(best['value'])} ({ends})")
    return "; ".join(told)
