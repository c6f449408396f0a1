"""Who may start runs, change settings and import: everybody on this computer only; on a network, the launch password.

`st.get_option("server.address")` tells whether others can reach the dashboard. If they can, anything that spends money
or changes files asks for `FOURDIALS_LAUNCH_PASSWORD`; without one set, nobody may. A viewer (`app.py -- --snapshot
FILE`) shows one snapshot and lets nobody do anything. Called by pages before they offer a button and again when it is
pressed.
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

from fourdials.errors import InputError

PASSWORD = "FOURDIALS_LAUNCH_PASSWORD"
SHORTEST = 8
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
_GRANTED = "access.granted"


def shared() -> bool:
    """True if computers other than this one can reach the dashboard."""
    address = st.get_option("server.address") or ""
    if address == "localhost":
        return False
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True  # a name, or nothing: Streamlit then listens everywhere


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
    return not shared() or bool(st.session_state.get(_GRANTED))


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
    if len(os.environ.get(PASSWORD, "")) < SHORTEST:
        st.info(
            f"This dashboard can be reached over the network, and no launch password is set, so nobody can {what}. "
            f"Set `{PASSWORD}` to at least {SHORTEST} characters and start it again.",
            icon=":material/lock:",
        )
        return False
    st.info(f"To {what}, enter the launch password.", icon=":material/lock:")
    st.text_input("Launch password", type="password", key="access.try", on_change=_try, autocomplete="current-password")
    if told := st.session_state.get("access.told"):
        st.warning(told)
    return False


def prepare() -> None:
    """For a viewer: gives this server a home of its own that holds the snapshot only. Called once by `app.py`."""
    file = viewer()
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


def _try() -> None:
    given = st.session_state.pop("access.try", "")
    who, now = _address(), time.time()
    wait_s, until = _missed().get(who, (0.0, 0.0))
    if now < until:
        st.session_state["access.told"] = f"Too many wrong passwords. Try again in {until - now:.0f} s."
    elif hmac.compare_digest(given.encode(), os.environ.get(PASSWORD, "").encode()):
        st.session_state[_GRANTED] = True
        st.session_state.pop("access.told", None)
        _missed().pop(who, None)
    else:
        wait_s = min(_LONGEST_WAIT_S, max(_FIRST_WAIT_S, 2 * wait_s))
        _missed()[who] = (wait_s, now + wait_s)
        st.session_state["access.told"] = "That is not the launch password."
