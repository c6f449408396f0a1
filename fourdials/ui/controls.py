"""Widgets that pages share: a choice kept in the URL, fields drawn from a pydantic schema, states as badges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st
from pydantic import BaseModel

from fourdials.ui import data, words

T = TypeVar("T")

if TYPE_CHECKING:
    import polars as pl


def linked_choice(
    draw: Callable[..., Any],
    label: str,
    options: Sequence[T],
    *,
    param: str,
    default: T,
    **settings: Any,
) -> T:
    """A widget whose value lives in the URL, so that a link shows the same view, and is kept between pages.

    Args:
        draw: `st.selectbox`, `st.segmented_control`, …
        label: The widget's label.
        options: Text values; others in the URL are ignored.
        param: Name in the URL.
        default: Value if neither the URL nor an earlier page names one.
        settings: Passed to the widget.
    """
    key, seen = f"linked.{param}", f"linked.{param}.seen"
    state, asked = st.session_state, st.query_params.get(param)
    if asked in options and asked != state.get(seen):
        state[key] = asked
    elif state.get(key) not in options:
        state[key] = state[seen] if state.get(seen) in options else default
    drawn = draw(label, options, key=key, **settings)
    value: T = default if drawn is None else drawn
    state[seen] = value
    if asked != value:
        st.query_params[param] = str(value)
    return value


def linked_value(
    draw: Callable[..., Any],
    label: str,
    *,
    param: str,
    default: T,
    read: Callable[[str], T | None],
    write: Callable[[T], str] = str,
    scope: str = "",
    **settings: Any,
) -> T:
    """A number, a day or a switch whose value lives in the URL unless it is the default, and is kept between pages.

    Args:
        draw: `st.number_input`, `st.date_input`, `st.toggle`, …
        label: The widget's label.
        param: Name in the URL.
        default: Value if neither the URL nor an earlier page names one.
        read: Text in the URL → value; None for text that is none, which is then ignored.
        write: Value → text in the URL.
        scope: What the value belongs to, such as a run; in another scope the URL's value does not count.
        settings: Passed to the widget.
    """
    key, seen = f"linked.{param}.{scope}", f"linked.{param}.{scope}.seen"
    state, asked = st.session_state, _asked(param, scope)
    given = read(asked[0]) if asked else None
    if given is not None and asked != state.get(seen):
        state[key] = given
    elif key not in state:
        kept = read(state[seen][0]) if state.get(seen) else None
        state[key] = default if kept is None else kept
    value: T = draw(label, key=key, **settings)
    _tell(param, seen, [] if value == default else [write(value)])
    return value


def linked_many(
    draw: Callable[..., Any],
    label: str,
    options: Sequence[str],
    *,
    param: str,
    scope: str = "",
    at_first: Sequence[str] | None = None,
    **settings: Any,
) -> tuple[str, ...] | None:
    """A choice of several whose values live in the URL unless it is what is chosen `at_first` (None: all of them).

    The other arguments are those of `linked_value`; values in the URL that are no option are ignored. Gives None for
    all, and also for none where all are chosen at first.
    """
    first = list(options if at_first is None else at_first)
    key, seen = f"linked.{param}.{scope}", f"linked.{param}.{scope}.seen"
    state = st.session_state
    asked = [each for each in _asked(param, scope) if each in options]
    if asked and asked != state.get(seen):
        state[key] = asked
    elif key not in state:
        state[key] = [each for each in state.get(seen) or [] if each in options] or first
    drawn = draw(label, options, key=key, **settings)
    picked = [each for each in options if each in drawn]
    _tell(param, seen, [] if picked == first else picked)
    return None if len(picked) == len(options) or (at_first is None and not picked) else tuple(picked)


def _asked(param: str, scope: str) -> list[str]:
    """What the URL says of a parameter; nothing where it was said of another scope."""
    before = st.session_state.get(f"linked.{param}.scope", scope)
    st.session_state[f"linked.{param}.scope"] = scope
    named = st.session_state.get("linked.named") == scope  # a link names a run together with what belongs to it
    return st.query_params.get_all(param) if named or before == scope else []


def _tell(param: str, seen: str, told: list[str]) -> None:
    st.session_state[seen] = told
    if told:
        st.query_params[param] = told
    elif param in st.query_params:
        del st.query_params[param]


def choose_experiment() -> dict[str, Any] | None:
    """A choice among all runs, newest first; at first the one worth showing. Its row of the query `experiments`, or
    None if there are no runs."""
    rows = data.frame("experiments")
    if rows.is_empty():
        return None
    known = {row["experiment_id"]: row for row in rows.iter_rows(named=True)}
    ids = list(known)
    shown, told = worth_showing(rows), labels(known.values())
    st.session_state["linked.named"] = st.query_params.get("experiment")
    chosen = linked_choice(
        st.selectbox,
        "Run",
        ids,
        param="experiment",
        default=shown["experiment_id"] if shown else ids[0],
        format_func=told.__getitem__,
    )
    return known[chosen]


def worth_showing(runs: pl.DataFrame) -> dict[str, Any] | None:
    """The newest run of this home with results, else the recorded one that turns most dials; None if there is none."""
    import polars as pl

    begun = runs.filter(pl.col("trials_done") > 0)
    turned = pl.when("recorded").then(pl.col("dials").list.len()).otherwise(0)
    begun = begun.sort("recorded", turned, "created_at", descending=[False, True, True])
    return begun.row(0, named=True) if begun.height else None


def described(row: Mapping[str, Any]) -> str:
    """One line that tells a run from others: name, provenance, state, when."""
    kind = "imported" if row.get("imported") else "recorded" if row["recorded"] else row["provenance"]
    state = "" if row["recorded"] or row["status"] == "finished" else f" · {row['status']}"
    return f"{row['name']} · {kind}{state} · {words.moment(row['created_at'])}"


def labels(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """For each run's id its line; the end of the id stands in those that would read the same."""
    lines = {row["experiment_id"]: described(row) for row in rows}
    counts = Counter(lines.values())
    alike = {run: line for run, line in lines.items() if counts[line] > 1}
    for digits in (4, None):  # None: the whole id, should its ends be alike as well
        ends = {run: f"{line} · {run if digits is None else '…' + run[-digits:]}" for run, line in alike.items()}
        if len(set(ends.values())) == len(ends):
            break
    return lines | ends


