"""Votes that may end early: what a ballot holds, and which replies are not fit to vote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fourdials.records import Reply


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


def ranked(votes: Mapping[str, int]) -> tuple[str | None, int, int]:
    """The leader (the earliest on a tie), its votes and those of the runner-up."""
    first, second = [*Counter(votes).most_common(2), (None, 0), (None, 0)][:2]
    return first[0], first[1], second[1]
