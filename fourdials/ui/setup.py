"""The Run page's form: which task, which model, how much in all; the rest has defaults. Returns a `Draft`.

Every value lives in the session under `run.`, so that leaving the page, a mistake or a duplicated experiment loses
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from fourdials import plugins, spec
from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.models import catalogue
from fourdials.records import DIALS, Model
from fourdials.ui import controls, dividing, models, words
from fourdials.ui.draft import (
    ArmDraft,
    Draft,
    default_arms,
    from_spec,
    judged,
    parse_levels,
    reason_against,
    refit,
    shares,
)

FIRST = Path(__file__).parents[2] / "data" / "experiments" / "rivers.toml"
AMOUNTS: dict[str, tuple[str, float, float]] = {  # unit → label, first value, step
    "total_tokens": ("tokens", 100_000, 10_000),
    "usd": ("USD", 0.5, 0.1),
    "calls": ("calls", 2_000, 500),
    "seconds": ("seconds", 180, 60),
}
CAPS = {"total_tokens": "Tokens per trial", "usd": "USD per trial", "calls": "Calls per trial"}
KEEP: dict[str, Any] = {"persist_state": "session"}


def begin() -> None:
    """Fills the form the first time a session sees it."""
    if "run.task" not in st.session_state:
        put(_first())


def _first() -> Draft:
    """The half-minute run on a scale model, its problems left to the budget."""
    found = from_spec(spec.load(FIRST), plugins.strategies())
    return replace(found, name="my first run", problems=None, amount=400_000)


def duplicate(data: Mapping[str, Any]) -> None:
    """Fills the form with an existing experiment. Raises InputError if it has tasks or strategies not known here."""
    for row in data["tasks"]:
        plugins.find("task", row["name"], plugins.tasks())
    for row in data["arms"]:
        plugins.find("strategy", row["strategy"], plugins.strategies())
    put(from_spec(data, plugins.strategies()))


def put(draft: Draft) -> None:
    """Writes a draft into the session."""
    state = st.session_state
    for key in [key for key in state if str(key).startswith(("run.arm.", "run.params.", "run.cap."))]:
        del state[key]
    state["run.task"], state["run.more_tasks"] = draft.tasks[0], list(draft.tasks[1:])
    state["run.model"], state["run.unit"] = draft.model, draft.unit
    for unit, (_, first, _) in AMOUNTS.items():
        value = draft.amount if unit == draft.unit else first
        state[f"run.amount.{unit}"] = None if value is None else (float if unit == "usd" else int)(value)
    for name in ("name", "problems", "repeats", "seed", "concurrency", "baseline"):
        state[f"run.{name}"] = getattr(draft, name)
    state["run.split"] = draft.split
    for unit in CAPS:
        cap = draft.trial_budget.get(unit)
        state[f"run.cap.{unit}"] = cap["high"] if isinstance(cap, Mapping) else cap
        if unit == "total_tokens":
            state["run.cap.from"] = cap["low"] if isinstance(cap, Mapping) else None
    state["run.given.params"] = dict(draft.params)
    state["run.grader_model"] = draft.grader_model
    dividing.put(draft.allocator, draft.allocation)
    names = ("more_budget", "models", "counts")
    state["run.carried"] = {name: getattr(draft, name) for name in names}
    state["run.cap.seconds"] = draft.trial_budget.get("seconds")
    _put_arms(draft.arms)


def _put_arms(arms: tuple[ArmDraft, ...]) -> None:
    state = st.session_state
    start = state.get("run.next", 0)
    state["run.arms"] = list(range(start, start + len(arms)))
    state["run.next"] = start + len(arms)
    for number, arm in zip(state["run.arms"], arms, strict=True):
        place = f"run.arm.{number}"
        state[f"{place}.strategy"], state[f"{place}.knobs"] = arm.strategy, dict(arm.knobs)
        state[f"{place}.name"], state[f"{place}.parts"] = arm.name, arm.parts
        state[f"{place}.levels"] = ", ".join(map(str, arm.levels))
        for part, model in arm.lineup.items():
            state[f"{place}.lineup.{part}"] = model


def _arms() -> tuple[ArmDraft, ...]:
    """The arms as last drawn or put. Raises InputError if levels are no whole numbers."""
    state, arms = st.session_state, []
    for number in state["run.arms"]:
        place = f"run.arm.{number}"
        lineup = {
            part: model
            for part in plugins.strategies()[state[f"{place}.strategy"]].parts
            if (model := state.get(f"{place}.lineup.{part}"))
        }
        levels = parse_levels(state[f"{place}.levels"])
        name, knobs = state[f"{place}.name"].strip(), state[f"{place}.knobs"]
        arms.append(ArmDraft(state[f"{place}.strategy"], name, levels, knobs, lineup, state[f"{place}.parts"]))
    return tuple(arms)


def _refit() -> None:
    """After a new task or model: arms that fit stay as they are, dials left without one get a default."""
    task = plugins.tasks()[st.session_state["run.task"]]
    try:
        kept = _arms()
    except InputError:
        kept = ()
    _put_arms(refit(kept, plugins.strategies(), task, models.known(st.session_state["run.model"])))


def _retask() -> None:
    """After a new task: a model that was trained on another one gives way to the language model, and its arms, whose
    levels are counted in hops, to defaults; the scale model comes back with its own task."""
    state, first = st.session_state, _first()
    task = state["run.task"]
    if task in first.tasks and state["run.model"] == catalogue.DEFAULT_LOCAL:
        state["run.model"], state["run.given.params"] = first.model, state["run.given.params"] | dict(first.params)
        _put_arms(first.arms)
    elif plugins.unsuited(models.known(state["run.model"]), task):
        state["run.model"] = catalogue.DEFAULT_LOCAL
        fitting = models.known(catalogue.DEFAULT_LOCAL)
        _put_arms(default_arms(plugins.strategies(), plugins.tasks()[task], fitting))
    else:
        _refit()


def choose_task() -> str:
    """First question: the task."""
    tasks = plugins.tasks()
    name: str = st.selectbox(
        "Which task?",
        list(tasks),
        format_func=lambda each: tasks[each].INFO.title,
        key="run.task",
        on_change=_retask,
        **KEEP,
    )
    st.caption(tasks[name].INFO.summary)
    return name


def choose_model(task: str) -> Model:
    """Second question: the model."""
    return models.choose(task, key="run.model", on_change=_refit)


def choose_amount() -> tuple[str, float | None]:
    """Third question: how much in all, and in which unit."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    unit = right.selectbox("in", list(AMOUNTS), format_func=lambda each: AMOUNTS[each][0], key="run.unit", **KEEP)
    cast = float if unit == "usd" else int
    step = cast(AMOUNTS[unit][2])
    least = 0.01 if unit == "usd" else 1
    amount = left.number_input(
        "How much in all?",
        min_value=least,
        step=step,
        value=None,
        key=f"run.amount.{unit}",
        placeholder="no limit",
        **KEEP,
    )
    return unit, amount


