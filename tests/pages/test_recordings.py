"""Every tab of Compare on every recording that ships: it draws, or says in a sentence why there is nothing to draw.

All tabs of a recording are drawn in one script, one after the other, since the page around them is the same each time.
"""

import re

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from fourdials.store.store import RECORDED
from fourdials.ui import data
from fourdials.ui.compare import TABS, allocate
from tests.pages.opened import figures

RECORDINGS = sorted(path.parent.name for path in RECORDED.glob("*/experiments.parquet"))
SENTENCE = re.compile(r"[A-Z][^.]{20,}\.")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A home that sees the recordings of this repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURDIALS_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(allocate, "ONE", 2)  # budgets replayed: two make a curve, and eight take as long as all else here
        yield
        data._open.clear()


def every_tab(run):
    import streamlit as st

    from fourdials.ui import compare, curves, data

    experiment = data.frame("experiments").filter(experiment_id=run).row(0, named=True)
    for title in compare.TABS.values():
        with st.container():
            compare.show(title, curves.View(run), experiment)


def drawn(recording):
    """The parts of the page, a tab each."""
    run = pl.read_parquet(RECORDED / recording / "experiments.parquet")["experiment_id"][0]
    app = AppTest.from_function(every_tab, default_timeout=300, kwargs={"run": run}).run()
    assert not app.exception, f"{recording}: {app.exception[0].message}\n{app.exception[0].stack_trace}"
    return dict(zip(TABS.values(), app.main.children.values(), strict=True))


def test_there_are_recordings():
    assert RECORDINGS


@pytest.mark.parametrize("recording", RECORDINGS)
@pytest.mark.usefixtures("shipped")
def test_every_tab_draws_a_recording_or_says_why_not(recording):
    for title, tab in drawn(recording).items():
        found = figures(tab)
        said = [str(each.value) for kind in ("info", "warning") for each in tab.get(kind)]
        assert found or any(SENTENCE.search(each) for each in said), f"{title} of {recording} is empty"
        for key, figure in found.items():
            assert figure["data"], f"{key} of {recording} has axes and nothing else"
            assert figure["layout"]["title"]["subtitle"]["text"], (
                f"{key} of {recording} does not say what it is made of"
            )