def badge(state: str, detail: str | None = None) -> None:
    """A run's state as a coloured label with a symbol, so that it does not rest on colour alone."""
    text, colour, icon = words.STATES[state]
    st.badge(text, icon=icon, color=colour, help=detail)


def facts(rows: Sequence[tuple[str, str, str | None]]) -> None:
    """A row of labelled figures that wraps on narrow screens: label, value, and help or None. Our own words only."""
    with st.container(horizontal=True, gap="medium"):
        for label, value, note in rows:
            st.markdown(f":small[:gray[{label}]]  \n**{words.plain(value)}**", width="content", help=note)


def fields(schema: type[BaseModel], prefix: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Draws one widget per field of a pydantic model and returns the values that differ from the model's defaults.

    Numbers keep their bounds, fixed choices become a list to choose from, anything else is written as JSON.
    Values are held in the session under `prefix`.
    """
    shape = schema.model_json_schema()
    values = {}
    for name, raw in shape.get("properties", {}).items():
        field = _resolved(raw, shape)
        default = field.get("default")
        key = f"{prefix}.{name}"
        st.session_state.setdefault(key, _shown(field, defaults.get(name, default)))
        value = _field(name, field, key)
        if value != default:
            values[name] = value
    return values


def _resolved(field: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(field)
    if "anyOf" in found:
        kinds = [kind for kind in found.pop("anyOf") if kind.get("type") != "null"]
        found = {**kinds[0], **found, "optional": True} if len(kinds) == 1 else found
    if "allOf" in found and len(found["allOf"]) == 1:
        found = {**found.pop("allOf")[0], **found}
    if "$ref" in found:
        found = {**shape["$defs"][found.pop("$ref").rsplit("/", 1)[-1]], **found}
    return found


def _shown(field: Mapping[str, Any], value: Any) -> Any:
    """The value as the field's widget holds it."""
    kind = field.get("type")
    if "enum" in field or kind in ("boolean", "integer", "string"):
        return value
    if kind == "number":
        return None if value is None else float(value)
    import json

    return json.dumps(value)


def _field(name: str, field: Mapping[str, Any], key: str) -> Any:
    label = name.replace("_", " ").capitalize()
    note = field.get("description")
    kind = field.get("type")
    if "enum" in field:
        return st.selectbox(label, field["enum"], key=key, help=note, persist_state="session")
    if kind == "boolean":
        return st.toggle(label, key=key, help=note, persist_state="session")
    if kind in ("integer", "number"):
        return _number(label, field, key)
    if kind == "string":
        return st.text_input(label, key=key, help=note, persist_state="session")
    import json

    text = st.text_input(label, key=key, help=note, persist_state="session")
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def _number(label: str, field: Mapping[str, Any], key: str) -> float | int | None:
    whole = field["type"] == "integer"
    step = 1 if whole else 0.1
    low = field.get("minimum", field.get("exclusiveMinimum", -(10**9)) + (1 if whole else 0))
    high = field.get("maximum", field.get("exclusiveMaximum", 10**9 + 1) - (1 if whole else 0))
    cast = int if whole else float
    value: float | int | None = st.number_input(
        label,
        min_value=cast(low),
        max_value=cast(high),
        value=None,
        step=cast(step),
        key=key,
        help=field.get("description"),
        persist_state="session",
    )
    return value
