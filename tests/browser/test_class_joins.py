"""A class in real browsers: a student joins by the link without a password, and the teacher sees the prediction."""

import re

import pytest

from tests.browser.serving import CHART, placed, serving

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


@pytest.fixture
def address(tmp_path):
    options = ["--server.address=127.0.0.1"]
    with serving(tmp_path, ["fourdials.invitation"], options, FOURDIALS_LAUNCH_PASSWORD=PASSWORD) as found:
        yield found


@pytest.fixture
def student(browser):
    """A phone in a browser context of its own: other cookies, other storage."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


def dots(page):
    """The heights of the class's predictions as they are drawn now, in percent."""
    found = f"[...document.querySelectorAll('{CHART}')].flatMap(box => box.data || [])"
    ys = page.evaluate(f"() => {found}.filter(each => each.name === 'the class').flatMap(each => Array.from(each.y))")
    return [round(100 * y) for y in ys]


def test_a_student_predicts_without_a_password_and_the_teacher_sees_it_gather(address, page, student):
    page.goto(address)
    page.get_by_role("button", name="I am the teacher").click()
    page.get_by_label("Launch password").fill(PASSWORD)
    page.get_by_label("Launch password").press("Enter")
    page.get_by_role("button", name="Sign out").wait_for()
    page.get_by_role("img", name=f"QR code of {address}/").wait_for()
    page.get_by_label("Lesson", exact=True).click()
    page.get_by_role("option", name=re.compile("^C20 ")).click()
    page.get_by_role("heading", name="If one sample is right").wait_for()

    student.goto(address)
    student.get_by_text("has not opened a lesson yet").wait_for()
    page.get_by_role("button", name="Open it to the class").click()

    # The lesson appears by itself; a touch places the point.
    point = placed(student, 0.25)
    assert 65 <= point <= 90
    student.get_by_role("button", name="Commit to it").click()
    page.get_by_text("1 prediction of the class").first.wait_for()
    assert dots(page) == [point]
    assert student.get_by_text("The run shows").count() == 0

    # A page loaded anew is still the same reader, and the number can be changed with the keyboard alone.
    student.reload()
    student.get_by_role("button", name="Change my prediction").press("Enter")
    field = student.get_by_label("Your point, in percent")
    field.fill("30")
    field.press("Tab")
    student.get_by_role("button", name="Commit to it").press("Enter")
    page.wait_for_function(
        f"() => [...document.querySelectorAll('{CHART}')].some("
        "box => (box.data || []).some(each => each.name === 'the class' && each.y.length === 1 && each.y[0] === 0.3))"
    )

    # The truth comes to everybody when the teacher shows it.
    page.get_by_role("button", name="Show the answer").click()
    student.get_by_text("You said 30 %. The run shows").wait_for()
    student.get_by_role("heading", name="A real run").wait_for()
    assert student.get_by_role("button", name=re.compile("^(Run|Start)\\b")).count() == 0
    student.goto(f"{address}/run")
    student.get_by_role("heading", name="Learn").wait_for()
    assert student.get_by_role("button", name=re.compile("^(Run|Start)\\b")).count() == 0
    page.get_by_role("link", name="Run", exact=True).click()
    page.get_by_role("button", name="Start the run").wait_for()

    # The teacher's tab is still the teacher's after it is loaded anew, until somebody signs out.
    page.reload()
    page.get_by_role("button", name="Start the run").wait_for()
    assert PASSWORD not in str(page.context.cookies())
    assert PASSWORD not in page.evaluate("() => JSON.stringify([{...sessionStorage}, {...localStorage}])")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Learn").wait_for()
    page.reload()
    page.get_by_text("Only the teacher can").wait_for()
    assert page.evaluate("() => window.sessionStorage.length") == 0
