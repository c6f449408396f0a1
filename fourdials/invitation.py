"""Opens the dashboard to a class on the local network: a launch password, the link students open, and its QR code.

`python -m fourdials.invitation [options of streamlit run]` is what `scripts/start --class` runs; it becomes the
dashboard. The pages use the rest.
"""

from __future__ import annotations

import io
import ipaddress
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from fourdials.errors import SetupError

PASSWORD = "FOURDIALS_LAUNCH_PASSWORD"
SHORTEST = 8
FLAG = "--class"
EVERYWHERE = ("", "0.0.0.0", "::")
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another when it is read off a screen
_once = threading.Lock()


def new_password() -> str:
    """Twelve random letters and digits in groups of four, 60 bits: `kxmf-2h7q-9rtp`."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return "-".join(letters[place : place + 4] for place in (0, 4, 8))


def ensure_password() -> bool:
    """Makes a launch password if the environment holds none, and prints it, once; it is kept nowhere else.

    Returns False if there is none and none was made: what is printed does not go to a terminal, and a password must
    not end in a log.
    """
    with _once:
        if os.environ.get(PASSWORD):
            return True
        if not sys.stdout.isatty():
            return False
        os.environ[PASSWORD] = new_password()
        print(f"four dials: launch password  {os.environ[PASSWORD]}", flush=True)
        print(f"            for the teacher alone; set {PASSWORD} to choose your own", flush=True)
        return True


def addresses() -> list[str]:
    """The IPv4 addresses under which others may reach this computer, the one it would itself use first; loopback and
    link-local ones are left out. Empty without a network."""
    import psutil

    found = [
        each.address
        for name, each_address in sorted(psutil.net_if_addrs().items())
        if (state := psutil.net_if_stats().get(name)) is None or state.isup
        for each in each_address
        if each.family == socket.AF_INET and _reachable(each.address)
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: a datagram socket only asks which way it would go
            first = probe.getsockname()[0]
        except OSError:  # no way out, as in a network of its own
            first = ""
    return sorted(set(found), key=lambda address: (address != first, found.index(address)))


def _reachable(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return not (known.is_loopback or known.is_link_local or known.is_unspecified)


def link(host: str, port: int, base: str = "", secure: bool = False) -> str:
    """The address students open: `http://192.168.1.7:8501/`.

    Args:
        host: A name or address of this computer.
        port: Where the dashboard listens.
        base: Path under which a proxy serves it, or empty.
        secure: True if it is served over TLS; at port 443 it always is, as behind a proxy.
    """
    secure = secure or port == 443
    shown = f"[{host}]" if ":" in host else host
    usual = 443 if secure else 80
    path = f"{base.strip('/')}/" if base.strip("/") else ""
    return f"http{'s' if secure else ''}://{shown}{'' if port == usual else f':{port}'}/{path}"


def qr_svg(text: str) -> str:
    """A QR code as SVG, black on white with the quiet margin that readers need, on a page of any colour."""
    import segno

    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", scale=8, border=4, light="#ffffff", dark="#000000")
    return drawn.getvalue().decode("utf-8")


def command(options: Sequence[str], found: Sequence[str]) -> tuple[list[str], str]:
    """The command that serves a class, and the address students will use.

    Args:
        options: Options of `streamlit run`; what follows `--` goes to the app.
        found: This computer's addresses; only a server that listens everywhere needs one.

    Raises SetupError if it is to listen everywhere and has no address on a network.
    """
    at = list(options).index("--") if "--" in options else len(options)
    given, rest = list(options[:at]), list(options[at + 1 :])
    address = _value(given, "--server.address")
    if address is None:
        address = "0.0.0.0"
        given += ["--server.address", address]
    if address in EVERYWHERE and not found:
        raise SetupError(
            "this computer has no address on a network, so nobody could join. Connect it, or try the class alone with "
            "--server.address 127.0.0.1"
        )
    host = _value(given, "--browser.serverAddress") or (found[0] if address in EVERYWHERE else address)
    if _value(given, "--browser.serverAddress") is None:
        given += ["--browser.serverAddress", host]  # what is opened here, too; else Streamlit asks a server outside
    if _value(given, "--server.allowedHosts") is None:
        for name in dict.fromkeys(["127.0.0.1", "localhost", host, *found]):
            given += ["--server.allowedHosts", name]
    return [sys.executable, "-m", "fourdials.ui.launch", *given, "--", FLAG, *rest], host


def _value(options: Sequence[str], name: str) -> str | None:
    """The last value of an option, written `--name value` or `--name=value`; None if it is not given."""
    found = None
    for place, option in enumerate(options):
        key, sign, value = option.partition("=")
        if key == name:
            found = value if sign else (options[place + 1] if place + 1 < len(options) else "")
    return found


def port_of(options: Sequence[str], environment: Mapping[str, str]) -> int:
    """The port students will use: named for browsers, else for the server, else Streamlit's own, 8501."""
    named = (_value(options, "--browser.serverPort"), _value(options, "--server.port"))
    told = next((each for each in (*named, environment.get("STREAMLIT_SERVER_PORT")) if each), "8501")
    if not told.isdigit():
        raise SetupError(f"{told!r} is not a port; give a number such as --server.port 8502")
    return int(told)


def main(options: Sequence[str]) -> int:
    """Prints how a class joins and the launch password, then becomes the dashboard."""
    if len(os.environ.get(PASSWORD) or "x" * SHORTEST) < SHORTEST:
        raise SystemExit(f"four dials: {PASSWORD} is shorter than {SHORTEST} characters; choose a longer one")
    try:
        served, host = command(options, addresses())
        joined = link(host, port_of(options, os.environ), _value(options, "--server.baseUrlPath") or "")
    except SetupError as error:
        raise SystemExit(f"four dials: {error}") from None
    if not ensure_password():
        raise SystemExit(
            f"four dials: no launch password is set, and one that is made up is only printed on a terminal.\n"
            f"Set {PASSWORD} to {SHORTEST} characters or more and start it again."
        )
    print(f"four dials: a class joins at {joined}", flush=True)
    if sys.stdout.isatty():
        import segno

        segno.make(joined, error="m", micro=False).terminal(compact=True)
    if os.name != "nt":
        os.execv(served[0], served)
    return subprocess.run(served).returncode


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
