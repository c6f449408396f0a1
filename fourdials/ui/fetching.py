"""The local model's weights: whether they are there, and a button that fetches them. Called by Start and Run.

The download runs in a thread of the dashboard, once for all sessions, so that a refresh does not start it again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import streamlit as st

from fourdials.errors import SetupError
from fourdials.models import catalogue, weights
from fourdials.records import Model
from fourdials.ui import access


@dataclass
class _Fetching:
    """A download on its way: the step it is at, and why it failed."""

    thread: threading.Thread | None = None
    step: str = ""
    error: str = ""

    def begin(self) -> None:
        """Starts fetching unless that is going on."""
        if self.thread is None or not self.thread.is_alive():
            self.error = ""
            self.thread = threading.Thread(target=self._fetch, name="weights", daemon=True)
            self.thread.start()

    def _fetch(self) -> None:
        try:
            weights.fetch(self._told)
        except (SetupError, OSError) as error:
            self.error = str(error)

    def _told(self, step: str) -> None:
        self.step = step


@st.cache_resource(show_spinner=False)
def _fetching() -> _Fetching:
    return _Fetching()


def offer(model: Model) -> bool:
    """For the local model whose weights are missing: says so, and offers to fetch them with progress.

    Returns True if nothing is missing.
    """
    if model.id != catalogue.DEFAULT_LOCAL or weights.present():
        return True
    with st.container(border=True):
        st.markdown("This model runs on your own computer. Its weights (98 MB, Apache-2.0) are not here yet.")
        if access.gate("fetch them") and st.button(
            "Fetch the weights", icon=":material/download:", key="weights.fetch"
        ):
            _fetching().begin()
        if _fetching().thread is not None:
            _watch()
    return False


@st.fragment(run_every=0.5)
def _watch() -> None:
    fetching = _fetching()
    if weights.present():
        st.rerun()
    if fetching.error:
        st.error("The weights could not be fetched. Check the connection, then try again.")
        st.code(fetching.error, language=None, wrap_lines=True)
        return
    percent = fetching.step.removesuffix(" %")
    known = int(percent) if percent.isdigit() else 0
    st.progress(known, f"Downloading: {known} %" if known else fetching.step or "Connecting …")
