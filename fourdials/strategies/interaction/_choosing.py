"""From an environment's prompt to an action, for the strategies of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fourdials.records import Prompt, Reply


def action_of(reply: Reply) -> str:
    """The action a reply names, or its text, which the environment will then call invalid."""
    return reply.answer if reply.answer is not None else reply.text.strip()


def among(prompt: Prompt, actions: Sequence[str]) -> Prompt:
    """The prompt with only these actions to choose from."""
    return replace(prompt, choices=tuple(actions))
