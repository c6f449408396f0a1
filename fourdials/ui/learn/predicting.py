"""A lesson's prediction: asked for, committed to, compared with what is so; in a class gathered as well.

Called by lessons and the class's page.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.classroom import Question, options
from fourdials.figures import numbers
from fourdials.lessons import Lesson
from fourdials.ui import access, chart, room, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.figures.gathered import Spot


def predicted(lesson: Lesson, over: pl.DataFrame | None) -> bool:
    """Asks for the prediction, and once it is there says how it compares. True if what follows may be shown: not
    before the reader has committed to one, nor while the class's teacher holds the answer back."""
    st.markdown(f"**{words.plain(lesson.predict.ask)}**")
    question = room.question(lesson.claim) if access.student() else None
    who = room.greet() if question is not None else None
    made = own(lesson)
    if access.teaching():
        st.session_state[f"lesson.{lesson.claim}.stage"] = room.stage(lesson.claim)
    if question is not None and question.held:
        if made is None:
            _ask(lesson, who)
        else:
            st.button("Change my prediction", on_click=_forget, args=(lesson,), icon=":material/undo:")
        st.caption("You can change it until the teacher shows the answer. Nobody sees whose it is.")
        watched(lesson, over, made)
        return False
    if made is None and not (question is not None and question.revealed):
        _ask(lesson, who)
        st.caption("What follows appears when you have committed to an answer, right or wrong.")
        return False
    compared(lesson, made, over)
    if room.question(lesson.claim) is not None:
        watched(lesson, over, made)
    if question is None:
        st.button("Predict again", on_click=_forget, args=(lesson,), type="tertiary", icon=":material/undo:")
    return True


def own(lesson: Lesson) -> int | None:
    """What this reader committed to: in this session, or in the class from this browser; None for nothing."""
    key = f"lesson.{lesson.claim}"
    made: int | None = st.session_state.get(f"{key}.made")
    if not access.student() or st.session_state.get(f"{key}.again"):
        return made
    question = room.room().question(lesson.claim)
    return question.predictions.get(room.name(), None if question.held else made)  # held: what counts, or nothing


def as_points(lesson: Lesson) -> pl.DataFrame | None:
    """The reader's prediction in the axes of the lesson's bench; None for a choice, or if there is none."""
    from fourdials.bench.records import lines

    made = own(lesson)
    if made is None or lesson.predict.kind != "point":
        return None
    return lines(("your prediction", "points", [lesson.predict.x], [made / 100]))


def _ask(lesson: Lesson, who: str | None) -> None:
    key = f"lesson.{lesson.claim}"
    if lesson.predict.kind == "point":
        _place(lesson, key)
    else:
        places = list(range(len(lesson.predict.options)))
        st.radio("Your answer", places, None, key=f"{key}.choice", format_func=lambda i: lesson.predict.options[i])
    st.button("Commit to it", type="primary", key=f"{key}.commit", on_click=_commit, args=(lesson, who))
    if st.session_state.pop(f"{key}.empty", False):
        st.warning("Choose an answer first.")


def _place(lesson: Lesson, key: str) -> None:
    """A chart to click, and a field for the same number."""
    from fourdials.figures import gathered

    held = st.session_state.get(f"{key}.point")
    spot, dark = _spot(lesson, "Your prediction"), st.context.theme.type == "dark"
    told = "Click where you expect the point, or write the number below"
    figure = gathered.points(spot, [], told, own=held, clickable=True, dark=dark, height=380)
    figure.layout.uirevision = key
    alt = gathered.alt_text(spot, [], held, None)
    clicked = chart.live_chart(figure.to_json(), key=f"{key}.place", alt=alt)
    if clicked and clicked[0] in map(str, range(gathered.TARGETS)):
        st.session_state[f"{key}.point"] = int(clicked[0])
        st.rerun()
    st.number_input("Your point, in percent", 0, 100, None, 1, key=f"{key}.point", width=220)


def _spot(lesson: Lesson, title: str) -> Spot:
    from fourdials.figures.gathered import Spot

    bench = lesson.of_bench
    assert bench is not None  # a point lies on a bench's line
    xs = bench.play(**bench.settings(lesson.knobs)).frame.filter(line=lesson.predict.line)["x"].to_list()
    return Spot(title, lesson.predict.x, min(xs), max(xs), bench.x, bench.y, bench.log_x)


def _commit(lesson: Lesson, who: str | None) -> None:
    key = f"lesson.{lesson.claim}"
    given = st.session_state.get(f"{key}.{'point' if lesson.predict.kind == 'point' else 'choice'}")
    if given is None:
        st.session_state[f"{key}.empty"] = True
        return
    value = min(max(int(given), 0), options(lesson) - 1)
    st.session_state[f"{key}.made"] = value
    st.session_state.pop(f"{key}.again", None)
    if who is not None and not room.room().predict(lesson.claim, who, value):
        st.toast(
            "This does not count for the class: you were shown the answer before, or it is full.",
            icon=":material/info:",
        )


