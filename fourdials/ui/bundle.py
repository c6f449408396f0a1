"""The plotly package's script → the copy that charts load, which sets up only the kinds of chart drawn here.

Plotly's script sets up its 46 kinds of chart as soon as it is loaded; for a browser that is three times the work of
drawing one. Its build keeps each kind in a function of its own and registers them in one list, so all it takes is a
shorter list. A script that is built in another way is served as it is. Called by `chart` and when a server starts.
"""

from __future__ import annotations

import os
import re
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path

STATIC = Path(__file__).parents[2] / "static"
NAME = "plotly.min.js"
KINDS = ("bar",)  # besides scatter, which is always there
_LIST = re.compile(r"\.register\(\[((?:[\w$]+\(\),)+[\w$]+\(\))\]\)")
_FUNCTION = re.compile(r'([\w$]+)=[\w$]+\(\(\w+,\w+\)=>\{"use strict";')
_NEAR = 3000  # characters: longer than the description of a kind


def shortened(script: str) -> str:
    """The script with a list of `KINDS` only; the script itself if its list, or one of the kinds, is not found."""
    lists = _LIST.findall(script)
    kept = [f"{_registers(script, kind)}()" for kind in KINDS]
    if len(lists) != 1 or not set(kept) <= set(lists[0].split(",")):
        return script
    return script.replace(lists[0], ",".join(kept))


def _registers(script: str, kind: str) -> str | None:
    """The function that is registered for a kind of chart: it hands on what the function that describes it gives."""
    told = script.find(f'moduleType:"trace",name:"{kind}"')
    describing = _FUNCTION.findall(script, max(0, told - _NEAR), max(0, told))
    handed = script.find(f".exports={describing[-1]}()}})") if describing else -1
    handing = _FUNCTION.findall(script, max(0, handed - _NEAR), max(0, handed))
    return str(handing[-1]) if handing else None


@cache
def ready(folder: Path = STATIC) -> Path:
    """Writes the script to where Streamlit serves it from, unless it is there as it should be; returns its path."""
    drawing = find_spec("plotly")  # found, not imported: only the script that comes with it is wanted
    assert drawing is not None
    source = Path(str(drawing.origin)).parent / "package_data" / NAME
    wanted = shortened(source.read_text(encoding="utf-8")).encode()
    target = folder / NAME
    if not target.exists() or target.read_bytes() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")  # readers may come at once
        partial.write_bytes(wanted)
        partial.replace(target)
    return target
