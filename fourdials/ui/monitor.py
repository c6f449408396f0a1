"""A run while it goes: how far it is, what it spent, what failed, and the buttons that stop it or take it up again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from fourdials import worker
from fourdials.errors import HomeBusy, InputError
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import access, controls, data, setup, words

TICK_S = 1.0
Row = Mapping[str, Any]


def eta_s(planned: int, done: int, working_s: float) -> float | None:
    """Seconds left at the pace so far, pauses apart; None before the first trial has ended."""
    return (planned - done) * working_s / done if done and planned >= done else None


def header(experiment_id: str, row: Row | None, state: data.RunState) -> None:
    """Name, state and reason."""
    with st.container(horizontal=True, vertical_alignment="center", key="monitor.header"):
        st.subheader(row["name"] if row else experiment_id, anchor=False, width="content")
        controls.badge(state.state)
    if state.state == "queued":
        ahead = state.queue_position or 0
        st.info(f"Runs on this computer's model take turns; {words.plural(ahead, 'run')} ahead of this one.")
    if state.state == "interrupted":
        st.warning("Its worker is gone. Everything it finished is kept; Resume goes on from there.")
    if state.state == "starting" and not row:
        st.info("Starting: loading the model takes a few seconds.")
    if state.state in ("failed", "stopped") and state.detail:
        st.text(state.detail)
    if state.state == "failed" and (log := data.worker_log(experiment_id)):
        with st.expander("What the worker printed"):
            st.code(log, language=None, wrap_lines=True)


def figures(row: Row, state: data.RunState) -> None:
    """Progress, pace and spend of a run that has begun."""
    done, planned = row["trials_done"], row["planned_trials"]
    part = min(1.0, done / planned) if planned else 0.0
    st.progress(part, f"{words.count(done)} of {words.plural(planned, 'trial')}")
    left = eta_s(planned, done, row["working_s"]) if state.state == "running" else None
    shown = [
        ("Calls", words.count(row["calls"])),
        ("Tokens", words.count(row["total_tokens"])),
        ("USD", numbers.usd(row["usd"])),
        ("Failed attempts", words.count(row["failed_attempts"])),
    ]
    if state.active:
        shown[1:1] = [("Calls per second", f"{row['calls_per_s']:.1f}")]
        shown.append(("Time left", "about " + numbers.seconds(left) if left is not None else "–"))
    else:
        shown.append(("Took", numbers.seconds(row["working_s"])))
    controls.facts([(label, value, None) for label, value in shown])
    notes = [
        f"{words.plural(row[name], 'trial')} {text}"
        for name, text in (("capped", "stopped at their cap"), ("error", "ended by an error"), ("diverged", "diverged"))
        if row[name]
    ]
    if row["lost_calls"]:
        notes.append(f"{words.plural(row['lost_calls'], 'call')} in flight when the worker ended")
    if notes:
        st.caption(" · ".join(notes))


def errors(experiment_id: str) -> None:
    """Errors by kind, if there are any."""
    found = data.frame("errors", experiment_id=experiment_id)
    if found.is_empty():
        return
    with st.expander(f"Errors by kind ({found['occurrences'].sum()})"):
        st.dataframe(found.select("place", "kind", "occurrences", "message"), hide_index=True)


def buttons(experiment_id: str, state: data.RunState) -> None:
    """Stop, resume, duplicate; what does not apply now, or is not this reader's to press, is not there."""
    if not access.gate("steer runs"):
        return
    with st.container(horizontal=True, key="monitor.buttons"):
        if state.active:
            st.button(
                "Stop",
                icon=":material/stop:",
                on_click=_stop,
                args=(experiment_id,),
                help="Keeps all that ended.",
            )
        elif not state.recorded and state.state != "finished":
            args = (experiment_id, state.state == "failed")
            st.button("Resume", icon=":material/play_arrow:", on_click=_resume, args=args, type="primary")
        st.button("Duplicate and edit", icon=":material/content_copy:", on_click=_duplicate, args=(experiment_id,))


def launch(experiment: Row) -> str:
    """Starts a run in the background and returns its id. Raises InputError if this reader may not."""
    access.require()
    experiment_id = worker.launch(experiment)
    data.asked_for_worker(experiment_id)
    return experiment_id


def _stop(experiment_id: str) -> None:
    access.require()
    worker.stop(experiment_id)


def _resume(experiment_id: str, retry_errors: bool) -> None:
    access.require()
    data.asked_for_worker(experiment_id)
    try:
        worker.resume(experiment_id, retry_errors=retry_errors)  # a failed run has nothing else left to ask
    except HomeBusy as busy:
        st.toast(str(busy), icon=":material/info:")


def _duplicate(experiment_id: str) -> None:
    try:
        found = worker.read_spec(experiment_id)
    except InputError:  # recorded: it has no folder here
        found = json.loads(data.frame("spec", experiment_id=experiment_id)["spec"][0])
    try:
        setup.duplicate({**found, "name": f"{found['name']} (copy)"[:80]})
        st.query_params.clear()
    except InputError as error:
        st.toast(f"This run cannot be edited here: {words.plain(str(error))}", icon=":material/block:")


def look(experiment_id: str) -> tuple[Row | None, data.RunState]:
    """A run's row of the query `progress` (None before its first journal line) and where it stands now.

    A worker that is gone may have written its last lines since the store last looked: those are read in before the run
    is called interrupted, because a page that shows it so looks no further.
    """
    row, state = _seen(experiment_id)
    if state.state == "interrupted":
        data.store().ingest()
        row, state = _seen(experiment_id)
    return row, state


def _seen(experiment_id: str) -> tuple[Row | None, data.RunState]:
    found = data.frame("progress", experiment_id=experiment_id, now=float(int(time.time())))
    row = found.row(0, named=True) if found.height else None
    recorded = bool(data.frame("experiments").filter(recorded=True, experiment_id=experiment_id).height)
    status, detail = (row["status"], row["status_detail"]) if row else (None, None)
    state = data.run_state(experiment_id, status, detail, recorded)
    return row, state


def known(experiment_id: str) -> bool:
    """True if there is a folder for a run of this name."""
    return (home() / "runs" / experiment_id / "spec.toml").is_file()


def unfinished() -> None:
    """Links to runs that are going or were interrupted, the newest first."""
    open_runs = data.frame("experiments").filter(~pl.col("recorded") & ~pl.col("status").is_in(["finished", "failed"]))
    for row in open_runs.head(3).iter_rows(named=True):
        state = data.run_state(row["experiment_id"], row["status"], row["status_detail"])
        with st.container(horizontal=True, vertical_alignment="center"):
            controls.badge(state.state)
            query = {"experiment": row["experiment_id"]}
            st.page_link("pages/run.py", label=row["name"], icon=":material/arrow_forward:", query_params=query)
            st.caption(f"{words.count(row['trials_done'])} of {words.plural(row['planned_trials'], 'trial')}")


def brief(row: Row, state: data.RunState) -> None:
    """One line on a run that has not finished: its state, how far it is, and the way to its controls."""
    with st.container(horizontal=True, vertical_alignment="center"):
        controls.badge(state.state)
        st.caption(f"{words.count(row['trials_done'])} of {words.plural(row['planned_trials'], 'trial')}")
        query = {"experiment": row["experiment_id"]}
        if access.workshop() and not row["recorded"]:
            st.page_link("pages/run.py", label="Open the run", icon=":material/tune:", query_params=query)
