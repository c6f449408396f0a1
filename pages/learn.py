"""Learn: lessons that ask for a prediction first, the theory with knobs, and verdicts on what the field claims."""

import streamlit as st

from fourdials.ui import shell

shell.enter()
st.title("Learn", anchor=False)

from fourdials.ui import learn  # noqa: E402 - the title appears while this loads

titles = learn.titles()
for title, place in zip(titles, st.tabs(titles, key="view", bind="query-params"), strict=True):
    if place.open:
        with place:
            learn.show(title)
