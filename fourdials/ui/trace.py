"""One trial, level by level: its calls, its steps, and the answers it could have stopped with. Called by Traces.

Everything a model or a task wrote is shown with `st.code` or `st.text`, which show it as it is; nothing of it ever
becomes Markdown or HTML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.figures import numbers
from fourdials.ui import controls, data, words

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, Any]

SHOWN_AT_FIRST = 24
STEP_TITLES = {
    "search": ("Search", ":material/search:"),
    "env_step": ("Environment step", ":material/directions_walk:"),
    "look": ("First look at the environment", ":material/visibility:"),
    "vote": ("Vote", ":material/how_to_vote:"),
    "discard": ("Discarded", ":material/delete:"),
    "calibration": ("Its grade was shown to the allocator", ":material/tune:"),
    "judged": ("What it kept in mind, judged after the trial", ":material/fact_check:"),
}


@dataclass(frozen=True, slots=True)
class Level:
    """What happened at one notch of the dial: calls and steps by time, then the checkpoint if there is one."""

    number: int
    events: tuple[Row, ...]
    checkpoint: Row | None


def by_level(calls: pl.DataFrame, steps: pl.DataFrame, checkpoints: pl.DataFrame) -> list[Level]:
    """Groups the rows of `trial_calls`, `trial_steps` and `trial_checkpoints`, in the order of levels and then of time.

    A call stands at the level at which a deployment would first need it, so samples sent together stand apart.
    """
    events = [{**row, "event": "call", "when": row["started_at"]} for row in calls.iter_rows(named=True)]
    events += [{**row, "event": "step", "when": row["stepped_at"]} for row in steps.iter_rows(named=True)]
    last = {row["level"]: row for row in checkpoints.iter_rows(named=True)}
    numbers = sorted({event["level"] for event in events} | last.keys())
    return [
        Level(
            number,
            tuple(sorted((e for e in events if e["level"] == number), key=lambda e: (e["when"], e["event"], e["seq"]))),
            last.get(number),
        )
        for number in numbers
    ]


def head(trial: Row) -> None:
    """The problem, the right answer, what the trial answered, and its bill."""
    text, colour = words.OUTCOMES[trial["outcome"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{words.DIAL_TITLES[trial['dial']]} · {trial['strategy']}", anchor=False, width="content")
        st.badge(text, color=colour)
        if trial["stop_reason"] not in ("finished", "max_level"):
            st.badge(f"ended: {trial['stop_reason']}", color="orange")
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.caption("Question")
        question = trial["question"] or ""
        st.code(question, language=None, wrap_lines=True, height=240 if len(question) > 400 else "content")
    with right:
        st.caption("Answer of this trial")
        st.code(trial["answer"] if trial["answer"] is not None else "none", language=None, wrap_lines=True)
        st.caption("Right answer")
        st.code(plain_json(trial["reference"]), language=None, wrap_lines=True)
    controls.facts(
        [
            (f"Level ({trial['unit']})", str(trial["level"]), None),
            ("Calls", words.count(trial["calls"]), None),
            ("Prompt tokens", words.count(trial["prompt_tokens"]), None),
            ("Completion tokens", words.count(trial["completion_tokens"]), None),
            ("USD", numbers.usd(trial["usd"]), None),
            ("Took", numbers.seconds(trial["wall_s"]), None),
        ]
    )
    if trial["error"]:
        error = json.loads(trial["error"])
        if trial["outcome"] in ("infra_error", "grader_error"):
            st.error(f"This trial ended by an error at the boundary “{error.get('boundary', '?')}”; it is not scored.")
        else:
            st.info("This trial was ended early; the answer it had by then is scored.")
        st.code(f"{error.get('type', '')}: {error.get('message', '')}", language=None, wrap_lines=True)


def timeline(trial_id: str, unit: str) -> None:
    """All that happened in a trial, one group per level."""
    parts = (data.frame(name, trial_id=trial_id) for name in ("trial_calls", "trial_steps", "trial_checkpoints"))
    levels = by_level(*parts)
    room = SHOWN_AT_FIRST
    if sum(len(level.events) for level in levels) > room and st.toggle("Show everything", key=f"trace.all.{trial_id}"):
        room = 10_000
    for level in levels:
        if room <= 0:
            st.caption("More levels follow; switch on “Show everything”.")
            break
        with st.container(border=True):
            st.markdown(f"**Level {level.number}** {unit}" if level.number else "**Before anything is spent**")
            for event in level.events[:room]:
                (_call if event["event"] == "call" else _step)(event)
            room -= len(level.events)
            if level.checkpoint:
                _checkpoint(level.checkpoint)


def _call(row: Row) -> None:
    shared = row["request_id"] != row["call_id"] or row["segment"]
    prompted = "prompt shared" if shared and not row["prompt_tokens"] else words.count(row["prompt_tokens"])
    facts = [f"{prompted} + {words.count(row['completion_tokens'])} tokens"]
    if row["usd"] is not None:
        facts.append(words.plain(numbers.usd(row["usd"])))
    facts.append(numbers.seconds(row["latency_s"]))
    title = "Cut of the same thought" if row["segment"] else f"Call to {row['role']}"
    title += " (only reads off an answer)" if row["probe"] else ""
    title += f" (made ahead, for {words.plural(row['shared'], 'question')})" if row["shared"] else ""
    icon = ":material/error:" if row["error"] else ":material/chat:"
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left.expander(f"{title} · {' · '.join(facts)}", icon=icon):
        reply, prompt, record = st.tabs(["Reply", "Prompt", "Record"])
        with reply:
            st.code(
                row["reply"] if row["reply"] is not None else plain_json(row["error"]), language=None, wrap_lines=True
            )
        with prompt:
            for turn in row["prompt"] or []:
                st.caption(turn["role"])
                st.code(turn["text"] or "", language=None, wrap_lines=True)
        with record:
            st.json({key: _loaded(value) for key, value in row.items() if key not in HIDDEN_FIELDS}, expanded=1)
    with right:
        st.text(_arrow(row))


HIDDEN_FIELDS = {"prompt", "reply", "extracted", "event", "when", "role", "level", "probe", "seq", "path", "idx"}


def _arrow(row: Row) -> str:
    if row["error"]:
        return f"attempt {row['attempt']} failed: {json.loads(row['error']).get('type', 'error')}"
    read = row["extracted"]
    return f"→ {_short(read)}" if read is not None else f"→ no answer read ({row['finish_reason']})"


def _step(row: Row) -> None:
    title, icon = STEP_TITLES.get(row["kind"], ("Note", ":material/sticky_note_2:"))
    payload = resolved(json.loads(row["payload"]), {entry["sha256"]: entry["text"] for entry in row["texts"] or []})
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left.expander(title, icon=icon):
        for name, value in payload.items():
            st.caption(name)
            lines = [str(item) for item in value] if isinstance(value, list) else [str(value)]
            st.code("\n".join(lines), language=None, wrap_lines=True)
    with right:
        st.text(_short(str(payload.get("query") or payload.get("action") or payload.get("votes") or "")))


def resolved(value: Any, texts: Mapping[str, str]) -> Any:
    """A step's payload with every `{"sha256": …}` replaced by the text it stands for."""
    if isinstance(value, dict):
        if value.keys() == {"sha256"}:
            return texts.get(value["sha256"], "(text not found)")
        return {key: resolved(item, texts) for key, item in value.items()}
    return [resolved(item, texts) for item in value] if isinstance(value, list) else value


