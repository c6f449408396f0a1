"""Verdicts: what the runs in this home say of each claim, computed from the database alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fourdials import verdict
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import data, words
from fourdials.verdict import Check, Claim, Finding

if TYPE_CHECKING:
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
ESTIMATE = "estimate (95 % interval)"


def findings() -> dict[str, dict[str, Finding]]:
    """The verdicts as things stand; kept until new rows land."""
    opened = data.store()
    return _findings(opened, str(home()), opened.version())


@st.cache_data(max_entries=2, show_spinner="Weighing the evidence …")
def _findings(_store: Store, folder: str, version: int) -> dict[str, dict[str, Finding]]:
    return verdict.findings(_store)


def finding(claim: str) -> dict[str, Finding]:
    """The verdicts on one claim as things stand, by origin: a lesson need not wait for the others."""
    opened = data.store()
    return _weighed(opened, str(home()), opened.version(), claim)


@st.cache_data(max_entries=64, show_spinner="Weighing the evidence …")
def _weighed(_store: Store, folder: str, version: int, claim: str) -> dict[str, Finding]:
    return verdict.findings(_store, claim)[claim]


def show() -> None:
    """The table, and the reasons of the claim that was picked."""
    st.markdown(
        "What the literature claims, and what the runs in this dashboard say of it. Real models and scale models "
        "(small ones trained for one task) are judged apart; **simulated runs never count**. Where an interval does "
        "not decide, the verdict is *undecided*, with the number of problems that would settle it."
    )
    found, claims = findings(), verdict.claims()
    rows = [_row(claim, found[claim.id]) for claim in claims.values()]
    known = ", ".join(f"{MARKS[outcome]} {outcome}" for outcome in ICONS)
    st.caption(f"{known}. Pick a row for its reasons, its runs and its lesson.")
    picked = st.dataframe(
        rows,
        hide_index=True,
        height=35 * len(rows) + 38,
        on_select="rerun",
        selection_mode="single-row",
        key="verdicts.table",
        column_config={
            "claim": st.column_config.TextColumn(width=215),  # a phone shows these three
            "real": st.column_config.TextColumn(width=45),
            "scale": st.column_config.TextColumn(width=50),
            "real models": st.column_config.TextColumn(width=185),
            "scale models": st.column_config.TextColumn(width=215),
            "n": st.column_config.TextColumn(width=55),
            ESTIMATE: st.column_config.TextColumn(width=185),
            "rests on": st.column_config.TextColumn(width=340),
        },
    )
    chosen = picked["selection"]["rows"]
    if chosen:
        claim = list(claims.values())[chosen[0]]
        reasons(claim, found[claim.id])


def _row(claim: Claim, found: dict[str, Finding]) -> dict[str, object]:
    real, scale = (found[origin] for origin in verdict.ORIGINS)
    spoken = real if real.checks or not scale.checks else scale
    first = spoken.leading
    waiting = real.outcome == verdict.NOT_RUN and not first
    rests_on = first.said if first else claim.counts if waiting else " ".join(spoken.reasons)
    return {
        "claim": f"{claim.id} {claim.title}",
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
