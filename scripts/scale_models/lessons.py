"""What the scale models are taught: maps of rivers with questions about them, in the notation of the task itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from fourdials.tasks import _rivers as notation
from fourdials.tasks._rivers import Rivers

SPECIAL = ("<unk>", "<s>", "</s>")
VOCABULARY = (*SPECIAL, *notation.ALPHABET)
TOKEN = {piece: number for number, piece in enumerate(VOCABULARY)}
BEGIN, PAD = TOKEN["<s>"], TOKEN["</s>"]
UNTAUGHT = -100  # a target that does not count
TOKENS_PER_STEP = 1500


@dataclass(frozen=True, slots=True)
class Lesson:
    """One batch: tokens, their positions, what attends to what (None: all that came before), and the targets."""

    tokens: Tensor
    places: Tensor
    mask: Tensor | None
    targets: Tensor


@dataclass(frozen=True, slots=True)
class Size:
    """How large a map is."""

    rivers: int
    hops: int
    forks: int = 0
    reach: int = 1

    @property
    def edges(self) -> int:
        """Edges of the map."""
        return self.rivers * (self.hops + self.forks * self.reach)


def sizes(most_edges: int, forks: bool) -> list[Size]:
    """Every size of at most so many edges, with dead branches or without."""
    branches = [(count, reach) for count in (1, 2, 3) for reach in (1, 2)] if forks else [(0, 1)]
    found = [
        Size(rivers, hops, count, reach)
        for rivers in (2, 3, 4)
        for hops in range(1, 17)
        for count, reach in branches
        if count <= hops
    ]
    return [size for size in found if size.edges <= most_edges]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a map: what follows the map, the last of it being what is taught from character `begin` on.

    A reply is its own target. A claim to be checked has a verdict after each of its characters instead."""

    text: str
    begin: int
    verdicts: str = ""

    @property
    def targets(self) -> str:
        """The tokens to be predicted after the characters from `begin - 1` on."""
        return self.verdicts or self.text[self.begin :]


def _taught(ask: str, reply: str) -> Question:
    return Question(ask + reply, len(ask))


def think(rng: random.Random, rivers: Rivers, start: str) -> Question:
    """The way and the flag."""
    walked = rivers.walk(start, rng)
    reply = f"{walked};" if walked[-1] == notation.BACK else f"{walked}={walked[-1]};"
    return _taught(notation.thought((), start), reply)


def cut(rng: random.Random, rivers: Rivers, start: str, hops: int) -> Question:
    """The flag after so many hops of thought."""
    walked = rivers.walk(start, rng)[:hops]
    flag = rivers.flag(start)
    return _taught(f"{notation.thought((), start)}{walked}=", f"{flag};")


def direct(rng: random.Random, rivers: Rivers, start: str) -> Question:
    """The flag at once."""
    return _taught(notation.direct((), start), f"{rivers.flag(start)};")


def choose(rng: random.Random, rivers: Rivers) -> Question:
    """Where to go from some place with the whole map in view: on towards a flag, or back from a dead branch."""
    here = rng.choice(rivers.edges)[rng.random() < 0.3]
    here = rng.choice(rivers.courses)[0] if here in notation.FLAGS else here
    good = next((way for way in rivers.onward(here) if rivers.flag(way)), notation.BACK)
    return _taught(notation.choice((), here), good)


def check(rng: random.Random, rivers: Rivers, start: str) -> Question:
    """Whether a thought is sound, asked after each of its characters; most of those shown go wrong somewhere."""
    course = next(course for course in rivers.courses if start in course)
    walked = course[course.index(start) + 1 :]
    if rng.random() < 0.7:
        walked = spoiled(rng, rivers, start, walked) if rng.random() < 0.5 else elsewhere(rng, rivers, course, walked)
    flag = walked[-1]
    if flag in notation.FLAGS and rng.random() < 0.2:
        flag = rng.choice([course[-1] for course in rivers.courses])
    claimed = f"{walked}={flag}" if flag in notation.FLAGS else walked
    verdicts = (notation.sound(rivers, start, claimed[:end]) for end in range(1, len(claimed) + 1))
    text = notation.check((), start, claimed)
    told = "".join(notation.YES if sound else notation.NO for sound in verdicts)
    return Question(text, len(text) - len(claimed) + 1, told)


