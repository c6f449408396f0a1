"""A person's own files in the home: comments survive, a bad file says where, and nothing half-written is left."""

import os
import threading

import pytest

from fourdials import settings
from fourdials.errors import HomeBusy, InputError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    return tmp_path


def accept(data):
    return data


def test_no_file_reads_as_empty(home):
    assert settings.read("mine.toml") == {}


def test_a_change_keeps_comments_and_is_read_at_once(home):
    (home / "mine.toml").write_text('# why\na = 1  # one\n\n[b]\nc = "x"\n')
    assert settings.read("mine.toml") == {"a": 1, "b": {"c": "x"}}
    with settings.changing("mine.toml", accept) as document:
        document["a"] = 22
    assert settings.read("mine.toml")["a"] == 22
    assert (home / "mine.toml").read_text() == '# why\na = 22  # one\n\n[b]\nc = "x"\n'
    assert [path.name for path in home.iterdir()] == ["mine.toml"]


def test_a_bad_file_is_named_and_not_changed(home):
    (home / "mine.toml").write_text("a = ")
    with pytest.raises(InputError, match=r"mine\.toml cannot be read.*move it away"):
        settings.read("mine.toml")
    with pytest.raises(InputError), settings.changing("mine.toml", accept) as document:
        document["a"] = 1
    assert (home / "mine.toml").read_text() == "a = "


def test_what_the_check_refuses_does_not_reach_the_file(home):
    def refuse(data):
        if data["a"] > 1:
            raise InputError(f"no {data['a']}")

    (home / "mine.toml").write_text("a = 1\n")
    with pytest.raises(InputError, match="no 2"), settings.changing("mine.toml", refuse) as document:
        document["a"] = 2
    assert settings.read("mine.toml") == {"a": 1}
    assert not (home / "mine.lock").exists()


def test_changes_made_at_the_same_time_all_arrive(home):
    def add(number):
        with settings.changing("mine.toml", accept) as document:
            document[f"k{number}"] = number

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert settings.read("mine.toml") == {f"k{number}": number for number in range(12)}


def test_a_lock_of_the_living_is_waited_for_and_one_of_the_dead_is_broken(home, monkeypatch):
    monkeypatch.setattr(settings, "_PATIENCE_S", 0.3)
    lock = home / "mine.lock"
    lock.touch()
    os.utime(lock, (2e9, 2e9))  # made in the future: never too old
    with pytest.raises(HomeBusy, match="changing"), settings.changing("mine.toml", accept):
        raise AssertionError("was let in")
    os.utime(lock, (1, 1))
    with settings.changing("mine.toml", accept) as document:
        document["a"] = 1
    assert settings.read("mine.toml") == {"a": 1}


def test_a_file_of_absurd_size_is_refused(home):
    (home / "mine.toml").write_text("#" * (settings.MOST_BYTES + 1))
    with pytest.raises(InputError, match="at most"):
        settings.read("mine.toml")
