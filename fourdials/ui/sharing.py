"""The Share page's parts: a selection sent as a snapshot, report or table; files of others taken in."""

from __future__ import annotations

import datetime
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from fourdials.errors import InputError
from fourdials.ui import access, controls, curves, data, pricing, tables, words

MOST_UPLOAD_MB = 200
Selection = Mapping[str, Sequence[str] | None]


def choose(experiment: Mapping[str, Any]) -> curves.View:
    """Which tasks and arms of the run go along."""
    tasks = experiment["tasks"]
    own = experiment["experiment_id"]
    chosen = controls.linked_many(st.multiselect, "Tasks", tasks, param="tasks", scope=own)
    return curves.View(own, tasks=chosen, arms=tables.choose_arms(data.frame("arms", experiment_ids=[own])))


def snapshot(view: curves.View, name: str) -> None:
    """Makes the file somebody else can open, of this run or of several."""
    st.markdown(
        "**A snapshot** is one file with every trial, call and price of the selection. Others open it under Share, "
        "compare it with their runs and start from it. Its content id names exactly this data."
    )
    others = _others(view)
    texts = controls.linked_value(
        st.toggle,
        "Include prompts and replies",
        param="texts",
        default=True,
        read={"yes": True, "no": False}.get,
        write=lambda on: "yes" if on else "no",
    )
    if not texts:
        st.caption("Questions, prompts, replies and error messages stay here; answers, scores and costs go along.")
    key = f"snapshot.{texts}.{'.'.join(others)}"
    made = _offer(key, view, lambda: _snapshot(view, others, texts), "Make the snapshot")
    if made:
        content, content_id = made
        _save("Save the snapshot", content, f"{_stem(name)}.fourdials", "application/zip")
        st.caption(f"Content id: {content_id}")


def report(view: curves.View, name: str) -> None:
    """Makes the page that needs nothing installed, of the tab of Compare that is chosen."""
    from fourdials import viewed

    st.markdown(
        "**A report** is one web page with the figures to explore, the tables behind them, how it was measured, how to "
        "cite and how to repeat it. It opens from a disk, offline, in any browser."
    )
    arms = data.frame("arms", experiment_ids=[view.experiment_id])
    units, why_not = pricing.offered(arms if view.arms is None else arms.filter(arms["arm"].is_in(list(view.arms))))
    unit = controls.linked_choice(
        st.selectbox, "Spend in", units, param="unit", default=units[0], format_func=words.UNITS.get, help=why_not
    )
    pricing.choose()  # it stands in the address
    shown = controls.linked_choice(
        st.selectbox,
        "What it shows",
        list(viewed.VIEWS),
        param="report",
        default="Curves",
        help="A tab of Compare. Its arms, budget and cost are those of the address: follow the link below the tab.",
    )
    more = {name: st.query_params[name] for name in viewed.SAID if name in st.query_params}
    offered = set(arms["arm"] if view.arms is None else view.arms)
    more = {name: said for name, said in more.items() if name not in ("a", "b", "curve") or said in offered}
    key = f"report.{unit}.{shown}.{sorted(more.items())}"
    made = _offer(key, view, lambda: _report(view, unit, shown, more), "Make the report")
    if made:
        _save("Save the report", made, f"{_stem(name)}.html", "text/html")


def rows(view: curves.View, name: str) -> None:
    """The curve's numbers and the tables themselves."""
    st.markdown(
        "**Numbers**: the points of the curves. A picture of a figure, PNG or SVG, is saved with the camera that "
        "appears over it on Compare."
    )
    curve = curves.drawn(view).curve
    if curve.is_empty():
        st.caption("There is no curve yet.")
        return
    buffer = io.BytesIO()
    curve.write_parquet(buffer)
    with st.container(horizontal=True):
        _save("CSV", curve.write_csv(), f"{_stem(name)}.csv", "text/csv")
        _save("Parquet", buffer.getvalue(), f"{_stem(name)}.parquet", "application/octet-stream")


def take_in() -> None:
    """Takes a file from somebody else, and lists those taken before."""
    from fourdials import snapshot as snapshots

    if told := st.session_state.pop("share.told", None):
        st.success(told, icon=":material/check:")
    if access.gate("open files here"):
        file = st.file_uploader("A file", type=["fourdials", "jsonl", "eval"], key="share.upload")
        if file is not None:
            options = None if file.name.endswith(".fourdials") else _options(file.name)
            if st.button("Open it here", type="primary", icon=":material/folder_open:"):
                _install(file.getvalue(), file.name, options)
    for manifest in snapshots.installed(data.store().home):
        with st.container(border=True):
            _installed(manifest)


def _options(name: str) -> dict[str, Any]:
    """What a person may say about a file of samples, as arguments of `importing.Options`."""
    asked = {"name": "Name of the run", "model": "Model, if the file names none", "task": "Task, if it names none"}
    asked |= {"score": "Metric or scorer, if not the first"} | ({} if name.endswith(".eval") else {"filter": "Filter"})
    with st.expander("What the file does not say itself", icon=":material/tune:"):
        given: dict[str, Any] = {key: st.text_input(label, key=f"share.{key}").strip() for key, label in asked.items()}
        if name.endswith(".jsonl"):
            told = "One FIELD=COLUMN a line, such as score=passed. Usual names are known."
            lines = st.text_area("Columns with other names", key="share.columns", help=told).splitlines()
            pairs = [[part.strip() for part in line.partition("=")[::2]] for line in lines if line.strip()]
            given["columns"] = dict(pairs)
    return given


