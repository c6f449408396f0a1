"""The app as a test sees it: opened on one of its pages, and all it says."""

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


def page(name: str, **query: str | list[str]) -> AppTest:
    """The app after opening one of its pages with these query parameters."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception, app.exception[0].message
    return app


def figures(app: AppTest) -> dict[str, Any]:
    """The figures drawn in place on the page, by the keys of their charts."""
    found = {}
    for each in app.get("bidi_component"):
        data = json.loads(each.proto.mixed.json or each.proto.json or "{}")
        if "figure" in data:
            found[each.proto.id.split("-", 2)[2]] = json.loads(data["figure"])
    return found


def shown(app: AppTest) -> str:
    """All text of the page in one string."""
    kinds = ("title", "subheader", "markdown", "caption", "text", "info", "warning", "error", "code")
    return "\n".join(str(each.value) for kind in kinds for each in getattr(app, kind))
