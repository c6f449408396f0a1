"""Grades the stored answers of a run once more: with another grader, a corrected table, or answers read off the replies
again. Called by the command line; `grades_without_calls` also by the page that resamples stored answers.

The journals stay as they are. What changed is appended to `edits.jsonl` in the home as one line, which the store
follows like a journal. Nothing is asked of any model, unless a model grades; its calls stand in the same file.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fourdials import __version__, plan, plugins, prices, spec, worker
from fourdials.charges import Row
from fourdials.desk import Desk, Sender
from fourdials.errors import Diverged, GraderError, InputError
from fourdials.examiner import Examiner
from fourdials.journal import EDITS, History, Journal, Record
from fourdials.ledger import Purse
from fourdials.marking import Marks
from fourdials.records import Attempt, Limits, ModelRequest, Trial
from fourdials.run import Job, TrialRun
from fourdials.store import Store

SIDE_BY_SIDE = 8
_JSON = ("request", "usage", "error")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a regrade should do.

    Attributes:
        task: Only this task; None for all.
        changes: Parameters of the tasks to change, `grader` among them.
        model: The model that grades, where one does; None for the experiment's own.
        reread: True to read the answers off the stored replies again, by playing each strategy over them.
    """

    task: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    reread: bool = False


@dataclass(frozen=True, slots=True)
class Regraded:
    """What a regrade found.

    Attributes:
        summary: By what, and instead of what.
        checked, changed, ungraded: Checkpoints graded, those whose answer, score or outcome is another now, and those
            the grader failed on.
        missing: Trials whose problem the task no longer makes.
        unread: Trials whose stored replies do not suffice to read their answers again; they keep their answers.
        calls: Calls to a grading model that were paid for.
    """

    summary: str
    checked: int
    changed: int
    ungraded: int
    missing: int
    unread: int
    calls: int


@dataclass(slots=True)
class _Work:
    """A regrade in progress: the experiment as it is graded now, what it holds, and what is found out."""

    job: Job
    purse: Purse
    stored: Mapping[str, list[Row]]
    grades: list[Row] = field(default_factory=list)
    checked: int = 0
    unread: int = 0


def regrade(store: Store, experiment_id: str, wish: Wish, sender: Sender | None = None) -> Regraded:
    """Grades again, appends what changed to the edits and takes it into the store.

    Args:
        store: With all journals landed.
        experiment_id: The run.
        wish: What to do.
        sender: What calls to a grading model go through; None for a gateway of its own.

    Raises:
        InputError: There is no such run, it is still going, or it cannot be graded like that.
        SpecError: The changed experiment has mistakes.
    """
    before = _data(store, experiment_id)
    after = _changed(before, wish)
    stands = _standing(store, experiment_id)
    experiment, summary, old, new = spec.parse(after), *_difference(before, after, wish, stands)
    stored = _checkpoints(store, experiment_id, wish.task)
    found = plan.problems(experiment)
    planned = {t.trial_id: t for t in plan.trials(experiment, experiment_id, plan.blocks(experiment, found))}
    trials = [planned[trial_id] for trial_id in stored if trial_id in planned]
    with Journal(store.home, EDITS) as edits:
        record = _Edits(edits, experiment_id)
        history = _history(store, experiment_id, wish.reread or experiment.grader_model is not None)
        job = Job(experiment, experiment_id, _Refusing(), record, history, prices.load_prices())
        job.reread = wish.reread
        work = _Work(job, Purse(Limits()), stored)
        asyncio.run(_all(work, trials, sender))
        if work.grades or old != new:
            line = {"edit_id": uuid.uuid4().hex, "experiment_id": experiment_id, "at": time.time()}
            edits.write("regrade", {**line, "summary": summary, "old": old, "new": new, "grades": work.grades})
    store.ingest()
    ungraded = sum(row["outcome"] == "grader_error" for row in work.grades)
    missing = len(stored) - len(trials)
    return Regraded(summary, work.checked, len(work.grades), ungraded, missing, work.unread, record.calls)


def grades_without_calls(store: Store, experiment_id: str) -> Callable[[str, str, str], float | None]:
    """What a run's own tasks say of an answer, for answers that no checkpoint stood at.

    Returns a function of task, problem_id and answer that gives the score in [0, 1]; None where only a model could
    tell, the grader fails, or the task no longer makes the problem.

    Raises InputError if there is no such run, and SpecError or InputError if its experiment cannot be read any more.
    """
    experiment = spec.parse(_spec(store, experiment_id))
    tasks = plugins.tasks()
    marks = {
        (task, problem.problem_id): Marks(tasks[task], problem)
        for task, found in plan.problems(experiment).items()
        for problem in found
    }
    judged = {choice.name for choice in experiment.tasks if choice.params.get("grader") == "judge"}

    def grade(task: str, problem_id: str, answer: str) -> float | None:
        held = marks.get((task, problem_id))
        if held is None or task in judged:
            return None
        try:
            return held.known(answer).score
        except GraderError:
            return None

    return grade


