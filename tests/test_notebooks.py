"""The notebooks run without a key or weights, compute what they show, and export."""

import ast
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fourdials.estimate import paired_difference

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
_ran = {}


def ran(name, home):
    """What a notebook defines once it has run, and what its cells show; each runs once."""
    if name not in _ran:
        spec = importlib.util.spec_from_file_location(name, ROOT / "notebooks" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        outputs, defined = module.app.run()
        _ran[name] = {**defined, "told": " ".join(str(getattr(each, "text", "")) for each in outputs)}
    return _ran[name]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An empty home, and no key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURDIALS_HOME", str(tmp_path_factory.mktemp("home")))
        for name in list(os.environ):
            if name.endswith("_API_KEY"):
                patch.delenv(name)
        yield
    _ran.clear()


def figures(defined):
    return {name: each for name, each in defined.items() if type(each).__name__ == "Figure"}


def headed(figure):
    """A figure's title and the lines under it."""
    return f"{figure.layout.title.text} {figure.layout.title.subtitle.text or ''}"


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_a_notebook_draws_numbers_and_says_where_they_come_from(name, home):
    drawn = figures(ran(name, home))
    assert drawn
    for figure in drawn.values():
        values = [float(y) for trace in figure.data if trace.y is not None for y in trace.y if y is not None]
        assert values
        assert all(math.isfinite(value) and -1 <= value <= 1 for value in values)
        assert re.search("simulated|recorded", headed(figure), re.IGNORECASE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_result_is_written_into_a_notebook_s_text(path):
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    stated = [
        found for text in texts for found in re.findall(r"(?<![.\d])\d[\d.]*\s?%", text) if found.strip() != "95 %"
    ]
    assert stated == []


def test_the_first_curve_ends_where_its_frame_ends(home):
    found = ran("first_curve", home)
    best = found["ends"].sort("value", descending=True).row(0, named=True)
    assert f"{best['value']:.0%}" in found["told"]
    assert found["mine"].runs()["provenance"].to_list() == ["simulated"]
    assert "Simulated" in headed(found["my_figure"])


def test_the_comparison_is_paired_and_agrees_with_its_tasks(home):
    found = ran("compare_two_strategies", home)
    points = found["results"].points(found["run"], arms=[found["first"], found["second"]])
    assert found["difference"] == paired_difference(points, found["first"], found["second"], found["reach"])
    flipped = found["flipped"]["change"].value_counts()
    counts = dict(flipped.iter_rows())
    assert counts == {"gained": found["difference"].a_better, "lost": found["difference"].b_better}
    assert sum(each.n for each in found["by_task"].values()) == found["difference"].n
    assert found["nothing"].low < 0 < found["nothing"].high


def test_the_strategy_of_one_s_own_stops_once_two_agree(home):
    found = ran("write_a_strategy", home)
    assert 2 <= found["spent"]["until_twice"] < found["spent"]["majority_vote"] == 8
    agreed = found["results"].store.frame(
        "SELECT max(c.n) AS most FROM (SELECT trial_id, extracted, count(*) AS n FROM calls GROUP BY ALL) AS c "
        "JOIN trials AS t USING (trial_id) WHERE t.arm = 'until_twice'"
    )
    assert agreed.item() == 2


def test_the_budget_s_bound_is_marked_and_its_savings_are_stated(home):
    found = ran("allocate_a_budget", home)
    assert set(found["by_calls"].filter(uses_truth=True)["policy"]) == {"oracle"}
    best = found["calls_saved"].filter(uses_truth=False).drop_nulls("ratio").sort("ratio").row(-1, named=True)
    assert f"{best['ratio']:.2f} times" in found["told"]
    assert any("knows the truth" in trace.name for trace in found["calls_figure"].data)


def test_the_claim_s_verdict_follows_from_its_intervals(home):
    found = ran("reproduce_a_claim", home)
    assert found["coverage"]["value"].is_sorted()
    gap = found["gap"].sort("k").row(-1, named=True)
    assert found["behind"] == ("above 0" if gap["low"] > 0 else "below 0" if gap["high"] < 0 else "not told from 0")
    assert (found["verdict"] == "reproduced") == (found["behind"] == found["grows"] == "above 0" and not found["luck"])
    assert (found["verdict"] == "cannot be tested this way") == found["luck"], "guesses would cover as much"
    assert f"C20: {found['verdict']}" in found["told"]


@pytest.mark.parametrize(("kind", "more"), [("html", []), ("ipynb", ["--include-outputs"])])
def test_a_notebook_exports_with_the_documented_command(kind, more, tmp_path):
    target = tmp_path / f"first_curve.{kind}"
    command = ["-m", "marimo", "export", kind, "notebooks/first_curve.py", *more, "-o", str(target)]
    documented = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert f"python {' '.join(command[:-1])} first_curve.{kind}" in documented
    environment = {**os.environ, "FOURDIALS_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = target.read_text(encoding="utf-8")
    assert "Votes of a simulated model" in text
    if kind == "ipynb":
        outputs = [output for cell in json.loads(text)["cells"] for output in cell.get("outputs", [])]
        assert len(outputs) >= 4
        assert not any(output["output_type"] == "error" for output in outputs)


def page_of(cells):
    spec = importlib.util.spec_from_file_location("notebook_page", ROOT / "scripts" / "notebook_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page(cells, "A notebook")


def test_a_notebook_becomes_one_page_that_loads_nothing_with_the_documented_command(tmp_path):
    command = ["scripts/notebook_page.py", "notebooks/write_a_strategy.py", str(tmp_path / "page.html")]
    documented = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert "python scripts/notebook_page.py notebooks/first_curve.py first_curve.html" in documented
    environment = {**os.environ, "FOURDIALS_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text)
    assert text.count("Plotly.newPlot(") - text.split("<body>")[0].count("Plotly.newPlot(") >= 1
    assert "<h1>Write your own strategy</h1>" in text
    assert "Within 8 calls the difference is <strong>" in text
    assert "<table>" in text


def test_a_page_of_a_notebook_keeps_plain_tags_only_and_draws_each_figure():
    html = "<script>alert(1)</script><table onclick='x()'><tr><td>1 &lt; 2</td></tr></table><img src='https://x.org/y'>"
    figure = (
        "<marimo-plotly data-figure='{&quot;data&quot;:[{&quot;y&quot;:[1,7]}],&quot;layout&quot;:{}}'></marimo-plotly>"
    )
    cells = [
        {"cell_type": "markdown", "source": ["# A *title*\n", "<b onmouseover='x()'>bold</b>"]},
        {"cell_type": "code", "source": "1 < 2", "outputs": [{"data": {"text/html": [html]}}]},
        {"cell_type": "code", "source": "", "outputs": [{"data": {"text/html": figure}}] * 2},
    ]
    body = page_of(cells).split("<body>")[1]
    told = body.split("<script")[0]  # what follows brings the drawing script along
    assert "<h1>A <em>title</em></h1>" in told
    assert not [word for word in ("alert(1)", "onmouseover", "onclick", "x.org") if word in told]
    assert "<table><tr><td>1 &lt; 2</td></tr></table>" in told
    assert "<pre>1 &lt; 2</pre>" in told
    assert body.count('[{"y":[1,7]}]') == 2
