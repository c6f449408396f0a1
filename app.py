"""Four Dials in a browser: `streamlit run app.py`, or with `-- --snapshot FILE` a read-only viewer of one snapshot.

Navigation and page settings; each page is a script in `pages/`.
"""

import streamlit as st

from fourdials.errors import InputError
from fourdials.ui import access

st.set_page_config(page_title="Four Dials", page_icon="🎛️", layout="wide")
try:
    access.prepare()
except InputError as error:
    st.error("What this server was started with cannot be shown.")
    st.code(str(error), language=None, wrap_lines=True)
    st.stop()
teaching = access.teaching()  # a class is there to learn, so that comes first
start = [st.Page("pages/start.py", title="Start", icon=":material/explore:", default=not teaching)]
learn = st.Page("pages/learn.py", title="Learn", icon=":material/school:", default=teaching)
run = [
    st.Page("pages/run.py", title="Run", icon=":material/play_circle:"),
    st.Page("pages/models.py", title="Models", icon=":material/memory:"),
]
st.navigation(
    {
        "Run": start + (run if access.workshop() else []),
        "Understand": [
            st.Page("pages/compare.py", title="Compare", icon=":material/stacked_line_chart:"),
            st.Page("pages/traces.py", title="Traces", icon=":material/account_tree:"),
        ],
        "Learn": [learn],
        "Share": [st.Page("pages/share.py", title="Share", icon=":material/share:")],
    }
).run()
