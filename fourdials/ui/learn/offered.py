"""What a lesson hands out: its experiment to run, and itself as one HTML file. Called by lessons."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from fourdials import spec, verdict
from fourdials.lessons import Laid, Lesson
from fourdials.ui import access, data, monitor, words
from fourdials.ui.learn import verdicts

SMALL = 48  # problems of the quick form of an experiment


@cache
def on_scale_models(claim: str) -> tuple[str, ...]:
    """The experiments that put a claim to scale models, by the stems of their files."""
    loaded = ((stem, spec.load(verdict.EXPERIMENTS / f"{stem}.toml")) for stem in verdict.experiments()[claim])
    return tuple(stem for stem, given in loaded if spec.parse(given).provenance == "scale model")


def in_small(stem: str) -> dict[str, Any]:
    """An experiment with few problems and no repeats, to be run while one waits."""
    given = spec.load(verdict.EXPERIMENTS / f"{stem}.toml")
    tasks = [task | {"problems": min(SMALL, task["problems"])} for task in given["tasks"]]
    return {**given, "name": f"{given['name'][:70]}, in small", "tasks": tasks, "repeats": 1}


def experiment(lesson: Lesson) -> None:
    """The experiments that test the claim: a button where one runs without a key, and the command in any case."""
    if not lesson.experiment:
        return
    quick = on_scale_models(lesson.claim) if access.allowed() else ()
    for stem in quick:
        small = in_small(stem)
        label = f"Run “{words.plain(small['name'])}”"
        if st.button(label, type="primary", icon=":material/play_arrow:", key=f"lesson.small.{stem}"):
            st.switch_page("pages/run.py", query_params={"experiment": monitor.launch(small)})
    if quick:
        st.caption(f"On scale models, {SMALL} problems, a minute or two: enough to see it, too few to settle it.")
    path = verdict.EXPERIMENTS / f"{lesson.experiment}.toml"
    st.code(f"python -m fourdials run data/experiments/{path.name}", language="sh")
    if not lesson.without_key:
        st.caption("It names models that need a key; set the key, or name another model with `--model`.")
        return
    st.caption("It runs on the small local model, which may be too small to decide anything; that would be said.")
    key = f"lesson.launch.{lesson.claim}"
    if access.allowed() and st.button("Run it here", icon=":material/play_arrow:", key=key):
        st.switch_page("pages/run.py", query_params={"experiment": monitor.launch(spec.load(path))})


def take_away(lesson: Lesson, run: dict[str, Any] | None, scale: dict[str, Any] | None, over: Laid | None) -> None:
    """A button that makes the lesson one HTML file, then one that saves it; the experiment if a run was shown.

    `scale` is the run of scale models shown beside it, `over` what is laid over the theory.
    """
    if run is not None:
        experiment(lesson)
    key = f"lesson.page.{lesson.claim}"
    if st.button("Make a page of this lesson", icon=":material/article:", key=f"{key}.make"):
        from fourdials import handout

        with st.spinner("Putting it together …"):
            found = verdicts.finding(lesson.claim)
            first, second = (None if each is None else each["experiment_id"] for each in (run, scale))
            st.session_state[key] = handout.html_of(lesson, found, data.store(), first, over, second)
    if made := st.session_state.get(key):
        st.download_button(
            f"Save it ({len(made) / 1e6:.1f} MB)",
            made,
            f"four-dials-lesson-{lesson.claim.lower()}.html",
            "text/html",
            icon=":material/download:",
            key=f"{key}.save",
        )
        st.caption("One file, nothing to install, works without a network.")
