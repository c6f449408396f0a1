"""A dashboard of one's own on a free port, for as long as a test needs it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from fourdials import worker

ROOT = Path(__file__).resolve().parents[2]
APP = ("streamlit", "run", "app.py")
CHART = ".fourdials-chart"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(home, program=APP, options=(), root=ROOT, **environment):
    """The address of a dashboard: `program` is the module that serves it, run in `root`; its runs end with it."""
    port = free_port()
    command = [sys.executable, "-m", *program, "--server.headless=true", f"--server.port={port}", *options]
    environment = {**os.environ, "FOURDIALS_HOME": str(home), **environment}
    log = home / "dashboard.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while not answers(port):
                assert time.monotonic() < deadline, log.read_text()
                assert server.poll() is None, log.read_text()
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            for folder in (home / "runs").glob("*"):
                worker.stop(folder.name, home)
            server.terminate()
            server.wait(20)


def placed(page, share):
    """Clicks the chart above the field for a point, the page's last, in the middle, `share` of its height from the top,
    and gives the percent that stands in the field then."""
    page.get_by_label("Your point, in percent").wait_for()
    plot = page.locator(f"{CHART} .nsewdrag").last
    page.wait_for_function(f"() => [...document.querySelectorAll('{CHART}')].at(-1)?.fourdials?.stop")  # it listens
    plot.scroll_into_view_if_needed()
    area = plot.bounding_box()
    at = {"x": area["width"] / 2, "y": area["height"] * share}
    touched = page.evaluate("() => navigator.maxTouchPoints > 0")
    (plot.tap if touched else plot.click)(position=at)
    page.wait_for_function("() => document.querySelector('input[type=number]')?.value")
    return int(page.get_by_label("Your point, in percent").input_value())


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
            return True
    except OSError:
        return False