def _installed(manifest: Any) -> None:
    day = words.moment(manifest.created_at)
    st.markdown(f"**{words.plain(', '.join(run.name for run in manifest.runs))}**")
    texts = "with prompts and replies" if manifest.texts else "without prompts and replies"
    st.caption(f"Made {day} by Four Dials {words.plain(manifest.version)}, {texts}. Id {manifest.content_id[:16]}…")
    for run in manifest.runs:
        _withheld(run.experiment_id)
    with st.container(horizontal=True):
        query = {"experiment": manifest.runs[0].experiment_id}
        st.page_link("pages/compare.py", label="Compare", icon=":material/stacked_line_chart:", query_params=query)
        if access.workshop():
            st.page_link("pages/run.py", label="Start from it", icon=":material/content_copy:", query_params=query)
        if access.allowed():
            st.button("Remove", icon=":material/delete:", key=manifest.content_id, on_click=_remove, args=(manifest,))


def _withheld(experiment_id: str) -> None:
    from fourdials import withheld

    found = withheld.of(experiment_id, data.store().home)
    if not found:
        return
    st.warning(
        "Its experiment named addresses, key variables or programs of another computer. They were left out. Addresses "
        "can be put back here; the others only by hand, in a copy, if you trust them.",
        icon=":material/shield:",
    )
    st.code("\n".join(f"{each.place} = {each.value}" for each in found), language=None, wrap_lines=True)
    addresses = {each.value for each in found if each.address}
    if addresses and access.allowed():
        st.button(
            f"Use {'this address' if len(addresses) == 1 else f'these {len(addresses)} addresses'}",
            icon=":material/lock_open:",
            key=f"confirm.{experiment_id}",
            on_click=_confirm,
            args=(experiment_id,),
            help="Runs you start from this one would then send their prompts there. No key of yours goes along unless "
            "you name one for it.",
        )


def _confirm(experiment_id: str) -> None:
    from fourdials import withheld

    access.require()
    back = withheld.confirm(experiment_id, data.store())
    told = ", ".join(sorted({words.plain(each.value) for each in back}))
    st.session_state["share.told"] = f"Runs started from it will call {told}."


def _remove(manifest: Any) -> None:
    from fourdials import snapshot as snapshots

    access.require()
    snapshots.remove(manifest.content_id, data.store())


def _install(content: bytes, name: str, options: Mapping[str, Any] | None) -> None:
    from fourdials import importing
    from fourdials import snapshot as snapshots

    access.require()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        try:
            with st.spinner("Checking the file …"):
                if options is None:
                    told = f"{words.plural(len(snapshots.install(path, data.store()).runs), 'run')} can now be read"
                    told += " and compared, marked as recorded."
                else:
                    found = importing.install(path, data.store(), options=importing.Options(**options))
                    told = (
                        f"{words.plural(found.samples, 'sample')} of {words.plural(found.problems, 'problem')} can now "
                    )
                    told += f"be read and compared, marked as imported. {words.plain('; '.join(found.notes))}"
        except InputError as error:
            st.error("This file was not taken; nothing has changed.", icon=":material/block:")
            st.code(str(error), language=None, wrap_lines=True)
            return
    st.session_state["share.told"] = told
    st.rerun()


def _offer(key: str, view: curves.View, make: Callable[[], Any], label: str) -> Any:
    """What `make` gives, once its button was pressed and for as long as the view and the data stay the same."""
    now = (key, view, data.store().version())
    if st.button(label, icon=":material/build:", key=f"share.make.{key}"):
        try:
            with st.spinner("Working …"):
                st.session_state["share.made"] = (now, make())
        except InputError as error:
            st.error(words.plain(str(error)), icon=":material/block:")
    held = st.session_state.get("share.made")
    return held[1] if held and held[0] == now else None


def _others(view: curves.View) -> tuple[str, ...]:
    """Further runs that go into the same file, each as a whole."""
    runs = data.frame("experiments")
    known = controls.labels(
        row for row in runs.iter_rows(named=True) if row["trials_done"] and row["experiment_id"] != view.experiment_id
    )
    if not known:
        return ()
    picked = controls.linked_many(
        st.multiselect,
        "Other runs in the same file",
        list(known),
        param="with",
        scope=view.experiment_id,
        at_first=(),
        format_func=known.__getitem__,
        placeholder="None",
    )
    others = tuple(known) if picked is None else picked
    if others and (view.tasks or view.arms):
        st.caption("With other runs every run goes along as a whole, with the tasks and arms left out above.")
    return others


def _snapshot(view: curves.View, others: tuple[str, ...], texts: bool) -> tuple[bytes, str]:
    from fourdials import snapshot as snapshots

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.fourdials"
        tasks, arms = (None, None) if others else (view.tasks, view.arms)
        made = snapshots.write(data.store(), [view.experiment_id, *others], path, texts=texts, tasks=tasks, arms=arms)
        return path.read_bytes(), made.content_id


def _report(view: curves.View, unit: str, shown: str, more: Mapping[str, str]) -> str:
    from fourdials import report as reports

    chosen = {"tasks": view.tasks, "arms": view.arms}
    return reports.html_of(data.store(), view.experiment_id, unit=unit, view=shown, more=more, **chosen)


def _save(label: str, content: bytes | str, name: str, kind: str) -> None:
    st.download_button(label, content, name, kind, icon=":material/download:", key=f"share.save.{label}")


def _stem(name: str) -> str:
    kept = "".join(sign if sign.isalnum() else "-" for sign in name.lower()).strip("-")[:40] or "run"
    return f"{kept}-{datetime.date.today().isoformat()}"
