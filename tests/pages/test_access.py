"""Who may do what: anybody on this computer, on a network whoever has the password, in a viewer nobody."""

import os
import secrets
import sys
import time

import pytest
import streamlit as st

from fourdials import snapshot, worker
from fourdials.store import Store
from fourdials.ui import access, data, signing
from tests.pages.opened import page, shown


@pytest.fixture
def launched(monkeypatch):
    started = []
    monkeypatch.setattr(worker, "launch", lambda data, root=None: started.append(data) or "run")
    return started


@pytest.fixture
def network(home, monkeypatch):
    """The dashboard as it is when others can reach it, with a launch password."""
    monkeypatch.setattr(access, "shared", lambda: True)
    monkeypatch.setattr(access, "_address", lambda: "192.168.1.9")
    monkeypatch.setenv(access.PASSWORD, "correct horse")
    yield
    access._missed.clear()
    signing._tokens.clear()


def start(app):
    return next(button for button in app.button if "Start the run" in button.label)


def enter(app, password):
    next(field for field in app.text_input if field.label == "Launch password").input(password).run()


@pytest.mark.parametrize(
    ("address", "others"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("192.168.1.7", True), ("", True)],
)  # fmt: skip
def test_only_loopback_addresses_keep_others_out(monkeypatch, address, others):
    monkeypatch.setattr(st, "get_option", lambda name: address)
    assert access.shared() is others


def test_on_this_computer_nobody_is_asked(home, launched):
    app = page("run")
    assert not start(app).disabled
    assert not app.text_input or all(field.label != "Launch password" for field in app.text_input)


def test_on_a_network_nothing_starts_without_the_password(network, launched):
    app = page("run")
    assert start(app).disabled
    assert "enter the launch password" in shown(app)
    enter(app, "wrong horse")
    assert "not the launch password" in shown(app)
    assert start(app).disabled
    assert launched == []


def test_the_password_opens_it_for_this_reader_only(network, launched):
    app = page("run")
    enter(app, "correct horse")
    assert not start(app).disabled
    start(app).click().run()
    assert len(launched) == 1
    assert start(page("run")).disabled  # another reader


def test_a_page_loaded_anew_is_signed_in_by_the_tabs_token_and_by_nothing_else(network, monkeypatch):
    app = page("run")
    enter(app, "correct horse")
    (token,) = signing._tokens()
    for shown_by_tab, opened in ((token, True), ("none", False), (secrets.token_hex(32), False), (7, False)):
        state = {"signing.keeper": {"told": shown_by_tab}}
        monkeypatch.setattr(signing.st, "session_state", state)
        signing._told()
        assert signing.entered() is opened
    assert "correct horse" not in token


def test_who_signs_out_is_out_in_every_tab_and_stays_out(network):
    app = page("run")
    enter(app, "correct horse")
    assert not start(app).disabled
    next(button for button in app.button if button.label == "Sign out").click().run()
    assert start(app).disabled
    assert not signing._tokens()


def test_a_sign_in_ends_after_its_time_and_there_are_never_too_many(network, monkeypatch):
    app = page("run")
    enter(app, "correct horse")
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(signing.time, "time", lambda: now + signing.LASTS_S + 1)
        assert start(app.run()).disabled
    for _ in range(signing.MOST + 5):
        signing.enter()
    assert len(signing._tokens()) == signing.MOST


def test_after_a_wrong_password_even_the_right_one_has_to_wait(network, monkeypatch):
    monkeypatch.setattr(access, "_FIRST_WAIT_S", 60.0)
    app = page("run")
    enter(app, "wrong horse")
    enter(app, "correct horse")
    assert "Too many wrong passwords" in shown(app)
    assert start(app).disabled


def test_without_a_password_set_nobody_on_a_network_may(network, monkeypatch):
    monkeypatch.setenv(access.PASSWORD, "short")
    app = page("run")
    assert start(app).disabled
    assert "no launch password is set" in shown(app)
    assert all(field.label != "Launch password" for field in app.text_input)


def test_a_viewer_shows_its_snapshot_alone_and_starts_nothing(filled, tmp_path, monkeypatch):
    store = Store(filled)
    store.ingest()
    file = tmp_path / "shared.fourdials"
    snapshot.write(store, ["run"], file)
    store.close()
    monkeypatch.setattr(sys, "argv", ["app.py", "--snapshot", str(file)])
    before = os.environ["FOURDIALS_HOME"]
    try:
        app = page("compare")
        assert os.environ["FOURDIALS_HOME"] != before
        assert "recorded" in app.selectbox[0].options[0]
        assert len(app.selectbox[0].options) == 1
        begin = page("start")
        assert all("Start a" not in button.label for button in begin.button)
        assert "nothing can be started or changed here" in shown(page("share", share="Open"))
    finally:
        os.environ["FOURDIALS_HOME"] = before
        data._open.clear()
        access._viewing.clear()


def test_a_viewer_of_a_bad_file_says_so(home, tmp_path, monkeypatch):
    (tmp_path / "bad.fourdials").write_bytes(b"hello")
    monkeypatch.setattr(sys, "argv", ["app.py", "--snapshot", str(tmp_path / "bad.fourdials")])
    said = shown(page("start"))
    assert "cannot be shown" in said
    assert "bad.fourdials is no snapshot" in said
