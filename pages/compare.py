"""Compare: which run, task, unit and arms; the tabs below draw what was chosen."""

import streamlit as st

from fourdials.ui import chart, shell

shell.enter()
st.title("Compare", anchor=False)
chart.fetch_early()

from fourdials.ui import (  # noqa: E402 - the title appears while these load
    access,
    compare,
    controls,
    curves,
    data,
    glossary,
    pricing,
    tables,
    words,
)

experiment = controls.choose_experiment()
if experiment is None:
    st.info("There are no runs yet. Start one, and its curves grow here while it goes.")
    if access.workshop():
        st.page_link("pages/run.py", label="Set up a run", icon=":material/play_circle:")
    st.stop()
experiment_id = experiment["experiment_id"]

one, two = st.columns([2, 7], vertical_alignment="bottom")
arms = data.frame("arms", experiment_ids=[experiment_id])
with st.container(horizontal=True):
    chosen = tables.choose_arms(arms)
    price_list = pricing.choose()
units, why_not = pricing.offered(arms if chosen is None else arms.filter(arms["arm"].is_in(list(chosen))))
with one:
    every = ["all", *experiment["tasks"]] if len(experiment["tasks"]) != 1 else experiment["tasks"]
    task = controls.linked_choice(st.selectbox, "Task", every, param="task", default=every[0])
with two:
    unit = controls.linked_choice(
        st.segmented_control,
        "Spend in",
        units,
        param="unit",
        default="total_tokens",
        format_func=words.UNITS.get,
        required=True,
        wrap=True,
        help=why_not,
    )
tasks = None if task == "all" else (task,)
view = curves.View(experiment_id, unit, tasks, chosen, price_list)

titles = list(compare.TABS.values())
for title, place in zip(titles, st.tabs(titles, key="tab", bind="query-params"), strict=True):
    if place.open:
        with place:
            compare.show(title, view, experiment)
            compare.offer_report(title, view)
            glossary.offer(title)
