"""Start: what the four dials are, a run to look at, and one button that starts a real one."""

import streamlit as st

from fourdials.ui import shell

shell.enter()
st.title("Four Dials", anchor=False)
st.markdown(
    "A language model can be given more compute when it answers, in four ways: **sample more** answers and vote, "
    "**think longer** before answering, **search more** for facts, or **act more** in an environment. Each is a dial. "
    "Given a task, a model and a budget, which one should you turn? Four Dials finds out by doing all four for real, "
    "pricing every call, and drawing the curves side by side."
)
place = st.container()

from pathlib import Path  # noqa: E402 - the text above appears while these load

from fourdials import spec  # noqa: E402
from fourdials.models import catalogue  # noqa: E402
from fourdials.ui import access, controls, curves, data, fetching, monitor  # noqa: E402

PROBLEMS = 20  # of each task: about two minutes on two processors
FIRST_LIGHT = Path(__file__).parent.parent / "data" / "experiments" / "first_light.toml"

runs = data.frame("experiments")
if access.viewer() is None:
    with place:
        first = spec.load(FIRST_LIGHT) | {"name": "A first run"}
        first["tasks"] = [task | {"problems": PROBLEMS} for task in first["tasks"]]
        ready = fetching.offer(catalogue.resolve(first["model"])) and access.gate("start runs")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                "Start a two-minute real run", type="primary", icon=":material/play_arrow:", disabled=not ready
            ):
                st.switch_page("pages/run.py", query_params={"experiment": monitor.launch(first)})
            st.page_link("pages/run.py", label="Set up your own", icon=":material/tune:")
        st.caption(
            "The first run uses a small language model on this computer: no account, no key, no cost. It is tiny, "
            "too small to be useful but real, so its curves are real too."
        )

shown = curves.worth_showing(runs)
if shown is None:
    st.info("No run has results yet. Start one above; its curves appear here and under Compare as they grow.")
    st.stop()
st.subheader("What a run looks like" if shown["recorded"] else "Your latest run", anchor=False)
st.caption(controls.described(shown))
curves.overlay(curves.View(shown["experiment_id"]), key="start.overlay")
with st.container(horizontal=True):
    query = {"experiment": shown["experiment_id"]}
    st.page_link(
        "pages/compare.py", label="Compare the dials", icon=":material/stacked_line_chart:", query_params=query
    )
    st.page_link("pages/traces.py", label="Read every call", icon=":material/account_tree:", query_params=query)