def customise(task: str, model: Model, unit: str) -> None:
    """Everything else, with its defaults: arms, levels, knobs, split, size, caps."""
    state = st.session_state
    plans = plugins.strategies()
    _split(plans, unit)
    for number in list(state["run.arms"]):
        _arm_editor(number, plans, model)
    _add_arm(plans, task, model)
    st.divider()
    dividing.choose(unit)
    st.divider()
    _size(task)
    _limits()


def _split(plans: Mapping[str, plugins.Strategy], unit: str) -> None:
    state = st.session_state
    dials = [d for d in DIALS if any(plans[state[f"run.arm.{n}.strategy"]].dial == d for n in state["run.arms"])]
    options = ["equal", "custom", *dials]
    if state["run.split"] not in options:
        state["run.split"] = "equal"
    titles = {"equal": "Equally", "custom": "Custom parts"}
    titles |= {str(dial): f"All to “{words.DIAL_TITLES[dial]}”" for dial in dials}
    st.segmented_control(
        "Split the budget over the dials",
        options,
        format_func=titles.__getitem__,
        key="run.split",
        required=True,
        **KEEP,
    )
    if unit == "seconds":
        st.caption("A limit in seconds ends the whole run; it is not split. Choose tokens, USD or calls to split.")


def _arm_editor(number: int, plans: Mapping[str, plugins.Strategy], model: Model) -> None:
    state, place = st.session_state, f"run.arm.{number}"
    plan = plans[state[f"{place}.strategy"]]
    parts = [state[f"run.arm.{n}.parts"] for n in state["run.arms"]]
    part = dict(zip(state["run.arms"], shares(parts), strict=True))[number]
    custom = state["run.split"] == "custom"
    left_out = state["run.split"] not in ("equal", "custom", plan.dial) or (custom and part == 0)
    extra = f" · {numbers.percent(part)} of the budget" if custom else ""
    title = f"**{words.DIAL_TITLES[plan.dial]}** · {plan.name}" + (" · left out" if left_out else extra)
    with st.expander(title, key=f"{place}.open"):
        st.caption(plan.doc.replace("\n\n", " ").replace("\n", " "))
        if plan.prompts:
            with st.popover("Its own prompts", icon=":material/chat:", key=f"{place}.prompts"):
                for title, text in plan.prompts.items():
                    st.caption(title)
                    st.code(text, language=None, wrap_lines=True)
        if custom:
            st.slider("Parts of the budget", 0, 100, key=f"{place}.parts", help="0 leaves the arm out.", **KEEP)
        left, right = st.columns(2)
        left.text_input(f"Levels ({plan.unit})", key=f"{place}.levels", help="Whole numbers, increasing.", **KEEP)
        right.text_input("Name in figures", key=f"{place}.name", placeholder=plan.name, **KEEP)
        for part_name in plan.parts[1:]:
            options = [None, *(m.id for m in catalogue.catalogue().values() if catalogue.missing(m) is None)]
            st.selectbox(
                f"Model of the {part_name}",
                options,
                format_func=lambda each: each or f"the same ({model.label})",
                key=f"{place}.lineup.{part_name}",
                **KEEP,
            )
        state[f"{place}.knobs"] = controls.fields(plan.Knobs, f"{place}.knob", state[f"{place}.knobs"])
        st.button("Remove", key=f"{place}.remove", icon=":material/delete:", on_click=_remove, args=(number,))


