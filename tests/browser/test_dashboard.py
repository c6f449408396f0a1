"""The dashboard in a real browser: a real run on the language model, watched, refreshed, zoomed into and read; and the
scale model's run from the first visit's button to its curves."""

import os
import time

import pytest

from fourdials import plugins, worker
from fourdials.models import catalogue, weights
from tests.browser.serving import CHART, serving

pytestmark = [pytest.mark.browser, pytest.mark.local_model]

PROBLEMS = 40  # long enough to be looked at while it goes, also where nothing else runs
TRIALS = 4 * PROBLEMS


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A new home that shares the user's weights."""
    if not weights.present():
        pytest.skip("the local model's weights are not here; fetch them with: python -m fourdials.models.weights")
    made = tmp_path_factory.mktemp("home")
    (made / "models").mkdir()
    (made / "models" / weights.path().name).symlink_to(weights.path())
    return made


@pytest.fixture(scope="module")
def address(home):
    """A dashboard of its own on a free port."""
    with serving(home) as found:
        yield found


def trials_done(page) -> int:
    """The number before `of … trials` on the Run page."""
    text = page.get_by_text(f" of {TRIALS} trials").first.inner_text()
    return int(text.split(" of ")[0].replace(",", ""))


def drawn(page) -> int:
    return int(page.locator(CHART).first.get_attribute("data-drawn") or 0)


def test_a_real_run_from_the_click_to_the_trace(address, page, home):
    page.goto(f"{address}/run")  # straight to a page: the first visit after a start must still have its navigation
    page.get_by_role("link", name="Compare").wait_for()
    page.get_by_label("Which task?").click()
    page.get_by_role("option", name=plugins.tasks()["wikiworld"].INFO.title, exact=True).click()
    label = catalogue.resolve(catalogue.DEFAULT_LOCAL).label  # the task brings the model that plays it
    page.locator(f"input[role=combobox][value='{label}']").wait_for()
    page.get_by_text("Customise").click()
    field = page.get_by_label("Problems", exact=True)
    field.fill(str(PROBLEMS))
    field.press("Enter")
    page.get_by_text("Could tell apart").wait_for()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/run?experiment=*")
    experiment_id = page.url.split("experiment=")[1]

    # Curves appear by themselves while the run goes.
    page.locator(f"{CHART} .main-svg").first.wait_for(timeout=240_000)
    assert trials_done(page) < TRIALS, "the run was too short to be looked at while it went"

    # A refresh finds the run still going.
    before = trials_done(page)
    page.reload()
    page.get_by_role("button", name="Stop").wait_for()
    assert worker.state(experiment_id, home).alive
    page.wait_for_function(
        f"() => parseInt(document.body.innerText.match(/(\\d+) of {TRIALS} trials/)?.[1]) > {before}"
    )

    # Zoom survives new data, in the same node.
    page.goto(f"{address}/compare?experiment={experiment_id}")
    page.locator(f"{CHART} .main-svg").first.wait_for()
    page.wait_for_function("() => document.querySelector('.fourdials-chart').fourdials?.stop")
    assert page.locator("[data-title*='Share']").count() == 0  # it would upload the chart
    area = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.7, area["y"] + area["height"] * 0.7, steps=8)
    page.mouse.up()
    state = "const box = document.querySelector('.fourdials-chart'); const full = box._fullLayout"
    spans = "[...full.xaxis.range, ...full.yaxis.range]"
    page.wait_for_function(f"() => {{ {state}; return full.yaxis.range[0] > 0.1; }}")
    zoomed = page.evaluate(f"() => {{ {state}; window.held = box; window.old = box.fourdials.text; return {spans}; }}")
    page.wait_for_function("() => document.querySelector('.fourdials-chart').fourdials.text !== window.old")
    page.wait_for_timeout(500)
    assert page.evaluate(f"() => {{ {state}; return box === window.held ? {spans} : []; }}") == zoomed

    # Once it has ended, a point of the figure leads to its trials and one of them to its calls.
    page.goto(f"{address}/run?experiment={experiment_id}")
    page.get_by_text(f"{TRIALS} of {TRIALS} trials").wait_for(timeout=400_000)
    page.get_by_text("finished").first.wait_for()
    page.goto(f"{address}/traces?experiment={experiment_id}&arm=retrieve")
    page.get_by_text(f"{PROBLEMS} trials of {PROBLEMS}").wait_for()
    page.get_by_test_id("stDataFrame").click(position={"x": 20, "y": 55})
    page.get_by_text("If stopped here").first.wait_for()
    page.get_by_text("Call to query").first.click()
    page.get_by_role("tab", name="Prompt").first.click()
    assert "trial=" in page.url


def test_the_first_button_runs_all_four_dials_on_the_scale_model(address, page):
    page.goto(address)
    page.get_by_role("button", name="Start a half-minute real run").click()
    page.wait_for_url("**/run?experiment=*")
    page.get_by_text("240 of 240 trials").wait_for(timeout=400_000)
    page.locator(f"{CHART} .main-svg").first.wait_for()
    page.get_by_text("Scale model, trained on this task".replace(" ", "\u00a0")).first.wait_for()
    assert page.get_by_text("failed and count nowhere").count() == 0


def test_the_first_page_says_something_within_two_seconds_and_speaks_to_no_one_else(address, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)  # once, so that this process has imported what it needs
    page.get_by_role("heading", name="Four Dials").wait_for()
    page.wait_for_timeout(2000)
    started = time.monotonic()
    page.goto(address)
    page.get_by_role("heading", name="Four Dials").wait_for()
    taken = time.monotonic() - started
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
    assert taken < 2 * (1 + os.getloadavg()[0] / (os.cpu_count() or 1))  # a busy machine is given its share
