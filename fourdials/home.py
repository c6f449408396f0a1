"""Where a person's runs, models and database live."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """`FOURDIALS_HOME`, or the user's data directory; created if it does not exist."""
    named = os.environ.get("FOURDIALS_HOME")
    path = Path(named).expanduser() if named else platformdirs.user_data_path("fourdials", appauthor=False)
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def run_folder(experiment_id: str, root: Path | None = None) -> Path:
    """The folder of one run: its journals, `spec.toml`, `worker.json` and, to stop it, a file called `stop`."""
    return (root or home()) / "runs" / experiment_id
