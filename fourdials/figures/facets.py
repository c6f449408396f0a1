"""Arms that are given different things to see → a panel for each of these, so that no two problems are overlaid as one.

Called by figures of curves, frontiers and difficulty.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from fourdials.figures import style
from fourdials.figures.status import SEES

BY_WHAT_IS_SEEN = ", by what is seen"  # ends the title of a figure with such panels


def mixed(frame: pl.DataFrame) -> bool:
    """Whether some of the arms (column access) are given other things to see than others."""
    return frame["access"].n_unique() > 1


def accesses(frame: pl.DataFrame) -> list[str]:
    """What the arms are given to see, in the order of panels."""
    held = set(frame["access"])
    return [access for access in SEES if access in held]


def parts(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The title and the rows of each panel; one panel without a title where all arms see the same."""
    if not mixed(frame):
        return [("", frame)]
    return [(SEES[access], frame.filter(pl.col("access") == access)) for access in accesses(frame)]


def grid(titles: Sequence[str], columns: int) -> tuple[go.Figure, int, int]:
    """An empty figure with a panel for each title, at most `columns` side by side; its rows and columns."""
    columns = min(columns, len(titles))
    rows = -(-len(titles) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.03,
        vertical_spacing=0.44 / rows if rows > 1 else 0,  # room for an axis title and a panel title
    )
    return figure, rows, columns


def height_of(rows: int, height: int, lines: Sequence[str] = ()) -> int:
    """Pixels for so many rows of panels, of which a single one takes `height`; more than three `lines` under the title
    (as given to `style.dress`) take room of their own."""
    more = style.LINE_PX * max(0, len(style.wrapped(list(lines))) - 3)
    return more + (190 * rows + 160 if rows > 1 else height)
