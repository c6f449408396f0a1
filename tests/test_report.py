"""The report: one file that needs nothing else, with the figure's own numbers and nobody's markup."""

import html
import re

import pytest

from fourdials import estimate, query, report, snapshot, viewed
from fourdials.errors import InputError
from fourdials.figures import numbers
from tests.ledger_rows import Ledger, stored, two_arms


@pytest.fixture
def store(tmp_path):
    opened = stored(tmp_path, two_arms(problems=6))
    yield opened
    opened.close()


def test_it_loads_nothing_from_anywhere(store):
    text = report.html_of(store, "exp")
    assert "default-src 'none'" in text
    bare = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not re.search(r"(?:src|href)\s*=", bare)
    assert "Plotly.newPlot" in text


def test_its_table_holds_the_rows_of_the_curve(store):
    text = report.html_of(store, "exp")
    curve = estimate.curves(query.run(store, "curve_points", experiment_ids=["exp"], unit="total_tokens"))
    for arm in ("vote", "think"):
        last = curve.filter(arm=arm).sort("spend").row(-1, named=True)
        cells = f"<td>{numbers.percent(last['value'])}</td><td>{numbers.percent(last['low'])} to"
        assert cells in text, arm


def test_it_says_how_to_cite_and_to_repeat_it(store, tmp_path):
    text = report.html_of(store, "exp")
    made = snapshot.write(store, ["exp"], tmp_path / "x.fourdials")
    assert f"sha256:{made.content_id}" in text
    assert "python -m fourdials run experiment.toml" in text
    assert "95 % (" in text


def test_a_name_with_markup_stays_text(tmp_path):
    ledger = Ledger(name="<script>alert(1)</script>", planned_trials=6)
    ledger.arm("<img src=x onerror=alert(2)>", levels=(1,))
    for i in range(6):
        ledger.problem(f"p{i}")
        ledger.run(f"p{i}", "<img src=x onerror=alert(2)>", [(1, 10, 1.0)], block=i)
    store = stored(tmp_path, ledger)
    text = report.html_of(store, "exp")
    store.close()
    assert "<script>alert" not in text
    assert "<img" not in re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert "&lt;script&gt;alert(1)" in text
    assert '"name":"<img' not in text.replace("\\u003c", "<")


def test_arms_that_see_different_things_have_panels_of_their_own_and_say_so_in_the_table(tmp_path):
    ledger = Ledger(planned_trials=12)
    ledger.arm("vote", levels=(1,))
    ledger.arm("walk", strategy="act", dial="interaction", access="environment", levels=(1,))
    for i in range(6):
        ledger.problem(f"p{i}")
        for name in ("vote", "walk"):
            ledger.run(f"p{i}", name, [(1, 10, 1.0)], block=i)
    store = stored(tmp_path, ledger)
    text = report.html_of(store, "exp")
    store.close()
    assert re.search(r"Act more.{0,20}by acting in it", text)
    assert text.count('role="img"') == 1  # by dial and by what is seen are the same two panels
    assert "<td>all in the question</td>" in text
    assert "<td>by acting in it</td>" in text
    assert "Arms are given different information" in text


def test_whole_curves_are_tabled_and_not_only_their_ends(store):
    text = report.html_of(store, "exp")
    curve = estimate.curves(query.run(store, "curve_points", experiment_ids=["exp"], unit="total_tokens"))
    for row in curve.iter_rows(named=True):
        assert f"<td>{row['arm']}</td>" in text
        assert f"<td>{row['spend']:.4g}</td><td>{row['value']:.4g}</td>" in text, row


@pytest.mark.parametrize("view", [name for name in viewed.VIEWS if name != "Fits"])
def test_every_view_has_its_figures_its_whole_tables_its_method_and_its_sql(store, view):
    text = report.html_of(store, "exp", view=view)
    found = viewed.viewed(view, viewed.Asked(store, "exp"))
    bare = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not re.search(r"(?:src|href)\s*=", bare)
    assert text.count('role="img"') == len(found.figures)
    assert text.count("Plotly.newPlot(") >= len(found.figures)
    assert sum(frame.height for _, frame in found.tables)
    for _, frame in found.tables:
        assert not frame.height or all(f"<th>{name}</th>" in bare for name in frame.columns)
        for value in frame["n"] if "n" in frame.columns else []:
            assert f'<td class="number">{value}</td>' in bare
    for name in found.queries:
        assert f"<summary>{name}.sql</summary>" in bare
    assert html.escape(found.methods) in bare


def test_a_difference_is_between_the_two_arms_that_were_asked_for(store):
    text = report.html_of(store, "exp", view="Differences", more={"a": "think", "b": "vote"})
    assert "think minus vote at" in text
    with pytest.raises(InputError, match="between two arms; got 'nobody'"):
        report.html_of(store, "exp", view="Differences", more={"a": "nobody"})


def test_a_view_that_no_report_can_hold_is_told(store):
    with pytest.raises(InputError, match="got view 'Prices'; a report can hold Curves, Fits"):
        report.html_of(store, "exp", view="Prices")
    with pytest.raises(InputError, match="at least 3 levels"):
        report.html_of(store, "exp", view="Fits", arms=["nobody", "vote"], more={"curve": "nobody"})
    with pytest.raises(InputError, match="got cost 'pride'"):
        report.html_of(store, "exp", view="Frontier", more={"cost": "pride"})


def test_an_unknown_run_and_an_empty_selection_are_told(store):
    with pytest.raises(InputError, match="no run called 'x'"):
        report.html_of(store, "x")
    with pytest.raises(InputError, match="nothing of this selection"):
        report.html_of(store, "exp", arms=["nobody"])
