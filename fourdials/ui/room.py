"""The class of this server, shared by all readers, and the random name of the browser that reads. Called by Learn."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from fourdials.classroom import FILE, Classroom, Question, new_name
from fourdials.errors import InputError
from fourdials.home import home
from fourdials.ui import access, bundle

TICK_S = 2.0  # how soon a page follows the teacher
_NAME = re.compile(r"[0-9a-f]{32}")
_SESSION = "room.name"


def room() -> Classroom:
    """The class of this home. Shows why and ends the page's script if its file is damaged."""
    try:
        return _room(str(home()))
    except InputError as error:
        st.error("What the class predicted before cannot be read.", icon=":material/error:")
        st.code(str(error), language=None, wrap_lines=True)
        st.stop()


@st.cache_resource(show_spinner=False)
def _room(folder: str) -> Classroom:
    return Classroom(Path(folder) / FILE)


def name() -> str:
    """The random name of the browser that reads; until `greet` has learnt it, one for this session."""
    return str(st.session_state.setdefault(_SESSION, new_name()))


def greet() -> str:
    """Asks the browser for the random name it keeps, gives it one if it has none, and returns it."""
    fresh = name()
    script = (bundle.STATIC / "reader.js").read_text(encoding="utf-8")
    mount = st.components.v2.component("fourdials_reader", js=script)
    told = mount(key="room.reader", data={"fresh": fresh, "known": fresh}, on_name_change=lambda: None, height=1)
    if isinstance(told.name, str) and _NAME.fullmatch(told.name):
        st.session_state[_SESSION] = told.name
    return name()


def question(lesson: str) -> Question | None:
    """How the class stands with a lesson; None where there is no class."""
    return room().question(lesson) if access.teaching() else None


def stage(lesson: str) -> tuple[str | None, bool, bool, bool]:
    """What a page was drawn for: the lesson that is open, whether `lesson` is held or revealed, and whether this
    reader's prediction counts."""
    here = room()
    shown = here.question(lesson)
    return here.current, shown.held, shown.revealed, name() in shown.predictions
