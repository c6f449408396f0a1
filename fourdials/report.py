"""A view of a run → one HTML file that needs nothing else: figures, tables, methods, how to cite and how to repeat it.

The file works from a disk, offline: the drawing script is inlined and its content policy forbids it to load anything.
All text is escaped, since names, questions and models come from files. Called by the command line and the Share page.
"""

from __future__ import annotations

import html
import json
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fourdials import __version__, estimate, query, snapshot, spec, units, viewed
from fourdials.errors import InputError
from fourdials.figures import facets, numbers, status
from fourdials.store import Store

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
UNFOLDED = 24  # rows
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }
table { border-collapse: collapse; font-size: 14px; } td, th { padding: .25rem .75rem; text-align: left; }
th { border-bottom: 2px solid #55606c; } td { border-bottom: 1px solid #dde2e7; } .scroll { overflow-x: auto; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f3f5f7; padding: 1rem; overflow-x: auto; font-size: 13px; }
.status { color: #55606c; } @media print { details { display: block; } }
"""


def html_of(
    store: Store,
    experiment_id: str,
    *,
    unit: str = "total_tokens",
    tasks: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
    view: str = "Curves",
    more: Mapping[str, str] | None = None,
) -> str:
    """The report as one HTML text.

    Args:
        store: Where the run is.
        experiment_id: The run.
        unit: Unit of spend, one of `figures.numbers.UNITS`.
        tasks: Tasks shown; None for all.
        arms: Arms shown; None for all.
        view: The tab of Compare it shows, one of `viewed.VIEWS`.
        more: What that tab's address says besides, such as `a` and `b`; see `viewed.Asked`.

    Raises:
        InputError: There is no such run, or nothing of it can be drawn yet.
    """
    runs = query.run(store, "experiments").filter(experiment_id=experiment_id)
    if runs.is_empty():
        raise InputError(f"there is no run called {experiment_id!r}")
    asked = viewed.Asked(store, experiment_id, unit, tasks, arms, dict(more or {}))
    run, chosen = runs.row(0, named=True), {"arms": list(arms)} if arms is not None else {}
    if tasks is not None:
        chosen["tasks"] = list(tasks)
    curve = estimate.curves(asked.points())
    if curve.is_empty():
        raise InputError("nothing of this selection can be drawn yet: no complete block, or its spend is unknown")
    found = viewed.viewed(view, asked)
    said = asked.said(curve, unit)
    cited = _content_id(store, experiment_id, tasks, arms)
    parts = [
        f"<h1>{_text(run['name'])}: {_text(view)}</h1>",
        f'<p class="status">{_text(status.status_line(said))}</p>',
        *(f"<p>⚠ {_text(warning)}</p>" for warning in found.warnings),
        *(_figure(figure, alt, first=i == 0) for i, (figure, alt) in enumerate(found.figures)),
        "<h2>Scores</h2>",
        _table(_scores(curve, unit), ("within", "score", "95 % interval", "unanswered")),
        "<h2>Numbers behind the figures</h2>",
        *(_long(told, frame) for told, frame in found.tables),
        "<h2>Arms</h2>",
        _table([_arm(row) for row in asked.described.iter_rows(named=True)]),
        "<h2>How trials ended</h2>",
        _table(_outcomes(store, experiment_id, chosen)),
        "<h2>Methods</h2>",
        f"<p>{_text(found.methods)}</p><p>{_text(_methods(run, asked.price_list))}</p>",
        "<h2>How to cite</h2>",
        f"<p>{_text(_citation(run, cited))}</p>",
        "<h2>How to repeat it</h2>",
        f"<p>Save this as <code>experiment.toml</code>, install Four Dials {_text(run['version'])}, then run "
        "<code>python -m fourdials run experiment.toml</code>. Sampled replies will differ; the problems will not.</p>",
        f"<pre>{_text(spec.dump(_spec(store, experiment_id)))}</pre>",
        "<h2>The SQL behind the figures</h2>",
        *map(_sql, found.queries),
    ]
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(run['name'])} – Four Dials</title><style>{STYLE}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _text(value: object) -> str:
    return html.escape(str(value))


def _sql(name: str) -> str:
    return f"<details><summary>{name}.sql</summary><pre>{_text(query.describe(name).sql)}</pre></details>"


def _figure(figure: Any, alt: str, first: bool) -> str:
    drawn = figure.to_html(full_html=False, include_plotlyjs=first, config={"displaylogo": False, "responsive": True})
    return f'<div role="img" aria-label="{html.escape(alt, quote=True)}">{drawn}</div>'


def _table(rows: Sequence[Mapping[str, Any]], numbered: Collection[str] = ()) -> str:
    """Rows as a table; columns of numbers, and those named in `numbered` whose numbers are written out, stand right."""
    if not rows:
        return "<p>None.</p>"
    right = {name for name in rows[0] if name in numbered or all(_is_number(row[name]) for row in rows)}

    def line(tag: str, cells: Mapping[str, Any]) -> str:
        kinds = {name: ' class="number"' if name in right else "" for name in cells}
        return f"<tr>{''.join(f'<{tag}{kinds[name]}>{_text(value)}</{tag}>' for name, value in cells.items())}</tr>"

    head, body = line("th", {name: name for name in rows[0]}), "".join(line("td", row) for row in rows)
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scores(curve: pl.DataFrame, unit: str) -> list[dict[str, Any]]:
    """Each arm at the largest budget that is not cut off."""
    rows = []
    for (arm,), own in curve.sort("spend").group_by("arm", maintain_order=True):
        known = own.filter(~pl.col("censored"))
        row = (known if known.height else own).row(-1, named=True)
        rows.append(
            {
                "arm": arm,
                **({"sees": status.SEES[row["access"]]} if facets.mixed(curve) else {}),
                "within": numbers.budget(unit, row["spend"]),
                "score": numbers.percent(row["value"]),
                "95 % interval": f"{numbers.percent(row['low'])} to {numbers.percent(row['high'])}",
                "problems": row["n"],
                "clusters": row["clusters"],
                "unanswered": numbers.percent(row["unanswered"]),
                "interval by": row["method"],
            }
        )
    return sorted(rows, key=lambda row: str(row["arm"]))


def _arm(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("arm", "strategy", "dial", "unit", "access", "levels", "knobs", "lineup")}


def _outcomes(store: Store, experiment_id: str, chosen: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    tasks = {"tasks": chosen["tasks"]} if "tasks" in chosen else {}
    counted = query.run(store, "outcomes", experiment_ids=[experiment_id], **tasks)
    if "arms" in chosen:
        counted = counted.filter(pl.col("arm").is_in(chosen["arms"]))
    rows = counted.select("arm", "outcome", "trials").sort("arm", "outcome").to_dicts()
    return [dict(row) for row in rows]


def _long(told: str, frame: pl.DataFrame) -> str:
    """A whole frame, folded where it has many rows."""
    table = _table(_rows(frame), [name for name, kind in frame.schema.items() if kind.is_numeric()])
    if frame.height <= UNFOLDED:
        return f"<p>{_text(told)}</p>{table}"
    return f"<details><summary>{_text(told)} {frame.height} rows.</summary>{table}</details>"


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as a table shows them: all of them, numbers to four digits, unknown ones called so."""

    def shown(value: Any) -> Any:
        if value is None or value != value:
            return numbers.UNKNOWN
        return f"{value:.4g}" if isinstance(value, float) else str(value) if isinstance(value, bool | list) else value

    return [{name: shown(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _methods(run: Mapping[str, Any], price_list: units.PriceList | None) -> str:
    priced = f" Dollars are list prices of {run['price_date']} without caching." if run["price_date"] else ""
    if price_list is not None:
        priced = (
            f" Dollars of spend are counted {price_list.told if price_list.day is None else f'by {price_list.told}'}."
        )
    return (
        "What stopping at a level costs is worked out from the calls a deployment that stops there would have made. "
        "Only complete blocks count: a problem tried with every arm. Calls that failed are never counted as wrong "
        "answers."
        f"{priced} Models: {', '.join(run['models'])}. Tasks: {', '.join(run['tasks'])}."
    )


def _content_id(store: Store, experiment_id: str, tasks: Sequence[str] | None, arms: Sequence[str] | None) -> str:
    """The content id of the snapshot that holds what is shown."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"cited{snapshot.SUFFIX}"
        return snapshot.write(store, [experiment_id], path, tasks=tasks, arms=arms).content_id


def _citation(run: Mapping[str, Any], content_id: str) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime(run["finished_at"] or run["created_at"]))
    return (
        f"“{run['name']}”, run {run['experiment_id']}, {day}. Four Dials {__version__}. Snapshot content id "
        f"sha256:{content_id}."
    )


def _spec(store: Store, experiment_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(query.run(store, "spec", experiment_id=experiment_id)["spec"][0])
    return found
