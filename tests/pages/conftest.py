"""A home of its own for every page test, with or without a run in it."""

import pytest
from streamlit.runtime.pages_manager import PagesManager

from fourdials.models import weights
from fourdials.store import Store
from fourdials.ui import data
from tests.scripted import Script, arm, experiment, play

ARMS = ("single", "majority_vote", "stepwise", "retrieve", "act")


@pytest.fixture(autouse=True)
def navigated(monkeypatch):
    """Every run starts as in a server that has shown its navigation once; AppTest forgets that between runs."""
    made = PagesManager.__init__

    def make(self, *args, **kwargs):
        made(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", make)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home whose local model counts as there; its store is closed afterwards."""
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "present", lambda: True)
    monkeypatch.setattr(Store.__init__, "__defaults__", (False, tmp_path / "recorded"))  # no recorded runs
    yield tmp_path
    data._open.clear()
    data._asked.clear()


@pytest.fixture
def filled(home):
    """A home with a finished run called `run`: five arms on six problems."""
    play(home / "runs" / "run", experiment([arm(name) for name in ARMS], problems=6), Script())
    return home


@pytest.fixture
def partial(home):
    """A home whose run was left after seven trials by a worker that is gone."""
    what = experiment([arm(name) for name in ARMS], problems=6)
    play(home / "runs" / "run", what, Script(), stop_after=7)
    journal = next((home / "runs" / "run").glob("journal-*.jsonl"))
    kept = [line for line in journal.read_text().splitlines(keepends=True) if '"stopped on request"' not in line]
    journal.write_text("".join(kept))
    return home


@pytest.fixture
def two(filled):
    """A home with the run `run` and the same trials once more as a run called `second`."""
    journal = next((filled / "runs" / "run").glob("journal-*.jsonl"))
    copy = filled / "runs" / "second" / journal.name
    copy.parent.mkdir()
    text = journal.read_text().replace('"run"', '"second"').replace('"run/', '"second/')
    copy.write_text(text.replace('"name":"scripted"', '"name":"played again"'))
    return filled
