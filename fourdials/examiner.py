"""Grades a trial's checkpoints: by the task itself, or by asking a model where the task is graded by one.

Called by `run` for each checkpoint and by `regrade` for stored ones. Calls to a grading model have the role `grade`;
they stand in the journal beside the trial's own, and only the experiment's budget pays for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from fourdials.ask import Branch
from fourdials.charges import Order, Row
from fourdials.desk import Desk
from fourdials.errors import BudgetExhausted, GraderError, ModelError
from fourdials.ledger import Purse
from fourdials.records import Grade, Limits, Model, Prompt

PLACE = "grade"  # begins the path of its calls; a strategy's branches are called '' or begin with '/'


class Examiner:
    """Grades the answers of one trial, each once: the path of a call holds the hash of what it asks, so that
    a verdict given before is found again, whatever order answers come in.

    Args:
        desk: The trial's desk: its task, problem, sender, journal and replayed calls.
        judge: The model that grades, None if the experiment has none.
        purse: The experiment's, which pays.
        failed: Rows of failed attempts of earlier starts.
    """

    def __init__(self, desk: Desk, judge: Model | None, purse: Purse, failed: Sequence[Row] = ()) -> None:
        self._solving = desk
        self._judge = judge
        self._purse = purse
        self._failed = failed
        self._held: dict[str, Grade | GraderError] = {}
        self._desk: Desk | None = None

    async def grade(self, answer: str, level: int) -> Grade:
        """The grade of an answer given at this level. Raises GraderError if there is none to be had."""
        desk, problem = self._solving, self._solving.trial.problem
        format = self._judge.format if self._judge is not None else "chat"
        prompt = desk.task.examination(problem, answer, format) if hasattr(desk.task, "examination") else None
        if prompt is None:
            return await desk.marks.grade(answer)
        if answer not in self._held:
            try:
                reply = await self._ask(prompt)(prompt, role="grade", level=level, part="grader", after=())
                self._held[answer] = desk.task.verdict(problem, reply.text)
            except GraderError as error:
                self._held[answer] = error
            except (ModelError, BudgetExhausted) as error:
                self._held[answer] = GraderError(f"the grading model gave no verdict: {error}")
        held = self._held[answer]
        if isinstance(held, GraderError):
            raise GraderError(str(held)) from held
        return held

    def _ask(self, prompt: Prompt) -> Branch:
        """Where this prompt is asked, or was."""
        if self._judge is None:
            raise GraderError("a model grades this task, and the experiment names none as `grader_model`")
        asked = Order(self._judge, "grader", prompt, "grade", 0.0, (0,), False, PLACE, 0, ())
        if self._desk is None:
            self._desk = self._grading(self._judge)
        return Branch(self._desk, f"{PLACE}:{asked.hash}")

    def _grading(self, judge: Model) -> Desk:
        solving = self._solving
        desk = Desk(
            trial=solving.trial,
            lineup={"solver": judge, "grader": judge},
            sender=solving.sender,
            journal=solving.journal,
            purse=Purse(Limits(), parent=self._purse),
            price_rows=solving.price_rows,
            seed=solving.seed,
            replayed={place: rows for place, rows in solving.replayed.items() if place[0].startswith(PLACE)},
        )
        for row in self._failed:
            desk.take([row])
        return desk
