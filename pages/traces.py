"""Traces: from a point of a curve to the trials behind it, and from a trial to every call it made."""

import streamlit as st

from fourdials.ui import shell

shell.enter()
st.title("Traces", anchor=False)

from fourdials.figures import numbers  # noqa: E402
from fourdials.ui import access, controls, data, trace, words  # noqa: E402 - the title appears while these load

trial_id = st.query_params.get("trial")
if trial_id:
    found = data.frame("trial", trial_id=trial_id)
    if found.is_empty():
        st.info("This trial has not ended yet, or is not in this home. Its calls so far, if any, are below.")
    else:
        row = found.row(0, named=True)
        trace.way_back(row, trial_id)
        trace.head(row)
    st.subheader("Level by level", anchor=False)
    trace.timeline(trial_id, found["unit"][0] or "" if found.height else "")
    st.stop()

experiment = controls.choose_experiment()
if experiment is None:
    st.info("There are no runs yet. Start one, and every call it makes can be read here.")
    if access.workshop():
        st.page_link("pages/run.py", label="Set up a run", icon=":material/play_circle:")
    st.stop()
experiment_id = experiment["experiment_id"]
arms = data.frame("arms", experiment_ids=[experiment_id])
if arms["trials_done"].sum() == 0:
    st.info("No trial of this run has ended yet. This page fills as they do; reload it in a moment.")
    st.stop()

one, two, three = st.columns([3, 2, 3], vertical_alignment="bottom")
with one:
    arm = controls.linked_choice(st.selectbox, "Arm", arms["arm"].to_list(), param="arm", default=arms["arm"][0])
with two:
    tasks = ["all", *experiment["tasks"]] if len(experiment["tasks"]) > 1 else experiment["tasks"]
    task = controls.linked_choice(st.selectbox, "Task", tasks, param="task", default=tasks[0])
with three:
    unit, spend = trace.choose_point(arms.filter(arm=arm).row(0, named=True))
chosen = {} if task == "all" else {"tasks": [task]}
rows = data.frame("trials_at", experiment_ids=[experiment_id], arm=arm, unit=unit, spend=spend, **chosen)
if rows.is_empty():
    st.info("No complete block has this arm yet: a block is a problem with all arms. Wait, or choose another arm.")
    st.stop()

wanted = controls.linked_choice(
    st.segmented_control,
    "Show",
    list(trace.KINDS),
    param="kind",
    default="all",
    format_func=trace.KINDS.get,
    required=True,
)
listed = trace.of_kind(rows, wanted)
where = words.plain(numbers.budget(unit, spend))
st.caption(
    f"{words.plural(listed.height, 'trial')} of {rows.height}: the answers standing at {where}, "
    f"right in {numbers.percent(rows['score'].mean())}. Choose a row to open its trial."
)
readable = listed["reference"].map_elements(trace.plain_json, return_dtype=listed["reference"].dtype, skip_nulls=False)
picked = st.dataframe(
    listed.with_columns(readable).select(
        "question", "reference", "outcome", "score", "level", *(["spend"] if unit != "level" else []), "task", "repeat"
    ),
    hide_index=True,
    on_select="rerun",
    selection_mode="single-row",
    key="traces.rows",
    column_config={"question": st.column_config.TextColumn(width="large"), "spend": words.UNITS.get(unit, unit)},
)
if picked.selection.rows:
    trace.open_trial(listed["trial_id"][picked.selection.rows[0]], listed["trial_id"].to_list())