def _spec(store: Store, experiment_id: str) -> dict[str, Any]:
    rows = store.frame("SELECT spec FROM experiments WHERE experiment_id = $id", {"id": experiment_id})
    if rows.is_empty():
        raise InputError(f"there is no run called {experiment_id!r}; `python -m fourdials list experiments` shows all")
    data: dict[str, Any] = json.loads(rows["spec"][0])
    return data


def _data(store: Store, experiment_id: str) -> dict[str, Any]:
    """The spec of a run that is not going on. Raises InputError otherwise."""
    data = _spec(store, experiment_id)
    if worker.state(experiment_id, store.home).alive:
        raise InputError(f"{experiment_id} is still running; regrade it once it has ended")
    return data


def _changed(data: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    """The spec with the wish worked in. Raises InputError if no task takes the changes."""
    names = [task["name"] for task in data["tasks"]]
    if wish.task is not None and wish.task not in names:
        raise InputError(f"this run has no task {wish.task!r}; it has {', '.join(names)}")
    tasks, judged, taken = [], False, set[str]()
    for entry in data["tasks"]:
        module = plugins.find("task", entry["name"], plugins.tasks())
        own = wish.task in (None, entry["name"])
        fitting = {k: v for k, v in wish.changes.items() if own and k in module.Params.model_fields}
        taken |= fitting.keys()
        params = {**entry.get("params", {}), **fitting}
        tasks.append({**entry, "params": params})
        judged = judged or params.get("grader") == "judge"
    if refused := wish.changes.keys() - taken:
        asked = wish.task or ", ".join(names)
        raise InputError(f"{asked} has no setting {', '.join(sorted(refused))}; regrade it without")
    grader = (wish.model or data.get("grader_model")) if judged else None
    rest = {key: value for key, value in data.items() if key != "grader_model"}
    return {**rest, "tasks": tasks, **({"grader_model": grader} if grader else {})}


def _standing(store: Store, experiment_id: str) -> dict[str, Any]:
    """The settings that earlier regrades left, by the names they have there; others are as the run's spec says."""
    sql = 'SELECT new FROM regrades WHERE experiment_id = $id ORDER BY "at", edit_id'
    found: dict[str, Any] = {}
    for (new,) in store.frame(sql, {"id": experiment_id}).iter_rows():
        found |= json.loads(new)
    return found


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any], wish: Wish, stands: Mapping[str, Any]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What a regrade is by and instead of what stands: in words, and as settings that differ, with the version that
    grades."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for was, now in zip(before["tasks"], after["tasks"], strict=True):
        if wish.task not in (None, now["name"]):
            continue
        task = plugins.tasks()[now["name"]]
        one, two = (task.Params.model_validate(entry.get("params", {})).model_dump(mode="json") for entry in (was, now))
        for key in one:
            setting = f"{now['name']}.{key}"
            if stands.get(setting, one[key]) != two[key]:
                old[setting], new[setting] = stands.get(setting, one[key]), two[key]
    judge = stands.get("grader_model", before.get("grader_model"))
    if judge != after.get("grader_model"):
        old["grader_model"], new["grader_model"] = judge, after.get("grader_model")
    words = [f"{key} {new[key]} instead of {old[key]}" for key in new] or ["the same grader"]
    words += ["answers read again"] if wish.reread else []
    words += [f"only {wish.task}"] if wish.task else []
    return f"{', '.join(words)} (version {__version__})", old, new


def _checkpoints(store: Store, experiment_id: str, task: str | None) -> dict[str, list[Row]]:
    """The stored checkpoints of each trial that has any, in order."""
    sql = """
        SELECT c.trial_id, c.seq, c.level, c.answer, c.score, c.outcome
        FROM checkpoints AS c JOIN trials AS t ON t.trial_id = c.trial_id
        WHERE t.experiment_id = $id AND coalesce(t.task = $task, TRUE)
        ORDER BY c.trial_id, c.seq
    """
    found: dict[str, list[Row]] = {}
    for row in store.frame(sql, {"id": experiment_id, "task": task}).iter_rows(named=True):
        found.setdefault(row["trial_id"], []).append(row)
    return found


def _history(store: Store, experiment_id: str, wanted: bool) -> History:
    """The calls of a run, as a resumed one would find them in its journals; none unless wanted."""
    history = History(None)
    if wanted:
        sql = "SELECT * FROM calls WHERE experiment_id = $id AND error IS NULL ORDER BY trial_id, path, idx, segment"
        for row in store.frame(sql, {"id": experiment_id}).iter_rows(named=True):
            plain = row | {key: None if row[key] is None else json.loads(row[key]) for key in _JSON}
            history.calls[row["trial_id"]][row["path"], row["idx"]].append(plain)
    return history


