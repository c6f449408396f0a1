"""Sets Four Dials up on this computer, then opens the dashboard or runs the checks. Standard library only.

    python scripts/setup.py start [--class] [options of `streamlit run`]     what scripts/start does
    python scripts/setup.py test                                             what scripts/test does
    python scripts/setup.py check                                            what scripts/check does

`start` and `test` create `.venv`, install into it what changed since last time, and fetch the small local model's
weights. What cannot be had is explained; only a missing Python package stops the set-up.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
COMPILED = "pycosat"  # has no wheels; only reasoning-gym's zebra_puzzles uses it
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
CHROMIUM_PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
CLASS = "--class"
HEAVY = "browser or local_model"


def say(text: str) -> None:
    """Prints one line at once, so that it stands before the output of the next command."""
    print(f"four dials: {text}", flush=True)


def works(*command: str | Path) -> bool:
    """True if the command runs and exits with 0; its output is dropped."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def create_venv() -> None:
    """Creates `.venv`, or again if its Python is gone (an upgrade of the system does that)."""
    if PYTHON.exists() and works(PYTHON, "-c", "import pip"):
        return
    say(f"creating .venv with Python {sys.version.split()[0]}")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"four dials: {sys.executable} cannot create a virtual environment.\n"
            "On Debian and Ubuntu: sudo apt-get install python3-venv. Then run this again.\n"
            f"It said: {(done.stdout + done.stderr).strip()[-500:]}"
        )


def split_requirements(text: str) -> tuple[str, str]:
    """The requirements every computer can install, and the one that needs a C compiler."""
    entries = re.split(r"\n(?=[a-z0-9])", text)
    return (
        "\n".join(entry for entry in entries if not entry.startswith(COMPILED)),
        "\n".join(entry for entry in entries if entry.startswith(COMPILED)),
    )


