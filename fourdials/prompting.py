"""Builds one prompt from another, in both formats. Strategies keep their wording; this keeps the form."""

from __future__ import annotations

import re
from dataclasses import replace

from fourdials.plugins import Question
from fourdials.records import Format, Message, Prompt

BEGUN = "begun"  # the key of a prompt that asks about the beginning of a thought is `begun:` and that beginning

_PLACE = re.compile(r"\{(\w+)\}")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")


def follow_up(prompt: Prompt, reply: str, request: str, *, max_tokens: int) -> Prompt:
    """The prompt, the reply it got, and a free-text request about it."""
    if prompt.messages:
        turns = (*prompt.messages, Message("assistant", reply), Message("user", request))
        return Prompt(messages=turns, max_tokens=max_tokens, key="free")
    text = f"{prompt.text}{_spaced(reply)}\n{request}"
    return Prompt(text=text, stop=("\n",), max_tokens=max_tokens, key="free")


def ask_again(question: Question, before: Prompt, reply: str, request: str) -> Prompt:
    """After `before` and its `reply`, asks for the question's answer once more, read like a direct answer.

    A completion model has no turns: it is shown what came before and then the question's own answer prompt. One whose
    alphabet has no words for that is asked afresh.
    """
    if question.tight:
        return question.answer
    if before.messages:
        turns = (*before.messages, Message("assistant", reply), Message("user", request))
        return replace(question.answer, messages=turns)
    return replace(question.answer, text=f"{before.text}{_spaced(reply)}\n\n{question.answer.text}")


def force(question: Question, thought: str, request: str) -> Prompt:
    """Cuts a thought and asks for the answer right away, as `question.think` would have ended it."""
    assert question.think is not None
    think = question.think
    if think.messages:
        turns = (*think.messages, Message("assistant", thought or "…"), Message("user", request))
        return replace(question.answer, messages=turns)
    joined = thought if question.tight else f"{_spaced(thought.rstrip())}\n"
    text = f"{think.text}{joined}{question.answer_mark}"
    return replace(question.answer, text=text)


def go_on(prompt: Prompt, so_far: str, nudge: str, *, prefill: bool) -> Prompt:
    """Shows a thought so far and lets it go on after `nudge`: as raw text, as the start of the assistant's own reply if
    the model can continue that, else by asking in a turn."""
    if not prompt.messages:
        return replace(prompt, text=f"{prompt.text}{_spaced(so_far.rstrip())}{_spaced(nudge)}")
    if prefill:
        return replace(prompt, messages=(*prompt.messages, Message("assistant", f"{so_far.rstrip()} {nudge}".strip())))
    turns = (Message("assistant", so_far or "…"), Message("user", nudge))
    return replace(prompt, messages=(*prompt.messages, *turns))


def resume(question: Question, so_far: str, nudge: str, *, prefill: bool) -> Prompt:
    """Lets a thought go on where it was cut, or begin; `nudge` asks for that where it takes a turn of its own."""
    assert question.think is not None
    if not so_far:
        return question.think
    if question.tight:
        return replace(question.think, text=question.think.text + so_far)
    by_turn = question.format == "chat" and not prefill
    return go_on(question.think, so_far, nudge if by_turn else "", prefill=prefill)


def sentences(text: str) -> list[str]:
    """The sentences of a text, a line break ending one as well."""
    return [part.strip() for part in _SENTENCE_ENDS.split(text) if part.strip()]


def with_notes(prompt: Prompt, notes: str) -> Prompt:
    """The prompt with notes: at the end of the last turn, or above the line a completion model continues."""
    if prompt.messages:
        *turns, last = prompt.messages
        return replace(prompt, messages=(*turns, Message(last.role, f"{last.content}\n\n{notes}")))
    above, break_line, cue = prompt.text.rpartition("\n")
    return replace(prompt, text=f"{above}{break_line}{notes}\n{cue}")


def in_context(question: Question, prompt: Prompt, text: str) -> Prompt:
    """The prompt with another text in the place of the question's context. Raises ValueError if it does not hold it."""
    context = question.context
    if not context or context not in prompt.shown:
        raise ValueError(f"the prompt of {question.task} does not hold its context; a task that offers one shows it")
    turns = tuple(replace(turn, content=_swapped(turn.content, context, text)) for turn in prompt.messages)
    return replace(prompt, messages=turns, text=_swapped(prompt.text, context, text))


def _swapped(text: str, old: str, new: str) -> str:
    """The text with its last `old`, after any worked examples, replaced."""
    above, found, below = text.rpartition(old)
    return f"{above}{new}{below}" if found else text


def before_mark(text: str, mark: str) -> str | None:
    """What stands before the last `mark` in a text, whatever its case; None if it has none."""
    found = list(re.finditer(re.escape(mark), text, re.IGNORECASE)) if mark else []
    return text[: found[-1].start()] if found else None


def fill(template: str, **values: str) -> str:
    """The template with each `{name}` replaced by the value of that name; other braces stay as they are.

    In one pass, since what is filled in may itself hold braces: a question about `{answer}` is left as it was asked."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), template)


def request(format: Format, chat: str, completion: str, *, max_tokens: int, **filled: str) -> Prompt:
    """A free-text request from a template for each format; `{name}` stands for the keyword `name`. Its reply is one
    paragraph of a chat model, or the rest of the line of a completion model."""
    text = fill(chat if format == "chat" else completion, **filled)
    if format == "chat":
        return Prompt(messages=(Message("user", text),), max_tokens=max_tokens, key="free")
    return Prompt(text=text, stop=("\n",), max_tokens=max_tokens, key="free")


def yes_or_no(question: Question, answer: str, chat: str, completion: str) -> Prompt:
    """Asks whether a proposed answer is right; `chat` and `completion` are templates with {question} and {answer}."""
    text = fill(chat if question.format == "chat" else completion, question=question.text, answer=answer)
    choices, key = ("yes", "no"), f"verify:{answer}"
    if question.format == "chat":
        return Prompt(messages=(Message("user", text),), choices=choices, reads="choice", max_tokens=8, key=key)
    return Prompt(text=text, choices=choices, reads="choice", stop=("\n",), max_tokens=4, key=key)


def _spaced(text: str) -> str:
    return text if not text or text[0].isspace() else f" {text}"
