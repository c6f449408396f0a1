"""Drives a search tree of the treequest library with the calls of `ask`, for the strategies of this folder.

A node is a whole answer: below the root a fresh sample, below another node a new answer with that one in view. Every
tree uses the scorer that best_of_n uses, so that they can be compared at equal spend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fourdials.plugins import Ask, Question, Turns
from fourdials.prompting import ask_again
from fourdials.records import Checkpoint, Reply
from fourdials.strategies.parallel._judging import PROMPTS as VERIFY
from fourdials.strategies.parallel._judging import Verifier
from fourdials.strategies.parallel.best_of_n import best

IMPROVE = "A checker gives that answer {score} out of 100. Look for mistakes in it, then answer the question again."
PROMPTS = {**VERIFY, "improve (chat)": IMPROVE}
_ACTION = "answer"


class _Dice:
    """The library draws from NumPy's global generator; this gives it a state of the trial's own around each call."""

    def __init__(self, seed: int) -> None:
        self._state: Any = np.random.RandomState(seed).get_state()

    @contextmanager
    def own(self) -> Iterator[None]:
        """Within, the global generator is the trial's; afterwards it is what it was."""
        before: Any = np.random.get_state()
        np.random.set_state(self._state)
        try:
            yield
        finally:
            self._state = np.random.get_state()
            np.random.set_state(before)


async def grow(
    question: Question, ask: Ask, algorithm: Callable[[], Any], verifier: Verifier, temperature: float
) -> Turns:
    """Expands the tree by one node per level; the answer is the node scored best, as best_of_n picks it.

    `algorithm` makes a treequest algorithm; the library is slow to import, so nothing does so before a trial runs.
    """
    yield Checkpoint(0)
    dice = _Dice(ask.rng.getrandbits(32))
    searcher = algorithm()
    tree = searcher.init_tree()
    answers: list[str | None] = []
    scores: list[float] = []
    while True:
        level = len(answers) + 1
        with dice.own():
            tree, trial = searcher.ask(tree, [_ACTION])
        parent: tuple[Reply, float] | None = trial.parent_state
        reply = await _answer(question, ask, parent, level, temperature)
        score = await verifier.score(question, ask, reply, level)
        with dice.own():
            tree = searcher.tell(tree, trial.trial_id, ((reply, score), score))
        answers.append(reply.answer)
        scores.append(score)
        ask.note("node", level=level, number=level - 1, parent=trial.node_to_expand, answer=reply.answer, score=score)
        yield Checkpoint(level, best(answers, scores), detail={"answer": reply.answer, "verifier": score})


async def _answer(
    question: Question, ask: Ask, parent: tuple[Reply, float] | None, level: int, temperature: float
) -> Reply:
    if parent is None:
        return await ask(question.answer, role="solve", level=level, temperature=temperature)
    before, score = parent
    improve = IMPROVE.replace("{score}", f"{100 * score:.0f}")
    prompt = ask_again(question, question.answer, before.text, improve)
    return await ask(prompt, role="revise", level=level, temperature=temperature)
