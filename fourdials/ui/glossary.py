"""The technical words of the pages, each defined in a sentence or two. Shown on hover under every tab of Compare."""

from __future__ import annotations

from typing import Any

import streamlit as st

TERMS = {
    "95 % interval": (
        "A range made so that, were the experiment repeated, 95 of 100 such ranges would hold the true value."
    ),
    "AICc": (
        "Akaike's information criterion, corrected for few points: how badly a curve fits, plus a charge for each of "
        "its parameters. Lower is better; a lead of 2 is weak, one of 10 strong."
    ),
    "arm": "A strategy with its settings, levels and models: one curve.",
    "block": (
        "One problem tried once with every arm. Only complete blocks count, so that all arms face the same problems."
    ),
    "bootstrap": (
        "An interval from resampling: draw as many problems from those tried, with repetition, work the number out "
        "again, many times over, and take the middle 95 % of what comes out."
    ),
    "bound": "What hindsight could reach, since it looks at the right answers. Nobody can deploy it.",
    "cluster": (
        "Problems made from the same world or text. They succeed and fail together, so they are resampled together."
    ),
    "coverage (pass@k)": (
        "The share of problems that at least one of k samples gets right: what a perfect choice among them would score."
    ),
    "equal spend": (
        "Arms are compared where they cost the same in one unit, all prompts, searches and checks included."
    ),
    "level": "How far the dial is turned: samples, tokens of thought, searches or steps.",
    "majority vote (maj@k)": "The share of problems on which the most frequent of k answers is right.",
    "McNemar's test": (
        "Counts only problems on which two arms differ and asks how often a fair coin would split them so unevenly. "
        "The exact form is used."
    ),
    "nested": (
        "A run to a large level contains the runs to all smaller ones, so that one trial gives the whole curve."
    ),
    "Newcombe interval": (
        "An interval for the difference of two shares, built from Wilson's; it holds for few problems."
    ),
    "Pareto set": "The points that no other point beats: none scores at least as much for at most the same cost.",
    "partial R²": "What a factor explains of the variance that the tokens spent leave unexplained.",
    "policy": (
        "A rule that says which problems get more of one budget. Uniform treats all alike; proportional goes by the "
        "doubt that is left; greedy marginal by the expected gain for the cost; beta stopping stops where the leading"
        " answer is sure enough."
    ),
    "probe": (
        "A call that only reads off the answer at one level. Whoever stopped later would never make it or pay it."
    ),
    "R²": "The share of the differences between scores that a factor accounts for: 0 none, 1 all.",
    "Shapley share (LMG)": "A factor's part of R², averaged over all orders in which the factors could be added.",
    "simultaneous band": (
        "Intervals widened so that all of them hold at once with 95 %; needed when the best of many is picked."
    ),
    "spend and bill": "Spend is what stopping at a level would have cost; the bill is all that was really paid.",
    "Wilson interval": "An interval for a share that stays between 0 and 1 and holds for few problems.",
}
BY_TAB = {
    "Curves": (
        "equal spend",
        "arm",
        "level",
        "block",
        "spend and bill",
        "probe",
        "nested",
        "95 % interval",
        "bootstrap",
    ),
    "Sample once": ("coverage (pass@k)", "majority vote (maj@k)", "bootstrap", "95 % interval"),
    "Fits": ("AICc", "bootstrap", "equal spend", "95 % interval"),
    "Differences": ("95 % interval", "McNemar's test", "Newcombe interval", "bootstrap", "cluster", "equal spend"),
    "Frontier": ("Pareto set", "simultaneous band", "level", "bootstrap"),
    "Allocate": ("policy", "bound", "spend and bill", "bootstrap", "95 % interval"),
    "Difficulty": ("bootstrap", "Wilson interval", "95 % interval"),
    "Variance": ("R²", "Shapley share (LMG)", "partial R²", "bootstrap"),
    "Quality": ("95 % interval", "Wilson interval", "bootstrap", "cluster"),
    "Prices": ("spend and bill", "block"),
}


def columns(*words: str) -> dict[str, Any]:
    """Columns of a table that are called by these words, with their definitions."""
    return {word: st.column_config.Column(help=TERMS[word]) for word in words}


def offer(tab: str) -> None:
    """A line of the words a tab uses; each shows what it means when pointed at or reached by the keyboard."""
    with st.container(horizontal=True, gap="small", key=f"glossary.{tab}"):
        st.caption("Words:", width="content")
        for word in BY_TAB[tab]:
            st.caption(word, help=TERMS[word], width="content")
