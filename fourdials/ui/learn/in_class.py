"""The class: for its teacher how to join and what is open, for students the open lesson. Called by Learn."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import streamlit as st

from fourdials import invitation, verdict
from fourdials.lessons import Lesson, lessons
from fourdials.ui import access, room, words
from fourdials.ui.learn import lessons as shown
from fourdials.ui.learn import predicting

if TYPE_CHECKING:
    import polars as pl


def show() -> None:
    """The teacher's view for whoever has entered the launch password, else the students'."""
    if access.allowed():
        _teach()
    else:
        _attend()


def _attend() -> None:
    current = room.room().current
    if current is None:
        st.info("Your teacher has not opened a lesson yet. It appears here by itself.", icon=":material/hourglass_top:")
        st.caption("Meanwhile **Lessons** has them all: predict, then see. Nobody sees whose prediction is whose.")
        _waiting()
    else:
        shown.body(lessons()[current], brief=True)
    st.divider()
    access.gate("open lessons and start runs")


@st.fragment(run_every=room.TICK_S)
def _waiting() -> None:
    if room.room().current is not None:
        st.rerun()


def _teach() -> None:
    left, right = st.columns([2, 5], gap="large")
    with left:
        _join()
    with right:
        lesson = _choose()
        st.subheader(lesson.question, anchor=False)
        st.markdown(f"##### {words.plain(lesson.predict.ask)}")
        _steer(lesson)
        run = shown.shown_run(lesson)
        over = shown.pool(lesson, run)
        st.session_state["class.stage"] = room.stage(lesson.claim)
        _gather(lesson.claim, over)
        if room.room().question(lesson.claim).revealed:
            predicting.compared(lesson, None, over)
        query = {"view": "Lessons", "lesson": lesson.claim}
        st.page_link("pages/learn.py", label="Go through it", icon=":material/school:", query_params=query)


def _join() -> None:
    link = _link()
    st.subheader("Join", anchor=False)
    st.image(invitation.qr_svg(link), alt=f"QR code of {link}", width=260)
    st.markdown(f"##### {words.plain(link)}")
    st.caption("No name, no password, nothing to install. Phones and computers of the same network can join.")
    if _alone(link):
        st.warning("Only this computer can join: the dashboard does not listen on the network.")


def _link() -> str:
    """The address students open: as told to browsers, else where this server listens."""
    address = st.get_option("browser.serverAddress") or ""
    if not address or address == "localhost":
        address = st.get_option("server.address") or ""
    if address in invitation.EVERYWHERE:
        address = next(iter(invitation.addresses()), "127.0.0.1")
    return invitation.link(
        address,
        int(st.get_option("browser.serverPort")),
        st.get_option("server.baseUrlPath") or "",
        bool(st.get_option("server.sslCertFile")),
    )


def _alone(link: str) -> bool:
    host = link.split("//")[1].split("/")[0].rsplit(":", 1)[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _choose() -> Lesson:
    known = lessons()
    ids = list(known)
    at = ids.index(room.room().current or ids[0])
    chosen = st.selectbox("Lesson", ids, at, format_func=_titled, key="class.lesson", persist_state="session")
    return known[chosen]


def _titled(claim_id: str) -> str:
    return f"{claim_id} {verdict.claims()[claim_id].title}"


def _steer(lesson: Lesson) -> None:
    here, question = room.room().current == lesson.claim, room.room().question(lesson.claim)
    with st.container(horizontal=True, vertical_alignment="center"):
        if question.revealed:
            st.badge("the answer is shown", icon=":material/visibility:", color="green")
        elif here:
            st.badge("open to the class", icon=":material/co_present:", color="blue")
        if here:
            st.button("Close", icon=":material/close:", on_click=_do, args=("close",))
        else:
            st.button(
                "Open it to the class",
                type="primary",
                icon=":material/co_present:",
                on_click=_do,
                args=("open",),
            )
        if here and not question.revealed:
            st.button(
                "Show the answer",
                type="primary",
                icon=":material/visibility:",
                on_click=_do,
                args=("reveal",),
            )
        if question.predictions or question.revealed:
            with st.popover("Start over", icon=":material/restart_alt:", type="tertiary"):
                st.markdown(f"This forgets {words.plural(len(question.predictions), 'prediction')} of this lesson.")
                st.button("Forget them", on_click=_do, args=("reset",))


def _do(what: str) -> None:
    """Steers the lesson that is chosen at this moment: a choice and a click may arrive together."""
    access.require()
    held, lesson = room.room(), st.session_state["class.lesson"]
    if what == "close":
        held.close()
    else:
        {"open": held.open, "reveal": held.reveal, "reset": held.reset}[what](lesson)


@st.fragment(run_every=room.TICK_S)
def _gather(lesson: str, over: pl.DataFrame | None) -> None:
    if room.stage(lesson) != st.session_state["class.stage"]:  # the teacher steers from another window as well
        st.rerun()
    question = room.room().question(lesson)
    if room.room().current == lesson or question.predictions:
        predicting.gathering(lessons()[lesson], question, over, told=question.revealed)
    else:
        st.caption("Nobody has predicted yet. Open the lesson, and the class's predictions gather here.")
