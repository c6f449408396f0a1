"""Any generator of the reasoning-gym library as a task, scored by the library's own scorer.

The levels of a generator's curriculum are the difficulty. `_gym.CURATED` names generators whose levels were tried.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fourdials.errors import GraderError, InputError
from fourdials.grading import tidy_number
from fourdials.plugins import Environment, Question, SearchTool, TaskInfo
from fourdials.records import Access, Format, Grade, Message, Problem, Prompt, Reads
from fourdials.tasks._gym import CURATED, FOR_SMALL_MODELS, Shield, dataset, entries, rungs
from fourdials.tasks._gym_safety import may_be_scored

_MARK = "Answer:"
_RIGHT = 0.99  # of the library's score
_SHOT_SEED = 700_001  # of the shots, whatever the experiment's seed; their questions are never asked
_SAMPLE = 24  # instances that decide how answers are read
_SHOT_CHARACTERS = 3000
_DRAWS = 100  # for each problem wanted; if they do not do, hardly any distinct ones are left


class Params(BaseModel):
    """Parameters of `reasoning_gym`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generator: str = Field(
        "chain_sum",
        min_length=1,
        description=f"Name of a reasoning-gym generator. Tried: {', '.join(CURATED)}; of these, small models can do "
        f"something with {', '.join(FOR_SMALL_MODELS)}.",
    )
    levels: tuple[Annotated[int, Field(ge=0, le=20)], ...] = Field(
        (0, 1, 2),
        min_length=1,
        max_length=16,
        description="Levels of the generator's curriculum, easiest 0; the problems take these in turn. Levels that "
        "come to the same parameters are one.",
    )
    config: dict[str, Any] = Field(
        default_factory=dict,
        description="The generator's own parameters, put over those of the level; it checks them itself.",
    )
    shots: int = Field(8, ge=0, le=16, description="Worked examples put before a completion prompt, at most.")

    @field_validator("config")
    @classmethod
    def _leaves_seed_and_size(cls, config: dict[str, Any]) -> dict[str, Any]:
        taken = sorted({"seed", "size"} & set(config))
        if taken:
            raise ValueError(f"{' and '.join(taken)} come from the experiment (seed, problems); remove them here")
        return config


INFO = TaskInfo(
    title="Reasoning gym",
    summary="Puzzles, arithmetic, logic and games made by one of the generators of the reasoning-gym library and "
    "scored by its own scorer. How hard they are is set by the levels of its curriculum.",
    offers={"chat": frozenset({"given", "think"}), "completion": frozenset({"given"})},
    difficulty="level of the generator's curriculum",
    context_tokens=1200,
)


def problems(params: Params, count: int, seed: int) -> list[Problem]:
    """`count` problems with distinct questions, none of them among the shots.

    Raises InputError for an unknown generator, parameters it refuses, and where it makes too few distinct problems."""
    config = json.dumps(params.config, sort_keys=True, default=str)
    levels = [
        _Level(params, made, level, seed) for made, level in rungs(params.generator, config, params.levels).items()
    ]
    found: dict[str, Problem] = {}
    for place in range(count):
        problem = levels[place % len(levels)].draw(found, _DRAWS * count)
        if problem is None:
            made = levels[place % len(levels)].data["config"]
            raise InputError(
                f"reasoning-gym's {params.generator} with config {made} made only {len(found)} distinct problems where "
                f"{count} are wanted; ask for fewer, lower shots, widen its parameters or take other levels"
            )
        found[problem.text] = problem
    return list(found.values())


class _Level:
    """One level of the curriculum: its shots, and the problems it still has to give."""

    def __init__(self, params: Params, config: str, level: int, seed: int) -> None:
        sample = list(islice(entries(params.generator, config, _SHOT_SEED), _SAMPLE))
        shots = _shots(sample, params.shots)
        made = {"generator": params.generator, "config": config, "level": level, "reads": _reads(sample)}
        self.data: Mapping[str, Any] = {**made, "shots": shots}
        self._shown = {question for question, _ in shots}
        self._entries, self._seed, self._drawn = entries(params.generator, config, seed), seed, 0

    def draw(self, found: Mapping[str, Problem], most: int) -> Problem | None:
        """The next problem that is not among those found; None once `most` entries were looked at, or all."""
        for entry in self._entries:
            self._drawn += 1
            text = str(entry["question"])
            if text not in self._shown and text not in found:
                return _problem(entry, self._seed, len(found), self.data)
            if self._drawn >= most:
                break
        return None


def _problem(entry: Mapping[str, Any], seed: int, number: int, data: Mapping[str, Any]) -> Problem:
    reference = entry["answer"]
    text = str(entry["question"])
    name = f"{data['generator']}-{seed}-{number}"
    return Problem(
        task="reasoning_gym",
        problem_id=name,
        cluster_id=name,
        difficulty=float(data["level"]),
        text=text,
        reference=reference,
        data=MappingProxyType({**data, "question": text}),
        world=MappingProxyType({"entry": entry}),
        truths=MappingProxyType({} if reference is None else {"answer": str(reference)}),
    )


