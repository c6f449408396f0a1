"""One headless Chromium for all browser tests, and a page of it for each."""

import os
import shutil

import pytest

NAMES = (os.environ.get("FOURDIALS_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage", "--disable-gpu"]


@pytest.fixture(scope="module")  # not longer: while it lives no other test of its process can run an event loop
def browser():
    """Headless Chromium, or a loud skip."""
    found = next(filter(None, (shutil.which(name) for name in NAMES if name)), None)
    if found is None:
        pytest.skip("no Chromium was found; install it with the system's package manager to run this test")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()
