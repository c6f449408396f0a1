"""A made-up world of people, towns and jobs, and questions that hop through it: who is the boss of Bob's mother?

The same question can be asked with passages given, with a search tool over the world's sentences, or from inside the
world, one page at a time, so all four dials run on it. Several questions share a world, which is their cluster; as
twins they share the facts they are given, too. Facts are sentences of pages, rows of a table, or some of each.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fourdials.errors import InputError
from fourdials.grading import named, normal
from fourdials.plugins import Evidence, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Problem
from fourdials.tasks._lookup import SentenceSearch, StoreSearch
from fourdials.tasks._seeking import lookup
from fourdials.tasks._seeking import truths as seeking
from fourdials.tasks._vocabulary import JOBS, PEOPLE, TOWNS
from fourdials.tasks._walking import WalkEnvironment, Wording, truths
from fourdials.tasks._walking import evidence as walk_evidence
from fourdials.tasks._walking import question as walk_question

_KIND_OF = {"town": "town", "job": "job"}
_RELATIONS = {
    "person": ("mother", "boss", "teacher", "doctor", "friend", "coach", "lawyer", "cousin", "town", "job"),
    "town": ("mayor", "judge", "sheriff", "priest", "baker", "guard"),
    "job": ("patron", "founder", "champion", "master", "critic", "rival"),
}
_STATED = re.compile(r"(\w+)'s (\w+)(?: is|:) (\w+)")  # also as a transcript has it, `Sue's boss: Rob`
_ROW = re.compile(r"(\w+) \| (\w+) \| (\w+)")
_NAMES_IN_LINE = re.compile(r"^\w+(?='s | \|)|(?<= is )\w+(?=\.$)|(?<=\| )\w+$")
_IN_TABLE: dict[str, frozenset[str]] = {  # relations whose facts are rows of the table
    "pages": frozenset(),
    "both": frozenset(
        {"boss", "teacher", "doctor", "coach", "lawyer", "mayor", "judge", "sheriff", "founder", "master"}
    ),
    "table": frozenset(relation for relations in _RELATIONS.values() for relation in relations),
}
Stores = Literal["pages", "table", "both"]
Pages = dict[str, dict[str, str]]
Walk = tuple[tuple[str, ...], tuple[str, ...]]  # the names on the way and the relations between them


class Params(BaseModel):
    """Parameters of `wikiworld`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hops: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        (1, 2, 3), min_length=1, max_length=24, description="Relations to follow; the questions take these in turn."
    )
    people: int = Field(20, ge=8, le=len(PEOPLE), description="People in each world.")
    facts_per_page: int = Field(3, ge=2, le=6, description="Facts on the page of each person, town and job.")
    passages: int = Field(6, ge=2, le=400, description="Facts given in the prompt: those needed and distractors.")
    questions_per_world: int = Field(4, ge=1, le=20, description="Questions that share one world.")
    twins: bool = Field(
        False, description="Give all questions of a world the same facts, those that any of them needs."
    )
    stores: Stores = Field(
        "pages", description="Where facts are: sentences of pages, rows of a table, or both by the kind of relation."
    )

    @model_validator(mode="after")
    def _fits(self) -> Params:
        if self.twins and self.passages < (most := self.questions_per_world * max(self.hops)):
            raise ValueError(
                f"passages must be at least questions_per_world times the largest of hops, {most}, for twins"
            )
        if self.passages < max(self.hops):
            raise ValueError(f"passages must be at least the largest of hops, {max(self.hops)}, to hold every hop")
        return self


