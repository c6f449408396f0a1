"""Draws the screenshots of docs/pages.md: every page on a new home, wide and narrow, in headless Chromium.

Run by scripts/screens. What is shown is the recorded data that comes along. Look at the pictures before you commit.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from bench import ROOT, free_port, server
from PIL import Image
from playwright.sync_api import TimeoutError as NotThere
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(ROOT))
from fourdials.models import weights

FOLDER = ROOT / "docs" / "screens"
CHART = ".js-plotly-plot .main-svg"
CHROMIUM = os.environ.get("FOURDIALS_CHROMIUM") or "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAGES = {  # name of the picture: address
    "start": "/",
    "run": "/run",
    "models": "/models",
    "compare": "/compare",
    "compare-dark": "/compare",
    "compare-samples": "/compare?tab=Sample%20once",
    "compare-fits": "/compare?tab=Fits",
    "compare-differences": "/compare?tab=Differences",
    "compare-frontier": "/compare?tab=Frontier",
    "compare-allocate": "/compare?tab=Allocate",
    "compare-difficulty": "/compare?tab=Difficulty",
    "compare-variance": "/compare?tab=Variance",
    "compare-quality": "/compare?tab=Quality",
    "compare-prices": "/compare?tab=Prices&instead=openai%2Fgpt-5.4-mini",
    "traces": "/traces",
    "learn": "/learn",
    "learn-answered": "/learn?view=Lessons&lesson=C1",
    "class": "/learn",
    "learn-theory": "/learn?view=Theory",
    "learn-verdicts": "/learn?view=Verdicts",
    "share": "/share",
}
DARK = ("compare-dark",)
ANSWERED = ("learn-answered",)  # drawn after a prediction was made
CLASS = ("class",)  # drawn from a server of a class, as a student sees it
WIDTHS = {"": (1440, 900), "-narrow": (390, 844)}
TALLEST = 2600  # px; a longer page is cut
SETTLED_MS = 4000  # after the last chart has appeared: fonts, tables, a second pass of the layout


def main() -> None:
    """Writes one picture per page and width; of the pages named on the command line, by default of all."""
    FOLDER.mkdir(exist_ok=True)
    wanted = [name for name in PAGES if name in sys.argv[1:] or not sys.argv[1:]]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for options, names in (([], [n for n in wanted if n not in CLASS]), (["--", "--class"], CLASS)):
            with _dashboard(options) as address:
                for name in (each for each in names if each in wanted):
                    _draw(browser, address, name)
        browser.close()


@contextmanager
def _dashboard(options: list[str]) -> Iterator[str]:
    """The address of a dashboard on a new home, with the weights as after scripts/start, which fetches them."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = ["--server.port", str(port), "--server.headless", "true", *options]
    dashboard = ["-m", "streamlit", "run", "app.py", *settings]
    more = {"FOURDIALS_LAUNCH_PASSWORD": secrets.token_hex(8)}
    with (
        tempfile.TemporaryDirectory() as home,
        server(dashboard, f"{address}/_stcore/health", FOURDIALS_HOME=home, **more),
    ):
        (Path(home) / "models").symlink_to(weights.path().parent)
        yield address


def _draw(browser: Any, address: str, name: str) -> None:
    for suffix, size in WIDTHS.items():
        picture = FOLDER / f"{name}{suffix}.webp"
        _save(_taken(browser, address + PAGES[name], size, name), picture)
        print(picture.relative_to(ROOT), picture.stat().st_size // 1024, "KB", flush=True)


def _taken(browser: Any, address: str, size: tuple[int, int], name: str) -> bytes:
    width, height = size
    shade = "dark" if name in DARK else "light"
    tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=shade)
    tab.set_default_timeout(120_000)
    tab.goto(address)
    tab.wait_for_selector("h1")
    if name in ANSWERED:
        tab.get_by_role("radiogroup").last.locator("label").first.click()
        tab.get_by_role("button", name="Commit to it").click()
        tab.get_by_role("button", name="Commit to it").wait_for(state="detached")
    try:
        tab.wait_for_selector(CHART, timeout=20_000)
    except NotThere:
        print(f"no chart on {address.split('/', 3)[-1] or 'start'}")  # not every page has one
    tab.wait_for_timeout(SETTLED_MS)
    inside = tab.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
    tab.set_viewport_size({"width": width, "height": max(height, min(TALLEST, int(inside)))})
    tab.wait_for_timeout(SETTLED_MS // 2)
    taken: bytes = tab.screenshot()
    tab.close()
    return taken


def _save(taken: bytes, picture: Path) -> None:
    Image.open(BytesIO(taken)).convert("RGB").save(picture, lossless=True, method=6)


if __name__ == "__main__":
    main()
