"""Builds one prompt from another, in both formats. Strategies keep their wording; this keeps the form."""

from __future__ import annotations

from dataclasses import replace

from fourdials.plugins import Question
from fourdials.records import Message, Prompt


def follow_up(prompt: Prompt, reply: str, request: str, *, max_tokens: int) -> Prompt:
    """The prompt, the reply it got, and a free-text request about it."""
    if prompt.messages:
        turns = (*prompt.messages, Message("assistant", reply), Message("user", request))
        return Prompt(messages=turns, max_tokens=max_tokens, key="free")
    text = f"{prompt.text}{_spaced(reply)}\n{request}"
    return Prompt(text=text, stop=("\n",), max_tokens=max_tokens, key="free")


def ask_again(question: Question, before: Prompt, reply: str, request: str) -> Prompt:
    """After `before` and its `reply`, asks for the question's answer once more, read like a direct answer.

    A completion model has no turns: it is shown what came before and then the question's own answer prompt.
    """
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
    text = f"{think.text}{_spaced(thought.rstrip())}\n{question.answer_mark}"
    return replace(question.answer, text=text)


def yes_or_no(question: Question, answer: str, chat: str, completion: str) -> Prompt:
    """Asks whether a proposed answer is right; `chat` and `completion` are templates with {question} and {answer}."""
    template = chat if question.format == "chat" else completion
    # str.replace, not format: questions and answers may hold braces
    text = template.replace("{question}", question.text).replace("{answer}", answer)
    choices, key = ("yes", "no"), f"verify:{answer}"
    if question.format == "chat":
        return Prompt(messages=(Message("user", text),), choices=choices, reads="choice", max_tokens=8, key=key)
    return Prompt(text=text, choices=choices, reads="choice", stop=("\n",), max_tokens=4, key=key)


def _spaced(text: str) -> str:
    return text if not text or text[0].isspace() else f" {text}"
