"""Lessons."""

import streamlit as st


def show() -> None:
    """Nothing yet."""
    st.write("soon")