async def _all(work: _Work, trials: Sequence[Trial], sender: Sender | None) -> None:
    job = work.job
    gateway = None
    judge = job.experiment.models.get(job.experiment.grader_model or "")
    if judge is not None and sender is None:
        from fourdials.gateway import Gateway  # litellm comes with it, which other graders can do without

        sender = gateway = Gateway(job.price_rows)
        if problems := gateway.check([judge]):
            raise InputError("; ".join(problems))
        await gateway.open([judge])
        job.price_rows = (*job.price_rows, *gateway.mapped_prices([judge]))
    job.sender = _Refusing(sender)
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(trial: Trial) -> None:
        async with places:
            await (_read_again if job.reread else _graded_again)(work, trial)

    try:
        await asyncio.gather(*(one(trial) for trial in trials))
    finally:
        if gateway is not None:
            await gateway.close()
    work.grades.sort(key=lambda row: (row["trial_id"], row["seq"]))


async def _graded_again(work: _Work, trial: Trial) -> None:
    """The stored answers of a trial under the grader there is now."""
    examiner = _examiner(work, trial)
    for row in work.stored[trial.trial_id]:
        if row["answer"] is None:  # nothing to grade; only reading the reply again could find an answer
            continue
        try:
            grade = await examiner.grade(row["answer"], row["level"])
            _note(work, row, row | {"score": grade.score, "outcome": grade.outcome})
        except GraderError:
            _note(work, row, row | {"score": None, "outcome": "grader_error"})


def _examiner(work: _Work, trial: Trial) -> Examiner:
    job, models = work.job, work.job.experiment.models
    desk = Desk(
        trial=trial,
        lineup={part: models[model] for part, model in trial.arm.lineup.items()},
        sender=job.sender,
        journal=job.journal,
        purse=Purse(Limits()),
        price_rows=job.price_rows,
        seed=job.experiment.seed,
        replayed=job.history.calls.get(trial.trial_id, {}),
    )
    return Examiner(desk, models.get(job.experiment.grader_model or ""), work.purse)


async def _read_again(work: _Work, trial: Trial) -> None:
    """The trial's strategy over its stored replies. One that would ask something else now keeps what it had."""
    heard = _Heard(work.job.journal)
    trial_run = TrialRun(replace(work.job, journal=heard), replace(trial, limits=Limits()), work.purse)
    await trial_run.advance(trial.max_level)
    stored = work.stored[trial.trial_id]
    if len(heard.checkpoints) < len(stored):  # a cap came before its first verdict: there are no caps in replies
        await trial_run.answer_offered()
    await trial_run.close()
    found = heard.checkpoints[: len(stored)]
    if [row["level"] for row in found] != [row["level"] for row in stored]:
        work.unread += 1
        return
    for old, new in zip(stored, found, strict=True):
        _note(work, old, new)


def _note(work: _Work, old: Row, new: Row) -> None:
    work.checked += 1
    shown = ("answer", "score", "outcome")
    if any(old[key] != new[key] for key in shown):
        named = {"trial_id": old["trial_id"], "seq": old["seq"]}
        was = {f"old_{key}": old[key] for key in shown}
        work.grades.append({**named, **was, **{key: new[key] for key in shown}})


class _Refusing:
    """Lets calls to a grading model through; whatever else a strategy asks was never asked before."""

    def __init__(self, judge: Sender | None = None) -> None:
        self._judge = judge

    async def send(self, request: ModelRequest, record: Callable[[Attempt], None]) -> Attempt:
        """Sends a grading call. Raises Diverged for any other."""
        if request.role != "grade" or self._judge is None:
            raise Diverged("the strategy asks something that the journal holds no reply to")
        return await self._judge.send(request, record)


class _Edits:
    """The edits as a record for calls: their lines name the experiment, and are counted."""

    def __init__(self, edits: Journal, experiment_id: str) -> None:
        self._edits, self._experiment_id = edits, experiment_id
        self.calls = 0

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Appends calls, and that they were started."""
        if kind in ("calls", "started"):
            self._edits.write(kind, {**fields, "experiment_id": self._experiment_id})
            self.calls += sum(row["error"] is None for row in fields.get("rows", ()))

    def text(self, text: str) -> str | dict[str, str]:
        """As in a journal."""
        return self._edits.text(text)


class _Heard:
    """A record that keeps checkpoints to itself and passes grading calls on."""

    def __init__(self, edits: Record) -> None:
        self._edits = edits
        self.checkpoints: list[Row] = []

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Keeps or passes a line."""
        if kind == "checkpoint":
            self.checkpoints.append(dict(fields))
        elif kind in ("calls", "started"):
            self._edits.write(kind, fields)

    def text(self, text: str) -> str | dict[str, str]:
        """As in a journal."""
        return self._edits.text(text)
