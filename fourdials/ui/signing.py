"""Who has entered the launch password, in the server's memory: random tokens, one for each browser tab.

A tab keeps its token in its own storage (`static/keeper.js`) and shows it when the page is loaded anew. It is no
cookie: a cookie would go to every port of this computer and to the server by itself, and pages of Streamlit cannot set
one that scripts do not see. Called by `access` and `app.py`.
"""

from __future__ import annotations

import secrets
import threading
import time

import streamlit as st

from fourdials.ui import bundle

LASTS_S = 12 * 3600.0
MOST = 64  # tabs at once; a person has a few, and tokens that nobody gives back must not gather
_SESSION, _ANSWERED = "signing.token", "signing.answered"
_lock = threading.Lock()


@st.cache_resource(show_spinner=False)
def _tokens() -> dict[str, float]:
    """Token → until when it holds, in seconds since the epoch, the oldest first. Gone with the server's process."""
    return {}


def enter() -> None:
    """Signs this reader in, and whoever was first out if there are too many."""
    token = secrets.token_hex(32)
    with _lock:
        while len(_tokens()) >= MOST:
            _tokens().pop(next(iter(_tokens())))
        _tokens()[token] = time.time() + LASTS_S
    st.session_state[_SESSION] = token


def leave() -> None:
    """Signs this reader out, in every tab that holds the same token."""
    _tokens().pop(st.session_state.pop(_SESSION, ""), None)


def entered() -> bool:
    """True if this reader is signed in and the time is not over."""
    return _holds(st.session_state.get(_SESSION))


def _holds(token: object) -> bool:
    return isinstance(token, str) and time.time() < _tokens().get(token, 0.0)


def recall() -> bool:
    """Asks the tab, at the first sight of a reader, for the token it holds, and has it keep the one that counts.

    Returns True once the tab has answered.
    """
    script = (bundle.STATIC / "keeper.js").read_text(encoding="utf-8")
    mount = st.components.v2.component("fourdials_keeper", js=script)
    answered = bool(st.session_state.get(_ANSWERED))
    data = {"ask": not answered, "keep": st.session_state[_SESSION] if entered() else ""}
    told = mount(key="signing.keeper", data=data, on_told_change=_told, height=1).told
    return answered or told is not None


def _told() -> None:
    """Takes what the tab answers: it comes from outside, so it counts only if this server gave it out."""
    told = st.session_state["signing.keeper"].get("told")
    st.session_state[_ANSWERED] = True
    if _holds(told):
        st.session_state[_SESSION] = told
