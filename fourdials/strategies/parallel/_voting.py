"""Votes: which answers count together, who leads, and which replies are not fit to vote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fourdials.grading import normal
from fourdials.records import Reply


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes cast so far: answers with the same ballot count together, under the text that was cast first.

    A vote makes new `Votes` and leaves these as they are, so that what a checkpoint was given stays what it was.

    Attributes:
        ballot: What answers share to count as one, as in `Question.ballot`.
        counts: Votes by the first text of each ballot, in the order of first appearance.
    """

    ballot: Callable[[str], str] = normal
    counts: Mapping[str, int] = field(default_factory=dict)
    _texts: Mapping[str, str] = field(default_factory=dict)

    def plus(self, *answers: str | None) -> Votes:
        """With these votes as well; None casts none."""
        counts, texts = dict(self.counts), dict(self._texts)
        for answer in answers:
            if answer is not None:
                text = texts.setdefault(self.ballot(answer), answer)
                counts[text] = counts.get(text, 0) + 1
        return Votes(self.ballot, counts, texts)

    @property
    def leader(self) -> str | None:
        """The first text of the ballot with the most votes, the earliest on a tie; None if nobody voted."""
        return max(self.counts, key=lambda text: self.counts[text], default=None)

    def ranked(self) -> tuple[str | None, int, int]:
        """The leader, its votes and those of the runner-up."""
        first, second = [*Counter(self.counts).most_common(2), (None, 0), (None, 0)][:2]
        return first[0], first[1], second[1]


def red_flag(reply: Reply, longest: int) -> str | None:
    """Why a reply must not vote: no answer can be read from it, it was cut off, or it has more than `longest` tokens.

    A `longest` of 0 is no limit. A model that rambles or forgets the form is likelier to be wrong, so such replies are
    thrown away, never repaired (Meyerson et al. 2025, arXiv 2511.09030). One token that reads as an answer is whole: it
    is all that was asked for, and there is nothing left of it to cut.
    """
    if reply.answer is None:
        return "ill-formed"
    if reply.finish_reason == "length" and reply.completion_tokens != 1:
        return "cut off"
    if longest and (reply.completion_tokens or 0) > longest:
        return "over-long"
    return None
