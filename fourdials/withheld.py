"""What an imported run's spec names of another computer (addresses, key variables, programs), set aside at import.

Addresses are put back once a person confirms them; key variables and programs never are. What was confirmed stands
beside the import, whose files stay as they came.
Called by `snapshot` and the Share page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fourdials.errors import InputError
from fourdials.store import Store
from fourdials.store.store import IMPORTED, beside, confirmed

ADDRESS = "api_base"
NAMES = (ADDRESS, "key_variable", "retriever", "environment", "tool")
FILE = "withheld.json"


@dataclass(frozen=True, slots=True)
class Withheld:
    """A part of an imported spec that is not used: where it stood, what it was, and the keys and places that lead there
    (empty where an older version did not note them, so that it cannot be put back)."""

    place: str
    value: str
    path: tuple[str | int, ...] = ()

    @property
    def address(self) -> bool:
        """True if it is an address that can be confirmed."""
        return bool(self.path) and self.path[-1] == ADDRESS and self.value.startswith(("http://", "https://"))


def disarmed(text: str) -> tuple[str, list[Withheld]]:
    """A spec as JSON without what names an address, a key or a program, and what that was."""
    found: list[Withheld] = []

    def walk(value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            return [walk(each, (*path, i)) for i, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        named = [(*path, key) for key in value if key in NAMES]
        found.extend(Withheld(".".join(map(str, each)), str(value[each[-1]]), each) for each in named)
        return {key: walk(each, (*path, key)) for key, each in value.items() if key not in NAMES}

    try:
        bare = walk(json.loads(text), ())
        return json.dumps(bare) if found else text, found
    except RecursionError:
        raise InputError("one of its specs is nested too deeply") from None


def keep(folder: Path, found: Mapping[str, Sequence[Withheld]]) -> None:
    """Notes in the folder of an import, before it is put in its place, what was set aside of each of its runs."""
    kept = {run: [asdict(each) for each in aside] for run, aside in found.items()}
    (folder / FILE).write_text(json.dumps(kept), encoding="utf-8")


def of(experiment_id: str, home: Path) -> list[Withheld]:
    """What was set aside of an imported run and is not used; empty for one's own runs."""
    folder = _folder(experiment_id, home)
    if folder is None:
        return []
    back = experiment_id in confirmed(folder)
    return [each for each in _kept(folder)[experiment_id] if not (back and each.address)]


def confirm(experiment_id: str, store: Store) -> list[Withheld]:
    """Puts the addresses back into the imported run's spec, so that runs started from it call them; returns them.

    Raises InputError if none was set aside.
    """
    folder = _folder(experiment_id, store.home)
    back = [each for each in of(experiment_id, store.home) if each.address]
    if folder is None or not back:
        raise InputError(f"no address of {experiment_id!r} waits to be confirmed")
    rows = pl.read_parquet(folder / "experiments.parquet", columns=["experiment_id", "spec"])
    spec = json.loads(rows.filter(experiment_id=experiment_id)["spec"][0])
    for each in back:
        inside = spec
        for key in each.path[:-1]:
            inside = inside[key]
        inside[each.path[-1]] = each.value
    file = beside(folder)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(confirmed(folder) | {experiment_id: json.dumps(spec)}), encoding="utf-8")
    partial.replace(file)  # all of it at once
    store.ingest()
    return back


def _folder(experiment_id: str, home: Path) -> Path | None:
    """Where the import is that holds a run."""
    files = home.glob(f"{IMPORTED}/[0-9a-f]*/{FILE}")
    return next((path.parent for path in files if experiment_id in json.loads(path.read_bytes())), None)


def _kept(folder: Path) -> dict[str, list[Withheld]]:
    kept = json.loads((folder / FILE).read_bytes())
    return {
        run: [Withheld(**{**each, "path": tuple(each.get("path", ()))}) for each in own] for run, own in kept.items()
    }