def _checkpoint(row: Row) -> None:
    text, colour = words.OUTCOMES[row["outcome"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":material/flag: If stopped here:")
        st.text(_short(row["answer"]) if row["answer"] is not None else "no answer")
        st.badge(text, color=colour)
        spent = [f"{words.count(row['total_tokens'])} tokens", words.plural(row["calls"] or 0, "call")]
        if row["usd"] is not None:
            spent.append(words.plain(numbers.usd(row["usd"])))
        st.caption(" · ".join(spent))


def _short(text: str, characters: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1] + "…"


def _loaded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def plain_json(text: str | None) -> str:
    """A stored JSON value as a person reads it: a string without its quotes; nothing for nothing."""
    value: Any = json.loads(text) if text else ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


KINDS = {"all": "All", "right": "Right", "wrong": "Wrong or unanswered"}


def of_kind(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The rows of `trials_at` that are right (score 1), not right, or all."""
    if kind == "all":
        return rows
    return rows.filter(rows["score"] >= 1.0) if kind == "right" else rows.filter(rows["score"] < 1.0)


def choose_point(arm: Row) -> tuple[str, float]:
    """The point of the curve whose trials are listed: one from a figure (in the URL), or a level chosen here."""
    asked_unit, asked_spend = st.query_params.get("unit", ""), st.query_params.get("spend", "")
    if asked_unit in words.UNITS and asked_unit not in ("level", "flops") and _number(asked_spend) is not None:
        spend = float(asked_spend)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"At {words.plain(numbers.budget(asked_unit, spend))}")
            st.button("By level instead", on_click=_forget_point, type="tertiary")
        return asked_unit, spend
    levels = [str(level) for level in json.loads(arm["levels"])]
    asked = asked_spend if asked_unit == "level" and asked_spend in levels else levels[-1]
    chosen = st.selectbox(f"Level ({arm['unit']})", levels, index=levels.index(asked), key=f"traces.level.{arm['arm']}")
    return "level", float(chosen)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _forget_point() -> None:
    for name in ("unit", "spend"):
        st.query_params.pop(name, None)


def open_trial(trial_id: str, listed: Sequence[str]) -> None:
    """Goes to one trial; the list it was chosen from stays, for the buttons to the next and the one before."""
    st.session_state["traces.listed"] = list(listed)
    st.session_state["traces.from"] = st.query_params.to_dict()
    st.query_params.from_dict({"trial": trial_id})
    st.rerun()


def way_back(row: Row, trial_id: str) -> None:
    """Back to the list, and to the trials next to this one in it."""
    before, after = neighbours(st.session_state.get("traces.listed", []), trial_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All trials", icon=":material/arrow_back:", on_click=_back, args=(row,), type="tertiary")
        if before:
            st.button("Previous", on_click=_to, args=(before,), type="tertiary")
        if after:
            st.button("Next", on_click=_to, args=(after,), type="tertiary")
        st.caption(f"{row['experiment']} · {row['model']} · {row['provenance']} · repeat {row['repeat']}")


def _to(trial_id: str) -> None:
    st.query_params["trial"] = trial_id


def _back(row: Row) -> None:
    where = st.session_state.get("traces.from", {"experiment": row["experiment_id"], "arm": row["arm"]})
    st.query_params.from_dict(where)


def neighbours(ids: Sequence[str], current: str) -> tuple[str | None, str | None]:
    """The trials before and after this one in a list."""
    if current not in ids:
        return None, None
    place = list(ids).index(current)
    return (ids[place - 1] if place else None), (ids[place + 1] if place + 1 < len(ids) else None)
