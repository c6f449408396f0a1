"""Verdicts: what the runs in this home say of each claim, computed from the database alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials import verdict, weighing
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import data, words
from fourdials.verdict import Check, Claim, Finding

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from fourdials.store import Store

MARKS = {
    verdict.REPRODUCED: "✓",
    verdict.NOT_REPRODUCED: "✗",
    verdict.UNDECIDED: "?",
    verdict.UNTESTABLE: "–",
    verdict.NOT_RUN: "·",
    verdict.SHOWN: "○",
}
ICONS: dict[verdict.Outcome, tuple[words.Colour, str]] = {
    verdict.REPRODUCED: ("green", ":material/check:"),
    verdict.NOT_REPRODUCED: ("red", ":material/close:"),
    verdict.UNDECIDED: ("orange", ":material/question_mark:"),
    verdict.UNTESTABLE: ("gray", ":material/block:"),
    verdict.NOT_RUN: ("gray", ":material/hourglass_empty:"),
}
OFTEN_S = 0.5  # a table that is being filled is drawn again at most this often
ESTIMATE = "estimate (95 % interval)"


def finding(claim: str) -> dict[str, Finding]:
    """The verdicts on one claim as things stand, by origin: a lesson need not wait for the others."""
    with st.spinner("Weighing the evidence …"):
        return _weighing()(claim)


def _weighing() -> Callable[[str], dict[str, Finding]]:
    """What gives the verdicts as things stand; kept until new rows land."""
    opened = data.store()
    return _kept(opened, str(home()), opened.version())


@st.cache_resource(max_entries=2, show_spinner=False)
def _kept(_store: Store, folder: str, version: int) -> Callable[[str], dict[str, Finding]]:
    return weighing.weigher(_store)


def show() -> None:
    """The table, and the reasons of the claim that was picked."""
    st.markdown(
        "What the literature claims, and what the runs in this dashboard say of it. Real models and scale models "
        "(small ones trained for one task) are judged apart; **simulated runs never count**. Where an interval does "
        "not decide, the verdict is *undecided*, with the number of problems that would settle it."
    )
    claims = verdict.claims()
    known = ", ".join(f"{MARKS[outcome]} {outcome}" for outcome in ICONS)
    st.caption(f"{known}. Pick a row for its reasons, its runs and its lesson.")
    place = st.empty()
    found = _weighed(place)
    with place:
        picked = st.dataframe(
            [_row(claim, found[claim.id]) for claim in claims.values()],
            on_select="rerun",
            selection_mode="single-row",
            key="verdicts.table",
            **_layout(),
        )
    chosen = picked["selection"]["rows"]
    if chosen:
        claim = list(claims.values())[chosen[0]]
        reasons(claim, found[claim.id])


def _weighed(place: DeltaGenerator) -> dict[str, dict[str, Finding]]:
    """Every verdict. While they are being found, `place` shows the table as far as it has come."""
    weigh, claims = _weighing(), verdict.claims()
    found: dict[str, dict[str, Finding]] = {}
    shown = time.monotonic()
    for claim in claims:
        found[claim] = weigh(claim)
        if time.monotonic() - shown > OFTEN_S:
            blank = dict.fromkeys(_row(claims[claim], found[claim]), "")
            waiting = blank | {"real": "…", "scale": "…", "real models": "being weighed"}
            rows = [
                _row(each, found[each.id]) if each.id in found else waiting | {"claim": _title(each)}
                for each in claims.values()
            ]
            place.dataframe(rows, **_layout())
            shown = time.monotonic()
    return found


def _layout() -> dict[str, Any]:
    """How wide the columns are; a phone shows the first three."""
    widths = {"claim": 215, "real": 45, "scale": 50, "real models": 185, "scale models": 215, "n": 55}
    widths |= {ESTIMATE: 185, "rests on": 340}
    columns = {name: st.column_config.TextColumn(width=width) for name, width in widths.items()}
    return {"hide_index": True, "height": 35 * len(verdict.claims()) + 38, "column_config": columns}


def _title(claim: Claim) -> str:
    return f"{claim.id} {claim.title}"


def _row(claim: Claim, found: dict[str, Finding]) -> dict[str, object]:
    real, scale = (found[origin] for origin in verdict.ORIGINS)
    spoken = real if real.checks or not scale.checks else scale
    first = spoken.leading
    waiting = real.outcome == verdict.NOT_RUN and not first
    rests_on = first.said if first else claim.counts if waiting else " ".join(spoken.reasons)
    return {
        "claim": _title(claim),
        "real": MARKS[real.outcome],
        "scale": MARKS[scale.outcome],
        "real models": told(real),
        "scale models": told(scale),
        "n": words.count(first.n) if first and first.n else "",
        ESTIMATE: interval(first) if first else "",
        "rests on": f"reproduced if: {rests_on}" if waiting else rests_on,
        "models": ", ".join(spoken.models),
    }


def told(found: Finding) -> str:
    """The outcome in a few words, with the n that would settle it."""
    text = f"{MARKS[found.outcome]} {found.told}"
    if found.needed:
        text += f" (about {words.count(found.needed)} would settle it)"
    return text


def interval(check: Check) -> str:
    """An estimate with its interval, in the check's unit, or that it has none; empty if it is no number."""
    written = numbers.interval(check.unit, check.value, check.low, check.high)
    return f"{written}, no interval" if written and (check.low is None or check.high is None) else written


