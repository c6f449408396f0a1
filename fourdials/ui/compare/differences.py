"""Two arms, of one run or of two, on the problems they share: who is ahead where, how sure, which answers changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import chart, controls, curves, data, tables, words
from fourdials.ui.compare import flips

if TYPE_CHECKING:
    import polars as pl

    from fourdials.estimate.crossings import Crossover
    from fourdials.estimate.differences import Difference
    from fourdials.store import Store
    from fourdials.units import PriceList

UNITS = ("total_tokens", "usd", "completion_tokens", "calls", "modelled_s", "critical_path_s", "flops")
SURE = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides, each a run and an arm of it, looked at over the same tasks."""

    a: tuple[str, str]
    b: tuple[str, str]
    names: tuple[str, str]
    tasks: tuple[str, ...] | None
    price_list: PriceList | None = None

    def points(self, unit: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Curve points of each side, asked for as in `rows`."""
        found = []
        for run, arm in (self.a, self.b):
            arms = tuple(sorted({one for each, one in (self.a, self.b) if each == run}))
            points = curves.points(curves.View(run, unit, self.tasks, arms, self.price_list))
            found.append(points.filter(points["arm"] == arm))
        return found[0], found[1]

    def rows(self, name: str, **params: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
        """A query's rows of each side. Two arms of one run are asked for together: both then keep the same blocks."""
        shared = {"tasks": list(self.tasks)} if self.tasks else {}
        found = []
        for run, arm in (self.a, self.b):
            arms = sorted({one for each, one in (self.a, self.b) if each == run})
            frame = data.frame(name, experiment_ids=[run], arms=arms, **shared, **params)
            found.append(frame.filter(frame["arm"] == arm))
        return found[0], found[1]


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The two sides, the difference over spend, the difference at one budget, what flipped, and every unit's winner."""
    pair = _choose(view, experiment)
    if pair is None:
        return
    opened, folder = data.store(), str(home())
    curve, crossing = _over_spend(opened, folder, opened.version(), pair, view.unit)
    if curve.is_empty():
        st.info(_why_nothing(pair, view.unit))
        return
    if told := _unlike(pair):
        st.warning(
            f"**Not the same problem:** {words.plain(told)}. What follows is how far each gets with what it sees, not "
            "which way of spending is better.",
            icon=":material/visibility:",
        )
    spend = _choose_budget(curve, view.unit)
    _draw(view, pair, curve, crossing, spend)
    st.text(_about_crossing(pair, crossing, view.unit))
    found = _at(opened, folder, opened.version(), pair, view.unit, spend)
    if found is not None:
        _read(pair, found, view.unit, spend, bool(told))
    if view.stored:
        flips.show(pair, view.unit, spend)
    else:
        st.caption("Flipped answers are listed in tokens, calls, seconds, levels and dollars of their own day.")
    key = "differences.units"
    more = st.expander("Who wins in which unit of spend", icon=":material/balance:", key=key, on_change="rerun")
    if more.open:
        with more:
            _winners(_by_unit(opened, folder, opened.version(), pair), pair)
    with st.expander("Numbers behind the figure", icon=":material/table:"):
        told = f"Each row is a budget in {numbers.UNITS[view.unit]}: the mean of {pair.names[0]} minus {pair.names[1]} "
        told += "over n shared problems, with the 95 % interval for that budget alone."
        tables.sources(curve, (*view.queries, "answers_at"), words.plain(told), "difference")


def _choose(view: curves.View, experiment: Mapping[str, Any]) -> Pair | None:
    """Both sides, kept in the URL; None, after saying why, where there are no two."""
    here = view.experiment_id
    known = {row["experiment_id"]: row for row in data.frame("experiments").iter_rows(named=True)}
    told = controls.labels(known.values())
    tasks = set(view.tasks or experiment["tasks"])
    others = [one for one, row in known.items() if one == here or (row["trials_done"] and tasks & set(row["tasks"]))]
    one, two, three = st.columns([2, 3, 2], vertical_alignment="bottom")
    mine = [arm for arm in data.frame("arms", experiment_ids=[here])["arm"] if not view.arms or arm in view.arms]
    with one:
        first = next((arm for arm in mine if arm != "single"), mine[0])
        a = controls.linked_choice(st.selectbox, "Is this arm", mine, param="a", default=first)
    with two:
        run = controls.linked_choice(
            st.selectbox,
            "better than, of run",
            others,
            param="against",
            default=here,
            format_func=lambda each: "this run" if each == here else told[each],
        )
    theirs = [arm for arm in data.frame("arms", experiment_ids=[run])["arm"] if run != here or arm != a]
    if not theirs:
        st.info("This run has one arm. Choose another run that has the same task, or run a second arm.")
        return None
    with three:
        plain = next((arm for arm in (a, "single") if arm in theirs), theirs[0])
        b = controls.linked_choice(st.selectbox, "this one", theirs, param="b", default=plain)
    names = (a, b) if run == here else (f"{a} ({known[here]['name']})", f"{b} ({known[run]['name']})")
    return Pair((here, a), (run, b), names, view.tasks, view.price_list)


def _sides(pair: Pair) -> pl.DataFrame:
    """What each side is given to see: columns arm and access."""
    import polars as pl

    rows = [
        data.frame("arms", experiment_ids=[run]).filter(arm=arm).select(pl.lit(name).alias("arm"), "access")
        for (run, arm), name in zip((pair.a, pair.b), pair.names, strict=True)
    ]
    return pl.concat(rows)


def _unlike(pair: Pair) -> str | None:
    """Why the two are not at the same problem; None if both are given the same."""
    from fourdials.figures import status

    return status.unlike(_sides(pair))


def _choose_budget(curve: pl.DataFrame, unit: str) -> float:
    """One of the curve's budgets; at first its last, up to which both sides go."""
    labels = {f"{spend:.9g}": spend for spend in curve["spend"]}
    if len(labels) == 1:
        return float(curve["spend"][0])
    chosen = controls.linked_choice(
        st.select_slider,
        "Budget a problem",
        list(labels),
        param="budget",
        default=list(labels)[-1],
        format_func=lambda each: words.plain(numbers.budget(unit, labels[each])),
    )
    return float(labels[chosen])


@st.cache_data(max_entries=64, show_spinner=False)
def _over_spend(
    _store: Store, folder: str, version: int, pair: Pair, unit: str
) -> tuple[pl.DataFrame, Crossover | None]:
    from fourdials.estimate.crossings import common_budgets, crossover
    from fourdials.estimate.differences import difference_curve

    a, b = pair.points(unit)
    budgets = common_budgets(a, b)
    return difference_curve(a, b, budgets), crossover(a, b, budgets)


@st.cache_data(max_entries=256, show_spinner=False)
def _at(_store: Store, folder: str, version: int, pair: Pair, unit: str, spend: float) -> Difference | None:
    from fourdials.estimate.differences import difference_at

    return difference_at(*pair.points(unit), spend)


@st.cache_data(max_entries=32, show_spinner=False)
def _by_unit(_store: Store, folder: str, version: int, pair: Pair) -> pl.DataFrame:
    from fourdials.estimate.crossings import winners

    return winners({unit: pair.points(unit) for unit in UNITS})


def _draw(view: curves.View, pair: Pair, curve: pl.DataFrame, crossing: Crossover | None, spend: float) -> None:
    import polars as pl

    from fourdials.figures import differences, status

    ids = list(dict.fromkeys((pair.a[0], pair.b[0])))
    runs = data.frame("experiments").filter(pl.col("experiment_id").is_in(ids))
    arms = data.frame("arms", experiment_ids=ids)
    # What the two are given to see stands above the figure; the warnings on it are about the rest.
    sides = [arms.filter(experiment_id=run, arm=arm).select("arm") for run, arm in (pair.a, pair.b)]
    shown = pl.concat(sides).with_columns(n=pl.lit(curve["n"][0]), access=pl.lit("given"))
    band = None
    if crossing is not None and crossing.distinguishable and crossing.spend and crossing.low and crossing.high:
        band = (crossing.spend, crossing.low, crossing.high)
    figure = differences.difference(
        curve,
        pair.names,
        curves.status_of(view, runs, shown),
        view.unit,
        spend,
        band,
        status.warnings_of(runs, shown, arms),
        dark=st.context.theme.type == "dark",
        alike=_unlike(pair) is None,
    )
    alt = differences.alt_text(curve, pair.names, view.unit)
    figure.update_xaxes(automargin=True)  # the legend wraps on narrow pages and needs room below the title
    chart.live_chart(figure.to_json(), key="compare.difference", alt=alt)


def _about_crossing(pair: Pair, found: Crossover | None, unit: str) -> str:
    if found is None:
        return ""
    names = {"a": pair.names[0], "b": pair.names[1]}
    if found.spend is None:
        if found.leader_after == "neither":
            return f"At the largest budget both reach the same score on the {found.n} shared problems."
        told = f"{names[found.leader_after]} leads at every budget where the two differ; the lead never changes hands"
        return f"{told} (in {numbers.percent(1 - found.probability)} of resamples)."
    where = numbers.budget(unit, found.spend)
    told = f"From {where} on {names[found.leader_after]} leads instead of {names[found.leader_before]}"
    if found.distinguishable and found.low is not None and found.high is not None:
        ends = f"{numbers.amount(unit, found.low)} to {numbers.amount(unit, found.high)}"
        return f"{told} (95 % interval {ends}, {found.method}, {found.n} problems)."
    share = numbers.percent(found.probability)
    return f"{told} in these data, but only {share} of resamples cross like that: where they cross is not settled."


def _read(pair: Pair, found: Difference, unit: str, spend: float, unlike: bool) -> None:
    """The difference at the budget as numbers and as a sentence."""
    ends = f"{numbers.difference(found.low)} to {numbers.difference(found.high)}"
    apart = f"{found.n} in {found.clusters} clusters" if found.clusters < found.n else str(found.n)
    controls.facts(
        [
            (f"{pair.names[0]} minus {pair.names[1]}", numbers.difference(found.value), None),
            ("95 % interval", ends, found.method),
            (f"Better: {pair.names[0]}", words.plural(found.a_better, "problem"), None),
            (f"Better: {pair.names[1]}", words.plural(found.b_better, "problem"), None),
            ("p of no difference", numbers.p_value(found.p), found.test),
            ("Shared problems", apart, None),
        ]
    )
    seen = ", each with what it sees" if unlike else ""
    st.text(f"At {numbers.budget(unit, spend)} a problem{seen}: {verdict(pair.names, found)}")


def verdict(names: tuple[str, str], found: Difference) -> str:
    """What a difference says, in a sentence: who is ahead, or how many problems would settle it."""
    if found.distinguishable:
        ahead, behind = names if found.value > 0 else names[::-1]
        weak = f" The exact test alone would not say so (p = {numbers.p_value(found.p)}): take it as weak."
        doubt = "" if found.p < SURE else weak
        return f"{ahead} is ahead of {behind}.{doubt}"
    if found.a_better + found.b_better == 0:
        return f"not distinguishable at this n ({found.n}): the two scored the same on every problem."
    if found.n_needed is None:
        return f"not distinguishable at this n ({found.n}): each is ahead on as many problems as the other."
    return (
        f"not distinguishable at this n ({found.n}). If the difference is as large as it looks, "
        f"about {words.count(found.n_needed)} problems like these would settle it four times in five."
    )


def _winners(table: pl.DataFrame, pair: Pair) -> None:
    import polars as pl

    missing = [numbers.UNITS[unit] for unit in UNITS if unit not in table["unit"].unique()]
    if not table.is_empty():
        names = {"a": pair.names[0], "b": pair.names[1]}
        rows = [
            {
                "spend in": numbers.UNITS[row["unit"]],
                "at": f"{numbers.percent(row['share'])} of the range: {numbers.amount(row['unit'], row['spend'])}",
                "winner": names.get(row["winner"], "undecided") + (" (reversed)" if row["reversed"] else ""),
                "difference": numbers.difference(row["value"]),
                "95 % interval": f"{numbers.difference(row['low'])} to {numbers.difference(row['high'])}",
                "n": row["n"],
                "method": row["method"],
            }
            for row in table.iter_rows(named=True)
        ]
        st.dataframe(rows, hide_index=True)
        if table["reversed"].any():
            units = table.filter(pl.col("reversed"))["unit"].unique(maintain_order=True).to_list()
            listed = ", ".join(numbers.UNITS[unit] for unit in units)
            st.warning(f"The winner depends on the unit of spend: {listed}.", icon=":material/swap_vert:")
        else:
            st.caption("No unit has another winner than the others at the same share of its range.")
    if missing:
        st.caption(f"Unknown for these arms: {', '.join(missing)}.")


def _why_nothing(pair: Pair, unit: str) -> str:
    if pair.a[0] != pair.b[0]:
        told = "The two runs share no problem of a complete block, or their spend in this unit is unknown. "
        return told + "Runs share problems when task, parameters and seed are the same."
    return f"There is no complete block yet in which the {words.UNITS[unit].lower()} of both arms are known."
