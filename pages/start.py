"""Start: what the four dials are, a run to look at, and a button that starts a real one."""

import streamlit as st

from fourdials.ui import chart, shell

shell.enter()
st.title("Four Dials", anchor=False)
st.markdown(
    "A language model can be given more compute when it answers, in four ways: **sample more** answers and vote, "
    "**think longer** before answering, **search more** for facts, or **act more** in an environment. Each is a dial. "
    "Given a task, a model and a budget, which one should you turn? Four Dials finds out by doing all four for real, "
    "pricing every call, and drawing the curves side by side."
)
place = st.container()
chart.fetch_early()

from pathlib import Path  # noqa: E402 - the text above appears while these load
from typing import Any, Literal  # noqa: E402

from fourdials import spec  # noqa: E402
from fourdials.models import catalogue  # noqa: E402
from fourdials.ui import access, controls, curves, data, fetching, monitor  # noqa: E402

EXPERIMENTS = Path(__file__).parent.parent / "data" / "experiments"
QUICK, FIRST_LIGHT = EXPERIMENTS / "rivers.toml", EXPERIMENTS / "first_light.toml"
PROBLEMS = 20  # of each task of the second: about two minutes on two processors


def offer(label: str, data: dict[str, Any], ready: bool, kind: Literal["primary", "secondary"]) -> None:
    """A button that starts a run and goes to where it can be watched."""
    if st.button(label, type=kind, icon=":material/play_arrow:", disabled=not ready):
        st.switch_page("pages/run.py", query_params={"experiment": monitor.launch(data | {"name": "A first run"})})


runs = data.frame("experiments")
if access.workshop():
    with place:
        quick, language = spec.load(QUICK), spec.load(FIRST_LIGHT)
        language["tasks"] = [task | {"problems": PROBLEMS} for task in language["tasks"]]
        may = access.gate("start runs")
        here = fetching.offer(catalogue.resolve(language["model"]))
        with st.container(horizontal=True, vertical_alignment="center"):
            offer("Start a half-minute real run", quick, may, "primary")
            offer("Start a language model run", language, may and here, "secondary")
            st.page_link("pages/run.py", label="Set up your own", icon=":material/tune:")
        st.caption(
            "Both run on this computer: no account, no key, no cost. The first uses a scale model: a transformer of "
            "0.4 million parameters, trained on one task, whose curves appear in seconds. The second takes about two "
            "minutes with a small language model, too small to be useful. Both are real, so their curves are real too."
        )

shown = controls.worth_showing(runs)
if shown is None:
    st.info("No run has results yet. Start one above; its curves appear here and under Compare as they grow.")
    st.stop()
st.subheader("What a run looks like" if shown["recorded"] else "Your latest run", anchor=False)
st.caption(controls.described(shown))
curves.first_look(curves.View(shown["experiment_id"]), key="start")
with st.container(horizontal=True):
    query = {"experiment": shown["experiment_id"]}
    st.page_link(
        "pages/compare.py", label="Compare the dials", icon=":material/stacked_line_chart:", query_params=query
    )
    st.page_link("pages/traces.py", label="Read every call", icon=":material/account_tree:", query_params=query)
