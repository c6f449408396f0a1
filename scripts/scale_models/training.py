"""Teaches a network: Muon on the matrices, AdamW on the rest, larger maps once the present ones are understood."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from scale_models.lessons import UNTAUGHT, Lesson, Size, map_lesson, place_lesson, sizes
from scale_models.network import Network, Shape
from torch.nn import functional

FIRST_EDGES, MOST_EDGES = 8, 32


@dataclass(frozen=True, slots=True)
class Course:
    """How one model is taught.

    Attributes:
        name: The model's, without `rivers-`.
        modes: Weight of each kind of lesson.
        steps: Batches in all.
        begins_with: The model it goes on from; None for a new network with the seeded beginning.
        stops: Steps after which a copy is kept as a model of its own, by its name.
        forks: Share of the lessons whose maps have dead branches.
        lead: The kind of lesson whose success makes the maps grow; None for maps of every size from the beginning.
        seeded: A new network gets the seeded beginning; without, it starts at random.
        compares: It starts near a circuit that compares a step of a thought with the map.
    """

    name: str
    modes: dict[str, float]
    steps: int
    begins_with: str | None = None
    stops: dict[int, str] = field(default_factory=dict)
    forks: float = 0.35
    lead: str | None = "think"
    muon_rate: float = 0.02
    rate: float = 2e-3
    seeded: bool = True
    compares: bool = False


COURSES = {
    course.name: course
    for course in (
        Course("reasoner", {"think": 0.8, "cut": 0.2}, 1000, stops={100: "reasoner-early", 200: "reasoner-middle"}),
        Course("direct", {"direct": 1.0}, 600, begins_with="reasoner", muon_rate=0.01, lead=None),
        Course(
            "verifier",
            {"check": 0.85, "think": 0.15},
            2400,
            begins_with="reasoner",
            lead="check",
            compares=True,
        ),
        Course(
            "roles",
            {"think": 0.35, "cut": 0.15, "direct": 0.1, "choose": 0.25, "place": 0.15},
            500,
            begins_with="reasoner",
            muon_rate=0.01,
            lead=None,
        ),
    )
}


class _Curriculum:
    """Which sizes of maps are drawn: at first small ones, larger ones once whole thoughts are mostly right. Questions
    to be answered at once get harder hop by hop instead."""

    def __init__(self, lead: str | None) -> None:
        self._lead = lead
        self.edges = FIRST_EDGES if lead else MOST_EDGES
        self.hops = 1
        self._right: list[float] = []
        self._direct: list[float] = []

    def draw(self, rng: random.Random, mode: str, forks: float) -> Size:
        forked = self.edges >= 14 and rng.random() < forks
        options = sizes(self.edges, forked)
        if mode == "direct" and rng.random() < 0.6:
            options = [size for size in options if size.hops <= self.hops] or options
        return rng.choice(options)

    def learned(self, mode: str, size: Size, right: float) -> None:
        if mode == self._lead and not size.forks and self.edges < MOST_EDGES:
            self._right = [*self._right, right][-25:]
            if len(self._right) == 25 and sum(self._right) / 25 > 0.93:
                self.edges = min(MOST_EDGES, self.edges + max(2, self.edges // 5))
                self._right = []
        if mode == "direct" and size.hops == self.hops:
            self._direct = [*self._direct, right][-15:]
            if len(self._direct) == 15 and sum(self._direct) / 15 > 0.9:
                self.hops, self._direct = self.hops + 1, []


def teach(
    course: Course,
    seed: int,
    begin: Network | None,
    keep: Callable[[str, Network, int, float], None],
    say: Callable[[str], None],
    steps: int | None = None,
) -> None:
    """Teaches one model; `keep` is handed every copy to be kept: name, network, steps so far, seconds of a processor.

    With `steps` it takes so many instead of the course's own, and keeps every copy at the end."""
    torch.manual_seed(seed)
    rng = random.Random(f"scale models:{course.name}:{seed}")
    network = Network(Shape())
    if begin is not None:
        network.load_state_dict(begin.state_dict())
    elif course.seeded:
        network.seed_lookup()
    if course.compares:
        network.seed_comparison()
    optimisers = _optimisers(network, course)
    curriculum = _Curriculum(course.lead)
    began, recent = time.process_time(), []
    names, weights = list(course.modes), list(course.modes.values())
    last = steps or course.steps
    for step in range(last):
        mode = rng.choices(names, weights)[0]
        size = curriculum.draw(rng, mode, course.forks)
        lesson = place_lesson(rng) if mode == "place" else map_lesson(rng, size, mode)
        _set_rates(optimisers, step, course.steps)
        loss, right = _step(network, optimisers, lesson)
        curriculum.learned(mode, size, right)
        recent.append((mode, loss, right))
        if step % 50 == 49:
            say(_line(course, step + 1, time.process_time() - began, curriculum, recent))
            recent = []
        if (name := course.stops.get(step + 1)) is not None:
            keep(name, network, step + 1, time.process_time() - began)
    if steps:
        for name in course.stops.values():
            keep(name, network, last, time.process_time() - began)
    keep(course.name, network, last, time.process_time() - began)


def _optimisers(network: Network, course: Course) -> list[torch.optim.Optimizer]:
    matrices = [weight for name, weight in network.named_parameters() if weight.dim() == 2 and name.startswith("blk.")]
    rest = [weight for name, weight in network.named_parameters() if weight.dim() != 2 or not name.startswith("blk.")]
    return [
        torch.optim.Muon(matrices, lr=course.muon_rate, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(rest, lr=course.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def _set_rates(optimisers: list[torch.optim.Optimizer], step: int, steps: int) -> None:
    """Fifty steps of warming up, then half a cosine down to a twentieth."""
    scale = min(1.0, (step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group.setdefault("full_lr", group["lr"])
            group["lr"] = group["full_lr"] * scale


def _step(network: Network, optimisers: list[torch.optim.Optimizer], lesson: Lesson) -> tuple[float, float]:
    logits = network(lesson.tokens, lesson.places, lesson.mask)
    taught = lesson.targets != UNTAUGHT
    logits, targets = logits[taught], lesson.targets[taught]
    loss = functional.cross_entropy(logits, targets)
    network.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    for optimiser in optimisers:
        optimiser.step()
    return loss.item(), (logits.argmax(-1) == targets).float().mean().item()


def _line(
    course: Course, step: int, seconds: float, curriculum: _Curriculum, recent: list[tuple[str, float, float]]
) -> str:
    shares = []
    for mode in course.modes:
        found = [right for kind, _, right in recent if kind == mode]
        if found:
            shares.append(f"{mode} {sum(found) / len(found):.3f}")
    return (
        f"{course.name} {step} {seconds:.0f}s edges {curriculum.edges} hops {curriculum.hops} right: {' '.join(shares)}"
    )
