"""Quality: how trials went about their problems, beyond the one number of success."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from fourdials.figures import numbers
from fourdials.home import home
from fourdials.ui import chart, curves, data, tables, words

if TYPE_CHECKING:
    import polars as pl

    from fourdials.store import Store

FORMULAS = """
- **trajectory quality** = success × min(1, fewest steps / steps) × (1 − loop rate) × (1 − invalid rate)
- **loop rate**, **invalid rate**: steps that show what was shown before, and steps the environment refused, of all
- **memory hygiene** = 1 − (stale + contradicted + duplicate) / entries of the memory as it stood last, judged by the
  problem's facts after the trial: what a later entry has overtaken, what never held, what was there already
- **context efficiency** = tokens of the facts on the way to the right answer that stood in a prompt, each once /
  prompt tokens (tokens by their share of the prompts' characters)
- **verification cost** = tokens of the roles verify and judge / all tokens
- **planning cost** = tokens of the roles plan and route / those and the tokens that execute
- **underthinking** ξ = mean over wrong replies of 1 − tokens to the first right answer / tokens of the thought; high
  where a right answer was there and was left
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The tab's figures as JSON text with what they say, and the frames behind them; empty text where there is none."""

    measures: str
    steps: str
    roles: str
    alts: tuple[str, str, str]
    rows: pl.DataFrame
    ties: pl.DataFrame
    by_arm: list[dict[str, Any]]
    means: pl.DataFrame
    chain: pl.DataFrame | None
    tokens: pl.DataFrame
    absent: tuple[str, ...]
    shared: pl.DataFrame


def show(view: curves.View, experiment: Mapping[str, Any]) -> None:
    """The measures, what ties on success and differs elsewhere, steps, tokens by role, and what stands behind them."""
    opened = data.store()
    found = _drawn(opened, str(home()), opened.version(), view, st.context.theme.type == "dark")
    if found.rows.is_empty():
        st.info("No block (one problem with every arm) is complete yet, so there is nothing to measure.")
        return
    chart.live_chart(found.measures, key="quality.measures", alt=found.alts[0])
    _ties(found.ties)
    if found.absent:
        st.caption(f"Not measured by any arm here: {'; '.join(found.absent)}.")
    if found.steps:
        chart.live_chart(found.steps, key="quality.steps", alt=found.alts[1])
        st.caption(
            "A step is judged against the state it was taken from, so one mistake does not make all later steps wrong. "
            "A level line means that mistakes only compound; a falling one that they breed more. Fewer problems reach "
            "later steps: mind n."
        )
    _shared_errors(found.shared)
    if found.roles:
        chart.live_chart(found.roles, key="quality.roles", alt=found.alts[2])
    st.caption(
        "Means a trial with 95 % intervals over n problems; peak context is the longest prompt of a trial. A mean of "
        "unknown counts is unknown."
    )
    st.dataframe(found.by_arm, hide_index=True)
    with st.expander("Numbers behind the figures", icon=":material/table:", key="quality.numbers"):
        st.markdown(FORMULAS)
        told = "Each row is a measure of an arm: the mean over n problems with its 95 % interval and its method."
        queries = ("trajectories", "thoughts", "step_truths", "role_tokens")
        tables.sources(found.rows, queries, told, f"quality-{view.experiment_id}")
        if found.chain is not None:
            st.caption(
                "Each row is a step of an arm's chains: how often it was right, over the n problems that got so far."
            )
            st.dataframe(found.chain, hide_index=True)
        st.caption("Each row is an amount of an arm, a trial each: its mean with the 95 % interval and its method.")
        st.dataframe(found.means, hide_index=True)
        st.caption("Each row is a role of an arm's calls: tokens summed over its trials, and a trial each.")
        st.dataframe(found.tokens, hide_index=True)


def _ties(ties: pl.DataFrame) -> None:
    if ties.is_empty():
        st.text("No two arms that tie on success (within 5 points for sure) are shown to differ in another measure.")
        return
    for row in ties.iter_rows(named=True):
        success = f"{numbers.difference(row['success_low'])} to {numbers.difference(row['success_high'])}"
        gap = f"{numbers.difference(row['low'])} to {numbers.difference(row['high'])}"
        st.text(
            f"{row['arm_a']} and {row['arm_b']} tie on success{'' if row['alike'] else ', each with what it sees,'} "
            f"({success}) and differ in "
            f"{row['measure'].replace('_', ' ')}: {numbers.difference(row['value'])} ({gap}) on {row['n']} problems."
        )


def _shared_errors(shared: pl.DataFrame) -> None:
    for row in shared.iter_rows(named=True):
        both = f"{numbers.percent(row['both'])} ({numbers.percent(row['low'])} to {numbers.percent(row['high'])})"
        st.text(
            f"{row['arm']}: both of the first two votes on a step are wrong at {both} of {row['steps']} steps of "
            f"{row['n']} problems; errors that are independent and alike at all steps would give "
            f"{numbers.percent(row['independent'])}."
        )


@st.cache_data(max_entries=32, show_spinner="Measuring …")
def _drawn(_store: Store, folder: str, version: int, view: curves.View, dark: bool) -> Drawn:
    import polars as pl

    from fourdials import query
    from fourdials.estimate import quality
    from fourdials.figures import quality as figures
    from fourdials.figures import status

    def rows_of(name: str) -> pl.DataFrame:
        return query.run(_store, name, experiment_ids=[view.experiment_id], **view.chosen)

    trials, roles = rows_of("trajectories"), rows_of("role_tokens")
    rows = pl.concat([quality.quality(trials), quality.underthinking_of(rows_of("thoughts"))])
    every = set(rows["measure"])
    # An arm that never checks or plans has no such cost to estimate, rather than one that might lie above 0.
    unused = pl.col("measure").is_in(["verification_cost", "planning_cost"]) & (pl.col("value") == 0)
    rows = rows.drop("experiment_id").filter(~unused)
    judged = quality.judged(rows_of("step_truths"))
    steps = [
        quality.step_correctness(part).with_columns(arm=pl.lit(part["arm"][0]))
        for part in judged.partition_by("arm", maintain_order=True)
    ]
    runs = query.run(_store, "experiments").filter(experiment_id=view.experiment_id)
    said = status.status_of(runs, rows.filter(measure="success"), None)
    arms = query.run(_store, "arms", experiment_ids=[view.experiment_id])
    arms = arms.filter(arms["arm"].is_in(rows["arm"].unique().implode()))
    dials = dict(trials.select("arm", "dial").unique().rows())
    per_trial = roles.with_columns(tokens=(pl.col("prompt_tokens") + pl.col("completion_tokens")) / pl.col("trials"))
    known = per_trial.drop_nulls("tokens")
    chain, means = pl.concat(steps) if steps else None, quality.amounts(trials)
    chained = arms.clear() if chain is None else arms.filter(arms["arm"].is_in(chain["arm"].unique().implode()))
    warned, warned_of_steps = status.different_information(arms), status.different_information(chained)
    return Drawn(
        measures=figures.measures(rows, dials, said, dark, warned).to_json(),
        steps="" if chain is None else figures.steps(chain, dials, said, dark, warned_of_steps).to_json(),
        roles="" if known.is_empty() else figures.roles(known, dials, said, dark).to_json(),
        alts=(
            figures.alt_text(rows),
            "" if chain is None else figures.steps_alt_text(chain),
            figures.roles_alt_text(known),
        ),
        rows=rows,
        ties=_found_ties(trials, dict(arms.select("arm", "access").rows())),
        by_arm=_by_arm(trials, means),
        means=means.drop("experiment_id"),
        shared=quality.shared_errors(judged),
        chain=chain,
        tokens=per_trial.drop("experiment_id"),
        absent=tuple(f"{title} ({_why(name, trials)})" for name, title in figures.TITLES.items() if name not in every),
    )


def _found_ties(trials: pl.DataFrame, sees: Mapping[str, str]) -> pl.DataFrame:
    """Rows of `quality.ties`, and whether the two arms are given the same to see (`alike`)."""
    import polars as pl

    from fourdials.estimate import quality

    found = quality.ties(trials)
    alike = [sees[a] == sees[b] for a, b in found.select("arm_a", "arm_b").rows()]
    return found.with_columns(pl.Series("alike", alike, dtype=pl.Boolean))


def _remembering(trials: pl.DataFrame) -> pl.Series:
    """For each trial whether its strategy keeps a memory."""
    import polars as pl

    from fourdials import plugins

    keeping = [name for name, strategy in plugins.strategies().items() if strategy.memory]
    return trials.select(pl.col("strategy").is_in(keeping)).to_series()


def _why(measure: str, trials: pl.DataFrame) -> str:
    """Why no trial has this measure."""
    from fourdials import plugins

    if measure in ("trajectory_quality", "loop_rate", "invalid_rate"):
        acted = trials["steps"].sum() > 0
        return "the task does not say how few steps would do" if acted else "no step in an environment"
    if measure == "memory_hygiene":
        if not _remembering(trials).any():
            return "no memory kept"
        return "not judged: the task states no facts" if trials["notes"].sum() > 0 else "not recorded"
    if measure == "context_efficiency":
        tasks = [plugins.tasks().get(name) for name in trials["task"].unique()]
        stated = any(hasattr(task, "evidence") for task in tasks)
        return "not recorded" if stated else "the task does not say which facts lead to the answer"
    if measure == "underthinking":
        return "no wrong thought with answers at several levels"
    return "tokens unknown"


MEANS = {
    "peak_context": "peak context",
    "plan_tokens": "planner tokens",
    "execute_tokens": "executor tokens",
    "verify_tokens": "checker tokens",
    "steps": "environment steps",
    "switches": "thought switches",
    "notes": "memory entries",
}


def _by_arm(trials: pl.DataFrame, means: pl.DataFrame) -> list[dict[str, Any]]:
    """What a trial of each arm takes, as people read it: means with their intervals, over how many problems."""
    import polars as pl

    kept = trials.with_columns(remembers=_remembering(trials))
    ends = {(row["arm"], row["measure"]): row for row in means.iter_rows(named=True)}
    shown = []
    for arm in kept.partition_by("arm", maintain_order=True):
        name = arm["arm"][0]
        own = {measure: ends[name, measure] for measure in MEANS if (name, measure) in ends}
        cells = {title: numbers.UNKNOWN for title in MEANS.values()}
        for measure, row in own.items():
            cells[MEANS[measure]] = numbers.with_ends(words.count, row["value"], row["low"], row["high"])
        if not arm.select(pl.col("remembers").any()).item():
            cells[MEANS["notes"]] = "none kept"
        shown.append(
            {
                "arm": name,
                "n": arm.select(pl.struct("task", "problem_id").n_unique()).item(),
                "trials": arm.height,
                **cells,
                "largest context of all": words.count(arm["peak_context"].max()),  # type: ignore[arg-type]
                "intervals by": ", ".join(dict.fromkeys(row["method"] for row in own.values())),
            }
        )
    return shown
