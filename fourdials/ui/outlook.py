"""A draft → the experiment it means, what it should cost, or all that is wrong with it. Called by the Run page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials import plan, plugins, spec
from fourdials.errors import InputError, SpecError
from fourdials.ui import controls, words
from fourdials.ui.draft import BASELINE, Draft, affordable, baseline_share, to_spec, unlimited

if TYPE_CHECKING:
    from fourdials.forecast import Band, Forecast

PROBE_PROBLEMS = 8


@dataclass(frozen=True, slots=True)
class Outlook:
    """What pressing Start would do: the experiment's data and its forecast, or else every mistake in it.

    `shortfall` is true if trials must stop early because the budget is smaller than what the levels need.
    """

    data: Mapping[str, Any] | None = None
    forecast: Forecast | None = None
    mistakes: tuple[str, ...] = ()
    shortfall: bool = False


def outlook(draft: Draft) -> Outlook:
    """Validates a draft, sets the number of problems where that is left to the budget, and rehearses it."""
    plans = plugins.strategies()
    try:
        free = _rehearsed(json.dumps(to_spec(unlimited(draft), plans, problems=PROBE_PROBLEMS)))
        needed = cost(free, draft.unit)
        if draft.amount is not None and needed is None:
            raise InputError(
                f"budget: {draft.unit} cannot be used with this model, whose price or speed is unknown; "
                "give the budget in tokens or calls"
            )
        paid_for = draft.problems or PROBE_PROBLEMS
        kept = 0.0
        if draft.amount is not None and needed is not None:
            paid_for = draft.problems or affordable(needed, PROBE_PROBLEMS, draft.amount)
            per_problem = needed / (draft.problems or PROBE_PROBLEMS)
            kept = baseline_share(_baseline_part(free) * per_problem * paid_for, draft.amount)
        data = to_spec(draft, plans, problems=paid_for, **({"baseline_share": kept} if kept else {}))
        return Outlook(data, _rehearsed(json.dumps(data)), shortfall=_short(draft, free, paid_for))
    except SpecError as error:
        return Outlook(mistakes=tuple(str(mistake) for mistake in error.mistakes))
    except InputError as error:
        return Outlook(mistakes=(str(error),))


def cost(forecast: Forecast, unit: str) -> float | None:
    """The middle of the forecast in a budget's unit; None if unknown."""
    band: Band | None = getattr(forecast, unit)
    return None if band is None else (band.low + band.high) / 2


def _baseline_part(forecast: Forecast) -> float:
    """Part of all tokens that the greedy baseline takes."""
    whole = forecast.total_tokens.high
    own = forecast.per_arm.get(BASELINE)
    return own.high * forecast.blocks / whole if own and whole else 0.0


def _short(draft: Draft, free: Forecast, problems: int) -> bool:
    needed = cost(free, draft.unit)
    if draft.amount is None or needed is None:
        return False
    return needed * problems / (draft.problems or PROBE_PROBLEMS) > 1.2 * draft.amount


@st.cache_data(max_entries=64, show_spinner="Rehearsing the run …")
def _rehearsed(text: str) -> Forecast:
    """The forecast of a spec; also makes sure its problems exist."""
    from fourdials.forecast import forecast

    experiment = spec.parse(json.loads(text))
    plan.problems(replace(experiment, tasks=experiment.tasks))
    return forecast(experiment)


def show(found: Outlook) -> None:
    """The forecast as a row of figures, or every mistake."""
    if found.mistakes or found.forecast is None:
        many = "This cannot run yet:" if len(found.mistakes) == 1 else f"{len(found.mistakes)} things to put right:"
        st.error(many + "\n" + "\n".join(f"- {_plain(mistake)}" for mistake in found.mistakes), icon=":material/edit:")
        return
    outlined = found.forecast
    problems = sum(task["problems"] for task in (found.data or {})["tasks"])
    shown = (
        ("Problems", words.count(problems)),
        ("Calls", _band("calls", outlined.calls)),
        ("Tokens", _band("total_tokens", outlined.total_tokens)),
        ("USD", _band("usd", outlined.usd).replace("$", "\\$")),
        ("Time", _band("seconds", outlined.seconds)),
        ("Could tell apart", f"{100 * outlined.detectable_difference:.0f} points"),
    )
    st.caption("Forecast")
    controls.facts([(label, value, HELP.get(label)) for label, value in shown])
    if found.shortfall:
        st.caption(
            ":material/info: The budget is smaller than the highest levels need. Trials stop at their share of it and "
            "keep the answer they have; curves end there."
        )


HELP = {
    "Could tell apart": "The smallest difference in accuracy between two strategies that a run of this size would find "
    "four times out of five.",
    "USD": "List price without caching; unknown where a model has no price. A model on this computer costs no money.",
    "Calls": "From a rehearsal with invented replies, short and long ones; hence a range.",
}


def _band(unit: str, band: Band | None) -> str:
    return words.UNKNOWN if band is None else words.band(unit, band.low, band.high)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join("\\" + sign if sign in r"\`*_{}[]<>#$~|:" else sign for sign in " ".join(text.split()))
