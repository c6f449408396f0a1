"""Problems on which two sides differ at a budget, with both answers and a way to both traces. Part of Differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.home import home
from fourdials.ui import data, trace, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.store import Store
    from fourdials.ui.compare.differences import Pair


def show(pair: Pair, unit: str, spend: float) -> None:
    """The table; a chosen row shows the question, both answers and links to both trials."""
    opened = data.store()
    rows = found(opened, str(home()), opened.version(), pair, unit, spend)
    if rows.is_empty():
        st.caption("No problem flipped: at this budget both score the same on every one they share.")
        return
    a, b = pair.names
    lost = int((rows["change"] == "lost").sum())
    st.caption(
        f"{words.plural(rows.height, 'answer')} flipped: {words.plain(a)} is better on {rows.height - lost}, "
        f"{words.plain(b)} on {lost}. Choose a row to read both trials."
    )
    picked = st.dataframe(
        rows.select("question", "answer_a", "answer_b", "reference", "outcome_a", "outcome_b", "task").insert_column(
            0, rows["change"].alias("better").replace({"gained": a, "lost": b})
        ),
        hide_index=True,
        height=min(300, 38 + 35 * rows.height),
        on_select="rerun",
        selection_mode="single-row",
        key="differences.flips",
        column_config={
            "question": st.column_config.TextColumn(width="medium"),
            **{f"answer_{side}": f"answer: {name}" for side, name in (("a", a), ("b", b))},
            **{f"outcome_{side}": f"outcome: {name}" for side, name in (("a", a), ("b", b))},
            "reference": "right answer",
        },
    )
    if picked.selection.rows and picked.selection.rows[0] < rows.height:
        _open(rows.row(picked.selection.rows[0], named=True), pair)


@st.cache_data(max_entries=64, show_spinner=False)
def found(_store: Store, folder: str, version: int, pair: Pair, unit: str, spend: float) -> pl.DataFrame:
    """Rows of `differences.flips` with the question and the right answer."""
    import polars as pl

    from fourdials.estimate import differences

    a, b = pair.rows("answers_at", unit=unit, spend=spend)
    asked = a.select("task", "problem_id", "question", "reference").unique(["task", "problem_id"])
    rows = differences.flips(a, b)
    asked = asked.with_columns(
        pl.col("reference").map_elements(trace.plain_json, return_dtype=pl.String, skip_nulls=False)
    )
    return rows.join(asked, on=["task", "problem_id"], how="left", maintain_order="left")


def _open(row: dict[str, Any], pair: Pair) -> None:
    with st.container(border=True):
        st.code(row["question"] or "", language=None, wrap_lines=True)
        for side, name, place in zip("ab", pair.names, st.columns(2), strict=True):
            with place:
                st.caption(f"{words.plain(name)}: {words.OUTCOMES[row[f'outcome_{side}']][0]}")
                answer = row[f"answer_{side}"]
                st.code("none" if answer is None else answer, language=None, wrap_lines=True)
                trial = {"trial": row[f"trial_id_{side}"]}
                st.page_link(
                    "pages/traces.py", label="Read this trial", icon=":material/account_tree:", query_params=trial
                )
