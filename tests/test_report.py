"""The report: one file that needs nothing else, with the figure's own numbers and nobody's markup."""

import html
import re

import polars as pl
import pytest

from fourdials import estimate, query, report, snapshot, viewed
from fourdials.errors import InputError
from fourdials.figures import numbers
from tests.ledger_rows import Ledger, stored, two_arms

NUMBER = '<td class="number">'


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
        cells = f"{NUMBER}{numbers.percent(last['value'])}</td>{NUMBER}{numbers.percent(last['low'])} to"
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


@pytest.fixture
def unlike(tmp_path):
    """A store whose run has an arm that is given all, and one that walks."""
    ledger = Ledger(planned_trials=80)
    ledger.arm("vote", levels=(1, 2))
    ledger.arm("walk", strategy="act", dial="interaction", access="environment", levels=(1,))
    for i in range(40):  # the fewest that advice is given on
        ledger.problem(f"p{i}", chance=0.25, constant_score=0.5)
        ledger.run(f"p{i}", "vote", [(1, 10, 0.0), (2, 10, 1.0)], block=i)
        ledger.run(f"p{i}", "walk", [(1, 30, 1.0)], block=i)
    store = stored(tmp_path, ledger)
    yield store
    store.close()


def test_arms_that_see_different_things_have_panels_of_their_own_and_say_so_in_the_table(unlike):
    text = report.html_of(unlike, "exp")
    assert re.search(r"Act more.{0,20}by acting in it", text)
    assert text.count('role="img"') == 1  # by dial and by what is seen are the same two panels
    assert "<td>all in the question</td>" in text
    assert "<td>by acting in it</td>" in text
    assert "Arms are given different information" in text


def test_a_frontier_of_arms_that_see_different_things_has_a_panel_and_a_set_for_each(unlike):
    found = viewed.viewed("Frontier", viewed.Asked(unlike, "exp"))
    figure, alt = found.figures[0]
    assert figure.layout.title.text == "What a score costs, by what is seen"
    assert "By acting in it: the Pareto set is walk" in alt
    assert "no other that sees the same scores" in found.methods
    assert {shape.y0 for shape in figure.layout.shapes} == {0.25, 0.5}
    assert found.tables[0][1].filter(arm="walk")["on_front"].all()  # though it scores no more and costs more
    assert "baselines" in found.queries


def test_the_advice_of_a_report_says_where_arms_see_different_things(unlike, store):
    told = {each: viewed.viewed("Allocate", viewed.Asked(each, "exp")).methods for each in (unlike, store)}
    assert "Not the same problem: walk acts in it; vote can read all of it in the question." in told[unlike]
    assert "Not the same problem" not in told[store]


def test_a_report_of_quality_warns_where_arms_see_different_things(unlike, store):
    warned = {each: viewed.viewed("Quality", viewed.Asked(each, "exp")).warnings for each in (unlike, store)}
    assert [text.startswith("Arms are given different information: ") for text in warned[unlike]] == [True]
    assert warned[store] == ()


def test_whole_curves_are_tabled_and_not_only_their_ends(store):
    text = report.html_of(store, "exp")
    curve = estimate.curves(query.run(store, "curve_points", experiment_ids=["exp"], unit="total_tokens"))
    for row in curve.iter_rows(named=True):
        assert f"<td>{row['arm']}</td>" in text
        assert f"{NUMBER}{row['spend']:.4g}</td>{NUMBER}{row['value']:.4g}</td>" in text, row


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
        assert not frame.height or all(re.search(f"<th( class=.number.)?>{name}</th>", bare) for name in frame.columns)
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


def test_columns_of_numbers_stand_right_and_words_left():
    frame = pl.DataFrame({"arm": ["vote", "think"], "value": [0.25, None], "n": [3, 12], "sure": [True, False]})
    table = report._long("Two arms.", frame)
    assert '<th>arm</th><th class="number">value</th><th class="number">n</th><th>sure</th>' in table
    assert f"<td>vote</td>{NUMBER}0.25</td>{NUMBER}3</td><td>True</td>" in table
    assert f"<td>think</td>{NUMBER}unknown</td>{NUMBER}12</td><td>False</td>" in table


@pytest.fixture
def rising(tmp_path):
    """An arm of four levels that levels off, each level 100 tokens."""
    ledger = Ledger(planned_trials=40)
    ledger.arm("think", strategy="chain_of_thought", dial="sequential", levels=(1, 2, 3, 4))
    for i in range(40):
        ledger.problem(f"p{i}")
        right = [i % 20 < most for most in (4, 10, 13, 14)]
        ledger.run(f"p{i}", "think", [(level, 100, float(right[level - 1])) for level in (1, 2, 3, 4)], block=i)
    opened = stored(tmp_path, ledger)
    yield opened
    opened.close()


def test_a_fit_says_from_where_on_more_spend_is_not_worth_the_price_of_the_address(rising):
    found = {worth: viewed.viewed("Fits", viewed.Asked(rising, "exp", more={"worth": worth})) for worth in ("1", "90")}
    assert "From 1.7k total tokens on, 1,000 more total tokens gain less than 90 points" in found["90"].methods
    assert "Nowhere up to 100 times the last budget" in found["1"].methods
    dotted = [shape.line.dash for shape in found["90"].figures[0][0].layout.shapes]
    assert "dot" in dotted
    assert "dot" not in [shape.line.dash for shape in found["1"].figures[0][0].layout.shapes]
    with pytest.raises(InputError, match="got worth='much'"):
        viewed.viewed("Fits", viewed.Asked(rising, "exp", more={"worth": "much"}))


def test_quality_holds_how_often_each_step_of_a_chain_was_right(tmp_path):
    ledger = Ledger(planned_trials=6)
    ledger.arm("think", strategy="decompose_and_vote", dial="hybrid", levels=(1,))
    for i in range(6):
        ledger.problem(f"p{i}")
        trial_id = ledger.trial_id(f"p{i}", "think")
        for step in (1, 2):
            asked = {"format": "chat", "truth": "A" if step == 1 or i < 3 else "B"}
            ledger.call(trial_id, role="step", request_hash=f"h{step}", request=asked)
        ledger.checkpoint(trial_id, 0, 1, 1.0)
        ledger.trial(f"p{i}", "think", block=i)
    store = stored(tmp_path, ledger)
    found = viewed.viewed("Quality", viewed.Asked(store, "exp"))
    text = report.html_of(store, "exp", view="Quality")
    store.close()
    (chain,) = [frame for told, frame in found.tables if "step of an arm's chains" in told]
    assert chain.sort("step")["value"].to_list() == [1.0, 0.5]
    assert "step_truths.sql" in text
    assert text.count('role="img"') == len(found.figures) == 3
