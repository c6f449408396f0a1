"""A lesson on the page: question, prediction, a real run, knobs, the verdict, questions. Called by Learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials import verdict
from fourdials.lessons import Laid, Lesson, lessons
from fourdials.ui import chart, controls, curves, data, words
from fourdials.ui.learn import knobs, offered, predicting, verdicts

if TYPE_CHECKING:
    import polars as pl


def show() -> None:
    """The lesson in the URL; its run, theory and answers appear once the reader has committed to a prediction."""
    known = lessons()
    chosen = controls.linked_choice(
        st.selectbox, "Lesson", list(known), param="lesson", default=next(iter(known)), format_func=_titled
    )
    body(known[chosen])


def body(lesson: Lesson, brief: bool = False) -> None:
    """One lesson, as far as this reader may see it; with `brief` its story is folded, so that the question is near."""
    claim = verdict.claims()[lesson.claim]
    st.header(lesson.question, anchor=False)
    needs = "runs without a key" if lesson.without_key else "reads without a key; its experiment needs one"
    st.caption(f"About {lesson.minutes} minutes · {needs} · claim {claim.id}: {words.plain(claim.source)}")
    with st.expander("The story") if brief else st.container(width=760):
        st.markdown(lesson.story)
        if lesson.sketch:
            figure, alt = _sketch(lesson.sketch, st.context.theme.type == "dark")
            chart.live_chart(figure, key=f"lesson.sketch.{lesson.claim}", alt=alt)
    run = shown_run(lesson)
    over = pool(lesson, run)
    st.subheader("Your prediction", anchor=False)
    if not predicting.predicted(lesson, over):
        return
    _real_run(lesson, run)
    _theory(lesson, run)
    st.subheader("What is known", anchor=False)
    _known(claim)
    verdicts.reasons(claim, verdicts.finding(claim.id), lesson=False)
    st.subheader("Three questions", anchor=False)
    for asked in lesson.questions:
        with st.expander(asked.ask):
            st.markdown(asked.answer)
    st.subheader("Take it with you", anchor=False)
    offered.take_away(lesson, run, beside(lesson, run), laid(lesson, run))
    st.caption("Sources: " + words.plain("; ".join(lesson.sources)))


@st.cache_data(max_entries=32, show_spinner=False)
def _sketch(name: str, dark: bool) -> tuple[str, str]:
    from fourdials.figures.sketches import SKETCHES

    drawn = SKETCHES[name](dark)
    return drawn.figure.to_json(), drawn.alt


def _titled(claim_id: str) -> str:
    deep = "★ " if lessons()[claim_id].deep else ""
    return f"{deep}{claim_id} {verdict.claims()[claim_id].title}"


def shown_run(lesson: Lesson) -> dict[str, Any] | None:
    """The run a lesson shows, never a simulated one; None if there is none.

    A run of real models of one's own that counts for the claim; else the recording the lesson names; else the recorded
    run of real models that speaks for the claim, or the one of scale models.
    """
    import polars as pl

    runs = data.frame("experiments").filter(pl.col("trials_done") > 0)
    found = verdicts.finding(lesson.claim)
    named = runs.filter(recorded=True, origin="real").filter(pl.col("name").str.to_lowercase() == lesson.run.recorded)
    speaking = [runs.filter(experiment_id=run) for origin in verdict.ORIGINS for run in found[origin].experiments[:1]]
    real = [run for run in speaking if run["origin"][0] == "real"]
    own = [run for run in real if not run["recorded"][0]]
    for run in (*own, named, *real, *speaking):
        if run.height:
            return run.row(0, named=True)
    return None


def beside(lesson: Lesson, run: dict[str, Any] | None) -> dict[str, Any] | None:
    """The run of scale models that a lesson shows after one of real models, if one counts for its claim."""
    counted = verdicts.finding(lesson.claim)["scale model"].experiments
    if run is None or run["origin"] != "real" or not counted:
        return None
    return data.frame("experiments").filter(experiment_id=counted[0]).row(0, named=True)


def pool(lesson: Lesson, run: dict[str, Any] | None) -> pl.DataFrame | None:
    """What a run says in the axes of the lesson's theory, if one fits."""
    found = laid(lesson, run)
    return None if found is None else found.points