INFO = TaskInfo(
    title="Wiki world",
    summary="Questions that follow one to several relations through a made-up world of people, towns and jobs. Hard "
    "because every hop needs the answer of the one before, and most facts lead elsewhere.",
    offers={
        "chat": frozenset({"given", "search", "environment", "steps", "store", "think", "context", "queries"}),
        "completion": frozenset({"given", "search", "environment", "steps", "store", "think", "context", "queries"}),
    },
    difficulty="hops",
    context_tokens=1000,
)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` questions, world after world; a world's questions share its cluster."""
    found: list[Problem] = []
    while len(found) < count:
        found.extend(_world(params, seed, len(found)))
    return found[:count]


def _world(params: Params, seed: int, first: int) -> list[Problem]:
    number = first // params.questions_per_world
    rng = random.Random(f"wikiworld:{seed}:{number}")
    pages = _pages(params, rng)
    world = MappingProxyType({"pages": {name: _lines(name, pages[name], params.stores) for name in pages}})
    asked: set[tuple[str, ...]] = set()
    walks, given = [], []
    for index in range(params.questions_per_world):
        walks.append(_route(pages, params.hops[(first + index) % len(params.hops)], rng, asked))
        if not params.twins:
            given.append(_given(world["pages"], walks[-1:], params, rng))
    if params.twins:
        given = [_given(world["pages"], walks, params, rng)] * len(walks)
    return [
        _problem(params, f"{seed}-{number}", index, walk, facts, pages, world)
        for index, (walk, facts) in enumerate(zip(walks, given, strict=True))
    ]


def _problem(
    params: Params,
    cluster: str,
    index: int,
    walk: Walk,
    facts: tuple[str, ...],
    pages: Pages,
    world: Mapping[str, Any],
) -> Problem:
    trail, turns = walk
    shown = sorted(set(_WORDING.names(facts, but=trail[0])) & set(PEOPLE))
    data: dict[str, Any] = {"start": trail[0], "turns": turns, "facts": facts, "options": tuple(shown)}
    data["candidates"] = _candidates(f"{cluster}-{index}", trail, len(shown), pages)
    data |= {"sharing": params.questions_per_world} if params.twins else {}
    data |= {"stores": params.stores} if params.stores != "pages" else {}
    return Problem(
        task="wikiworld",
        problem_id=f"{cluster}-{index}",
        cluster_id=cluster,
        difficulty=len(turns),
        text=_ask(trail[0], turns),
        reference=trail[-1],
        data=MappingProxyType(data),
        world=world,
        truths=MappingProxyType(truths(turns, pages, trail[-1], _WORDING) | seeking(turns, pages, _WORDING)),
        oracle_steps=len(turns),
    )


def _candidates(problem_id: str, trail: Sequence[str], count: int, pages: Pages) -> tuple[str, ...]:
    """Possible answers for whoever has yet to find the facts: the right one and others from anywhere in the world.

    The people in the given facts would tell what to look up. As many are listed, so that a guess is as good."""
    others = sorted(set(pages) & set(PEOPLE) - {trail[0], trail[-1]})
    drawn = random.Random(f"wikiworld:candidates:{problem_id}:{trail[-1]}").sample(others, count - 1)
    return tuple(sorted((*drawn, trail[-1])))


def _pages(params: Params, rng: random.Random) -> Pages:
    """For every entity, where each of its relations leads. No two facts of a page lead to the same place."""
    places = max(params.facts_per_page, params.people // 4)
    names = {
        "person": rng.sample(PEOPLE, params.people),
        "town": rng.sample(TOWNS, places),
        "job": rng.sample(JOBS, places),
    }
    pages: Pages = {}
    for kind, members in names.items():
        for name in members:
            # One relation to a person at least, so that no walk is stuck in places.
            relations = [rng.choice([r for r in _RELATIONS[kind] if r not in _KIND_OF])]
            relations += rng.sample([r for r in _RELATIONS[kind] if r not in relations], params.facts_per_page - 1)
            rng.shuffle(relations)
            page: dict[str, str] = {}
            for relation in relations:
                taken = {name, *page.values()}
                page[relation] = rng.choice([n for n in names[_KIND_OF.get(relation, "person")] if n not in taken])
            pages[name] = page
    order = list(pages)
    rng.shuffle(order)
    return {name: pages[name] for name in order}


def _route(pages: Pages, hops: int, rng: random.Random, asked: set[tuple[str, ...]]) -> Walk:
    """A walk that visits nothing twice, ends at a person, and was not asked before: its names and its relations."""
    people = sorted(set(pages) & set(PEOPLE))
    for _ in range(2000):
        trail, turns = [rng.choice(people)], []
        for hop in range(hops):
            ways = [
                (relation, there)
                for relation, there in pages[trail[-1]].items()
                if there not in trail and (there in PEOPLE or hop < hops - 1)
            ]
            if not ways:
                break
            relation, there = rng.choice(ways)
            trail.append(there)
            turns.append(relation)
        if len(turns) == hops and (trail[0], *turns) not in asked:
            asked.add((trail[0], *turns))
            return tuple(trail), tuple(turns)
    raise InputError(
        f"a world of {len(people)} people has no further question of {hops} hops; "
        "raise people or lower questions_per_world"
    )


def _given(
    world: Mapping[str, Sequence[str]], walks: Sequence[Walk], params: Params, rng: random.Random
) -> tuple[str, ...]:
    """The facts these walks need and distractors, half of them from pages on the way, shuffled."""
    hops = [hop for trail, turns in walks for hop in zip(trail, turns, trail[1:], strict=False)]
    needed = list(dict.fromkeys(_line(*hop, params.stores) for hop in hops))
    on_the_way = {name for trail, _ in walks for name in trail}
    others = [line for lines in world.values() for line in lines if line not in needed]
    rng.shuffle(others)
    near = [line for line in others if _NAMES_IN_LINE.findall(line)[0] in on_the_way]
    far = [line for line in others if line not in near]
    wanted = min(params.passages - len(needed), len(others))
    picked = near[: (wanted + 1) // 2]
    picked += (far + near[len(picked) :])[: wanted - len(picked)]
    facts = needed + picked
    rng.shuffle(facts)
    return tuple(facts)


def _line(here: str, relation: str, there: str, stores: Stores) -> str:
    if relation in _IN_TABLE[stores]:
        return f"{here} | {relation} | {there}"
    return f"{here}'s {relation} is {there}."


def _lines(here: str, page: dict[str, str], stores: Stores) -> tuple[str, ...]:
    return tuple(_line(here, relation, there, stores) for relation, there in page.items())


def _chain(start: str, turns: Sequence[str]) -> str:
    return "'s ".join((start, *turns))


def _ask(start: str, turns: Sequence[str]) -> str:
    return f"Who is {_chain(start, turns)}?"


# The people of the shots never appear in a world, so no shot can give an answer away.
_DIRECT_SHOTS = """\
Guy's boss is Pam. Pam's friend is Jude. Guy's town is Lyon. Sue's boss is Rob.
Guy's boss is Pam
Sue's teacher is Rob. Rob's town is Lyon. Lyon's mayor is Pat. Rob's doctor is Guy.
Sue's teacher's doctor is Guy
Pat's cousin is Sue. Sue's job is vet. vet's patron is Rob. Pat's boss is Jude.
Pat's cousin's job's patron is Rob
"""
_THINK_SHOTS = """\
Guy's boss is Pam. Pam's friend is Jude. Guy's town is Lyon. Sue's boss is Rob.
Guy's boss? Guy's boss is Pam. Answer: Pam
Sue's teacher is Rob. Rob's town is Lyon. Lyon's mayor is Pat. Rob's doctor is Guy.
Sue's teacher's doctor? Sue's teacher is Rob. Rob's doctor is Guy. Answer: Guy
Pat's cousin is Sue. Sue's job is vet. vet's patron is Rob. Pat's boss is Jude.
Pat's cousin's job's patron? Pat's cousin is Sue. Sue's job is vet. vet's patron is Rob. Answer: Rob
"""
_QUERY_SHOTS = """\
Sue's teacher's doctor: nothing -> Sue's teacher
Guy's boss: nothing -> Guy's boss
Pat's boss's friend: Pat's boss is Rob. -> Rob's friend
Sue's teacher's doctor: Sue's teacher is Rob. Rob's doctor is Guy. -> done
Pat's cousin's job's patron: nothing -> Pat's cousin
Pat's cousin's job's patron: Pat's cousin is Sue. -> Sue's job
Guy's boss: Guy's boss is Pam. -> done
Pat's cousin's job's patron: Pat's cousin is Sue. Sue's job is vet. -> vet's patron
Jude's doctor's coach: Jude's doctor is Pam. -> Pam's coach
"""

_WORDING = Wording(
    entities=_NAMES_IN_LINE.findall,
    ask=_ask,
    cue=lambda here, turn: f"{here}'s {turn} is",
    query=lambda here, turn: f"{here}'s {turn}",
    asks_next=lambda here, turn: f"What or who is {here}'s {turn}?",
    between=" ",
    direct_shots=_DIRECT_SHOTS,
    direct_cue=lambda start, turns: f"{_chain(start, turns)} is",
    think_shots=_THINK_SHOTS,
    think_cue=lambda start, turns: f"{_chain(start, turns)}?",
    think_form="one name",
    move="open",
    recap_last=True,
    given_twice=False,
    query_shots=_QUERY_SHOTS,
    rules="This is about a made-up world; only its facts count, not what you know.",
)


_ROWS = " Some facts are rows of a table, such as `Sue | boss | Rob` for: Sue's boss is Rob."
_TWO_STORES = (
    f" A search that starts with `table:` or `pages:` asks only that store; the table has every fact of these kinds: "
    f"{', '.join(sorted(_IN_TABLE['both']))}."
)


def _wording(problem: Problem, access: Access) -> Wording:
    """How this problem speaks: a chat model is told of rows, and of the two stores where it can search them."""
    stores: Stores = problem.data.get("stores", "pages")
    if stores == "pages":
        return _WORDING
    return replace(
        _WORDING, rules=_WORDING.rules + _ROWS + (_TWO_STORES if (stores, access) == ("both", "search") else "")
    )


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    asked = walk_question(_wording(problem, access), problem, access, format)
    if (access, format) == ("search", "completion"):
        asked = replace(asked, lookup=lookup(_WORDING, problem))
    facts: tuple[str, ...] = problem.data["facts"] if access == "given" else ()
    between = _WORDING.between if format == "completion" else "\n"
    return replace(asked, context=between.join(facts), sharing=problem.data.get("sharing", 1))


def evidence(problem: Problem) -> Evidence:
    """The facts of the world: of a person (or place) and a relation, where it leads."""
    return walk_evidence(problem, _stated, "{}'s {}".format)


def _stated(text: str) -> list[tuple[str, str]]:
    found = [(f"{here}'s {relation}", there) for here, relation, there in _STATED.findall(text)]
    return found + [(f"{here}'s {relation}", there) for here, relation, there in _ROW.findall(text)]


def grade(problem: Problem, answer: str) -> Grade:
    """Right if the answer names the reference and nobody else."""
    name = named(answer, PEOPLE + TOWNS + JOBS)
    right = name == problem.reference
    return Grade(float(right), "correct" if right else "wrong", {"read": name})


def ballot(problem: Problem, answer: str) -> str:
    """Whom or what the answer names."""
    return named(answer, PEOPLE + TOWNS + JOBS) or normal(answer)


def chance(problem: Problem) -> float:
    """A guess among the candidates: the people in the given facts or, to be found by search, as many of the world."""
    return 1 / len(problem.data["options"])


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference, the first in the alphabet among equals; empty for no problems."""
    counts = Counter(str(problem.reference) for problem in problems)
    return min(counts, key=lambda name: (-counts[name], name), default="")


def search_tool(problem: Problem) -> SearchTool:
    """BM25 over every sentence of the world, and over the rows of its table."""
    lines = [line for lines in problem.world["pages"].values() for line in lines]
    rows = [line for line in lines if " | " in line]
    if not rows:
        return SentenceSearch(lines)
    return StoreSearch({"pages": [line for line in lines if line not in rows], "table": rows})


def environment(problem: Problem, format: Format) -> WalkEnvironment:
    """The world's pages, one at a time, each with its rows of the table, from the person the question starts with."""
    return WalkEnvironment(_wording(problem, "environment"), problem, format)
