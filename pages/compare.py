"""Compare: the arms of a run at equal spend, then dial by dial, with what stands behind the figures."""

import streamlit as st

from fourdials.ui import shell

shell.enter()
st.title("Compare", anchor=False)

from fourdials.ui import controls, curves, data, monitor, tables, words  # noqa: E402 - the title appears while these load

experiment = controls.choose_experiment()
if experiment is None:
    st.info("There are no runs yet. Start one, and its curves grow here while it goes.")
    st.page_link("pages/run.py", label="Set up a run", icon=":material/play_circle:")
    st.stop()
experiment_id = experiment["experiment_id"]

one, two = st.columns([2, 5], vertical_alignment="bottom")
with one:
    every = ["all", *experiment["tasks"]] if len(experiment["tasks"]) != 1 else experiment["tasks"]
    task = controls.linked_choice(st.selectbox, "Task", every, param="task", default=every[0])
with two:
    unit = controls.linked_choice(
        st.segmented_control,
        "Spend in",
        list(words.UNITS),
        param="unit",
        default="total_tokens",
        format_func=words.UNITS.get,
        required=True,
        wrap=True,
    )
arms = data.frame("arms", experiment_ids=[experiment_id])
tasks = None if task == "all" else (task,)
chosen = tables.choose_arms(arms)
view = curves.View(experiment_id, unit, tasks, chosen)


def look(was_active: bool) -> None:
    """The figures, in place; while the run goes this part runs again and again, and once more when it has ended."""
    row, state = monitor.look(experiment_id)
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
    point = curves.overlay(view, key="compare.overlay", live=was_active)
    st.text(found.reading)
    point = curves.panels(view, key="compare.panels", live=was_active) or point
    if point:
        st.session_state["compare.point"] = (view, point)
    curves.offer_trials(view, st.session_state.get("compare.point"))


active = monitor.look(experiment_id)[1].active
(st.fragment(look, run_every=monitor.TICK_S) if active else look)(active)

with st.expander("Numbers behind the figures", icon=":material/table:", key="compare.numbers"):
    tables.behind(view)
with st.expander("How trials ended", icon=":material/fact_check:", key="compare.outcomes"):
    tables.outcomes(view)
