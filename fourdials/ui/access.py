"""Who may start runs, change settings and import: everybody on this computer only; on a network, the launch password.

`st.get_option("server.address")` tells whether others can reach the dashboard. If they can, anything that spends money
or changes files asks for `FOURDIALS_LAUNCH_PASSWORD`; without one set, nobody may. For a class (`app.py -- --class`)
whoever has the password is the teacher, wherever the dashboard listens. A viewer (`app.py -- --snapshot FILE`) shows
one snapshot and lets nobody do anything. Called by pages before they offer a button and again when it is pressed.
"""

from __future__ import annotations

import atexit
import hmac
import ipaddress
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import streamlit as st

from fourdials import invitation
from fourdials.errors import InputError
from fourdials.invitation import PASSWORD, SHORTEST
from fourdials.ui import signing

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


def shared() -> bool:
    """True if the password is what counts: other computers can reach the dashboard, or a class uses it."""
    if teaching():
        return True
    address = st.get_option("server.address") or ""
    if address == "localhost":
        return False
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True  # a name, or nothing: Streamlit then listens everywhere


def teaching() -> bool:
    """True if this server was started for a class (`app.py -- --class`)."""
    return invitation.FLAG in sys.argv[1:]


def student() -> bool:
    """True if a class uses this server and this reader has not entered the launch password."""
    return teaching() and not allowed()


def joins() -> bool:
    """True at the first sight of a reader where a class uses this server, once."""
    first = not st.session_state.get("access.seen")
    st.session_state["access.seen"] = True
    return first and teaching()


def workshop() -> bool:
    """True if this reader is shown the pages that start runs and edit models; students and viewers are not."""
    return viewer() is None and not student()


def viewer() -> Path | None:
    """The snapshot this server was started to show (`app.py -- --snapshot FILE`), or None."""
    given = sys.argv[1:]
    if "--snapshot" not in given:
        return None
    place = given.index("--snapshot") + 1
    if place >= len(given):
        raise InputError("--snapshot needs a file: streamlit run app.py -- --snapshot results.fourdials")
    return Path(given[place]).expanduser().resolve()


def allowed() -> bool:
    """True if this reader may start runs, change settings and import."""
    if viewer() is not None:
        return False
    return not shared() or signing.entered()


def settled() -> bool:
    """False until it is known whether this reader is signed in from before the page was loaded anew. Offers whoever is
    signed in to leave. Called once by `app.py`, before it says which pages there are."""
    if viewer() is not None or not shared():
        return True
    with st.sidebar:
        known = signing.recall()
        if allowed():
            st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=signing.leave)
    return known


def require() -> None:
    """Raises InputError if this reader may not; every action calls it, whatever buttons were shown."""
    if not allowed():
        raise InputError("only whoever has the launch password may do this here")


def gate(what: str) -> bool:
    """`allowed()`; where a password would help it is asked for. `what` completes "To …, enter the launch password"."""
    if allowed():
        return True
    if viewer() is not None:
        st.info("This dashboard shows one snapshot; nothing can be started or changed here.", icon=":material/lock:")
        return False
    if teaching():
        st.caption(f"Only the teacher can {what}.")
        with st.popover("I am the teacher", icon=":material/lock:", key=f"access.{what}"):
            _ask(what)
        return False
    _ask(what)
    return False


def _ask(what: str) -> None:
    if len(os.environ.get(PASSWORD, "")) < SHORTEST:
        st.info(
            f"This dashboard can be reached over the network, and no launch password is set, so nobody can {what}. "
            f"Set `{PASSWORD}` to at least {SHORTEST} characters and start it again.",
            icon=":material/lock:",
        )
        return
    st.info(f"To {what}, enter the launch password.", icon=":material/lock:")
    key = f"access.try.{what}"
    st.text_input(
        "Launch password", type="password", key=key, on_change=_try, args=(key,), autocomplete="current-password"
    )
    if told := st.session_state.get("access.told"):
        st.warning(told)


def prepare() -> None:
    """Readies this server for its purpose: for a class a launch password, for a viewer a home of its own that holds the
    snapshot only. Called by `app.py`. Raises InputError for a snapshot that cannot be shown."""
    file = viewer()
    if teaching():
        if file is not None:
            raise InputError("--class and --snapshot exclude one another; start two dashboards on two ports")
        invitation.ensure_password()
    if file is None or os.environ.get("FOURDIALS_HOME") == _viewing().get(str(file)):
        return
    from fourdials import snapshot
    from fourdials.store import Store

    folder = Path(tempfile.mkdtemp(prefix="fourdials-viewer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = Store(folder, recorded=folder)
    try:
        snapshot.install(file, store)
    finally:
        store.close()
    _viewing()[str(file)] = os.environ["FOURDIALS_HOME"] = str(folder)


@st.cache_resource(show_spinner=False)
def _viewing() -> dict[str, str]:
    """The home made for each snapshot shown by this server."""
    return {}


@st.cache_resource(show_spinner=False)
def _missed() -> dict[str, tuple[float, float]]:
    """For each address that entered a wrong password: how long it waits, and until when (seconds since the epoch)."""
    return {}


def _address() -> str:
    return st.context.ip_address or "here"


def _try(key: str) -> None:
    given = st.session_state.pop(key, "")
    who, now = _address(), time.time()
    wait_s, until = _missed().get(who, (0.0, 0.0))
    if now < until:
        st.session_state["access.told"] = f"Too many wrong passwords. Try again in {until - now:.0f} s."
    elif hmac.compare_digest(given.encode(), os.environ.get(PASSWORD, "").encode()):
        signing.enter()
        st.session_state.pop("access.told", None)
        _missed().pop(who, None)
    else:
        wait_s = min(_LONGEST_WAIT_S, max(_FIRST_WAIT_S, 2 * wait_s))
        _missed()[who] = (wait_s, now + wait_s)
        st.session_state["access.told"] = "That is not the launch password."
