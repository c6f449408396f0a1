"""One problem of a task as the Run page shows it: the question, the prompt for each kind of access, the reference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from fourdials import plugins
from fourdials.errors import InputError
from fourdials.records import Model

ACCESS_TITLES = {"given": "All facts", "search": "When searching", "environment": "When exploring"}


def show(task: str, model: Model, params: Mapping[str, Any], seed: int) -> None:
    """One problem of the task, the prompt a model is shown, and the reference."""
    try:
        shown = _previewed(task, json.dumps(params), seed, model.format)
    except InputError as error:
        st.warning(str(error))
        return
    st.caption("One of its problems")
    st.code(shown["question"], language=None, wrap_lines=True)
    accesses = [access for access in ACCESS_TITLES if access in shown]
    st.caption("What the model is shown")
    access = accesses[0]
    if len(accesses) > 1:
        access = st.segmented_control(
            "Information",
            accesses,
            default=access,
            required=True,
            format_func=ACCESS_TITLES.__getitem__,
            label_visibility="collapsed",
            key="run.preview.access",
            persist_state="session",
        )
    st.code(shown[access if access in shown else accesses[0]], language=None, wrap_lines=True, height=230)
    st.caption("Right answer")
    st.code(shown["answer"], language=None, wrap_lines=True)


@st.cache_data(max_entries=32, show_spinner=False)
def _previewed(task: str, params: str, seed: int, prompt_format: Any) -> dict[str, str]:
    module = plugins.tasks()[task]
    try:
        problem = module.problems(module.Params.model_validate(json.loads(params)), 1, seed)[0]
    except ValueError as error:
        raise InputError(f"No preview with these parameters: {error}") from error
    shown = {"question": problem.text, "answer": str(problem.reference)}
    offers = module.INFO.offers.get(prompt_format, frozenset())
    for access in ("given", "search"):
        if access in offers:
            shown[access] = module.question(problem, access, prompt_format).answer.shown
    if "environment" in offers:
        first = module.environment(problem, prompt_format).start()
        shown["environment"] = first.prompt.shown if first.prompt else first.text
    return shown if len(shown) > 2 else shown | {"given": "This task has no form for this model."}
