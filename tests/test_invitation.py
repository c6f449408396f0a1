"""Opening the dashboard to a class: its command, its link and QR code, and a password that ends in no log."""

import os
import re
import subprocess
import sys

import pytest

from fourdials import invitation
from fourdials.errors import SetupError


@pytest.fixture
def unset(monkeypatch):
    monkeypatch.delenv(invitation.PASSWORD, raising=False)
    yield
    os.environ.pop(invitation.PASSWORD, None)


def test_a_class_is_served_on_the_network_and_under_this_computers_names_only():
    command, host = invitation.command(["--server.port", "8600"], ["192.168.1.7", "10.0.0.2"])
    assert host == "192.168.1.7"
    assert command[-2:] == ["--", "--class"]
    assert command[command.index("--server.address") + 1] == "0.0.0.0"
    names = [command[place + 1] for place, option in enumerate(command) if option == "--server.allowedHosts"]
    assert names == ["127.0.0.1", "localhost", "192.168.1.7", "10.0.0.2"]
    assert command[command.index("--browser.serverAddress") + 1] == "192.168.1.7"


def test_options_of_the_teacher_are_kept():
    given = [
        "--server.address=192.168.1.9",
        "--server.allowedHosts",
        "box.lan",
        "--browser.serverAddress=box.lan",
        "--",
    ]
    command, host = invitation.command(given, [])
    assert host == "box.lan"
    assert command.count("--server.allowedHosts") == 1
    assert "0.0.0.0" not in command
    assert command[-2:] == ["--", "--class"]


def test_without_a_network_nobody_could_join_and_that_is_said():
    with pytest.raises(SetupError, match="no address on a network"):
        invitation.command([], [])


def test_addresses_leave_out_loopback_and_the_one_in_use_comes_first(monkeypatch):
    import socket
    from types import SimpleNamespace

    import psutil

    def entry(address, family=socket.AF_INET):
        return SimpleNamespace(address=address, family=family)

    cards = {
        "lo": [entry("127.0.0.1")],
        "docker0": [entry("172.17.0.1")],
        "down": [entry("10.9.9.9")],
        "wlan0": [entry("192.168.1.7"), entry("fe80::1", socket.AF_INET6), entry("169.254.3.3")],
    }
    up = {name: SimpleNamespace(isup=name != "down") for name in cards}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: cards)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: up)
    monkeypatch.setattr(socket.socket, "connect", lambda self, where: None, raising=False)
    monkeypatch.setattr(socket.socket, "getsockname", lambda self: ("192.168.1.7", 5), raising=False)
    assert invitation.addresses() == ["192.168.1.7", "172.17.0.1"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (("192.168.1.7", 8501), "http://192.168.1.7:8501/"),
        (("fd00::2", 8501), "http://[fd00::2]:8501/"),
        (("class.example.org", 443, "/dials/", True), "https://class.example.org/dials/"),
        (("box.lan", 80), "http://box.lan/"),
        (("results.example.org", 443, "dials"), "https://results.example.org/dials/"),  # a proxy's TLS
    ],
)
def test_the_link_is_as_short_as_can_be(given, wanted):
    assert invitation.link(*given) == wanted


def test_the_qr_code_is_the_one_of_the_link_black_on_white():
    import segno

    link = "http://192.168.1.7:8501/"
    svg = invitation.qr_svg(link)
    assert svg.startswith("<?xml")
    assert 'fill="#fff"' in svg
    assert 'stroke="#000"' in svg
    matrix = segno.make(link, error="m", micro=False).matrix
    side = len(matrix) + 8  # four modules of quiet margin on each side
    assert f'width="{8 * side}"' in svg
    drawn = re.search(r'd="(M4 4[^"]+)"', svg)[1]
    first = "".join("1" if module else "0" for module in matrix[0])
    assert drawn.startswith(f"M4 4.5h{len(re.match('1+', first)[0])}")
    assert invitation.qr_svg("http://192.168.1.8:8501/") != svg


def test_a_made_up_password_is_long_has_no_lookalikes_and_is_new_each_time(unset, monkeypatch, capsys):
    made = {invitation.new_password() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        assert re.fullmatch(r"(?:[a-km-np-z2-9]{4}-){2}[a-km-np-z2-9]{4}", each)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert invitation.ensure_password()
    kept = os.environ[invitation.PASSWORD]
    assert kept in capsys.readouterr().out
    assert invitation.ensure_password()
    assert os.environ[invitation.PASSWORD] == kept
    assert capsys.readouterr().out == ""


def test_no_password_is_made_up_where_the_output_goes_to_a_file(unset, capsys):
    assert not invitation.ensure_password()
    assert invitation.PASSWORD not in os.environ
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("password", "said"), [(None, "no launch password is set"), ("short", "shorter than 8")])
def test_a_class_does_not_begin_without_a_good_password(password, said):
    environment = {name: value for name, value in os.environ.items() if name != invitation.PASSWORD}
    environment |= {invitation.PASSWORD: password} if password else {}
    command = [sys.executable, "-m", "fourdials.invitation", "--server.address", "127.0.0.1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_port_is_the_one_students_use():
    assert invitation.port_of(["--server.port=8600"], {}) == 8600
    assert invitation.port_of(["--server.port=8600", "--browser.serverPort", "443"], {}) == 443
    assert invitation.port_of([], {"STREAMLIT_SERVER_PORT": "9000"}) == 9000
    assert invitation.port_of([], {}) == 8501
    with pytest.raises(SetupError, match="'x' is not a port"):
        invitation.port_of(["--server.port", "x"], {})