def pip_install(requirements: str) -> subprocess.CompletedProcess[str]:
    """Installs pinned and hashed requirements, showing how many pip has collected; its full output is returned."""
    total = len(re.findall(r"^[a-z0-9][^\n]*==", requirements, re.MULTILINE))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements, encoding="utf-8")
        command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"]
        command += ["--require-hashes", "--progress-bar", "off", "-r", str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
            lines, collected = [], 0
            for line in pip.stdout or ():
                lines.append(line)
                collected += line.startswith(("Collecting", "Requirement already satisfied", "Ignoring"))
                note = f"{min(collected, total)} of {total} packages" if collected < total else "unpacking (a minute)"
                if sys.stdout.isatty():
                    print(f"\r  {note:40}", end="", flush=True)
        if sys.stdout.isatty():
            print(f"\r{'':42}\r", end="", flush=True)
    return subprocess.CompletedProcess(command, pip.returncode, "".join(lines), "")


def install(name: str) -> None:
    """Installs a requirements file, unless `.venv` already has exactly this one."""
    text = (ROOT / name).read_text(encoding="utf-8")
    stamp = VENV / f"installed-{name}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"installing {name} (the first time downloads several hundred megabytes)")
    everyone, compiled = split_requirements(text)
    done = pip_install(everyone)
    if done.returncode:
        raise SystemExit(
            f"{done.stdout[-3000:]}\nfour dials: {name} could not be installed; pip's last lines are above.\n"
            "Installing needs the network once. Behind a proxy or mirror, configure pip, then run this again."
        )
    if compiled and pip_install(compiled).returncode:
        say(
            f"{COMPILED} needs a C compiler and was left out: one puzzle, zebra_puzzles, is unavailable; all else works"
        )
    stamp.write_text(digest)


def fetch_weights() -> None:
    """Fetches the local model's weights, unless they are there; without them the rest still works."""
    if subprocess.run([str(PYTHON), "-m", "fourdials.models.weights"], cwd=ROOT).returncode:
        say("the local model's weights are missing, so local/smollm2-135m cannot run; hosted and simulated models can.")
        say("To try again: start once more while connected to the network.")
    if not works(PYTHON, "-c", "import xllamacpp"):
        say("the local model's engine does not load. On Debian and Ubuntu: sudo apt-get install libgomp1")


def set_up() -> None:
    """Everything a run needs; quick and without the network if nothing has changed."""
    create_venv()
    install("requirements.txt")
    fetch_weights()


def address(options: Sequence[str]) -> tuple[str, int]:
    """Host and port the dashboard will listen on: given as options, in the environment, or in config.toml."""
    import tomllib  # not at the top: an older Python must get as far as the message in `main`

    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")).get("server", {})
    host = os.environ.get("STREAMLIT_SERVER_ADDRESS", server.get("address", "127.0.0.1"))
    port = os.environ.get("STREAMLIT_SERVER_PORT", str(server.get("port", 8501)))
    for place, option in enumerate(options):
        key, _, value = option.partition("=")
        value = value or (options[place + 1] if place + 1 < len(options) else "")
        host = value if key == "--server.address" else host
        port = value if key == "--server.port" else port
    if not port.isdigit():
        raise SystemExit(f"four dials: {port!r} is not a port; give a number such as --server.port 8502")
    return host, int(port)


def check_port_is_free(options: Sequence[str]) -> None:
    """Stops with an explanation if something already listens where the dashboard would."""
    host, port = address(options)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if not WINDOWS:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            what = "in use by another program"
            if _is_dashboard(host, port):
                what = f"in use, by a dashboard: perhaps Four Dials is already open at http://{host}:{port}"
            raise SystemExit(
                f"four dials: port {port} on {host} is {what} ({error.strerror or error}).\n"
                f"Choose another one: scripts/start --server.port {port + 1}"
            ) from None


def _is_dashboard(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/_stcore/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except (OSError, ValueError):
        return False


def serving(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is run to open the dashboard, and its options; with `--class` it is opened to a class on the network."""
    rest = [option for option in options if option != CLASS]
    if CLASS not in options:
        return ["fourdials.ui.launch"], rest
    if not any(option.partition("=")[0] == "--server.address" for option in rest):
        rest = ["--server.address=0.0.0.0", *rest]
    return ["fourdials.invitation"], rest


def start(options: Sequence[str]) -> int:
    """Sets up and opens the dashboard; returns when it is closed."""
    program, options = serving(options)
    check_port_is_free(options)
    set_up()
    command = [str(PYTHON), "-m", *program, *options]
    os.chdir(ROOT)
    if not WINDOWS:
        os.execv(PYTHON, command)
    return subprocess.run(command).returncode


def find_chromium() -> str | None:
    """A browser the tests can drive, or None."""
    names = [os.environ.get("FOURDIALS_CHROMIUM", ""), *CHROMIUM_NAMES]
    found = [path for name in names if name and (path := shutil.which(name))]
    found += [place for place in CHROMIUM_PLACES if Path(place).exists()]
    return next((path for path in found if WINDOWS or works(path, "--version")), None)


def get_chromium() -> str | None:
    """A browser for the tests, installed by the package manager if none is there and no password is asked."""
    root = not WINDOWS and os.geteuid() == 0
    sudo = [] if root else ["sudo", "-n"]
    may = root or works("sudo", "-n", "true")
    ways: list[list[list[str]]] = []
    if shutil.which("apt-get") and may:
        install_it = [*sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium", "libgomp1"]
        ways.append([[*sudo, "apt-get", "update", "-q"], install_it])
    if shutil.which("dnf") and may:
        ways.append([[*sudo, "dnf", "install", "-y", "-q", "chromium"]])
    if shutil.which("brew"):
        ways.append([["brew", "install", "--cask", "chromium"]])
    for commands in ways:
        if browser := find_chromium():
            return browser
        say(f"installing Chromium: {' '.join(commands[-1])}")
        for command in commands:
            subprocess.run(command, stdout=subprocess.DEVNULL)
    return find_chromium()


def test() -> int:
    """Sets up with what the checks need, then runs them all; returns 0 if they pass."""
    set_up()
    install("requirements-dev.txt")
    browser = get_chromium()
    if browser:
        os.environ["FOURDIALS_CHROMIUM"] = browser
    else:
        say("!! NO CHROMIUM: the browser tests will be SKIPPED.")
        say("!! Install it (Debian: sudo apt-get install chromium) or name one in FOURDIALS_CHROMIUM; run this again.")
    return check()


def check() -> int:
    """Format, lint, types, then the tests: the heavy ones one at a time, the others side by side."""
    python = str(PYTHON if PYTHON.exists() else sys.executable)
    commands = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
        "heavy tests": ["pytest", "-m", HEAVY],
        "tests": ["pytest", "-n", "2", "-m", f"not ({HEAVY})"],
    }
    failed, begun = [], time.monotonic()
    for name, command in commands.items():
        say(f"{name}: {' '.join(command)}")
        code = subprocess.run([python, "-m", *command], cwd=ROOT).returncode
        if code and not (name == "heavy tests" and code == 5):  # 5: pytest found no such tests
            failed.append(name)
    took = f"in {time.monotonic() - begun:.0f} s"
    say(f"FAILED {took}: {', '.join(failed)}" if failed else f"all checks passed {took}")
    return 1 if failed else 0


def main(arguments: Sequence[str]) -> int:
    """Runs `start`, `test` or `check`."""
    if sys.version_info < (3, 11):  # noqa: UP036 - Windows users start this file with any Python
        raise SystemExit(f"four dials: needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    command, options = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command == "start":
        return start(options)
    plain: dict[str, Callable[[], int]] = {"test": test, "check": check}
    if command in plain and not options:
        return plain[command]()
    print(__doc__)
    return 0 if command in ("-h", "--help", "help") else 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
