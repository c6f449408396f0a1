"""A notebook, run afresh → one HTML file that needs nothing else: text, code, tables and figures to explore.

    python scripts/notebook_page.py notebooks/first_curve.py first_curve.html

marimo's own HTML export loads its viewer from the network, and figures in its .ipynb are elements that only marimo
draws. This page is made from that .ipynb: figures are drawn by the script that is put into the file, and of all other
markup only plain tags are kept, without attributes.
"""

from __future__ import annotations

import html
import json
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs from anywhere

from fourdials.report import POLICY, STYLE  # noqa: E402

KEPT = frozenset(("p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "em", "strong", "code", "pre", "blockquote", "small"))
KEPT |= {"table", "thead", "tbody", "tr", "th", "td"}
DROPPED = frozenset(("style", "script", "title"))
CONFIG = {"displaylogo": False, "responsive": True}


def main(arguments: list[str]) -> int:
    """Writes the page; 0 if it did."""
    if len(arguments) != 2:
        print(__doc__)
        return 2
    notebook, target = map(Path, arguments)
    if not notebook.is_file():
        raise SystemExit(f"there is no notebook {notebook}; they are in notebooks/")
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "notebook.ipynb"
        command = ["-m", "marimo", "export", "ipynb", str(notebook), "--include-outputs", "-o", str(exported)]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{notebook} did not run to its end:\n{done.stderr[-2000:]}")
        cells = json.loads(exported.read_text(encoding="utf-8"))["cells"]
    target.write_text(page(cells, notebook.stem.replace("_", " ").capitalize()), encoding="utf-8")
    return 0


def page(cells: list[dict[str, Any]], title: str) -> str:
    """The cells of an .ipynb as one HTML text. Code is folded, but for what it shows."""
    parts: list[str] = []
    drawn = 0
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(plain(rendered(source))[0])
            continue
        if source.strip():
            parts.append(f"<details><summary>Code</summary><pre>{html.escape(source)}</pre></details>")
        for output in cell.get("outputs", []):
            text, figures = shown({kind: "".join(value) for kind, value in output.get("data", {}).items()})
            parts.append(text)
            for figure in figures:
                parts.append(drawing(figure, first=drawn == 0))
                drawn += 1
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE} p, ul {{ max-width: 46rem }} summary {{ cursor: pointer }}"
        " details { color: #55606c; }</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def shown(data: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
    """One output as plain HTML, and the figures in it."""
    if "text/markdown" in data:
        return plain(rendered(data["text/markdown"]))
    if "text/html" in data:
        text, figures = plain(data["text/html"])
        return f'<div class="scroll">{text}</div>' if text.strip() else "", figures
    return "".join(f"<pre>{html.escape(text)}</pre>" for text in list(data.values())[:1]), []


def rendered(text: str) -> str:
    """Markdown as HTML."""
    import markdown

    found: str = markdown.markdown(text, extensions=["tables", "fenced_code"])
    return found


def plain(text: str) -> tuple[str, list[dict[str, Any]]]:
    """HTML with nothing but plain tags, and the figures that stood in it."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts), reader.figures


def drawing(figure: dict[str, Any], first: bool) -> str:
    """A figure to explore; the first brings the drawing script along."""
    import plotly.io

    return str(plotly.io.to_html(figure, CONFIG, full_html=False, include_plotlyjs=first, validate=False))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.figures: list[dict[str, Any]] = []
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self._skipping += 1
        elif tag == "marimo-plotly":
            self.figures.append(json.loads(dict(attrs)["data-figure"] or "{}"))
        elif tag in KEPT:
            self.parts.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in DROPPED:
            self._skipping -= 1
        elif tag in KEPT:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(html.escape(data))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
