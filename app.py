"""Four Dials in a browser: `streamlit run app.py`. Navigation and page settings; each page is a script in `pages/`."""

import streamlit as st

st.set_page_config(page_title="Four Dials", page_icon="🎛️", layout="wide")
st.navigation(
    {
        "Run": [
            st.Page("pages/start.py", title="Start", icon=":material/explore:", default=True),
            st.Page("pages/run.py", title="Run", icon=":material/play_circle:"),
        ],
        "Understand": [
            st.Page("pages/compare.py", title="Compare", icon=":material/stacked_line_chart:"),
            st.Page("pages/traces.py", title="Traces", icon=":material/account_tree:"),
        ],
    }
).run()