def _remove(number: int) -> None:
    st.session_state["run.arms"] = [each for each in st.session_state["run.arms"] if each != number]


def _add_arm(plans: Mapping[str, plugins.Strategy], task: str, model: Model) -> None:
    module = plugins.tasks()[task]
    fitting = [name for name, plan in plans.items() if reason_against(plan, module, model) is None]
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    name = left.selectbox(
        "Another strategy, or the same with other knobs",
        fitting,
        key="run.add",
        format_func=lambda each: f"{words.DIAL_TITLES[plans[each].dial]}: {each} — {plans[each].summary}",
    )
    right.button("Add", key="run.add.button", on_click=_add, args=(name,), width="stretch", disabled=not fitting)


def _add(name: str) -> None:
    state = st.session_state
    number = state["run.next"]
    taken = [state[f"run.arm.{n}.strategy"] for n in state["run.arms"]]
    arm = ArmDraft(name, f"{name} {number}" if name in taken else "", plugins.strategies()[name].levels)
    kept = list(state["run.arms"])
    _put_arms((arm,))
    state["run.arms"] = [*kept, *state["run.arms"]]


def _size(task: str) -> None:
    st.text_input("Name of the run", key="run.name", max_chars=80, **KEEP)
    one, two, three, four = st.columns(4)
    one.number_input("Problems", 1, 100_000, value=None, key="run.problems", placeholder="by budget", **KEEP)
    two.number_input("Repeats", 1, 1000, key="run.repeats", help="Runs of each problem by each arm.", **KEEP)
    three.number_input(
        "Seed", 0, 2**53 - 1, key="run.seed", help="Decides the problems, their order and sampling.", **KEEP
    )
    four.number_input("Trials at once", 1, 1024, key="run.concurrency", **KEEP)
    st.toggle("Also ask every problem once, greedily (the line to beat)", key="run.baseline", **KEEP)
    others = [name for name in plugins.tasks() if name != task]
    st.session_state["run.more_tasks"] = [name for name in st.session_state.get("run.more_tasks", []) if name in others]
    titles = {name: module.INFO.title for name, module in plugins.tasks().items()}
    st.multiselect("Further tasks", others, key="run.more_tasks", format_func=titles.__getitem__, **KEEP)
    given = st.session_state["run.given.params"]
    for name in [task, *st.session_state["run.more_tasks"]]:
        if plugins.tasks()[name].Params.model_fields:
            with st.expander(f"Parameters of “{titles[name]}”", key=f"run.open.params.{name}"):
                given[name] = controls.fields(plugins.tasks()[name].Params, f"run.params.{name}", given.get(name, {}))
    if judged(given, [task, *st.session_state["run.more_tasks"]]):
        solver = st.session_state["run.model"]
        about = "The model that grades the answers by the rubric; the experiment pays for it, no strategy does."
        st.text_input("Judge model", key="run.grader_model", placeholder=solver, help=about, **KEEP)


