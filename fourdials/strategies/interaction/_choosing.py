"""From an environment's prompt to an action, for the strategies of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fourdials.records import Message, Prompt, Reply


def action_of(reply: Reply) -> str:
    """The action a reply names, or its text, which the environment will then call invalid."""
    return reply.answer if reply.answer is not None else reply.text.strip()


def among(prompt: Prompt, actions: Sequence[str]) -> Prompt:
    """The prompt with only these actions to choose from, also where a chat prompt lists them."""
    chosen = tuple(actions)
    return replace(prompt, choices=chosen, messages=_relisted(prompt, chosen))


def _relisted(prompt: Prompt, actions: Sequence[str]) -> tuple[Message, ...]:
    """The turns with these actions where the last list of all choices, separated in a known way, stood."""
    if len(prompt.choices) < 2 or not prompt.messages or prompt.choices == tuple(actions):
        return prompt.messages
    *turns, last = prompt.messages
    for between in ("\n", ", "):
        above, found, below = last.content.rpartition(between.join(prompt.choices))
        if found:
            return (*turns, replace(last, content=f"{above}{between.join(actions)}{below}"))
    return prompt.messages