def laid(lesson: Lesson, run: dict[str, Any] | None) -> Laid | None:
    """The run that is laid over the lesson's theory; None if none fits.

    The one shown, else the one the lesson names for it, else the one of scale models.
    """
    bench = lesson.laid_bench
    if bench is None or bench.overlay is None:
        return None
    import polars as pl

    held, runs = knobs.fitting_arms(bench), data.frame("experiments")
    named = runs.filter(recorded=True).filter(pl.col("name").str.to_lowercase() == lesson.run.over)
    tried = [run, named.row(0, named=True) if named.height else None, beside(lesson, run)]
    for each in filter(None, tried if held.height else []):
        arms = held.filter(pl.col("experiment_id") == each["experiment_id"])["arm"].to_list()
        if arms:
            task = lesson.run.task if lesson.run.task in each["tasks"] else None
            arm = lesson.run.pool if lesson.run.pool in arms else arms[0]
            found = knobs.over_run(bench.name, each["experiment_id"], arm, task)
            if not isinstance(found, str):
                return Laid(found, each["name"], each["recorded"])
    return None


def _real_run(lesson: Lesson, run: dict[str, Any] | None) -> None:
    st.subheader("A real run", anchor=False)
    if run is None:
        below = "Run the experiment below; the lesson then shows it." if lesson.experiment else ""
        st.info(f"No real run that fits is in this dashboard yet, and none is made up. {lesson.run.none or below}")
        offered.experiment(lesson)
        return
    _curves(lesson, run)
    if (scale := beside(lesson, run)) is not None:
        st.markdown("##### The same question, put to a scale model")
        _curves(lesson, scale)


def _curves(lesson: Lesson, run: dict[str, Any]) -> None:
    st.caption(words.plain(controls.described(run)))
    task = (lesson.run.task,) if lesson.run.task in run["tasks"] else None
    view = curves.View(run["experiment_id"], tasks=task)
    found = curves.drawn(view)
    if found.curve.is_empty():
        st.info("The first complete block of this run is still on its way.")
        return
    curves.overlay(view, key=f"lesson.run.{lesson.claim}.{run['origin']}")
    told = lesson.seen(run)
    if told and not (
        lesson.run.told_beside_theory and told == lesson.run.see
    ):  # of a pool it is told beside the theory
        st.markdown(told)
    st.text(found.reading)
    st.page_link(
        "pages/compare.py",
        label="Compare its arms",
        icon=":material/stacked_line_chart:",
        query_params={"experiment": run["experiment_id"]},
    )


def _theory(lesson: Lesson, run: dict[str, Any] | None) -> None:
    bench, over = lesson.of_bench, laid(lesson, run)
    if bench is None:
        return
    note = "" if over is None else f"points: {over.name}"
    told = over is not None and not lesson.run.laid
    st.subheader("Turn the knobs" + (", with a run laid over the theory" if told else ""), anchor=False)
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.latex(bench.formula)
        st.caption(f"Source: {words.plain(bench.source)}. Assumes: {words.plain(bench.assumes)}")
        values = knobs.turned(bench, lesson.claim, lesson.knobs)
    with right:
        own = predicting.as_points(lesson)
        points = over.points if over is not None and told else None
        knobs.drawn(bench.name, values, f"lesson.bench.{lesson.claim}", points, note if told else "", own)
        if (
            run is not None
            and lesson.run.told_beside_theory
            and over is not None
            and lesson.seen(run) == lesson.run.see
        ):
            st.markdown(lesson.run.see)
        if bench.slow is not None:
            knobs.play(bench, values, f"lesson.play.{lesson.claim}")
    if lesson.run.laid and over is not None:
        st.subheader("Theory laid over a run", anchor=False)
        knobs.laid(lesson.run.laid, over.points, f"lesson.laid.{lesson.claim}", note)
    if over is not None and over.recorded and lesson.run.fit:
        st.markdown(lesson.run.fit)


def _known(claim: verdict.Claim) -> None:
    told = (("Established", claim.established), ("Contested", claim.contested), ("Cannot be tested", claim.untestable))
    for column, (title, text) in zip(st.columns(3), told, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{title}**  \n{words.plain(text)}")
