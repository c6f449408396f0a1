"""Curves at equal spend: all arms that see the same in one panel, then dial by dial, live while the run goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from fourdials.ui import curves, monitor, tables, words


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The figures, how to read them, and what stands behind them."""
    active = monitor.look(view.experiment_id)[1].active
    (st.fragment(_look, run_every=monitor.TICK_S) if active else _look)(view, active)
    tables.folded("Numbers behind the figures", ":material/table:", "compare.numbers", lambda: tables.behind(view))
    tables.folded("How trials ended", ":material/fact_check:", "compare.outcomes", lambda: tables.outcomes(view))


def _look(view: curves.View, was_active: bool) -> None:
    """The figures, in place; while the run goes this part runs again and again, and once more when it has ended."""
    row, state = monitor.look(view.experiment_id)
    if was_active and not state.active:
        st.rerun()
    if row and state.state != "finished":
        monitor.brief(row, state)
    found = curves.drawn(view, live=was_active)
    if found.curve.is_empty():
        st.info(curves.why_empty(view, row, state))
        return
    for warning in found.warnings:
        st.warning(words.plain(warning), icon=":material/balance:")
    # Where each dial sees in a way of its own, panels by what is seen would be those by dial once more.
    point = None if found.twice else curves.overlay(view, key="compare.overlay", live=was_active)
    st.text(found.reading)
    point = curves.panels(view, key="compare.panels", live=was_active) or point
    if point:
        st.session_state["compare.point"] = (view, point)
    curves.offer_trials(view, st.session_state.get("compare.point"))
