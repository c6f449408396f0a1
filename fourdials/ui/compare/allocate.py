"""One budget divided in several ways: policies replayed over a recorded run, what each saves, where the spend went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import chart, controls, curves, data, deploy, monitor, tables, words
from fourdials.ui.compare import advisor

if TYPE_CHECKING:
    import polars as pl

    from fourdials.replay import RecordedTrial
    from fourdials.store import Store
    from fourdials.worth import Replays

UNITS = ("total_tokens", "usd", "calls")
QUERIES = ("replay_stops", "replay_pieces")
TOGETHER = "all arms together"
BY = {"difficulty": "Difficulty", "dial": "Dial", "arm": "Arm", "task": "Task", "fate": "What became of trials"}
SEVERAL, ONE = 5, 8  # budgets replayed: fewer where every arm takes part, which takes its time


@dataclass(frozen=True, slots=True)
class Divided:
    """What the replays of a view are worth; `refused` says why there are none."""

    held: Replays | None = None
    worth: pl.DataFrame | None = None
    savings: pl.DataFrame | None = None
    refused: str = ""


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """Accuracy against realised spend by policy, savings and where the spend went at one budget, then the advisor."""
    unit = view.unit if view.unit in UNITS else UNITS[0]
    if unit != view.unit:
        st.caption("Budgets are divided in tokens, dollars or calls; these are tokens.")
    elif not view.stored:
        st.caption("Budgets are divided in dollars of the list prices of the day of each call.")
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    chosen = _choose_arms(view, arms)
    found = _replayed(view, chosen, unit)
    if found.refused:
        st.warning(words.plain(found.refused), icon=":material/call_split:")
        _live(view, experiment, unit)
        return
    if found.held is None or found.worth is None or found.savings is None:
        st.info(curves.why_empty(view, *monitor.look(view.experiment_id)))
        return
    deploy.warn_unlike(arms.filter(arms["arm"].is_in(chosen)))
    _draw(view, chosen, found.worth, unit, "allocate.worth")
    total = _choose_total(found.worth, unit)
    _read(found.savings, found.worth, total, unit)
    with st.expander("Numbers behind accuracy against spend", icon=":material/table:", key="allocate.numbers"):
        told = (
            f"Each row is a policy at a budget of {numbers.UNITS[unit]} in all: what it really spent, the mean score "
        )
        told += "of the answers it stopped at, with its 95 % interval over n problems."
        tables.sources(found.worth, (*QUERIES, "baselines"), told, "allocation")
    _went(view, found.held, total, unit)
    st.divider()
    advisor.show(view, unit, int(experiment["trials_done"]))


def _choose_arms(view: curves.View, arms: pl.DataFrame) -> tuple[str, ...]:
    names = [arm for arm in arms["arm"] if not view.arms or arm in view.arms]
    several = [row["arm"] for row in arms.iter_rows(named=True) if row["arm"] in names and row["levels"].count(",")]
    options = [*several, TOGETHER] if len(names) > 1 else names
    first = next((arm for arm in several if "vote" in arm), options[0])
    chosen = controls.linked_choice(
        st.selectbox,
        "Divide one budget over the problems of",
        options,
        param="replay",
        default=first,
        help="A policy decides which problems go on to which level. Together, the arms compete for the same budget.",
    )
    return tuple(names) if chosen == TOGETHER else (chosen,)


def _replayed(view: curves.View, arms: tuple[str, ...], unit: str) -> Divided:
    """Every policy under every budget."""
    opened, folder = data.store(), str(home())
    return _divided(opened, folder, opened.version(), view.experiment_id, unit, view.tasks, arms)


@st.cache_resource(max_entries=2, show_spinner=False)
def _trials(
    _store: Store,
    folder: str,
    version: int,
    experiment_id: str,
    unit: str,
    tasks: tuple[str, ...] | None,
    arms: tuple[str, ...],
) -> list[RecordedTrial]:
    from fourdials import replay

    return replay.recorded(_store, [experiment_id], unit, tasks, arms)


@st.cache_resource(max_entries=8, show_spinner="Replaying the recorded answers …")
def _divided(
    _store: Store,
    folder: str,
    version: int,
    experiment_id: str,
    unit: str,
    tasks: tuple[str, ...] | None,
    arms: tuple[str, ...],
) -> Divided:
    from fourdials import replay

    try:
        with replay.without_collector():  # once around all: each time it comes back it goes through every trial read
            return _worth(_trials(_store, folder, version, experiment_id, unit, tasks, arms), unit)
    except InputError as error:
        return Divided(refused=str(error))


def _worth(trials: list[RecordedTrial], unit: str) -> Divided:
    from fourdials import replay, worth

    if not trials:
        return Divided()
    several = len({trial.row["arm"] for trial in trials}) > 1
    policies = list(replay.POLICIES)
    if several:
        policies.insert(-1, replay.Policy("successive halving", "successive_halving"))
    totals = worth.budgets(trials, SEVERAL if several else ONE)
    if not totals:
        return Divided(refused=f"No {numbers.UNITS[unit]} were spent on these problems; there is no budget to divide.")
    held = worth.replays(trials, totals, policies)
    return Divided(held, worth.worth(held), worth.savings(held))


def _draw(view: curves.View, chosen: tuple[str, ...], frame: pl.DataFrame, unit: str, key: str) -> None:
    from fourdials.figures import allocation, status

    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    said = status.status_of(runs, frame.drop_nulls("value"), unit)
    shown = arms.filter(arms["arm"].is_in(chosen)).with_columns(n=said.n)
    warnings = status.warnings_of(runs, shown, arms)
    tasks = {"tasks": list(view.tasks)} if view.tasks else {}
    baselines = data.frame("baselines", experiment_ids=[view.experiment_id], arms=list(chosen), **tasks)
    dark = st.context.theme.type == "dark"
    figure = allocation.worth_curves(frame, said, unit, warnings, baselines, dark)
    chart.live_chart(figure.to_json(), key=key, alt=allocation.worth_alt(frame, unit))


def _choose_total(frame: pl.DataFrame, unit: str) -> float:
    """One of the budgets that were replayed."""
    totals = sorted(set(frame.filter(frame["policy"] != "uniform")["budget"]))
    labels: dict[str, float] = {f"{total:.6g}": total for total in totals}
    if len(labels) == 1:  # one level is all there is
        return next(iter(labels.values()))
    chosen = controls.linked_choice(
        st.select_slider,
        "Budget in all",
        list(labels),
        param="total",
        default=list(labels)[-1],
        format_func=lambda each: words.plain(numbers.budget(unit, labels[each])),
    )
    return labels[chosen]


def _read(savings: pl.DataFrame, frame: pl.DataFrame, total: float, unit: str) -> None:
    """Every policy at this budget: what it reached, and what uniform allocation would have spent for as much."""
    rows = []
    for row in savings.filter(savings["budget"] == total).iter_rows(named=True):
        own = frame.filter((frame["policy"] == row["policy"]) & (frame["budget"] == total)).row(0, named=True)
        rows.append(
            {
                "policy": row["policy"] + (" (bound)" if row["uses_truth"] else ""),
                "really spent": numbers.amount(unit, row["spent"]),
                "score": f"{numbers.percent(own['value'])} ({numbers.percent(own['low'])} to "
                f"{numbers.percent(own['high'])})",
                "uniform needs": "" if row["ratio"] is None else f"{numbers.times(row['ratio'])} × as much",
                "95 % interval": _ends(row),
                "n": row["n"],
                "method": row["method"],
            }
        )
    st.dataframe(rows, hide_index=True)
    st.text(reading(savings, total, unit))
    for told in _why_none(savings, total):
        st.caption(words.plain(told))


def _why_none(savings: pl.DataFrame, total: float) -> list[str]:
    """Why no saving is stated: a sentence for each reason with the policies it holds for; a cell would cut it short."""
    held: dict[str, list[str]] = {}
    for row in savings.filter(savings["budget"] == total).iter_rows(named=True):
        if row["note"]:
            held.setdefault(row["note"], []).append(row["policy"])
    return [f"No saving is stated for {', '.join(policies)}: {note}." for note, policies in held.items()]


def _ends(row: Mapping[str, Any]) -> str:
    if row["ratio"] is None or row["low"] is None or row["high"] is None:
        return ""
    return f"{numbers.times(row['low'])} to {numbers.times(row['high'])}"


def reading(savings: pl.DataFrame, total: float, unit: str) -> str:
    """Whether dividing the budget by need saves anything at this budget, in a sentence."""
    rows = [row for row in savings.to_dicts() if row["budget"] == total and not row["uses_truth"]]
    known = [row for row in rows if row["ratio"] is not None]
    best = max((row for row in known if row["low"] is not None and row["low"] > 1), key=_ratio, default=None)
    if best is not None:
        return (
            f"At {numbers.budget(unit, total)} in all, {best['policy']} gets as far as uniform allocation would with "
            f"{numbers.times(best['ratio'])} times its spend (95 % interval {_ends(best)}, {best['n']} problems)."
        )
    worse = [row for row in known if row["high"] is not None and row["high"] < 1]
    if known and len(worse) == len(known):
        return (
            f"At {numbers.budget(unit, total)} in all no policy saves anything: asking in pieces pays prompts again, "
            "and uniform allocation, which asks at once, gets as far for less."
        )
    return f"At {numbers.budget(unit, total)} in all no saving over uniform allocation is shown on these problems."


def _ratio(row: Mapping[str, Any]) -> float:
    return float(row["ratio"])


def _went(view: curves.View, held: Replays, total: float, unit: str) -> None:
    from fourdials import worth

    by = _choose_by(held)
    frame = worth.where_spent(worth.at(held, total), by)
    _draw_went(view, frame, unit, "Replayed over recorded answers, no new calls.")
    _behind_went(frame, QUERIES)


def _choose_by(held: Replays) -> str:
    known = [by for by in BY if by in held.trials.columns]
    options = [by for by in known if by == "difficulty" or held.trials[by].n_unique() > 1]
    return controls.linked_choice(
        st.segmented_control,
        "Where the spend went, by",
        options,
        param="went",
        default=options[0],
        format_func=BY.get,
        required=True,
    )


def _draw_went(view: curves.View, frame: pl.DataFrame, unit: str, note: str) -> None:
    from fourdials.figures import allocation, status

    runs = data.frame("experiments").filter(experiment_id=view.experiment_id)
    said = status.status_of(runs, frame.drop("n"), unit)
    figure = allocation.where(frame, said, unit, note, dark=st.context.theme.type == "dark")
    chart.live_chart(figure.to_json(), key="allocate.where", alt=allocation.where_alt(frame))


def _live(view: curves.View, experiment: Mapping[str, Any], unit: str) -> None:
    """Where the spend of a run went that was itself divided by an allocator."""
    import json

    from fourdials import worth

    spends = data.frame("trial_spends", experiment_ids=[view.experiment_id], **view.chosen)
    if spends.is_empty() or spends[unit].null_count() == spends.height:
        return
    spec = json.loads(data.frame("spec", experiment_id=view.experiment_id)["spec"][0])
    held = worth.played(spends, spec.get("allocator", "uniform"), unit)
    frame = worth.where_spent(held, _choose_by(held))
    _draw_went(view, frame, unit, "As the run itself divided its budget.")
    st.text(_fates(held.trials, unit))
    _behind_went(frame, ("trial_spends",))


def _behind_went(frame: pl.DataFrame, queries: tuple[str, ...]) -> None:
    with st.expander("Numbers behind where the spend went", icon=":material/table:", key="allocate.went"):
        told = (
            "Each row is a group of trials of a policy: what was spent on it, its share of all with the 95 % interval, "
        )
        tables.sources(frame, queries, told + "its mean level and score.", "spend")


def _fates(trials: pl.DataFrame, unit: str) -> str:
    """How many trials the allocator stopped, how many calibrated it, and what both took."""
    from fourdials.worth import FATES

    told = []
    for fate in FATES:
        rows = trials.filter(trials["fate"] == fate)
        if rows.height:
            told.append(
                f"{words.plural(rows.height, 'trial')} {fate} ({numbers.budget(unit, float(rows['spent'].sum()))})"
            )
    more = " Calibration is charged, and its answers do not count." if trials["aside"].any() else ""
    return f"{', '.join(told)}.{more}"
