"""Rivers: chains of places that end in flags, some with branches that end nowhere, and their notation in 61 signs.

The scale models read and write nothing else: one character is one token. An edge from a to b is written `ab,`.
The task `rivers` asks with these texts, and the training script learns from them.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

PLACES = string.ascii_letters[:48]
FLAGS = "1234"
BACK = "<"  # nothing leads on from here
YES, NO = "+", "-"
ALPHABET = PLACES + FLAGS + f",?>=;!{BACK}{YES}{NO}"
Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rivers:
    """A map.

    Attributes:
        courses: Each river's places from its spring to its flag, which is the last character.
        edges: (from, to), in random order; those of dead branches included.
    """

    courses: tuple[str, ...]
    edges: tuple[Edge, ...]

    def onward(self, place: str) -> tuple[str, ...]:
        """Where one can go from a place, in the order of the edges; empty at a flag and at a dead end."""
        return tuple(there for here, there in self.edges if here == place)

    def touching(self, place: str) -> tuple[Edge, ...]:
        """The edges that leave or reach a place, in the order of the map."""
        return tuple(edge for edge in self.edges if place in edge)

    def flag(self, place: str) -> str | None:
        """The flag that can be reached from a place (itself, if it is one); None from a dead branch."""
        return next((course[-1] for course in self.courses if place in course), None)

    def walk(self, start: str, rng: random.Random) -> str:
        """The places after `start` on a walk that chooses at random where it can, and `<` if it ends at no flag."""
        walked, here = "", start
        while ways := self.onward(here):
            here = rng.choice(ways)
            walked += here
        return walked if here in FLAGS else walked + BACK


def draw(rng: random.Random, rivers: int, hops: int, forks: int = 0, reach: int = 1) -> Rivers:
    """A map of so many rivers, each of `hops` edges to its flag, with `forks` dead branches of `reach` edges each.

    A place has at most one dead branch. Raises ValueError where there are too few places, flags or hops for that.
    """
    names = iter(rng.sample(PLACES, rivers * (hops + forks * reach)))
    courses: list[str] = []
    edges: list[Edge] = []
    for flag in rng.sample(FLAGS, rivers):
        course = "".join(next(names) for _ in range(hops)) + flag
        courses.append(course)
        edges += pairwise(course)
        for fork in rng.sample(course[:-1], forks):
            edges += pairwise(fork + "".join(next(names) for _ in range(reach)))
    rng.shuffle(edges)
    return Rivers(tuple(courses), tuple(edges))


def shown(edges: Iterable[Edge]) -> str:
    """The edges as text."""
    return "".join(f"{here}{there}," for here, there in edges)


def direct(edges: Iterable[Edge], start: str) -> str:
    """Asks for the flag at once; the reply is `2;`."""
    return f"{shown(edges)}?{start}={start}"


def thought(edges: Iterable[Edge], start: str) -> str:
    """Asks for the way, place by place, and the flag: `bcd2=2;`. A walk into a dead end is `bx<;`."""
    return f"{shown(edges)}?{start}>{start}"


def choice(edges: Iterable[Edge], here: str) -> str:
    """Asks whoever stands at a place where to go; the reply is a place, or `<` to go back."""
    return f"{shown(edges)}?{BACK}{here}"


def check(edges: Iterable[Edge], start: str, claimed: str) -> str:
    """Asks whether a thought such as `bcd2=2`, or the beginning of one, is sound: `+` if each of its steps follows an
    edge, it has not entered a dead branch, and the flag it names is the one it reached; else `-`."""
    return f"{shown(edges)}?{start}!{start}{claimed}"


def sound(rivers: Rivers, start: str, claimed: str) -> bool:
    """What `check` asks, known from the map."""
    walked, named, flag = claimed.partition("=")
    follows = all(there in rivers.onward(here) for here, there in pairwise(start + walked))
    end = (start + walked)[-1]
    return follows and rivers.flag(end) is not None and (not named or (end in FLAGS and flag in ("", end)))
