"""The dashboard's one open store, and query results kept until new rows land. Called by pages."""

from __future__ import annotations

import atexit
import importlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import HomeBusy
from fourdials.home import home, run_folder
from fourdials.ui import access, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.store import Store

STARTING_S = 30.0
# What the first page shown needs; pandas since Streamlit asks for its types, and two sessions importing it would fail.
WARM = ("pandas", "fourdials.estimate", "fourdials.figures.curves", "fourdials.figures.status", "fourdials.ui.monitor")


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands: a key of `words.STATES`, why, its place in the queue (0 = its turn), and whether it is a
    recorded run, which has no worker and never had one here."""

    state: str
    detail: str | None = None
    queue_position: int | None = None
    recorded: bool = False

    @property
    def active(self) -> bool:
        """True while a worker is at it or about to be, so that pages keep looking."""
        return self.state in ("starting", "queued", "running")


_OPENED: dict[str, Store] = {}  # by home: what is open already, for those who would not wait for it


@st.cache_resource(show_spinner=False, on_release=lambda opened: opened.close())
def _open(folder: str, copy: bool = False) -> Store:
    importing = threading.Thread(target=lambda: [importlib.import_module(name) for name in WARM], name="imports")
    importing.start()  # while the database works, which needs little of Python
    try:
        from fourdials.store import Store

        home_only = {"recorded": Path(folder) / "none"} if access.viewer() else {}  # a viewer shows its snapshot alone
        opened = Store(Path(folder), read_only_copy=copy, **home_only)
        opened.ingest()
    finally:
        importing.join()
    opened.start()
    atexit.register(opened.close)
    _OPENED[folder] = opened
    return opened


def store() -> Store:
    """The store of this home, opened once for all sessions, its ingester going. Shows why and ends the page's script
    if another program holds the database and the reader has not asked for a copy."""
    try:
        return _open(str(home()), st.session_state.get("data.copy", False))
    except HomeBusy as busy:
        st.error("Another program has this database open, most likely a second dashboard.", icon=":material/lock:")
        st.markdown(
            "Use the window that is already open, or close it and try again. To keep two apart, start one with its own "
            "folder: set the environment variable `FOURDIALS_HOME` before starting it."
        )
        st.code(str(busy), language=None, wrap_lines=True)
        with st.container(horizontal=True):
            st.button("Try again", icon=":material/refresh:")
            st.button("Go on with a copy in memory", on_click=_use_copy, icon=":material/content_copy:")
        st.stop()


def open_early() -> Store | None:
    """The store, opened before anybody looks; None if another program holds it, as the first page will say."""
    try:
        return _open(str(home()), False)
    except HomeBusy:
        return None


def trouble() -> None:
    """Says what keeps results from being read in, if something does; nothing before the store is open."""
    opened = _OPENED.get(str(home()))
    if opened is not None and opened.trouble:
        st.warning(words.plain(opened.trouble), icon=":material/warning:")


def _use_copy() -> None:
    st.session_state["data.copy"] = True


def frame(name: str, **params: Any) -> pl.DataFrame:
    """The result of `queries/<name>.sql`; kept until new rows land."""
    opened = store()
    return _frame(opened, str(home()), opened.version(), name, params)


@st.cache_data(max_entries=256, show_spinner=False)
def _frame(_store: Store, folder: str, version: int, name: str, params: dict[str, Any]) -> pl.DataFrame:
    from fourdials import query

    return query.run(_store, name, **params)


def run_state(experiment_id: str, status: str | None, detail: str | None, recorded: bool = False) -> RunState:
    """What is true of a run now, from its last journaled status (None if nothing is journaled yet) and its worker."""
    if recorded:
        return RunState(status or "finished", detail, recorded=True)
    from fourdials import worker

    worker_state = worker.state(experiment_id)
    ended = status in ("finished", "failed", "stopped")
    if worker_state.alive and not ended:
        _asked().pop(experiment_id, None)  # it has begun, so what ends it from here on is its own end
    if ended and not _just_asked(experiment_id, worker_state.alive):
        return RunState(str(status), detail)
    if worker_state.alive:
        waiting = (worker_state.queue_position or 0) > 0
        going = "running" if status == "running" else "starting"
        return RunState("queued" if waiting else going, detail, worker_state.queue_position)
    if _just_asked(experiment_id, worker_state.alive):
        return RunState("starting", None, 0)
    if ended:
        return RunState(str(status), detail)
    if status is None:
        return RunState("failed", "The worker ended before it wrote anything.")
    return RunState("interrupted", "Its worker is gone; everything it finished is kept.")


@st.cache_resource(show_spinner=False)
def _asked() -> dict[str, float]:
    """When a worker was last asked for, by run; shared by all sessions."""
    return {}


def asked_for_worker(experiment_id: str) -> None:
    """Notes that a worker is being started: until it holds its lock there is no other sign of it."""
    _asked()[experiment_id] = time.time()


def _just_asked(experiment_id: str, alive: bool) -> bool:
    """True from asking for a worker until its first status has landed, unless it has already told why it ended."""
    asked = _asked().get(experiment_id)
    if asked is None or alive:  # a living worker prints before its status lands, and may load its model for minutes
        return asked is not None
    log = run_folder(experiment_id) / "worker.log"
    told = log.exists() and log.stat().st_size > 0 and log.stat().st_mtime > asked
    return time.time() - asked < STARTING_S and not told


def worker_log(experiment_id: str, characters: int = 2000) -> str:
    """The end of what a run's worker printed; empty if nothing."""
    log = run_folder(experiment_id) / "worker.log"
    return log.read_text(encoding="utf-8", errors="replace")[-characters:] if log.exists() else ""
