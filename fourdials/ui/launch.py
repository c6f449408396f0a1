"""Opens the dashboard as `streamlit run app.py` does, and readies what its first page shows while nobody looks yet.

    python -m fourdials.ui.launch [options of `streamlit run`] [-- --class | --snapshot FILE]

Importing what draws, and reading the recorded runs into a new home, take seconds; the first reader would wait for them.
Run by `scripts/start` and by the invitation of a class.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app.py"
_STARTED_S = 30.0


def warm() -> None:
    """Opens the home's store and draws the run that Start shows; both are then kept for whoever comes first."""
    from streamlit import runtime

    from fourdials import query
    from fourdials.ui import bundle, controls, curves, data

    bundle.ready()
    opened = data.open_early()
    if opened is None:
        return

    end = time.monotonic() + _STARTED_S
    while not runtime.exists() and time.monotonic() < end:
        time.sleep(0.05)  # what is kept before the server is there is kept elsewhere
    shown = controls.worth_showing(query.run(opened, "experiments"))
    if shown is not None:
        curves.draw_early(opened, curves.View(shown["experiment_id"]))


def main(options: Sequence[str]) -> None:
    """Becomes the server; returns only by raising SystemExit."""
    if "--snapshot" not in options:  # a viewer makes its home when somebody looks
        threading.Thread(target=warm, name="warm", daemon=True).start()
    sys.argv = ["streamlit", "run", str(APP), *options]
    from streamlit.web import cli

    cli.main()


if __name__ == "__main__":
    main(sys.argv[1:])
