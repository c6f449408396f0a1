"""What a trial kept in mind, judged by the facts of its problem once the trial has ended.

The engine notes what a strategy's memory holds and which of the facts that matter stood in a prompt; `judged` sums
that up for the trace, where the query `trajectories` reads it. Nothing of this is ever shown to a strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fourdials.grading import normal
from fourdials.records import Prompt
from fourdials.tasking import Evidence

KIND = "judged"  # of the step it leaves in the trace


@dataclass(slots=True)
class Remembered:
    """What one trial has shown and kept so far.

    Attributes:
        evidence: The problem's facts; None if the task states none.
        memory: The entries the strategy's memory holds now; None as long as it keeps none.
    """

    evidence: Evidence | None = None
    memory: tuple[str, ...] | None = None
    _characters: int = 0
    _used: set[str] = field(default_factory=set)

    def shown(self, prompt: Prompt, times: int) -> None:
        """Counts a prompt that was asked so many times, and the facts of the path that stood in it."""
        text = prompt.shown
        self._characters += len(text) * times
        if self.evidence is not None and len(self._used) < len(self.evidence.path):
            self._used |= {line for line in self.evidence.path if line not in self._used and line in text}

    def judged(self) -> dict[str, Any] | None:
        """What the trace says in the end; None if nothing is known.

        `entries` of the memory as it stood last, and how many of them are `duplicate`, `contradicted` and `stale` (see
        `hygiene`; NULL where the task states no facts); `used_characters`, those of the distinct facts on the way to
        the right answer that stood in a prompt, and `prompt_characters`, those of all prompts.
        """
        found: dict[str, Any] = {}
        if self.memory is not None:
            found |= {"entries": len(self.memory), **hygiene(self.memory, self.evidence)}
            found["memory"] = list(self.memory)
        if self.evidence is not None and self.evidence.path and self._characters:
            found["used_characters"] = sum(map(len, self._used))
            found["prompt_characters"] = self._characters
        return found or None


def hygiene(entries: Sequence[str], evidence: Evidence | None) -> dict[str, int | None]:
    """How many entries of a memory are of no good, each counted once, by the first of these that it is:

    - duplicate: word for word an earlier entry, or all it states stands in earlier ones with the same values
    - contradicted: it states something of a subject that never held by the problem's facts
    - stale: of every subject it states, a later entry states another value

    What an entry states is read off by the task; of one that states nothing only the words are compared. Contradicted
    and stale are None where the task states no facts.
    """
    counts = {"duplicate": 0, "contradicted": 0, "stale": 0}
    told = [list(evidence.read(entry)) if evidence else [] for entry in entries]
    known: dict[str, str] = {}
    texts: set[str] = set()
    for place, entry in enumerate(entries):
        said = [(subject, normal(value)) for subject, value in told[place]]
        text = normal(entry)
        if text in texts or (said and all(known.get(subject) == value for subject, value in said)):
            counts["duplicate"] += 1
        elif evidence and any(_never(evidence, *pair) for pair in said):
            counts["contradicted"] += 1
        elif said and all(_overtaken(pair, told[place + 1 :]) for pair in said):
            counts["stale"] += 1
        texts.add(text)
        known.update(said)
    if evidence is None:
        return {**counts, "contradicted": None, "stale": None}
    return dict(counts)


def _never(evidence: Evidence, subject: str, value: str) -> bool:
    held = evidence.facts.get(subject)
    return held is not None and value not in map(normal, held)


def _overtaken(pair: tuple[str, str], later: Sequence[Sequence[tuple[str, str]]]) -> bool:
    """True if the last that later entries say of this subject is another value."""
    values = [normal(value) for said in later for subject, value in said if subject == pair[0]]
    return bool(values) and values[-1] != pair[1]