def reasons(claim: Claim, found: dict[str, Finding], lesson: bool = True) -> None:
    """A claim with its verdicts, what they rest on, the runs, the way to its experiment and, unless it is open, its
    lesson."""
    with st.container(border=True):
        st.subheader(f"{claim.id}: {claim.title}", anchor=False)
        st.markdown(words.plain(claim.headline))
        st.caption(f"{words.plain(claim.source)} · {claim.scaling} scaling")
        st.markdown(f"**Reproduced if:** {words.plain(claim.counts)}")
        for origin in verdict.ORIGINS:
            if found[origin].outcome != verdict.NOT_RUN or origin == "real":
                _finding(found[origin], origin)
        if lesson:
            st.page_link(
                "pages/learn.py",
                label="Open its lesson",
                icon=":material/school:",
                query_params={"view": "Lessons", "lesson": claim.id},
            )


def _finding(found: Finding, origin: str) -> None:
    colour, icon = ICONS[found.outcome]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{origin.capitalize()}s**" if origin == "scale model" else "**Real models**", width="content")
        st.badge(found.told, color=colour, icon=icon)
    for reason in found.reasons:
        st.markdown(f"- {words.plain(reason)}")
    for check in found.checks:
        if check.outcome != verdict.SHOWN:
            st.markdown(f"- {MARKS[check.outcome]} {_line(check)}")
    if beside := [f"- {_line(check)}" for check in found.checks if check.outcome == verdict.SHOWN]:
        st.caption("Shown beside it, deciding nothing:\n\n" + "\n".join(beside))
    if found.experiments:
        st.caption(f"Models: {words.plain(', '.join(found.models))}")
    for place, run in enumerate(found.experiments):
        said = "The run that speaks" if place == 0 else f"Another run: {found.others[place - 1]}"
        query = {"experiment": run}
        st.page_link("pages/compare.py", label=said, icon=":material/stacked_line_chart:", query_params=query)
    if found.outcome == verdict.NOT_RUN:
        files = verdict.experiments()[found.claim_id]
        st.markdown(f"Nothing was run yet. {'Its experiment' if files else 'No experiment file tests it yet.'}")
        for stem in files:
            st.code(f"python -m fourdials run data/experiments/{stem}.toml", language="sh")


def _line(check: Check) -> str:
    """What a check says, with its number, problems and method as far as it has any."""
    number = interval(check)
    line = words.plain(check.said)
    line += "" if check.outcome == verdict.SHOWN and not number else f": **{words.plain(number or check.outcome)}**"
    line += f" on {words.plural(check.n, 'problem')}" if check.n else ""
    line += f" ({words.plain(check.method)})" if check.method else ""
    return line + (f"; about {words.count(check.needed)} would settle it" if check.needed else "")
