"""From a lesson to another screen: predict, read, run its experiment on a real model, send it, open it elsewhere."""

import re
import shutil

import pytest

from fourdials.lessons import lessons
from tests.browser.serving import APP, CHART, ROOT, placed, serving

pytestmark = [pytest.mark.browser, pytest.mark.local_model]

LEFT_OUT = (".git", ".venv", ".*_cache", "__pycache__", "__marimo__", "*.duckdb", "plotly.min.js")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def offline(browser):
    """A page that reaches nothing but files, and the addresses it asked for all the same."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, offline=True)
    opened, asked = context.new_page(), []
    opened.on("request", lambda request: asked.append(request.url))
    opened.set_default_timeout(60_000)
    yield opened, asked
    context.close()


def saved(page, button, folder):
    """The file a download button gives, under its own name."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def curves(page):
    """The lines of the page's first chart: name → heights."""
    page.locator(f"{CHART} .main-svg").first.wait_for()
    box = f"document.querySelector('{CHART}')"
    page.wait_for_function(f"() => {box} && {box}.data")
    return page.evaluate(f"() => Object.fromEntries({box}.data.map(each => [each.name, Array.from(each.y || [])]))")


def test_a_lesson_is_finished_and_its_experiment_opened_from_another_checkout(
    address, page, browser, tmp_path, offline
):
    # The lesson: a point placed by a click, a recorded run, three questions.
    page.goto(f"{address}/learn?view=Lessons&lesson=C20")
    point = placed(page, 0.5)
    assert 40 <= point <= 60
    assert page.get_by_text("A real run").count() == 0
    page.get_by_role("button", name="Commit to it").click()
    page.get_by_text(f"You said {point} %. The run shows").wait_for()
    page.get_by_role("heading", name="A real run").wait_for()
    page.wait_for_function(
        f"() => [...document.querySelectorAll('{CHART}')].some(box => (box.data || []).some("
        f"each => each.name === 'your prediction' && each.y[0] === {point / 100}))"
    )
    for question in lessons()["C20"].questions:
        page.get_by_text(question.ask).click()
        page.get_by_text(question.answer).wait_for()
    page.get_by_role("button", name="Make a page of this lesson").click()
    lesson = saved(page, re.compile("^Save it"), tmp_path)

    # Its experiment, on a real model that is quick.
    page.get_by_role("button", name=re.compile("^Run “C20 on rivers")).click()
    page.wait_for_url("**/run?experiment=*")
    experiment = page.url.split("experiment=")[1].split("&")[0]
    page.get_by_text("192 of 192 trials").wait_for(timeout=300_000)
    page.get_by_text("finished").first.wait_for()

    # Sent as a snapshot and as a report.
    page.goto(f"{address}/share?experiment={experiment}")
    page.get_by_role("button", name="Make the snapshot").click()
    snapshot = saved(page, "Save the snapshot", tmp_path)
    page.get_by_role("button", name="Make the report").click()
    report = saved(page, "Save the report", tmp_path)
    page.goto(f"{address}/compare?experiment={experiment}")
    drawn = curves(page)
    assert drawn

    # Opened from another checkout, which has a home of its own.
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "home"
    shutil.copytree(ROOT, elsewhere, ignore=shutil.ignore_patterns(*LEFT_OUT))
    home.mkdir()
    with serving(home, APP, ["--", "--snapshot", str(snapshot)], elsewhere) as viewer:
        page.goto(f"{viewer}/compare")
        assert curves(page) == drawn
        assert page.get_by_role("link", name="Run", exact=True).count() == 0

    # The report and the lesson need nothing, not even a network.
    for file in (report, lesson):
        sheet, asked = offline
        asked.clear()
        sheet.goto(file.as_uri())
        sheet.locator(".main-svg").first.wait_for()
        assert sheet.locator(".plotly-graph-div .trace, .plotly-graph-div .scatterlayer").count() > 0
        assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    before = sheet.locator(".slider-label").first.text_content()
    sheet.locator(".slider-rail-touch-rect").first.click(position={"x": 5, "y": 5})
    sheet.wait_for_function(f"() => document.querySelector('.slider-label').textContent !== {before!r}")