def _shots(sample: Sequence[Mapping[str, Any]], count: int) -> tuple[tuple[str, str], ...]:
    """Up to `count` distinct questions with answers, as many as fit a small context."""
    picked: dict[str, str] = {}
    for entry in sample:
        text, answer = str(entry["question"]), entry["answer"]
        length = sum(len(q) + len(a) for q, a in picked.items()) + len(text) + len(str(answer))
        if answer is not None and len(picked) < count and length <= _SHOT_CHARACTERS:
            picked.setdefault(text, str(answer))
    return tuple(picked.items())


def _reads(sample: Sequence[Mapping[str, Any]]) -> Reads:
    answers = [str(entry["answer"]) for entry in sample if entry["answer"] is not None]
    if answers and all(_is_number(answer) for answer in answers):
        return "number"
    return "block" if any("\n" in answer.strip() for answer in answers) or not answers else "text"


def _is_number(text: str) -> bool:
    plain = text.strip().removeprefix("-")
    return plain.replace(".", "", 1).isdecimal() and tidy_number(text) == text.strip()


def question(problem: Problem, access: Access, format: Format) -> Question:
    """The problem rendered without its reference."""
    if access != "given":
        raise InputError(f"reasoning_gym offers no {access}; use a strategy whose access is given")
    text: str = problem.data["question"]
    reads: Reads = problem.data["reads"]
    think = None
    if format == "chat":
        answer = _chat(f"{text}\n\nReply with the answer only.", reads, 128 if reads != "block" else 512)
        place = f"`{_MARK}` and the answer" if reads != "block" else f"`{_MARK}` and then the answer"
        think = _chat(f"{text}\n\nThink step by step. End with a line that starts with {place}.", reads, 2048)
    else:
        answer = _completion(text, reads, problem.data["shots"])
    return Question(
        problem_id=problem.problem_id,
        task=problem.task,
        access=access,
        format=format,
        text=text,
        answer=answer,
        think=think,
        answer_mark=_MARK,
    )


def _chat(text: str, reads: Reads, max_tokens: int) -> Prompt:
    return Prompt(messages=(Message("user", text),), max_tokens=max_tokens, reads=reads, mark=_MARK)


def _completion(text: str, reads: Reads, shots: Sequence[tuple[str, str]]) -> Prompt:
    block = reads == "block"
    worked = "".join(f"{_cue(question)} {answer}\n\n" for question, answer in shots)
    stop = ("\n\n",) if block else ("\n",)
    return Prompt(text=worked + _cue(text), stop=stop, max_tokens=512 if block else 64, reads=reads)


def _cue(text: str) -> str:
    """The question as a line that the answer continues."""
    plain = text.rstrip()
    return plain if plain.endswith("=") else f"{plain}\n{_MARK}"


def grade(problem: Problem, answer: str) -> Grade:
    """The library's own score, cut to [0, 1]; right from 0.99 on.

    An answer the scorer cannot read, though it reads the reference, is `unparsed`; so is one that it would run as code.
    Raises GraderError if the scorer fails on the reference too, or gives no number: then the fault is its own."""
    if not may_be_scored(problem.data["generator"], answer):
        return Grade(0.0, "unparsed", {"unread": "neither a plain list nor a plain formula"})
    try:
        raw = _score(problem, answer)
    except GraderError as error:
        if problem.reference is None or not _score(problem, str(problem.reference)) >= _RIGHT:
            raise
        return Grade(0.0, "unparsed", {"unread": str(error)})
    if math.isnan(raw):
        raise GraderError(f"reasoning-gym's scorer of {problem.data['generator']} gave no number")
    score = min(1.0, max(0.0, raw))
    return Grade(score, "correct" if score >= _RIGHT else "wrong", {"library_score": raw})


def _score(problem: Problem, answer: str) -> float:
    """What the library's scorer says; raises GraderError for whatever it raises."""
    made = dataset(problem.data["generator"], problem.data["config"], _SHOT_SEED)
    entry = {**problem.world["entry"], "answer": problem.reference}
    scorer = f"reasoning-gym's scorer of {problem.data['generator']}"
    with Shield(lambda error: GraderError(f"{scorer} failed: {type(error).__name__}: {error}")):
        return float(made.score_answer(answer, entry))


def ballot(problem: Problem, answer: str) -> str:
    """The text as it stands: each of the library's scorers tells answers apart in a way of its own."""
    return answer.strip()


def chance(problem: Problem) -> float:
    """0.0: the possible answers cannot be listed."""
    return 0.0


def constant(problems: Sequence[Problem]) -> str:
    """The most frequent reference, the first in the alphabet among equals; empty if there is none."""
    counts = Counter(str(problem.reference) for problem in problems if problem.reference is not None)
    return min(counts, key=lambda answer: (-counts[answer], answer), default="")


def search_tool(problem: Problem) -> SearchTool:
    """None: raises InputError."""
    raise InputError("reasoning_gym offers no search; use a strategy whose access is given")


def environment(problem: Problem, format: Format) -> Environment:
    """None: raises InputError."""
    raise InputError("reasoning_gym offers no environment; use a strategy whose access is given")
