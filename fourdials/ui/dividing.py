"""The Run page's choice of who may go on to which level: an allocator and its knobs. Called by `setup`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from fourdials import plugins
from fourdials.allotment import UNITS
from fourdials.ui import controls
from fourdials.ui.draft import divided

KEEP: dict[str, Any] = {"persist_state": "session"}


def put(allocator: str, allocation: Mapping[str, Any]) -> None:
    """Writes a draft's allocator and its knobs into the session."""
    state = st.session_state
    for key in [key for key in state if str(key).startswith("run.knob.allocator.")]:
        del state[key]
    state["run.allocator"], state["run.allocation"] = allocator, dict(allocation)


def choose(unit: str) -> None:
    """Draws the choice among the allocators a run can use, and one widget for each knob of the chosen one.

    Args:
        unit: What the experiment's budget counts.
    """
    state = st.session_state
    plans = {name: plan for name, plan in plugins.allocators().items() if plan.grades != "hindsight"}
    name = st.selectbox(
        "Who may go on",
        list(plans),
        format_func=lambda each: f"{each} — {plans[each].summary}",
        key="run.allocator",
        on_change=_other,
        **KEEP,
    )
    plan = plans[name]
    st.caption(plan.doc.replace("\n\n", " ").replace("\n", " "))
    if plan.Knobs.model_fields:
        state["run.allocation"] = controls.fields(plan.Knobs, f"run.knob.allocator.{name}", state["run.allocation"])
    if divided(name, state["run.allocation"]):
        told = "It divides the whole budget itself, so arms get no shares of their own."
        if unit not in UNITS:
            told += " It counts tokens, USD or calls; with a limit in seconds alone, nothing is left to divide."
        st.caption(told)


def _other() -> None:
    """Knobs belong to one allocator."""
    st.session_state["run.allocation"] = {}


def chosen() -> dict[str, Any]:
    """The fields of a draft that hold the choice."""
    return {"allocator": st.session_state["run.allocator"], "allocation": st.session_state["run.allocation"]}
