"""Runs an experiment: drives the generators of its trials as the allocator grants, grades checkpoints, journals all.

Called by the worker process, with a gateway, a journal and what earlier journals hold; a run that was killed anywhere
and called again ends with the same rows as one that was never killed, times apart.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from fourdials import header, plan, plugins
from fourdials.allotment import Allotment, allot, unit_of
from fourdials.ask import Branch
from fourdials.charges import Row, spent
from fourdials.desk import Desk, Sender
from fourdials.endings import Ending, Tally
from fourdials.errors import (
    BudgetExhausted,
    ContentRefused,
    ContextTooLong,
    Diverged,
    GraderError,
    ModelError,
)
from fourdials.examiner import Examiner
from fourdials.journal import History, Record
from fourdials.ledger import Purse
from fourdials.models.redaction import recorded
from fourdials.plugins import Grant
from fourdials.records import (
    EXCLUDED_OUTCOMES,
    Checkpoint,
    Experiment,
    Grade,
    Outcome,
    Price,
    Trial,
)

Tell = Callable[[str, Mapping[str, Any]], None]


@dataclass(slots=True)
class Job:
    """A run in progress: what is run, with what, and where it is written.

    Attributes:
        history: Journals of earlier starts of the same run.
        tell: Called with `planned`, each `status` and each `trial` line, for progress displays.
        stop: Set from outside to end the run cleanly after the calls in flight are cancelled.
        reread: True to read answers off replayed replies once more (`regrade`).
    """

    experiment: Experiment
    experiment_id: str
    sender: Sender
    journal: Record
    history: History
    price_rows: Sequence[Price] = ()
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    tell: Tell = lambda kind, fields: None
    retry_errors: bool = False
    retry_capped: bool = False
    reread: bool = False


class TrialRun:
    """One trial: its generator, which stands still between grants."""

    def __init__(self, job: Job, trial: Trial, purse: Purse) -> None:
        self.trial = trial
        self._job = job
        lineup = {part: job.experiment.models[model] for part, model in trial.arm.lineup.items()}
        self.desk = Desk(
            trial=trial,
            lineup=lineup,
            sender=job.sender,
            journal=job.journal,
            purse=Purse(trial.limits, parent=purse),
            price_rows=job.price_rows,
            seed=job.experiment.seed,
            replayed=job.history.calls.get(trial.trial_id, {}),
            reread=job.reread,
        )
        failed = job.history.failed.get(trial.trial_id, ())
        for row in failed:
            if row["role"] != "grade":
                self.desk.take([row])
        judge = job.experiment.models.get(job.experiment.grader_model or "")
        self.examiner = Examiner(self.desk, judge, purse, [r for r in failed if r["role"] == "grade"])
        self.last = Checkpoint(0)
        self.unseen: list[Checkpoint] = []  # by the allocator
        self._mark: Grade | None = None
        self._ungraded: GraderError | None = None
        self._started_at = time.time()
        self._checkpoints = 0
        self._generator: AsyncGenerator[Checkpoint, int] | None = None

    async def advance(self, up_to: int) -> Ending | None:
        """Drives the generator to the granted level. Returns how the trial ended, or None if it may go on."""
        end = await self._ending(min(up_to, self.trial.max_level))
        if end is not None and end.failure is None and self._ungraded is not None:
            return Ending(end.stop_reason, "grader_error", recorded(self._ungraded, "grader"))
        return end

    async def _ending(self, up_to: int) -> Ending | None:
        try:
            try:
                return await self._advance(up_to)
            except BudgetExhausted:
                await self.answer_offered()
                raise
        except BudgetExhausted as error:
            return Ending("capped", error=recorded(error, "budget"))
        except ContextTooLong as error:
            return Ending("capped", error=recorded(error, "model"))
        except ContentRefused as error:
            return Ending("error", None if self._checkpoints else "refused", recorded(error, "model"))
        except ModelError as error:
            return Ending("error", "infra_error", recorded(error, "model"))
        except GraderError as error:
            return Ending("error", "grader_error", recorded(error, "grader"))
        except Diverged as error:
            return Ending("diverged", "infra_error", recorded(error, "replay"))
        except Exception as error:  # noqa: BLE001 - the one broad handler: a plug-in's fault is data, told apart by boundary
            return Ending("error", "infra_error", recorded(error, "plug-in"))

    async def _advance(self, granted: int) -> Ending | None:
        try:
            checkpoint = await (self._open() if self._generator is None else self._generator.asend(granted))
            while True:
                await self._keep(checkpoint)
                if checkpoint.final:
                    return Ending("finished")
                if checkpoint.level >= self.trial.max_level:
                    return Ending("max_level")
                if checkpoint.level >= granted:
                    return None
                assert self._generator is not None
                checkpoint = await self._generator.asend(granted)
        except StopAsyncIteration:
            return Ending("finished")

    async def answer_offered(self) -> None:
        """Where a cap came before the first answer, answers with what was offered most often, the earliest on a tie."""
        await self.desk.close()  # what branches still wait for is paid for as well
        if self.last.answer is None and self.desk.offered:
            cast = [(self.desk.ballot(answer), level, answer) for level, answer in self.desk.offered]
            [(winner, _)] = Counter(ballot for ballot, *_ in cast).most_common(1)
            level, answer = next((level, answer) for ballot, level, answer in cast if ballot == winner)
            await self._keep(Checkpoint(max(level, self.last.level), answer, detail={"at the cap": "not judged"}))

    async def _open(self) -> Checkpoint:
        trial, lineup = self.trial, self.desk.lineup
        task, solver = self.desk.task, lineup["solver"]
        asked = task.question(trial.problem, trial.arm.access, solver.format)
        question = replace(asked, ballot=self.desk.ballot)
        play = plugins.strategies()[trial.arm.strategy].play
        self._generator = play(question, Branch(self.desk), **trial.arm.knobs)
        return await anext(self._generator)

    async def _keep(self, checkpoint: Checkpoint) -> None:
        """Grades and journals a checkpoint; level 0 without an answer is the start, and is not kept.

        Where the grader fails the strategy goes on as if nothing had been: its answers are stored, to be graded again.
        """
        if checkpoint.level == 0 and checkpoint.answer is None:
            return
        try:
            self._mark = await self._grade(checkpoint)
        except GraderError as error:
            self._mark, self._ungraded = None, self._ungraded or error
        score, outcome = (self._mark.score, self._mark.outcome) if self._mark else (None, "grader_error")
        fields = {"trial_id": self.trial.trial_id, "seq": self._checkpoints, "level": checkpoint.level}
        graded = {"answer": checkpoint.answer, "score": score, "outcome": outcome}
        self._job.journal.write("checkpoint", {**fields, **graded, "detail": dict(checkpoint.detail)})
        self._checkpoints += 1
        self.last = checkpoint
        self.unseen.append(checkpoint)

    async def _grade(self, checkpoint: Checkpoint) -> Grade:
        if checkpoint.answer is None:
            return self._nothing()
        return await self.examiner.grade(checkpoint.answer, checkpoint.level)

    def _nothing(self) -> Grade:
        """No answer scores 0, with the reason why there is none."""
        unread: dict[str | None, Outcome] = {None: "unanswered", "length": "truncated", "content_filter": "refused"}
        return Grade(0.0, unread.get(self.desk.unread, "unparsed"))

    async def close(self) -> None:
        """Ends the generator wherever it is."""
        if self._generator is not None:
            await self._generator.aclose()

    def row(self, end: Ending) -> Row:
        """The trial's line for the journal."""
        trial, now = self.trial, time.time()
        grade = None if end.failure else self._nothing() if self.last.answer is None else self._mark
        bill = asdict(self.desk.bill)
        return {
            "trial_id": trial.trial_id,
            "experiment_id": trial.experiment_id,
            "task": trial.problem.task,
            "problem_id": trial.problem.problem_id,
            "cluster_id": trial.problem.cluster_id,
            "difficulty": trial.problem.difficulty,
            "arm": trial.arm.name,
            "strategy": trial.arm.strategy,
            "dial": trial.arm.dial,
            "nested": trial.arm.nested,
            "access": trial.arm.access,
            "knobs": trial.arm.knobs,
            "lineup": trial.arm.lineup,
            "model": trial.arm.lineup["solver"],
            "repeat": trial.repeat,
            "block": trial.block,
            "max_level": trial.max_level,
            "cap_tokens": trial.cap_tokens,
            "outcome": end.failure or (grade.outcome if grade else "unanswered"),
            "stop_reason": end.stop_reason,
            "score": _score(end, grade),
            "answer": self.last.answer,
            "level": self.last.level,
            **bill,
            "wall_s": now - self._started_at,
            "started_at": self._started_at,
            "finished_at": now,
            "error": end.error,
        }


