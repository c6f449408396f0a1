"""What needs no extra compute → lines across a panel of scores: a guess, the best constant answer, one greedy sample.

Called by every figure whose vertical axis is a score.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fourdials.figures import numbers, style

_NAMES = {"chance": "guessing", "constant": "best constant answer", "greedy": "one greedy sample"}


def draw(
    figure: go.Figure,
    baselines: pl.DataFrame | None,
    number: str,
    dark: bool,
    labelled: set[tuple[str, str | None]] | None = None,
) -> None:
    """Adds the baselines to a panel, with labels but for those that are `labelled` in another one already.

    Args:
        figure: Whose panel it is.
        baselines: Rows of the query `baselines`; None or no rows add nothing.
        number: Of the panel's axes: empty for the first, then 2, 3, …
        dark: Colours for a dark page.
        labelled: Kinds and arms with a label; those drawn here are added.
    """
    if baselines is None:
        return
    known = set() if labelled is None else labelled
    greedy = baselines.filter(pl.col("kind") == "greedy")["value"].to_list()
    for row in baselines.iter_rows(named=True):
        across = {"xref": f"x{number} domain", "yref": f"y{number}"}
        _line(figure, row, 0, 1, dark, across)
        if (row["kind"], row["arm"]) not in known:
            known.add((row["kind"], row["arm"]))
            # Labels stand at the right, where curves are high, unless one for a greedy sample is in the way.
            left = row["kind"] == "constant" and any(abs(row["value"] - value) < 0.06 for value in greedy)
            several = row["arm"] and baselines["kind"].to_list().count("greedy") > 1
            name = _NAMES[row["kind"]] + (f" ({row['arm']})" if several else "")
            _label(figure, f"{name} {numbers.percent(row['value'])}", row, baselines, left, dark, across)


def draw_by_bin(
    figure: go.Figure, guessed: pl.DataFrame, number: str, dark: bool, labelled: set[tuple[str, str | None]]
) -> None:
    """Adds to a panel of bins what guessing and the best constant answer score in each: one line where that is the same
    in all of them, else steps.

    Args:
        figure: Whose panel it is; its bins are categories at 0, 1, ….
        guessed: Rows of `difficulty.guessed`.
        number: As for `draw`.
        dark: Colours for a dark page.
        labelled: As for `draw`.
    """
    last = guessed.filter(pl.col("bin") == pl.col("bin").max())
    for rows in guessed.partition_by("kind", maintain_order=True):
        bins = rows["bin"].to_list()
        even = rows["value"].n_unique() == 1
        for row in rows.head(1 if even else rows.height).iter_rows(named=True):
            end = bins[-1] if even else row["bin"]
            _line(figure, row, row["bin"] - 1.5, end - 0.5, dark, {"xref": f"x{number}", "yref": f"y{number}"})
        if (rows["kind"][0], None) not in labelled:
            labelled.add((rows["kind"][0], None))
            ends = [numbers.percent(float(value)) for value in (rows["value"].min(), rows["value"].max())]  # type: ignore[arg-type]
            name = f"{_NAMES[rows['kind'][0]]} {' to '.join(dict.fromkeys(ends))}"
            across = {"xref": f"x{number} domain", "yref": f"y{number}"}
            _label(figure, name, rows.row(-1, named=True), last, False, dark, across)


def blind(baselines: pl.DataFrame) -> pl.DataFrame:
    """Those that ask no model: guessing and the best constant answer. For figures in which a greedy sample, where the
    run has one, is a mark of its own."""
    return baselines.filter(pl.col("kind") != "greedy")


def of_what_is_seen(baselines: pl.DataFrame | None, every: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame | None:
    """The baselines of a panel: a greedy sample stands only beside arms that are given what it was given.

    Args:
        baselines: Rows of the query `baselines`.
        every: Columns arm and access of all panels.
        own: The same of this panel.
    """
    if baselines is None or every["access"].n_unique() < 2:
        return baselines
    seen = dict(every.select("arm", "access").unique().rows())
    known = set(own["access"]) or {"given"}
    return baselines.filter(
        (pl.col("kind") != "greedy")
        | pl.col("arm").map_elements(lambda arm: seen.get(arm, "given") in known, return_dtype=pl.Boolean)
    )


def score_axis(tops: Iterable[float], baselines: pl.DataFrame | None = None) -> dict[str, Any]:
    """The vertical axis of scores that reach up to `tops`: from 0, up to the next tenth above everything drawn."""
    highest = max([0.1, *tops, *(baselines["value"].to_list() if baselines is not None else [])])
    top = min(1.0, (int(highest * 10) + 1) / 10)  # with a little air, so that lines at 100 % stay visible
    return {"title": {"text": "Mean score", "standoff": 4}, "range": [0, top * 1.03], "tickformat": ".0%", "nticks": 6}


def _line(figure: go.Figure, row: dict[str, Any], start: float, end: float, dark: bool, where: dict[str, str]) -> None:
    dash = "dash" if row["kind"] == "greedy" else "longdashdot"
    line = {"color": style.INKS[dark].muted, "width": 1, "dash": dash}
    figure.add_shape(type="line", x0=start, x1=end, y0=row["value"], y1=row["value"], line=line, **where)


def _label(
    figure: go.Figure,
    text: str,
    row: dict[str, Any],
    among: pl.DataFrame,
    left: bool,
    dark: bool,
    where: dict[str, str],
) -> None:
    """A label above its line; of guessing and the best constant answer the lower one's stands below."""
    ink, lowest = style.INKS[dark], min(blind(among)["value"].to_list(), default=0.0)
    below = row["kind"] != "greedy" and row["value"] == lowest and row["value"] > 0.06
    figure.add_annotation(
        text=style.safe(text),
        x=0.01 if left else 0.99,
        y=row["value"],
        xanchor="left" if left else "right",
        yanchor="top" if below else "bottom",
        showarrow=False,
        font={"size": style.SMALL_PX - 1, "color": ink.muted},
        bgcolor=style.faint(ink.paper, 0.75),
        **where,
    )
