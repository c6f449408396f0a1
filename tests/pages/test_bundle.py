"""The script that draws charts, and a server that readies its first page."""

import re
from pathlib import Path

import plotly
import pytest

from fourdials import errors
from fourdials.ui import bundle, data, launch

SOURCE = Path(plotly.__file__).parent / "package_data" / bundle.NAME
FIGURES = Path(bundle.__file__).parents[1] / "figures"


def test_the_script_registers_bars_alone_and_is_otherwise_the_packages_own():
    script = SOURCE.read_text(encoding="utf-8")
    (every,), (kept,) = (re.findall(r"\.register\(\[([^\]]*)\]\)", text) for text in (script, bundle.shortened(script)))
    assert len(every.split(",")) > 40
    assert len(kept.split(",")) == 1
    assert bundle.shortened(script) == script.replace(every, kept)
    handed = re.search(rf'{re.escape(kept[:-2])}=\w+\(\(\w+,\w+\)=>{{"use strict";\w+\.exports=([\w$]+)\(\)', script)
    described = script[script.index(f"{handed[1]}=") :]
    assert described.index('name:"bar"') < 1500


def test_every_figure_is_made_of_kinds_the_script_sets_up():
    drawn = {kind for file in FIGURES.glob("*.py") for kind in re.findall(r"\bgo\.([A-Z]\w+)", file.read_text())}
    assert {kind.lower() for kind in drawn - {"Figure"}} == {"scatter", *bundle.KINDS}


@pytest.mark.parametrize("script", ["", "plotly();", 'x.register([a(),b()]);moduleType:"trace",name:"bar"'])
def test_a_script_built_in_another_way_is_served_as_it_is(script):
    assert bundle.shortened(script) == script


def test_the_script_is_written_once_and_again_if_another_one_stands_there(tmp_path):
    path = bundle.ready.__wrapped__(tmp_path / "static")
    assert path.read_text(encoding="utf-8") == bundle.shortened(SOURCE.read_text(encoding="utf-8"))
    written = path.stat().st_mtime_ns
    assert bundle.ready.__wrapped__(tmp_path / "static").stat().st_mtime_ns == written
    path.write_text("of an older version")
    bundle.ready.__wrapped__(tmp_path / "static")
    assert path.stat().st_size > 4_000_000
    assert [file.name for file in path.parent.iterdir()] == [bundle.NAME]


def test_a_server_readies_the_run_that_start_shows_before_anybody_looks(filled, monkeypatch):
    drawn = []
    monkeypatch.setattr(launch, "_STARTED_S", 0.0)  # there is no server to wait for
    monkeypatch.setattr("fourdials.ui.curves.draw_early", lambda opened, view: drawn.append((opened, view)))
    launch.warm()
    assert [(opened, view.experiment_id) for opened, view in drawn] == [(data._open(str(filled), False), "run")]


def test_a_server_whose_database_is_held_by_another_program_starts_all_the_same(home, monkeypatch):
    def held(*_, **__):
        raise errors.HomeBusy("held by process 1")

    monkeypatch.setattr("fourdials.store.Store", held)
    launch.warm()
    assert data.open_early() is None
