"""A lesson → one HTML file that needs nothing else: text, a prediction to open, figures with a slider, answers.

Works from a disk, offline: the drawing script is inlined and the content policy forbids to load anything. Text is
escaped. Called by Learn.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from fourdials import __version__, estimate, query, verdict
from fourdials.bench import Bench
from fourdials.figures import curves, numbers, sketches, status, theory
from fourdials.lessons import Laid, Lesson
from fourdials.report import POLICY, STYLE
from fourdials.store import Store
from fourdials.verdict import Finding

STOPS = 13  # of the slider in a saved page
_CONFIG = {"displaylogo": False, "responsive": True}


def html_of(
    lesson: Lesson,
    found: Mapping[str, Finding],
    store: Store | None = None,
    experiment_id: str | None = None,
    over: Laid | None = None,
    beside: str | None = None,
) -> str:
    """The lesson as one HTML text.

    Args:
        lesson: The lesson.
        found: The verdicts on its claim, by kind of models.
        store: Where its run is.
        experiment_id: The run it shows; None for none, which the page says.
        over: What is laid over the theory; None for nothing.
        beside: A run of scale models shown after it; None for none.
    """
    claim = verdict.claims()[lesson.claim]
    parts = [
        f"<h1>{_text(lesson.question)}</h1>",
        f'<p class="status">A lesson of Four Dials {_text(__version__)} · about {lesson.minutes} minutes · '
        f"{_text(claim.id)}: {_text(claim.source)}</p>",
        _story(lesson.story),
        _sketch(lesson),
        "<h2>Your prediction</h2>",
        _prediction(lesson),
        "<h2>A real run</h2>",
        _run(store, experiment_id, lesson, first=not lesson.sketch),
    ]
    if beside is not None:
        parts += ["<h3>The same question, put to a scale model</h3>", _run(store, beside, lesson, first=False)]
    parts += _theories(lesson, over, first=experiment_id is None and not lesson.sketch)
    if over is not None and lesson.run.told_beside_theory and _seen(store, experiment_id, lesson) == lesson.run.see:
        parts.append(f"<p>{_text(lesson.run.see)}</p>")
    parts += [
        "<h2>What is known</h2>",
        *(
            f"<p><b>{title}.</b> {_text(text)}</p>"
            for title, text in (
                ("Established", claim.established),
                ("Contested", claim.contested),
                ("Cannot be tested this way", claim.untestable),
            )
        ),
        "<h2>Verdict</h2>",
        *(_verdict(found[origin], origin) for origin in verdict.ORIGINS),
        "<h2>Three questions</h2>",
        *(
            f"<details><summary>{_text(asked.ask)}</summary><p>{_text(asked.answer)}</p></details>"
            for asked in lesson.questions
        ),
        "<h2>Sources</h2>",
        f"<ul>{''.join(f'<li>{_text(source)}</li>' for source in lesson.sources)}</ul>",
    ]
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(lesson.question)}</title><style>{STYLE} p {{ max-width: 46rem }} summary {{ cursor: pointer }}"
        "</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _text(value: object) -> str:
    return html.escape(str(value))


def _story(text: str) -> str:
    """Paragraphs with the lessons' only marks: ** and * for emphasis, ` for names."""
    shown = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        line = _text(paragraph)
        line = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", line)
        line = re.sub(r"\*(.+?)\*", r"<i>\1</i>", line)
        line = re.sub(r"`(.+?)`", r"<code>\1</code>", line)
        shown.append(f"<p>{line}</p>")
    return "".join(shown)


def _sketch(lesson: Lesson) -> str:
    """The picture under the story, with the drawing script that all later figures use."""
    if not lesson.sketch:
        return ""
    drawn = sketches.SKETCHES[lesson.sketch](False)
    return _figure(drawn.figure, drawn.alt, True)


def _prediction(lesson: Lesson) -> str:
    asked = lesson.predict
    options = "".join(f"<li>{_text(option)}</li>" for option in asked.options)
    truth = lesson.truth()
    answer = asked.options[asked.right] if asked.kind == "choice" else f"By theory: {numbers.percent(truth)}."
    return (
        f"<p><b>{_text(asked.ask)}</b></p>{f'<ol>{options}</ol>' if options else ''}"
        "<p>Write your answer down, then open:</p>"
        f"<details><summary>The answer</summary><p><b>{_text(answer)}</b> {_text(asked.why)}</p></details>"
    )


