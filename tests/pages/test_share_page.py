"""The Share page: what is sent can be opened in another home, and a bad file changes nothing."""

from urllib.parse import parse_qs

import pytest

from fourdials import snapshot, viewed
from fourdials.store import Store
from fourdials.ui import compare, data
from tests.pages.opened import page, shown


def press(app, label):
    next(button for button in app.button if label in button.label).click().run()
    assert not app.exception, app.exception[0].message
    return app


def test_without_runs_it_says_so(home):
    assert "no runs to send" in shown(page("share"))


def test_a_snapshot_made_here_opens_elsewhere(filled, tmp_path_factory):
    app = press(page("share"), "Make the snapshot")
    assert "Content id: " in shown(app)
    content, _ = app.session_state["share.made"][1]
    path = tmp_path_factory.mktemp("sent") / "sent.fourdials"
    path.write_bytes(content)
    elsewhere = Store(path.parent, recorded=path.parent / "none")
    snapshot.install(path, elsewhere)
    assert elsewhere.frame("SELECT count(*) FROM trials").item() == 30
    elsewhere.close()


def test_a_report_is_made_for_what_is_chosen(filled):
    app = press(page("share"), "Make the report")
    text = app.session_state["share.made"][1]
    assert text.startswith("<!doctype html>")
    assert "majority_vote" in text


def test_compare_links_to_a_report_of_the_tab_with_its_arms(filled):
    app = page("compare", tab="Differences", a="act", b="single", arms=["act", "single"])
    (link,) = [each for each in app.get("page_link") if each.proto.label == "Report of this view"]
    told = parse_qs(link.proto.query_string)
    assert (told["report"], told["a"], told["b"]) == (["Differences"], ["act"], ["single"])
    assert sorted(told["arms"]) == ["act", "single"]
    app = press(page("share", **told), "Make the report")
    assert "act minus single at" in app.session_state["share.made"][1]


def test_a_report_is_in_the_unit_and_by_the_prices_chosen_on_compare(filled):
    chosen = {"prices": "list", "priced_on": "2026-11-21", "priced": "openai/gpt-4.1-mini"}
    app = page("compare", unit="usd", **chosen)
    (link,) = [each for each in app.get("page_link") if each.proto.label == "Report of this view"]
    told = parse_qs(link.proto.query_string)
    assert told == told | {"unit": ["usd"]} | {name: [value] for name, value in chosen.items()}
    app = press(page("share", **told), "Make the report")
    text = app.session_state["share.made"][1]
    assert text.replace("\xa0", " ").count("list prices of openai/gpt-4.1-mini on 2026-11-21") >= 2


def test_every_view_of_a_report_is_a_tab_that_links_to_it():
    assert tuple(viewed.VIEWS) == compare.REPORTED
    assert set(compare.REPORTED) <= set(compare.TABS.values())


def test_what_was_made_is_gone_once_something_else_is_chosen(filled):
    app = press(page("share"), "Make the snapshot")
    next(toggle for toggle in app.toggle if "prompts" in toggle.label).set_value(False).run()
    assert "Content id: " not in shown(app)


@pytest.fixture
def received(home, tmp_path_factory, monkeypatch):
    """A snapshot from another home, installed in this one."""
    from tests.ledger_rows import two_arms

    other = tmp_path_factory.mktemp("other")
    spec = {"models": {"openai/x": {"api_base": "http://elsewhere.example"}}}
    two_arms(problems=2, spec=spec, name="*From* <b>elsewhere</b>").write(other)
    store = Store(other, recorded=other / "none")
    store.ingest()
    snapshot.write(store, ["exp"], other / "a.fourdials")
    store.close()
    mine = Store(home, recorded=home / "none")
    snapshot.install(other / "a.fourdials", mine)
    mine.close()
    return other / "a.fourdials"


def test_an_imported_snapshot_is_listed_with_what_was_left_out_and_can_be_removed(received, home):
    app = page("share", share="Open")
    said = shown(app)
    assert "http://elsewhere.example" in said
    assert r"\*From\* \<b\>elsewhere" in said  # shown as it is, not as markup
    press(app, "Remove")
    assert "elsewhere" not in shown(app)
    assert snapshot.installed(data.store().home) == []


def test_an_address_that_was_left_out_is_put_back_once_it_is_confirmed(received, home):
    app = press(page("share", share="Open"), "Use this address")
    assert "will call http" in app.success[0].value
    spec = data.frame("spec", experiment_id="exp")["spec"][0]
    assert "http://elsewhere.example" in spec
    assert not [each for each in app.button if "address" in each.label]


def test_several_runs_go_into_one_file_each_as_a_whole(two, tmp_path_factory):
    app = page("share", experiment="run", arms=["single"])
    app.multiselect[-1].set_value(["second"]).run()
    assert app.query_params["with"] in ("second", ["second"])
    assert "as a whole" in shown(press(app, "Make the snapshot"))
    content, _ = app.session_state["share.made"][1]
    path = tmp_path_factory.mktemp("sent") / "sent.fourdials"
    path.write_bytes(content)
    found = snapshot.read(path)
    assert [run.experiment_id for run in found.manifest.runs] == ["run", "second"]
    assert found.tables["trials"].height == 30 + 30


def upload(app, name, content):
    app.file_uploader[0].set_value((name, content, "application/octet-stream")).run()
    assert not app.exception, app.exception[0].message
    return app


def test_samples_can_be_opened_and_a_bad_file_changes_nothing(home):
    app = upload(page("share", share="Open"), "mine.jsonl", b'{"uid": 1, "score": 1}\n')
    assert "which problem" in shown(press(app, "Open it here"))
    assert data.frame("experiments").filter(imported="jsonl").is_empty()
    app.text_area[0].set_value("problem = uid").run()
    said = shown(press(app, "Open it here"))
    assert "which problem" not in said
    assert "**mine**" in said
    assert data.frame("experiments").filter(imported="jsonl")["name"].to_list() == ["mine"]
