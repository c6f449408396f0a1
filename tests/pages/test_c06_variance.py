"""The experiment of C6 itself, small and on simulated models: caps are drawn, and the tab Variance reads it."""

from dataclasses import replace
from pathlib import Path

import pytest

from fourdials import spec
from fourdials.ui import data
from tests.models.test_sim_closed_forms import Simulator
from tests.pages.opened import page, shown
from tests.pages.simulated import table
from tests.scripted import play

FILE = Path(__file__).parents[2] / "data" / "experiments" / "c06_tokens_or_architecture.toml"


@pytest.fixture
def c06(home):
    plain = spec.adapted(spec.load(FILE), model="sim/solve=0.4,spread=0.4,tokens=60", problems=24)
    what = replace(spec.parse(plain), spec=plain)
    assert play(home / "runs" / "run", what, Simulator()) == "finished"
    return home


def test_its_caps_are_drawn_over_the_range_it_states(c06):
    caps = data.store().frame("SELECT cap_tokens FROM trials")["cap_tokens"]
    assert caps.null_count() == 0
    assert caps.n_unique() > 50
    assert 200 <= caps.min() < 400
    assert 2000 < caps.max() <= 3000


@pytest.mark.parametrize("over", ["problem", "configuration"])
def test_variance_reads_it_at_both_levels_and_raises_no_doubt_about_its_budgets(c06, over):
    app = page("compare", tab="Variance", over=over)
    assert not app.info, app.info[0].value
    rows = table(app, "factor", "measure", "value").set_index(["factor", "measure"])
    assert 0 <= rows.loc[("tokens", "alone")]["value"] <= rows.loc[("all", "full")]["value"] <= 1
    assert ("architecture", "partial") in rows.index
    assert not any("not randomised" in warning.value for warning in app.warning)
    assert "Tokens alone explain" in shown(app)