def _score(end: Ending, grade: Grade | None) -> float | None:
    if end.failure in ("infra_error", "grader_error"):
        return None
    return grade.score if grade else 0.0


def prepare(job: Job) -> list[Trial]:
    """Plans all trials and writes what the run is; done before a worker queues, so that a waiting run is seen."""
    found = plan.problems(job.experiment)
    order = plan.blocks(job.experiment, found)
    trials = list(plan.trials(job.experiment, job.experiment_id, order))
    earlier = job.history.header
    created_at = earlier["created_at"] if earlier else time.time()
    header.write(job.journal, job.experiment, job.experiment_id, created_at, job.price_rows, found, len(trials))
    return trials


async def run(job: Job, trials: Sequence[Trial]) -> str:
    """Runs all trials that are still open and returns the final status: `finished`, `stopped` or `failed`."""
    write_status(job, "running")
    open_trials = [trial for trial in trials if not _ended(job, trial)]
    allotment = allot(job.experiment, trials)
    if allotment.divides:  # it decides by all it has seen, so all trials are played again, from the journal
        open_trials = list(trials)
    else:
        allotment = allot(job.experiment, open_trials)
    purse = Purse(job.experiment.budget, strict=not allotment.divides)
    # All of it at once: trials that are taken up again later must not find room that was spent long ago.
    purse.charge(spent([row for calls in job.history.calls.values() for rows in calls.values() for row in rows]))
    job.tell("planned", {"trials": len(trials), "ended": len(trials) - len(open_trials)})
    status, detail = await _Scheduler(job, open_trials, purse, allotment).run()
    write_status(job, status, detail)
    return status


