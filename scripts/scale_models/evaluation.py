"""How well a network plays, asked with the task's own prompts; and replies recorded for a test without torch."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
from scale_models.lessons import BEGIN, VOCABULARY
from scale_models.network import Network

from fourdials.grading import extract
from fourdials.plugins import Question
from fourdials.records import Problem, Prompt
from fourdials.tasks import _rivers as notation
from fourdials.tasks import rivers

END = ";"
HOPS = (2, 4, 6, 8)
TEST_SEED = 7_000_001  # problems that no lesson is drawn from: lessons have a random stream of their own
Ask = Callable[[Problem, Question], Prompt]
ANSWERS: dict[str, Ask] = {
    "thinks": lambda problem, question: question.think or question.answer,
    "answers at once": lambda problem, question: question.answer,
}


@torch.no_grad()
def replies(
    network: Network,
    prompts: Sequence[str],
    longest: int,
    temperature: float = 0.0,
    vocabulary: Sequence[str] = VOCABULARY,
) -> list[str]:
    """The reply to each prompt, up to `;` or so many tokens; greedy at temperature 0, else plain sampling."""
    network.eval()
    token = {piece: number for number, piece in enumerate(vocabulary)}
    found = [""] * len(prompts)
    by_length: dict[int, list[int]] = {}
    for place, prompt in enumerate(prompts):
        by_length.setdefault(len(prompt), []).append(place)
    for places in by_length.values():
        tokens = torch.tensor([[BEGIN, *(token[sign] for sign in prompts[place])] for place in places])
        for _ in range(longest):
            logits = network(tokens)[:, -1]
            drawn = torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0] if temperature else logits.argmax(-1)
            going = [row for row, number in enumerate(drawn.tolist()) if number != token[END]]
            for row in going:
                found[places[row]] += vocabulary[drawn[row]]
            if not going:
                break
            tokens, places = torch.cat([tokens, drawn[:, None]], 1)[going], [places[row] for row in going]
    network.train()
    return found


def accuracy(
    network: Network, ask: Ask, count: int, temperature: float, forks: int = 0, hops: Sequence[int] = HOPS
) -> dict[int, float]:
    """Share of right answers by hops on maps of four rivers, `count` problems each."""
    shares = {}
    for far in hops if not forks else hops[:2]:
        params = rivers.Params(hops=(far,), forks=forks)
        problems = rivers.problems(params, count, TEST_SEED)
        asked = [ask(problem, rivers.question(problem, "given", "completion")) for problem in problems]
        said = replies(network, [prompt.text for prompt in asked], asked[0].max_tokens, temperature)
        answers = [extract(prompt, reply) for prompt, reply in zip(asked, said, strict=True)]
        right = [answer == problem.reference for answer, problem in zip(answers, problems, strict=True)]
        shares[far] = sum(right) / count
    return shares


# Maps on which verdicts are asked for: rivers, hops, forks, their reach.
CHECKED = {"24 edges, 2 forks a river": (4, 4, 2, 1), "10 edges, 1 fork a river": (2, 4, 1, 1), "8 edges": (2, 4, 0, 1)}


def roles(network: Network, count: int) -> dict[str, float]:
    """Share of right replies to look-ups, to steps with the whole map in view, and to checks of a thought."""
    rng = random.Random(TEST_SEED)
    asked: dict[str, list[tuple[str, set[str]]]] = {"looks up": [], "acts on the map": []}
    for _ in range(count):
        drawn = notation.draw(rng, 4, 4, 2, 1)
        here = rng.choice(sorted({place for edge in drawn.edges for place in edge} - set(notation.FLAGS)))
        ways = drawn.onward(here)
        good = {way for way in ways if drawn.flag(way)} or {notation.BACK}
        asked["looks up"].append((notation.choice(drawn.touching(here), here), set(ways) or {notation.BACK}))
        asked["acts on the map"].append((notation.choice(drawn.edges, here), good))
    for told, size in CHECKED.items():
        for kind, whole in (("whole thoughts", True), ("beginnings", False)):
            pairs = [claim(rng, notation.draw(rng, *size), bool(place % 2), whole) for place in range(count)]
            asked[f"verifies {kind}, {told}"] = [(text, {verdict}) for text, verdict in pairs]
    return {
        role: sum(
            said in good
            for said, (_, good) in zip(replies(network, [text for text, _ in pairs], 1), pairs, strict=True)
        )
        / len(pairs)
        for role, pairs in asked.items()
    }


def claim(rng: random.Random, drawn: notation.Rivers, sound: bool, whole: bool) -> tuple[str, str]:
    """A thought to be checked, or the beginning of one, and the right verdict.

    How long it is is drawn before where it slips, and every map has rivers of one length, so that the length gives
    nothing away: a beginning that slips has entered a dead branch with its last step, or follows another river."""
    course, *others = drawn.courses
    start, walked = course[0], course[1:]
    length = len(walked) if whole else rng.randint(1, len(walked) - 1)
    claimed = walked[:length]
    if not sound:
        place, into = rng.randrange(length), rng.choice(others)[1:]
        claimed = claimed[:place] + into[place:length]
        dead = [way for way in drawn.onward(course[length - 1]) if drawn.flag(way) is None]
        if dead and not whole and rng.random() < 0.5:
            claimed = walked[: length - 1] + dead[0]
    claimed = f"{claimed}={claimed[-1]}" if whole else claimed
    assert notation.sound(drawn, start, claimed) is sound
    return notation.check(drawn.edges, start, claimed), notation.YES if sound else notation.NO


def recorded(network: Network, count: int) -> list[list[str | int]]:
    """Prompts of every kind, the most tokens each may take, and the network's greedy replies."""
    rng = random.Random(TEST_SEED + 1)
    asked: list[tuple[str, int]] = []
    while len(asked) < count:
        drawn = notation.draw(rng, rng.choice((2, 3, 4)), rng.randint(2, 5), rng.choice((0, 1)), 1)
        start = drawn.courses[0][0]
        here = rng.choice(drawn.edges)[0]
        asked += [
            (notation.thought(drawn.edges, start), 24),
            (notation.direct(drawn.edges, start), 2),
            (notation.choice(drawn.touching(here), here), 1),
            (notation.check(drawn.edges, start, drawn.walk(start, rng).rstrip(notation.BACK)), 1),
        ]
    said = [reply for text, longest in asked for reply in replies(network, [text], longest)]
    return [[text, longest, reply] for (text, longest), reply in zip(asked, said, strict=True)]
