"""Drives a search tree of the treequest library with the calls of `ask`, for the strategies of this folder.

A node is a whole answer (below the root a fresh sample, below another node a new answer with that one in view), with
`thought_tokens` a thought that goes on where the one above it stopped, or a place that was looked up. All use the
scorer of best_of_n, so that they can be compared at equal spend. Expansions that do not depend on each other's scores
run side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from fourdials.plugins import Ask, Question, Turns, strategy
from fourdials.records import Checkpoint
from fourdials.strategies.parallel._judging import BEGINNINGS, Verifier
from fourdials.strategies.parallel._judging import PROMPTS as VERIFY
from fourdials.strategies.parallel.best_of_n import best
from fourdials.strategies.search._pieces import GO_ON, IMPROVE, Growing, Growth, Node, forced, undecided
from fourdials.strategies.sequential._thinking import FORCE

PROMPTS = {
    **VERIFY,
    **BEGINNINGS,
    "improve (chat)": IMPROVE,
    "go on (chat)": GO_ON,
    "forced answer (chat)": FORCE,
}
_ACTION = "answer"


Temperature = Annotated[float, Field(gt=0, le=2, description="Sampling temperature of every answer")]
Judge = Annotated[
    Literal["model", "checker"], Field(description="A model judges, or a checker that knows the truth (a bound)")
]
Opinions = Annotated[int, Field(ge=1, le=9, description="Verdicts per node, averaged")]
Reliability = Annotated[
    float, Field(ge=0.5, le=1, description="How often a verdict of the checker is right; at 1 always")
]
Thought = Annotated[
    int,
    Field(ge=0, le=32_000, description="Tokens of thought that a node adds to the one above; 0: nodes are answers"),
]


def _wants(knobs: Mapping[str, Any]) -> tuple[str, ...]:
    if not knobs["thought_tokens"]:
        return ()
    return ("think", "sound") if knobs["verifier"] == "checker" else ("think",)


# What the trees declare alike; each adds its source.
tree_search = partial(
    strategy,
    dial="search",
    unit="expansions",
    levels=(1, 2, 4, 8),
    parts=("solver", "verifier"),
    prompts=PROMPTS,
    uses_truth=lambda knobs: knobs["verifier"] == "checker",
    wants=_wants,
)


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


def grow(
    question: Question,
    ask: Ask,
    algorithm: Callable[[], Any],
    temperature: float,
    verifier: str,
    opinions: int,
    reliability: float,
    thought_tokens: int,
) -> Turns:
    """Expands the tree by one node per level; the answer is that of the node scored best, as best_of_n picks it.

    `algorithm` makes a treequest algorithm; the library is slow to import, so nothing does so before a trial runs.
    """
    judge = Verifier(opinions, reliability if verifier == "checker" else None)
    return grown(question, ask, algorithm, Growth(temperature, judge, thought_tokens))


async def grown(question: Question, ask: Ask, algorithm: Callable[[], Any], growth: Growing) -> Turns:
    """What `grow` does, with nodes of any kind."""
    granted = yield Checkpoint(0)
    dice = _Dice(ask.rng.getrandbits(32))
    searcher = algorithm()
    tree = searcher.init_tree()
    nodes: list[Node] = []
    while True:
        done = len(nodes)
        # No further than the next level asked for, so that a budget that ends leaves nodes that were scored.
        end = next((level for level in ask.levels if done < level <= granted), granted)
        with dice.own():
            tree, trials = _independent(searcher, tree, end - done)
        branches = [ask.fork(f"node-{done + number}") for number in range(1, len(trials) + 1)]
        made = await asyncio.gather(
            *(
                growth.node(question, branch, trial.parent_state, level)
                for level, (branch, trial) in enumerate(zip(branches, trials, strict=True), done + 1)
            ),
            return_exceptions=True,  # nodes before one that failed count
        )
        ask.join(*branches)
        for level, (trial, node) in enumerate(zip(trials, made, strict=True), done + 1):
            if isinstance(node, BaseException):
                raise node
            with dice.own():
                tree = searcher.tell(tree, trial.trial_id, (node, node.score))
            nodes.append(node)
            said = {"answer": node.reply.answer, "score": node.score}
            ask.note("node", level=level, number=level - 1, parent=trial.node_to_expand, **said)
            if growth.unfinished and level < granted and level not in ask.levels:
                continue  # nobody stops here, so no answer has to be forced out of a thought under way
            answer = best([each.reply.answer for each in nodes], [each.score for each in nodes])
            going = undecided(nodes) if answer is None else None
            answer = answer if going is None else await forced(question, ask, going, level)
            detail = {"answer": node.reply.answer, "verifier": node.score}
            granted = yield Checkpoint(level, answer, detail=detail)


def _independent(searcher: Any, tree: Any, most: int) -> tuple[Any, list[Any]]:
    """The expansions already settled, whatever their scores turn out to be, at most so many; at least one.

    An algorithm with a queue fills it when it is empty and looks at scores no sooner than then; asked for more than the
    queue holds, the library would repeat it and discard results. One without a queue decides after every score.
    """
    queues = getattr(tree.trial_store, "next_nodes", None)
    if queues is None:
        return searcher.ask_batch(tree, 1, [_ACTION])  # type: ignore[no-any-return]
    tree, _ = searcher.ask_batch(tree, 0, [_ACTION])
    return searcher.ask_batch(tree, min(most, len(tree.trial_store.next_nodes[_ACTION])), [_ACTION])  # type: ignore[no-any-return]
