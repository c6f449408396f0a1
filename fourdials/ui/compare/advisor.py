"""The advisor's part of the Allocate tab: which arm and level for a budget, how sure, what more would cost, and a
policy to take away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import controls, curves, data, deploy, tables, words

if TYPE_CHECKING:
    from fourdials.advise import Advice, Surer
    from fourdials.replay import RecordedTrial
    from fourdials.store import Store

QUERIES = ("replay_stops", "replay_pieces")
MANY_TRIALS = 3000  # read at once below this; more take seconds


def show(view: curves.View, unit: str, trials: int) -> None:
    """Asks for a budget a problem and gives the advice; says why there is none. A run of many trials is read only when
    asked, since advice weighs every arm of it."""
    st.subheader("What to deploy", anchor=False)
    if trials > MANY_TRIALS and not st.toggle(
        f"Choose among all arms: reads {words.plural(trials, 'trial')}", key=f"advisor.asked.{view.experiment_id}"
    ):
        return
    opened, folder = data.store(), str(home())
    try:
        most = _most(opened, folder, opened.version(), view, unit)
    except InputError as error:
        st.warning(words.plain(str(error)), icon=":material/call_split:")
        return
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        budget = controls.linked_value(
            st.number_input,
            f"Budget a problem ({numbers.UNITS[unit]})",
            param="advise",
            default=most,
            read=_amount,
            write=lambda amount: f"{amount:.15g}",
            scope=f"{view.experiment_id}.{unit}",
            min_value=0.0,
            step=most / 10 or 1.0,
            format="%g",
            help="On average over problems. The choice is made on one half of them and reported on the other.",
        )
    with right:
        truth = controls.linked_value(
            st.toggle,
            "Also arms that ask a checker which knows the truth",
            param="truth",
            default=False,
            read={"yes": True, "no": False}.get,
            write=lambda on: "yes" if on else "no",
        )
    advice = _advice(opened, folder, opened.version(), view, unit, float(budget), truth)
    if advice.choice is None:
        st.info(words.plain(advice.reason[:1].upper() + advice.reason[1:] + "."), icon=":material/help:")
        return
    _facts(advice, unit)
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    deploy.warn_unlike(arms.filter(arms["arm"].is_in(advice.table["arm"].unique().to_list())))
    st.text(surer_text(advice.surer, advice.choice, unit))
    _routes(advice, unit)
    _take_away(opened, view, advice, unit, float(budget))
    with st.expander("Every arm and level it considered", icon=":material/table:", key="advisor.table"):
        told = "Each row is an arm at a level: mean spend a problem, score on the half that had no part in the choice "
        told += "with its 95 % interval, score on the half it was chosen on, and how often resampled halves choose it."
        tables.sources(advice.table.drop("task"), QUERIES, told, "advice")


def _amount(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


@st.cache_resource(max_entries=2, show_spinner=False)
def _trials(_store: Store, folder: str, version: int, view: curves.View, unit: str) -> list[RecordedTrial]:
    from fourdials import replay

    return replay.recorded(_store, [view.experiment_id], unit, view.tasks, view.arms)


@st.cache_data(max_entries=16, show_spinner=False)
def _most(_store: Store, folder: str, version: int, view: curves.View, unit: str) -> float:
    from fourdials import advise

    return advise.most(_trials(_store, folder, version, view, unit))


@st.cache_data(max_entries=64, show_spinner="Choosing on one half of the problems …")
def _advice(
    _store: Store, folder: str, version: int, view: curves.View, unit: str, budget: float, truth: bool
) -> Advice:
    from fourdials.advise import advise

    return advise(_trials(_store, folder, version, view, unit), budget, truth=truth)


def _facts(advice: Advice, unit: str) -> None:
    row = advice.table.filter(advice.table["chosen"]).row(0, named=True)
    ends = f"{numbers.percent(row['low'])} to {numbers.percent(row['high'])}"
    controls.facts(
        [
            ("Use", f"{row['arm']} at level {row['level']}", None),
            ("Score", f"{numbers.percent(row['value'])} ({ends})", f"{row['method']}, on the half not chosen on"),
            ("Spend a problem", numbers.budget(unit, row["spend"]), None),
            ("How sure", numbers.percent(advice.sure), "Share of resampled halves that choose the same"),
            ("Problems", str(row["n"]), "in the half it is reported on"),
        ]
    )


def surer_text(surer: Surer | None, choice: tuple[str, int], unit: str) -> str:
    """How the choice stands against its closest rival, and what telling them apart would take."""
    if surer is None:
        return "No resampled half chooses anything else."
    rival = f"{surer.rival[0]} at level {surer.rival[1]}"
    ends = f"{numbers.difference(surer.low)} to {numbers.difference(surer.high)}"
    told = f"Its closest rival is {rival}: a difference of {numbers.difference(surer.difference)} ({ends}, "
    told += f"{surer.n} problems). "
    if surer.distinguishable:
        winner = f"{choice[0]} at level {choice[1]}" if surer.difference > 0 else rival
        return told + f"That is enough to tell them apart: {winner} is ahead on the problems not chosen on."
    if surer.problems is None or surer.spend is None:
        return told + "The two score the same here; no number of problems like these would tell them apart."
    return told + (
        f"To tell so small a difference would take about {words.count(surer.problems)} problems in all, which is "
        f"{numbers.budget(unit, surer.spend)} more for both."
    )


def _routes(advice: Advice, unit: str) -> None:
    """Whether each task should have an arm of its own."""
    if advice.routes.is_empty():
        if advice.no_routes:
            st.caption(words.plain(f"No route per task: {advice.no_routes}."))
        return
    if advice.routing is None:
        return
    found = advice.routing
    ends = f"{numbers.difference(found.low)} to {numbers.difference(found.high)}, {found.n} problems"
    verdict = "Route per task" if found.worth_it else "Routing per task is not shown to be worth it"
    st.text(f"{verdict}: {numbers.difference(found.gain)} ({ends}) over one arm for all tasks.")
    st.dataframe([_route(row, unit) for row in advice.routes.iter_rows(named=True)], hide_index=True)


def _route(row: dict[str, Any], unit: str) -> dict[str, Any]:
    ends = f"{numbers.percent(row['low'])} to {numbers.percent(row['high'])}"
    return {
        "task": row["task"],
        "arm": row["arm"],
        "level": row["level"],
        "score": f"{numbers.percent(row['value'])} ({ends})",
        "spend a problem": numbers.amount(unit, row["spend"]),
        "how sure": numbers.percent(row["selected"]),
        "n": row["n"],
        "method": row["method"],
    }


def _take_away(store: Store, view: curves.View, advice: Advice, unit: str, budget: float) -> None:
    """The policy as two files that need nothing of this program."""
    from fourdials import policy

    text = policy.as_toml(store, view.experiment_id, advice, budget, unit)
    with st.container(horizontal=True, vertical_alignment="center"):
        icon = ":material/download:"
        st.download_button("Policy (TOML)", text, "policy.toml", "application/toml", icon=icon, key="advisor.toml")
        st.download_button("Router (Python)", policy.ROUTER, "policy.py", "text/x-python", icon=icon, key="advisor.py")
        st.caption("Put both in one folder: `python policy.py TASK` prints the arm to use.")
