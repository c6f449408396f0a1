"""A draft → the experiment it means, what it should cost, or all that is wrong with it. Called by the Run page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials import plugins, spec
from fourdials.errors import InputError, SpecError
from fourdials.figures import numbers
from fourdials.ui import controls, words
from fourdials.ui.draft import (
    BASELINE,
    HEADROOM,
    LEAST_PROBLEMS,
    Draft,
    affordable,
    baseline_share,
    chosen,
    shares,
    to_spec,
    unlimited,
    weights,
)

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
    data = to_spec(unlimited(draft), plans, problems=PROBE_PROBLEMS)
    try:
        free = _rehearsed(json.dumps(data))
        if draft.amount is None:
            data = to_spec(draft, plans, problems=PROBE_PROBLEMS)
            return Outlook(data, _rehearsed(json.dumps(data)))
        costs = _costs(free, draft.unit)
        baseline = costs.pop(BASELINE, 0.0) if draft.baseline else 0.0
        arms = chosen(draft, plans)
        needs = [costs.get(arm.name or arm.strategy, 0.0) for arm in arms]
        parts = shares(weights(draft, arms))
        if draft.unit == "seconds":  # a limit in seconds ends the whole run; it is not split
            needs, parts = [sum(needs)], [1.0]
        most = affordable(needs, parts, baseline, draft.amount)
        problems = draft.problems or most
        share = baseline_share(baseline, problems, draft.amount)
        data = to_spec(draft, plans, problems=problems, baseline_share=share)
        tight = draft.amount < HEADROOM * problems * (
            baseline + max(need / p for need, p in zip(needs, parts, strict=True))
        )
        return Outlook(
            data, _rehearsed(json.dumps(data)), shortfall=tight and (problems > most or most == LEAST_PROBLEMS)
        )
    except SpecError as error:
        return Outlook(mistakes=tuple(named(str(mistake), data) for mistake in error.mistakes))
    except InputError as error:
        return Outlook(mistakes=(str(error),))


def named(mistake: str, data: Mapping[str, Any]) -> str:
    """A mistake with the arm's name instead of its number, which only an experiment file shows."""
    found = re.match(r"arms\[(\d+)\]\.?", mistake)
    if found is None or int(found[1]) >= len(data["arms"]):
        return mistake
    arm = data["arms"][int(found[1])]
    return f"{arm.get('name') or arm['strategy']}: {mistake[found.end() :].lstrip(':. ')}"


def _costs(forecast: Forecast, unit: str) -> dict[str, float]:
    """What one problem costs each arm in a budget's unit, shared out over the arms like their tokens.

    Raises InputError if the price or speed of a model is unknown.
    """
    band: Band | None = getattr(forecast, unit)
    if band is None:
        raise InputError(
            f"budget: {unit} cannot be used with this model, whose price or speed is unknown; "
            "give the budget in tokens or calls"
        )
    whole = sum(arm.high for arm in forecast.per_arm.values())
    return {arm: band.high / forecast.blocks * tokens.high / whole for arm, tokens in forecast.per_arm.items()}


@st.cache_data(max_entries=64, show_spinner="Rehearsing the run …")
def _rehearsed(text: str) -> Forecast:
    """The forecast of a spec; fails where its problems do not exist."""
    from fourdials.forecast import forecast

    return forecast(spec.parse(json.loads(text)))


def show(found: Outlook) -> None:
    """The forecast as a row of figures, or every mistake."""
    if found.mistakes or found.forecast is None:
        many = "This cannot run yet:" if len(found.mistakes) == 1 else f"{len(found.mistakes)} things to put right:"
        st.error(
            many + "\n" + "\n".join(f"- {words.plain(mistake)}" for mistake in found.mistakes), icon=":material/edit:"
        )
        return
    outlined = found.forecast
    problems = sum(task["problems"] for task in (found.data or {})["tasks"])
    shown = (
        ("Problems", words.count(problems)),
        ("Calls", _band("calls", outlined.calls)),
        ("Tokens", _band("total_tokens", outlined.total_tokens)),
        ("USD", _band("usd", outlined.usd)),
        ("Time", _band("seconds", outlined.seconds)),
        ("Could tell apart", numbers.difference(outlined.detectable_difference).removeprefix("+")),
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
    return numbers.UNKNOWN if band is None else words.band(unit, band.low, band.high)