def spoiled(rng: random.Random, rivers: Rivers, start: str, walked: str) -> str:
    """The walk with a wrong turn somewhere: into a dead branch or another river, to another place or flag."""
    place = rng.randrange(len(walked))
    dead = [way for way in rivers.onward((start + walked)[place]) if rivers.flag(way) is None]
    into = dead[0] if dead and rng.random() < 0.7 else rng.choice(rivers.edges)[1]
    on = "" if into in notation.FLAGS else rivers.walk(into, rng).rstrip(notation.BACK)
    return (walked[:place] + into + on)[:20]


def elsewhere(rng: random.Random, rivers: Rivers, course: str, walked: str) -> str:
    """The walk that slips somewhere into another river, as far from its flag, and follows that: of the same length, so
    that its length gives nothing away."""
    other = rng.choice([each for each in rivers.courses if each != course])
    place = rng.randrange(len(walked))
    return walked[:place] + other[-len(walked) :][place:]


def map_lesson(rng: random.Random, size: Size, mode: str) -> Lesson:
    """Maps of one size, each with a question for every river. The questions of a map do not see each other."""
    spare = size.hops + 8
    count = max(6, min(96, TOKENS_PER_STEP // (1 + 3 * size.edges + size.rivers * spare)))
    hops = rng.randrange(size.hops) if mode == "cut" else 0
    anywhere = rng.random() < 0.25
    rows = []
    for _ in range(count):
        rivers = notation.draw(rng, size.rivers, size.hops, size.forks, size.reach)
        questions = []
        for course in rivers.courses:
            start = rng.choice(course[:-1]) if anywhere else course[0]
            questions.append(_ask(rng, rivers, start, mode, hops))
        rows.append((notation.shown(rivers.edges), questions))
    return _stacked(rows)


def _ask(rng: random.Random, rivers: Rivers, start: str, mode: str, hops: int) -> Question:
    if mode == "cut":
        return cut(rng, rivers, start, hops)
    if mode == "choose":
        return choose(rng, rivers)
    return {"think": think, "direct": direct, "check": check}[mode](rng, rivers, start)


def place_lesson(rng: random.Random, count: int = 100) -> Lesson:
    """Where to go with nothing in view but the edges at the place where one stands: on, or back if none leads on."""
    rows = []
    for _ in range(count):
        here, before, *ways = rng.sample(notation.PLACES, 5)
        ways = ways[: rng.choice((0, 1, 1, 2))]
        if ways and rng.random() < 0.25:
            ways[0] = rng.choice(notation.FLAGS)
        edges = [(here, way) for way in ways] + ([(before, here)] if rng.random() < 0.8 else [])
        rng.shuffle(edges)
        ask = notation.choice if rng.random() < 0.7 else notation.thought
        rows.append((notation.shown(edges), [_taught(ask((), here), rng.choice(ways) if ways else notation.BACK)]))
    return _stacked(rows)


def _stacked(rows: Sequence[tuple[str, list[Question]]]) -> Lesson:
    """The rows as one batch: each begins with its map, and its questions stand after it side by side."""
    head = 1 + max(len(shown) for shown, _ in rows)
    asked = len(rows[0][1])
    if any(len(shown) != head - 1 for shown, _ in rows):
        assert asked == 1, "maps of different lengths can have one question each"
        rows = [("", [Question(shown + q.text, len(shown) + q.begin, q.verdicts)]) for shown, (q,) in rows]
        head = 1
    width = max(len(question.text) for _, questions in rows for question in questions) + 1
    tokens = torch.full((len(rows), head + asked * width), PAD)
    targets = torch.full_like(tokens, UNTAUGHT)
    tokens[:, 0] = BEGIN
    for row, (shown, questions) in enumerate(rows):
        tokens[row, 1:head] = _ids(shown)
        for nth, question in enumerate(questions):
            begin = head + nth * width
            tokens[row, begin : begin + len(question.text)] = _ids(question.text)
            first = begin + question.begin - 1  # the target of a position is the token after it
            targets[row, first : first + len(question.targets)] = _ids(question.targets)
    places, mask = _layout(head, asked, width)
    return Lesson(tokens, places, mask, targets)


def _ids(text: str) -> Tensor:
    return torch.tensor([TOKEN[character] for character in text], dtype=torch.long)


@lru_cache(maxsize=512)
def _layout(head: int, asked: int, width: int) -> tuple[Tensor, Tensor | None]:
    """Positions, and the mask that keeps the questions of a map apart."""
    places = torch.cat([torch.arange(head), *[torch.arange(head, head + width)] * asked])
    if asked == 1:
        return places, None
    total = head + asked * width
    mask = torch.ones(total, total, dtype=torch.bool).tril()
    block = torch.arange(asked * width) // width
    mask[head:, head:] &= block[:, None] == block[None, :]
    return places, mask
