"""Run: three questions, a forecast, a button; then the run itself while it goes."""

import streamlit as st

from fourdials.ui import shell

shell.enter()
st.title("Run", anchor=False)

from fourdials.errors import InputError  # noqa: E402 - the title appears while these load
from fourdials.ui import access, curves, fetching, models, monitor, outlook, preview, setup  # noqa: E402


def follow(experiment_id: str, was_active: bool) -> None:
    """The part of a run's page that changes; when the run ends, one rerun of the page stops the ticking."""
    row, state = monitor.look(experiment_id)
    if was_active and not state.active:
        st.rerun()
    monitor.header(experiment_id, row, state)
    if row:
        monitor.figures(row, state)
        monitor.errors(experiment_id)
        if row["blocks_complete"]:
            view = curves.View(experiment_id)
            curves.first_look(view, key="run", live=state.active)
            st.text(curves.drawn(view, live=state.active).reading)
            query = {"experiment": experiment_id}
            st.page_link("pages/compare.py", label="Compare", icon=":material/stacked_line_chart:", query_params=query)
        elif state.active:
            st.caption("Curves appear with the first complete block: one problem, tried with every arm.")


if experiment_id := st.query_params.get("experiment"):
    row, state = monitor.look(experiment_id)
    if row is None and not monitor.known(experiment_id):
        st.warning("There is no such run here.")
        st.page_link("pages/run.py", label="Set up a run", icon=":material/add:")
        st.stop()
    monitor.buttons(experiment_id, state)
    ticking = st.fragment(follow, run_every=monitor.TICK_S) if state.active else follow
    ticking(experiment_id, state.active)
    st.stop()

setup.begin()
monitor.unfinished()
left, right = st.columns([6, 7], gap="large")
with left:
    task = setup.choose_task()
    model = setup.choose_model(task)
    fetching.offer(model)
    unit, amount = setup.choose_amount()
    ahead = st.container()
with right, st.container(border=True):
    preview.show(task, model, st.session_state["run.given.params"].get(task, {}), st.session_state["run.seed"])
with st.expander("Customise: strategies, levels, split, size", icon=":material/tune:", key="run.customise"):
    setup.customise(task, model, unit)

with ahead:
    try:
        found = outlook.outlook(setup.draft())
    except InputError as error:
        found = outlook.Outlook(mistakes=(str(error),))
    fits = models.reason_not(model, task) is None
    if fits or found.data:  # else the choice of the model already says what is wrong
        outlook.show(found)
    ready = found.data is not None and fits and access.gate("start runs")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Start the run", type="primary", icon=":material/play_arrow:", disabled=not ready) and found.data:
            st.query_params["experiment"] = monitor.launch(found.data)
            st.rerun()
        if found.data:
            st.download_button(
                "Save as a file",
                setup.as_toml(found.data),
                "experiment.toml",
                "application/toml",
                type="tertiary",
                icon=":material/download:",
                help="Run it anywhere with: python -m fourdials run experiment.toml",
            )
