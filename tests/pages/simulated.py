"""Runs of simulated models, made in this process, whose parameters say what every tab of Compare must find."""

from dataclasses import replace

from fourdials import spec
from tests.models.test_sim_closed_forms import Simulator
from tests.scripted import play


def simulated(home, model, arms, *, task="graph_path", problems=150, seed=23, **settings):
    """Plays an experiment into the home as the run `run`; `arms` as an experiment file has them."""
    plain = {
        "name": "run",
        "seed": seed,
        "model": model,
        "tasks": [{"name": task, "problems": problems, "params": settings.pop("params", {})}],
        "arms": arms,
        **settings,
    }
    what = replace(spec.parse(plain), spec=plain)
    assert play(home / "runs" / "run", what, Simulator()) in ("finished", "stopped")
    return home


def table(app, *columns):
    """The first table of the page that has these columns."""
    return next(each.value for each in app.dataframe if set(columns) <= set(each.value.columns))


def holds(row, truth):
    """True if the row's interval holds the truth."""
    return row["low"] <= truth <= row["high"]


def unfolded(app):
    """A page of Compare's first tab with the tables below its figures opened."""
    for key in ("compare.numbers", "compare.outcomes"):
        app.session_state[key] = True
    app.run()
    assert not app.exception, app.exception[0].message
    return app
