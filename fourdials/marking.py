"""Grades the answers to one problem, each once, beside the event loop where a task says that it may take long.

Used by `ask` for checkers that know the truth, by `examiner` for checkpoints, by `regrade` for stored answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fourdials.errors import GraderError
from fourdials.grading import normal
from fourdials.records import Grade, Problem

T = TypeVar("T")

# Threads of our own: asyncio's default ones also look up host names, which must not wait for a slow grader.
_ASIDE = ThreadPoolExecutor(max_workers=8, thread_name_prefix="aside")


async def beside(task: Any, work: Callable[[], T]) -> T:
    """The result of a task's own work, done in a thread if the task says that it may take long."""
    if not task.INFO.aside:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, work)


class Marks:
    """The grades of one problem's answers. A grader that failed on an answer is not asked about it again."""

    def __init__(self, task: Any, problem: Problem) -> None:
        self._task, self._problem = task, problem
        self._held: dict[str, Grade | GraderError] = {}

    async def grade(self, answer: str) -> Grade:
        """The grade of an answer. Raises GraderError if the grader fails or takes too long."""
        await self.foresee([answer])
        return self.known(answer)

    async def foresee(self, answers: Iterable[str | None]) -> None:
        """Grades answers ahead where that may take long, so that `known` need not stop everything for them."""
        if self._task.INFO.aside:
            for answer in {answer for answer in answers if answer is not None} - self._held.keys():
                self._held[answer] = await beside(self._task, lambda answer=answer: self._graded(answer))  # type: ignore[misc]

    def known(self, answer: str) -> Grade:
        """The same at once, from what is held if it can be. Raises GraderError."""
        if answer not in self._held:
            self._held[answer] = self._graded(answer)
        held = self._held[answer]
        if isinstance(held, GraderError):
            raise GraderError(str(held)) from held
        return held

    def right(self, answer: str) -> bool:
        """What simulated verifiers take for the truth: the grade, or where a model would have to be asked for it,
        whether the answer is the reference word for word."""
        if hasattr(self._task, "examination") and self._task.examination(self._problem, answer, "chat") is not None:
            return normal(answer) == normal(str(self._problem.reference))
        return self.known(answer).outcome == "correct"

    def sound(self, thought: str) -> bool:
        """Whether the beginning of a thought can be built on; never for tasks that do not offer `sound`."""
        sound = getattr(self._task, "sound", None)
        return sound is not None and bool(sound(self._problem, thought))

    def _graded(self, answer: str) -> Grade | GraderError:
        try:
            grade: Grade = self._task.grade(self._problem, answer)
        except GraderError as error:
            return error
        return grade
