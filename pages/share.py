"""Share: send a run as a file others can open or read, and open theirs."""

import streamlit as st

from fourdials.ui import shell

shell.enter()
st.title("Share", anchor=False)

from fourdials.ui import controls, curves, sharing  # noqa: E402 - the title appears while these load

send, receive = st.tabs(["Send", "Open"], key="share", bind="query-params")
with send:
    experiment = controls.choose_experiment()
    if experiment is None:
        st.info("There are no runs to send yet.")
    elif not experiment["trials_done"]:
        st.info("No trial of this run has ended yet; there is nothing to send.")
    else:
        view = sharing.choose(experiment)
        curves.overlay(view, key="share.overlay")
        left, right = st.columns(2, gap="large")
        with left, st.container(border=True):
            sharing.snapshot(view, experiment["name"])
        with right, st.container(border=True):
            sharing.report(view, experiment["name"])
        with st.container(border=True):
            sharing.rows(view, experiment["name"])
with receive:
    st.markdown(
        "Open a snapshot somebody sent you, or samples you have already: JSON lines, an Inspect log (.eval), lm-eval "
        "samples. Every part is checked first; it then stands beside your own runs, read-only and marked as such."
    )
    sharing.take_in()
