"""Prompts about what to look up next and what was found, for the strategies whose models word their own searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fourdials.plugins import Question
from fourdials.prompting import request, with_notes
from fourdials.records import Prompt, Reply

# For completion models on tasks without a form of their own. The names of these examples are in no task's world.
QUERY_COMPLETION = """\
Question: Which town does the mayor of Lyon come from?
Found: nothing
Search: mayor of Lyon

Question: Which town does the mayor of Lyon come from?
Found: Pam is the mayor of Lyon.
Search: town of Pam

Question: How many coins does the mug of Guy cost?
Found: nothing
Search: mug of Guy

Question: How many coins does the mug of Guy cost?
Found: The mug of Guy costs 3 coins.
Search: done

Question: {question}
Found: {facts}
Search:"""


def next_query(question: Question, found: Sequence[str], asked: Sequence[str], max_tokens: int) -> Prompt:
    """Asks a completion model for the next search, in the task's own form if it has one."""
    if question.lookup is not None:
        return question.lookup.query(found, asked)
    facts = " ".join(found) or "nothing"
    return request("completion", "", QUERY_COMPLETION, max_tokens=max_tokens, question=question.text, facts=facts)


def wanted(reply: Reply) -> str | None:
    """What the model wants to look up: the choice it made, or else its first line that is not empty, which may be
    empty; None if enough is known."""
    first = next((line.strip() for line in reply.text.splitlines() if line.strip()), "")
    said = first if reply.answer is None else reply.answer
    return None if said.casefold().strip(".") == "done" else said


def in_reading_order(question: Question, passages: Sequence[str]) -> list[str]:
    """Passages as they are shown: best first, but to a completion model last: it copies from what is near."""
    return list(passages if question.format == "chat" else reversed(passages))


def informed(question: Question, found: Sequence[str]) -> Question:
    """The question as a completion model is asked it, at once or after a thought, given what was found."""
    if question.lookup is not None:
        return question.lookup.informed(found)
    return replace(question, answer=with_notes(question.answer, "\n".join(found))) if found else question
