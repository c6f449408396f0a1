"""Whether a sample is an answer or a whole thought that ends with one, for the strategies of this folder."""

from __future__ import annotations

from fourdials.errors import InputError
from fourdials.plugins import Question
from fourdials.records import Prompt


def sampled(question: Question, thoughts: bool) -> Prompt:
    """The prompt of each sample. Raises InputError if thoughts are wanted and the task has no form for them."""
    if not thoughts:
        return question.answer
    if question.think is None:
        raise InputError(
            f"{question.task} has no form for thoughts in {question.format} prompts; set thoughts to false"
        )
    return question.think