def _run(store: Store | None, experiment_id: str | None, lesson: Lesson, first: bool = True) -> str:
    if store is None or experiment_id is None:
        command = f"python -m fourdials run data/experiments/{lesson.experiment}.toml"
        offer = f" Its experiment: <code>{_text(command)}</code>" if lesson.experiment else ""
        told = "No real run that fits was there when this page was made, and none is made up."
        return f"<p>{told} {_text(lesson.run.none)}{offer}</p>"
    ids = [experiment_id]
    tasks = query.run(store, "experiments").filter(experiment_id=experiment_id)["tasks"][0].to_list()
    chosen = {"tasks": [lesson.run.task]} if lesson.run.task in tasks else {}
    points = query.run(store, "curve_points", experiment_ids=ids, unit="total_tokens", **chosen)
    curve = estimate.curves(points)
    if curve.is_empty():
        return "<p>The run had no complete block when this page was made.</p>"
    runs = query.run(store, "experiments").filter(experiment_id=experiment_id)
    baselines = query.run(store, "baselines", experiment_ids=ids, **chosen)
    said = status.status_of(runs, curve, "total_tokens")
    figure = curves.overlay(curve, baselines, said, "total_tokens")
    told = _seen(store, experiment_id, lesson)
    # What is to be seen in a pool stands beside the theory that it is laid over.
    see = "" if lesson.run.told_beside_theory and told == lesson.run.see else f"<p>{_text(told)}</p>"
    return f"<p>{_text(runs['name'][0])}</p>{_figure(figure, curves.alt_text(curve, 'total_tokens'), first)}{see}"


def _seen(store: Store | None, experiment_id: str | None, lesson: Lesson) -> str:
    if store is None or experiment_id is None:
        return ""
    return lesson.seen(query.run(store, "experiments").filter(experiment_id=experiment_id).row(0, named=True))


def _figure(figure: Any, alt: str, first: bool) -> str:
    drawn = figure.to_html(full_html=False, include_plotlyjs=first, config=_CONFIG)
    return f'<div role="img" aria-label="{html.escape(alt, quote=True)}">{drawn}</div>'


def _theories(lesson: Lesson, over: Laid | None, first: bool) -> list[str]:
    """The lesson's bench with its slider, and the run over it or in a figure of its own."""
    if lesson.of_bench is None:
        return []
    inside = None if over is None or lesson.run.laid else over.points
    parts = ["<h2>Theory</h2>", _theory(lesson.of_bench, lesson.knobs, inside, first)]
    if over is not None and lesson.run.laid and lesson.laid_bench is not None:
        bench = lesson.laid_bench
        figure = theory.over_run(over.points, bench.title, f"points: {over.name}", bench.x, bench.y, bench.percent)
        alt = theory.alt_text(over.points, bench.x, bench.y, bench.percent)
        parts += ["<h2>Theory laid over a run</h2>", _figure(figure, alt, False)]
    if over is not None and over.recorded and lesson.run.fit:
        parts.append(f"<p>{_text(lesson.run.fit)}</p>")
    return parts


def _theory(bench: Bench, knobs: Mapping[str, float], over: pl.DataFrame | None, first: bool) -> str:
    """The bench at the lesson's setting, with a slider for its first knob."""
    at, knob = bench.settings(knobs), bench.knobs[0]
    places = knob.choices or tuple(knob.low + (knob.high - knob.low) * i / (STOPS - 1) for i in range(STOPS))
    stops = sorted({bench.settings(at | {knob.name: stop})[knob.name] for stop in (at[knob.name], *places)})
    settings = [bench.settings(at | {knob.name: stop}) for stop in stops]
    played = [bench.play(**each) for each in settings]
    start = stops.index(at[knob.name])
    shown = [
        theory.draw(
            each.frame,
            bench.title,
            each.status if over is None else f"{each.status}, but for the points, which are a run",
            x=bench.x,
            y=bench.y,
            percent=bench.percent,
            log_x=bench.log_x,
            log_y=bench.log_y,
            over=over,
        )
        for each in played
    ]
    figure = theory.with_slider(shown, [knob.told(setting[knob.name]) for setting in settings], start, knob.label)
    rest = ", ".join(f"{each.label}: {each.told(at[each.name])}" for each in bench.knobs[1:])
    return (
        f"{_figure(figure, theory.alt_text(played[start].frame, bench.x, bench.y, bench.percent), first)}"
        f"<p>{_text(played[start].reading)}</p><p class='status'>{_text(rest)}. Source: {_text(bench.source)}. "
        f"Assumes: {_text(bench.assumes)}</p>"
    )


def _verdict(found: Finding, origin: str) -> str:
    kind = "Real models" if origin == "real" else "Scale models"
    reasons = [*found.reasons, *(f"{check.said}: {check.outcome}{_numbers(check)}" for check in found.checks)]
    told = "".join(f"<li>{_text(reason)}</li>" for reason in reasons)
    return f"<p><b>{kind}:</b> {_text(found.told)} ({_text(', '.join(found.models) or 'no run')})</p><ul>{told}</ul>"


def _numbers(check: verdict.Check) -> str:
    """A check's estimate with its 95 % interval and its problems, as far as it has them."""
    told = [numbers.interval(check.unit, check.value, check.low, check.high), f"n = {check.n}" if check.n else ""]
    return "".join(f"; {each}" for each in told if each)
