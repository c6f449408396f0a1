"""The nodes of a search tree: whole answers and their improvements, or thoughts that grow piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fourdials.grading import extract
from fourdials.plugins import Ask, Question
from fourdials.prompting import ask_again, before_mark, force, resume
from fourdials.records import Reply
from fourdials.strategies.parallel._judging import Verifier
from fourdials.strategies.sequential._thinking import FORCE

IMPROVE = "A checker gives that answer {score} out of 100. Look for mistakes in it, then answer the question again."
GO_ON = "Go on from exactly where you stopped, and end in the form asked for."


@dataclass(frozen=True, slots=True)
class Node:
    """What one expansion came to.

    Attributes:
        reply: The reply that made it, with the whole text of the node.
        score: What the verifier says of it, from 0 to 1.
        stem: Where nodes below it go on: its text, or if it has ended what stood before its last piece.
        depth: Pieces up to there.
        ended: False for a thought that is still under way.
        place: Where nodes below it go on, of a node that looks things up.
    """

    reply: Reply
    score: float
    stem: str = ""
    depth: int = 0
    ended: bool = True
    place: Any = None


class Growing(Protocol):
    """How the nodes of a tree are made."""

    @property
    def unfinished(self) -> bool:
        """True if nodes may be thoughts under way, out of which an answer has to be forced."""

    async def node(self, question: Question, ask: Ask, parent: Node | None, level: int) -> Node:
        """A new node below another one, or below the root."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How nodes are made: pieces of `thought_tokens` tokens each, or whole answers where that is 0."""

    temperature: float
    verifier: Verifier
    thought_tokens: int = 0

    @property
    def unfinished(self) -> bool:
        """True if nodes are thoughts that grow."""
        return self.thought_tokens > 0

    async def node(self, question: Question, ask: Ask, parent: Node | None, level: int) -> Node:
        """A new node below another one, or below the root."""
        if self.thought_tokens:
            return await self._piece(question, ask, parent or Node(Reply("", None, ""), 0.0), level)
        reply = await self._answer(question, ask, parent, level)
        return Node(reply, await self.verifier.score(question, ask, reply, level))

    async def _answer(self, question: Question, ask: Ask, parent: Node | None, level: int) -> Reply:
        if parent is None:
            return await ask(question.answer, role="solve", level=level, temperature=self.temperature)
        improve = IMPROVE.replace("{score}", f"{100 * parent.score:.0f}")
        prompt = ask_again(question, question.answer, parent.reply.text, improve)
        return await ask(prompt, role="revise", level=level, temperature=self.temperature)

    async def _piece(self, question: Question, ask: Ask, parent: Node, level: int) -> Node:
        think = question.think
        assert think is not None
        room = think.max_tokens - parent.depth * self.thought_tokens
        prompt = replace(
            resume(question, parent.stem, GO_ON, prefill=ask.able("prefill")),
            max_tokens=min(self.thought_tokens, room),
        )
        piece = await ask(prompt, role="solve", level=level, temperature=self.temperature)
        text = parent.stem + piece.text if question.tight else f"{parent.stem} {piece.text}".strip()
        if piece.finish_reason == "length" and self.thought_tokens < room:
            reply = replace(piece, text=text, answer=None)
            score = await self.verifier.promise(question, ask, reply, level)
            return Node(reply, score, text, parent.depth + 1, ended=False)
        reply = replace(piece, text=text, answer=extract(think, text) if self._concluded(question, text) else None)
        score = await self.verifier.score(question, ask, reply, level)
        return Node(reply, score, parent.stem, parent.depth)

    @staticmethod
    def _concluded(question: Question, text: str) -> bool:
        """True if a thought names an answer in the form asked for; one into a dead end, say, names none."""
        return before_mark(text, question.answer_mark) is not None


def undecided(nodes: Sequence[Node]) -> Node | None:
    """The best thought still under way: the highest score, then the longest, then the latest."""
    going = [(node.score, node.depth, place) for place, node in enumerate(nodes) if not node.ended]
    return nodes[max(going)[2]] if going else None


async def forced(question: Question, ask: Ask, node: Node, level: int) -> str | None:
    """The answer a thought under way is cut for, as a probe of this level."""
    thought = before_mark(node.reply.text, question.answer_mark)
    prompt = force(question, node.reply.text if thought is None else thought, FORCE)
    return (await ask(prompt, role="solve", level=level, probe=True, after=[node.reply])).answer
