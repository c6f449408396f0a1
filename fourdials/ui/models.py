"""The choice of a model: those that can be used now on a task, and what the others lack. Called by `setup`."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import streamlit as st

from fourdials import plugins
from fourdials.errors import InputError
from fourdials.models import catalogue, weights
from fourdials.records import Access, Model
from fourdials.ui import words

HELP = "Choose one, or type any other id: provider/model as litellm names it, local:/path/to/file.gguf, or sim/…"


def known(model_id: str) -> Model:
    """The model of this id, or the default local one where the id means nothing (the spec then has a mistake)."""
    try:
        return catalogue.resolve(model_id)
    except InputError:
        return catalogue.resolve(catalogue.DEFAULT_LOCAL)


def reason_not(model: Model, task: str) -> str | None:
    """Why a model cannot be used now on a task, or None if it can."""
    info = plugins.tasks()[task].INFO
    if model.format not in info.offers:
        return f"this task has no form for {model.format} models"
    needed = min(info.tokens(access) for access in get_args(Access) if access in info.offers[model.format])
    if model.context_tokens and needed > model.context_tokens:
        return f"the task needs about {needed} tokens of context; the model has {model.context_tokens}"
    return plugins.unsuited(model, task) or catalogue.missing(model)


def choose(task: str, *, key: str, on_change: Callable[[], None]) -> Model:
    """A choice of the models usable now that fit the task; the others are listed with what they lack, and any other id
    can be typed. The choice is held in the session under `key`."""
    why = {model.id: reason_not(model, task) for model in catalogue.catalogue().values()}
    usable = [name for name, reason in why.items() if reason is None]
    chosen = st.session_state[key]
    name = st.selectbox(
        "Which model?",
        usable if chosen in usable else [*usable, chosen],
        format_func=lambda each: known(each).label if each in why else each,
        key=key,
        on_change=on_change,
        accept_new_options=True,
        help=HELP,
        persist_state="session",
    )
    model = known(name)
    fetchable = model.id == catalogue.DEFAULT_LOCAL and not weights.present()  # `fetching.offer` says so, with a button
    if name not in usable and not fetchable and (reason := reason_not(model, task)):
        st.warning(f"Not usable now: {words.plain(reason)}.", icon=":material/block:")
    others = {model_id: reason for model_id, reason in why.items() if reason is not None and model_id != name}
    if others:
        with st.popover(f"{len(others)} more, not usable now", type="tertiary"):
            for model_id, reason in others.items():
                st.markdown(f"**{words.plain(known(model_id).label)}**  \n{words.plain(reason)}")
    return model
