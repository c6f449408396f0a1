"""A tree of subtasks in one prompt, whose finished branches are replaced by what they came to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from fourdials.plugins import Ask, Question, Recall, Steps, Turns, strategy
from fourdials.prompting import with_notes
from fourdials.records import Checkpoint, Prompt

Memory = Literal["prune", "full", "window", "drop"]
DONE = "Done so far:\n{transcript}"


@strategy(
    dial="hybrid",
    unit="subtasks",
    levels=(1, 2, 4, 8, 16),
    source="Thread Inference Model: Luo et al. 2025, arXiv 2507.16784",
    needs=("steps",),
    memory=True,
    prompts={"transcript, where the task has no form of its own": DONE},
)
async def subtask_tree(
    question: Question,
    ask: Ask,
    *,
    memory: Annotated[
        Memory,
        Field(
            description="What stays in the prompt: conclusions of finished subtasks, everything, or as much as the "
            "conclusions take of the latest entries (window) or of random ones (drop)"
        ),
    ] = "prune",
    buffer: Annotated[
        int, Field(ge=0, le=1000, description="Latest finished subtasks that are still shown entry by entry")
    ] = 0,
    branch: Annotated[int, Field(ge=2, le=50, description="Subtasks that make up the one above them")] = 4,
    temperature: Annotated[float, Field(ge=0, le=2, description="Sampling temperature of each step")] = 0.0,
) -> Turns:
    """Take the task's steps as the leaves of a tree, and keep of each finished branch only its conclusion.

    Spends one call per level, a leaf; every `branch` leaves finish a subtask, and so many subtasks the one above. Each
    call is shown a transcript: the entries of what is still open, and the conclusion of each finished branch, which
    the task writes from the replies at no cost. So the longest prompt grows with the logarithm of the steps; `full`
    keeps all entries, and a `window` or random `drop` of equal size are the lines to beat. Pruning rewrites the prompt
    and so loses a provider's prefix cache; savings in a model's own cache are not measured. Applies to tasks with
    steps, and tells most where the transcript is all a step knows (`long_ledger` with reads = any); elsewhere each
    step shows its own state and the transcript is ballast. Wins where conclusions suffice; loses where a step needs
    what a conclusion leaves out, and like any chain where single steps are often wrong.
    """
    assert question.steps is not None
    steps = question.steps
    yield Checkpoint(0)
    states, entries, finished = [steps.first()], list[str](), False
    while not finished:
        level = len(states)
        shown = _shown(_Tree(steps, states, entries, branch), memory, buffer, ask.rng)
        size = sum(map(len, shown))
        ask.note("memory", level=level, texts=shown, characters=size, of=sum(map(len, entries)))
        reply = await ask(_prompt(steps, states[-1], shown), role="step", level=level, temperature=temperature)
        if reply.answer is None:
            yield Checkpoint(level, None, final=True)
            return
        entries.append(_entry(steps, states[-1], reply.answer))
        states.append(steps.advance(states[-1], reply.answer))
        finished = steps.done(states[-1])
        yield Checkpoint(level, steps.answer(states[-1]), final=finished)


def _shown(tree: _Tree, memory: Memory, buffer: int, rng: random.Random) -> list[str]:
    """The transcript that the next step is shown."""
    if memory == "full":
        return list(tree.entries)
    pruned = tree.pruned(buffer)
    if memory == "prune":
        return pruned
    places = list(range(len(tree.entries)))[::-1]
    if memory == "drop":
        rng.shuffle(places)
    left, kept = sum(map(len, pruned)), list[int]()
    for place in places:
        left -= len(tree.entries[place])
        if left < 0:
            break
        kept.append(place)
    return [tree.entries[place] for place in sorted(kept)]


@dataclass(frozen=True, slots=True)
class _Tree:
    """The steps taken so far as leaves. A branch of height h has branch^h of them; it is finished with its last one.

    `states` has the state before each step and the one now, `entries` the line each step left.
    """

    steps: Steps
    states: Sequence[Any]
    entries: Sequence[str]
    branch: int

    def pruned(self, buffer: int) -> list[str]:
        """The open entries, and the conclusions of finished branches; the latest `buffer` of these entry by entry."""
        count, height = len(self.entries), 0
        done = [(end, high) for end in range(1, count + 1) for high in self._finished_by(end)]
        whole = set(done[len(done) - min(buffer, len(done)) :])
        while self.branch ** (height + 1) <= count:
            height += 1
        return self._lines(0, count, height, whole)

    def _finished_by(self, count: int) -> list[int]:
        """Heights of the branches that the step of this number finishes, the lowest first."""
        heights: list[int] = []
        while count % self.branch ** (len(heights) + 1) == 0:
            heights.append(len(heights) + 1)
        return heights

    def _lines(self, start: int, end: int, height: int, whole: set[tuple[int, int]]) -> list[str]:
        """The steps from one place to another, as branches of at most this height."""
        if height == 0:
            return list(self.entries[start:end])
        size, found = self.branch**height, list[str]()
        while start + size <= end:
            if (start + size, height) in whole:
                found += self._lines(start, start + size, height - 1, whole)
            else:
                found.append(self._conclusion(start, start + size))
            start += size
        return found + self._lines(start, end, height - 1, whole)

    def _conclusion(self, start: int, end: int) -> str:
        """What a branch came to; its last entry where the task has no form for it, since later steps build on that."""
        if isinstance(self.steps, Recall):
            return self.steps.conclusion(self.states[start], self.states[end])
        return self.entries[end - 1]


def _entry(steps: Steps, state: Any, answer: str) -> str:
    return steps.entry(state, answer) if isinstance(steps, Recall) else f"{steps.query(state)}: {answer}"


def _prompt(steps: Steps, state: Any, shown: Sequence[str]) -> Prompt:
    """The next step from the transcript alone, or else beside the state that the task shows anyway."""
    if isinstance(steps, Recall):
        return steps.recall(state, shown)
    prompt = steps.prompt(state)
    return with_notes(prompt, DONE.replace("{transcript}", "\n".join(shown))) if shown else prompt