def _limits() -> None:
    *columns, last = st.columns(4)
    about = (
        "If given, each trial's own cap in tokens is drawn at random between this and “Tokens per trial”, evenly on a "
    )
    about += "log scale: what spend explains is then an effect of it (Compare, Variance)."
    last.number_input(
        "… drawn at random from", 1, value=None, key="run.cap.from", placeholder="fixed", help=about, **KEEP
    )
    for column, (unit, label) in zip(columns, CAPS.items(), strict=True):
        column.number_input(
            label,
            min_value=0.0001 if unit == "usd" else 1,
            value=None,
            key=f"run.cap.{unit}",
            placeholder="no cap",
            **KEEP,
        )


def draft() -> Draft:
    """The form as it stands. Raises InputError if a field cannot be read."""
    state = st.session_state
    caps: dict[str, Any] = {u: cap for u in (*CAPS, "seconds") if (cap := state.get(f"run.cap.{u}")) is not None}
    if (low := state.get("run.cap.from")) is not None:
        if "total_tokens" not in caps:
            raise InputError(
                "a random cap needs both ends: give “Tokens per trial” too, the largest cap a trial may draw"
            )
        caps["total_tokens"] = {"low": low, "high": caps["total_tokens"]}
    tasks = (state["run.task"], *state.get("run.more_tasks", []))
    return Draft(
        name=state["run.name"].strip(),
        tasks=tasks,
        model=state["run.model"],
        arms=_arms(),
        params={name: state["run.given.params"][name] for name in tasks if state["run.given.params"].get(name)},
        problems=state["run.problems"],
        unit=state["run.unit"],
        amount=state[f"run.amount.{state['run.unit']}"],
        split=state["run.split"],
        baseline=state["run.baseline"],
        repeats=state["run.repeats"],
        seed=state["run.seed"],
        concurrency=state["run.concurrency"],
        trial_budget=caps,
        grader_model=state.get("run.grader_model", "").strip(),
        **dividing.chosen(),
        **state["run.carried"],
    )


def as_toml(data: Mapping[str, Any]) -> str:
    """The experiment as the file that gives it again."""
    return spec.dump(data)
