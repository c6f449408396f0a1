"""Makes sure a page is shown inside the app's navigation. Called at the top of every page."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def enter() -> None:
    """Goes back to `app.py` if this page was run without it.

    A folder called `pages` makes Streamlit run a page's script alone until `st.navigation` was called once in this
    server, so a link straight to a page, opened first after a start, would come without navigation and settings.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