def _forget(lesson: Lesson) -> None:
    st.session_state.pop(f"lesson.{lesson.claim}.made", None)
    st.session_state[f"lesson.{lesson.claim}.again"] = True


def compared(lesson: Lesson, made: int | None, over: pl.DataFrame | None) -> None:
    """Says what is so, why, and how a prediction compares with it; `made` is None for somebody who made none."""
    if lesson.predict.kind == "choice":
        right = lesson.predict.options[lesson.predict.right]
        hit = made == lesson.predict.right
        said = f"It is “{right}”." if made is None else f"You said “{lesson.predict.options[made]}”; it is “{right}”."
        said = "That is it." if hit else said
        (st.success if hit else st.info)(f"{words.plain(said)} {words.plain(lesson.predict.why)}")
        return
    told = "" if made is None else f"You said {made} %. "
    if (point := measured(lesson, over)) is not None:
        told += f"The run shows {numbers.percent(point['y'])} ({numbers.percent(point['low'])} to "
        told += f"{numbers.percent(point['high'])}). "
        hit = made is not None and point["low"] <= made / 100 <= point["high"]
    else:
        truth = lesson.truth() or 0.0
        told += f"By theory it is {numbers.percent(truth)}. "
        hit = made is not None and abs(made / 100 - truth) <= 0.05
    (st.success if hit else st.info)(words.plain(told + lesson.predict.why))


def measured(lesson: Lesson, over: pl.DataFrame | None) -> dict[str, Any] | None:
    """The run's own point at the predicted place, if it has one."""
    if over is None or lesson.predict.kind != "point":
        return None
    at = over.filter(over["low"].is_not_null() & ((over["x"] - lesson.predict.x).abs() < 1e-9))
    return at.row(0, named=True) if at.height else None


@st.fragment(run_every=room.TICK_S)
def watched(lesson: Lesson, over: pl.DataFrame | None, made: int | None) -> None:
    """The class's predictions as they come in, for whoever has made one, over the truth once it may be seen. When the
    teacher opens, reveals or resets, the whole page is drawn again."""
    if room.stage(lesson.claim) != st.session_state[f"lesson.{lesson.claim}.stage"]:
        st.rerun()
    question = room.room().question(lesson.claim)
    if made is not None or not question.held:
        gathering(lesson, question, over, made, told=not question.held)


def gathering(
    lesson: Lesson, question: Question, over: pl.DataFrame | None, made: int | None = None, *, told: bool
) -> None:
    """The figure of a class's predictions, over the truth if that may be `told`, and what it shows in a sentence."""
    figure, alt, reading = _gathered(
        lesson.claim,
        tuple(sorted(question.predictions.values())),
        _truth(lesson, over) if told else None,
        told,
        made,
        st.context.theme.type == "dark",
    )
    chart.live_chart(figure, key=f"lesson.gathered.{lesson.claim}", alt=alt)
    if reading:
        st.caption(reading)


def _truth(lesson: Lesson, over: pl.DataFrame | None) -> pl.DataFrame | None:
    """The line that was asked for, by theory and as the run has it."""
    import polars as pl

    from fourdials.bench.records import lines

    bench = lesson.of_bench
    if lesson.predict.kind != "point" or bench is None:
        return None
    theory = bench.play(**bench.settings(lesson.knobs)).frame.filter(line=lesson.predict.line)
    theory = theory.with_columns(line=pl.lit("by theory"))
    point = measured(lesson, over)
    if point is None or over is None:
        height = lesson.truth() or 0.0
        return pl.concat([theory, lines((f"there: {numbers.percent(height)}", "points", [lesson.predict.x], [height]))])
    run = over.filter(pl.col("line") == point["line"], pl.col("x") <= theory["x"].max())
    return pl.concat([theory.with_columns(kind=pl.lit("dash")), run])


@st.cache_data(max_entries=128, show_spinner=False)
def _gathered(
    claim: str, values: tuple[int, ...], truth: pl.DataFrame | None, told: bool, made: int | None, dark: bool
) -> tuple[str, str, str]:
    from fourdials.classroom import spread
    from fourdials.figures import gathered
    from fourdials.lessons import lessons

    lesson = lessons()[claim]
    said = f"{words.plural(len(values), 'prediction')} of the class" + ("; the answer is not shown yet" * (not told))
    if lesson.predict.kind == "point":
        spot = _spot(lesson, "What the class expects")
        figure = gathered.points(spot, values, said, own=made, truth=truth, dark=dark)
        alt = gathered.alt_text(spot, values, made, truth)
        found = spread(values)
        reading = f"The middle half lies between {found.low:.0f} % and {found.high:.0f} %." if found else ""
    else:
        texts, counted = lesson.predict.options, Counter(values)
        counts = [counted[place] for place in range(len(texts))]
        right = lesson.predict.right if told else None
        figure = gathered.choices("What the class expects", texts, counts, said, own=made, right=right, dark=dark)
        alt = gathered.alt_of_choices(texts, counts, made, right)
        reading = f"{counts[right]} of {len(values)} chose the right answer." if right is not None and values else ""
    figure.layout.uirevision = f"{claim}{told}"
    return figure.to_json(), alt, reading
