"""Four Dials in a browser: `streamlit run app.py`, or with `-- --snapshot FILE` a read-only viewer of one snapshot.

Navigation and page settings; each page is a script in `pages/`.
"""

import streamlit as st

from fourdials.errors import InputError
from fourdials.ui import access, data

st.set_page_config(page_title="Four Dials", page_icon="🎛️", layout="wide")
try:
    access.prepare()
except InputError as error:
    st.error("What this server was started with cannot be shown.")
    st.code(str(error), language=None, wrap_lines=True)
    st.stop()
known = access.settled()
shown = "visible" if access.workshop() else "hidden"
start = st.Page("pages/start.py", title="Start", icon=":material/explore:", default=True)
learn = st.Page("pages/learn.py", title="Learn", icon=":material/school:")
run = [
    st.Page("pages/run.py", title="Run", icon=":material/play_circle:", visibility=shown),
    st.Page("pages/models.py", title="Models", icon=":material/memory:", visibility=shown),
]
chosen = st.navigation(
    {
        "Run": [start, *(run if access.viewer() is None else [])],
        "Understand": [
            st.Page("pages/compare.py", title="Compare", icon=":material/stacked_line_chart:"),
            st.Page("pages/traces.py", title="Traces", icon=":material/account_tree:"),
        ],
        "Learn": [learn],
        "Share": [st.Page("pages/share.py", title="Share", icon=":material/share:")],
    }
)
if access.joins() and chosen is start:  # the link of a class is the plain address
    st.switch_page(learn)
if chosen in run and not access.workshop():
    st.switch_page(learn) if known else st.stop()
if access.workshop():
    data.trouble()
chosen.run()