def write_status(job: Job, status: str, detail: str | None = None) -> None:
    """Journals what the run is doing: queued, running, finished, stopped or failed."""
    fields = {"experiment_id": job.experiment_id, "status": status, "detail": detail, "at": time.time()}
    job.journal.write("status", fields)
    job.tell("status", fields)


def _ended(job: Job, trial: Trial) -> bool:
    """True if an earlier start ended the trial for good; trials to be taken up again are reset in the journal."""
    line = job.history.ended.get(trial.trial_id)
    if line is None:
        return False
    again = (job.retry_errors and line["outcome"] in EXCLUDED_OUTCOMES) or (
        job.retry_capped and (line["stop_reason"] in ("capped", "stopped") or line["outcome"] == "grader_error")
    )
    if again:
        job.journal.write("reset", {"trial_id": trial.trial_id})
    return not again


async def _all(workers: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.gather(*workers)


class _Scheduler:
    """Keeps `concurrency` trials going on the allocator's grants."""

    def __init__(self, job: Job, trials: Sequence[Trial], purse: Purse, allotment: Allotment) -> None:
        self._job = job
        self._trials = {trial.trial_id: trial for trial in trials}  # those that have not ended
        self._purse = purse
        self._paused: dict[str, TrialRun] = {}
        self._allotment = allotment
        self._running = 0
        self._turn = asyncio.Condition()
        self._tally = Tally()

    async def run(self) -> tuple[str, str | None]:
        """The final status and its detail."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._job.experiment.concurrency)]
        stopper = asyncio.create_task(self._job.stop.wait())
        everything = asyncio.create_task(_all(workers))
        await asyncio.wait([everything, stopper], return_when=asyncio.FIRST_COMPLETED)
        stopper.cancel()
        stopped = not everything.done()
        for worker in workers:
            worker.cancel()  # where one failed (a full disk) the others end as well
        fault, *_ = await asyncio.gather(everything, *workers, return_exceptions=True)
        await asyncio.gather(*(trial.close() for trial in self._paused.values()))
        if stopped:
            return "stopped", "stopped on request"
        if fault is not None:
            raise fault
        if self._allotment.divides and self._tally.failure is None:
            await self._end_rest()
        return self._tally.verdict(self._purse.empty)

    async def _end_rest(self) -> None:
        """Ends the trials that were granted no more where they stand: with their answer, or with none."""
        for trial in list(self._trials.values()):
            trial_run = self._paused.pop(trial.trial_id, None) or TrialRun(self._job, trial, self._purse)
            await self._end(trial_run, Ending("stopped"))

    async def _work(self) -> None:
        while (grant := await self._next()) is not None:
            trial_run = self._paused.pop(grant.trial_id, None)
            if trial_run is None:
                trial_run = TrialRun(self._job, self._trials[grant.trial_id], self._purse)
            try:
                end = await trial_run.advance(grant.up_to)
            except asyncio.CancelledError:
                await trial_run.close()
                raise
            if self._job.stop.is_set() and end is not None and end.failure == "infra_error":
                await trial_run.close()  # a library made an error of the cancellation: the trial stays open
                return
            await self._told(trial_run, end)

    async def _next(self) -> Grant | None:
        """The next grant; None once nothing runs and none is left, or the run was stopped, has failed or is spent."""
        async with self._turn:
            while self._tally.failure is None and not self._job.stop.is_set():
                if self._purse.empty and not self._allotment.divides:
                    break  # what divides the budget itself may still have grants that were paid for before
                grants = self._allotment.grants(1)
                if grants:
                    self._running += 1
                    return grants[0]
                if self._running == 0:
                    break
                await self._turn.wait()
            self._turn.notify_all()
            return None

    async def _told(self, trial_run: TrialRun, end: Ending | None) -> None:
        if end is None:
            self._paused[trial_run.trial.trial_id] = trial_run
        score = None if end is None else await self._end(trial_run, end)
        spent = getattr(trial_run.desk.purse.spent, unit_of(self._job.experiment.budget))
        seen, trial_run.unseen = trial_run.unseen, []
        if self._allotment.observe(trial_run.trial.trial_id, seen, spent, end is not None, score):
            trial_run.desk.step("calibration", trial_run.last.level, {"score": score})
        async with self._turn:
            self._running -= 1
            self._turn.notify_all()

    async def _end(self, trial_run: TrialRun, end: Ending) -> float | None:
        """Closes a trial and writes its line; returns its score."""
        await trial_run.close()
        await trial_run.desk.close()
        trial_run.desk.judge(trial_run.last.level)
        row = trial_run.row(end)
        self._trials.pop(trial_run.trial.trial_id)
        self._job.journal.write("trial", row)
        self._job.tell("trial", row)
        self._tally.count(end, row["calls"])
        score: float | None = row["score"]
        return score
